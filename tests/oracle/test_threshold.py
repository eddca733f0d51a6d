"""A threshold without spatial lags against dummy-variable least squares in R (Hansen 1999)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ccec_econ as ce

REFERENCE = json.loads((Path(__file__).parent / "cigar" / "threshold.json").read_text())
BARS = {"unit": " | state", "twoway": " | state + year"}
RELATIVE = 1e-9  # both are one least-squares solution


@pytest.mark.parametrize("reference", REFERENCE["results"], ids=lambda r: r["effects"])
def test_dummy_variables_in_r(cigar, reference) -> None:
    panel, _ = cigar
    fit = ce.threshold(
        f"logc ~ logp + logy{BARS[reference['effects']]}", panel, by="logy", model="ols"
    )
    nobs, profile = fit.likelihood_nobs, fit.profile()
    sse = nobs / (2 * np.pi) * np.exp(-2 * profile["loglik"] / nobs - 1)
    assert fit.threshold == pytest.approx(reference["threshold"], rel=1e-12)
    assert len(profile) == reference["candidates"]
    assert fit.sizes().loc["low", "observations"] == reference["low"]
    np.testing.assert_allclose(fit.params, reference["coefficients"], rtol=1e-8)
    np.testing.assert_allclose(sse.iloc[::100], reference["every"], rtol=RELATIVE)
    assert sse.min() == pytest.approx(reference["S1"], rel=RELATIVE)
    assert fit.null.sigma2 * nobs == pytest.approx(reference["S0"], rel=RELATIVE)
    # Hansen's F is a transform of the supremum ratio, n [exp(LR / n) - 1], and so is his LR(g)
    assert nobs * np.expm1(fit.supremum / nobs) == pytest.approx(reference["F1"], rel=1e-8)
    hansen = nobs * np.expm1(profile["ratio"] / nobs)
    assert (hansen <= 7.35).sum() == reference["kept"]
    assert fit.confidence_set().kept >= reference["kept"]
