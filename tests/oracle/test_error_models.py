"""Spatial error and SARAR models with unit effects against R splm, where splm is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ccec_econ as ce

FILE = Path(__file__).parent / "cigar" / "error_models.json"
REFERENCE = json.loads(FILE.read_text())["results"]
OPTIMISER = 2e-5  # splm stops its two-dimensional search at a relative tolerance of 1e-8 in height


@pytest.mark.parametrize("reference", REFERENCE, ids=lambda r: f"{r['model']}-{r['method']}")
def test_splm(cigar, reference) -> None:
    panel, W = cigar
    model = getattr(ce, reference["model"])
    fit = model("logc ~ logp + logy | state", panel, W, method=reference["method"])
    assert set(fit.params.index) == set(reference["coefficients"])
    for name, value in reference["coefficients"].items():
        assert fit.params[name] == pytest.approx(value, abs=OPTIMISER)
        assert fit.std_errors[name] == pytest.approx(reference["std_errors"][name], abs=OPTIMISER)
    assert fit.sigma2 == pytest.approx(reference["sigma2"], abs=1e-7)
