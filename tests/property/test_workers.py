"""Results do not depend on who computes: one process, threads, two processes, a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import joblib
import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.causal import Design
from ccec_econ.simulation import (
    Design as Truth,
)
from ccec_econ.simulation import (
    DynamicDesign,
    dynamic_study,
    lm_study,
    nearest_weights,
    study,
)

CASES: dict[str, Callable[[], object]] = {}
SLOW: dict[str, Callable[[], object]] = {}
FORMULA = "growth ~ digital + hsr | unit + year"


def case(function: Callable[[], object]) -> Callable[[], object]:
    return CASES.setdefault(function.__name__, function)


def slow(function: Callable[[], object]) -> Callable[[], object]:
    return SLOW.setdefault(function.__name__, function)


def panel() -> pd.DataFrame:
    return ce.data.load_panel(years=(2011, 2019))


def sdm(formula: str = FORMULA) -> ce.SpatialPanelResults:
    return ce.sdm(formula, panel(), ce.weights.contiguity())


def mean_gap(design: Design) -> float:
    return float(design.y[design.treated].mean() - design.y[~design.treated].mean())


def staggered() -> Design:
    data = panel()
    units = data.index.unique("unit")
    first = pd.Series(2013 + np.arange(len(units)) % 6, index=units, dtype="Int64")
    return ce.causal.staggered_design(data, "growth", first.where(first < 2018))


@case
def bootstrap() -> object:
    return ce.bootstrap(sdm(), draws=9, innovations="unit").draws


@case
def bootstrap_dynamic() -> object:
    return ce.bootstrap(sdm("growth ~ L(growth) + digital | unit + year"), draws=7).draws


@case
def leave_one_out() -> object:
    return ce.small_sample(sdm(), "digital", draws=5).leave_one_out


@case
def likelihood_ratio() -> object:
    return [one.pvalue for one in ce.common_factor(sdm(), draws=19).outcomes]


@case
def randomisation() -> object:
    found = ce.randomisation_test(sdm(), "hsr", draws=9)
    return found.pvalue, found.spread, found.failed


@case
def randomisation_by_formula() -> object:
    fit = ce.ols("growth ~ hsr + I(hsr**2 * digital) | unit + year", panel())
    found = ce.randomisation_test(fit, "hsr", draws=5)
    return found.pvalue, found.spread, found.failed


@case
def threshold() -> object:
    fit = ce.threshold(FORMULA, panel(), ce.weights.contiguity(), by="digital", regimes=["hsr"])
    found = fit.test(draws=99)
    return found.statistic, found.pvalue


@case
def dependence() -> object:
    found = ce.dependence_tests(ce.ols(FORMULA, panel()), ce.weights.contiguity(), draws=49)
    return [one.pvalue for one in found.outcomes]


@case
def endogenous_weights() -> object:
    data = panel()
    data["before"] = data.groupby("unit")["share2"].transform("first") * data["hsr"]
    found = ce.weights_exogeneity(
        "growth ~ digital | unit + year",
        data,
        lambda z: ce.weights.economic_of(z[:, 0]),
        "night_lights ~ before | unit + year",
        model="sar",
        draws=19,
    )
    return found.by_term


@case
def placebo_weights() -> object:
    found = ce.causal.placebo_weights(sdm(), ["W(hsr)", "rho"], draws=6)
    return [one.drawn for one in found.values()]


@case
def placebo_sets() -> object:
    data = panel()
    sets = ce.causal.drawn_sets(list(data.index.unique("unit")), 4, draws=9)
    return ce.causal.placebo_sets(
        data, sets[0], sets[1:], lambda rows: float(rows["growth"].std())
    ).drawn


@case
def permuted_by_a_function() -> object:
    return ce.causal.permute(staggered(), statistic=mean_gap, draws=9).drawn


@case
def permuted() -> object:
    return ce.causal.permute(staggered(), statistic="imputation_t", draws=3000).drawn


@case
def club_stability() -> object:
    data = ce.data.load_panel(years=(2010, 2022))
    return ce.convergence.club_stability(data, "gdp_pc", draws=19).together


@case
def spatial_markov() -> object:
    data, W = ce.data.load_panel(years=(2010, 2022)), ce.weights.contiguity()
    found = ce.convergence.spatial_markov(data, "gdp_pc", W, draws=49)
    return found.pvalue_Q, found.pvalue_LR


@case
def rank_intervals() -> object:
    names = ["digital", "hsr", "rd"]
    data = panel()[names].clip(lower=0.01) + 0.01
    return ce.indices.rank_intervals(data, year=2015, draws=9)


@case
def student_chains() -> object:
    post = ce.bayes.fit(
        FORMULA, panel(), ce.weights.contiguity(), model="sar", errors="student", draws=40
    )
    return post.effects().samples


@case
def calibration() -> object:
    return ce.bayes.calibrate(FORMULA, panel(), ce.weights.contiguity(), panels=5).ranks


@case
def monte_carlo() -> object:
    rng = np.random.default_rng(0)
    W = nearest_weights(16, 4, rng)
    return study(Truth(0.4), W, 8, draws=5, rng=rng)


@slow
def monte_carlo_dynamic() -> object:
    rng = np.random.default_rng(0)
    W = nearest_weights(16, 4, rng)
    return dynamic_study(DynamicDesign(0.3, 0.1, 1.0, 0.2), W, 8, draws=7, rng=rng)


@slow
def monte_carlo_tests() -> object:
    rng = np.random.default_rng(0)
    return lm_study(nearest_weights(16, 4, rng), 8, draws=9, rng=rng)


@slow
def access() -> object:
    orders = ce.rail.counterfactual_openings(4, 1)
    return ce.rail.access_by_draw(orders, [2014, 2018])


@slow
def assumptions() -> object:
    return ce.rail.sensitivity("city", varied={"to_station": (60.0,)})


@slow
def bootstrap_of_many_units() -> object:
    """Arrays so large that joblib hands them to workers as files that cannot be written."""
    rng = np.random.default_rng(3)
    N, T = 400, 4
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["unit", "year"])
    data = pd.DataFrame(rng.standard_normal((N * T, 2)), index=index, columns=["y", "x"])
    W = ce.weights.from_matrix(nearest_weights(N, 5, rng), range(N))
    return ce.bootstrap(ce.sdm("y ~ x | unit + year", data, W), draws=6).draws


def numbers(found: object) -> list[bytes]:
    """Every number of a result as bytes."""
    if isinstance(found, (pd.DataFrame, pd.Series)):
        return [pd.DataFrame(found).to_json(double_precision=15).encode(), *of_columns(found)]
    return [np.asarray(found, dtype=np.float64).tobytes()]


def of_columns(found: pd.DataFrame | pd.Series) -> Iterator[bytes]:
    frame = pd.DataFrame(found).select_dtypes("number")
    return (frame[name].to_numpy(np.float64).tobytes() for name in frame)


@pytest.fixture(scope="module")
def alone() -> dict[str, list[bytes]]:
    """What one process computes, made once for all."""
    return {}


def same(name: str, compute: Callable[[], object], alone: dict[str, list[bytes]]) -> bool:
    if name not in alone:
        with joblib.parallel_config(backend="sequential"):
            alone[name] = numbers(compute())
    return numbers(compute()) == alone[name]


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        *((name, "loky") for name in CASES),
        *(pytest.param(name, "loky", marks=pytest.mark.slow) for name in SLOW),
        *(pytest.param(name, "threading", marks=pytest.mark.slow) for name in CASES | SLOW),
    ],
)
def test_two_workers_give_the_bytes_of_one(
    name: str, backend: str, alone: dict[str, list[bytes]]
) -> None:
    compute = (CASES | SLOW)[name]
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert same(name, compute, alone)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bootstrap", "randomisation", "club_stability"])
def test_dask_gives_the_bytes_of_one(name: str, alone: dict[str, list[bytes]]) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        assert same(name, CASES[name], alone)
