"""Two-stage least squares against linearmodels and spreg, whose factors are stated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import spreg
from libpysal.weights import WSP
from linearmodels.iv import IV2SLS, IVGMM
from scipy import sparse

import ccec_econ as ce
from ccec_econ.models.gmm import s2sls

RELATIVE = 1e-10  # one least-squares solution, computed along two ways
BARS = {"none": "", "unit": " | id", "time": " | year", "twoway": " | id + year"}
LOST = {"none": (0, 0), "unit": (1, 0), "time": (0, 1), "twoway": (1, 1)}
N, T = 16, 12


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """Sixteen units and twelve years with one endogenous regressor and two instruments."""
    rng = np.random.default_rng(12)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["id", "year"])
    v, u, x, z1, z2 = rng.standard_normal((5, N * T))
    d = 0.7 * z1 - 0.4 * z2 + 0.3 * x + v
    y = d - 0.5 * x + 0.8 * v + u + np.repeat(rng.standard_normal(N), T)
    return pd.DataFrame({"y": y, "d": d, "x": x, "z1": z1, "z2": z2}, index=index)


def demeaned(panel: pd.DataFrame, effects: str) -> pd.DataFrame:
    out = panel
    for level in ("id",) * LOST[effects][0] + ("year",) * LOST[effects][1]:
        out = out - out.groupby(level=level).transform("mean")
    return out if effects != "none" else out.assign(Intercept=1.0)


def within(effects: str) -> int:
    unit, time = LOST[effects]
    return (N - time) * (T - unit)


def own(panel: pd.DataFrame, effects: str, **options):
    formula = f"y ~ d + x{BARS[effects]}"
    return s2sls(formula, panel, endogenous=["d"], instruments=["z1", "z2"], lag=False, **options)


def peer(panel: pd.DataFrame, effects: str, model=IV2SLS, **options):
    data = demeaned(panel, effects)
    exog = ["x", "Intercept"] if effects == "none" else ["x"]
    return model(data["y"], data[exog], data["d"], data[["z1", "z2"]], **options)


@pytest.mark.parametrize("effects", BARS)
def test_linearmodels_homoskedastic(panel, effects: str) -> None:
    fit, other = own(panel, effects), peer(panel, effects).fit(cov_type="unadjusted")
    order = list(other.params.index)
    np.testing.assert_allclose(fit.params[order], other.params, rtol=RELATIVE)
    # linearmodels divides the sum of squares by all rows
    factor = N * T / (within(effects) - len(order))
    np.testing.assert_allclose(fit.cov.loc[order, order], factor * other.cov, rtol=RELATIVE)
    assert fit.vcov.df == within(effects) - len(order)
    sargan = fit.overidentification
    assert sargan.statistic == pytest.approx(
        other.sargan.stat * within(effects) / (N * T), rel=RELATIVE
    )
    assert sargan.df == other.sargan.df == 1


@pytest.mark.parametrize("effects", BARS)
@pytest.mark.parametrize(("by", "groups"), [("unit", N), ("time", T)])
def test_linearmodels_clustered(panel, effects: str, by: str, groups: int) -> None:
    fit = own(panel, effects, cov=ce.Cluster(by))
    level = panel.index.get_level_values("id" if by == "unit" else "year")
    clusters = pd.Series(level, index=panel.index)
    other = peer(panel, effects).fit(cov_type="clustered", clusters=clusters)
    order = list(other.params.index)
    # without debiasing linearmodels has no factor; CR1 counts rows net of the effects
    nobs, K = within(effects), len(order)
    factor = groups / (groups - 1) * (nobs - 1) / (nobs - K)
    np.testing.assert_allclose(fit.cov.loc[order, order], factor * other.cov, rtol=RELATIVE)
    assert fit.vcov.df == groups - 1


def test_linearmodels_first_stage(panel) -> None:
    fit = own(panel, "none")
    (stage,) = fit.first_stages
    other = peer(panel, "none").fit(cov_type="unadjusted", debiased=True).first_stage.diagnostics
    assert stage.partial_r2 == pytest.approx(other.loc["d", "partial.rsquared"], rel=RELATIVE)
    assert pytest.approx(other.loc["d", "f.stat"], rel=RELATIVE) == stage.F
    assert stage.F == stage.conditional_F == pytest.approx(fit.cragg_donald, rel=RELATIVE)


@pytest.mark.parametrize("effects", BARS)
def test_linearmodels_clustered_first_stage(panel, effects: str) -> None:
    """Wald of the instruments; linearmodels has no factor, CR1 counts rows net of the effects."""
    (stage,) = own(panel, effects, cov=ce.Cluster()).first_stages
    clusters = pd.Series(panel.index.get_level_values("id"), index=panel.index)
    other = peer(panel, effects).fit(cov_type="clustered", clusters=clusters)
    wald = other.first_stage.diagnostics.loc["d", "f.stat"]
    nobs, K = within(effects), 3 + (effects == "none")
    factor = N / (N - 1) * (nobs - 1) / (nobs - K)
    assert stage.F * 2 * factor == pytest.approx(wald, rel=RELATIVE)


@pytest.mark.parametrize("effects", BARS)
def test_linearmodels_hansen(panel, effects: str) -> None:
    fit = own(panel, effects, cov=ce.Cluster())
    clusters = pd.Series(panel.index.get_level_values("id"), index=panel.index)
    other = peer(panel, effects, IVGMM, weight_type="clustered", clusters=clusters)
    expected = other.fit(iter_limit=2).j_stat
    assert fit.overidentification.statistic == pytest.approx(expected.stat, rel=1e-8)
    assert fit.overidentification.df == expected.df


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # spreg's use of pandas
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("durbin", [None, "all"])
def test_spreg_on_stacked_demeaned_columns(sim16, order: int, durbin) -> None:
    """Unit effects commute with W, so spreg's cross-section on T blocks is the same estimator."""
    panel, graph = sim16
    order += durbin is not None
    W = ce.weights.align(graph, panel.index.unique(0).sort_values())
    within = panel - panel.groupby(level=0).transform("mean")
    stacked = within.swaplevel().sort_index()
    blocks = WSP(sparse.csr_matrix(np.kron(np.eye(T), W))).to_W(silence_warnings=True)
    other = spreg.GM_Lag(
        stacked[["y"]].to_numpy(),
        stacked[["x1", "x2"]].to_numpy(),
        w=blocks,
        w_lags=order - (durbin is not None),
        slx_lags=int(durbin is not None),
    )
    fit = s2sls("y ~ x1 + x2 | id", panel, graph, order=order, durbin=durbin)
    np.testing.assert_allclose(fit.params, other.betas.ravel()[1:], rtol=1e-9)
    factor = N * T / (N * (T - 1) - len(fit.params))  # spreg divides by all rows
    np.testing.assert_allclose(fit.cov, factor * other.vm[1:, 1:], rtol=1e-8)
