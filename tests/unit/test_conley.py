"""Conley's covariance: alignment by label, limiting cases, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import AlignmentError, FormulaError, IdentificationError

F = "y ~ x1 + x2 | id + year"


@pytest.fixture(scope="module")
def distances() -> pd.DataFrame:
    xy = np.random.default_rng(8).uniform(0.0, 300.0, (16, 2))
    d = np.sqrt(((xy[:, None] - xy[None]) ** 2).sum(axis=2))
    return pd.DataFrame(d, index=range(1, 17), columns=range(1, 17))


@pytest.fixture(scope="module")
def fit(sim16):
    return ce.ols(F, sim16[0])


def cells(fit) -> tuple[np.ndarray, np.ndarray]:
    """Scores by cell (T, N, K) and (Z'Z)^-1."""
    Z, e = fit.estimate.Z, fit.estimate.residuals
    return Z * e[:, :, None], np.linalg.inv(np.einsum("tik,til->kl", Z, Z))


def test_nothing_near_is_white(fit, distances) -> None:
    """Cut-off 0 and no lags: HC0, cell by cell, on the demeaned data."""
    s, bread = cells(fit)
    expected = bread @ np.einsum("tik,til->kl", s, s) @ bread
    for kernel in ("bartlett", "uniform"):
        found = fit.with_cov(ce.Conley(distances, 0.0, kernel=kernel)).cov
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_everything_near_is_clusters_by_period(fit, distances) -> None:
    s, bread = cells(fit)
    rows = s.sum(axis=1)
    found = fit.with_cov(ce.Conley(distances, 1e4, kernel="uniform")).cov
    np.testing.assert_allclose(found, bread @ rows.T @ rows @ bread, rtol=1e-10)
    nobs = 15 * 11
    factor = 12 / 11 * (nobs - 1) / (nobs - 2)
    np.testing.assert_allclose(fit.with_cov(ce.Cluster("time")).cov, factor * found, rtol=1e-10)


def test_labels_decide_not_order(fit, distances) -> None:
    order = np.random.default_rng(1).permutation(16)
    shuffled = distances.iloc[order, order[::-1]]
    one, two = (fit.with_cov(ce.Conley(d, 120.0, lags=2)).cov for d in (distances, shuffled))
    pd.testing.assert_frame_equal(one, two)
    wrong = pd.DataFrame(distances.to_numpy(), index=order + 1, columns=order + 1)
    assert not np.allclose(one, fit.with_cov(ce.Conley(wrong, 120.0, lags=2)).cov, rtol=1e-3)


def test_a_later_change_of_the_frame_does_not_matter(fit, distances) -> None:
    mine = distances.copy()
    cov = ce.Conley(mine, 120.0)
    before = fit.with_cov(cov).cov
    mine.iloc[:, :] = 0.0
    pd.testing.assert_frame_equal(before, fit.with_cov(cov).cov)


def test_distances_of_the_circle() -> None:
    panel = ce.data.load_panel(years=(2011, 2019))
    near = ce.Conley(ce.weights.distances(), 150.0, lags=2)
    given = ce.ols("growth ~ digital | unit + year", panel, cov=near)
    assert given.vcov.df is None
    assert "Conley, bartlett kernel to 150 km, 2 lags within units, normal" in str(given)
    assert repr(near) == "Conley(cutoff=150.0, kernel='bartlett', lags=2)"
    test = ce.randomisation_test(given, "digital", cov=near, draws=9)
    assert test.statistic == pytest.approx(float(given.tstats["digital"]))


def test_alignment_errors(fit, distances) -> None:
    other = distances.rename(index={1: 99}, columns={1: 99})
    with pytest.raises(
        AlignmentError, match=r"distances and panel differ: 1 only in the distances \(99\), 1 only"
    ):
        fit.with_cov(ce.Conley(other, 100.0))
    with pytest.raises(AlignmentError, match="carry no unit labels"):
        ce.Conley(distances.to_numpy(), 100.0)  # type: ignore[arg-type]
    with pytest.raises(AlignmentError, match="1, 17 on one side only"):
        ce.Conley(distances.rename(index={1: 17}), 100.0)
    with pytest.raises(AlignmentError, match="stand twice"):
        ce.Conley(distances.rename(index={1: 2}, columns={1: 2}), 100.0)
    with pytest.raises(AlignmentError, match=r"use fit.with_cov\(...\)"):
        ce.Conley(distances, 100.0)(fit.estimate)


def test_refusals(sim16, fit, distances) -> None:
    panel, W = sim16
    for options, message in (
        ({"cutoff": -1.0}, "cutoff -1.0: give a distance in km"),
        ({"cutoff": np.inf}, "cutoff inf: give a distance"),
        ({"cutoff": 1.0, "kernel": "parzen"}, "kernel 'parzen' is unknown"),
        ({"cutoff": 1.0, "lags": -1}, "lags -1: give a whole number"),
    ):
        with pytest.raises(IdentificationError, match=message):
            ce.Conley(distances, **options)
    with pytest.raises(IdentificationError, match="lags 12 with 12 periods"):
        fit.with_cov(ce.Conley(distances, 1.0, lags=12))
    with pytest.raises(IdentificationError, match="the estimates of rho and lam are inconsistent"):
        ce.sdm(F, panel, W, cov=ce.Conley(distances, 100.0))
    with pytest.raises(FormulaError, match="needs a likelihood"):
        ce.s2sls(F, panel, W, cov=ce.Conley(distances, 100.0))
    for broken in (-distances, distances + 1.0, distances.mask(distances > 200.0)):
        with pytest.raises(IdentificationError, match="missing, negative, not symmetric"):
            ce.Conley(broken, 100.0)
    lopsided = distances.copy()
    lopsided.loc[3, 4] += 1.0
    with pytest.raises(IdentificationError, match="distances in rows 3, 4 are"):
        ce.Conley(lopsided, 100.0)


def line() -> pd.DataFrame:
    """Three units, a and b one km apart and c one km from b."""
    at = np.array([0.0, 1.0, 2.0])
    return pd.DataFrame(np.abs(at[:, None] - at), index=list("abc"), columns=list("abc"))


def test_a_negative_variance_is_refused() -> None:
    """Uniform to 1 km: a-b and b-c near, a-c not, weights with eigenvalue 1 - sqrt(2) < 0.

    Without effects and intercept s_i = x_i e_i; residuals of y on x with scores near (1, -sqrt(2),
    1) in every period make the sum negative.
    """
    scores = np.array([1.0, -np.sqrt(2.0), 1.0])
    index = pd.MultiIndex.from_product([list("abc"), range(4)], names=["unit", "year"])
    sign = np.array([1.0, -1.0, 1.0, -1.0])
    panel = pd.DataFrame({"x": np.tile(sign, 3), "y": np.repeat(scores, 4) * 1.0}, index=index)
    panel["y"] *= panel["x"] * np.tile([1.0, 1.0, -1.0, -1.0], 3)
    fit = ce.ols("y ~ 0 + x", panel)
    with pytest.raises(IdentificationError, match="the variance of x comes out negative"):
        fit.with_cov(ce.Conley(line(), 1.0, kernel="uniform"))
    assert fit.with_cov(ce.Conley(line(), 1.0)).std_errors["x"] > 0


def test_an_indefinite_covariance_is_refused() -> None:
    """Positive variances may still hide a combination with a negative one."""
    index = pd.MultiIndex.from_product([list("abc"), range(4)], names=["unit", "year"])
    drawn = np.random.default_rng(13).standard_normal((12, 3))
    panel = pd.DataFrame(drawn, columns=["y", "x", "z"], index=index)
    fit = ce.ols("y ~ 0 + x + z", panel)
    s, bread = cells(fit)
    near = np.abs(np.arange(3)[:, None] - np.arange(3)) <= 1
    V = bread @ np.einsum("tik,ij,tjl->kl", s, near, s) @ bread
    assert (np.diag(V) > 0).all()
    assert np.linalg.eigvalsh(V).min() < 0
    with pytest.raises(IdentificationError, match="not positive semidefinite"):
        fit.with_cov(ce.Conley(line(), 1.0, kernel="uniform"))
