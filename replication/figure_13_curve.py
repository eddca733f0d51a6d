"""Figure 13. Specification curves of the three treatments, and where each choice lies on them."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from exhibit import Exhibit, main
from robustness import COUNTY, DIMENSIONS, Curve, curves, moves
from table_17_robustness import HEADS, SAID

KEPT = ["estimate", "std_error", "pvalue"]


def build(config: dict[str, Any]) -> Exhibit:
    """Draw what Table 17 summarises."""
    labels = config["labels"]
    found = {name: curve for name, curve in curves(config).items() if name != COUNTY}
    done = {name: curve.done for name, curve in found.items()}
    every = pd.concat(done, names=["treatment"]).reset_index(level=0)
    combined = pd.concat([curve.frame for curve in found.values()])
    shown = {
        head: {choice: list(dict.fromkeys(combined[choice]))} for choice, head in HEADS.items()
    }
    return Exhibit(
        figure=ce.report.curve_panels(
            {labels[name]: frame for name, frame in done.items()},
            shown,
            unit="SD of growth",
            note=note(),
        ),
        data=every[["treatment", *DIMENSIONS, *KEPT]].sort_values(
            ["treatment", "estimate"], kind="stable", ignore_index=True
        ),
        finding=finding(found, labels),
        numbers={name: len(frame) for name, frame in done.items()},
    )


def note() -> str:
    """Say what the figure shows."""
    return (
        "Own coefficients in standard deviations (SD) per standard deviation of the treatment, "
        "unit and year effects removed; "
        "95 % intervals clustered by unit, the longest cut. Strips: the darker, the more of the "
        "specifications with that choice lie there; the mark is their median. Exploratory."
    )


def finding(found: dict[str, Curve], labels: dict[str, str]) -> str:
    """Say which choices turn signs."""
    said = []
    for name, curve in found.items():
        turned = 100.0 * moves(curve.frame)["signs"]
        most = str(turned.idxmax())
        said.append(f"{labels[name]}, {SAID.get(most, most)} ({turned[most]:.0f} % of pairs)")
    return "The choice that turns most signs when it alone changes: " + "; ".join(said) + "."


if __name__ == "__main__":
    main(__file__, build)
