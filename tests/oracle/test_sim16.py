"""Printed reference numbers on the simulated panel, five decimals."""

from __future__ import annotations

import pandas as pd
import pytest
from libpysal.graph import Graph

import ccec_econ as ce

# model, method, rho, sigma2 (None: not printed by the reference)
PRINTED = [
    ("sar", "transformation", 0.50875, 1.02454),
    ("sdm", "transformation", 0.38206, 0.98624),
    ("sar", "direct", 0.38491, None),
    ("sar", "bias_corrected", 0.46694, None),
    ("sdm", "bias_corrected", 0.29946, None),
]
HALF_DIGIT = 0.5e-5 + 1e-9  # the reference is printed to five decimals


@pytest.mark.parametrize(("model", "method", "rho", "sigma2"), PRINTED)
def test_printed_numbers(sim16, model: str, method: str, rho: float, sigma2: float | None) -> None:
    panel, W = sim16
    fit = getattr(ce, model)("y ~ x1 + x2 | id + year", panel, W, method=method)
    assert abs(fit.rho - rho) <= HALF_DIGIT
    if sigma2 is not None:
        assert abs(fit.sigma2 - sigma2) <= HALF_DIGIT


def test_lagging_the_demeaned_response_would_be_another_estimate(
    sim16: tuple[pd.DataFrame, Graph],
) -> None:
    """0.35165 is what W applied to demeaned y gives; the package must not return it."""
    panel, W = sim16
    fit = ce.sar("y ~ x1 + x2 | id + year", panel, W, method="direct")
    assert abs(fit.rho - 0.35165) > 0.03
