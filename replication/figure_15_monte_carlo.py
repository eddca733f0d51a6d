"""Figure 15: bias and coverage of rho by number of units and likelihood, in simulated panels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccec_econ.report.study import study_figure
from ccec_econ.simulation import Design, nearest_weights, study
from exhibit import Exhibit, main, rng

NAMES = {
    "transformation": "transformation",
    "direct": "direct",
    "bias_corrected": "direct, bias-corrected",
}
COLUMNS = ["method", "mean", "bias", "sd", "mcse", "coverage"]


def build(config: dict[str, Any]) -> Exhibit:
    """Simulate panels of several sizes and estimate rho by three likelihoods."""
    setting = config["monte_carlo"]
    random = rng(config, "figure_15")
    frames = []
    for n in setting["units"]:
        W = nearest_weights(n, setting["neighbours"], random)
        table = study(
            Design(setting["rho"]), W, setting["periods"], draws=setting["draws"], rng=random
        )
        frames.append(table[COLUMNS].assign(N=n))
    frame = pd.concat(frames, ignore_index=True)
    note = (
        f"SAR with two-way effects, T = {setting['periods']}, true ρ = {setting['rho']}, "
        f"{setting['neighbours']} nearest of randomly placed neighbours, {setting['draws']} panels "
        "a size; every likelihood sees the same panels. Bars: two Monte Carlo errors either way. "
        "Intervals from the expected information."
    )
    return Exhibit(
        figure=study_figure(frame, names=NAMES, note=note),
        data=frame,
        finding=finding(frame, min(setting["units"])),
        numbers={
            str(n): {
                row["method"]: {"bias": row["bias"], "coverage": row["coverage"]}
                for row in rows.to_dict("records")
            }
            for n, rows in frame.groupby("N")
        }
        | {"draws": setting["draws"], "periods": setting["periods"], "rho": setting["rho"]},
    )


def finding(frame: pd.DataFrame, smallest: int) -> str:
    """Say what each likelihood does at the smallest size."""
    rows = frame[frame["N"] == smallest].set_index("method")
    said = [
        f"{name} {rows.loc[method, 'bias']:+.2f} ({100 * rows.loc[method, 'coverage']:.0f} %)"
        for method, name in NAMES.items()
    ]
    largest = int(np.max(frame["N"]))
    direct = frame[(frame["N"] == largest) & (frame["method"] == "direct")].iloc[0]
    return (
        (
            f"With {smallest} units the bias of ρ (coverage of its 95 % interval) is: "
            f"{'; '.join(said)}. With {largest} units the direct likelihood is off by "
            f"{direct['bias']:+.3f}."
        )
        .replace("-", "−")
        .replace("bias−corrected", "bias-corrected")
    )


if __name__ == "__main__":
    main(__file__, build)
