"""Figure 2: real GDP per resident and the digital index of the cities, first and last year."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.report import ClassedMaps, class_maps, jenks_limits
from exhibit import Exhibit, main

TITLES = {
    "gdp_pc": "Real GDP per resident, thousand yuan at 2000 prices",
    "digital": "Digital index (no unit; 0 to 1)",
}
SCALE = {"gdp_pc": 1e-3, "digital": 1.0}
DIGITS = {"gdp_pc": 1, "digital": 2}
NOTE = (
    "Classes: natural breaks (Fisher-Jenks, {classes} classes) of both years together, so that "
    "colours compare within a row; the legend gives the smallest and the largest value of each "
    "class. Digital index: entropy weights pooled over cities and years. Sources: "
    "data/raw/gdp_revised, data/raw/population, data/raw/city_yearbook, data/raw/digital_finance."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Classify both variables and draw them as polygons and as tiles."""
    setting = config["maps"]
    panel = ce.data.load_panel()
    shown = {
        name: (SCALE[name] * panel[name].unstack("year"))[years]
        for name, years in setting["years"].items()
    }
    rows = [
        ClassedMaps(TITLES[name], values, setting["classes"], DIGITS[name])
        for name, values in shown.items()
    ]
    note = NOTE.format(classes=setting["classes"])
    limits = {name: jenks_limits(values, setting["classes"]) for name, values in shown.items()}
    names = ce.data.load_units()["name"]
    return Exhibit(
        figure={"": class_maps(rows, note=note), "tiles": class_maps(rows, note=note, tiles=True)},
        data=long(shown, limits),
        finding=" ".join(said(name, values, names) for name, values in shown.items()),
        numbers={
            name: {
                str(year): {"low": float(values[year].min()), "high": float(values[year].max())}
                for year in values
            }
            for name, values in shown.items()
        },
    )


def long(shown: dict[str, pd.DataFrame], limits: dict[str, Any]) -> pd.DataFrame:
    """One row per variable, city and year, with its class."""
    frames = []
    for name, values in shown.items():
        cells = values.stack().rename("value").reset_index()
        place = limits[name].searchsorted(cells["value"]) + 1
        frames.append(cells.assign(variable=name, map_class=place))
    return pd.concat(frames, ignore_index=True)[["variable", "unit", "year", "value", "map_class"]]


def said(name: str, values: pd.DataFrame, names: pd.Series) -> str:
    """Say who is highest and lowest in the first and the last year."""
    first, last = values.columns
    unit, digits = (" thousand yuan", 1) if name == "gdp_pc" else ("", 2)
    what = "Real GDP per resident" if name == "gdp_pc" else "The digital index"
    ends = [
        f"from {values[year].min():.{digits}f} ({names[values[year].idxmin()]}) to "
        f"{values[year].max():.{digits}f}{unit} ({names[values[year].idxmax()]}) in {year}"
        for year in (first, last)
    ]
    passed = int((values[last] > values[first].max()).sum())
    above = f"all {len(values)}" if passed == len(values) else f"{passed} of {len(values)}"
    return (
        f"{what} ranged {ends[0]} and {ends[1]}; {above} cities had passed the "
        f"highest of {first} by {last}."
    )


if __name__ == "__main__":
    main(__file__, build)
