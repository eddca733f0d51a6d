"""The specification curves of Table 17 and Figure 13, computed once for both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

import ccec_econ as ce
from exhibit import rng
from robustness_samples import Layer, city_layer, county_layer

__all__ = ["COUNTY", "DIMENSIONS", "Curve", "changes", "curves", "moves"]

DIMENSIONS = ("outcome", "measure", "controls", "weights", "units", "window", "model")
COUNTY = "county"
_AND = " | "  # between units and window in the label of a sample
_KEPT = ["estimate", "std_error", "pvalue", "lower", "upper"]


@dataclass(frozen=True, slots=True)
class Curve:
    """All specifications of one treatment in one layer.

    Attributes
    ----------
    frame : DataFrame
        One row per specification: DIMENSIONS, estimate to upper clustered by unit, p_information,
        the same of the total effect with the ending ``_total``, and reason and reason_total.
    joint : CurveTest
        On the smaller grid of the settings.
    spread : Series
        Standard deviation by column of what the frame counts in standard deviations.
    """

    frame: pd.DataFrame
    joint: ce.CurveTest
    spread: pd.Series

    @property
    def done(self) -> pd.DataFrame:
        """Specifications with an estimate of the coefficient."""
        return self.frame[self.frame["reason"] == ""]


def curves(config: Mapping[str, Any]) -> dict[str, Curve]:
    """Return the curves of the three treatments, and of railways in the counties."""
    return _curves(json.dumps(config, ensure_ascii=False))


@lru_cache(maxsize=1)
def _curves(text: str) -> dict[str, Curve]:
    config = json.loads(text)
    setting = config["robustness"]
    city, county = city_layer(config), county_layer(config)
    grids = list(setting["grids"].values())
    out = {
        treatment: _curve(config, treatment, city, treatment, grids, setting["joint"])
        for treatment in city.measures
    }
    own = setting["county"]
    return out | {COUNTY: _curve(config, COUNTY, county, "hsr", [own["grid"]], own["joint"])}


def _curve(
    config: Mapping[str, Any],
    name: str,
    layer: Layer,
    treatment: str,
    grids: list[Mapping[str, Any]],
    joint: Mapping[str, Any],
) -> Curve:
    setting = config["robustness"]
    effects = setting["effects"]
    every = pd.concat(
        [_estimated(layer, treatment, grid, effects) for grid in grids], ignore_index=True
    )
    together = _combined(layer, treatment, joint, effects, cov=ce.Cluster())
    return Curve(
        frame=every.drop_duplicates(list(DIMENSIONS), ignore_index=True),
        joint=together.test(draws=setting["draws"], rng=rng(config, f"table_17_{name}")),
        spread=layer.spread,
    )


def _estimated(layer: Layer, treatment: str, grid: Mapping[str, Any], effects: str) -> pd.DataFrame:
    """Estimate a grid: coefficients and total effects, clustered and by the information."""
    cluster = ce.Cluster()
    own = _combined(layer, treatment, grid, effects, cov=cluster).frame
    plain = _combined(layer, treatment, grid, effects).frame
    total = own  # of OLS
    if list(grid["models"]) != ["ols"]:
        total = _combined(layer, treatment, grid, effects, cov=cluster, quantity="total").frame
    chosen = pd.DataFrame(
        own["sample"].str.split(_AND, regex=False).tolist(), columns=["units", "window"]
    )
    return pd.concat(
        [
            own[["outcome", "controls", "weights"]].assign(
                measure=own["focus"], model=own["model"].str.upper()
            ),
            chosen,
            own[_KEPT].assign(p_information=plain["pvalue"], reason=own["reason"]),
            total[[*_KEPT, "reason"]].add_suffix("_total"),
        ],
        axis=1,
    )


def _combined(
    layer: Layer, treatment: str, grid: Mapping[str, Any], effects: Any, **options: Any
) -> ce.SpecificationCurve:
    """Combine the choices of a layer that a grid names; all of those that it does not."""

    def some(choice: str, options: Mapping[str, Any]) -> dict[str, Any]:
        kept = grid.get(choice, list(options))
        kept = list(options)[:kept] if isinstance(kept, int) else kept
        return {label: options[label] for label in kept}

    return ce.specification_curve(
        layer.data,
        outcome=some("outcomes", layer.outcomes),
        focus=some("measures", layer.measures[treatment]),
        controls=some("controls", layer.controls[treatment]),
        weights=some("weights", layer.weights),
        models=grid["models"],
        samples={
            f"{label}{_AND}{window}": ce.Sample(without=out, periods=(first, last))
            for label, out in some("units", layer.left_out).items()
            for window, (first, last) in some("windows", layer.windows).items()
        },
        effects=effects,
        **options,
    )


def changes(frame: pd.DataFrame, choice: str) -> pd.DataFrame:
    """Pair specifications that differ in one choice alone.

    Returns
    -------
    DataFrame
        One row per pair: first, second (the options) and their estimates, one and other.
    """
    rest = [name for name in DIMENSIONS if name != choice]
    wide = _beside(frame, choice, rest)
    parts = []
    for a, b in combinations(wide.columns, 2):
        both = wide[[a, b]].dropna()
        parts.append(
            pd.DataFrame(
                {"first": a, "second": b, "one": both[a].to_numpy(), "other": both[b].to_numpy()}
            )
        )
    return pd.concat(parts, ignore_index=True)


def _beside(frame: pd.DataFrame, choice: str, rest: list[str]) -> pd.DataFrame:
    """Estimates by option of a choice; without neighbours there is no choice of weights."""
    done = frame[frame["reason"] == ""]
    if choice == "weights":
        done = done[done["weights"] != "none"]
    if choice == "model":  # OLS stands beside the others under each of their weights
        plain = done[done["weights"] == "none"].drop(columns="weights")
        names = done.loc[done["weights"] != "none", ["weights"]].drop_duplicates()
        done = pd.concat([done[done["weights"] != "none"], plain.merge(names, how="cross")])
    wide = done.pivot(index=rest, columns=choice, values="estimate")
    options = [option for option in dict.fromkeys(frame[choice]) if option in wide]
    return wide[options].dropna(thresh=2)


def moves(frame: pd.DataFrame) -> pd.DataFrame:
    """Say by choice how far an estimate moves when it alone changes.

    Returns
    -------
    DataFrame
        By choice: options, pairs, middle (median absolute change), signs (share of pairs whose
        signs differ).
    """
    rows = {}
    for choice in DIMENSIONS:
        pairs = changes(frame, choice)
        rows[choice] = {
            "options": len(set(pairs["first"]) | set(pairs["second"])),
            "pairs": len(pairs),
            "middle": float((pairs["one"] - pairs["other"]).abs().median()),
            "signs": float(np.mean(np.sign(pairs["one"]) != np.sign(pairs["other"]))),
        }
    return pd.DataFrame(rows).T.rename_axis("choice")
