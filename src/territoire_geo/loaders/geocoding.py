"""
IGN, geocoder of the Géoplateforme (Base adresse nationale): coordinates of addresses, with the score of the answer.

An answer is used when its score is at least `RELIABLE` and it lies where the address says: same post code, or same
département and same city (the post code may be a CEDEX, that no commune has). What is refused has no coordinates.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from territoire_geo.cog import departement
from territoire_geo.errors import SourceError, SourceFormatError
from territoire_geo.loaders import _base
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._fetch import Ask, Door, fetch, fetch_json
from territoire_geo.loaders._places import CEDEX
from territoire_geo.loaders._read import read_texts
from territoire_geo.loaders._territory import plain

SOURCE: Final = "ign_geocodage"
# The producer's own example of a right answer to an incomplete street has 0.52; under a half, another street is common.
RELIABLE: Final = 0.5
FEW: Final = 25  # addresses asked one by one, each kept in the cache; more are sent together
BATCH: Final = 1000  # addresses in one file: well under the time that the service gives a request
LONGEST: Final = 200  # characters of a question
GIVE_UP: Final = 2  # failures in a row
ASKED: Final = ["address", "post_code", "city"]
GIVEN: Final = ["lon", "lat", "score", "postcode", "citycode", "city"]
# Columns that the service adds to a file, and the name of the same in its JSON.
RESULTS: Final[Mapping[str, str]] = {
    "longitude": "lon",
    "latitude": "lat",
    "result_score": "score",
    "result_postcode": "postcode",
    "result_citycode": "citycode",
    "result_city": "city",
}


@dataclass(frozen=True, eq=False)
class Geocoded:
    """
    What the geocoder knows of addresses.

    `frame` has the index of the addresses and the columns lon and lat [degrees], score [0-1] and citycode (that of the
    arrondissement in Paris, Lyon and Marseille), NaN and blank where no answer is reliable. `refused` counts the
    answers that are not, `unanswered` the addresses that could not be asked, and `failure` says why.
    """

    frame: pd.DataFrame
    refused: int = 0
    unanswered: int = 0
    failure: str = ""


def geocode(door: Door, addresses: pd.DataFrame) -> Geocoded:
    """
    Find the coordinates of addresses.

    Up to 25 addresses are asked one by one, more in files of 1,000; the same address is asked once. A failure is no
    error: what was answered before it is given.

    Parameters
    ----------
    door
        The network, or its cache.
    addresses
        Columns address, post_code and city, as text; a row without address is not asked.

    Returns
    -------
    geocode
        Coordinates, and what is not known.
    """
    there = addresses[addresses["address"].str.strip().ne("")]
    distinct = there[ASKED].drop_duplicates()
    distinct = distinct.assign(filter=_real_post_codes(distinct["post_code"]), place=_city_names(distinct["city"]))
    service = entry(SOURCE)
    search = _one_by_one if len(distinct) <= FEW else _in_files
    found, failure = search(door, service, distinct)
    good = found[_reliable(found, distinct)]
    key = pd.MultiIndex.from_frame(there[ASKED])
    book = good[["lon", "lat", "score", "citycode"]].set_axis(
        pd.MultiIndex.from_frame(distinct.loc[good.index, ASKED]), axis=0
    )
    frame = book.reindex(key).set_axis(there.index, axis=0).reindex(addresses.index)
    frame["citycode"] = frame["citycode"].fillna("")
    answered = key.isin(pd.MultiIndex.from_frame(distinct.loc[found.index, ASKED]))
    refused = int(frame.loc[there.index[answered], "lon"].isna().sum())
    return Geocoded(frame, refused, int((~answered).sum()), failure)


def _city_names(cities: "pd.Series[str]") -> "pd.Series[str]":
    return cities.str.replace(CEDEX, "", regex=True).str.strip()


def _real_post_codes(post_codes: "pd.Series[str]") -> "pd.Series[str]":
    """Leave out the post codes that no commune has: as a filter, they would find nothing."""
    return post_codes.where(post_codes.isin(_base.post_codes()["codes_postaux"].unique()), "")


def _reliable(found: pd.DataFrame, asked: pd.DataFrame) -> "pd.Series[bool]":
    wanted = asked.loc[found.index]
    same_code = found["postcode"].ne("") & found["postcode"].eq(wanted["post_code"])
    area = pd.Series(departement(pd.Index(found["citycode"])), index=found.index).replace({"2A": "20", "2B": "20"})
    same_area = pd.Series(
        [code != "" and post.startswith(code) for code, post in zip(area, wanted["post_code"], strict=True)],
        index=found.index,
        dtype="bool",
    )
    same_city = found["city"].map(plain).eq(wanted["place"].map(plain))
    return (
        found["score"].ge(RELIABLE) & found["lon"].notna() & found["lat"].notna() & (same_code | same_area & same_city)
    )


def _one_by_one(door: Door, service: Entry, asked: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Ask addresses one after the other; without a network, only those in the cache are known."""
    answers: dict[object, Mapping[str, object]] = {}
    failure, failures = "", 0
    for key, address, place, post_code in asked[["address", "place", "filter"]].astype("object").itertuples(name=None):
        question = " ".join(part for part in (str(address).strip(), str(place)) if part)[:LONGEST]
        params = [("q", question), ("index", "address"), ("limit", "1"), ("autocomplete", "0")]
        params += [("postcode", str(post_code))] if post_code else []
        try:
            answers[key] = _best(fetch_json(door, service, Ask(params=tuple(params)), check=_best))
            failures = 0
        except SourceError as error:
            failure, failures = str(error), failures + 1
            if failures >= GIVE_UP and not door.offline:
                break
    return _typed(pd.DataFrame.from_dict(answers, orient="index", columns=GIVEN)), failure


def _best(body: object) -> Mapping[str, object]:
    """Read the first answer of a search; every value is empty when nothing was found."""
    features = body.get("features") if isinstance(body, dict) else None
    if not isinstance(features, list):
        raise SourceFormatError(_other_shape("features"))
    if not features:
        return dict.fromkeys(GIVEN, "")
    try:
        lon, lat = features[0]["geometry"]["coordinates"][:2]
        said = features[0]["properties"]
        texts = {name: str(said.get(name) or "") for name in ("postcode", "citycode", "city")}
        return {"lon": float(lon), "lat": float(lat), "score": float(said["score"]), **texts}
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SourceFormatError(_other_shape("geometry.coordinates, properties.score")) from error


def _in_files(door: Door, service: Entry, asked: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Ask addresses by the thousand; what came before a failure is kept."""
    found, failure = [], ""
    for start in range(0, len(asked), BATCH):
        try:
            found.append(_file(door, service, asked.iloc[start : start + BATCH]))
        except SourceError as error:
            failure = str(error)
            if not door.offline:
                break
    return _typed(pd.concat(found) if found else pd.DataFrame(columns=GIVEN)), failure


def _file(door: Door, service: Entry, asked: pd.DataFrame) -> pd.DataFrame:
    sent = pd.DataFrame(
        {"n": range(len(asked)), "address": asked["address"], "city": asked["place"], "post_code": asked["filter"]}
    )
    content = io.StringIO()
    sent.to_csv(content, index=False, lineterminator="\n")
    form = [("columns", "address"), ("columns", "city"), ("postcode", "post_code")]
    form += [("result_columns", name) for name in RESULTS]
    ask = Ask(
        path=f"{service.path}/csv",
        form=tuple(form),
        upload=("data", "addresses.csv", content.getvalue().encode()),
        format="csv",
    )
    expected = [str(number) for number in sent["n"]]
    answer = fetch(door, service, ask, check=lambda path: _rows(path, expected))
    return _rows(answer.path, expected).set_axis(asked.index, axis=0)


def _rows(path: Path, expected: list[str]) -> pd.DataFrame:
    """Read a geocoded file, in the order in which it was sent."""
    [(_, frame)] = read_texts(path)
    missing = [name for name in ("n", *RESULTS) if name not in frame.columns]
    if missing:
        raise SourceFormatError(_other_shape(", ".join(missing)))
    if sorted(frame["n"]) != sorted(expected):
        message = f"{entry(SOURCE).title}: {len(expected)} addresses were sent, {len(frame)} came back, not the same."
        raise SourceFormatError(f"{message} See {entry(SOURCE).landing_page}.")
    return frame.set_index("n").loc[expected, list(RESULTS)].rename(columns=dict(RESULTS))


def _typed(found: pd.DataFrame) -> pd.DataFrame:
    numbers = {name: pd.to_numeric(found[name], errors="coerce").astype("float64") for name in ("lon", "lat", "score")}
    texts = {name: found[name].astype("str").fillna("").str.strip() for name in ("postcode", "citycode", "city")}
    return pd.DataFrame(numbers | texts, index=found.index)


def _other_shape(missing: str) -> str:
    source = entry(SOURCE)
    return f"{source.title}: the answer has no {missing}. Its format has changed: see {source.landing_page}."
