"""Markov chains, densities, the stochastic kernel and ranks against hand and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import ccec_econ as ce
from ccec_econ.convergence import (
    ClassRule,
    bandwidth,
    densities,
    income_classes,
    markov,
    rank_mobility,
    relative,
    spatial_markov,
    stochastic_kernel,
)
from ccec_econ.convergence.chain import ergodic, half_life, mobility
from ccec_econ.convergence.density import conditional
from ccec_econ.convergence.spatial_chain import homogeneity
from ccec_econ.errors import AlignmentError, IdentificationError, PanelError, WeightsError

EXACT = 1e-10  # sums of a few hundred terms of order one


def panel_of(table: list[list[float]] | np.ndarray, first: int = 2001) -> pd.DataFrame:
    """Panel of a table (T, N) in levels."""
    values = np.asarray(table, dtype=float)
    years = pd.RangeIndex(first, first + len(values), name="year")
    units = pd.Index([f"u{i:02d}" for i in range(values.shape[1])], name="unit")
    return (
        pd.DataFrame(values, years, units).stack().rename("y").to_frame().swaplevel().sort_index()
    )


@pytest.fixture(scope="module")
def city() -> pd.DataFrame:
    return ce.data.load_panel(years=(2010, 2022))


@pytest.fixture
def walk() -> pd.DataFrame:
    """Twelve units, twenty years, random walks in logs."""
    rng = np.random.default_rng(4)
    return panel_of(np.exp(np.cumsum(rng.normal(0, 0.2, (20, 12)), axis=0)))


def ring(n: int) -> object:
    """Each of n units has its two neighbours on a circle."""
    W = np.zeros((n, n))
    for i in range(n):
        W[i, (i + 1) % n] = W[i, (i - 1) % n] = 0.5
    return ce.weights.from_matrix(W, [f"u{i:02d}" for i in range(n)])


def test_transitions_by_hand() -> None:
    # three units with mean 1 in every year; classes by the cut 1.0: low, high
    panel = panel_of([[0.5, 0.5, 2.0], [0.5, 1.5, 1.0], [1.5, 1.2, 0.3], [0.6, 1.6, 0.8]])
    chain = markov(panel, "y", rule=ClassRule(2, (1.0,)), draws=99)
    # paths L L H L; L H H H; H L L L (1.0 lies on the cut, hence low)
    assert chain.counts.tolist() == [[3, 2], [2, 2]]
    assert chain.probabilities == pytest.approx(np.array([[0.6, 0.4], [0.5, 0.5]]))
    # pi = (5, 4) / 9; mobility 2 - 1.1; second eigenvalue 0.1
    assert chain.measures["estimate"].tolist() == pytest.approx(
        [5 / 9, 4 / 9, 0.9, -math.log(2) / math.log(0.1)]
    )
    assert chain.classes.moves == 4
    cell = chain.frame.iloc[1]
    posterior = stats.beta(2.5, 3.5)  # 2 + 1/2 and 3 + 1/2
    assert cell["mean"] == pytest.approx(2.5 / 6)
    assert (cell["lower"], cell["upper"]) == pytest.approx(posterior.interval(0.95))
    assert "9 yearly transitions, 4 of them to another class" in str(chain)


def test_breaks_are_left_out() -> None:
    panel = panel_of([[0.5, 0.5, 2.0], [0.5, 1.5, 1.0], [1.5, 1.2, 0.3]])
    flag = (panel.index.get_level_values("year") == 2003) & (
        panel.index.get_level_values("unit") == "u00"
    )
    chain = markov(panel.assign(flag=flag), "y", rule=ClassRule(2, (1.0,)), breaks="flag", draws=99)
    assert chain.counts.tolist() == [[2, 1], [1, 1]]  # the second rise, of u00, is left out
    assert "1 across breaks left out" in chain.note


def test_long_run_by_powers() -> None:
    rng = np.random.default_rng(2)
    P = rng.dirichlet(np.ones(4), size=(5, 4))
    far = np.linalg.matrix_power(P, 400)[:, 0]
    assert ergodic(P) == pytest.approx(far, abs=EXACT)
    two = np.array([[0.5, 0.5, 0.0], [0.2, 0.8, 0.0], [0.0, 0.0, 1.0]])
    assert np.isnan(ergodic(two)).all()
    assert half_life(two) == math.inf
    assert half_life(np.full((2, 2), 0.5)) == pytest.approx(0.0, abs=0.03)
    assert mobility(np.eye(3)) == 0.0
    assert mobility(np.full((3, 3), 1 / 3)) == pytest.approx(1.0)


def test_posterior_intervals_of_long_run(walk: pd.DataFrame) -> None:
    chain = markov(walk, "y", draws=999, rng=3)
    again = markov(walk, "y", draws=999, rng=3)
    assert chain.measures.equals(again.measures)
    inside = chain.measures["median"].between(chain.measures["lower"], chain.measures["upper"])
    assert inside.all()
    assert chain.measures.loc["ergodic_1":"ergodic_3", "estimate"].sum() == pytest.approx(1.0)


@pytest.mark.filterwarnings("ignore")  # what PySAL warns of on import
def test_counts_and_homogeneity_are_those_of_giddy(walk: pd.DataFrame) -> None:
    from giddy.markov import Homogeneity_Results, Markov, Spatial_Markov

    rule = ClassRule(3)
    test = spatial_markov(walk, "y", ring(12), rule=rule, draws=19)
    chain = markov(walk, "y", rule=rule, draws=99)
    r = relative(walk, "y")
    peer = Spatial_Markov(r.to_numpy().T, ring(12).to_W(), k=3, m=3)
    assert np.array_equal(peer.transitions, chain.counts)
    assert np.array_equal(peer.T, test.counts)
    both = Homogeneity_Results(test.counts.astype(float))  # whole numbers it would truncate
    assert (test.Q, test.LR, test.df) == pytest.approx((both.Q, both.LR, both.dof))
    assert peer.Q_p_value == pytest.approx(test.asymptotic_Q, abs=1e-9)
    alone = Markov(chain.classes.number.to_numpy().T, summary=False)
    assert alone.p == pytest.approx(chain.probabilities)
    assert alone.steady_state == pytest.approx(chain.measures["estimate"].to_numpy()[:3], abs=1e-9)


def test_homogeneity_by_hand() -> None:
    # rows (8, 2) and (4, 6) pool to (12, 8): expected 6 and 4 each; Q = 4 * 4/6 ... by cell
    counts = np.array([[[8, 2], [1, 9]], [[4, 6], [1, 9]]])
    Q, LR, df = homogeneity(counts)
    assert pytest.approx(2 * (4 / 6 + 4 / 4)) == Q
    assert (
        pytest.approx(
            2
            * (
                8 * math.log(8 / 6)
                + 2 * math.log(2 / 4)
                + 4 * math.log(4 / 6)
                + 6 * math.log(6 / 4)
            )
        )
        == LR
    )
    assert df == 2
    table = stats.contingency.chi2_contingency(counts[:, 0], correction=False)
    assert table.statistic == pytest.approx(Q)
    empty = counts.copy()
    empty[1, 1] = 0
    assert homogeneity(empty)[2] == 1


def test_permutation_enumerates() -> None:
    # five units on a ring: 120 orders, of which each class of 10 gives the same statistic
    rng = np.random.default_rng(8)
    panel = panel_of(np.exp(np.cumsum(rng.normal(0, 0.5, (9, 5)), axis=0)))
    rule = ClassRule(2)
    test = spatial_markov(panel, "y", ring(5), rule=rule, draws=1999, rng=1)
    r = relative(panel, "y").to_numpy()
    own = (r > np.quantile(r, 0.5)).astype(int)
    W = np.zeros((5, 5))
    for i in range(5):
        W[i, (i + 1) % 5] = W[i, (i - 1) % 5] = 0.5
    exact = []
    for order in itertools.permutations(range(5)):
        lag = np.array(
            [[sum(W[i, j] * r[t, order[j]] for j in range(5)) for i in range(5)] for t in range(9)]
        )
        high = (lag > np.quantile(lag, 0.5)).astype(int)
        n = np.zeros((2, 2, 2), dtype=int)
        for t in range(8):
            for i in range(5):
                n[high[t, i], own[t, order[i]], own[t + 1, order[i]]] += 1
        exact.append(homogeneity(n)[0])
    assert exact[0] == pytest.approx(test.Q)
    p = np.mean(np.array(exact) >= exact[0] - 1e-9)
    assert test.pvalue_Q == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 1999) + 1e-3)


def test_weights_are_matched_by_label(walk: pd.DataFrame) -> None:
    ids = [f"u{i:02d}" for i in range(12)]
    W = pd.DataFrame(0.0, ids, ids)
    for i in range(12):
        W.iloc[i, (i + 1) % 12] = W.iloc[i, (i + 3) % 12] = 0.5
    mixed = W.iloc[::-1, ::-1]
    one = spatial_markov(walk, "y", ce.weights.from_matrix(W, ids), draws=19)
    two = spatial_markov(walk, "y", ce.weights.from_matrix(mixed, mixed.index), draws=19)
    assert np.array_equal(one.counts, two.counts)
    assert one.moves().to_numpy().sum() == one.counts.sum()
    assert "permutation p" in str(one)


def test_jenks_is_exact_at_16(city: pd.DataFrame) -> None:
    rng = np.random.default_rng(6)
    samples = [relative(city, "gdp_pc").loc[2022].to_numpy()]
    samples += [rng.lognormal(size=16) for _ in range(15)]
    for values in samples:
        for k in (2, 3, 4):
            cuts = ClassRule(k, "jenks").bounds(values)
            ours = np.searchsorted(cuts, values, side="left")
            x = np.sort(values)
            best = min(
                sum(((part - part.mean()) ** 2).sum() for part in np.split(x, places))
                for places in itertools.combinations(range(1, 16), k - 1)
            )
            got = sum(((values[ours == c] - values[ours == c].mean()) ** 2).sum() for c in range(k))
            assert got == pytest.approx(best, rel=1e-12)


def test_quantile_classes_are_even(walk: pd.DataFrame) -> None:
    classes = income_classes(walk, "y")
    assert classes.number.stack().value_counts().tolist() == [80, 80, 80]
    assert classes.relative.mean(axis=1).to_numpy() == pytest.approx(1.0)


# R 4.2.2: i <- 1:16; bw.SJ(sin(i^2) + i/8, nb = 100000, tol = 1e-10), and
# j <- 1:156; bw.SJ(c(sin(j^2), 2 + .5 * sin(3 * j)), nb = 30000, tol = 1e-10)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.sin(np.arange(1, 17) ** 2) + np.arange(1, 17) / 8, 0.191429384388),
        (
            np.r_[np.sin(np.arange(1, 157) ** 2), 2 + 0.5 * np.sin(np.arange(1, 157) * 3.0)],
            0.107749229055,
        ),
    ],
)
def test_bandwidth_of_sheather_and_jones(values: np.ndarray, expected: float) -> None:
    assert bandwidth(values) == pytest.approx(expected, rel=1e-4)  # R bins the differences
    assert bandwidth(3.0 * values + 5.0) == pytest.approx(3.0 * bandwidth(values), rel=1e-9)


def test_bandwidth_of_silverman_is_that_of_scipy(city: pd.DataFrame) -> None:
    x = city["gdp_pc"].xs(2015, level="year").apply(np.log).to_numpy()
    peer = stats.gaussian_kde(x, bw_method="silverman")
    assert bandwidth(x, "silverman") == pytest.approx(peer.factor * x.std(ddof=1))


@pytest.mark.parametrize("rule", ["silverman", "sheather-jones"])
def test_densities_integrate_to_one(city: pd.DataFrame, rule: str) -> None:
    found = densities(city, "gdp_pc", rule=rule)
    grid = found.frame.columns.to_numpy(float)
    assert integrate.trapezoid(found.frame, grid, axis=1) == pytest.approx(1.0, abs=2e-3)
    # one value by the sum over units
    h, x = found.bandwidths[2022], found.values.loc[2022].to_numpy()
    by_hand = np.mean(np.exp(-0.5 * ((grid[100] - x) / h) ** 2)) / (h * math.sqrt(2 * math.pi))
    assert found.frame.loc[2022].iloc[100] == pytest.approx(by_hand)
    scaled = densities(city.assign(gdp_pc=7 * city["gdp_pc"]), "gdp_pc", rule=rule)
    assert np.allclose(scaled.frame, found.frame)


def test_stochastic_kernel_is_a_density_of_later_given_now(city: pd.DataFrame) -> None:
    kernel = stochastic_kernel(city, "gdp_pc", steps=5)
    grid = kernel.frame.columns.to_numpy(float)
    assert kernel.pairs == 16 * 8
    assert integrate.trapezoid(kernel.frame, grid, axis=1) == pytest.approx(1.0, abs=2e-3)
    x, y = np.array([0.0, 1.0, 2.5]), np.array([0.5, 1.0, 2.0])
    wide = conditional(np.linspace(-3, 5, 81), x, y, 1e6, 0.4)
    alone = stats.gaussian_kde(y, bw_method=0.4 / y.std(ddof=1))(np.linspace(-3, 5, 81))
    assert wide[3] == pytest.approx(alone)  # a bandwidth of x without end: start does not matter
    joint = sum(
        stats.norm.pdf(1.0, a, 0.3) * stats.norm.pdf(0.7, b, 0.4) for a, b in zip(x, y, strict=True)
    )
    marginal = sum(stats.norm.pdf(1.0, a, 0.3) for a in x)
    at = conditional(np.array([0.7, 1.0]), x, y, 0.3, 0.4)[1, 0]
    assert at == pytest.approx(joint / marginal)
    assert kernel.mean.iloc[0] < kernel.mean.iloc[-1]


def test_ranks_by_hand() -> None:
    # ranks 1 2 3 4 become 2 1 3 4: one of six pairs turns, tau = (5 - 1) / 6
    moved = rank_mobility(panel_of([[9, 8, 7, 6], [1, 1, 1, 1], [8, 9, 7, 6]]), "y")
    assert moved.tau == pytest.approx(4 / 6)
    assert moved.frame["change"].tolist() == [-1, 1, 0, 0]
    assert moved.mean_change == pytest.approx(0.5 / ((16 - 1) / 12))
    assert moved.years == (2001, 2003)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: ClassRule(1), IdentificationError, "k = 1: one class"),
        (lambda p: ClassRule(3, "x"), IdentificationError, "cuts 'x': unknown"),
        (lambda p: ClassRule(3, (1.0,)), IdentificationError, "give 2 ascending"),
        (lambda p: ClassRule(3, (2.0, 1.0)), IdentificationError, "give 2 ascending"),
        (lambda p: markov(p, "y", level=1.0), IdentificationError, "level = 1.0"),
        (lambda p: markov(p, "y", draws=9), IdentificationError, "draws = 9"),
        (
            lambda p: markov(p, "y", rule=ClassRule(2, (99.0,))),
            IdentificationError,
            "no transition starts in class 2 of 2",
        ),
        (lambda p: markov(p.assign(y=1.0), "y"), IdentificationError, "1 distinct values"),
        (lambda p: markov(p.assign(y=-1.0), "y"), PanelError, "not positive"),
        (lambda p: markov(p.drop(index=2005, level="year"), "y"), PanelError, "before 2006"),
        (lambda p: markov(p[p.index.isin([2001], level=1)], "y"), PanelError, "1 years; give at"),
        (lambda p: markov(p.iloc[1:], "y"), PanelError, "1 values missing"),
        (lambda p: markov(p.assign(f=np.nan), "y", breaks="f"), PanelError, "breaks 'f': missing"),
        (lambda p: spatial_markov(p, "y", ring(12), draws=3), IdentificationError, "draws = 3"),
        (lambda p: spatial_markov(p, "y", ring(11)), AlignmentError, "weights and panel differ"),
        (
            lambda p: spatial_markov(
                p,
                "y",
                ce.weights.from_matrix(
                    np.ones((12, 12)) - np.eye(12), [f"u{i:02d}" for i in range(12)]
                ),
            ),
            WeightsError,
            "rows sum to 11 to 11",
        ),
        (lambda p: bandwidth(np.ones(9)), PanelError, "all values are equal"),
        (lambda p: bandwidth(np.ones(9), "silverman"), PanelError, "all values are equal"),
        (lambda p: bandwidth(np.ones(3)), PanelError, "3 values; give at least 5"),
        (lambda p: bandwidth(np.arange(9.0), "x"), IdentificationError, "rule 'x': unknown"),
        (lambda p: densities(p, "y", points=3), PanelError, "points = 3"),
        (lambda p: stochastic_kernel(p, "y", steps=0), IdentificationError, "steps = 0"),
        (lambda p: stochastic_kernel(p, "y", steps=20), PanelError, "20 years; give at least 21"),
        (lambda p: rank_mobility(p.loc[["u00"]], "y"), PanelError, "20 years of 1 units"),
    ],
)
def test_bad_input_is_refused(walk: pd.DataFrame, make, error, message: str) -> None:
    with pytest.raises(error, match=message):
        make(walk)
