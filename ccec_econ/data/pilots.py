"""Digital policy pilots, and Broadband China as a treatment that begins city by city."""

from __future__ import annotations

from typing import Literal, get_args

import pandas as pd

from ccec_econ.data.dates import Rule, first_year
from ccec_econ.data.store import load_table
from ccec_econ.data.units import load_units
from ccec_econ.errors import DataError, first_five

__all__ = ["Municipality", "broadband_adoption", "load_pilots"]

Municipality = Literal["omit", "never", "first"]
_BROADBAND = "broadband_china"
_CHONGQING = "500000"
_COLUMNS = {
    "policy_id": "policy",
    "policy_en": "policy_name",
    "batch": "batch",
    "date": "date",
    "date_precision": "precision",
    "adcode": "unit",
    "unit_level": "level",
    "prefecture_adcode": "city",
    "n_indep": "sources",
    "status": "status",
}


def load_pilots(policy: str | None = None) -> pd.DataFrame:
    """Return the units named in digital policy pilots, one row per unit and pilot.

    Only the three batches of Broadband China are complete. In the other lists names are missing, so
    that a unit without a row must not be taken for untreated.

    Parameters
    ----------
    policy : str, optional
        One of the column ``policy``, such as "broadband_china"; all by default.

    Returns
    -------
    DataFrame
        ``policy``, ``policy_name``, ``batch``, ``date`` (missing unless the day itself is
        known), ``precision``, ``unit`` and ``city`` (adcodes), ``level`` of the unit
        named, ``sources`` (independent ones) and ``status``. Units outside the circle are kept.

    Raises
    ------
    DataError
        If there is no such policy, or a unit is named twice in a batch.

    Examples
    --------
    >>> from ccec_econ import data
    >>> data.load_pilots("broadband_china").groupby("batch").size().to_dict()
    {'2014': 3, '2015': 6, '2016': 5}
    """
    table = load_table("digital_pilots", "pilots")[list(_COLUMNS)].rename(columns=_COLUMNS)
    known = list(dict.fromkeys(table["policy"]))
    if policy is not None:
        if policy not in known:
            raise DataError(f"policy '{policy}': unknown; choose one of {', '.join(known)}.")
        table = table[table["policy"] == policy]
    twice = table[table.duplicated(["policy", "batch", "unit", "level"])]
    if len(twice):
        raise DataError(f"pilots: {first_five(twice['unit'])} named twice in a batch; keep one.")
    day = table["precision"].eq("day")
    dates = pd.to_datetime(table["date"].where(day), format="%Y-%m-%d")
    return table.assign(date=dates).reset_index(drop=True)


def broadband_adoption(
    layer: str = "city", *, rule: Rule = "june", chongqing: Municipality = "omit"
) -> pd.Series[int]:
    """Return the first year in which a unit counts as a Broadband China demonstration city.

    The ministries named cities on 26 September 2014, 19 October 2015 and 22 July 2016. In
    Chongqing they named four of 38 districts and counties, not the municipality.

    Parameters
    ----------
    layer : {"city", "county"}
        16 cities, or 156 county units. A county shares the award of its city, and Jianyang that of
        Chengdu, where it is counted throughout; districts of Chongqing have their own.
    rule : {"june", "any", "full"}
        As in `first_year`. All three days lie in the second half of a year, so that "june" and
        "full" give the year after.
    chongqing : {"omit", "never", "first"}
        The municipality in the city layer: left out, because it is neither treated nor a clean
        control; counted as untreated; or as treated with its first districts.

    Returns
    -------
    Series of Int64
        Named ``adoption``, by unit, missing where a unit was never named.

    Raises
    ------
    DataError
        If the layer, the rule or the choice for Chongqing is unknown.

    Examples
    --------
    >>> from ccec_econ import data
    >>> adoption = data.broadband_adoption()
    >>> adoption["510100"], list(adoption.index[adoption == 2016])
    (np.int64(2015), ['510700', '511000', '511500', '511700'])
    """
    if chongqing not in get_args(Municipality):
        raise DataError(f"chongqing '{chongqing}': unknown; choose 'omit', 'never' or 'first'.")
    units = load_units(layer)
    named = load_pilots(_BROADBAND)
    whole = named[named["level"] == "prefecture"].set_index("unit")["date"]
    districts = named[named["city"] == _CHONGQING].set_index("unit")["date"]
    index = units.index.to_series()
    if layer == "county":
        days = units["city"].map(whole).fillna(index.map(districts))
    else:
        days = index.map(whole)
        if chongqing == "first":
            days[_CHONGQING] = districts.min()
        if chongqing == "omit":
            days = days.drop(_CHONGQING)
    return first_year(days, rule).rename("adoption")
