"""Randomisation inference in staggered designs: exchange the first treated periods of units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import factorial, prod
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccec_econ.causal.design import Design
from ccec_econ.causal.placebo import Placebos
from ccec_econ.causal.randomise_estimators import ESTIMATORS, Found
from ccec_econ.errors import AlignmentError, CcecError, IdentificationError, first_five
from ccec_econ.parallel import spread

__all__ = [
    "Chosen",
    "Statistic",
    "Strata",
    "assess",
    "assignments",
    "compared",
    "drawn_values",
    "found",
    "given",
    "is_studentised",
    "named",
    "permute",
]

Statistic = Literal["twfe_t", "twfe", "imputation_t", "imputation"]
type Chosen = Statistic | Callable[[Design], float]

_NAMES = {
    "twfe_t": "t of the two-way regression",
    "twfe": "two-way regression",
    "imputation_t": "t of the imputation estimator",
    "imputation": "imputation estimator",
}
_CELLS = 400_000  # cells of assignments computed together
type Strata = Mapping[object, object] | pd.Series


def permute(
    design: Design,
    *,
    statistic: Chosen = "twfe_t",
    within: Strata | None = None,
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> Placebos:
    """Permute first treated periods over units and compare a statistic.

    Parameters
    ----------
    design : Design
        From `staggered_design`. Units left out there take no part.
    statistic : {"twfe_t", "twfe", "imputation_t", "imputation"} or callable
        Coefficient or t-statistic (clustered by unit) of the two-way regression or of the
        imputation estimator, or a function of a design that returns a number.
    within : mapping or Series, optional
        Stratum of each unit; periods are then exchanged only between units of one stratum.
    draws : int
        Permutations. If there are no more distinct assignments than this, all are taken.
    rng : int or Generator

    Returns
    -------
    Placebos
        Under the null that treatment has no effect on any unit in any period, and if assignments
        of the observed periods to units (of a stratum) were all equally likely, p is exact at any
        number of units. Where effects differ but average to zero only the t-statistics keep their
        size, and only in large samples.

    Raises
    ------
    AlignmentError
        If a unit has no stratum.
    IdentificationError
        If there is one assignment only: no stratum holds units of different periods.
    ValueError
        If the statistic is unknown or `draws` is not positive.

    Notes
    -----
    ``p = (1 + #{|s_d| >= |s|}) / (1 + D)`` from D draws, ``#/D`` from all assignments.

    References
    ----------
    Fisher (1935), The Design of Experiments; Phipson and Smyth (2010), Statistical Applications in
    Genetics and Molecular Biology 9, 39; MacKinnon and Webb (2020), Journal of Econometrics 218,
    435-450; Athey and Imbens (2022), Journal of Econometrics 226, 62-79.

    Examples
    --------
    >>> from ccec_econ.causal import staggered_design
    >>> index = pd.MultiIndex.from_product([list("abcd"), [1, 2]], names=["unit", "year"])
    >>> data = pd.DataFrame({"y": [0, 5, 0, 1, 0, 2, 0, 0]}, index=index)
    >>> design = staggered_design(data, "y", pd.Series({"a": 2, "b": None, "c": None, "d": None}))
    >>> permute(design, statistic="twfe").pvalue  # largest of the four units
    0.25
    """
    if draws < 1:
        raise ValueError(f"draws {draws}: give at least one permutation.")
    if not isinstance(design, Design):
        raise IdentificationError(
            f"design of type {type(design).__name__}: give what ce.causal.staggered_design "
            "returns, such as the .design of a fit."
        )
    strata = _strata(design, within)
    other, enumerated = assignments(design.adoption, strata, draws, np.random.default_rng(rng))
    where = "units" if within is None else "units of a stratum"
    return compared(
        design,
        statistic,
        assess(design, other, statistic),
        title=f"{design.outcome}: first treated periods permuted over {design.y.shape[1]} units",
        enumerated=enumerated,
        note=f"Exact if first treated periods are exchangeable over {where}.",
    )


def compared(
    design: Design,
    statistic: Chosen,
    drawn: NDArray[np.float64],
    *,
    title: str,
    note: str,
    enumerated: bool = False,
) -> Placebos:
    """Set the statistic of a design beside those of placebos."""
    estimate = std_error = float("nan")
    if not callable(statistic):
        effect = found(design, design.adoption[None], statistic)
        estimate, std_error = float(effect.estimate[0]), float(effect.std_error[0])
    return Placebos(
        title=title,
        statistic=named(statistic),
        realised=float(assess(design, design.adoption[None], statistic)[0]),
        drawn=drawn,
        estimate=estimate,
        std_error=std_error,
        enumerated=enumerated,
        notes=(note,),
    )


def named(statistic: Chosen) -> str:
    """Name a statistic for print.

    Raises
    ------
    ValueError
        If it is neither known nor callable.
    """
    if callable(statistic):
        return str(getattr(statistic, "__name__", "statistic")).replace("_", " ")
    if statistic not in get_args(Statistic):
        raise ValueError(
            f"statistic {statistic!r}: choose one of {', '.join(get_args(Statistic))}, or give a "
            "function of a design."
        )
    return _NAMES[statistic]


def is_studentised(statistic: Statistic) -> bool:
    """Whether a built-in statistic is a t-statistic."""
    return statistic.endswith("_t")


def assess(
    design: Design, adoptions: NDArray[np.float64], statistic: Chosen
) -> NDArray[np.float64]:
    """Compute a statistic under many assignments of first treated periods.

    Parameters
    ----------
    adoptions : ndarray, shape (D, N)
        First treated periods, infinite for never. A unit treated in every period of an assignment
        takes no part in it.

    Returns
    -------
    ndarray, shape (D,)
        NaN where the statistic is not identified.
    """
    named(statistic)
    if callable(statistic):
        return np.array(spread(lambda one: _called(statistic, design, one), adoptions))
    return drawn_values(found(design, adoptions, statistic), statistic)


def found(design: Design, adoptions: NDArray[np.float64], statistic: Statistic) -> Found:
    """Estimate the effect and its standard error under assignments (D, N), as in `assess`."""
    estimator = ESTIMATORS[statistic.removesuffix("_t")]
    step = max(1, _CELLS // design.y.size)

    def of(some: NDArray[np.float64]) -> Found:
        treated = design.periods[:, None] >= some[:, None, :]
        present = np.broadcast_to(~treated[:, :1, :], treated.shape)
        return estimator(design.y, treated, None if present.all() else present)

    parts = spread(of, (adoptions[i : i + step] for i in range(0, len(adoptions), step)))
    return Found(
        np.concatenate([part.estimate for part in parts]),
        np.concatenate([part.std_error for part in parts]),
    )


def given(openings: pd.DataFrame, units: pd.Index) -> NDArray[np.float64]:
    """Return given first treated periods as assignments (D, N), infinite for never.

    Raises
    ------
    AlignmentError
        If a unit has no column, or two.
    """
    absent = units.difference(openings.columns)
    if len(absent) or not openings.columns.is_unique:
        twice = openings.columns[openings.columns.duplicated()]
        raise AlignmentError(
            f"openings: no column for {first_five(absent) or 'none'}, several for "
            f"{first_five(twice) or 'none'}; give every unit of the data one column."
        )
    return openings[list(units)].astype("Float64").to_numpy(float, na_value=np.inf)


def drawn_values(effect: Found, statistic: Statistic) -> NDArray[np.float64]:
    """Return the statistic of estimates, shape (D,), NaN where it is not identified."""
    if not is_studentised(statistic):
        return np.atleast_1d(effect.estimate)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.atleast_1d(effect.estimate / effect.std_error)
    return np.where(np.isfinite(t), t, np.nan)


def _called(
    statistic: Callable[[Design], float], design: Design, adoption: NDArray[np.float64]
) -> float:
    try:
        return float(statistic(replace(design, adoption=adoption)))
    except CcecError:
        return float("nan")


def _strata(design: Design, within: Strata | None) -> list[NDArray[np.int64]]:
    """Places of the units of every stratum."""
    units = design.panel.units
    if within is None:
        return [np.arange(len(units))]
    label = pd.Series(dict(within.items())).reindex(units)
    if label.isna().any():
        raise AlignmentError(
            f"no stratum for {first_five(units[label.isna()])}; give every unit of the design one."
        )
    return [np.flatnonzero(label == one) for one in label.unique()]


def assignments(
    adoption: NDArray[np.float64],
    strata: list[NDArray[np.int64]],
    draws: int,
    rng: np.random.Generator,
    *,
    enumerate_few: bool = True,
) -> tuple[NDArray[np.float64], bool]:
    """Draw assignments (D, N), or list all of them if they are few."""
    counts = [Counter(adoption[places].tolist()) for places in strata]
    number = prod(factorial(c.total()) // prod(factorial(k) for k in c.values()) for c in counts)
    if number == 1:
        raise IdentificationError(
            "one assignment only: no stratum holds units with different first treated periods; "
            "permute within wider strata."
        )
    if enumerate_few and number <= draws:
        lists = [list(_distinct(c)) for c in counts]
        order = np.argsort(np.concatenate(strata))
        rows = [np.concatenate(parts)[order] for parts in product(*lists)]
        return np.array(rows), True
    out = np.tile(adoption, (draws, 1))
    for places in strata:
        out[:, places] = rng.permuted(out[:, places], axis=1)
    return out, False


def _distinct(counts: Counter[float]) -> Iterator[tuple[float, ...]]:
    """List the distinct orders of a multiset."""
    if not counts.total():
        yield ()
    for value in sorted(v for v, k in counts.items() if k):
        for tail in _distinct(counts - Counter([value])):
            yield (value, *tail)
