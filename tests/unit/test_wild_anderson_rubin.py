"""Wild Anderson-Rubin tests against enumeration by refitting, and against the reduced form."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.engine.transform import demean
from ccec_econ.errors import IdentificationError

SAME = 1e-12  # shares of the same count
N, T = 6, 5


def made(seed: int, n: int = N, periods: int = T, strength: float = 0.8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(n), range(periods)], names=["unit", "year"])
    z1, z2, x, v, u = rng.standard_normal((5, n * periods))
    d = strength * (z1 + 0.4 * z2) + 0.5 * x + v + np.repeat(rng.standard_normal(n), periods)
    return pd.DataFrame(
        {"z1": z1, "z2": z2, "x": x, "d": d, "y": 0.5 * d + x + 0.7 * v + u}, index=index
    )


def fitted(panel: pd.DataFrame, names: list[str], bar: str = "unit + year"):
    return ce.s2sls(
        f"y ~ x + d | {bar}", panel, endogenous="d", instruments=names, lag=False, cov=ce.Cluster()
    )


def refitted(panel: pd.DataFrame, names: list[str], value: float, bar: str) -> float:
    """P-value by making each sample of signs, fitting it and taking its clustered Wald."""
    effects = {"unit + year": "twoway", "unit": "unit", "year": "time"}[bar]

    def within(column) -> np.ndarray:
        return demean(np.asarray(column).reshape(N, T).T, effects).ravel()

    Z = np.column_stack([within(panel[name]) for name in names])
    x = within(panel["x"])
    y = within(panel["y"] - value * panel["d"])
    e = (y - x * (x @ y) / (x @ x)).reshape(T, N)
    H = np.column_stack([x, Z])
    inverse = np.linalg.inv(H.T @ H)

    def wald(y: np.ndarray) -> float:
        b = inverse @ H.T @ y
        scores = (H * (y - H @ b)[:, None]).reshape(T, N, -1).sum(axis=0)
        V = (inverse @ scores.T @ scores @ inverse)[1:, 1:]
        return float(b[1:] @ np.linalg.solve(V, b[1:]))

    own = wald(y)
    drawn = [wald(demean(e * np.array(s), effects).ravel()) for s in product((1, -1), repeat=N)]
    return float(np.mean(np.array(drawn) >= own * (1 - 1e-9)))


@pytest.mark.parametrize("bar", ["unit + year", "unit", "year"])
@pytest.mark.parametrize("names", [["z1"], ["z1", "z2"]])
def test_p_is_that_of_refitting_every_sample(names, bar: str) -> None:
    panel = made(2)
    fit = fitted(panel, names, bar)
    for value in (-0.5, 0.0, 0.4, 2.0):
        found = fit.anderson_rubin_pvalue("d", value, wild=True)
        assert found == pytest.approx(refitted(panel, names, value, bar), abs=SAME)


def test_with_one_instrument_it_is_the_wild_bootstrap_of_the_reduced_form() -> None:
    """y - c d on x and z1, signs flipped under no z1: another implementation."""
    panel = made(4, n=10)
    fit = fitted(panel, ["z1"])
    for value in (0.0, 0.3, 1.2):
        form = ce.ols(
            "left ~ x + z1 | unit + year", panel.assign(left=panel["y"] - value * panel["d"])
        )
        other = ce.wild_cluster(form, "z1")
        assert fit.anderson_rubin_pvalue("d", value, wild=True) == pytest.approx(
            other.pvalue, abs=SAME
        )


@pytest.mark.parametrize("strength", [0.8, 0.1, 0.0])
@pytest.mark.parametrize("names", [["z1"], ["z1", "z2"]])
@pytest.mark.parametrize("wild", [False, True])
def test_set_is_what_a_grid_does_not_reject(strength: float, names, wild: bool) -> None:
    fit = fitted(made(7, n=8, strength=strength), names)
    level = 0.8
    found = fit.anderson_rubin("d", level, wild=wild)
    for value in np.concatenate([np.linspace(-4, 4, 81), [-1e3, -30.0, 30.0, 1e3]]):
        if any(np.isclose(value, end, rtol=1e-6) for pair in found.intervals for end in pair):
            continue
        p = fit.anderson_rubin_pvalue("d", float(value), wild=wild)
        assert (value in found) == (p > 1 - level)


def test_more_than_sixteen_units_are_sampled() -> None:
    fit = fitted(made(3, n=20), ["z1"])
    first, again = (fit.anderson_rubin_pvalue("d", 0.2, wild=True, rng=1) for _ in range(2))
    assert first == again
    assert first != fit.anderson_rubin_pvalue("d", 0.2, wild=True, rng=2)
    assert abs(first - fit.anderson_rubin_pvalue("d", 0.2)) < 0.1
    assert "9,999 draws" in str(fit.anderson_rubin("d", wild=True))


def test_the_set_says_how_it_was_made() -> None:
    found = fitted(made(2), ["z1"]).anderson_rubin("d", wild=True)
    assert "1 instruments, wild cluster bootstrap, 6 clusters, all 64 sign vectors" in str(found)


def test_refusals() -> None:
    panel = made(1)
    fit = fitted(panel, ["z1"])
    with pytest.raises(IdentificationError, match=r"needs one endogenous column, here are 2"):
        fit.anderson_rubin("x", wild=True)
    with pytest.raises(ValueError, match="need 0 < level < 1"):
        fit.anderson_rubin("d", 1.5, wild=True)
    many = [f"z{k}" for k in range(N)]
    rng = np.random.default_rng(0)
    fit = fitted(panel.assign(**{name: rng.standard_normal(len(panel)) for name in many}), many)
    with pytest.raises(IdentificationError, match="6 clusters for 6 excluded instruments"):
        fit.anderson_rubin("d", wild=True)
