"""Covariances of random effects: scores against the dense likelihood, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import ccec_econ as ce
from ccec_econ.engine.estimate import Columns
from ccec_econ.engine.random import RandomEstimate, assemble, prepare
from ccec_econ.engine.random_likelihood import RandomOptimum
from ccec_econ.engine.random_scores import random_scores
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.inference.random_vcov import _excess, random_unit_scores

N, T = 6, 4
F = "y ~ x1 + x2"
# away from any maximum: coefficients, rho, lam, phi, sigma2
THETA = {"none": [0.4, -0.7, 0.25, 0.8, 1.3], "kkp": [0.4, -0.7, 0.25, -0.3, 0.8, 1.3]}
THETA["bsk"] = THETA["kkp"]


def dense(form: str) -> tuple[Columns, np.ndarray]:
    rng = np.random.default_rng(4)
    W = rng.random((N, N)) * (1 - np.eye(N))
    X = rng.standard_normal((T, N, 2))
    columns = Columns(rng.standard_normal((T, N)), X, ("a", "b"), (None, None))
    return columns, W / W.sum(axis=1, keepdims=True)


def at(columns: Columns, W: np.ndarray, form: str, theta: np.ndarray) -> RandomEstimate:
    """An estimate at given parameters."""
    error = None if form == "none" else spectrum(W)
    likelihood, triangle = prepare(columns, spectrum(W), error, form)
    lam = 0.0 if form == "none" else theta[3]
    best = RandomOptimum(theta[2], lam, theta[-2], theta[:2], theta[-1], 0.0, boundary=False)
    return assemble(columns, likelihood, triangle, best, None)


def covariance(W: np.ndarray, form: str, theta: np.ndarray) -> np.ndarray:
    """Covariance of e stacked by period, (NT, NT), by its definition."""
    lam = 0.0 if form == "none" else theta[3]
    inner = np.linalg.inv(np.eye(N) - lam * W)
    V, outside = inner @ inner.T, np.eye(N) if form == "bsk" else inner @ inner.T
    return theta[-1] * (np.kron(np.eye(T), V) + theta[-2] * np.kron(np.ones((T, T)), outside))


def loglik(columns: Columns, W: np.ndarray, form: str, theta: np.ndarray) -> float:
    """Gaussian density of y, with the determinant of I - rho W."""
    S = np.eye(N) - theta[2] * W
    e = columns.y @ S.T - columns.X @ theta[:2]
    density = stats.multivariate_normal(np.zeros(N * T), covariance(W, form, theta))
    return float(density.logpdf(e.ravel())) + T * np.linalg.slogdet(S)[1]


def gradient(columns: Columns, W: np.ndarray, form: str, theta: np.ndarray) -> np.ndarray:
    step = 1e-5 * np.eye(len(theta))
    ends = [[loglik(columns, W, form, theta + s * h) for s in (1, -1)] for h in step]
    return np.array([(up - down) / 2e-5 for up, down in ends])


@pytest.mark.parametrize("form", ["none", "kkp"])
def test_contributions_add_to_the_numerical_gradient(form: str) -> None:
    columns, W = dense(form)
    theta = np.array(THETA[form])
    own, pairs = random_unit_scores(at(columns, W, form, theta))
    total = own.sum(axis=0) + pairs.sum(axis=0)
    np.testing.assert_allclose(total, gradient(columns, W, form, theta), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", ["none", "kkp", "bsk"])
def test_forms_give_the_numerical_gradient(form: str) -> None:
    """Quadratic and linear forms in xi, less their mean under the model, are the score."""
    columns, W = dense(form)
    theta = np.array(THETA[form])
    parts = random_scores(at(columns, W, form, theta))
    x = (parts.within, parts.between)
    D = parts.unit_effects
    spread = (
        (T - 1) * theta[-1] * np.eye(N),
        theta[-1] * (np.eye(N) + T * theta[-2] * D @ D.T),
    )
    total = np.zeros(len(theta))
    for one, linear, forms, V in zip(x, parts.linear, parts.forms, spread, strict=True):
        total += np.einsum("tik,ti->k", linear, one)
        total += np.einsum("pij,ji->p", forms, one.T @ one - V)
    np.testing.assert_allclose(total, gradient(columns, W, form, theta), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", ["none", "kkp", "bsk"])
def test_excess_equals_the_dense_sum_over_shocks(form: str, monkeypatch) -> None:
    """Score as quadratic and linear forms in (mu, v), third and fourth cumulants by shock."""
    columns, W = dense(form)
    theta = np.array(THETA[form])
    fit = at(columns, W, form, theta)
    cumulants = ((0.7, 1.9), (-0.4, 2.3))
    monkeypatch.setattr(
        "ccec_econ.inference.random_vcov._unit_cumulants", lambda fit, parts: cumulants
    )
    lam = 0.0 if form == "none" else theta[3]
    L, eye = np.linalg.inv(np.eye(N) - lam * W), np.eye(N)
    G = W @ np.linalg.inv(eye - theta[2] * W)
    load = np.hstack(
        [np.kron(np.ones((T, 1)), eye if form == "bsk" else L), np.kron(np.eye(T), L)]
    )  # e = load (mu, v)
    V = covariance(W, form, theta)
    P, big = np.linalg.inv(V), np.kron(np.eye(T), G)
    Z = columns.X.reshape(N * T, 2)
    linear = [P @ Z[:, 0], P @ Z[:, 1], P @ big @ Z @ theta[:2]]
    zero = np.zeros_like(V)
    quadratic = [zero, zero, P @ big]
    for j in range(3, len(theta)):
        h = 1e-6 * np.eye(len(theta))[j]
        slope = (covariance(W, form, theta + h) - covariance(W, form, theta - h)) / 2e-6
        linear.append(np.zeros(N * T))
        quadratic.append(0.5 * P @ slope @ P)
    diagonal = np.array([np.diag(load.T @ form_ @ load) for form_ in quadratic])
    loads = np.array(linear) @ load
    third = np.repeat([cumulants[1][0], cumulants[0][0]], [N, N * T])
    fourth = np.repeat([cumulants[1][1], cumulants[0][1]], [N, N * T])
    cross = (loads * third) @ diagonal.T
    expected = (diagonal * fourth) @ diagonal.T + cross + cross.T
    np.testing.assert_allclose(_excess(fit), expected, rtol=1e-6, atol=1e-8)


def test_normal_moments_add_nothing(sim16) -> None:
    """With cumulants of zero the sandwich is the inverse information."""
    panel, W = sim16
    fit = ce.random_effects(F, panel, W)
    assert fit.with_cov(ce.QuasiML()).cov.shape == fit.cov.shape
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "ccec_econ.inference.random_vcov._unit_cumulants", lambda fit, parts: ((0, 0), (0, 0))
        )
        np.testing.assert_allclose(fit.with_cov(ce.QuasiML()).cov, fit.cov, rtol=1e-8, atol=1e-15)


def test_clustered_least_squares(sim16) -> None:
    """Without spatial terms: (Z'PZ)^-1 sum_i Z_i'P_i e_i e_i'P_i Z_i (Z'PZ)^-1, by hand."""
    panel, _ = sim16
    fit = ce.random_effects(F, panel, None, lag=False, cov=ce.Cluster())
    Z, e, phi = fit.estimate.base.Z, fit.estimate.base.disturbances, fit.phi
    years = len(e)
    P = np.eye(years) - phi / (1 + years * phi) * np.ones((years, years))
    bread = np.linalg.inv(np.einsum("tik,ts,sil->kl", Z, P, Z))
    rows = np.einsum("tik,ts,si->ik", Z, P, e)
    expected = bread @ rows.T @ rows @ bread * 16 / 15 * 191 / (192 - 3)
    np.testing.assert_allclose(fit.cov.iloc[:3, :3], expected, rtol=1e-10)
    assert fit.vcov.df == 15
    assert "clustered by unit (CR1), 16 clusters, t(15)" in str(fit)
    reach = stats.t.ppf(0.975, 15) * fit.std_errors["x1"]
    assert fit.conf_int().loc["x1", "upper"] == pytest.approx(fit.params["x1"] + reach)


def test_moments_cluster_their_coefficients(sim16) -> None:
    panel, W = sim16
    fit = ce.random_effects_gm(F, panel, W)
    clustered = fit.with_cov(ce.Cluster())
    assert np.isfinite(clustered.std_errors.iloc[:3]).all()
    assert clustered.std_errors.iloc[3:].isna().all()
    base, phi, years = fit.estimate.base, fit.phi, 12
    R = np.eye(16) - fit.lam * base.error.W
    Z, xi = np.einsum("ij,tjk->tik", R, base.Z), base.disturbances @ R.T
    P = np.eye(years) - phi / (1 + years * phi) * np.ones((years, years))
    bread = np.linalg.inv(np.einsum("tik,ts,sil->kl", Z, P, Z))
    rows = np.einsum("tik,ts,si->ik", Z, P, xi)
    expected = bread @ rows.T @ rows @ bread * 16 / 15 * 191 / (192 - 3)
    np.testing.assert_allclose(clustered.cov.iloc[:3, :3], expected, rtol=1e-10)
    with pytest.raises(ce.errors.IdentificationError, match="they maximise no likelihood"):
        fit.with_cov(ce.QuasiML())


def test_refusals(sim16) -> None:
    panel, W = sim16
    outside = ce.random_effects(F, panel, W, lag=False, error="bsk")
    with pytest.raises(ce.errors.IdentificationError, match="stand outside the spatial filter"):
        outside.with_cov(ce.Cluster())
    assert np.isfinite(outside.with_cov(ce.QuasiML()).std_errors).all()
    for cov in (ce.Cluster("time"), ce.Cluster(kind="CR2"), ce.DriscollKraay(1)):
        with pytest.raises(ce.errors.FormulaError, match="not defined with random unit effects"):
            outside.with_cov(cov)
    with pytest.raises(ce.errors.FormulaError, match="is no covariance"):
        outside.with_cov("cluster")


def test_hausman_and_mundlak_rest_on_the_information(sim16) -> None:
    panel, W = sim16
    fit = ce.random_effects(F, panel, W)
    assert str(fit.with_cov(ce.Cluster()).hausman()) == str(fit.hausman())
    means = ce.random_effects(F, panel, W, mundlak=True)
    assert means.with_cov(ce.Cluster()).mundlak_test() == means.mundlak_test()


def test_border_of_phi(sim16) -> None:
    """With unit means taken off nothing is left between units; phi has no error, others do."""
    panel, W = sim16
    flat = panel - panel.groupby("id").transform("mean")
    flat = flat.assign(x1=panel["x1"])
    fit = ce.random_effects(F, flat, W)
    assert fit.boundary
    for cov in (ce.QuasiML(), ce.Cluster()):
        errors = fit.with_cov(cov).std_errors
        assert np.isnan(errors["phi"])
        assert np.isfinite(errors.drop("phi")).all()


def test_results_do_not_change_in_place(sim16) -> None:
    panel, W = sim16
    fit = ce.random_effects(F, panel, W)
    before = replace(fit)
    fit.with_cov(ce.Cluster())
    assert fit.vcov is before.vcov
