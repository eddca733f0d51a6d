"""Every refusal, by its message: what, what was seen, what to do."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph
from scipy.sparse import csr_array

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


def test_periods_of_weights_of_another_type_get_a_hint(sim16) -> None:
    panel, graph = sim16
    years = panel.index.get_level_values("year").unique()
    with pytest.raises(AlignmentError, match="agree as text: give both the same type"):
        ce.sdm(F, panel, {str(year): graph for year in years})
    with pytest.raises(AlignmentError, match="give one Graph per period"):
        ce.sdm(F, panel, {str(year): graph for year in years[1:]})


@pytest.mark.parametrize("unbalanced", [False, True])
def test_data_that_are_no_frame(sim16, unbalanced: bool) -> None:
    panel, graph = sim16
    with pytest.raises(PanelError, match="data of type ndarray: give a DataFrame"):
        ce.sdm(F, panel.to_numpy(), graph, unbalanced=unbalanced)


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


@pytest.mark.parametrize("kind", [object, str])
def test_numbers_that_are_no_numbers_by_type(sim16, kind: type) -> None:
    panel, W = sim16
    odd = panel.assign(x1=panel["x1"].astype(kind))
    with pytest.raises(FormulaError, match=r"column x1 holds numbers as .*'x1'\]\.astype\("):
        ce.sdm(F, odd, W)
    mended = odd.assign(x1=odd["x1"].astype(float))
    assert ce.sdm(F, mended, W).rho == pytest.approx(ce.sdm(F, panel, W).rho, rel=1e-12)
    with pytest.raises(FormulaError, match=r"column y holds numbers as .*'y'\]\.astype\("):
        ce.sdm(F, panel.assign(y=panel["y"].astype(kind)), W)


@pytest.mark.parametrize("name", ["scale", "exp", "I", "C", "lag"])
def test_columns_called_like_a_function(sim16, name: str) -> None:
    panel, W = sim16
    odd = panel.assign(**{name: panel["x1"]})
    for formula in (f"y ~ {name} + x2 | id", f"y ~ x2:{name} | id", f"{name} ~ x2 | id"):
        with pytest.raises(FormulaError, match=f"column {name} is called like a function of form"):
            ce.sdm(formula, odd, W)


def test_what_looks_like_a_refused_word_is_read(sim16) -> None:
    panel, W = sim16
    odd = panel.assign(scales=panel["x1"], i=panel["x2"], poly_2=panel["x1"] ** 2)
    fit = ce.slx("y ~ scales + i + poly_2 + I(x2 ** 3.) + np.abs(x2) + x1.abs() | id", odd, W)
    assert len(fit.params) == 12


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
        ("C(x1 > 0) ~ x2 | id", "one numeric response"),
        ("y ~ x1 + y | id", "the response y stands on the right side too"),
        ("y ~ x1 | id + id", "names a fixed effect twice"),
        ("y ~ x1.shift() | id", "shifts rows across units"),
        ("y ~ x1 + ( | id", "cannot be read"),
        ("y ~ log(x1, 2, 3) | id", "cannot be evaluated"),
        ("y ~ nothing(x1) | id", "no function nothing. Make the column in the data first"),
        ("y ~ abs(x2) | id", "no function abs. Write np.abs()."),
        ("y ~ x1 + W(sqrt(x2)) | id", "no function sqrt. Write np.sqrt()."),
        ("y ~ max(x1) | id", "no function max. Make the column"),
        ("y ~ poly(x1, 2) | id", "poly() is not supported in formulas"),
        ("y ~ scale(x1) | id", "scale() is not supported in formulas"),
        ("y ~ x1 + W(center(x1)) | id", "center() is not supported in formulas"),
        ("y ~ bs(x1, df=4) | id", "bs() is not supported in formulas"),
        ("scale(y) ~ x1 | id", "scale() is not supported in formulas"),
        ("y ~ . | id", "writes '.' for all columns; write the regressors out"),
        ("y ~ . - x2", "write the regressors out"),
        ("y ~ x1 + i.year | id", "i.year is not read here; write the effect '| year'"),
        ("y ~ x1 + i.side | id", "i.side is not read here; write C(side) for dummies"),
        ("y ~ x1 + C(year) | id", "year is a level of the index, not a column; write its effects"),
        ("y ~ x1 + year | id", "year is a level of the index, not a column"),
        ("y ~ lag(x1) | id", "shifts rows across units"),
    ],
)
def test_formulas_that_cannot_be_read(sim16, formula: str, message: str) -> None:
    panel, W = sim16
    with pytest.raises(FormulaError, match=re.escape(message)):
        ce.sdm(formula, panel, W)


def test_unknown_durbin_term(sim16) -> None:
    panel, W = sim16
    message = "durbin names x9; name each once, among the formula's terms: x1, x2"
    with pytest.raises(FormulaError, match=message):
        ce.sdm(F, panel, W, durbin=["x9"])
    with pytest.raises(FormulaError, match="durbin names x1, x1; name each once"):
        ce.sdm(F, panel, W, durbin=["x1", "x1"])
    with pytest.raises(FormulaError, match="durbin names nothing"):
        ce.sdm(F, panel, W, durbin=[])
    with pytest.raises(FormulaError, match="durbin names x1x2;"):
        ce.sdm(F, panel, W, durbin="x1x2")
    with pytest.raises(FormulaError, match=r"lags are named twice, by W\(\) in the formula"):
        ce.sdm("y ~ x1 + x2 + W(x1) | id", panel, W, durbin=["x2"])


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


def test_covariances_refuse(sim16) -> None:
    panel, W = sim16
    with pytest.raises(IdentificationError, match="cluster by 'province' is not available"):
        ce.Cluster("province")  # type: ignore[arg-type]
    with pytest.raises(IdentificationError, match="lags -1: give a whole number"):
        ce.DriscollKraay(-1)
    with pytest.raises(IdentificationError, match="lags 12 with 12 periods"):
        ce.sdm(F, panel, W, cov=ce.DriscollKraay(12))
    for cov in ("cluster", ce.Cluster):
        with pytest.raises(FormulaError, match="is no covariance; give an object"):
            ce.sdm(F, panel, W, cov=cov)  # type: ignore[arg-type]
    corrected = ce.sdm(F, panel, W, method="bias_corrected")
    for cov in (ce.Cluster(), ce.QuasiML(), ce.DriscollKraay(2)):
        with pytest.raises(IdentificationError, match="covariance after a bias correction"):
            corrected.with_cov(cov)


def test_spatial_models_need_weights(sim16) -> None:
    panel, _ = sim16
    for name in ("slx", "sar", "sem", "sdm", "sdem", "sac"):
        with pytest.raises(AlignmentError, match=f"{name} needs spatial weights and got none"):
            getattr(ce, name)(F, panel, None)
    with pytest.raises(FormulaError, match=r"W\(\) is written where no weights are at hand"):
        ce.ols("y ~ x1 + W(x2) | id", panel)
    with pytest.raises(FormulaError, match=r"W\(\) is written where no weights are at hand"):
        ce.sar("W(y) ~ x1 | id", panel, sim16[1])


@pytest.mark.parametrize("name", ["Intercept", "rho", "lam", "W(x1)", "sigma2"])
def test_reserved_column_names(sim16, name: str) -> None:
    panel, W = sim16
    odd = panel.assign(**{name: panel["x2"]})
    with pytest.raises(FormulaError, match="has a name that results use themselves"):
        ce.sar(f"y ~ x1 + `{name}` | id", odd, W)


def test_exact_fit_is_no_result(sim16) -> None:
    panel, W = sim16
    for model in (ce.sar, ce.sdm, ce.sem):
        with pytest.raises(IdentificationError, match="explain the response exactly"):
            model("z ~ x1 | id", panel.assign(z=2 * panel["x1"]), W)


def test_bias_correction_needs_effects(sim16) -> None:
    panel, W = sim16
    with pytest.raises(FormulaError, match="corrects for fixed effects and the formula has none"):
        ce.sar("y ~ x1", panel, W, method="bias_corrected")


def test_index_levels(sim16) -> None:
    panel, _ = sim16
    f = "y ~ x1 | id"
    with pytest.raises(PanelError, match=r"first index level 'year' looks like time \(2000"):
        ce.ols(f, panel.swaplevel())
    dated = panel.reset_index()
    dated["day"] = pd.to_datetime(dated["year"].astype(str))
    with pytest.raises(PanelError, match="first index level 'day' looks like time"):
        ce.ols(f, dated.set_index(["day", "id"]))
    with pytest.raises(PanelError, match="both index levels are called 'id'"):
        ce.ols(f, panel.rename_axis(["id", "id"]))
    gone = panel.reset_index().astype({"id": float})
    gone.loc[3, "id"] = np.nan
    with pytest.raises(PanelError, match="index level 'id' has 1 missing labels"):
        ce.ols(f, gone.set_index(["id", "year"]))
    mixed = panel.reset_index().astype({"id": object})
    mixed.loc[mixed["id"] == 1, "id"] = "one"
    with pytest.raises(PanelError, match="index level 'id' mixes labels of type int, str"):
        ce.ols(f, mixed.set_index(["id", "year"]))


def test_columns_of_odd_types(sim16) -> None:
    panel, _ = sim16
    dates = panel.assign(x1=pd.Timestamp("2020-01-01"))
    with pytest.raises(FormulaError, match="column x1 holds datetime64"):
        ce.ols("y ~ x1 | id", dates)
    with pytest.raises(FormulaError, match="column x1 holds complex128"):
        ce.ols("y ~ x1 | id", panel.assign(x1=panel["x1"] + 1j))
    with pytest.raises(FormulaError, match="have column x1 twice"):
        ce.ols("y ~ x1 | id", pd.concat([panel, panel[["x1"]]], axis=1))
    with pytest.raises(IdentificationError, match="z is zero everywhere"):
        ce.ols("y ~ x1 + z", panel.assign(z=0.0))


def test_equal_weights_with_time_effects(sim16) -> None:
    panel, _ = sim16
    W = ce.weights.row_standardise(
        ce.weights.from_matrix(np.ones((16, 16)) - np.eye(16), range(1, 17))
    )
    with pytest.raises(IdentificationError, match="rho is not identified: with time effects"):
        ce.sar(F, panel, W)
    with pytest.raises(IdentificationError, match="lam is not identified: with time effects"):
        ce.sem(F, panel, W)


def test_too_few_observations_net_of_effects(sim16) -> None:
    panel, _ = sim16
    small = panel.loc[[1, 2, 3]].query("year < 2002")
    with pytest.raises(IdentificationError, match="2 coefficients on 2 observations net of"):
        ce.ols(F, small)


def test_weights_labels() -> None:
    square = np.ones((3, 3)) - np.eye(3)
    with pytest.raises(WeightsError, match="ids a stand more than once"):
        ce.weights.from_matrix(square, ["a", "a", "b"])
    with pytest.raises(WeightsError, match="1 ids are missing"):
        ce.weights.from_matrix(square, ["a", None, "b"])
    frame = pd.DataFrame(square, index=list("abc"), columns=list("abc"))
    with pytest.raises(WeightsError, match="the frame's labels"):
        ce.weights.from_matrix(frame, ["c", "b", "a"])


@pytest.mark.parametrize("kind", [np.array, csr_array])
def test_a_negative_weight_is_refused_where_it_is_given(kind) -> None:
    matrix = [[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [-0.5, 1.0, 0.0]]
    with pytest.raises(WeightsError, match=r"weights from c to a \(-0\.5\); .* none below zero"):
        ce.weights.from_matrix(kind(matrix), list("abc"))
    graph = Graph.from_arrays(list("aabbcc"), list("bcacab"), [1.0, 2.0, 1.0, 1.0, -0.5, 1.0])
    with pytest.raises(WeightsError, match=r"weights from c to a \(-0\.5\); .* none below zero"):
        ce.weights.row_standardise(graph)


def test_levels(sim16) -> None:
    panel, W = sim16
    fit = ce.sdm(F, panel, W)
    for call in (fit.conf_int, fit.to_frame, fit.tidy):
        with pytest.raises(ValueError, match="level 95: need 0 < level < 1"):
            call(95)
    one = fit.effects(draws=5)
    with pytest.raises(FormulaError, match="effects 'Cluster' cannot stand beside these"):
        one.summary(also={"Cluster": one.select(["x2", "x1"])})
    with pytest.raises(FormulaError, match="effects 'Delta' cannot stand beside these"):
        one.summary(also={"Delta": one})
    with pytest.raises(FormulaError, match="effects 'C' cannot stand beside these"):
        one.summary(also={"C": fit.effects(draws=5, level=0.9)})


def test_a_missing_value_among_columns_that_are_all_true_or_false(sim16) -> None:
    panel, _ = sim16
    flags = pd.DataFrame({"y": panel["y"] > 0, "x": panel["x1"] > 0})
    assert list(ce.ols("y ~ x | id + year", flags).params.index) == ["x"]
    same = ce.ols("y ~ (x) | id + year", flags)
    assert list(same.params.index) == ["x"]
    flags["x"] = flags["x"].astype("boolean")
    flags.iloc[0, 1] = None
    with pytest.raises(PanelError, match=r"missing or infinite values in column x: 1 cells"):
        ce.ols("y ~ x | id + year", flags)
