"""Table 13B. The effect of market access, recentred by openings that could have been."""

from __future__ import annotations

from math import factorial, prod
from typing import Any

import pandas as pd

import ccec_econ as ce
from access_draws import Redrawn, Sample, redrawn, samples
from ccec_econ.typeset import Table, interval, number, p_equal, union
from exhibit import Exhibit, main

HOW = {"naive": "as it is", "recentre": "recentred", "control": "expectation controlled"}
LEAD = "lights"


def build(config: dict[str, Any]) -> Exhibit:
    """Estimate the effect three ways for each outcome, vary the draws, and check them."""
    setting, cells = config["recentred"], samples(config)
    others = varied(config, cells[LEAD])
    used = {
        "county": redrawn(config, "county", setting["draws"]),
        "city": redrawn(config, "city", setting["draws_city"]),
    }
    found = {
        name: {how: estimate(sample, used[sample.layer], how) for how in HOW}
        for name, sample in cells.items()
    }
    held = {name: one_by_one(sample, used[sample.layer]) for name, sample in cells.items()}
    lead = found[LEAD]["control"]
    return Exhibit(
        table={
            "": main_table(found, held, cells),
            "variants": variants_table(lead, found[LEAD]["naive"], others, setting),
            "checks": lead.treatment.summary(),
        },
        data={
            "": main_data(found, held),
            "variants": pd.DataFrame({name: row(*both) for name, both in others.items()})
            .T.rename_axis("variant")
            .reset_index(),
            "checks": lead.treatment.checks.rename_axis("statistic").reset_index(),
            "lines": pd.concat(held, names=["outcome", "line"]).reset_index(),
        },
        finding=finding(found, held, others),
        numbers=numbers(found, held, others, used["county"]),
    )


def estimate(sample: Sample, used: Redrawn, how: str) -> ce.causal.RecentredRegression:
    """Regress the outcome of a sample on access."""
    return ce.causal.recentred_regression(
        sample.data, "y", used.treatment(), controls=sample.controls, how=how
    )


def one_by_one(sample: Sample, used: Redrawn) -> pd.DataFrame:
    """Estimate again, each line in turn opening on its real day in all draws."""
    return ce.causal.leave_one_out(
        sample.data,
        "y",
        {line: used.without_chance_in(line) for line in used.orders},
        controls=sample.controls,
        how="control",
    ).rename_axis("line")


def varied(
    config: dict[str, Any], sample: Sample
) -> dict[str, tuple[ce.causal.RecentredRegression, ce.causal.RecentredRegression]]:
    """Estimate the leading effect under other assumptions, naive and controlled."""
    setting = config["recentred"]
    out = {}
    for name, choices in setting["variants"].items():
        used = redrawn(config, "county", setting["draws_variants"], "lights", **choices)
        out[name] = (estimate(sample, used, "naive"), estimate(sample, used, "control"))
    return out


def main_table(
    found: dict[str, dict[str, ce.causal.RecentredRegression]],
    held: dict[str, pd.DataFrame],
    cells: dict[str, Sample],
) -> Table:
    """Rows by outcome and by what is done about the expectation."""
    rows: list[tuple[str, ...]] = []
    rules = []
    for name, fits in found.items():
        rules.append(len(rows))
        rows.append((cells[name].title, *[""] * 6))
        for how, fit in fits.items():
            chance = how != "naive"
            only = held[name]["estimate"]
            rows.append(
                (
                    HOW[how],
                    number(fit.estimate, 3),
                    number(fit.std_error, 3),
                    interval(*fit.interval_clustered, 2),
                    number(fit.pvalue, 3) if chance else "",
                    union(fit.confidence_set, 2) if chance else "",
                    interval(only.min(), only.max(), 2) if how == "control" else "",
                )
            )
    lead = found[LEAD]["control"]
    sizes = [(cells[name].title, fits["naive"].treatment.realised) for name, fits in found.items()]
    spans = [f"{title} {x.shape[1]} units, {x.index[0]}–{x.index[-1]}" for title, x in sizes]
    return Table(
        "Effect of ln market access by rail and road on ln outcomes",
        (
            "Access",
            "Estimate",
            "Std. error",
            "Clustered 95 %",
            "Randomisation p",
            "Randomisation 95 %",
            "One line held",
        ),
        tuple(rows),
        rules=frozenset(rules[1:]),
        notes=(
            f"Elasticities; unit and year effects. {'; '.join(spans)}.",
            "Recentred: access instrumented by access less its mean over redrawn orders of "
            "openings. Expectation controlled, the leading estimate: that mean is a regressor.",
            "Standard errors and their intervals: clustered by unit (CR1), t(units − 1). "
            f"Randomisation: {len(lead.treatment.draws)} orders for counties, "
            f"{len(found['cities']['control'].treatment.draws)} for cities, lines exchangeable "
            "within classes of design speed; sharp null of one effect in all cells, inverted for "
            "the set.",
            "One line held: smallest and largest estimate, expectation controlled, when one line "
            "in turn opens on its real day in all orders "
            f"(at least {min(table['draws'].min() for table in held.values()):.0f}).",
            "Left out: the nine main districts of Chongqing and the five inner ones of Chengdu, "
            "and both cities among cities. GDP of counties is nominal; those with gaps or breaks "
            "are left out, a step takes up the revision of Chongqing.",
        ),
        text_columns=frozenset({3, 5, 6}),
    )


def row(naive: ce.causal.RecentredRegression, fit: ce.causal.RecentredRegression) -> pd.Series:
    """One variation as numbers."""
    treatment = fit.treatment
    beside = {
        "explained": treatment.explained("twoway"),
        "mean_check": treatment.checks.loc["mean", "pvalue"],
        "naive": naive.estimate,
    }
    return pd.concat([pd.Series(beside), fit.row])


def variants_table(
    lead: ce.causal.RecentredRegression,
    naive: ce.causal.RecentredRegression,
    others: dict[str, tuple[ce.causal.RecentredRegression, ce.causal.RecentredRegression]],
    setting: dict[str, Any],
) -> Table:
    """Set the leading estimate beside those after one change."""
    rows = tuple(
        (
            name,
            number(100 * fit.treatment.explained("twoway"), 0),
            number(fit.treatment.checks.loc["mean", "pvalue"], 3),
            number(plain.estimate, 3),
            number(fit.estimate, 3),
            number(fit.std_error, 3),
            number(fit.pvalue, 3),
            union(fit.confidence_set, 2),
        )
        for name, (plain, fit) in {"As in the main table": (naive, lead), **others}.items()
    )
    return Table(
        "Market access and night lights: other assumptions",
        (
            "One change",
            "Expected, %",
            "Mean, p",
            "Naive",
            "Controlled",
            "Std. error",
            "Randomisation p",
            "Randomisation 95 %",
        ),
        rows,
        rules=frozenset({1}),
        notes=(
            "Expected: share of the variance of access, unit and year effects removed, that its "
            "mean over orders explains. Mean, p: of the rank of mean realised access among orders. "
            f"Variations rest on {setting['draws_variants']} orders, the same for all within the "
            "same classes.",
        ),
        text_columns=frozenset({7}),
    )


def main_data(
    found: dict[str, dict[str, ce.causal.RecentredRegression]], held: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """One row per outcome and way."""
    rows = {(name, how): fit.row for name, fits in found.items() for how, fit in fits.items()}
    frame = pd.DataFrame(rows).T.rename_axis(["outcome", "how"]).reset_index()
    chance = ["pvalue", "lower", "upper", "pieces", "draws"]
    frame[chance] = frame[chance].where(frame["how"] != "naive")
    for side in ("min", "max"):
        ends = {name: getattr(table["estimate"], side)() for name, table in held.items()}
        frame[f"one_line_{side}"] = frame["outcome"].map(ends).where(frame["how"] == "control")
    return frame


def finding(
    found: dict[str, dict[str, ce.causal.RecentredRegression]],
    held: dict[str, pd.DataFrame],
    others: dict[str, tuple[ce.causal.RecentredRegression, ce.causal.RecentredRegression]],
) -> str:
    """Say what each way finds, and whether the real order is like a draw."""
    naive, recentred, control = (found[LEAD][how] for how in HOW)
    only, varied = held[LEAD]["estimate"], [fit.estimate for _, fit in others.values()]
    beside = ", ".join(
        f"{name} {found[key]['control'].estimate:.2f} ({p_equal(found[key]['control'].pvalue)})"
        for key, name in (("gdp", "GDP of counties"), ("cities", "GDP per resident of cities"))
    )
    return (
        f"The elasticity of night lights to access is {naive.estimate:.2f} where placement is "
        f"ignored, {recentred.estimate:.2f} recentred and {control.estimate:.2f} with the "
        f"expectation controlled (randomisation {p_equal(control.pvalue)}, 95 % set "
        f"{union(control.confidence_set, 2)}; one line held {only.min():.2f} to {only.max():.2f}, "
        f"other assumptions {min(varied):.2f} to {max(varied):.2f}); that of {beside}. "
        f"{checked(control.treatment, others)}"
    )


def checked(
    treatment: ce.causal.Recentred,
    others: dict[str, tuple[ce.causal.RecentredRegression, ce.causal.RecentredRegression]],
) -> str:
    """Say whether the real order looks like one of those drawn, here and in the variations."""
    mean = treatment.checks.loc["mean"]
    of_others = [fit.treatment.checks.loc["mean", "pvalue"] for _, fit in others.values()]
    like = sum(p >= 0.05 for p in of_others)
    verdict = "is not like a draw" if mean["pvalue"] < 0.05 else "is like a draw"
    return (
        f"By its mean access the real order {verdict} ({mean['realised']:+.3f} from the "
        f"expectation, standard deviation over orders {mean['std']:.3f}, "
        f"{p_equal(mean['pvalue'])}); it is like one in {like} of {len(others)} variations."
    )


def numbers(
    found: dict[str, dict[str, ce.causal.RecentredRegression]],
    held: dict[str, pd.DataFrame],
    others: dict[str, tuple[ce.causal.RecentredRegression, ce.causal.RecentredRegression]],
    used: Redrawn,
) -> dict[str, Any]:
    """Return what the text cites."""
    lead = found[LEAD]["control"]
    sizes = ce.rail.exchangeable_classes().value_counts()
    served = ce.rail.first_year(ce.rail.openings())
    T = lead.treatment.realised.index
    orders = prod(factorial(int(size)) for size in sizes)
    return {
        "estimates": {
            f"{name}_{how}": {"estimate": fit.estimate, "std_error": fit.std_error}
            for name, fits in found.items()
            for how, fit in fits.items()
        },
        "lines": len(used.orders.columns),
        "lines_within": int(served.between(T[0] + 1, T[-1]).sum()),
        "lines_after": int((served > T[-1]).sum()),
        "classes": len(sizes),
        "largest_class": int(sizes.max()),
        "smallest_class": int(sizes.min()),
        "orders_digits": len(str(orders)),
        "draws": len(lead.treatment.draws),
        "distinct": lead.treatment.distinct,
        "smallest_pvalue": lead.treatment.smallest_pvalue,
        "explained": 100 * lead.treatment.explained("twoway"),
        "explained_levels": 100 * lead.treatment.explained(),
        "outside": 100 * lead.treatment.outside,
        "units": lead.treatment.realised.shape[1],
        "fewest_held": int(min(table["draws"].min() for table in held.values())),
        "sd_recentred": 100 * float(lead.treatment.checks.loc["mean square", "realised"]) ** 0.5,
        "mean_gap": lead.treatment.checks.loc["mean", "realised"],
        "set_low": lead.confidence_set[0][0],
        "set_high": lead.confidence_set[-1][1],
        "variants": len(others),
        "checks": {
            name.replace(" ", "_"): float(p) for name, p in lead.treatment.checks["pvalue"].items()
        },
    }


if __name__ == "__main__":
    main(__file__, build)
