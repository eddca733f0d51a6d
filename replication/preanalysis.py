"""The plan of the confirmatory table: read, known by its sha256, and held against the estimate."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import ccec_econ as ce
from writing import ReplicationError, sha256

__all__ = ["load_plan", "refuse_departures"]

FILE = Path(__file__).with_name("preanalysis.toml")


def load_plan(config: Mapping[str, Any]) -> dict[str, Any]:
    """Read the plan.

    Raises
    ------
    ReplicationError
        When the file is not the one that was fixed, or the study's settings differ from it.
    """
    found, fixed = sha256(FILE), config["gap"]["sha256"]
    if found != fixed:
        raise ReplicationError(
            f"{FILE.name}: sha256 {found[:12]}, fixed before the estimates was {fixed[:12]}; put "
            "the file back, or report what changed as exploratory"
        )
    plan = tomllib.loads(FILE.read_text(encoding="utf-8"))
    _compare(
        {
            "years": (plan["sample"]["years"], config["sample"]["years"]),
            "treatments": (plan["model"]["treatments"], config["baseline"]["treatments"]),
            "small": (plan["test"]["small"], config["small_sample"]["growth"]),
        }
    )
    return plan


def refuse_departures(
    plan: Mapping[str, Any], fit: ce.SpatialPanelResults, found: ce.SmallSamples
) -> None:
    """Stop where the model or the test is not the planned one.

    Raises
    ------
    ReplicationError
        When they differ; the message says in what.
    """
    model, test = plan["model"], plan["test"]
    first, last = plan["sample"]["years"]
    behind = plan["distance"]["name"]
    terms = [
        *model["treatments"],
        *(f"W({name})" for name in model["neighbours"]),
        *(f"I({name} * {behind})" for name in model["products"]),
        *(f"{behind}:d{year}" for year in range(first + 1, last + 1)),
    ]
    _compare(
        {
            "model": (model["verb"], fit.model),
            "outcome": (plan["outcome"]["column"], fit.spec.response),
            "terms": (sorted(terms), sorted(fit.estimate.terms)),
            "effects": (tuple(model["effects"]), fit.spec.fixed),
            "weights": (model["weights"], weights_of(model["weights"], fit)),
            "units": (plan["sample"]["units"], len(fit.panel.units)),
            "years": (list(range(first, last + 1)), list(fit.panel.times)),
            "hypotheses": (
                [f"I({h['treatment']} * {behind})" for h in plan["hypothesis"]],
                [pack.term for pack in found.packs],
            ),
            "null": (test["null"], found.packs[0].null),
            "clusters": (plan["sample"]["units"], found.packs[0].clusters),
            "bootstrap": (test["bootstrap"], scheme(found.packs[0].bootstrap)),
        }
    )


def weights_of(name: str, fit: ce.SpatialPanelResults) -> str:
    """Name the weights of the fit: those of the name, or others."""
    lag, units = fit.estimate.x_weights, fit.panel.units
    planned = getattr(ce.weights, name)()
    same = lag is not None and set(planned.unique_ids) == set(units)
    if same and np.allclose(lag.W, ce.weights.align(planned, units)):
        return name
    return "others"


def scheme(convention: str) -> str:
    """Leave sizes out of what a bootstrap says of itself."""
    return re.sub(r" bootstrap, \d+ clusters|[\d,]+ (?=sign)", "", convention)


def _compare(settings: Mapping[str, tuple[object, object]]) -> None:
    """Hold what was planned against what was done, by name."""
    departed = [
        f"{name} {done!r} where {planned!r} was fixed"
        for name, (planned, done) in settings.items()
        if planned != done
    ]
    if departed:
        raise ReplicationError(f"{FILE.name}: {'; '.join(departed)}; estimate what was fixed")
