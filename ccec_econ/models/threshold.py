"""Threshold model: coefficients that differ where a variable is below and above an unknown value.

    y_t = rho W y_t + (x_t 1(q_t <= g)) b_low + (x_t 1(q_t > g)) b_high
          + W(x_t 1(q_t <= g)) t_low + W(x_t 1(q_t > g)) t_high + z_t c + effects + v_t

The spatial lag is that of the split column: a neighbour's x counts by the neighbour's own regime,
the origin of the spillover. Then x_low is a regressor like any other, with one lag, and effects by
regime are those of ordinary columns. Splitting W(x) by the regime of the unit that receives it is
another model, in which the lag of no column is a column of the model.

References
----------
Hansen, B. E. (1999). Threshold effects in non-dynamic panels: estimation, testing, and inference.
Journal of Econometrics 93, 345-368.
Bick, A. (2010). Threshold effects of inflation on economic growth in developing countries.
Economics Letters 108, 126-129.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.engine.threshold import Splits, candidates, heights, identified
from ccec_econ.engine.transform import Method
from ccec_econ.errors import FormulaError, IdentificationError, WeightsError, first_five
from ccec_econ.formula import Spec, materialise
from ccec_econ.inference.vcov import Covariance, Information
from ccec_econ.models.fitting import Model, Options, fit_model
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.threshold_results import SHIFT, Search, ThresholdResults, halves, plain
from ccec_econ.models.time_lags import has_time_lag
from ccec_econ.weights import WeightsLike

__all__ = ["ThresholdModel", "threshold"]

ThresholdModel = Literal["ols", "slx", "sar", "sdm"]
_MODELS = {
    "ols": Model("ols"),
    "slx": Model("slx", lag_x=True),
    "sar": Model("sar", lag_y=True),
    "sdm": Model("sdm", lag_y=True, lag_x=True),
}
_FEWEST = 5  # candidate values below which the split is known rather than searched for
_INTERCEPT = "Intercept"
_INFORMATION = Information()


def threshold(
    formula: str,
    data: pd.DataFrame,
    weights: WeightsLike | None = None,
    *,
    by: str,
    regimes: Sequence[str] | None = None,
    model: ThresholdModel = "sdm",
    durbin: Sequence[str] | None = None,
    intercept: bool = False,
    trim: float = 0.15,
    min_units: int = 3,
    method: Method = "transformation",
    index: tuple[str, str] | None = None,
    cov: Covariance = _INFORMATION,
) -> ThresholdResults:
    """Fit a panel model whose coefficients differ below and above a threshold.

    The threshold is the observed value of `by` at which the likelihood is highest, with rho,
    coefficients and variance maximised at each.

    Parameters
    ----------
    formula, data, durbin, index, cov
        As in `sdm`.
    weights : Graph or W
        As in `sdm`, the same for all periods; none for "ols".
    by : str
        Threshold variable: a column, or a term such as ``"log(x)"`` or ``"W(x)"``. With a variable
        that does not change over time the threshold splits the units.
    regimes : sequence of str, optional
        Terms whose coefficients differ, their spatial lags with them; all by default.
    model : {"sdm", "sar", "slx", "ols"}
    intercept : bool
        Whether the regimes have intercepts of their own: a column ``regime_low``, 1 in the low
        regime, with its lag where a split term is lagged. Without it, as in Hansen (1999), adding
        a constant to a regressor, or changing the unit of a logarithm, changes the model.
    trim : float
        Least share of the observations in each regime, in (0, 0.5).
    min_units : int
        Least number of units ever in each regime.
    method : {"transformation", "direct"}
        Likelihood of "sdm" and "sar", as in `sar`.

    Returns
    -------
    ThresholdResults
        With ``threshold``, ``test()``, ``confidence_set()``, ``equality()``, ``profile()`` beside
        all that other fits have.

    Raises
    ------
    FormulaError
        If the model, the method, `by` or a term of `regimes` is unknown, a formula holds time lags
        or lags a term that it does not hold, `durbin` and ``W()`` both name lags, or a column made
        here has a name that the data use.
    IdentificationError
        If `by` is constant, fewer than five values leave both regimes enough observations, units
        and variation, or a split explains the response exactly.
    WeightsError
        If weights change over time, or as in `sdm`.
    ValueError
        If `trim` or `min_units` is out of range.
    PanelError, AlignmentError, ConvergenceError
        As in `sdm`; missing values of `by` are named.

    Notes
    -----
    Between two observed values of `by` the split, hence the likelihood, is the same. Only the
    order of the values matters: an increasing transform of `by` changes nothing but the name of
    the threshold. One threshold is fitted: with few units there is not enough in three regimes.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> W = ce.weights.contiguity()
    >>> fit = ce.threshold("growth ~ digital + hsr | unit + year", panel, W, by="digital")
    >>> list(fit.params.index[:4])
    ['digital_low', 'digital_high', 'hsr_low', 'hsr_high']
    >>> int(fit.sizes()["observations"].sum())
    144
    """
    _refuse_options(formula, weights, by, model, method, trim, min_units)
    kind = _MODELS[model]
    null = fit_model(kind, formula, data, weights, Options(durbin, method=method, index=index))
    terms, lagged = _split_terms(null, regimes), _lagged_terms(null)
    q = _threshold_variable(null, by)
    splits = _splits(null, q, terms, lagged, intercept)
    values, few_units = candidates(q, trim, min_units)
    known = identified(null.estimate, splits, values)
    values, dependent = values[known], int((~known).sum())
    if len(values) < _FEWEST:
        _refuse_few(by, q, len(values), few_units, dependent)
    one = null.estimate
    loglik = heights(one, splits, values, one.y[..., None], one.Wy[..., None]).split[0]
    search = Search(
        by, splits, terms, intercept, trim, min_units, values, loglik, few_units, dependent
    )
    table = _SplitTable.of(null, search, lagged)
    fit = fit_model(
        Model(model, lag_y=kind.lag_y, lag_x=bool(table.lagged)),
        str(table.spec),
        table.frame,
        weights,
        Options(table.lagged or None, method=method, cov=cov),
    )
    return ThresholdResults(
        fit.model,
        fit.spec,
        fit.panel,
        fit.design,
        fit.estimate,
        fit.vcov,
        formula=null.spec,
        null=null,
        search=search,
    )


@dataclass(frozen=True, slots=True)
class _SplitTable:
    """Data with the split columns, and what to fit on them."""

    frame: pd.DataFrame
    spec: Spec
    lagged: tuple[str, ...]

    @classmethod
    def of(cls, null: SpatialPanelResults, search: Search, lagged: tuple[str, ...]) -> _SplitTable:
        """Write every term of the model as a column, split ones twice."""
        low, names = search.low, dict[str, list[str]]()
        columns: dict[str, NDArray[np.float64]] = {}
        frame = null.panel.frame
        for term in null.design.slopes:
            values = null.design.X[:, :, null.design.terms.index(term)]
            names[term] = [plain(term)]
            if term in search.terms:
                names[term] = list(halves(term))
                parts = (np.where(low, values, 0.0), np.where(low, 0.0, values))
                columns.update(zip(names[term], parts, strict=True))
            elif term not in frame.columns:
                columns[plain(term)] = values
        if search.intercept:
            names[SHIFT] = [SHIFT]
            columns[SHIFT] = low.astype(np.float64)
        taken = [name for name in columns if name in frame.columns]
        if taken:
            raise FormulaError(
                f"the data have columns {first_five(taken)}, which ce.threshold makes itself; "
                "rename them."
            )
        flat = {name: values.ravel() for name, values in columns.items()}
        shifted = search.intercept and any(term in search.terms for term in lagged)
        chosen = [*lagged, *([SHIFT] if shifted else [])]
        own = [f"`{name}`" for pair in names.values() for name in pair]
        bare = null.design.effects == "none" and _INTERCEPT not in null.design.terms
        right = " + ".join([*(["0"] if bare else []), *own])
        return cls(
            frame.assign(**flat).swaplevel(),
            Spec(null.spec.response, right, null.spec.fixed),
            tuple(name for term in chosen for name in names[term]),
        )


def _refuse_options(
    formula: str,
    weights: object,
    by: object,
    model: str,
    method: str,
    trim: float,
    min_units: int,
) -> None:
    if model not in get_args(ThresholdModel):
        raise FormulaError(
            f"model {model!r} has no threshold version; choose {', '.join(_MODELS)}: errors with "
            "spatial dependence would have to be searched at every threshold anew."
        )
    if method != "transformation" and not _MODELS[model].lag_y:
        raise FormulaError(
            f"method {method!r} is for models with rho and {model} is least squares; leave it out."
        )
    if method == "bias_corrected":
        raise FormulaError(
            "method 'bias_corrected' maximises no likelihood that a threshold could be searched "
            "on; leave the method out."
        )
    if isinstance(weights, Mapping):
        raise WeightsError(
            "weights that change over time are not available with a threshold; give one Graph."
        )
    if model == "ols" and weights is not None:
        raise FormulaError("model 'ols' takes no weights; leave them out, or choose model='slx'.")
    if not isinstance(by, str) or not by.strip():
        raise FormulaError(f"by = {by!r}: name one column or term, such as by='digital'.")
    if isinstance(formula, str) and (has_time_lag(formula) or has_time_lag(by)):
        raise FormulaError(
            "time lags L() are not available with a threshold; build a lagged regressor first: "
            "data['x_lag'] = data.groupby(level=0)['x'].shift()."
        )
    if not 0.0 < trim < 0.5 or min_units < 1:
        raise ValueError(
            f"trim {trim}, min_units {min_units}: need 0 < trim < 0.5, such as 0.15, and at least "
            "one unit."
        )


def _split_terms(null: SpatialPanelResults, regimes: Sequence[str] | None) -> tuple[str, ...]:
    """Terms whose coefficients differ, in the order of the formula."""
    slopes = null.design.slopes
    if regimes is None:
        return slopes
    names = [regimes] if isinstance(regimes, str) else list(regimes)
    unknown = [name for name in names if name not in slopes]
    if unknown or not names or len(set(names)) < len(names):
        raise FormulaError(
            f"regimes names {first_five(unknown or names) or 'nothing'}; name each once, among the "
            f"formula's terms: {first_five(slopes)}. Spatial lags follow their term."
        )
    return tuple(term for term in slopes if term in names)


def _lagged_terms(null: SpatialPanelResults) -> tuple[str, ...]:
    """Terms that the model lags in space."""
    lagged = tuple(term for term in null.estimate.lag_of if term is not None)
    alone = [term for term in lagged if term not in null.design.slopes]
    if alone:
        raise FormulaError(
            f"the formula holds the lag of {first_five(alone)} and not the term itself; add it, or "
            "make the lag a column of the data."
        )
    return lagged


def _threshold_variable(null: SpatialPanelResults, by: str) -> NDArray[np.float64]:
    """Evaluate the threshold variable, shape (T, N)."""
    lag = null.estimate.x_weights
    found = materialise(
        Spec(null.spec.response, by, ()), null.panel, None if lag is None else lag.lag
    )
    places = [j for j, term in enumerate(found.terms) if term != _INTERCEPT]
    if len(places) != 1:
        given = first_five(found.terms[j] for j in places)
        raise FormulaError(
            f"by = {by!r} gives {len(places)} columns ({given}); name one that is one column."
        )
    q: NDArray[np.float64] = found.X[:, :, places[0]]
    if np.ptp(q) == 0.0:
        raise IdentificationError(
            f"threshold variable {by} is {q.flat[0]:g} everywhere; choose one that varies."
        )
    return q


def _splits(
    null: SpatialPanelResults,
    q: NDArray[np.float64],
    terms: tuple[str, ...],
    lagged: tuple[str, ...],
    intercept: bool,
) -> Splits:
    columns = null.design.X[:, :, [null.design.terms.index(term) for term in terms]]
    places = [j for j, term in enumerate(terms) if term in lagged]
    if intercept:
        places += [len(terms)] * bool(places)
        columns = np.dstack([columns, np.ones_like(q)])
    return Splits(q, columns, tuple(places), null.estimate.x_weights)


def _refuse_few(
    by: str, q: NDArray[np.float64], found: int, few_units: int, dependent: int
) -> None:
    why = [f"{few_units} leave a regime too few units"] * bool(few_units)
    why += [f"at {dependent} the split columns depend on each other or on the effects"] * bool(
        dependent
    )
    raise IdentificationError(
        f"threshold variable {by} has {len(np.unique(q))} distinct values and {found} candidates, "
        f"fewer than {_FEWEST}{'; ' if why else ''}{', '.join(why)}; lower trim or min_units, "
        "split fewer terms, or split at a known value by interactions."
    )
