"""Write docs/sources.md from the catalogue: `python scripts/build_sources_doc.py`; a test holds it against the text."""

from pathlib import Path

from territoire_geo.loaders._catalogue import SOURCES, Entry

PAGE = Path(__file__).parents[1] / "docs" / "sources.md"
HEAD = """# Sources

This page is written by `python scripts/build_sources_doc.py` from
[`catalogue.toml`](../src/territoire_geo/loaders/catalogue.toml): to add a vintage, edit that file.

No live run has been made yet where this library is written: every contract comes from the producers' code,
specifications, recorded answers and published documentation. "To verify" says what a first live run must look at.

```bash
territoire-geo sources list              # what is known, what of it is on this machine, how old
territoire-geo sources fetch --france    # the national files, once; every diagnostic then works with --offline
territoire-geo sources fetch insee_bpe   # one source, with those that give the same tables
territoire-geo sources check             # does each producer answer, has its file changed
```

## Where things are

Answers are kept in a cache (`territoire-geo sources list` says where; `TERRITOIRE_GEO_CACHE` chooses another folder),
the national tables in its folder `france`, one Parquet file by table. A file that the machine cannot download is taken
from its page on another machine and put in the folder `by-hand/<id of the source>` of the cache: it is used as it is.
`TERRITOIRE_GEO_OFFLINE=1`, or `--offline`, opens no socket. `TERRITOIRE_GEO_URL_<SERVICE>` gives another base URL
(`TERRITOIRE_GEO_URL_MELODI=https://...`), for a mirror or a server of your own.

"""


def page() -> str:
    """
    Write the page.

    Returns
    -------
    page
        The text of docs/sources.md.
    """
    rows = [f"| [`{one.id}`](#{one.id}) | {one.producer} | {one.vintage()} | {_tables(one)} |" for one in SOURCES]
    table = ["| source | producer | vintage | tables |", "|---|---|---|---|", *rows]
    return HEAD + "\n".join(table) + "\n\n" + "\n\n".join(map(_section, SOURCES)) + "\n"


def _tables(one: Entry) -> str:
    return ", ".join(f"`{table}`" for table in one.tables) or "-"


def _section(one: Entry) -> str:
    fresh = f"asked again after {one.refresh_days:g} days" if one.refresh_days else "kept for ever"
    lines = [
        f"## {one.id}",
        "",
        f"**{one.title}** ({one.producer}, {one.vintage()})",
        "",
        f"- Gives: {one.gives}",
        f"- Limits: {one.limits}",
        f"- Licence: {one.licence}. To cite: {one.cite or one.source().cite()}.",
        f"- Page: <{one.landing_page}>; asked at `{one.url}`, service `{one.service.id}`, {fresh}.",
    ]
    if one.cog_year:
        lines.append(f"- Commune codes of {one.cog_year}, brought to the current ones.")
    if one.fallback_of:
        lines.append(f"- Asked only when `{one.fallback_of}`, or another source of its tables, fails.")
    if one.verify:
        lines.append(f"- To verify: {'; '.join(one.verify)}.")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
