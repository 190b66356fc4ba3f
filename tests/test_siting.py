"""Where to open: worked examples, brute force, laws, and what is said of what is not proven."""

import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import OptimizeResult
from scipy.sparse import csr_array

from territoire_geo import medians
from territoire_geo.errors import TableError
from territoire_geo.siting import max_cover, p_median

# Examples are the same at every run, and none is timed.
laws = settings(max_examples=60, deadline=None, derandomize=True, database=None)

REACH = 10
COUNTS = st.one_of(st.integers(0, 9).map(float), st.floats(0.01, 1e6))
MINUTES = st.one_of(st.sampled_from([0.0, 5.0, 10.0, 10.5]), st.floats(0.01, 20))


@st.composite
def problems(draw, origins=12, sites=7):
    """Demand, some of the pairs, and how many sites to open; ties are frequent."""
    people = draw(st.lists(COUNTS, min_size=1, max_size=origins))
    count = draw(st.integers(1, sites))
    every = [(f"o{i:02d}", f"d{j}") for i in range(len(people)) for j in range(count)]
    pairs = draw(st.lists(st.sampled_from(every), unique=True, min_size=1, max_size=len(every)))
    times = draw(st.lists(MINUTES, min_size=len(pairs), max_size=len(pairs)))
    demand = pd.Series(people, index=[f"o{i:02d}" for i in range(len(people))])
    minutes = pd.Series(times, index=pd.MultiIndex.from_tuples(pairs))
    return demand, minutes, draw(st.integers(1, 4))


def matrix(demand, minutes):
    """Minutes by origin and site, inf out of reach."""
    return minutes.unstack().reindex(demand.index).fillna(math.inf)  # noqa: PD010 - pivot_table would average


def best_cover(demand, minutes, p, reach=REACH):
    within = matrix(demand, minutes).to_numpy() <= reach
    choices = itertools.combinations(range(within.shape[1]), min(p, within.shape[1]))
    return max(float(demand[within[:, list(choice)].any(axis=1)].sum()) for choice in choices)


def best_cost(demand, minutes, p, beyond):
    times = matrix(demand, minutes).to_numpy()
    choices = itertools.combinations(range(times.shape[1]), min(p, times.shape[1]))
    return min(float((demand * np.minimum(times[:, list(choice)].min(axis=1), beyond)).sum()) for choice in choices)


def k4():
    """Six origins, the edges of a square and its diagonals, and four sites that each reach three: hard to prove."""
    edges = list(itertools.combinations("abcd", 2))
    demand = pd.Series(1.0, index=["".join(edge) for edge in edges])
    pairs = [("".join(edge), site) for edge in edges for site in edge]
    return demand, pd.Series(5.0, index=pd.MultiIndex.from_tuples(pairs))


def scattered(seed, origins=120, sites=40):
    rng = np.random.default_rng(seed)
    homes, places = rng.uniform(0, 60, (origins, 2)), rng.uniform(0, 60, (sites, 2))
    times = np.sqrt(((homes[:, None] - places[None]) ** 2).sum(-1))
    demand = pd.Series(rng.lognormal(6, 1.3, origins).round(), index=[f"o{i:03d}" for i in range(origins)])
    pairs = pd.MultiIndex.from_product([demand.index, [f"d{j:02d}" for j in range(sites)]])
    return demand, pd.Series(times.ravel(), index=pairs)


# ---- maximal cover -------------------------------------------------------------------------


def worked():
    """Greedy takes m (90, the largest) then l or r; the optimum is l and r, which share the demand between them."""
    demand = pd.Series({"A": 40, "B": 45, "C": 45, "D": 40, "E": 7})
    trips = {("A", "l"): 5.0, ("B", "l"): 10.0, ("C", "r"): 10.0, ("D", "r"): 5.0, ("B", "m"): 1.0, ("C", "m"): 1.0}
    return demand, pd.Series({**trips, ("E", "m"): 10.1})


def test_greedy_by_hand():
    found = max_cover(*worked(), 2, reach=10)
    assert found.sites.tolist() == ["m", "l"]
    assert found.gains.to_dict() == {"m": 90.0, "l": 40.0}
    assert found.covered == 130
    assert found.out_of_reach == 7
    assert 170 <= found.bound <= 175  # at first 90 + 85
    assert found.gap == pytest.approx(1 - 130 / found.bound)
    assert not found.proven
    assert found.status.startswith("Best found by the greedy choice, not proven optimal: at most ")


def test_exact_by_hand():
    found = max_cover(*worked(), 2, reach=10, exact=True)
    assert found.gains.to_dict() == {"l": 85.0, "r": 85.0}
    assert (found.covered, found.bound, found.gap, found.proven) == (170, 170, 0, True)
    assert found.status == "Optimal, proven."


def test_of_two_equals_the_smaller_id_is_opened():
    demand = pd.Series({"A": 0.1, "B": 0.2, "C": 0.1, "D": 0.2})
    minutes = pd.Series({("C", "s2"): 1.0, ("D", "s2"): 1.0, ("A", "s1"): 1.0, ("B", "s1"): 1.0, ("B", "s0"): 1.0})
    assert max_cover(demand, minutes, 1, reach=5).sites.tolist() == ["s1"]
    assert max_cover(demand, minutes, 1, reach=5, exact=True).sites.tolist() == ["s1"]


def test_the_reach_is_included_and_may_have_no_limit():
    demand, minutes = worked()
    assert max_cover(demand, minutes, 3, reach=10.1).covered == 177
    assert max_cover(demand, minutes, 3, reach=math.inf).out_of_reach == 0
    nobody = max_cover(demand, minutes, 3, reach=0.5)
    assert (nobody.covered, nobody.bound, nobody.gap, nobody.proven) == (0, 0, 0, True)
    assert nobody.out_of_reach == 177


def test_places_that_gain_nobody_are_not_opened():
    found = max_cover(*worked(), 9, reach=10)
    assert sorted(found.sites) == ["l", "m", "r"]
    assert found.proven
    assert found.status == "Optimal, proven. Sites opened: 3 for p = 9, as another one would change nothing."


@pytest.mark.parametrize("exact", [False, True])
def test_nobody_to_reach(exact):
    demand, minutes = worked()
    for people, trips in ((demand * 0, minutes), (demand, minutes.iloc[:0]), (demand.iloc[:0], minutes.iloc[:0])):
        found = max_cover(people, trips, 2, reach=10, exact=exact)
        assert found.sites.empty
        assert found.gains.empty
        assert (found.covered, found.bound, found.gap, found.proven) == (0, 0, 0, True)
        assert found.out_of_reach == (people.sum() if trips.empty else 0)


def test_people_may_be_nullable_counts_and_ids_numbers():
    demand = pd.Series([3, 2], index=[10, 9], dtype="Int64")
    minutes = pd.Series([1.0, 2.0], index=pd.MultiIndex.from_tuples([(10, 7), (9, 8)]))
    found = max_cover(demand, minutes, 1, reach=5)
    assert found.gains.to_dict() == {7: 3.0}
    assert found.proven


@laws
@given(problems())
def test_greedy_keeps_its_promise_and_its_bound_holds(problem):
    demand, minutes, p = problem
    best, found = best_cover(*problem), max_cover(demand, minutes, p, reach=REACH)
    assert found.covered >= (1 - 1 / math.e) * best * (1 - 1e-9)
    assert found.covered <= best * (1 + 1e-9)
    assert found.bound >= best * (1 - 1e-9)
    assert 0 <= found.gap <= 1
    if found.proven:
        assert found.covered == pytest.approx(best, rel=1e-8)
        assert found.gap == 0
    assert found.gains.sum() == pytest.approx(found.covered)
    assert (found.gains > 0).all()
    assert len(found.sites) <= p
    within = minutes[(minutes <= REACH) & minutes.index.isin(found.sites, level=1)]
    assert demand[within.index.unique(0)].sum() == pytest.approx(found.covered)


@laws
@given(problems())
def test_exact_is_brute_force(problem):
    demand, minutes, p = problem
    found = max_cover(demand, minutes, p, reach=REACH, exact=True)
    assert found.proven
    assert found.covered == pytest.approx(best_cover(*problem), rel=1e-8)
    assert found.bound == found.covered


@laws
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_rows_is_indifferent(problem, random):
    demand, minutes, p = problem
    mixed = [part.iloc[random.sample(range(len(part)), len(part))] for part in (demand, minutes)]
    for exact in (False, True):
        one = max_cover(demand, minutes, p, reach=REACH, exact=exact)
        other = max_cover(*mixed, p, reach=REACH, exact=exact)
        assert one.gains.equals(other.gains)
        assert (one.covered, one.bound, one.out_of_reach) == (other.covered, other.bound, other.out_of_reach)
    one, other = p_median(demand, minutes, p, beyond=30), p_median(*mixed, p, beyond=30)
    assert one.sites.equals(other.sites)
    assert one.assigned.equals(other.assigned[demand.index])
    assert (one.cost, one.bound, one.covered) == (other.cost, other.bound, other.covered)


# ---- what a time limit leaves unproven -----------------------------------------------------


def test_without_time_nothing_is_called_optimal():
    demand, minutes = k4()  # 5 of 6 with two sites, and the linear relaxation says 6
    hurried = max_cover(demand, minutes, 2, reach=5, exact=True, time_limit=0)
    assert (hurried.covered, hurried.proven) == (5, False)
    assert 5 < hurried.bound <= 6.5
    assert hurried.gap == pytest.approx(1 - 5 / hurried.bound)
    assert hurried.status.startswith("Best found by the exact solver, in the 0 s allowed, not proven optimal")
    patient = max_cover(demand, minutes, 2, reach=5, exact=True)
    assert (patient.covered, patient.bound, patient.proven) == (5, 5, True)


@pytest.mark.parametrize(
    ("columns", "bound"),
    [
        (None, 6),  # nothing found in time, nothing proven
        ([1, 1, 0, 0], 5.6),  # something found, something proven
        ([1, 0, 0, 0], 5.6),  # worse than what was known: passed over
    ],
)
def test_the_answer_of_a_solver_out_of_time_is_not_called_optimal(monkeypatch, columns, bound):
    demand, minutes = k4()

    def out_of_time(cost, **options):
        assert options["options"]["time_limit"] == 3
        assert options["options"]["mip_rel_gap"] == 0
        x = None if columns is None else np.append(np.array(columns, dtype=float), np.zeros(len(cost) - 4))
        return OptimizeResult(x=x, status=1, mip_dual_bound=None if columns is None else cost.sum() * bound / 6)

    monkeypatch.setattr("scipy.optimize.milp", out_of_time)
    found = max_cover(demand, minutes, 2, reach=5, exact=True, time_limit=3)
    assert (found.covered, found.proven) == (5, False)
    assert found.bound == pytest.approx(bound, rel=1e-3)
    assert "not proven optimal" in found.status
    trips = p_median(demand, minutes, 2, beyond=25, exact=True, time_limit=3)
    assert not trips.proven
    assert trips.cost == 5 * 5 + 25
    assert trips.bound == pytest.approx(150 - 20 * bound, rel=1e-3)


# ---- p-median ------------------------------------------------------------------------------


def test_median_by_hand():
    demand = pd.Series({"A": 100, "B": 60, "C": 50, "D": 10})
    minutes = pd.Series({("A", "x"): 5.0, ("B", "x"): 9.0, ("B", "y"): 2.0, ("C", "y"): 10.0, ("C", "z"): 1.0})
    found = p_median(demand, minutes, 2, beyond=20, exact=True)
    # x and y: 500 + 120 + 500; x and z: 500 + 540 + 50; y and z: 2000 + 120 + 50; and D costs 200 whatever is open
    assert found.sites.tolist() == ["x", "z"]
    assert found.assigned.fillna("nowhere").to_dict() == {"A": "x", "B": "x", "C": "z", "D": "nowhere"}
    assert (found.cost, found.bound, found.gap, found.proven) == (1290, 1290, 0, True)
    assert (found.covered, found.out_of_reach, found.beyond) == (210, 10, 20)
    assert found.mean_minutes == pytest.approx(1090 / 210)
    assert p_median(demand, minutes, 1).beyond == 10


def test_a_pair_longer_than_the_cost_of_being_out_of_reach_is_out_of_reach():
    demand, minutes = pd.Series({"A": 100, "B": 60}), pd.Series({("A", "x"): 5.0, ("B", "x"): 9.0})
    found = p_median(demand, minutes, 1, beyond=7)
    assert found.assigned.isna().to_dict() == {"A": False, "B": True}
    assert (found.cost, found.covered, found.out_of_reach) == (920, 100, 60)


def test_a_place_to_which_nobody_goes_is_not_opened():
    demand, minutes = pd.Series({"A": 100, "B": 0}), pd.Series({("A", "x"): 5.0, ("A", "y"): 5.0, ("B", "y"): 1.0})
    found = p_median(demand, minutes, 2, beyond=30)
    assert found.sites.tolist() == ["x"]
    assert found.assigned.fillna("nowhere").to_dict() == {"A": "x", "B": "nowhere"}
    assert found.status == "Optimal, proven. Sites opened: 1 for p = 2, as another one would change nothing."
    nobody = p_median(demand * 0, minutes, 2)
    assert nobody.sites.empty
    assert math.isnan(nobody.mean_minutes)
    assert (nobody.cost, nobody.gap, nobody.proven) == (0, 0, True)
    unreached = p_median(demand, minutes.iloc[:0], 2, beyond=30)
    assert (unreached.cost, unreached.bound, unreached.out_of_reach) == (3000, 3000, 100)
    assert unreached.assigned.isna().all()


@laws
@given(problems(), st.integers(1, 4))
def test_the_optimum_lies_between_the_bound_and_the_cost(problem, starts):
    demand, minutes, p = problem
    found, best = p_median(demand, minutes, p, beyond=25, starts=starts), best_cost(*problem, 25)
    assert found.bound <= best * (1 + 1e-9)
    assert found.cost >= best * (1 - 1e-9)
    if found.proven:
        assert found.cost == pytest.approx(best, rel=1e-8)
    times = matrix(demand, minutes)
    near = [times.at[origin, site] if isinstance(site, str) else 25 for origin, site in found.assigned.items()]
    assert found.cost == pytest.approx(float((demand * near).sum()))
    assert len(found.sites) <= p


@laws
@given(problems())
def test_the_exact_median_is_brute_force(problem):
    demand, minutes, p = problem
    found = p_median(demand, minutes, p, beyond=25, exact=True)
    assert found.proven
    assert found.cost == found.bound == pytest.approx(best_cost(*problem, 25), rel=1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_interchange_finds_the_optimum_of_scattered_places(seed):
    demand, minutes = scattered(seed)
    quick = p_median(demand, minutes, 6)
    proven = p_median(demand, minutes, 6, exact=True, starts=1)
    assert proven.proven
    assert quick.cost == pytest.approx(proven.cost, rel=1e-12)
    assert quick.gap < 0.01


def test_more_starts_never_cost_more_and_a_seed_gives_one_answer():
    demand, minutes = scattered(99, sites=60)
    minutes = minutes[minutes <= 15]
    costs = [p_median(demand, minutes, 12, starts=starts).cost for starts in (1, 2, 5, 12)]
    assert costs == sorted(costs, reverse=True)
    one, other = (p_median(demand, minutes, 12, starts=6, seed=4) for _ in range(2))
    assert one.sites.equals(other.sites)


# ---- the engine ----------------------------------------------------------------------------


def engine(problem, limit=25):
    """Make the network of a problem, and the worth of its best p sites."""
    demand, minutes, p = problem
    table = np.clip(limit - matrix(demand, minutes).to_numpy(), 0, None)
    choices = itertools.combinations(range(table.shape[1]), min(p, table.shape[1]))
    best = max(float((demand * table[:, list(choice)].max(axis=1)).sum()) for choice in choices)
    return medians.network(demand.to_numpy(), csr_array(table)), p, best


@laws
@given(problems(), st.integers(0, 3))
def test_every_bound_holds(problem, rounds):
    net, p, best = engine(problem)
    choice = medians.greedy(net, p)
    relaxed = medians.relax(net, p, choice.sites, rounds + 1)
    assert choice.bound >= best * (1 - 1e-9)
    assert relaxed.bound >= best * (1 - 1e-9)
    value = float(choice.gains.sum())
    assert medians.worth(net, choice.sites) == pytest.approx(value)
    assert value >= (1 - 1 / math.e) * best * (1 - 1e-9)
    assert medians.settle(net, p, value, relaxed) >= best * (1 - 1e-8)


@laws
@given(problems(), st.data())
def test_no_exchange_is_left_to_make(problem, data):
    net, p, _ = engine(problem)
    count = len(net.sites)
    sites = data.draw(st.permutations(range(count)))[:p]
    end = medians.improve(net, np.array(sites, dtype=int))
    value = medians.worth(net, end)
    assert len(set(end.tolist())) == len(sites)
    assert value >= medians.worth(net, np.array(sites, dtype=int)) * (1 - 1e-9)
    for closed, opened in itertools.product(end, range(count)):
        other = np.array([*(site for site in end if site != closed), opened], dtype=int)
        assert medians.worth(net, other) <= value * (1 + 2e-9)


@laws
@given(problems())
def test_the_exact_model_finds_the_optimum_from_anywhere(problem):
    net, p, best = engine(problem)
    if not len(net.sites):
        return
    found = medians.solve(net, p, np.array([0]), np.zeros(len(net.people)), 60)  # the worst start, no level
    assert medians.worth(net, found.sites) == pytest.approx(best, rel=1e-8)
    assert found.bound == pytest.approx(best, rel=1e-6)


# ---- the same answers as others ------------------------------------------------------------


def peers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their imports warn of their own dependencies
        pulp, locate = pytest.importorskip("pulp"), pytest.importorskip("spopt.locate")
    return pulp, locate


def test_spopt_finds_the_same_optimum():
    pulp, locate = peers()
    demand, minutes = scattered(7, 60, 20)
    cost, people = matrix(demand, minutes).to_numpy(), demand.to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cover = locate.MCLP.from_cost_matrix(cost, people, 12, 4).solve(pulp.PULP_CBC_CMD(msg=False))
        median = locate.PMedian.from_cost_matrix(cost, people, 4).solve(pulp.PULP_CBC_CMD(msg=False))
    assert max_cover(demand, minutes, 4, reach=12, exact=True).covered == pytest.approx(cover.problem.objective.value())
    assert p_median(demand, minutes, 4).cost == pytest.approx(median.problem.objective.value())


# ---- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": 0}, "p = 0: give a whole number, 1 or more"),
        ({"p": 2.0}, r"p = 2\.0: give a whole number"),
        ({"p": True}, "p = True: give a whole number"),
        ({"reach": 0}, "reach = 0: give a positive number"),
        ({"reach": math.nan}, "reach = nan: give a positive number"),
        ({"time_limit": -1}, "time_limit = -1: give 0 or a positive number of seconds"),
    ],
)
def test_parameters_out_of_range(change, message):
    demand, minutes = worked()
    with pytest.raises(ValueError, match=message):
        max_cover(demand, minutes, **({"p": 2, "reach": 10} | change))


def test_parameters_of_the_median_out_of_range():
    demand, minutes = worked()
    for change, message in (
        ({"p": -1}, "p = -1"),
        ({"starts": 0}, "starts = 0: give a whole number, 1 or more"),
        ({"beyond": 0}, "beyond = 0: give a positive number"),
        ({"beyond": math.inf}, "beyond = inf"),
        ({"time_limit": math.nan}, "time_limit = nan"),
    ):
        with pytest.raises(ValueError, match=message):
            p_median(demand, minutes, **({"p": 2} | change))
    with pytest.raises(ValueError, match="no pair takes any time: give beyond"):
        p_median(demand, minutes * 0, 2)


@pytest.mark.parametrize("choose", [lambda d, m: max_cover(d, m, 2, reach=10), lambda d, m: p_median(d, m, 2)])
def test_tables_that_break_their_contract(choose):
    demand, minutes = worked()
    wrong = {
        "demand: unknown values for 'B'": (demand.where(demand.index != "B"), minutes),
        "demand: negative values": (-demand, minutes),
        r"demand: duplicated ids 'A'": (pd.concat([demand, demand[["A"]]]), minutes),
        r"origins that demand does not have: 'A', 'B', 'C' \(4 in all\)": (demand[["E"]], minutes),
        "minutes: unknown values": (demand, minutes.where(minutes > 1)),
        "minutes: negative values": (demand, -minutes),
        "duplicated pairs": (demand, pd.concat([minutes, minutes.iloc[:1]])),
        "MultiIndex": (demand, minutes.droplevel(1)),
    }
    for message, (people, trips) in wrong.items():
        with pytest.raises(TableError, match=message):
            choose(people, trips)
