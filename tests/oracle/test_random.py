"""Random effects against R splm (maximum likelihood) and spreg (generalised moments)."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import spreg

from ccec_econ.engine import kkp
from ccec_econ.models.random import random_effects, random_effects_gm

REFERENCE = json.loads((Path(__file__).parent / "cigar" / "random.json").read_text())["results"]
OPTIMISER = 1e-4  # splm's nlminb stops at 1e-10 in height: 3e-5 in phi, 1e-5 elsewhere
HEIGHT = 1e-6
FORMULA = "logc ~ logp + logy"
SPREG = 2e-4  # relative; spreg stops L-BFGS-B on numerical gradients, ours solves a cubic
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")  # spreg's use of pandas


@pytest.fixture(params=REFERENCE, ids=lambda r: r["name"])
def case(request, cigar):
    reference = request.param
    options = {name: reference[name] for name in ("lag", "error", "durbin")}
    return random_effects(FORMULA, *cigar, **options), reference


def test_splm_coefficients(case) -> None:
    fit, reference = case
    assert set(fit.params.index) == set(reference["params"])
    for name, value in reference["params"].items():
        assert fit.params[name] == pytest.approx(value, abs=OPTIMISER)


def test_log_likelihood_is_splms_or_higher(case) -> None:
    fit, reference = case
    assert fit.loglik == pytest.approx(reference["loglik"], abs=HEIGHT)
    assert fit.loglik >= reference["loglik"] - 1e-9


def test_errors_equal_splms_without_a_lag_and_exceed_them_with_one(case) -> None:
    """Given rho, intercepts look twice as certain as they are: 0.075 against 0.155."""
    fit, reference = case
    for name, value in reference["std_errors_given_lag"].items():
        if reference["lag"]:
            assert fit.std_errors[name] >= value * (1 - 1e-5)
        else:
            assert fit.std_errors[name] == pytest.approx(value, rel=1e-4)
    if reference["lag"]:
        assert fit.std_errors["Intercept"] > 1.5 * reference["std_errors_given_lag"]["Intercept"]
        ratio = fit.std_errors["rho"] / reference["std_error_rho_hessian"]
        assert 0.85 < ratio < 1.15  # expected against observed information


@pytest.mark.parametrize("data", ["sim16", "cigar"])
def test_spreg_moments_weighted_by_variances(data: str, request) -> None:
    panel, W = request.getfixturevalue(data)
    y, x = ("y", ["x1", "x2"]) if data == "sim16" else ("logc", ["logp", "logy"])
    peer = _peer(panel, W, y, x, full=False)
    fit = random_effects_gm(f"{y} ~ {' + '.join(x)}", panel, W, moments="partial")
    sigma_1 = fit.sigma2 * (1 + fit.estimate.likelihood.T * fit.phi)
    ours = [*fit.params.iloc[:-2], fit.sigma2, sigma_1]
    np.testing.assert_allclose(ours, peer.betas.ravel(), rtol=SPREG)
    # spreg scales by the residual variance of the GLS step instead of the moments' sigma2
    scale = np.sqrt(peer.vm[0, 0]) / fit.std_errors.iloc[0]
    np.testing.assert_allclose(
        fit.std_errors.iloc[:3] * scale, np.sqrt(np.diag(peer.vm)), rtol=SPREG
    )


def test_spreg_full_weights_rest_on_another_covariance_of_moments(cigar, monkeypatch) -> None:
    """spreg 1.9.1 divides one covariance by N twice and halves a variance; with that, it agrees."""

    def as_spreg(M: np.ndarray) -> np.ndarray:
        tau = kkp_covariance(M)
        tau[0, 1] /= len(M)
        tau[1, 0] /= len(M)
        tau[1, 1] /= 2.0
        return tau

    kkp_covariance = kkp.moment_covariance
    peer = _peer(*cigar, "logc", ["logp", "logy"], full=True)
    assert random_effects_gm(FORMULA, *cigar).lam == pytest.approx(0.5316, abs=1e-4)
    monkeypatch.setattr(kkp, "moment_covariance", as_spreg)
    fit = random_effects_gm(FORMULA, *cigar)
    np.testing.assert_allclose(fit.params.iloc[:4], peer.betas.ravel()[:4], atol=5e-5)


def _peer(panel, W, y: str, x: list[str], *, full: bool):
    ordered = panel.swaplevel().sort_index()  # spreg trusts that rows are time-major
    with contextlib.redirect_stdout(io.StringIO()):
        return spreg.GM_KKP(ordered[[y]].to_numpy(), ordered[x].to_numpy(), W, full_weights=full)
