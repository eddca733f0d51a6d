"""Table 16. Through what, for whom, and from where on: mediators, moderators, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

import ccec_econ as ce
from ccec_econ.typeset import Table, interval, number
from exhibit import Exhibit, main, rng
from mechanism_data import mechanism_panel, moderated_fit, moderators

SHOWN = (
    ("on mediator", "direct"),
    ("through", "direct"),
    ("through", "total"),
    ("controlled", "total"),
    ("total", "total"),
)
HEADS = (
    "On the mediator, direct",
    "Through it, direct",
    "Through it, total",
    "Mediator held, total",
    "In all, total",
)


def build(config: dict[str, Any]) -> Exhibit:
    """Split effects by mediator, let slopes differ by moderator, look for thresholds."""
    panel = mechanism_panel(config)
    through = mediated(config, panel)
    products = moderated(config, panel)
    splits = thresholds(config, panel)
    return Exhibit(
        table={
            "": table_of_mediators(config, through),
            "moderators": table_of_moderators(config, products),
            "thresholds": table_of_thresholds(config, splits),
        },
        data={"": through, "moderators": products, "thresholds": splits},
        finding=finding(config, through, products, splits),
        numbers={
            "mediated": int(through["term"].size // len(SHOWN)),
            "products": len(products),
            "p_product": float(products["p"].min()),
            "p_product_holm": float(products["p_holm"].min()),
            "p_threshold": float(splits["p"].min()),
            "p_threshold_holm": float(splits["p_holm"].min()),
            "thresholds": len(splits),
        },
    )


def mediated(config: Mapping[str, Any], panel: pd.DataFrame) -> pd.DataFrame:
    """Effects of every treatment by mediator, public spending between where it is not the one."""
    setting, W = config["mechanisms"], ce.weights.contiguity()
    rows = []
    for place, mediator in enumerate(setting["mediators"]):
        name = mediator["column"]
        data = panel.loc[panel[name].notna()]
        found = ce.mediation(
            config["baseline"]["formula"],
            data,
            W,
            mediator=name,
            treatments=config["baseline"]["treatments"],
            between=mediator["between"],
            draws=config["draws"]["bootstrap"],
            rng=rng(config, f"table_16_{place}"),
        )
        frame = found.frame.reset_index()
        years = data.index.unique("year")
        kept = pd.concat(
            [
                frame[(frame["quantity"] == quantity) & (frame["effect"] == effect)]
                for quantity, effect in SHOWN
            ]
        )
        rows.append(
            kept.assign(mediator=name, first=years.min(), last=years.max(), failed=found.failed)
        )
    return pd.concat(rows, ignore_index=True)


def moderated(config: Mapping[str, Any], panel: pd.DataFrame) -> pd.DataFrame:
    """Products of own and neighbours' treatment with each moderator, tested one by one."""
    rows = []
    for name, values in moderators(config, panel).items():
        fit = moderated_fit(config, panel, values)
        for treatment in config["baseline"]["treatments"]:
            for whose in ("own", "near"):
                term = treatment if whose == "own" else f"near_{treatment}"
                test = ce.wild_cluster(fit, f"I({term} * moderator)")
                rows.append(
                    {
                        "moderator": name,
                        "treatment": treatment,
                        "whose": whose,
                        "estimate": test.estimate,
                        "std_error": test.std_error,
                        "p": test.pvalue,
                    }
                )
    frame = pd.DataFrame(rows)
    return frame.assign(p_holm=ce.holm(frame["p"]))


def thresholds(config: Mapping[str, Any], panel: pd.DataFrame) -> pd.DataFrame:
    """Search one threshold per row of the settings."""
    fixed = moderators(config, panel)
    data = panel.assign(**{f"by_{name}": values for name, values in fixed.items()})
    rows = []
    for place, row in enumerate(config["mechanisms"]["thresholds"]):
        fit = ce.threshold(
            config["baseline"]["formula"],
            data,
            ce.weights.contiguity(),
            by=row["by"],
            regimes=[row["treatment"]],
        )
        test = fit.test(
            draws=config["mechanisms"]["draws"], rng=rng(config, f"table_16_threshold_{place}")
        )
        inside, sizes = fit.confidence_set(), fit.sizes()["units"]
        low, high = (f"{row['treatment']}_{regime}" for regime in ("low", "high"))
        rows.append(
            {
                "treatment": row["treatment"],
                "by": row["by"],
                "threshold": fit.threshold,
                "set_low": inside.intervals[0][0],
                "set_high": inside.intervals[-1][1],
                "set_pieces": len(inside.intervals),
                "supremum": fit.supremum,
                "p": test.pvalue,
                "low": float(fit.params[low]),
                "high": float(fit.params[high]),
                "units_low": int(sizes["low"]),
                "units_high": int(sizes["high"]),
            }
        )
    frame = pd.DataFrame(rows)
    return frame.assign(p_holm=ce.holm(frame["p"]))


def table_of_mediators(config: Mapping[str, Any], through: pd.DataFrame) -> Table:
    """Print one mediator and treatment a row."""
    names, labels = config["mechanisms"]["names"], config["labels"]
    rows, rules = [], set()
    for mediator, part in through.groupby("mediator", sort=False):
        rules.add(len(rows))
        for place, (term, cells) in enumerate(part.groupby("term", sort=False)):
            by = cells.set_index(["quantity", "effect"]).loc[list(SHOWN)]
            shown = [
                f"{number(value, 2)} {interval(low, high, 2)}"
                for value, low, high in by[["estimate", "lower", "upper"]].to_numpy()
            ]
            rows.append((names[mediator] if place == 0 else "", labels[term], *shown))
    short = through[through["last"] < through["last"].max()]
    return Table(
        title="What runs through a mediator: effects of the three treatments on growth",
        columns=("Mediator", "Treatment", *HEADS),
        rows=tuple(rows),
        rules=frozenset(rules - {0}),
        notes=(
            "SDM of every equation. Through the mediator: product of the matrices of effects. "
            "Mediator held: sequential g-estimation; public spending lies between in all rows but "
            "its own. Percentage points of growth per unit of the treatment: the index from 0 to "
            "1, a year with service, one per cent of GDP.",
            f"In brackets percentile intervals of 95 % from {config['draws']['bootstrap']} "
            "samples, residuals of whole cities drawn together from all equations. "
            f"{names[short['mediator'].iloc[0]]}: to {short['last'].iloc[0]}.",
            "Sequential ignorability is not credible here: what moves a city's industry or "
            "spending moves its growth by other ways too. The rows describe. Growth is per "
            "resident, so what runs through residents is partly arithmetic. Co-patents, which "
            "would show a network of innovation, are not published by city; initial industry "
            "comes before the treatments and can only moderate.",
        ),
        text_columns=frozenset({1}),
    )


def table_of_moderators(config: Mapping[str, Any], products: pd.DataFrame) -> Table:
    """Print one moderator a row, with own and neighbours' products of each treatment."""
    names, labels = config["mechanisms"]["names"], config["labels"]
    treatments = list(products["treatment"].unique())
    rows = []
    for moderator, part in products.groupby("moderator", sort=False):
        by = part.set_index(["treatment", "whose"])
        cells = []
        for treatment in treatments:
            for whose in ("own", "near"):
                row = by.loc[(treatment, whose)]
                cells.append(f"{number(row['estimate'], 2)} ({number(row['p'], 3)})")
        rows.append((names[moderator], *cells))
    heads = [f"{labels[t]}, {whose}" for t in treatments for whose in ("own", "neighbours'")]
    return Table(
        title="For whom: slopes that differ with a moderator",
        columns=("Moderator", *heads),
        rows=tuple(rows),
        notes=(
            "Points of growth by which the slope on a treatment, per standard deviation of it, "
            "rises with one standard deviation of the moderator; neighbours' treatments meet the "
            "city's own moderator. In parentheses p of the restricted wild cluster bootstrap, all "
            f"sign vectors, one by one; over all {len(products)} products the smallest adjusted "
            f"(Holm) is {number(products['p_holm'].min(), 2)}.",
            "Students: mean of the years that are published. Likeness: of three sectors to the "
            "cores before the sample. Own income of the year before is held.",
        ),
    )


def table_of_thresholds(config: Mapping[str, Any], splits: pd.DataFrame) -> Table:
    """Print one threshold a row."""
    names, labels = config["mechanisms"]["names"], config["labels"]
    return Table(
        title="From where on: one threshold at most",
        columns=(
            "Treatment",
            "Threshold in",
            "At",
            "95 % set, its ends",
            "Slope below",
            "Slope above",
            "Cities below, above",
            "Supremum LR",
            "p",
            "Holm p",
        ),
        rows=tuple(
            (
                labels[row.treatment],
                names[row.by],
                number(row.threshold, 2),
                interval(row.set_low, row.set_high, 2),
                number(row.low, 2),
                number(row.high, 2),
                f"{row.units_low}, {row.units_high}",
                number(row.supremum, 1),
                number(row.p, 3),
                number(row.p_holm, 3),
            )
            for row in splits.itertuples()
        ),
        notes=(
            "SDM with the slope of one treatment, own and lagged, free to differ below and above "
            "the value at which the likelihood is highest. p: bootstrap of the supremum ratio, "
            f"{config['mechanisms']['draws']} samples, residuals of whole cities. Students and "
            "density as standard scores. Sets can have gaps between their ends. A city "
            "can be below in one year and above in another.",
        ),
        text_columns=frozenset({1}),
    )


def finding(
    config: Mapping[str, Any],
    through: pd.DataFrame,
    products: pd.DataFrame,
    splits: pd.DataFrame,
) -> str:
    """Say what leaves zero out, and what is left after adjusting for asking often."""
    names, labels = config["mechanisms"]["names"], config["labels"]
    clear = through[(through["lower"] > 0) | (through["upper"] < 0)]

    def told(quantity: str) -> str:
        kept = clear[(clear["quantity"] == quantity) & (clear["effect"] == "direct")]
        return ce.report.listed(
            [
                f"{labels[row.term]} and {names[row.mediator].split(',')[0].lower()}"
                for row in kept.itertuples()
            ]
        )

    pairs = len(through) // len(SHOWN)
    sure = int((products["p_holm"] < 0.05).sum())
    found = int((splits["p_holm"] < 0.05).sum())
    return (
        f"Of {pairs} pairs of treatment and mediator, intervals of the direct effect on the "
        f"mediator leave zero out for {told('on mediator')}; those of what runs through it for "
        f"{told('through')}. Of {len(products)} products with a moderator {sure or 'none'} is "
        f"below 5 % after adjustment (smallest p {products['p'].min():.3f} alone), and of "
        f"{len(splits)} thresholds {found or 'none'} (smallest p {splits['p'].min():.2f} alone)."
    )


if __name__ == "__main__":
    main(__file__, build)
