"""CR2 against R clubSandwich with all dummies; Conley against diff-diff with all dummies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce

HERE = Path(__file__).parent / "sim16"
CR2 = json.loads((HERE / "cr2.json").read_text())
CONLEY = json.loads((HERE / "conley.json").read_text())
BARS = {"none": "", "unit": " | id", "time": " | year", "twoway": " | id + year"}
RELATIVE = 1e-10  # fifteen digits were printed; a pseudo-inverse root of each cluster lies between


def name(reference: dict) -> str:
    return "-".join(str(value) for value in reference.values() if isinstance(value, str | float))


@pytest.mark.parametrize("reference", CR2["results"], ids=name)
def test_clubsandwich(sim16, reference) -> None:
    panel, W = sim16
    formula = f"y ~ x1 + x2{BARS[reference['effects']]}"
    cov = ce.Cluster(reference["by"], kind="CR2")
    if reference["model"] == "ols":
        fit = ce.ols(formula, panel, cov=cov)
    else:
        fit = ce.slx(formula, panel, W, cov=cov)
    terms = reference["terms"]
    np.testing.assert_allclose(fit.cov.loc[terms, terms], reference["cov"], rtol=RELATIVE)
    df = pd.Series(fit.vcov.degrees(np.eye(len(fit.params))), index=fit.params.index)
    np.testing.assert_allclose(df[terms], reference["df"], rtol=RELATIVE)
    both = fit.params.index.isin(["x1", "x2"]).astype(float)
    found = reference["sum"]
    assert both @ fit.params == pytest.approx(found["estimate"], rel=RELATIVE)
    assert both @ fit.cov @ both == pytest.approx(found["std_error"] ** 2, rel=RELATIVE)
    assert float(fit.vcov.degrees(both)) == pytest.approx(found["df"], rel=RELATIVE)
    test, expected = ce.wald_test(fit, ["x1", "x2"]), reference["hotelling"]
    assert test.statistic == pytest.approx(expected["F"], rel=RELATIVE)
    assert test.pvalue == pytest.approx(expected["pvalue"], rel=1e-8)
    assert test.distribution == f"F(2, {round(expected['df'], 1):g})"


@pytest.mark.parametrize("reference", CONLEY["results"], ids=name)
def test_conley(sim16, reference) -> None:
    panel, _ = sim16
    xy = np.array(CONLEY["coordinates_km"])
    d = np.sqrt(((xy[:, None] - xy[None]) ** 2).sum(axis=2))
    distances = pd.DataFrame(d, index=range(1, 17), columns=range(1, 17))
    cov = ce.Conley(
        distances, reference["cutoff"], kernel=reference["kernel"], lags=reference["lags"]
    )
    fit = ce.ols(f"y ~ x1 + x2{BARS[reference['effects']]}", panel, cov=cov)
    terms = ["x1", "x2"]
    np.testing.assert_allclose(fit.cov.loc[terms, terms], reference["cov"], rtol=1e-9)
