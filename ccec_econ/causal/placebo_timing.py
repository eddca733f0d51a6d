"""Placebos in time and among units: openings too early, elsewhere, or of a policy."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.causal.design import Design, staggered_design
from ccec_econ.causal.placebo import Placebos
from ccec_econ.causal.randomise import (
    Chosen,
    Statistic,
    Strata,
    assess,
    assignments,
    compared,
    drawn_values,
    named,
    permute,
)
from ccec_econ.causal.randomise_estimators import ESTIMATORS, Found
from ccec_econ.errors import AlignmentError, IdentificationError, first_five
from ccec_econ.panel import Panel
from ccec_econ.typeset import Printed, Table, number

__all__ = ["PseudoOpenings", "fake_openings", "fake_units", "policy_window", "pseudo_openings"]


def fake_openings(
    data: pd.DataFrame,
    outcome: str,
    adoption: pd.Series,
    openings: pd.DataFrame,
    *,
    statistic: Statistic = "twfe_t",
) -> Placebos:
    """Compare the realised openings with given ones, such as those of lines that were not built.

    Parameters
    ----------
    data : DataFrame
        Indexed (unit, time).
    outcome : str
    adoption : Series
        Realised first treated periods, as in `staggered_design`.
    openings : DataFrame
        One row per placebo, one column per unit: first treated periods, missing for never.
    statistic : {"twfe_t", "twfe", "imputation_t", "imputation"}

    Returns
    -------
    Placebos
        Exact if the realised openings were as likely as each of those given. Units treated in the
        first period or before take no part, in the realised openings and in every placebo each
        its own: the rule is the same for all.

    Raises
    ------
    AlignmentError
        If a unit of the data has no column, or two.
    PanelError, IdentificationError
        As `staggered_design`.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([list("abcd"), [1, 2]], names=["unit", "year"])
    >>> data = pd.DataFrame({"y": [0, 5, 0, 1, 0, 2, 0, 0]}, index=index)
    >>> real = pd.Series({"a": 2, "b": None, "c": None, "d": None}, dtype="Int64")
    >>> other = pd.DataFrame([[None, 2, None, None]], columns=list("abcd"), dtype="Int64")
    >>> fake_openings(data, "y", real, other, statistic="twfe").drawn.round(3).tolist()
    [-1.333]
    """
    design = _whole(data, outcome, adoption)
    units = design.panel.units
    absent = units.difference(openings.columns)
    if len(absent) or not openings.columns.is_unique:
        twice = openings.columns[openings.columns.duplicated()]
        raise AlignmentError(
            f"openings: no column for {first_five(absent) or 'none'}, several for "
            f"{first_five(twice) or 'none'}; give every unit of the data one column."
        )
    other = openings[list(units)].astype("Float64").to_numpy(float, na_value=np.inf)
    return compared(
        design,
        statistic,
        assess(design, other, statistic),
        title=f"{outcome}: {len(other)} given openings in place of the realised ones",
        note="Exact if the realised openings were as likely as each of those given.",
    )


def fake_units(
    design: Design,
    *,
    statistic: Chosen = "twfe_t",
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> Placebos:
    """Treat units that were never treated, and compare.

    Every placebo holds only units untreated throughout the panel. Their first treated periods are
    drawn, without replacement, from those of all units, so that in the mean the same share is
    treated at the same time. What treatment does to the treated cannot show in them.

    Parameters
    ----------
    design : Design
    statistic, draws, rng
        As in `permute`; t-statistics compare better across samples of different size.

    Raises
    ------
    IdentificationError
        If fewer than three units are untreated throughout.
    ValueError
        If the statistic is unknown or `draws` is not positive.
    """
    if draws < 1:
        raise ValueError(f"draws {draws}: give at least one placebo.")
    never = np.flatnonzero(~design.ever)
    if len(never) < 3:
        raise IdentificationError(
            f"{len(never)} units are untreated throughout; placebos among them need three or more. "
            "Permute first treated periods over all units instead."
        )
    rng = np.random.default_rng(rng)
    other = rng.permuted(np.tile(design.adoption, (draws, 1)), axis=1)[:, : len(never)]
    return compared(
        design,
        statistic,
        assess(_only(design, never), other, statistic),
        title=f"{design.outcome}: treatment of units that were never treated",
        note=f"Placebos hold {len(never)} of {len(design.ever)} units, so their statistics come "
        "from a smaller sample.",
    )


def policy_window(
    data: pd.DataFrame,
    outcome: str,
    members: Collection[Hashable],
    *,
    start: int,
    statistic: Chosen = "twfe_t",
    within: Strata | None = None,
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> Placebos:
    """Test the interaction of a group with the periods from a policy on, by permuting the group.

    y_it = b 1[i in group] 1[t >= start] + a_i + l_t + e_it.

    Parameters
    ----------
    data : DataFrame
        Indexed (unit, time).
    outcome : str
    members : collection
        Units of the group.
    start : int
        First period of the policy.
    statistic, within, draws, rng
        As in `permute`.

    Raises
    ------
    AlignmentError
        If a member is not in the data.
    PanelError, IdentificationError, ValueError
        As `staggered_design` and `permute`.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([list("abcd"), [1, 2]], names=["unit", "year"])
    >>> data = pd.DataFrame({"y": [0, 5, 0, 4, 0, 2, 0, 0]}, index=index)
    >>> policy_window(data, "y", ["a", "b"], start=2, statistic="twfe").estimate
    3.5
    """
    units = data.index.get_level_values(0).unique()
    unknown = [unit for unit in members if unit not in units]
    if unknown:
        raise AlignmentError(f"members {first_five(unknown)} are not in the data; check the codes.")
    first = pd.Series(pd.NA, index=units, dtype="Int64")
    first[units.isin(list(members))] = start
    found = permute(
        staggered_design(data, outcome, first),
        statistic=statistic,
        within=within,
        draws=draws,
        rng=rng,
    )
    title = f"{outcome}: {len(members)} of {len(units)} units from {start} on, membership permuted"
    return replace(found, title=title)


@dataclass(frozen=True, slots=True, repr=False)
class PseudoOpenings(Printed):
    """Effects of openings moved to earlier periods, from periods before the real ones only.

    Attributes
    ----------
    frame : DataFrame
        By periods too early: estimate, std_error, statistic, p from t(N - 1), p_randomised, units
        (those pseudo-treated), cells (pseudo-treated).
    outcome, statistic : str
    units, draws : int
    """

    frame: pd.DataFrame
    outcome: str
    statistic: str
    units: int
    draws: int

    def summary(self) -> Table:
        """One row per shift."""
        return Table(
            title=f"{self.outcome}: openings moved to earlier periods",
            columns=(
                "Periods too early",
                "Estimate",
                "Std. error",
                "p",
                "Randomisation p",
                "Units",
                "Cells",
            ),
            rows=tuple(
                (
                    str(early),
                    *(number(row[name], 4) for name in ("estimate", "std_error")),
                    *(number(row[name], 3) for name in ("p", "p_randomised")),
                    *(str(int(row[name])) for name in ("units", "cells")),
                )
                for early, row in self.frame.iterrows()
            ),
            notes=(
                f"Statistic: {self.statistic}. Periods from the real opening on are left out. p "
                f"from t({self.units - 1}), errors clustered by unit; randomisation p from "
                f"{self.draws:,} permutations of first treated periods, exact under no effect in "
                "any period, before or after.",
            ),
        )


def pseudo_openings(
    design: Design,
    *,
    early: Sequence[int] = (1, 2, 3),
    statistic: Statistic = "twfe_t",
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> PseudoOpenings:
    """Move every opening k periods earlier and drop the periods from the real opening on.

    Parameters
    ----------
    design : Design
    early : sequence of int
        Shifts k, at least one period. A unit without a period before its pseudo-opening is left
        out of that shift. Openings after the panel that fall into it when moved count.
    statistic : {"twfe_t", "twfe", "imputation_t", "imputation"}
    draws : int
        Permutations of first treated periods over units; each keeps the periods before the
        opening it assigns.
    rng : int or Generator

    Raises
    ------
    IdentificationError
        If a shift leaves no unit to compare.
    ValueError
        If a shift is below one, the statistic unknown or `draws` not positive.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([list("abcd"), range(1, 6)], names=["unit", "year"])
    >>> data = pd.DataFrame({"y": [0, 0, 3, 9, 9] + [0] * 15}, index=index)
    >>> design = staggered_design(data, "y", pd.Series({"a": 4, "b": None, "c": None, "d": None}))
    >>> pseudo_openings(design, early=[1], statistic="twfe").frame["estimate"].tolist()
    [3.0]
    """
    if draws < 1 or not early or min(early) < 1:
        raise ValueError(f"draws {draws}, early {list(early)}: give one or more, all at least 1.")
    N = design.y.shape[1]
    other, _ = assignments(
        design.adoption, [np.arange(N)], draws, np.random.default_rng(rng), enumerate_few=False
    )
    rows = {}
    for k in early:
        first, last = float(design.periods[0]), float(design.periods[-1])
        moved = (design.adoption - k > first) & (design.adoption - k <= last)
        if not moved.any():
            raise IdentificationError(
                f"{k} periods too early: no unit has a period before its pseudo-opening; give "
                "smaller shifts or a longer panel."
            )
        effect = _earlier(design, design.adoption, k, statistic)
        realised = float(drawn_values(effect, statistic)[0])
        drawn = drawn_values(_earlier(design, other, k, statistic), statistic)
        placebos = Placebos("", "", realised, drawn)
        until = np.minimum(design.adoption[moved], last + 1.0)
        rows[k] = {
            "estimate": float(effect.estimate),
            "std_error": float(effect.std_error),
            "statistic": realised,
            "p": 2.0 * float(stats.t.sf(abs(effect.estimate / effect.std_error), N - 1)),
            "p_randomised": placebos.pvalue,
            "units": int(moved.sum()),
            "cells": int((until - (design.adoption[moved] - k)).sum()),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("early")
    return PseudoOpenings(frame, design.outcome, named(statistic), N, draws)


def _whole(data: pd.DataFrame, outcome: str, adoption: pd.Series) -> Design:
    """Make a design that keeps units treated from the first period on: statistics skip them."""
    first = data.index.get_level_values(1).min()
    design = staggered_design(data, outcome, adoption.where(adoption > first))
    early = adoption.reindex(design.panel.units).le(first).fillna(False).to_numpy(dtype=bool)
    return replace(design, adoption=np.where(early, float(first), design.adoption))


def _only(design: Design, places: NDArray[np.int64]) -> Design:
    """Keep some of the units."""
    frame = design.panel.frame
    kept = frame.index.get_level_values(1).isin(design.panel.units[places])
    panel = Panel.from_frame(frame[kept].swaplevel())
    return replace(design, panel=panel, y=design.y[:, places], adoption=design.adoption[places])


def _earlier(
    design: Design, adoption: NDArray[np.float64], early: int, statistic: Statistic
) -> Found:
    """Estimate with openings (..., N) moved, on cells before those openings."""
    periods = design.periods[:, None]
    moved = adoption - early
    treated = periods >= moved[..., None, :]
    present = (periods < adoption[..., None, :]) & (moved[..., None, :] > periods[0])
    estimator = ESTIMATORS[statistic.removesuffix("_t")]
    return estimator(design.y, treated, present)
