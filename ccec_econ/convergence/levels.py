"""Three levels at once: between provinces, within them, and between town and country."""

from __future__ import annotations

import pandas as pd

from ccec_econ.convergence.tables import by_year, cells_of, positive
from ccec_econ.errors import PanelError, first_five

__all__ = ["split_urban_rural"]


def split_urban_rural(
    panel: pd.DataFrame,
    *,
    urban_income: str = "urban_income",
    rural_income: str = "rural_income",
    population: str = "pop_resident",
    urban_population: str = "pop_urban",
) -> pd.DataFrame:
    """Make two units of each: its urban and its rural residents.

    `theil_nested` on the result, with province and county as levels, has parts between provinces,
    between counties within them, and between town and country within counties ("units"), which add
    up to the total.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    urban_income, rural_income : str
        Income per head.
    population, urban_population : str
        All residents, and the urban ones.

    Returns
    -------
    DataFrame
        Indexed (unit, year), units such as "500101 urban": ``income``, ``population``, ``county``
        (the unit split) and ``sector``. Units without rural residents keep one part.

    Raises
    ------
    PanelError
        If figures are missing or not positive, or urban residents exceed all.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([("a", 2015)], names=["unit", "year"])
    >>> one = pd.DataFrame(
    ...     {"urban_income": [3.0], "rural_income": [1.0], "pop_resident": [5.0]}, index=index
    ... )
    >>> split_urban_rural(one.assign(pop_urban=4.0))["population"].tolist()
    [1.0, 4.0]
    """
    people, urban = positive(panel, population), positive(panel, urban_population)
    excess = cells_of(urban > people)
    if excess:
        raise PanelError(f"more urban residents than residents: {first_five(excess)}.")
    rural = people - urban
    earned = by_year(panel, rural_income).where(rural > 0.0, 1.0)  # nobody there: no income to miss
    absent = cells_of(~(earned > 0.0))
    if absent:
        raise PanelError(
            f"column '{rural_income}': {len(absent)} values missing or not positive where rural "
            f"residents live ({first_five(absent)})."
        )
    parts = []
    sectors = (("urban", positive(panel, urban_income), urban), ("rural", earned, rural))
    for sector, income, heads in sectors:
        long = pd.DataFrame({"income": income.T.stack(), "population": heads.T.stack()})
        long = long.rename_axis(["unit", "year"])
        long["county"], long["sector"] = long.index.get_level_values("unit"), sector
        parts.append(long[long["population"] > 0.0])
    frame = pd.concat(parts).reset_index()
    frame["unit"] = frame["unit"] + " " + frame["sector"]
    return frame.set_index(["unit", "year"]).sort_index()
