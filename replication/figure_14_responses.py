"""Figure 14: responses of growth by years after a change and by powers of the weights."""

from __future__ import annotations

from typing import Any

import pandas as pd

import ccec_econ as ce
from exhibit import Exhibit, main

NOTE = (
    "Response of annual growth, percentage points, to one unit more of the regressor: the index "
    "from 0 to 1, a year with service, one per cent of GDP. Lines through points: 95 % delta "
    "intervals. (a)–(c): a change that stays, by years after it, ∞ the long run; dynamic "
    "SDM of growth on its own past, {first}–{last}, corrected after Yu, de Jong and Lee: "
    "τ = {tau:.2f}, η = {eta:.2f}, ρ = {rho:.2f}, sum {total:.2f} [{lower:.2f}, {upper:.2f}]. "
    "(d)–(f): the static SDM of Table 8 by powers of ρW, ρ = {static:.2f}; order 0 is the unit's "
    "own change and that of its neighbours, order q what q more steps hand on."
)


def build(config: dict[str, Any]) -> Exhibit:
    """Fit both models, follow their effects over years and over steps, and draw them."""
    setting, terms = config["responses"], config["baseline"]["treatments"]
    W = ce.weights.contiguity()
    static = ce.sdm(
        config["baseline"]["formula"], ce.data.load_panel(years=tuple(config["sample"]["years"])), W
    )
    dynamic = ce.sdm(setting["formula"], ce.data.load_panel(years=tuple(setting["years"])), W)
    horizons = by_horizon(dynamic, terms, setting["horizon"])
    orders = by_order(static, terms, setting["orders"])
    about = described(dynamic) | {"static": static.rho}
    return Exhibit(
        figure=ce.report.responses_figure(
            horizons,
            orders,
            labels=config["labels"],
            unit="percentage points",
            note=NOTE.format(**about).replace("-", "−"),
        ),
        data=pd.concat(
            {
                "horizon": horizons.rename_axis(["term", "at", "effect"]),
                "order": orders.rename_axis(["term", "at", "effect"]),
            },
            names=["by"],
        ).reset_index(),
        finding=finding(horizons, about, config["labels"]),
        numbers=about,
    )


def by_horizon(fit: ce.DynamicPanelResults, terms: list[str], last: int) -> pd.DataFrame:
    """Effects of a change that stays, by years after it, and in the long run."""
    places: list[Any] = [*range(last + 1), "long"]
    frames = {at: fit.effects(horizon=at, draws=1).frame for at in places}
    frame = pd.concat(frames, names=["horizon"]).swaplevel(0, 1)
    kept = frame[["estimate", "lower", "upper"]]
    return pd.concat([kept.loc[[term]] for term in terms])


def by_order(fit: ce.SpatialPanelResults, terms: list[str], last: int) -> pd.DataFrame:
    """Effects by powers of rho W."""
    frame = ce.effects_by_order(fit, orders_shown=last, draws=1).frame
    kept = frame[["estimate", "lower", "upper"]].drop("all", level="order")
    return pd.concat([kept.loc[[term]] for term in terms])


def described(fit: ce.DynamicPanelResults) -> dict[str, float]:
    """Parameters of the dynamic model, its distance from a unit root, and how fast it responds."""
    found = fit.stability
    common = (fit.tau + fit.eta) / (1.0 - fit.rho)
    return {
        "first": int(fit.panel.times[0]),
        "last": int(fit.panel.times[-1]),
        "tau": fit.tau,
        "tau_uncorrected": fit.lags.of(fit.quasi.optimum.coefficients)[0],
        "eta": fit.eta,
        "rho": fit.rho,
        "total": found.total,
        "lower": found.lower,
        "upper": found.upper,
        "radius": found.radius,
        "common": common,
        "at_once": 100.0 * (1.0 - common),
        "year_after": 100.0 * (1.0 - common**2),
    }


def finding(horizons: pd.DataFrame, about: dict[str, float], labels: dict[str, str]) -> str:
    """Say whether growth forgets, how fast, and which responses leave zero out."""
    clear = horizons[(horizons["lower"] > 0) | (horizons["upper"] < 0)]
    places = clear.drop("total", level="effect").reset_index()
    said = [
        f"the {effect} one of {labels.get(term, term)} "
        f"({'at all horizons' if len(rows) == _count(horizons) else _places(rows['horizon'])})"
        for (term, effect), rows in places.groupby(["term", "effect"], sort=False)
    ]
    place = "which holds one"
    if about["upper"] < 1.0:
        place = "below one, so long-run effects exist"
    elif about["lower"] > 1.0:
        place = "above one, so shocks do not die out"
    moved = about["tau"] - about["tau_uncorrected"]
    zero = 100 * (1 - about["static"])
    return (
        f"The corrected τ + ρ + η of growth is {about['total']:.2f} with a 95 % interval from "
        f"{about['lower']:.2f} to {about['upper']:.2f}, {place}. "
        f"Of the total effect of a change that stays, {about['at_once']:.0f} % come in the same "
        f"year and {about['year_after']:.0f} % by the year after, at the estimate; the correction "
        f"moves τ by {moved:+.2f}, from {about['tau_uncorrected']:.2f} to {about['tau']:.2f}. "
        f"Responses whose 95 % interval leaves zero out: {ce.report.listed(said)}. With ρ at "
        f"{about['static']:.2f} in the static model, {zero:.0f} % of every total effect are of "
        "order zero and the rest is handed on beyond a unit and its neighbours."
    ).replace(" -", " −")


def _count(horizons: pd.DataFrame) -> int:
    return horizons.index.get_level_values("horizon").nunique()


def _places(at: pd.Series) -> str:
    years = [str(place) for place in at if place != "long"]
    parts = [f"{ce.report.listed(years)} years after"] if years else []
    return " and ".join([*parts, *["in the long run"] * ("long" in set(at))])


if __name__ == "__main__":
    main(__file__, build)
