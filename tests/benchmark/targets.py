"""What the package is held to, and whether a run meets it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from benchmark.cases import OURS
from benchmark.measured import MILLION, RAN

__all__ = ["TARGETS", "Target", "judged"]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on seconds or MiB; on seconds as a multiple of a peer's; or on their growth.

    Growth is seconds per unit as a multiple of those at `smaller` units.
    """

    work: str
    n: int
    kind: str
    most: float
    text: str
    peer: str = ""
    smaller: int = 0

    def value(self, rows: pd.DataFrame) -> float | None:
        """What was measured; infinitely little where only the peer was stopped, None where absent.

        The rows are indexed by work, n and package.
        """
        ours = _row(rows, self.work, self.n, OURS)
        if ours is None or ours["outcome"] != RAN:
            return None if ours is None else float("inf")
        if self.smaller:
            fewer = _row(rows, self.work, self.smaller, OURS)
            return None if fewer is None else _per_unit(ours) / _per_unit(fewer)
        if not self.peer:
            return float(ours[self.kind])
        theirs = _row(rows, self.work, self.n, self.peer)
        if theirs is None:
            return None
        stopped = theirs["outcome"] != RAN
        return 0.0 if stopped else float(ours[self.kind] / theirs[self.kind])


def _seconds(work: str, n: int, most: float, text: str) -> Target:
    return Target(work, n, "median_s", most, f"< {text}")


def _memory(work: str, n: int, most: float, text: str) -> Target:
    return Target(work, n, "peak_mib", most, f"< {text}")


TARGETS = (
    _seconds("sdm", 46, 0.005, "5 ms"),
    _seconds("sdm", 3_000, 0.25, "0.25 s"),
    _memory("sdm", 3_000, 300, "300 MiB"),
    _seconds("sdm", 30_000, 5, "5 s"),
    _seconds("sdm", 300_000, 60, "60 s"),
    _memory("sdm", 300_000, 8 * 1024, "8 GiB"),
    _seconds(MILLION, 1_000_000, 600, "10 min"),
    _memory(MILLION, 1_000_000, 6 * 1024, "6 GiB"),
    Target(MILLION, 1_000_000, "median_s", 1.2, "linear in n", smaller=250_000),
    _seconds("refit", 46, 0.001, "1 ms"),
    _seconds("refit", 3_000, 0.001, "1 ms"),
    _seconds("specification_curve", 281, 30, "30 s"),
    _seconds("effects", 3_000, 0.5, "0.5 s"),
    _seconds("lm_tests", 3_000, 0.1, "0.1 s"),
    *(
        Target("sar", n, "median_s", 1.0, "≤ spreg", "spreg")
        for n in (46, 100, 300, 1_000, 3_000, 10_000)
    ),
    *(
        Target("sdm", n, "median_s", 2.0, "≤ 2 × linearmodels", "linearmodels")
        for n in (300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000)
    ),
)


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Add to the rows of this package which targets they have and whether they meet them all."""
    by = rows.set_index(["work", "n", "package"])
    texts: dict[tuple[str, int], list[str]] = {}
    met: dict[tuple[str, int], list[bool]] = {}
    for target in TARGETS:
        value = target.value(by)
        if value is not None:
            at = target.work, target.n
            texts.setdefault(at, []).append(target.text)
            met.setdefault(at, []).append(value <= target.most)
    keys = [
        (work, n) if package == OURS else None
        for work, n, package in zip(rows["work"], rows["n"], rows["package"], strict=True)
    ]
    return rows.assign(
        target=["; ".join(texts[key]) if key in texts else None for key in keys],
        met=[all(met[key]) if key in met else None for key in keys],
    )


def _row(rows: pd.DataFrame, *key: object) -> pd.Series | None:
    return rows.loc[key] if key in rows.index else None


def _per_unit(row: pd.Series) -> float:
    return float(row["median_s"] / row.name[1])
