"""The small-sample pack beneath a table: key estimates, tested and stressed the same way in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.models.small_sample import standard_margins
from exhibit import rng

__all__ = ["GROWTH", "INCOME", "Pack", "pack", "pack_data", "pack_numbers", "pack_table"]

type Pack = ce.SmallSamples

GROWTH, INCOME = "points of growth a year", "of ln income"
_MARGIN = (
    "Margin: {size:g} {unit} per standard deviation of the treatment, unit and time effects "
    "removed."
)


def pack(
    config: Mapping[str, Any],
    name: str,
    fit: ce.SpatialPanelResults,
    terms: Sequence[str],
    size: float = 0.0,
    **options: Any,
) -> Pack:
    """Make the packs of the key estimates of exhibit `name`, a family of hypotheses.

    A `size` that does not count is one of the response per standard deviation of a term; estimates
    in other units have `margin`.
    """
    if size:
        options["margin"] = standard_margins(fit, terms, size)
    draws, random = config["draws"]["bootstrap"], rng(config, f"{name}_small_sample")
    return ce.small_sample(fit, list(terms), draws=draws, rng=random, **options)


def pack_table(
    config: Mapping[str, Any], found: Pack, title: str, *, size: float = 0.0, unit: str = ""
) -> ce.Table:
    """Print packs with the study's names of terms and units, and the size behind the margins."""
    names = ce.data.load_units()["name"].to_dict()
    notes = (_MARGIN.format(size=size, unit=unit),) if size else ()
    return found.summary(title=title, labels=config["labels"], units=names, notes=notes)


def pack_data(found: Pack) -> pd.DataFrame:
    """Return packs as rows."""
    return found.frame.reset_index()


def pack_numbers(found: Pack) -> dict[str, dict[str, float]]:
    """Return what the text cites of packs."""
    return {
        str(term): {
            "p": float(row["p_bootstrap"]),
            "p_holm": float(row["p_holm"]),
            "p_romano_wolf": float(row["p_romano_wolf"]),
            "low": float(row["lowest"]),
            "high": float(row["highest"]),
            "detectable": float(row["detectable"]),
            "margin": float(row["margin"]),
            "p_equivalence": float(row["p_equivalence"]),
        }
        for term, row in found.frame.iterrows()
    }
