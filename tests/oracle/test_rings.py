"""Rings against diff-diff's SpilloverDiD and against the package's own regressions.

SpilloverDiD 3.13 agrees on every pooled estimate. Two things differ, each pinned down here: its
standard errors leave the constant out of the first stage, so they move with the order of units;
and by event time it gives cells that are exposed before their own treatment a lead of the
treatment besides, which takes part of the ring's effect.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from diff_diff import SpilloverDiD

import ccec_econ as ce
from ringed import EDGES, simulated

SOLVER = 1e-8  # diff-diff iterates its first stage to 1e-10 or so


def spillover_did(simulation, *, turned: bool = False, **options):
    data, adoption, distances, xy = simulation
    place = {unit: i for i, unit in enumerate(distances.index)}
    long = data.reset_index()
    at = long["unit"].map(place).to_numpy()
    long["lat"], long["lon"] = xy[at, 0], xy[at, 1]
    long["first"] = long["unit"].map(adoption).fillna(np.inf)
    long["number"] = -at if turned else at
    long = long.sort_values(["number", "year"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = SpilloverDiD(
            rings=list(EDGES),
            conley_coords=("lat", "lon"),
            conley_metric="euclidean",
            **({"cluster": "number"} | options),
        )
        return found.fit(long, outcome="y", unit="number", time="year", first_treat="first")


def errors_of(result) -> list[float]:
    return [result.se, *result.spillover_effects["se"]]


@pytest.mark.parametrize(
    ("seed", "onsets"), [(0, (3, 5, 6)), (1, (3, 5, 6)), (2, (4,)), (3, (2, 3, 4, 5, 6, 7))]
)
def test_estimates(seed: int, onsets: tuple[int, ...]) -> None:
    simulation = simulated(seed, onsets=onsets)
    data, adoption, distances, _ = simulation
    found = ce.causal.rings(data, "y", adoption, distances, EDGES)
    oracle = spillover_did(simulation)
    theirs = [oracle.att, *oracle.spillover_effects["coef"]]
    np.testing.assert_allclose(found.frame["estimate"].iloc[1:4], theirs, atol=SOLVER)
    clean = (~found.design.treated & ~found.exposure.exposed).sum()
    assert found.identification.cells.loc["clean", "cells"] == clean == oracle.stage1_n_obs


def clustered(found: ce.causal.Rings, *, constant: bool) -> np.ndarray:
    """Errors by dummies for the first stage, all of them or all but one of each kind."""
    y, D, ring = found.design.y, found.design.treated, found.exposure.ring
    T, N = y.shape
    Z = np.stack([D, ~D & (ring == 0), ~D & (ring == 1)], axis=2).reshape(T * N, 3).astype(float)
    X = np.hstack([np.tile(np.eye(N), (T, 1)), np.repeat(np.eye(T), N, axis=0)])
    clean = ~Z.any(axis=1)[:, None]
    left = y.reshape(-1) - X @ np.linalg.lstsq(X * clean, y.reshape(-1) * clean[:, 0])[0]
    bread = np.linalg.inv(Z.T @ Z)
    e = left - Z @ (bread @ Z.T @ left)
    if not constant:
        X = np.delete(X, [0, N], axis=1)
    first = X * clean
    cross = np.linalg.pinv(first.T @ first, rcond=1e-10) @ (X.T @ Z)
    rows = ((Z - first @ cross) * e[:, None]).reshape(T, N, 3).sum(axis=0)
    n = T * N
    V = N / (N - 1) * (n - 1) / (n - 3) * bread @ rows.T @ rows @ bread
    return np.sqrt(np.diag(V))


def test_clustered_errors() -> None:
    """With all dummies ours; without two of them theirs, which then depend on the first unit."""
    simulation = simulated(0)
    data, adoption, distances, _ = simulation
    found = ce.causal.rings(data, "y", adoption, distances, EDGES, cov=ce.Cluster())
    n, net = 480, 480 - 67
    ratio = np.sqrt((n - 1) / (n - 3) / ((net - 1) / (net - 3)))
    ours = ratio * found.frame["std_error"].iloc[1:4]
    np.testing.assert_allclose(ours, clustered(found, constant=True), rtol=1e-10)
    theirs = errors_of(spillover_did(simulation))
    np.testing.assert_allclose(theirs, clustered(found, constant=False), rtol=1e-6)
    np.testing.assert_allclose(theirs, ours, rtol=5e-3)
    turned = errors_of(spillover_did(simulation, turned=True))
    assert np.abs(np.array(turned) / theirs - 1.0).max() > 1e-3


def test_conley_errors() -> None:
    """Same kernel and lags, no factor on either side: what differs is the constant again."""
    simulation = simulated(0)
    data, adoption, distances, _ = simulation
    cov = ce.Conley(distances, 80.0, lags=3)
    found = ce.causal.rings(data, "y", adoption, distances, EDGES, cov=cov)
    options = {"cluster": None, "vcov_type": "conley", "conley_cutoff_km": 80.0}
    theirs = errors_of(spillover_did(simulation, conley_lag_cutoff=3, **options))
    np.testing.assert_allclose(found.frame["std_error"].iloc[1:4], theirs, rtol=5e-3)


def test_event_time() -> None:
    """Equal unless a unit is exposed before its own treatment; then only the rings differ."""
    apart = simulated(0)
    nearby = simulated(1)
    for simulation, equal in ((apart, True), (nearby, False)):
        data, adoption, distances, _ = simulation
        found = ce.causal.rings(data, "y", adoption, distances, EDGES, by="event_time")
        before = found.exposure.exposed & ~found.design.treated & found.design.ever
        assert before.any() != equal
        oracle = spillover_did(simulation, event_study=True)
        ours = found.frame["estimate"].drop("naive", level="term")
        names = dict(zip(found.exposure.labels, ("[0, 40)", "[40, 80]"), strict=True))
        theirs = pd.Series(
            [
                oracle.att_dynamic["coef"][k]
                if term == "total"
                else oracle.spillover_effects["coef"][names[term], k]
                for term, k in ours.index
            ],
            index=ours.index,
        )
        gap = (ours - theirs).abs()
        assert gap["total"].max() < SOLVER
        assert (gap.drop("total", level="term").max() < SOLVER) == equal


def test_one_regression_is_ols() -> None:
    data, adoption, distances, _ = simulated(4)
    found = ce.causal.rings(data, "y", adoption, distances, EDGES, method="twfe")
    design, ring = found.design, found.exposure.ring
    columns = {"D": design.treated, "near": ~design.treated & (ring == 0)}
    columns["far"] = ~design.treated & (ring == 1)
    for name, mask in columns.items():
        data[name] = design.panel.series(mask.astype(float), name)
    formula = "y ~ D + near + far | unit + year"
    for cov in (ce.Cluster("unit"), ce.Conley(distances, 80.0, lags=2)):
        fit = ce.ols(formula, data, cov=cov)
        ours = ce.causal.rings(data, "y", adoption, distances, EDGES, method="twfe", cov=cov)
        frame = ours.frame.iloc[1:4]
        np.testing.assert_allclose(frame["estimate"], fit.params, rtol=1e-9)
        np.testing.assert_allclose(frame["std_error"], fit.std_errors, rtol=1e-8)
        np.testing.assert_allclose(frame["p_value"], fit.pvalues, rtol=1e-6)
        naive = ce.ols("y ~ D | unit + year", data, cov=cov)
        assert ours.frame.loc["naive", "std_error"] == pytest.approx(naive.std_errors["D"])


def test_counties_of_the_circle() -> None:
    """Table 13A: units treated before the panel and the urban districts stay in as sources."""
    panel = ce.data.load_panel(layer="county", years=(2013, 2022))
    km = ce.weights.distances("county")
    adoption = ce.rail.adoption("county")
    edges = (0, 25, 50, 100)
    data = np.log(panel["night_lights"]).rename("y").to_frame()
    core = ce.rail.urban_core().notna()
    outside = data[~core.reindex(data.index.get_level_values("unit")).to_numpy()]
    ours = ce.causal.rings(outside, "y", adoption, km, edges, already="leave_out")
    long = data.reset_index()
    long["number"] = km.index.get_indexer(long["unit"])
    long["lat"], long["lon"] = long["number"].astype(float), 0.0
    first = long["unit"].map(adoption).astype("Float64")
    long["first"] = first.to_numpy(float, na_value=np.inf)
    table = km.to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = SpilloverDiD(
            rings=list(edges),
            conley_coords=("lat", "lon"),
            conley_metric=lambda a, b: table[np.ix_(a[:, 0].astype(int), b[:, 0].astype(int))],
        ).fit(long, outcome="y", unit="number", time="year", first_treat="first")
    theirs = [found.att, *found.spillover_effects["coef"]]
    np.testing.assert_allclose(ours.frame["estimate"].iloc[1:5], theirs, atol=SOLVER)
