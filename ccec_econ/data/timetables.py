"""Trains between the cities: two timetables, spring 2016 and the end of 2020."""

from __future__ import annotations

import pandas as pd

from ccec_econ.data.store import load_table
from ccec_econ.data.units import load_units
from ccec_econ.errors import DataError

__all__ = ["TIMETABLES", "load_timetable"]

TIMETABLES = {2016: "emu_trains_per_day", 2020: "emu_trains_listed"}
"""Year of a timetable -> its count of trains; that of 2020 lists trains, not trains per day."""

_CHONGQING = ("重庆主城", "重庆", "重庆市")


def load_timetable(year: int) -> pd.DataFrame:
    """Return trains and minutes between cities of the circle, as listed.

    Parameters
    ----------
    year : {2016, 2020}
        10 March 2016 (17 cities and districts, main stations) or the turn of 2020 (11 places).

    Returns
    -------
    DataFrame
        Indexed (origin, destination) by adcode, both of the 16 units; ``trains``, ``fastest`` and
        ``median`` (minutes). Chongqing is its main urban area. A missing pair is not listed, which
        in 2020 does not mean that there is no train. Places that are not cities of the circle
        (districts of Chongqing, cities outside) are left out.

    Raises
    ------
    DataError
        If there is no timetable of the year.

    Examples
    --------
    >>> load_timetable(2020).loc[("510100", "500000"), "fastest"]
    np.float64(62.0)
    """
    if year not in TIMETABLES:
        known = " and ".join(str(y) for y in TIMETABLES)
        raise DataError(f"no timetable of {year}; there are those of {known}.")
    table = load_table("rail", f"od_{year}")
    names = load_table("geography", "units_ccec16").set_index("adcode")["name_zh"]
    code = {name: unit for unit, name in names.items()}
    code |= {name.removesuffix("市"): unit for unit, name in names.items()}
    code |= dict.fromkeys(_CHONGQING, "500000")
    ends = table[["origin", "dest"]].apply(lambda column: column.map(code))
    inside = ends.isin(load_units("city").index).all(axis=1)
    index = pd.MultiIndex.from_frame(ends[inside], names=["origin", "destination"])
    columns = {"trains": TIMETABLES[year], "fastest": "fastest_min", "median": "median_min"}
    values = {name: table.loc[inside, column].to_numpy(float) for name, column in columns.items()}
    return pd.DataFrame(values, index=index).sort_index()
