"""Small-sample packs of several hypotheses in one table, with their joint correction."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd

from ccec_econ.inference.multiple import holm
from ccec_econ.models.small_sample import SmallSample
from ccec_econ.typeset import Table, interval, number

__all__ = ["packs_frame", "packs_table"]


def packs_frame(packs: Mapping[str, SmallSample]) -> pd.DataFrame:
    """Collect packs: one row per term, with p-values adjusted over all of them (Holm).

    Columns estimate, std_error, p_bootstrap, p_holm, lowest, without_lowest, highest,
    without_highest, detectable, leverage, leverage_unit.
    """
    rows = {}
    for term, pack in packs.items():
        (low, high), (first, last) = pack.range, pack.range_units
        unit, share = pack.largest_leverage
        rows[term] = {
            "estimate": pack.estimate,
            "std_error": pack.std_error,
            "p_bootstrap": pack.pvalue,
            "lowest": low,
            "without_lowest": first,
            "highest": high,
            "without_highest": last,
            "detectable": pack.detectable,
            "leverage": share,
            "leverage_unit": unit,
        }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("term")
    frame.insert(3, "p_holm", holm(frame["p_bootstrap"]))
    return frame


def packs_table(
    packs: Mapping[str, SmallSample],
    *,
    title: str,
    labels: Mapping[str, str] | None = None,
    units: Mapping[Hashable, str] | None = None,
    digits: int = 3,
) -> Table:
    """Set packs of several terms in one table.

    Parameters
    ----------
    labels, units : mapping, optional
        Printed names of terms and of units.
    """
    frame, known = packs_frame(packs), units or {}
    rows = []
    for term, row in zip(packs, frame.to_dict("records"), strict=True):
        ends = (row["without_lowest"], row["without_highest"])
        rows.append(
            (
                (labels or {}).get(term, term),
                number(row["estimate"], digits),
                number(row["std_error"], digits),
                number(row["p_bootstrap"], 3),
                number(row["p_holm"], 3),
                interval(row["lowest"], row["highest"], digits),
                " / ".join(known.get(unit, str(unit)) for unit in ends),
                number(row["detectable"], digits),
            )
        )
    one = next(iter(packs.values()))
    return Table(
        title=title,
        columns=(
            "Term",
            "Estimate",
            "Std. error",
            "Bootstrap p",
            "Holm p",
            "Range without one unit",
            "Without",
            "Detectable",
        ),
        rows=tuple(rows),
        notes=(
            f"{one.quantity.capitalize()} effects; N = {one.n}, T = {one.T}, {one.clusters} "
            f"clusters. Standard errors: {one.convention}.",
            f"Bootstrap: {one.bootstrap}. Holm: adjusted over the rows.",
            "Detectable: minimum detectable effect, 2.8 standard errors.",
        ),
        text_columns=frozenset({6}),
    )
