"""What each assumption of the travel times does to market access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from ccec_econ.circle import Layer
from ccec_econ.parallel import spread
from ccec_econ.rail.access import access, masses
from ccec_econ.rail.network import Assumptions
from ccec_econ.rail.timetables import compare_with_timetable

__all__ = ["VARIED", "sensitivity"]

VARIED: Mapping[str, tuple[float, ...]] = {
    "road_speed": (50.0, 90.0),
    "detour": (1.2, 1.5),
    "commercial_share": (0.6, 0.9),
    "rail_detour": (1.0, 1.2),
    "to_station": (15.0, 60.0),
    "change": (0.0, 30.0),
    "dwell": (0.0, 4.0),
}
"""Assumption -> a low and a high value."""


def sensitivity(
    layer: Layer = "county",
    years: tuple[int, int] = (2009, 2022),
    *,
    varied: Mapping[str, tuple[float, ...]] = VARIED,
    mass: str | pd.Series = "residents",
    base_year: int = 2010,
    decay: float = 1.0,
) -> pd.DataFrame:
    """Change one assumption at a time and compare the change of ln access with the default's.

    Parameters
    ----------
    layer : {"city", "county"}
    years : (int, int)
        Access of the second year less that of the first.
    varied : mapping
        Name of an assumption -> values to try.
    mass, base_year, decay
        As in `access`.

    Returns
    -------
    DataFrame
        One row per changed assumption, the default first: ``assumption``, ``value``,
        ``mean_change`` of ln access over units, ``correlation`` and ``rank_correlation`` of the
        changes by unit with those of the default, and ``error_2016`` and ``error_2020``, the
        medians of modelled minus listed minutes on board (`compare_with_timetable`).

    Raises
    ------
    DataError
        If a value is out of range or a choice unknown.

    Examples
    --------
    >>> rows = sensitivity("city", varied={"to_station": (60.0,)})
    >>> rows["assumption"].tolist(), bool(rows["mean_change"].is_monotonic_decreasing)
    (['default', 'to_station'], True)
    """
    weighed = masses(mass, base_year, layer) if isinstance(mass, str) else mass
    cases = [("default", float("nan"), Assumptions())]
    cases += [
        (name, value, replace(Assumptions(), **{name: value}))
        for name, values in varied.items()
        for value in values
    ]

    def under(case: Assumptions) -> tuple[pd.Series, float, float]:
        gain = access(years, layer, mass=weighed, decay=decay, assumptions=case).diff().iloc[-1]
        before, after = (compare_with_timetable(year, case) for year in (2016, 2020))
        return gain, before.median_error, after.median_error

    found = spread(under, (case for _, _, case in cases))
    default = found[0][0]
    rows = [
        {
            "assumption": name,
            "value": value,
            "mean_change": float(gain.mean()),
            "correlation": float(gain.corr(default)),
            "rank_correlation": float(gain.rank().corr(default.rank())),
            "error_2016": error_2016,
            "error_2020": error_2020,
        }
        for (name, value, _), (gain, error_2016, error_2020) in zip(cases, found, strict=True)
    ]
    return pd.DataFrame(rows)
