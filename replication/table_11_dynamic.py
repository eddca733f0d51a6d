"""Table 11. Dynamic SDM of income: uncorrected and corrected, convergence, short-run effects."""

from __future__ import annotations

from typing import Any

import ccec_econ as ce
from exhibit import Exhibit, main, rng
from packs import INCOME, pack, pack_data, pack_numbers, pack_table

NOTES = (
    "Response: ln real GDP per resident. The digital index of four indicators, which reaches back "
    "to the first year; years from the rebased census population on.",
    "Corrected: Yu, de Jong and Lee (2008), after the time effects were transformed away.",
)


def build(config: dict[str, Any]) -> Exhibit:
    """Fit the dynamic model twice and ask whether incomes converge."""
    setting, labels = config["dynamic"], config["labels"]
    first, last = setting["years"]
    panel, W = ce.data.load_panel(years=(first, last)), ce.weights.contiguity()
    fits = {
        "Uncorrected": ce.sdm(setting["formula"], panel, W, correction=False),
        "Corrected": ce.sdm(setting["formula"], panel, W),
    }
    fit = fits["Corrected"]
    speed = fit.convergence(draws=config["draws"]["bootstrap"], rng=rng(config, "table_11"))
    effects = fit.effects(draws=config["draws"]["effects"], rng=rng(config, "table_11_effects"))
    persistence = speed.frame.loc["tau"]
    treatments, size = setting["treatments"], config["small_sample"]["income"]
    found = pack(config, "table_11", fit, treatments, quantity="total", size=size)
    held = pack(
        config,
        "table_11_persistence",
        fit,
        [setting["lag"]],
        null=1.0,
        margin=config["small_sample"]["persistence"],
    )
    return Exhibit(
        table={
            "": ce.table(
                fits,
                title=f"Dynamic SDM of ln real GDP per resident, 16 units, {first + 1}–{last}",
                labels=labels,
                also=None,
                notes=NOTES,
            ),
            "convergence": speed.summary(),
            "effects": effects.summary(
                title="Short-run effects in the dynamic SDM", labels=labels, digits=3
            ),
            "small_sample": pack_table(
                config,
                found,
                "What the units can say: total short-run effects of the three treatments",
                size=size,
                unit=INCOME,
            ),
            "persistence": pack_table(
                config, held, "What the units can say: persistence of income"
            ),
        },
        data={
            "convergence": speed.frame.rename_axis("shock").reset_index(),
            "effects": effects.frame.reset_index(),
            "small_sample": pack_data(found),
            "persistence": pack_data(held),
        },
        finding=(
            f"The corrected persistence is {persistence['persistence']:.2f} (uncorrected "
            f"{fits['Uncorrected'].tau:.2f}) and its 95 % set "
            + (
                "reaches one: the data do not exclude that incomes fail to converge, and no "
                "half-life can be given."
                if persistence["upper"] >= 1.0
                else f"ends at {persistence['upper']:.2f}."
            )
        ),
        numbers={
            "tau": fit.tau,
            "tau_uncorrected": fits["Uncorrected"].tau,
            "tau_lower": float(persistence["lower"]),
            "reaches_one": bool(persistence["upper"] >= 1.0),
            "periods": fit.estimate.y.shape[0],
            "small_sample": pack_numbers(found),
            "persistence": pack_numbers(held)[setting["lag"]],
        },
    )


if __name__ == "__main__":
    main(__file__, build)
