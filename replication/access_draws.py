"""Market access under the real and under redrawn openings, and samples: Table 13B, Figure 12.

A draw costs the shortest paths of every year, so that what both exhibits need is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import ccec_econ as ce
from exhibit import rng

__all__ = ["NAME", "Redrawn", "Sample", "redrawn", "samples"]

NAME = "ln_access"
_ASSUMED = {field.name for field in fields(ce.rail.Assumptions)}
_CHONGQING, _CENSUS = "500000", 2009


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Log market access of a layer, real and under other orders of openings.

    `orders` has the day of each line by draw; `drawn` has shape (draws, T, N).
    """

    orders: pd.DataFrame
    real: pd.DataFrame
    drawn: NDArray[np.float64]

    def treatment(self, keep: NDArray[np.bool_] | None = None) -> ce.causal.Recentred:
        """Recentre by all draws, or by those to keep."""
        drawn = self.drawn if keep is None else self.drawn[keep]
        return ce.causal.recentre(self.real, drawn, name=NAME)

    def without_chance_in(self, line: str) -> ce.causal.Recentred:
        """Recentre by the draws in which a line opens on its real day."""
        real = ce.rail.openings()[line]
        return self.treatment((self.orders[line] == real).to_numpy())


@dataclass(frozen=True, slots=True)
class Sample:
    """One outcome: its cells, and what the regression adds."""

    title: str
    layer: str
    data: pd.DataFrame
    controls: tuple[str, ...] = ()


def redrawn(
    config: Mapping[str, Any], layer: str, draws: int, span: str = "years", **choices: Any
) -> Redrawn:
    """Compute access in the years of a span under `draws` orders; the last two results are kept.

    `choices`: ``exchangeable``, assumptions of travel times, and the rest for ``ce.rail.access``.
    """
    seed = int(rng(config, "table_13_access").integers(2**32))
    first, last = config["recentred"][span]
    return _redrawn(layer, draws, first, last, seed, tuple(sorted(choices.items())))


@lru_cache(maxsize=2)
def _redrawn(
    layer: str, draws: int, first: int, last: int, seed: int, given: tuple[tuple[str, Any], ...]
) -> Redrawn:
    choices = dict(given)
    among = choices.pop("exchangeable", "speed")
    assumed = {name: choices.pop(name) for name in _ASSUMED & set(choices)}
    choices["assumptions"] = ce.rail.Assumptions(**assumed)
    years = range(first, last + 1)
    orders = ce.rail.counterfactual_openings(draws, seed, exchangeable=classes(among))
    return Redrawn(
        orders,
        ce.rail.access(years, layer, **choices),
        ce.rail.access_by_draw(orders, years, layer, **choices),
    )


def classes(among: str | int) -> str | pd.Series:
    """Classes of lines; a year: by speed, lines that served before it keep their days."""
    if isinstance(among, str):
        return among
    by = ce.rail.exchangeable_classes()
    early = ce.rail.first_year(ce.rail.openings()) < among
    return by.where(~early.reindex(by.index), by.index.to_series())


def samples(config: Mapping[str, Any]) -> dict[str, Sample]:
    """Cells of each outcome, the targeted core units left out."""
    setting = config["recentred"]
    core = ce.rail.urban_core().dropna().index
    lights = ce.data.load_panel("county", years=tuple(setting["lights"])).drop(index=core)
    cities = ce.data.load_panel(years=tuple(setting["cities"]))
    roles = ce.circle.roles()
    return {
        "lights": Sample(
            "Night lights of counties",
            "county",
            np.log(lights[["night_lights"]]).set_axis(["y"], axis=1),
        ),
        "gdp": _county_gdp(setting["gdp"], core),
        "cities": Sample(
            "GDP per resident of cities",
            "city",
            cities[["ln_gdp_pc"]].set_axis(["y"], axis=1).drop(index=roles.index[roles == "core"]),
        ),
    }


def _county_gdp(years: list[int], core: pd.Index) -> Sample:
    """Counties with GDP in all years and no break of their own; Chongqing's of 2009 is a step."""
    panel = ce.data.load_panel("county", years=tuple(years)).drop(index=core)
    unit, year = (panel.index.get_level_values(level) for level in ("unit", "year"))
    within = unit.map(ce.data.load_units("county")["city"]) == _CHONGQING
    common = (year == years[0]) | (within & (year == _CENSUS))
    broken = panel["gdp_break"].astype(bool) & ~common
    lost = (panel["gdp"].isna() | broken).groupby("unit").any()
    data = pd.DataFrame({"y": np.log(panel["gdp"]), "census": within & (year >= _CENSUS)})
    kept = data.drop(index=lost.index[lost]).astype(float)
    return Sample("GDP of counties", "county", kept, ("census",))
