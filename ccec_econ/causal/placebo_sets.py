"""Placebo sets of units: the same number for other regions, or for regions drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

import numpy as np
import pandas as pd

from ccec_econ.causal.placebo import Placebos
from ccec_econ.errors import AlignmentError, CcecError, first_five
from ccec_econ.parallel import spread

__all__ = ["drawn_sets", "placebo_sets"]

type Units = Collection[Hashable]


def placebo_sets(
    data: pd.DataFrame,
    members: Units,
    others: Sequence[Units],
    statistic: Callable[[pd.DataFrame], float],
    *,
    name: str = "",
) -> Placebos:
    """Compute a number for a set of units and for other sets.

    Parameters
    ----------
    data : DataFrame
        Indexed (unit, time).
    members : collection
        Units of the set in question.
    others : sequence of collections
        Units of the other sets, which may overlap.
    statistic : callable
        Number of the rows of one set, such as a change of dispersion. An error of this package in
        another set makes that placebo one without a statistic.
    name : str
        What the number is, for print; the name of the function by default.

    Returns
    -------
    Placebos
        Read `Placebos.above` and `Placebos.below`, the place of the set among all from either end:
        the number need not lie around zero. Neither is smaller than 1 / (1 + number of others).

    Raises
    ------
    AlignmentError
        If a unit of a set is not in the data, or there is no other set.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([list("abcd"), [1]], names=["unit", "year"])
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 3.0, 9.0]}, index=index)
    >>> spread = lambda rows: float(np.ptp(rows["y"]))
    >>> placebo_sets(data, "ab", ["cd", "bc"], spread, name="range").drawn.tolist()
    [6.0, 1.0]
    """
    units = data.index.get_level_values(0)
    unknown = set().union(members, *others) - set(units)
    if unknown or not len(others):
        raise AlignmentError(
            f"sets name {first_five(sorted(map(str, unknown))) or 'no other set'}; give other sets "
            "of units that are in the data."
        )

    def of(members: Collection[Hashable]) -> float:
        return _or_missing(statistic, data[units.isin(list(members))])

    title = name or str(getattr(statistic, "__name__", "statistic")).replace("_", " ")
    return Placebos(
        title=f"{title}: {len(members)} units among {len(others)} other sets",
        statistic=title,
        realised=float(statistic(data[units.isin(list(members))])),
        drawn=np.array(spread(of, others)),
        notes=("p above and p below: place among the sets, exact if these are exchangeable.",),
    )


def drawn_sets(
    units: Sequence[Hashable], size: int, *, draws: int = 999, rng: int | np.random.Generator = 0
) -> list[tuple[Hashable, ...]]:
    """Draw sets of units, each without replacement.

    Parameters
    ----------
    units : sequence
        Units to draw from.
    size : int
        Units in a set.
    draws : int
    rng : int or Generator

    Raises
    ------
    ValueError
        If `size` is not between 2 and the number of units, or `draws` is not positive.

    Examples
    --------
    >>> [len(one) for one in drawn_sets("abcde", 3, draws=2)]
    [3, 3]
    """
    if not 2 <= size <= len(units) or draws < 1:
        raise ValueError(
            f"size {size}, draws {draws}: draw one or more sets of 2 to {len(units)} units."
        )
    rng = np.random.default_rng(rng)
    return [tuple(_picked(units, size, rng)) for _ in range(draws)]


def _picked(units: Sequence[Hashable], size: int, rng: np.random.Generator) -> Iterator[Hashable]:
    return (units[int(i)] for i in rng.choice(len(units), size, replace=False))


def _or_missing(statistic: Callable[[pd.DataFrame], float], rows: pd.DataFrame) -> float:
    try:
        return float(statistic(rows))
    except CcecError:
        return float("nan")
