"""OLS with fixed effects against R plm and against linearmodels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from linearmodels.panel import PanelOLS

import ccec_econ as ce

REFERENCE = json.loads((Path(__file__).parent / "cigar" / "nonspatial.json").read_text())
BARS = {"none": "", "unit": " | state", "time": " | year", "twoway": " | state + year"}
RELATIVE = 1e-9  # the reference prints fifteen digits; both are one least-squares solution


@pytest.mark.parametrize("reference", REFERENCE["results"], ids=lambda r: r["effects"])
def test_plm(cigar, reference) -> None:
    panel, _ = cigar
    fit = ce.ols(f"logc ~ logp + logy{BARS[reference['effects']]}", panel)
    np.testing.assert_allclose(fit.params, reference["coefficients"], rtol=RELATIVE)
    np.testing.assert_allclose(fit.std_errors, reference["std_errors"], rtol=RELATIVE)
    assert fit.vcov.df == reference["df"]
    assert fit.sigma2 * fit.likelihood_nobs == pytest.approx(reference["ssr"], rel=RELATIVE)


@pytest.mark.parametrize("reference", REFERENCE["results"], ids=lambda r: r["effects"])
def test_cluster_is_plm_arellano_times_its_stated_factor(cigar, reference) -> None:
    panel, _ = cigar
    fit = ce.ols(f"logc ~ logp + logy{BARS[reference['effects']]}", panel, cov=ce.Cluster())
    nobs, K = fit.likelihood_nobs, len(fit.params)
    factor = 46 / 45 * (nobs - 1) / (nobs - K)
    np.testing.assert_allclose(fit.cov, factor * np.array(reference["cluster_HC0"]), rtol=1e-8)
    assert fit.vcov.df == 45


def test_linearmodels(cigar) -> None:
    panel, _ = cigar
    peer = PanelOLS.from_formula("logc ~ logp + logy + EntityEffects + TimeEffects", panel).fit()
    fit = ce.ols("logc ~ logp + logy | state + year", panel)
    np.testing.assert_allclose(fit.params, peer.params, rtol=RELATIVE)
    np.testing.assert_allclose(fit.std_errors, peer.std_errors, rtol=RELATIVE)
