"""Every refusal, by its message: what, what was seen, what to do."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph

import ccec_econ as ce
from ccec_econ.errors import (
    AlignmentError,
    ConvergenceError,
    FormulaError,
    IdentificationError,
    PanelError,
    WeightsError,
)

F = "y ~ x1 + x2 | id + year"


def test_duplicate_rows(sim16) -> None:
    panel, W = sim16
    doubled = pd.concat([panel, panel.iloc[[0, 5]]])
    with pytest.raises(PanelError, match=r"more than once: \(1, 2000\), \(1, 2005\) \(2 in all\)"):
        ce.sdm(F, doubled, W)


def test_gaps_are_named(sim16) -> None:
    panel, W = sim16
    with pytest.raises(PanelError, match=r"2 of 192 cells have no row: \(3, 2004\), \(7, 2010\)"):
        ce.sdm(F, panel.drop([(3, 2004), (7, 2010)]), W)


def test_unknown_column_suggests_a_near_name(sim16) -> None:
    panel, W = sim16
    named = panel.rename(columns={"x1": "digital"})
    with pytest.raises(FormulaError, match=r"no column digitl; did you mean digital\?"):
        ce.sdm("y ~ digitl + x2 | id + year", named, W)
    with pytest.raises(FormulaError, match=r"no column far_away; it has y, digital, x2"):
        ce.sdm("y ~ far_away | id + year", named, W)


def test_different_ids_list_both_sides(sim16) -> None:
    panel, _ = sim16
    ids = [*range(1, 15), 98, 99]
    W = ce.weights.row_standardise(ce.weights.from_matrix(np.ones((16, 16)) - np.eye(16), ids))
    message = r"2 only in the weights \(98, 99\), 2 only in the panel \(15, 16\)"
    with pytest.raises(AlignmentError, match=message):
        ce.sdm(F, panel, W)


def test_ids_of_another_type_get_a_hint(sim16) -> None:
    panel, _ = sim16
    ids = [str(i) for i in range(1, 17)]
    W = ce.weights.from_matrix(np.ones((16, 16)) - np.eye(16), ids)
    with pytest.raises(AlignmentError, match="agree as text: give both the same type"):
        ce.sdm(F, panel, W)


def test_unlabelled_weights(sim16) -> None:
    panel, _ = sim16
    with pytest.raises(AlignmentError, match="ndarray carry no unit labels"):
        ce.sdm(F, panel, np.eye(16))


def test_island_is_named(sim16) -> None:
    panel, _ = sim16
    matrix = np.ones((16, 16)) - np.eye(16)
    matrix[4] = 0.0
    W = ce.weights.from_matrix(matrix, range(1, 17))
    with pytest.raises(WeightsError, match="no neighbour for 5; link it"):
        ce.sdm(F, panel, W)
    with pytest.raises(WeightsError, match="no neighbour for 5; link it"):
        ce.weights.row_standardise(W)


def test_self_neighbour_is_named(sim16) -> None:
    panel, _ = sim16
    W = ce.weights.from_matrix(np.ones((16, 16)), range(1, 17))
    with pytest.raises(WeightsError, match="1, 2, 3, 4, 5 and 11 more neighbours itself"):
        ce.sdm(F, panel, W)


@pytest.mark.parametrize("effects", ["year", "id + year"])
@pytest.mark.parametrize("method", ["transformation", "bias_corrected"])
def test_time_effects_need_row_standardised_weights(sim16, effects: str, method) -> None:
    panel, _ = sim16
    rng = np.random.default_rng(0)
    W = ce.weights.from_matrix(rng.random((16, 16)) * (1 - np.eye(16)) / 16, range(1, 17))
    with pytest.raises(WeightsError, match="time effects need row-standardised weights: row sums"):
        ce.sdm(f"y ~ x1 + x2 | {effects}", panel, W, method=method)


def test_unstandardised_weights_without_time_effects_are_fine(sim16) -> None:
    panel, _ = sim16
    rng = np.random.default_rng(0)
    W = ce.weights.from_matrix(rng.random((16, 16)) * (1 - np.eye(16)) / 16, range(1, 17))
    assert np.isfinite(ce.sdm("y ~ x1 + x2 | id", panel, W).loglik)


def test_regressor_without_variation_is_named(sim16) -> None:
    panel, W = sim16
    constant = panel.assign(area=panel.index.get_level_values(0) * 1.5)
    message = r"no variation left in area, W\(area\) once the unit and time"
    with pytest.raises(IdentificationError, match=message):
        ce.sdm("y ~ x1 + area | id + year", constant, W)


def test_response_without_variation_is_named(sim16) -> None:
    panel, W = sim16
    with pytest.raises(IdentificationError, match="no variation left in the response"):
        ce.sdm(F, panel.assign(y=1.0), W)


def test_dependent_regressors_are_named(sim16) -> None:
    panel, W = sim16
    double = panel.assign(x3=2 * panel["x1"] - panel["x2"])
    with pytest.raises(IdentificationError, match="'x3' is a linear combination of x1, x2"):
        ce.sar("y ~ x1 + x2 + x3 | id + year", double, W)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", ["y", "x1"])
def test_missing_and_infinite_values_name_the_cell(sim16, value: float, column: str) -> None:
    panel, W = sim16
    broken = panel.copy()
    broken.loc[(3, 2004), column] = value
    with pytest.raises(PanelError, match=rf"column {column}: 1 cells, \(3, 2004\)"):
        ce.sdm(F, broken, W)


def test_a_transformation_that_leaves_the_reals_names_the_cell(sim16) -> None:
    panel, W = sim16
    low = panel.assign(x1=panel["x1"].abs() + 1.0)
    low.loc[(2, 2001), "x1"] = 0.0
    with pytest.raises(PanelError, match=r"term log\(x1\): 1 cells, \(2, 2001\)"):
        ce.sdm("y ~ log(x1) | id + year", low, W)


def test_one_period(sim16) -> None:
    panel, W = sim16
    with pytest.raises(PanelError, match="panel too short: T = 1"):
        ce.sdm(F, panel.loc[(slice(None), 2000), :], W)


def test_two_units(sim16) -> None:
    panel, W = sim16
    with pytest.raises(PanelError, match="panel too narrow: N = 2"):
        ce.sdm(F, panel.loc[[1, 2]], W)


def test_rho_at_its_border(sim16) -> None:
    """A response that is its own neighbours' mean fits a spatial unit root."""
    panel, _ = sim16
    W = ce.weights.from_matrix(np.ones((16, 16)) - np.eye(16), range(1, 17))
    smooth = panel.assign(y=1e-6 * panel["y"] + panel.index.get_level_values(1) ** 2.0)
    with pytest.raises(ConvergenceError, match="rho at its border: the likelihood still rises"):
        ce.sar("y ~ x1 + x2 | id", smooth, ce.weights.row_standardise(W))


def test_text_column(sim16) -> None:
    panel, W = sim16
    named = panel.assign(side=np.where(panel.index.get_level_values(0) < 8, "east", "west"))
    with pytest.raises(FormulaError, match=r"column side holds text; write C\(side\)"):
        ce.sdm("y ~ x1 + side", named, W)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ ", "empty right side"),
        (" ~ x1", "empty left side"),
        ("y ~ | id", "empty right side"),
        ("y x1", "has 0 '~'"),
        ("y ~ x1 | id | year", "has 2 '|'"),
        ("y ~ x1 |", "names no fixed effect"),
        ("y ~ x1 | firm", "fixed effect firm is not an index level"),
        ("y ~ 1 | id", "no regressor besides the effects"),
        ("y + x1 ~ x2 | id", "gives 2 columns"),
        ("y ~ x1 + ( | id", "cannot be read"),
        ("y ~ log(x1, 2, 3) | id", "cannot be evaluated"),
        ("y ~ nothing(x1) | id", "no column nothing"),
        ("y ~ lag(x1) | id", "shifts rows across units"),
    ],
)
def test_formulas_that_cannot_be_read(sim16, formula: str, message: str) -> None:
    panel, W = sim16
    with pytest.raises(FormulaError, match=re.escape(message)):
        ce.sdm(formula, panel, W)


def test_unknown_durbin_term(sim16) -> None:
    panel, W = sim16
    message = "durbin names x9; choose among the formula's terms: x1, x2"
    with pytest.raises(FormulaError, match=message):
        ce.sdm(F, panel, W, durbin=["x9"])


def test_unknown_method(sim16) -> None:
    panel, W = sim16
    with pytest.raises(FormulaError, match="method 'ml' is unknown"):
        ce.sdm(F, panel, W, method="ml")  # type: ignore[arg-type]


def test_index_columns(sim16) -> None:
    panel, W = sim16
    flat = panel.reset_index()
    with pytest.raises(PanelError, match="the index has 1 level"):
        ce.sdm(F, flat, W)
    with pytest.raises(PanelError, match="index columns not in the data: city"):
        ce.sdm(F, flat, W, index=("city", "year"))
    by_columns = ce.sdm(F, flat, W, index=("id", "year"))
    assert by_columns.rho == ce.sdm(F, panel, W).rho


def test_weights_constructors_refuse() -> None:
    with pytest.raises(WeightsError, match="weights of shape"):
        ce.weights.from_matrix(np.ones((2, 3)), ["a", "b"])
    with pytest.raises(WeightsError, match="weights not finite in rows b"):
        ce.weights.from_matrix([[0, 1], [np.nan, 0]], ["a", "b"])
    with pytest.raises(WeightsError, match="power 0"):
        ce.weights.inverse_distance(power=0)
    with pytest.raises(WeightsError, match="no neighbour for"):
        ce.weights.inverse_distance(cutoff_km=50)
    with pytest.raises(WeightsError, match="k = 16: give a number from 1 to 15"):
        ce.weights.nearest(k=16)
    with pytest.raises(WeightsError, match="layer 'village' is unknown"):
        ce.weights.contiguity("village")  # type: ignore[arg-type]


def test_weights_with_missing_values(sim16) -> None:
    panel, _ = sim16
    graph = Graph.from_arrays([*range(1, 17)], [*range(2, 17), 1], [1.0] * 15 + [np.inf])
    with pytest.raises(WeightsError, match="weights not finite in rows 16"):
        ce.sdm(F, panel, graph)


def test_effects_arguments(sim16) -> None:
    panel, W = sim16
    with pytest.raises(ValueError, match="need 0 < level < 1"):
        ce.sdm(F, panel, W).effects(level=95)


def test_cluster_by_something_else() -> None:
    with pytest.raises(IdentificationError, match="cluster by 'province' is not available"):
        ce.Cluster("province")
