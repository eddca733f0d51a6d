"""Weights that change over time: the constant case, dense brute force, Monte Carlo, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.transform import helmert
from ccec_econ.errors import AlignmentError, IdentificationError, WeightsError
from ccec_econ.simulation import nearest_weights

N, T = 16, 12
F = "y ~ x | unit + year"


def paths(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two weights matrices; the second rules from half-time on."""
    rng = np.random.default_rng(seed)
    return nearest_weights(N, 4, rng), nearest_weights(N, 4, rng)


def simulated(seed: int, rho: float = 0.4) -> tuple[pd.DataFrame, dict[int, ce.weights.Graph]]:
    early, late = paths(0)
    rng = np.random.default_rng(seed)
    x, e = rng.standard_normal((2, T, N))
    mean = x + e + rng.standard_normal(N) + rng.standard_normal((T, 1))
    W = [early if t < T // 2 else late for t in range(T)]
    y = np.stack([np.linalg.solve(np.eye(N) - rho * W[t], mean[t]) for t in range(T)])
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    panel = pd.DataFrame({"y": y.T.ravel(), "x": x.T.ravel()}, index=index)
    graphs = [ce.weights.from_matrix(part, range(N)) for part in (early, late)]
    return panel, {t: graphs[int(t >= T // 2)] for t in range(T)}


@pytest.mark.parametrize("effects", ["", " | year"])
@pytest.mark.parametrize("cov", [ce.Information(), ce.Cluster(), ce.QuasiML(), ce.DriscollKraay(2)])
def test_the_same_graph_in_every_period_is_the_constant_case(effects: str, cov) -> None:
    """Without unit effects nothing is approximated: all numbers agree."""
    panel, graphs = simulated(1)
    W = graphs[0]
    for model in (ce.sar, ce.sdm):
        constant = model(f"y ~ x{effects}", panel, W, cov=cov)
        path = model(f"y ~ x{effects}", panel, dict.fromkeys(range(T), W), cov=cov)
        np.testing.assert_allclose(path.params, constant.params, atol=1e-9)
        np.testing.assert_allclose(path.cov, constant.cov, rtol=1e-7)
        assert path.loglik == pytest.approx(constant.loglik)
        np.testing.assert_allclose(
            path.effects(draws=20).frame, constant.effects(draws=20).frame, atol=1e-8
        )
        np.testing.assert_allclose(path.predict(), constant.predict(), atol=1e-8)


def test_dense_brute_force_with_time_effects() -> None:
    """F_n by period, dense determinants: the same height and no higher point."""
    panel, graphs = simulated(2)
    fit = ce.sar("y ~ x | year", panel, graphs)
    wide = {name: panel[name].unstack("unit").to_numpy() for name in ("y", "x")}
    F_n = helmert(N)
    early, late = paths(0)
    stars = [F_n.T @ (early if t < T // 2 else late) @ F_n for t in range(T)]
    y, x = (wide[name] @ F_n for name in ("y", "x"))

    def height(rho: float) -> float:
        v = np.stack([y[t] - rho * stars[t] @ y[t] for t in range(T)]).ravel()
        e = v - x.ravel() * (x.ravel() @ v) / (x.ravel() @ x.ravel())
        logdets = [np.linalg.slogdet(np.eye(N - 1) - rho * star)[1] for star in stars]
        return sum(logdets) - 0.5 * y.size * (np.log(2 * np.pi * e @ e / y.size) + 1)

    assert height(fit.rho) == pytest.approx(fit.loglik, abs=1e-8)
    assert max(height(rho) for rho in np.linspace(-1.5, 0.99, 200)) <= fit.loglik + 1e-9


def test_lags_are_taken_by_each_periods_own_weights() -> None:
    panel, graphs = simulated(3)
    fit = ce.slx("y ~ x | unit + year", panel, graphs)
    early, late = paths(0)
    x = panel["x"].unstack("unit").to_numpy()
    lagged = np.stack([(early if t < T // 2 else late) @ x[t] for t in range(T)])
    by_hand = panel.assign(wx=lagged.T.ravel())
    expected = ce.ols("y ~ x + wx | unit + year", by_hand)
    np.testing.assert_allclose(fit.params, expected.params)
    formula = ce.slx("y ~ x + W(x) | unit + year", panel, graphs)
    np.testing.assert_allclose(formula.params, fit.params)


def test_two_way_bias_is_small_and_the_direct_one_is_not() -> None:
    """16 units, 12 years, weights that change half-way: direct is off by about -0.2."""
    found = {"transformation": [], "direct": []}
    errors, sigma2 = [], []
    for seed in range(100, 300):
        panel, graphs = simulated(seed)
        for method, values in found.items():
            fit = ce.sar(F, panel, graphs, method=method)
            values.append(fit.rho)
            if method == "transformation":
                errors.append(fit.std_errors["rho"])
                sigma2.append(fit.sigma2)
    spread = np.std(found["transformation"])
    assert abs(np.mean(found["transformation"]) - 0.4) < 0.05
    assert np.mean(found["direct"]) - 0.4 < -0.1
    assert np.mean(sigma2) == pytest.approx(1.0, abs=0.05)
    assert 0.85 < np.mean(errors) / spread < 1.2


def test_notes_and_refusals() -> None:
    panel, graphs = simulated(4)
    fit = ce.sdm(F, panel, graphs)
    assert "Weights change over time; variance corrected to first order." in str(fit)
    with pytest.raises(AlignmentError, match="weights that change over time lack 0, 1, 2, 3, 4"):
        ce.sar(F, panel, {99: graphs[0]})
    with pytest.raises(WeightsError, match="sem: weights that change over time are not"):
        ce.sem(F, panel, graphs)
    with pytest.raises(IdentificationError, match="the weights change over time and this needs"):
        _ = fit.estimate.weights.W


def test_unit_effects_are_part_of_what_the_lag_holds() -> None:
    """Unit effects reach Wy through each period's G: errors agree with the exact projection's.

    Leaving them out gives rho an error half as large again where unit effects are large.
    """
    panel, weights = simulated(3)
    far = 3.0 * np.random.default_rng(4).standard_normal(N)
    S = [np.eye(N) - 0.4 * part for part in paths(0)]
    moved = panel["y"].unstack("unit")
    shift = np.stack([np.linalg.solve(S[int(t >= T // 2)], far) for t in range(T)])
    panel = panel.assign(y=(moved + shift).T.stack())
    one, two = (ce.sar(F, panel, weights, unbalanced=u) for u in (False, True))
    assert one.rho == pytest.approx(two.rho, rel=1e-6)
    for cov in (ce.Information(), ce.QuasiML(), ce.Cluster()):
        errors = [fit.with_cov(cov).std_errors["rho"] for fit in (one, two)]
        assert errors[0] == pytest.approx(errors[1], rel=0.03)


def test_the_note_says_what_is_approximated() -> None:
    panel, weights = simulated(3)
    exact = str(ce.sar("y ~ x | year", panel, weights))
    assert "Weights change over time." in exact
    assert "first order" not in exact


def test_only_weights_in_use_change_over_time() -> None:
    """Said where a lag is taken by them, of response or regressors; unused ones do not count."""
    panel, graphs = simulated(9)
    says = "Weights change over time."
    W = graphs[0]
    for fit in (ce.slx(F, panel, graphs), ce.sdm(F, panel, W, x_weights=graphs)):
        assert says in fit.notes()
        assert "quasi-likelihood" not in str(fit)
        assert "effects are means over the periods" in str(fit.effects(draws=9))
        with pytest.raises(IdentificationError, match="weights that change over time"):
            ce.bootstrap(fit, draws=5)
    unused, plain = ce.sar(F, panel, W, x_weights=graphs), ce.sar(F, panel, W)
    assert not unused.estimate.varies
    assert str(unused) == str(plain)
    assert str(unused.effects(draws=9)) == str(plain.effects(draws=9))
    assert str(ce.bootstrap(unused, draws=5)) == str(ce.bootstrap(plain, draws=5))
    packs = [ce.small_sample(fit, "x", draws=9) for fit in (unused, plain)]
    assert str(packs[0]) == str(packs[1])


def test_instruments_say_once_that_weights_change() -> None:
    panel, graphs = simulated(9)
    notes = ce.s2sls("y ~ x | year", panel, graphs).notes()
    assert notes.count("Weights change over time.") == 1
