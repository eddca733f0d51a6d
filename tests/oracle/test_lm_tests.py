"""Textbook LM and dependence statistics: splm and plm on cigarettes, spreg on a simulated panel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import spreg
from libpysal.weights import W as ClassicW

import ccec_econ as ce
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.inference import dependence, lm
from ccec_econ.models.specification import dependence_tests, lm_tests

BARS = {"none": "", "unit": " | state", "time": " | year", "twoway": " | state + year"}
PRINTED = json.loads((Path(__file__).parent / "cigar" / "lm_tests.json").read_text())
ROUNDING = 1e-8  # splm solves normal equations in floating point; statistics run to 250


@pytest.mark.parametrize("effects", BARS)
def test_uncentred_statistics_are_those_of_splm(cigar, effects: str) -> None:
    panel, W = cigar
    fit = ce.ols(f"logc ~ logp + logy{BARS[effects]}", panel)
    found, expected = lm_tests(fit, W, draws=19), PRINTED["lm"][effects]
    tail = "" if effects == "none" else ", uncentred"
    names = {"lag": "LM lag", "error": "LM error"}
    names |= {f"robust {k}": f"Robust LM {k}" for k in ("lag", "error")}
    for kind, name in names.items():
        assert found[name + tail].statistic == pytest.approx(expected[kind], rel=ROUNDING)


def test_dependence_statistics_are_those_of_plm(cigar) -> None:
    panel, W = cigar
    found = dependence_tests(ce.ols("logc ~ logp + logy | state", panel), W, draws=19)
    expected = PRINTED["residuals_unit_effects"]
    assert found["Pesaran CD"].statistic == pytest.approx(expected["cd"], rel=ROUNDING)
    assert found["Breusch-Pagan"].statistic == pytest.approx(
        expected["breusch_pagan"], rel=ROUNDING
    )


@pytest.mark.filterwarnings("ignore:Casting complex")  # spreg's condition number
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # spreg's use of pandas
def test_spreg_error_and_robust_tests(sim16) -> None:
    """With unit effects (demeaned data) spreg's statistics follow up to its variance, SSE/(NT - 3).

    Its LM lag test is left out: it multiplies tr by tr where T tr belongs.
    """
    panel, W = sim16
    ordered = panel.swaplevel().sort_index()
    inside = (ordered - ordered.groupby(level=1).transform("mean"))[["y", "x1", "x2"]]
    classic = ClassicW.from_adjlist(W.adjacency.reset_index(), "focal", "neighbor", "weight")
    y, x = inside[["y"]].to_numpy(), inside[["x1", "x2"]].to_numpy()
    found = lm_tests(ce.ols("y ~ x1 + x2 | id", panel), W, draws=19)
    T, NT, K = 12, 192, 3
    ratio = (NT - K) / NT  # our s2 over spreg's, both on demeaned data
    error = spreg.panel_LMerror(y, x, classic)[0]
    textbook = found["LM error, uncentred"].statistic
    assert error == pytest.approx(textbook * ratio**2, rel=1e-10)
    assert found["LM error"].statistic == pytest.approx(textbook * (T - 1) / T, rel=1e-10)
    robust = spreg.panel_rLMlag(y, x, classic)[0]
    assert robust == pytest.approx(found["Robust LM lag, uncentred"].statistic * ratio, rel=1e-10)


def test_engine_pieces_are_what_the_textbook_says(cigar) -> None:
    """Twoway, uncentred: J, C and d by plain numpy."""
    panel, W = cigar
    fit = ce.ols("logc ~ logp + logy | state + year", panel).estimate
    dense = ce.weights.align(W, W.unique_ids)
    found = lm.slopes(lm.conventional(fit), spectrum(dense), spectrum(dense))
    e, T = fit.residuals, len(fit.y)
    s2 = (e**2).mean()
    assert found.d[1] == pytest.approx((e * (e @ dense.T)).sum() / s2)
    assert found.V[1, 1] == pytest.approx(T * np.trace(dense @ dense + dense.T @ dense))
    assert dependence.pesaran_cd(fit).reason
