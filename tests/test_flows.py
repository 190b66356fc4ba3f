"""Commuting flows: self-containment, inflow, main places, and what a table does not hold."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from territoire_geo import flows
from territoire_geo.errors import TableError
from territoire_geo.flows import Covers, Flows, Reason

laws = examples(max_examples=80, deadline=None, derandomize=True, database=None)
NAN = float("nan")
A, B, C, D, ABROAD = "39001", "39002", "39003", "21001", "99140"
CODES = [A, B, C, D]
PAIRS = st.dictionaries(
    st.tuples(st.sampled_from(CODES), st.sampled_from([*CODES, ABROAD])),
    st.one_of(st.floats(0, 1e4), st.just(NAN)),
    max_size=20,
)
# A town B where A and C work, a place abroad, and an outside D.
COUNTRY = {
    (A, A): 20.0, (A, B): 60.0, (A, C): 20.0,
    (B, B): 150.0, (B, A): 10.0, (B, D): 40.0,
    (C, C): 30.0, (C, B): 50.0, (C, ABROAD): 20.0,
    (D, D): 500.0, (D, B): 50.0,
}  # fmt: skip


def table(pairs):
    index = pd.MultiIndex.from_tuples(list(pairs), names=["code_residence", "code_travail"])
    return pd.DataFrame({"actifs": list(pairs.values())}, index=index, dtype="float64")


EMPTY = table(COUNTRY).iloc[:0]


def without(pairs, *codes, side):
    return {pair: people for pair, people in pairs.items() if pair[side] not in codes}


def known(pairs):
    return {pair: people for pair, people in pairs.items() if not np.isnan(people)}


# Self-containment by commune


def test_self_containment_by_hand():
    found = flows.self_containment(Flows.of(table(COUNTRY)))
    assert found.index.tolist() == sorted(CODES)
    assert found.index.name == "code_commune"
    assert found["residents_working"].to_dict() == {A: 100, B: 200, C: 100, D: 550}
    assert found["jobs_held"].to_dict() == {A: 30, B: 310, C: 50, D: 540}
    assert found["inside"].to_dict() == {A: 20, B: 150, C: 30, D: 500}
    assert found["net_inflow"].to_dict() == {A: -70, B: 110, C: -50, D: -10}
    assert found["residence_self_containment"].to_dict() == pytest.approx({A: 0.2, B: 0.75, C: 0.3, D: 500 / 550})
    assert found["workplace_self_containment"].to_dict() == pytest.approx(
        {A: 20 / 30, B: 150 / 310, C: 0.6, D: 500 / 540}
    )
    assert found[["reason_residence", "reason_workplace"]].eq("").all(axis=None)


def test_one_unknown_flow_is_the_trouble_of_its_two_communes_only():
    found = flows.self_containment(Flows.of(table(COUNTRY | {(A, B): NAN})))
    assert found.loc[A, ["unknown_out", "unknown_in"]].tolist() == [1, 0]
    assert found.loc[B, ["unknown_out", "unknown_in"]].tolist() == [0, 1]
    assert np.isnan(found.at[A, "residence_self_containment"])
    assert found.at[A, "reason_residence"] == Reason.UNKNOWN
    assert found.at[A, "workplace_self_containment"] == pytest.approx(20 / 30)
    assert np.isnan(found.at[B, "workplace_self_containment"])
    assert found.at[B, "residence_self_containment"] == 0.75
    assert found["net_inflow"].isna().tolist() == [code in {A, B} for code in found.index]


def test_an_absent_pair_is_nobody_unless_small_flows_are_withheld():
    pairs = {(A, B): 60.0, (B, B): 150.0}
    found = flows.self_containment(Flows.of(table(pairs), covers=Covers.BOTH))
    assert found.loc[A, ["residents_working", "jobs_held", "inside"]].tolist() == [60, 0, 0]
    assert found.at[A, "residence_self_containment"] == 0
    assert np.isnan(found.at[A, "workplace_self_containment"])
    assert found.at[A, "reason_workplace"] == Reason.NO_JOB
    cut = flows.self_containment(Flows.of(table(pairs), threshold=50))
    assert cut["inside"].tolist() == pytest.approx([NAN, 150], nan_ok=True)
    assert cut.filter(regex="containment|working|held|inflow").isna().all(axis=None)
    assert cut["reason_residence"].eq(Reason.CUT).all()


def test_nobody_at_work_has_no_share():
    found = flows.self_containment(Flows.of(table({(A, A): 0.0, (B, B): 5.0})))
    assert found.at[A, "reason_residence"] == Reason.NO_WORKER
    assert found.at[A, "reason_workplace"] == Reason.NO_JOB
    assert found.loc[A, ["residents_working", "net_inflow"]].tolist() == [0, 0]


# What the table holds


def test_a_table_of_residents_knows_no_job():
    pairs = without(COUNTRY, D, side=0)
    for given_flows in (Flows.of(table(pairs)), Flows.of(table(pairs), pd.Index([A, B]))):
        assert given_flows.covers is Covers.RESIDENCE
        found = flows.self_containment(given_flows)
        assert found.at[B, "residence_self_containment"] == 0.75
        assert found[["jobs_held", "workplace_self_containment", "net_inflow"]].isna().all(axis=None)
        assert found["reason_workplace"].eq(Reason.NO_INBOUND).all()
    assert D not in Flows.of(table(pairs)).communes
    whole = flows.of_territory(Flows.of(table(pairs)), pd.Index([A, B, C]))
    assert (whole.residents_working, whole.residence_self_containment) == (400, 0.85)
    assert np.isnan([whole.jobs_held, whole.entering, whole.net_inflow, whole.workplace_self_containment]).all()
    assert whole.reason_workplace is Reason.NO_INBOUND
    with pytest.raises(TableError, match="only the residents"):
        flows.main_origins(Flows.of(table(pairs)))


def test_a_table_of_workers_knows_no_resident():
    pairs = without(COUNTRY, D, ABROAD, side=1)
    given_flows = Flows.of(table(pairs))
    assert given_flows.covers is Covers.WORK
    found = flows.self_containment(given_flows)
    assert found.at[B, "workplace_self_containment"] == pytest.approx(150 / 310)
    assert found["residence_self_containment"].isna().all()
    assert found["reason_residence"].eq(Reason.NO_OUTBOUND).all()
    nobody_lives = flows.self_containment(Flows.of(table(pairs | {(A, "39005"): 5.0}), covers=Covers.WORK))
    assert nobody_lives.loc["39005", ["jobs_held", "workplace_self_containment"]].tolist() == [5, 0]
    with pytest.raises(TableError, match="only those who work"):
        flows.main_destinations(given_flows)


def test_flows_around_a_territory_need_its_codes():
    pairs = {pair: people for pair, people in COUNTRY.items() if pair != (D, D)}
    with pytest.raises(TableError, match="the table stops around a territory"):
        Flows.of(table(pairs))
    given_flows = Flows.of(table(pairs), pd.Index([A, B, C]))
    assert given_flows.covers is Covers.BOTH
    assert D not in flows.self_containment(given_flows).index
    assert flows.of_territory(given_flows, pd.Index([D])).reason_residence is Reason.ABSENT
    whole = flows.self_containment(Flows.of(table(COUNTRY))).loc[[A, B, C]]
    pd.testing.assert_frame_equal(flows.self_containment(given_flows), whole)
    assert flows.main_destinations(given_flows).index.get_level_values(0).unique().tolist() == [A, B, C]


def test_a_commune_whose_residents_are_not_in_the_table_is_absent():
    pairs = COUNTRY | {(A, "97601"): 1.0}
    found = flows.self_containment(Flows.of(table(pairs), pd.Index([A, "97601", "01001"]), covers=Covers.BOTH))
    assert found["reason_residence"].tolist() == ["", Reason.ABSENT, Reason.ABSENT]
    assert found.iloc[1:].filter(regex="containment|working|held|inflow|inside").isna().all(axis=None)


# A territory as one block


def test_a_territory_by_hand():
    found = flows.of_territory(Flows.of(table(COUNTRY)), pd.Index([C, A, B]))
    assert (found.residents_working, found.jobs_held, found.inside) == (400, 390, 340)
    assert (found.leaving, found.entering, found.net_inflow) == (60, 50, -10)
    assert found.residence_self_containment == pytest.approx(340 / 400)
    assert found.workplace_self_containment == pytest.approx(340 / 390)
    assert (found.known_residence, found.known_workplace, found.unknown_flows) == (1, 1, 0)
    assert (found.reason_residence, found.reason_workplace) == (Reason.TOLD, Reason.TOLD)


def test_one_unknown_flow_does_not_empty_a_territory():
    found = flows.of_territory(Flows.of(table(COUNTRY | {(A, C): NAN})), pd.Index([A, B, C]))
    # A drops out of the residents (80 known of 380), C out of the workers (30 known of 370).
    assert found.known_residence == pytest.approx(300 / 380)
    assert found.residence_self_containment == pytest.approx(240 / 300)
    assert found.known_workplace == pytest.approx(340 / 370)
    assert found.workplace_self_containment == pytest.approx(290 / 340)
    assert (found.inside, found.unknown_flows) == (320, 1)
    assert found.net_inflow == -10  # nobody unknown crosses the border
    across = flows.of_territory(Flows.of(table(COUNTRY | {(D, A): NAN})), pd.Index([A, B, C]))
    assert np.isnan(across.net_inflow)
    assert across.entering == 50


@pytest.mark.parametrize(
    ("change", "codes", "reason"),
    [
        ({(B, B): NAN, (A, A): NAN}, [A, B, C], Reason.UNKNOWN),
        ({}, ["01001", "01002", A], Reason.ABSENT),
        ({}, ["01001"], Reason.ABSENT),
        ({}, [], Reason.ABSENT),
    ],
)
def test_a_territory_known_by_half_is_not_told(change, codes, reason):
    found = flows.of_territory(Flows.of(table(COUNTRY | change)), pd.Index(codes, dtype="str"))
    assert np.isnan([found.residents_working, found.inside, found.net_inflow, found.residence_self_containment]).all()
    assert found.reason_residence is reason


def test_a_territory_without_workers_has_no_share():
    found = flows.of_territory(Flows.of(table(COUNTRY | {("39004", "39004"): 0.0})), pd.Index(["39004"]))
    assert (found.residents_working, found.reason_residence, found.reason_workplace) == (
        0,
        Reason.NO_WORKER,
        Reason.NO_JOB,
    )


# Main places


def test_main_destinations_by_hand():
    found = flows.main_destinations(Flows.of(table(COUNTRY)), n=2)
    assert found.index.names == ["code_residence", "rank"]
    assert found["destination"].to_dict() == {
        (D, 1): B, (A, 1): B, (A, 2): C, (B, 1): D, (B, 2): A, (C, 1): B, (C, 2): ABROAD,
    }  # fmt: skip
    assert found.loc[(C, 2), ["people", "share"]].tolist() == [20, 0.2]
    own = flows.main_destinations(Flows.of(table(COUNTRY)), n=1, own=True)
    assert own["destination"].to_dict() == {(D, 1): D, (A, 1): B, (B, 1): B, (C, 1): B}


def test_main_origins_by_hand():
    found = flows.main_origins(Flows.of(table(COUNTRY)))
    assert found.index.names == ["code_travail", "rank"]
    assert found.loc[B, "origin"].tolist() == [A, D, C]  # 60, then two of 50 by code: 21 before 39 is D before C
    assert found.loc[B, "share"].tolist() == pytest.approx([60 / 310, 50 / 310, 50 / 310])
    assert ABROAD not in found.index.get_level_values(0)


def test_an_unknown_flow_has_no_rank_and_hides_the_share():
    found = flows.main_destinations(Flows.of(table(COUNTRY | {(A, B): NAN, (C, B): 0.0})))
    assert found.loc[A, "destination"].tolist() == [C]
    assert found.loc[A, "share"].isna().all()
    assert found.loc[A, "unknown_flows"].tolist() == [1]
    assert found.loc[C, "destination"].tolist() == [ABROAD]  # a flow of nobody is no destination


def test_a_list_of_no_place_is_refused():
    with pytest.raises(ValueError, match="n: 0 is not"):
        flows.main_destinations(Flows.of(table(COUNTRY)), n=0)


# Tables


def test_an_empty_table():
    given_flows = Flows.of(EMPTY)
    assert flows.self_containment(given_flows).empty
    assert flows.main_destinations(given_flows).empty
    assert flows.main_origins(given_flows).empty
    assert flows.of_territory(given_flows, pd.Index([A])).reason_residence is Reason.ABSENT
    named = flows.self_containment(Flows.of(EMPTY, pd.Index([A])))
    assert named["reason_residence"].tolist() == [Reason.ABSENT]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (table(COUNTRY).reset_index(), "index it by"),
        (table(COUNTRY).rename(columns={"actifs": "people"}), "a column actifs"),
        (table(COUNTRY | {(A, A): -1.0}), "'39001', '39001'.* is not a flow"),
        (table(COUNTRY | {(A, A): np.inf}), "is not a flow"),
        (pd.concat([table(COUNTRY), table({(A, B): 1.0})]), "duplicated pairs"),
    ],
)
def test_tables_that_are_refused(frame, said):
    with pytest.raises(TableError, match=said):
        Flows.of(frame)


# Laws


@laws
@given(PAIRS)
def test_against_plain_loops(pairs):
    found = flows.self_containment(
        Flows.of(table(pairs), pd.Index(CODES), covers=Covers.BOTH) if pairs else EMPTY_FLOWS
    )
    for code in CODES:
        leaving = [people for (home, _), people in pairs.items() if home == code]
        coming = [people for (_, work), people in pairs.items() if work == code]
        expected = [sum(leaving), sum(coming), pairs.get((code, code), 0.0)] if leaving else [NAN] * 3
        columns = ["residents_working", "jobs_held", "inside"]
        assert found.loc[code, columns].tolist() == pytest.approx(expected, nan_ok=True)
        part, whole = expected[2], expected[0]
        share = part / whole if whole > 0 else NAN
        assert found.at[code, "residence_self_containment"] == pytest.approx(share, nan_ok=True)


EMPTY_FLOWS = Flows.of(EMPTY, pd.Index(CODES))


@laws
@given(PAIRS)
def test_over_a_closed_system_what_comes_in_is_what_goes_out(pairs):
    whole = {(code, code): 1.0 for code in CODES} | known(without(pairs, ABROAD, side=1))
    found = flows.self_containment(Flows.of(table(whole)))
    assert found["net_inflow"].sum() == pytest.approx(0, abs=1e-6)
    assert found["residents_working"].sum() == pytest.approx(found["jobs_held"].sum())
    shares = found.filter(like="containment").melt()["value"].dropna()
    assert shares.between(0, 1 + 1e-12).all()


@laws
@given(PAIRS, st.sets(st.sampled_from(CODES), min_size=1))
def test_a_territory_adds_up(pairs, codes):
    given_flows = Flows.of(table({(code, code): 1.0 for code in CODES} | known(pairs)))
    block = flows.of_territory(given_flows, pd.Index(sorted(codes)))
    communes = flows.self_containment(given_flows).loc[sorted(codes)]
    assert block.residents_working == pytest.approx(communes["residents_working"].sum())
    assert block.jobs_held == pytest.approx(communes["jobs_held"].sum())
    assert block.net_inflow == pytest.approx(communes["net_inflow"].sum(), abs=1e-6)
    assert block.inside + 1e-9 >= communes["inside"].sum()  # a block holds more of its own than its communes do
    alone = flows.of_territory(given_flows, pd.Index([A]))
    one = flows.self_containment(given_flows).loc[A]
    columns = ["residents_working", "jobs_held", "inside", "net_inflow", "residence_self_containment"]
    assert [getattr(alone, column) for column in columns] == pytest.approx(one[columns].tolist(), nan_ok=True)


@laws
@given(PAIRS.filter(bool), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(pairs, random):
    shuffled = dict(random.sample(list(pairs.items()), len(pairs)))
    one, other = (
        Flows.of(table(some), pd.Index(CODES), covers=Covers.BOTH, threshold=0.0) for some in (pairs, shuffled)
    )
    for function in (flows.self_containment, flows.main_destinations, flows.main_origins):
        pd.testing.assert_frame_equal(function(one), function(other), check_exact=True)
    assert str(flows.of_territory(one, pd.Index([A, B]))) == str(flows.of_territory(other, pd.Index([B, A])))


@laws
@given(PAIRS.filter(bool), st.integers(1, 4))
def test_main_places_are_the_largest_in_order(pairs, n):
    given_flows = Flows.of(table(pairs), pd.Index(CODES), covers=Covers.BOTH)
    found = flows.main_destinations(given_flows, n=n)
    for code in CODES:
        others = [(-p, work) for (home, work), p in known(pairs).items() if home == code and work != code and p > 0]
        rows = found[found.index.get_level_values(0) == code]
        assert list(zip(-rows["people"], rows["destination"], strict=True)) == sorted(others)[:n]
        assert rows.index.get_level_values("rank").tolist() == list(range(1, len(rows) + 1))
    cut = flows.main_destinations(replace(given_flows, threshold=100.0), n=n)
    assert cut["share"].isna().all()
    pd.testing.assert_frame_equal(cut.drop(columns="share"), found.drop(columns="share"))
