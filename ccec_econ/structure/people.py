"""Where people drained from and to, and where towns grow in land but not in people."""

from __future__ import annotations

import pandas as pd

from ccec_econ.convergence.spans import growth_spans
from ccec_econ.convergence.tables import Classes, classes_of, positive, refuse_absent_years

__all__ = ["people_by_class", "shrinking"]


def people_by_class(
    panel: pd.DataFrame, population: str, classes: Classes, *, years: tuple[int, int]
) -> pd.DataFrame:
    """Count residents by class of unit in two years, and the units that lost some.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    population : str
        Residents.
    classes : mapping or Series
        Class of each unit, for example ``circle.roles("county")``.
    years : (first, last)
        The two years compared.

    Returns
    -------
    DataFrame
        One row per class, sorted, and ``total``: ``units``; ``first`` and ``last`` (residents);
        ``change`` (last less first); ``percent``; ``share_first`` and ``share_last`` of all
        residents; ``losing``, the number of units with fewer residents in the last year; ``moved``,
        residents gained or lost against a class that had grown like the whole.

    Raises
    ------
    PanelError
        If figures of the two years are missing or not positive, or a year is absent.
    AlignmentError
        If a unit has no class.

    Notes
    -----
    ``moved = last - first * (sum last / sum first)``; it adds up to zero. Births and deaths count
    as well as moves: a census counts heads, not journeys.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["a", "b"], [2010, 2020]], names=["unit", "year"])
    >>> panel = pd.DataFrame({"pop": [10.0, 15.0, 10.0, 5.0]}, index=index)
    >>> found = people_by_class(panel, "pop", {"a": "core", "b": "hollow"}, years=(2010, 2020))
    >>> found["percent"].to_dict()
    {'core': 50.0, 'hollow': -50.0, 'total': 0.0}
    """
    held = panel.index.get_level_values("year")
    refuse_absent_years(years, held.unique().sort_values())
    table = positive(panel[held.isin(years)], population)
    first, last = (table.loc[year] for year in years)
    label = classes_of(classes, table.columns)
    units = pd.DataFrame({"units": 1, "first": first, "last": last, "losing": last < first})
    rows = units.groupby(label).sum()
    rows.loc["total"] = units.sum()
    whole = rows.loc["total"]
    rows["change"] = rows["last"] - rows["first"]
    rows["percent"] = 100.0 * rows["change"] / rows["first"]
    rows["share_first"] = rows["first"] / whole["first"]
    rows["share_last"] = rows["last"] / whole["last"]
    rows["moved"] = rows["last"] - rows["first"] * whole["last"] / whole["first"]
    return rows.astype({"units": int, "losing": int}).rename_axis("class")


def shrinking(
    panel: pd.DataFrame,
    population: str,
    land: str,
    *,
    span: int = 1,
    years: tuple[int, int] | None = None,
) -> pd.DataFrame:
    """Compare growth of residents with growth of built-up land.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    population, land : str
        Residents and built-up land, of the same ground if it can be had.
    span : int
        Years over which growth is taken, as in `convergence.growth_spans`.
    years : (first, last), optional
        All years of the panel by default.

    Returns
    -------
    DataFrame
        Indexed (unit, year), year being the last of a span: ``people`` and ``land``, log units per
        year, and ``indicator`` = people - land: negative where land runs ahead of people.

    Raises
    ------
    PanelError
        As `convergence.growth_spans`.

    Notes
    -----
    ``d ln P - d ln A``. Means over years equal the value of the whole span. Below zero density
    falls; a city shrinks in the strict sense where ``people`` is negative as well.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product([["a"], [2010, 2011]], names=["unit", "year"])
    >>> panel = pd.DataFrame({"pop": [10.0, 10.0], "land": [1.0, 2.0]}, index=index)
    >>> shrinking(panel, "pop", "land")["indicator"].round(3).to_list()
    [-0.693]
    """
    grown = {
        name: growth_spans(panel, column, span, years=years)["growth"]
        for name, column in (("people", population), ("land", land))
    }
    frame = pd.DataFrame(grown)
    return frame.assign(indicator=frame["people"] - frame["land"])
