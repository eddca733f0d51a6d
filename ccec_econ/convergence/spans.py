"""A panel cut into spans of years that follow each other, with growth over each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ccec_econ.convergence.tables import by_year, cells_of, positive, refuse_absent_years
from ccec_econ.errors import PanelError, first_five

__all__ = ["growth_spans"]


def growth_spans(
    panel: pd.DataFrame,
    column: str,
    span: int,
    *,
    controls: Sequence[str] = (),
    years: tuple[int, int] | None = None,
    breaks: str | None = None,
) -> pd.DataFrame:
    """Cut a panel into spans that follow each other, with growth over each.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    column : str
        Positive levels, for example ``"gdp_pc"``.
    span : int
        Years of a span; the last one ends at the end of `years`, and years at the beginning that
        do not make a whole span are left out.
    controls : sequence of str
        Columns carried along at their value in the first year of the span.
    years : (first, last), optional
        All years of the panel by default.
    breaks : str, optional
        Column that is true where growth into the year must not be computed.

    Returns
    -------
    DataFrame
        Indexed (unit, year), year being the last of a span: ``growth`` (log units per year),
        ``ln_start``, and the controls.

    Raises
    ------
    PanelError
        If levels are missing or not positive, controls missing, no span fits, or a span crosses
        a break (cells are named).

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2010, 2022))
    >>> spans = growth_spans(panel, "gdp_pc", 4, controls=["rd"])
    >>> sorted(set(spans.index.get_level_values("year")))
    [2014, 2018, 2022]
    """
    chosen = _in_years(panel, years)
    levels = positive(chosen, column)
    if span < 1 or span >= len(levels):
        raise PanelError(
            f"span of {span} years in {len(levels)} years ({levels.index[0]} to "
            f"{levels.index[-1]}): give 1 to {len(levels) - 1}."
        )
    _refuse_gaps(levels.index)
    ends = list(range(len(levels) - 1, span - 1, -span))[::-1]
    starts = [end - span for end in ends]
    if breaks is not None:
        _refuse_breaks(by_year(chosen, breaks).iloc[starts[0] + 1 : ends[-1] + 1])
    logs = np.log(levels.to_numpy())
    frames = {"growth": (logs[ends] - logs[starts]) / span, "ln_start": logs[starts]}
    for name in controls:
        frames[name] = _complete(by_year(chosen, name).iloc[starts], name).to_numpy()
    index = pd.MultiIndex.from_product([levels.index[ends], levels.columns], names=["year", "unit"])
    long = pd.DataFrame({name: values.ravel() for name, values in frames.items()}, index=index)
    return long.swaplevel().sort_index()


def _in_years(panel: pd.DataFrame, years: tuple[int, int] | None) -> pd.DataFrame:
    if years is None:
        return panel
    year = panel.index.get_level_values("year")
    kept = panel[(year >= years[0]) & (year <= years[1])]
    refuse_absent_years(years, year.unique().sort_values())
    return kept


def _refuse_gaps(years: pd.Index) -> None:
    if (np.diff(years.to_numpy(int)) != 1).any():
        raise PanelError(f"years {first_five(years)} are not consecutive; spans need every year.")


def _refuse_breaks(table: pd.DataFrame) -> None:
    cells = cells_of(table.astype(bool))
    if cells:
        raise PanelError(
            f"growth crosses {len(cells)} breaks ({first_five(cells)}); choose years between them, "
            "or leave these units out and say so."
        )


def _complete(table: pd.DataFrame, column: str) -> pd.DataFrame:
    cells = cells_of(table.isna())
    if cells:
        raise PanelError(f"control '{column}': {len(cells)} values missing ({first_five(cells)}).")
    return table
