"""All combinations of defensible choices, estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import get_args

import pandas as pd

from ccec_econ.errors import FormulaError, IdentificationError, first_five
from ccec_econ.formula import Effects
from ccec_econ.inference.quantity import Quantity
from ccec_econ.inference.vcov import Covariance, Information, checked
from ccec_econ.models.curve_choices import DIMENSIONS, Expressions, Sample, choices
from ccec_econ.models.curve_groups import Row, estimated
from ccec_econ.models.curve_results import SpecificationCurve, curve_frame
from ccec_econ.models.curve_samples import groups_of
from ccec_econ.parallel import spread
from ccec_econ.weights import WeightsLike

__all__ = ["specification_curve"]

_INFORMATION = Information()


def specification_curve(
    data: pd.DataFrame,
    *,
    outcome: Expressions,
    focus: Expressions,
    controls: Sequence[str] | Mapping[str, Sequence[str]] = (),
    always: Sequence[str] = (),
    weights: WeightsLike | Mapping[str, WeightsLike] | None = None,
    models: str | Sequence[str] = "ols",
    samples: Mapping[str, Sample] | None = None,
    effects: Effects | Sequence[Effects] = "twoway",
    quantity: Quantity = "coefficient",
    cov: Covariance = _INFORMATION,
    level: float = 0.95,
    index: tuple[str, str] | None = None,
) -> SpecificationCurve:
    """Estimate one quantity in every combination of defensible choices.

    Columns are reduced once per outcome, sample, weights and effects; each specification takes
    its own from the triangle and equals a fresh fit by its verb.

    Parameters
    ----------
    data : DataFrame
        Indexed (unit, time), or with the two columns named by `index`. Rows may be missing where
        no sample needs them.
    outcome, focus : str, sequence of str or mapping
        Expressions as in formulas, or those by label: the response, and the regressor of interest
        in its versions, of which each specification holds one.
    controls : sequence or mapping
        A list of terms stands for all its subsets; a mapping of labels to lists for those sets.
    always : sequence of str
        Terms of every specification.
    weights : Graph, W, prepared weights or mapping
        By label. What `ccec_econ.weights.prepare` was asked for holds in every sample.
    models : str or sequence of str
        Among "ols", "slx", "sar", "sem", "sdm", "sdem", "sac" and "gns"; "ols" enters once,
        whatever the weights. Models with W x lag every term.
    samples : mapping of str to Sample
        All data by default. Weights that were row-standardised are standardised again among the
        units of a sample.
    effects : str or sequence of str
        Among "none", "unit", "time" and "twoway".
    quantity : {"coefficient", "direct", "indirect", "total"}
        Of the regressor of interest.
    cov : Covariance
        As in the verbs.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    SpecificationCurve
        With one row per specification. One that cannot be estimated keeps its row, with the
        reason: a sample that is no balanced panel or has missing values in a column it uses, a
        unit that a sample leaves without neighbour, dependent columns, a quantity that the model
        does not have, rho at its border.

    Raises
    ------
    FormulaError
        If a term cannot be read or stands twice, a lag is written, categories stand in an
        interaction such as ``C(g):x``, whose columns depend on the other terms, an option is
        unknown, or a sample names other units.
    AlignmentError
        If weights and the data have other units.
    PanelError
        If the data have no unit and period, or one twice.
    IdentificationError
        If no specification can be estimated.
    ValueError
        If `level` is not in (0, 1).

    References
    ----------
    Simonsohn, U., Simmons, J. P. and Nelson, L. D. (2020). Specification curve analysis.
    Nature Human Behaviour 4, 1208-1214.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> curve = ce.specification_curve(
    ...     ce.data.load_panel(years=(2011, 2019)),
    ...     outcome="growth",
    ...     focus="digital",
    ...     controls=["hsr", "rd"],
    ...     weights={"border": ce.weights.contiguity(), "nearest": ce.weights.nearest(k=4)},
    ...     models=["ols", "sdm"],
    ...     samples={"all": ce.Sample(), "no Chongqing": ce.Sample(without=["500000"])},
    ... )
    >>> len(curve.frame), len(curve.failed)
    (24, 0)
    """
    if quantity not in get_args(Quantity):
        raise FormulaError(f"quantity {quantity!r}; choose {', '.join(get_args(Quantity))}.")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level {level}: need 0 < level < 1, such as 0.95.")
    found = choices(
        outcome,
        focus,
        always=always,
        controls=controls,
        weights=weights,
        models=models,
        samples=samples,
        effects=effects,
    )
    listed = found.every()
    groups = tuple(groups_of(data, found, listed, index=index, cov=checked(cov), quantity=quantity))
    rows = [row for part in spread(estimated, groups) for row in part]
    _refuse_nothing(rows)
    sizes = {
        member.row: (0, 0) if group.columns is None else group.columns.y.shape
        for group in groups
        for member in group.members
    }
    frame = pd.DataFrame([astuple(one) for one in listed], columns=list(DIMENSIONS))
    frame["units"] = [sizes[row][1] for row in frame.index]
    frame["periods"] = [sizes[row][0] for row in frame.index]
    frame["nobs"] = frame["units"] * frame["periods"]
    return SpecificationCurve(
        frame=curve_frame(frame, rows, level),
        quantity=quantity,
        always=found.always,
        level=level,
        conventions=tuple(dict.fromkeys(row.convention for row in rows if row.convention)),
        groups=groups,
    )


def _refuse_nothing(rows: list[Row]) -> None:
    if any(not row.reason for row in rows):
        return
    reasons = dict.fromkeys(row.reason.rstrip(".") for row in rows)
    raise IdentificationError(
        f"none of the {len(rows)} specifications can be estimated: {first_five(reasons)}."
    )
