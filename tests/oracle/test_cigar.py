"""Static SAR and SDM on the cigarette panel: every effect, every likelihood, to 1e-6."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ccec_econ as ce
from ccec_econ.inference.vcov import Information

TOLERANCE = 1e-6  # the reference optimiser stops at about 5e-8 in the parameters
BARS = {"none": "", "unit": " | state", "time": " | year", "twoway": " | state + year"}
CASES = [
    (model, effects, method)
    for model in ("sar", "sdm")
    for effects in BARS
    for method in ("direct", "transformation", "bias_corrected")
    if (effects != "none" or method == "direct")
    and (method != "bias_corrected" or effects == "twoway")
]


@pytest.fixture(params=CASES, ids="-".join)
def case(request, cigar, cigar_oracle) -> tuple[Any, dict[str, Any]]:
    return _fit_and_reference(cigar, cigar_oracle, *request.param)


def _fit_and_reference(
    cigar, cigar_oracle, model: str, effects: str, method: str
) -> tuple[Any, dict[str, Any]]:
    panel, W = cigar
    fit = getattr(ce, model)(f"logc ~ logp + logy{BARS[effects]}", panel, W, method=method)
    wanted = (model, effects, method)
    found = [r for r in cigar_oracle if (r["model"], r["effects"], r["method"]) == wanted]
    assert len(found) == 1
    return fit, found[0]


def test_coefficients_and_rho(case) -> None:
    fit, reference = case
    assert list(fit.params.index) == [*reference["terms"], "rho"]
    expected = [*reference["coefficients"], reference["rho"]]
    np.testing.assert_allclose(fit.params, expected, rtol=0, atol=TOLERANCE)
    assert abs(fit.sigma2 - reference["sigma2"]) < TOLERANCE


def test_log_likelihood(case) -> None:
    fit, reference = case
    if reference["loglik"] is None:
        assert np.isnan(fit.loglik)
    else:
        assert abs(fit.loglik - reference["loglik"]) < TOLERANCE


def test_standard_errors_and_full_covariance(case) -> None:
    fit, reference = case
    full = Information()(fit.estimate).matrix
    np.testing.assert_allclose(full, reference["covariance"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(
        np.sqrt(np.diag(full)), reference["std_errors"], rtol=0, atol=TOLERANCE
    )
    np.testing.assert_allclose(fit.std_errors, reference["std_errors"][:-1], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("model", "effects", "method"), [c for c in CASES if c[1] != "none"], ids="-".join
)
def test_effects_and_their_delta_errors(cigar, cigar_oracle, model, effects, method) -> None:
    fit, reference = _fit_and_reference(cigar, cigar_oracle, model, effects, method)
    frame = fit.effects(draws=10).frame
    assert len(reference["impacts"]) == 6
    for key, (point, error) in reference["impacts"].items():
        effect, term = key.split("_")
        row = frame.loc[(term, effect)]
        assert abs(row["estimate"] - point) < TOLERANCE
        assert abs(row["std_error"] - error) < TOLERANCE


@pytest.mark.parametrize("model", ["sar", "sdm"])
def test_effects_without_fixed_effects_by_dense_algebra(cigar, cigar_oracle, model) -> None:
    """The reference gives no effects here: its own estimates through a dense inverse instead."""
    fit, reference = _fit_and_reference(cigar, cigar_oracle, model, "none", "direct")
    W = ce.weights.align(cigar[1], fit.panel.units)
    K = len(reference["terms"])
    V = np.array(reference["covariance"])[: K + 1, : K + 1]
    theta = np.array([*reference["coefficients"], reference["rho"]])

    def dense(values: np.ndarray) -> np.ndarray:
        inverse, out = np.linalg.inv(np.eye(46) - values[K] * W), []
        for term in ("logp", "logy"):
            b = values[reference["terms"].index(term)]
            lag = f"W({term})"
            t = values[reference["terms"].index(lag)] if lag in reference["terms"] else 0.0
            S = inverse @ (b * np.eye(46) + t * W)
            out += [np.trace(S) / 46, S.sum() / 46 - np.trace(S) / 46, S.sum() / 46]
        return np.array(out)

    step = 1e-6
    slopes = [
        (dense(theta + step * d) - dense(theta - step * d)) / (2 * step) for d in np.eye(K + 1)
    ]
    errors = np.sqrt(np.einsum("pi,pq,qi->i", slopes, V, slopes))
    frame = fit.effects(draws=10).frame
    np.testing.assert_allclose(frame["estimate"], dense(theta), atol=TOLERANCE)
    np.testing.assert_allclose(frame["std_error"], errors, atol=TOLERANCE)
