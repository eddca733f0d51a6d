"""Log t test, clubs, merging and their bootstrap against slow and plain computations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.convergence import (
    ClubRule,
    LogTRule,
    club_stability,
    find_clubs,
    log_t,
    merge_clubs,
    transition_paths,
)
from ccec_econ.convergence.clubs import Club, clubs_of
from ccec_econ.convergence.logt import log_t_of, long_run_variance, smoother
from ccec_econ.convergence.stability import _agreement
from ccec_econ.errors import AlignmentError, IdentificationError, PanelError

EXACT = 1e-10  # a few dozen sums of terms of order one


def panel_of(table: np.ndarray, first: int = 2001) -> pd.DataFrame:
    """Panel of a table (T, N) in levels."""
    T, N = table.shape
    years = pd.RangeIndex(first, first + T, name="year")
    units = pd.Index([f"u{i:02d}" for i in range(N)], name="unit")
    return pd.DataFrame(table, years, units).stack().rename("y").to_frame().swaplevel().sort_index()


def groups(T: int = 30, sizes: tuple[int, ...] = (4, 5), seed: int = 3) -> pd.DataFrame:
    """Units that converge within groups and part between them, by a stated formula.

    ``ln y_it = (8 + 0.1 t) (d_g + e_i / (log(t + 1) t^0.4))`` with d = 1.0, 0.8, ... by group.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(1, T + 1)[:, None]
    level = np.repeat(1.0 - 0.2 * np.arange(len(sizes)), sizes)
    noise = rng.uniform(-0.1, 0.1, len(level))
    return panel_of(np.exp((8 + 0.1 * t) * (level + noise / (np.log(t + 1) * t**0.4))))


@pytest.fixture(scope="module")
def city() -> pd.DataFrame:
    return ce.data.load_panel(years=(2010, 2022))


def plain_log_t(x: np.ndarray, first: int, form: str) -> tuple[float, float]:
    """b and t by loops over the formulas; `first` years are left out."""
    T, N = x.shape
    H = [sum((x[t, i] / x[t].mean() - 1) ** 2 for i in range(N)) / N for t in range(T)]
    rows = [
        (math.log(t), math.log(H[0] / H[t - 1]) - 2 * math.log(math.log(t)))
        for t in range(first + 1, T + 1)
    ]
    n = len(rows)
    mx, my = sum(r[0] for r in rows) / n, sum(r[1] for r in rows) / n
    sxx = sum((r[0] - mx) ** 2 for r in rows)
    b = sum((r[0] - mx) * (r[1] - my) for r in rows) / sxx
    u = [r[1] - my - b * (r[0] - mx) for r in rows]
    p = sum(u[k] * u[k - 1] for k in range(1, n)) / sum(v * v for v in u[:-1])
    S = 1.3221 * (4 * p * p / (1 - p) ** 4 * n) ** 0.2
    used, divisor = (u, n) if form == "andrews" else (u[:-1], n - 1)
    total = sum(v * v for v in u)
    for j in range(1, len(used)):
        z = 6 * math.pi * j / S / 5
        weight = 3 / z**2 * (math.sin(z) / z - math.cos(z))
        total += 2 * weight * sum(used[k] * used[k - j] for k in range(j, len(used)))
    return b, b / math.sqrt(total / divisor / sxx)


@pytest.mark.parametrize("form", ["program", "andrews"])
@pytest.mark.parametrize("T", [9, 13, 14, 34])
def test_log_t_by_loops(form: str, T: int) -> None:
    x = 1 + 0.2 * np.random.default_rng(T).standard_normal((T, 6)) / np.arange(2, T + 2)[:, None]
    test = log_t_of(x, LogTRule(variance=form))
    b, t = plain_log_t(x, T // 3, form)
    assert test.b == pytest.approx(b, abs=EXACT)
    assert test.tstat == pytest.approx(t, rel=EXACT)
    assert test.points == T - T // 3
    assert test.alpha == test.b / 2


def test_years_left_out() -> None:
    # floor(14 / 3) = 4 are left out; R and Stata round to 5
    assert LogTRule().discarded(14) == 4
    assert LogTRule().discarded(12) == 4  # not floor(3.999...)
    assert LogTRule(discard=round(14 / 3)).discarded(14) == 5


def test_slope_of_a_known_decay() -> None:
    # H_t = (log t)^-2 t^-2a from the second year on gives b = 2a without error
    t = np.arange(1, 41)
    a = 0.3
    H = np.where(t == 1, 1.0, 1 / (np.log(np.maximum(t, 2)) ** 2 * t ** (2 * a)))
    rng = np.random.default_rng(0)
    d = 0.1 * np.sqrt(H) * np.exp(rng.normal(0, 0.001, 40))
    test = log_t_of(np.column_stack([1 + d, 1 - d]), LogTRule())
    assert test.b == pytest.approx(2 * a, abs=0.01)
    assert test.converges
    assert test.reading == "convergence of growth"


def test_long_run_variance_without_autocorrelation_is_the_variance() -> None:
    # u_t u_(t-1) sums to 1 - 1 + 1 - 1 = 0: bandwidth zero
    u = np.array([1.0, 1.0, -1.0, -1.0, -1.0 + 2.0])
    assert float(u[1:] @ u[:-1]) == 0.0
    assert long_run_variance(u, "andrews") == pytest.approx(1.0)
    assert long_run_variance(u, "program") == pytest.approx(5 / 4)


def test_filter_is_the_penalised_least_squares() -> None:
    T, penalty = 13, 400.0
    K = np.diff(np.eye(T), 2, axis=0)
    assert smoother(T, penalty) == pytest.approx(np.linalg.inv(np.eye(T) + penalty * K.T @ K))


def test_paths_have_mean_one_and_levels_ignore_the_unit(city: pd.DataFrame) -> None:
    for log in (True, False):
        assert transition_paths(city, "gdp_pc", log=log).mean(axis=1).to_numpy() == pytest.approx(1)
    rescaled = city.assign(gdp_pc=1000 * city["gdp_pc"])
    first, second = (log_t(frame, "gdp_pc", log=False) for frame in (city, rescaled))
    assert first.tstat == pytest.approx(second.tstat, rel=1e-8)
    first, second = (log_t(frame, "gdp_pc") for frame in (city, rescaled))
    assert abs(first.tstat - second.tstat) > 0.5  # logarithms do not


def plain_clubs(x: np.ndarray, first: int, increment: float) -> tuple[list[set[int]], set[int]]:
    """Clubs by the steps of Phillips and Sul, written anew."""

    def t(units: list[int]) -> float:
        return plain_log_t(x[:, units], first, "program")[1]

    left = sorted(range(x.shape[1]), key=lambda i: -x[-1, i])
    clubs: list[set[int]] = []
    while len(left) >= 2:
        if t(left) > -1.65:
            return [*clubs, set(left)], set()
        starts = [k for k in range(len(left) - 1) if t(left[k : k + 2]) > -1.65]
        if not starts:
            break
        from_top = left[starts[0] :]
        ts = list(
            itertools.takewhile(
                lambda v: v > -1.65, (t(from_top[:k]) for k in range(2, len(from_top) + 1))
            )
        )
        core = from_top[: 2 + int(np.argmax(ts))]
        others = {i: t([*core, i]) for i in left if i not in core}
        c = 0.0
        while True:
            club = [i for i in left if i in core or others.get(i, -99) > c]
            if increment == 0 or len(club) == len(core) or t(club) > -1.65:
                break
            c += increment
        clubs.append(set(club))
        left = [i for i in left if i not in club]
    return clubs, set(left)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("increment", [0.0, 0.1])
def test_clubs_by_another_hand(seed: int, increment: float) -> None:
    rng = np.random.default_rng(seed)
    x = 5 + rng.normal(0, 1, 9) + np.cumsum(rng.normal(0, 0.1, (18, 9)), axis=0)
    paths = pd.DataFrame(x, columns=[f"u{i}" for i in range(9)])
    found = clubs_of(paths, ClubRule(increment=increment))
    clubs, left = plain_clubs(x, 6, increment)
    assert [set(club.units) for club in found.clubs] == [{f"u{i}" for i in c} for c in clubs]
    assert set(found.divergent) == {f"u{i}" for i in left}
    members = [u for club in found.clubs for u in club.units] + list(found.divergent)
    assert sorted(members) == sorted(paths.columns)
    if increment:
        assert all(club.test.converges for club in found.clubs)


def test_known_groups_are_found() -> None:
    found = find_clubs(groups(), "y", smooth=None)
    assert not found.overall.converges
    first = {f"u{i:02d}" for i in range(4)}
    assert set(found.clubs[0].units) == first
    assert found.membership.loc[sorted(first)].eq(1).all()
    assert found.frame.index.tolist()[0] == "all"
    assert "Club 1" in str(found)
    assert "c* = 0, raised by 0.1" in found.note


def test_one_group_is_one_club() -> None:
    found = find_clubs(groups(sizes=(6,)), "y", smooth=None)
    assert [len(club.units) for club in found.clubs] == [6]
    assert found.divergent == ()
    assert found.clubs[0].core == ()


def test_order_of_rows_does_not_matter(city: pd.DataFrame) -> None:
    shuffled = city.sample(frac=1.0, random_state=1)
    assert find_clubs(shuffled, "gdp_pc").membership.equals(find_clubs(city, "gdp_pc").membership)


def test_merging_stops_where_the_test_fails(city: pd.DataFrame) -> None:
    found = find_clubs(city, "gdp_pc")
    x = found.paths
    for method in ("ps", "vlt"):
        merged = merge_clubs(found, method)
        assert sum(len(c.units) for c in merged.clubs) == sum(len(c.units) for c in found.clubs)
        assert all(club.test.converges for club in merged.clubs)
    merged = merge_clubs(found, "ps")
    for one, two in itertools.pairwise(merged.clubs):
        joint = log_t_of(x[[*one.units, *two.units]].to_numpy(), LogTRule())
        assert not joint.converges
    assert find_clubs(city, "gdp_pc", rule=ClubRule(merge="ps")).clubs == merged.clubs


def test_merging_of_von_lyncker_waits_for_the_better_pair(monkeypatch) -> None:
    # t of (1, 2) is 1 and of (2, 3) is 2: Phillips and Sul join 1 and 2, the others 2 and 3
    values = {"ab": 1.0, "bc": 2.0, "abc": -5.0}
    found = find_clubs(groups(), "y", smooth=None)
    base = found.clubs[0].test

    def joint(clubs, _):
        name = "".join(sorted(u for club in clubs for u in club.units))
        return ce.convergence.LogT(1, 1, values[name], 1, 0, 2, 9, 6, "program")

    three = tuple(Club((u,), (), base, 0.0) for u in "abc")
    made = type(found)(three, (), found.overall, found.paths, found.rule)
    monkeypatch.setattr("ccec_econ.convergence.clubs._joint", joint)
    assert [c.units for c in merge_clubs(made, "ps").clubs] == [("a", "b"), ("c",)]
    assert [c.units for c in merge_clubs(made, "vlt").clubs] == [("a",), ("b", "c")]


def test_stability_without_noise_is_certain() -> None:
    t = np.arange(1, 31)[:, None]
    line = panel_of(np.exp(10 + t * np.array([0.10, 0.101, 0.05, 0.0505, 0.02])))
    sure = club_stability(line, "y", draws=19, rng=1)
    assert sure.share.eq(1.0).all()
    assert set(np.unique(sure.together)) <= {0.0, 1.0}
    assert len(sure.counts) == 1


def test_stability_is_reproducible_and_counts(city: pd.DataFrame) -> None:
    one, two = (club_stability(city, "gdp_pc", draws=25, rng=5) for _ in range(2))
    assert one.share.equals(two.share)
    assert one.together.equals(two.together)
    assert one.counts.sum() == pytest.approx(1.0)
    assert np.allclose(one.together, one.together.T)
    assert "25 draws" in one.note
    assert one.block == 2  # 13^(1/3) = 2.35


def test_matching_of_clubs_by_hand() -> None:
    # own clubs 1 1 1 2 2 and a divergent unit; the draw calls the second 1 and the first 2
    own = np.array([1, 1, 1, 2, 2, 0])
    drawn = np.array([2, 2, 1, 1, 1, 0])
    assert _agreement(own, drawn).tolist() == [1, 1, 0, 1, 1, 1]
    assert _agreement(own, np.zeros(6, dtype=int)).tolist() == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.assign(y=p["y"].where(p.index.get_level_values("year") != 2003)), "missing"),
        (lambda p: p.assign(y=-p["y"]), "not positive"),
        (lambda p: p.drop(index=2005, level="year"), "the year before 2006 is not in the panel"),
        (lambda p: p[p.index.get_level_values("year") < 2006], "5 years; give at least 6"),
        (lambda p: p[p.index.get_level_values("year") < 2008], "7 years less the first 2|leave"),
        (lambda p: p.assign(y=p["y"] / p["y"].max()), "falls to zero or below"),
        (lambda p: p.rename(index={"u01": "u00"}, level="unit"), "appear twice"),
    ],
)
def test_bad_panels_are_refused(change, message: str) -> None:
    panel = groups(T=12)
    if "7 years" in message:
        with pytest.raises(PanelError, match="leave 4"):
            log_t(change(panel), "y", rule=LogTRule(discard=3))
        return
    with pytest.raises(PanelError, match=message):
        find_clubs(change(panel), "y")


def test_bad_requests_are_refused(city: pd.DataFrame) -> None:
    with pytest.raises(IdentificationError, match="1 unit; give at least 2"):
        log_t(city, "gdp_pc", units=["510100"])
    with pytest.raises(AlignmentError, match="units 999: not in the panel"):
        log_t(city, "gdp_pc", units=["510100", "999"])
    with pytest.raises(PanelError, match="smooth = 0"):
        log_t(city, "gdp_pc", smooth=0)
    with pytest.raises(PanelError, match="last = 14: the panel has 13 years"):
        find_clubs(city, "gdp_pc", rule=ClubRule(last=14))
    with pytest.raises(IdentificationError, match="merge 'x': unknown"):
        merge_clubs(find_clubs(city, "gdp_pc"), "x")
    with pytest.raises(IdentificationError, match="draws = 3"):
        club_stability(city, "gdp_pc", draws=3)
    with pytest.raises(IdentificationError, match="block = 14"):
        club_stability(city, "gdp_pc", block=14)
    same = panel_of(np.ones((12, 3)) * 5)
    with pytest.raises(PanelError, match="all units agree"):
        log_t(same, "y", smooth=None)
    t = np.arange(1, 21)
    gap = np.where(t == 1, 0.1, 0.1 / np.log(np.maximum(t, 2)))
    exact = np.column_stack([1 + gap, 1 - gap])
    with pytest.raises(IdentificationError, match="has no standard error"):
        log_t_of(exact, LogTRule())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LogTRule(share=1.0), "share = 1.0"),
        (lambda: LogTRule(discard=0), "discard = 0"),
        (lambda: LogTRule(variance="x"), "variance 'x'"),
        (lambda: ClubRule(increment=-1), "increment = -1"),
        (lambda: ClubRule(last=0), "last = 0"),
        (lambda: ClubRule(merge="x"), "merge 'x'"),
    ],
)
def test_bad_rules_are_refused(make, message: str) -> None:
    with pytest.raises(IdentificationError, match=message):
        make()
