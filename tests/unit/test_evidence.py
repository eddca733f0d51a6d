"""Instruments side by side: each cell is that of the fit, the reduced form, or least squares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import FormulaError, IdentificationError
from ccec_econ.inference.anderson_rubin import AndersonRubinSet

N, T = 10, 6


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(9)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    z1, z2, x, v, u = rng.standard_normal((5, N * T))
    d = 1.5 * z1 + 0.4 * z2 + v
    y = 2.0 * d + x + v + u
    return pd.DataFrame({"z1": z1, "z2": z2, "x": x, "d": d, "y": y}, index=index)


def fitted(panel: pd.DataFrame, *names: str, **options):
    options = {"endogenous": ["d"], "lag": False} | options
    return ce.s2sls("y ~ x + d | unit + year", panel, instruments=list(names), **options)


@pytest.fixture(scope="module")
def found(panel) -> ce.InstrumentEvidence:
    fits = {"one": fitted(panel, "z1"), "two": fitted(panel, "z1", "z2")}
    return ce.instrument_evidence(fits, draws=39, rng=3)


def test_cells_are_those_of_the_fit(found, panel) -> None:
    for name, names in (("one", ["z1"]), ("two", ["z1", "z2"])):
        one, fit = found.designs[name], fitted(panel, *names, cov=ce.Cluster())
        (stage,) = fit.first_stages
        assert one.stage == stage
        assert one.by_f == fit.anderson_rubin("d")
        assert one.wild == fit.anderson_rubin("d", wild=True)
        assert one.pvalue == fit.anderson_rubin_pvalue("d", wild=True)
        assert one.estimate == fit.params["d"]
        plain = ce.ols("y ~ x + d | unit + year", panel, cov=ce.Cluster())
        np.testing.assert_allclose(one.within[0], plain.params["d"])
        np.testing.assert_allclose(one.within[1:], plain.conf_int().loc["d"])
    assert found.designs["one"].is_clear
    assert "one" in str(found)


def test_p_of_the_first_stage_is_the_wild_bootstrap_of_it(found, panel) -> None:
    first = ce.ols("d ~ x + z1 | unit + year", panel)
    expected = ce.wild_cluster(first, "z1").pvalue
    assert found.designs["one"].p_first == pytest.approx(expected, abs=1e-12)


def test_permutations_are_of_the_reduced_form(found, panel) -> None:
    reduced = ce.ols("y ~ x + z1 | unit + year", panel)
    other = ce.randomisation_test(reduced, "z1", draws=39, rng=3)
    assert found.designs["one"].p_permuted == other.pvalue
    assert np.isnan(found.designs["two"].p_permuted)


def test_a_set_without_bounds_goes_with_a_first_stage_that_moves_nothing(panel) -> None:
    rng = np.random.default_rng(1)
    weak = panel.assign(z=rng.standard_normal(len(panel)))
    one = ce.instrument_evidence({"weak": fitted(weak, "z")}, draws=19).designs["weak"]
    assert one.p_first > 0.05
    assert np.isinf(one.wild.intervals[0][0])
    assert np.isinf(one.wild.intervals[-1][1])
    assert not one.is_clear


def test_refusals(panel) -> None:
    with pytest.raises(FormulaError, match="no fit to set side by side"):
        ce.instrument_evidence({})
    both = fitted(panel.assign(q=panel["z1"] ** 2), "z1", "q", endogenous=["d", "x"])
    with pytest.raises(IdentificationError, match="design 'b' has the endogenous columns x, d"):
        ce.instrument_evidence({"b": both})


def test_sets_in_a_file_are_plain_numbers() -> None:
    """No thousands commas, and every piece of a union."""
    pieces = ((-np.inf, -1.2), (3.0, 4.0), (1431.15, np.inf))
    found = AndersonRubinSet("x", 0.95, pieces, "F")
    assert found.plain(2) == "(-inf, -1.20] or [3.00, 4.00] or [1431.15, inf)"
    assert AndersonRubinSet("x", 0.95, (), "F").plain() == "empty"
