"""SAC, GNS, two-stage least squares and random effects against R spatialreg and nlme."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

import ccec_econ as ce
from ccec_econ.errors import WeakIdentificationWarning

FILE = Path(__file__).parent / "sim16" / "spatialreg.json"
REFERENCE = json.loads(FILE.read_text())["results"]
OPTIMISER = 5e-8  # sacsarlm and lme stop at about 1e-8 in the parameters
FORMULA = "y ~ x1 + x2"


@pytest.mark.parametrize("model", ["sac", "gns"])
def test_both_spatial_parameters(sim16, model: str) -> None:
    reference = REFERENCE[model]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakIdentificationWarning)
        fit = getattr(ce, model)(FORMULA, *sim16)
    assert set(fit.params.index) == set(reference["params"])
    for name, value in reference["params"].items():
        assert fit.params[name] == pytest.approx(value, abs=OPTIMISER)
        assert fit.std_errors[name] == pytest.approx(reference["std_errors"][name], abs=OPTIMISER)
    assert fit.sigma2 == pytest.approx(reference["sigma2"], abs=OPTIMISER)
    assert fit.loglik == pytest.approx(reference["loglik"], abs=1e-10)


def test_the_lower_maximum_of_gns_is_told(sim16) -> None:
    """rho and lam trade places, 1.9 lower in height."""
    with pytest.warns(WeakIdentificationWarning):
        fit = ce.gns(FORMULA, *sim16)
    (other,) = fit.estimate.others
    assert fit.rho < 0.0 < fit.lam
    assert other.lam < 0.0 < other.rho
    assert f"Another maximum: rho = {other.rho:.4f}" in str(fit)


def test_two_stage_least_squares(sim16) -> None:
    fit, reference = ce.s2sls(FORMULA, *sim16), REFERENCE["s2sls"]
    for name, value in reference["params"].items():
        assert fit.params[name] == pytest.approx(value, abs=1e-10)
        assert fit.std_errors[name] == pytest.approx(reference["std_errors"][name], abs=1e-10)


def test_random_effects_without_spatial_terms(sim16) -> None:
    panel, _ = sim16
    fit, reference = ce.random_effects(FORMULA, panel, None, lag=False), REFERENCE["random"]
    for name, value in reference["params"].items():
        assert fit.params[name] == pytest.approx(value, abs=OPTIMISER)
    assert fit.loglik == pytest.approx(reference["loglik"], abs=1e-10)
