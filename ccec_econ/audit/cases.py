"""The findings of the audit: one number of other software each, beside the right one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from libpysal.graph import Graph

from ccec_econ.audit import likelihoods as turns
from ccec_econ.audit import statistics as turned
from ccec_econ.audit.findings import Finding, Findings
from ccec_econ.audit.panels import cigarettes, simulated_panel
from ccec_econ.engine.transform import Method
from ccec_econ.models.dynamic import DynamicPanelResults
from ccec_econ.models.dynamic import sar as dynamic_sar
from ccec_econ.models.random import random_effects
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.specification import lm_tests
from ccec_econ.models.static import ols, sar, sdm, sem
from ccec_econ.weights import align, from_matrix, is_row_standardised, nearest_of

__all__ = ["findings"]

_TWOWAY = "logc ~ logp + logy | state + year"
_UNIT = "logc ~ logp + logy | state"
_DYNAMIC = "logc ~ L(logc) + W(L(logc)) + logp + logy | state + year"
_SPLM, _SDPDMOD, _SPREG = ("splm", "1.6-5"), ("SDPDmod", "0.0.5"), ("spreg", "1.9.1")
_PANELBOX = ("PanelBox", "2026-03")
_RUN = "output of the package on these data"
_READ = "source code of the package"
_ALONE = "source code of the package; number from a separate computation on the same points"


def findings() -> Findings:
    """Compute every finding of the audit.

    Returns
    -------
    Findings
        With `frame()` and `summary()`; the same numbers every time.

    Notes
    -----
    Versions are those that were run or read; later ones may have changed, and one finding says
    so. Sizes of tests that are not centred stand in the Monte Carlo of the study instead.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> found = ce.audit.findings()
    >>> all(item.repeats for item in found if item.published is not None)
    True
    """
    parts = (_lags, _corrections, _searches, _determinants, _tests, _errors, _effects, _orders)
    items = [item for part in parts for item in part()]
    return Findings(tuple(sorted(items, key=lambda item: item.id)))


def _lags() -> Iterator[Finding]:
    simulated, weights = simulated_panel()
    panel, W = cigarettes()
    cases: list[tuple[SpatialPanelResults, str, float, int]] = [
        (_simulated(simulated, weights), "simulated, SAR", 0.35165, 5),
        (sar(_TWOWAY, panel, W, method="direct"), "cigarettes, SAR", 0.18975635, 8),
        (sdm(_TWOWAY, panel, W, method="direct"), "cigarettes, SDM", 0.22687944, 8),
    ]
    for fit, data, printed, digits in cases:
        yield Finding(
            1,
            *_SPLM,
            "spml",
            "lags the response after demeaning it; with time effects that is another likelihood",
            "ρ, direct, two-way",
            data,
            turns.lagged_after_demeaning(fit.estimate).optimum.rho,
            fit.rho,
            printed,
            digits,
            _RUN,
        )
    errors = sem(_TWOWAY, panel, W, method="direct")
    wrong = turns.lagged_after_demeaning(errors.estimate)
    yield Finding(
        21,
        *_SPLM,
        "spml, error model",
        "leaves the constants out of the log-likelihood",
        "log-likelihood, SEM two-way",
        "cigarettes",
        turns.without_constants(wrong),
        errors.loglik,
        -1343.3046,
        4,
        _RUN,
    )


def _corrections() -> Iterator[Finding]:
    simulated, weights = simulated_panel()
    panel, W = cigarettes()
    for fit, right, data, printed in (
        (
            _simulated(simulated, weights),
            _simulated(simulated, weights, "bias_corrected"),
            "simulated, SAR",
            ((0.3512, 4), (0.837, 3)),
        ),
        (
            sar(_TWOWAY, panel, W, method="direct"),
            sar(_TWOWAY, panel, W, method="bias_corrected"),
            "cigarettes, SAR",
            ((0.189735324, 8), (0.00489367, 8)),
        ),
    ):
        wrong = turns.corrected_backwards(turns.lagged_after_demeaning(fit.estimate))
        names, best = ("ρ, corrected", "σ², corrected"), (right.rho, right.sigma2)
        for name, value, good, (shown, digits) in zip(names, wrong, best, printed, strict=True):
            yield Finding(
                2,
                *_SPLM,
                "spml, LeeYu",
                "corrects with the opposite sign, without the scale n T, and the variance by "
                "T/(T + 1) for T/(T - 1)",
                name,
                data,
                value,
                good,
                shown,
                digits,
                _RUN,
            )
    for transformed, data, shown, digits in (
        (_simulated(simulated, weights, "transformation"), "simulated, SAR", 0.5116, 4),
        (sar(_TWOWAY, panel, W), "cigarettes, SAR", 0.22358374, 8),
        (sdm(_TWOWAY, panel, W), "cigarettes, SDM", 0.26562423, 8),
    ):
        yield Finding(
            3,
            *_SDPDMOD,
            "SDPDm, demn",
            "corrects the transformation likelihood, which has no bias to correct",
            "ρ, transformation",
            data,
            turns.corrected_twice(transformed.estimate),
            transformed.rho,
            shown,
            digits,
            _RUN,
        )
    fits = {scale: _dynamic(scale) for scale in (1.0, 10.0)}
    for scale, shown, digits in ((1.0, 0.70300394, 8), (10.0, 0.041, 3)):
        fit = fits[scale]
        yield Finding(
            13,
            *_SDPDMOD,
            "SDPDm, dynamic, LYtrans",
            "raises small eigenvalues of the information, so results depend on the units of y",
            f"ρ, dynamic SAR, response times {scale:g}",
            "cigarettes",
            turns.floored_correction(fit.quasi, fit.lags),
            fit.rho,
            shown,
            digits,
            _RUN,
        )


def _searches() -> Iterator[Finding]:
    panel, W = cigarettes()
    fit = sdm(_TWOWAY, panel, W, method="direct")
    lagged = turns.lagged_after_demeaning(fit.estimate)
    yield Finding(
        15,
        *_SDPDMOD,
        "SDPDm",
        "takes the log-determinant from the nearest node of a 0.001 grid of ρ",
        "ρ, direct, two-way, same objective",
        "cigarettes, SDM",
        turns.at_grid_node(lagged).optimum.rho,
        lagged.optimum.rho,
        0.22259051,
        8,
        _RUN,
    )
    ids = pd.Index(W.unique_ids).sort_values()
    touched = align(W, ids)
    touched[0] *= 1.0 + 1e-15
    seen_as = is_row_standardised(touched) and not (touched.sum(axis=1) == 1.0).all()
    yield Finding(
        16,
        *_SDPDMOD,
        "isrownor",
        "asks row sums to equal one exactly; where rounding breaks that, the transformation is "
        "skipped without a word",
        "ρ, asked for the transformation",
        "cigarettes, SDM",
        turns.corrected_direct(fit.estimate) if seen_as else np.nan,
        sdm(_TWOWAY, panel, from_matrix(touched, ids)).rho,
        0.26221103,
        8,
        _RUN,
    )


def _determinants() -> Iterator[Finding]:
    points = np.random.default_rng(0).random((44, 2))
    near = np.linalg.norm(points[:, None] - points[None], axis=2)
    found = turns.log_determinants(nearest_of(near, 4), 0.9)
    for kind, what, shown, digits in (
        ("real parts", "keeps the real parts of complex eigenvalues in ln|I - ρW|", -6.5739, 4),
        ("three terms", "stops the series of ln|I - ρW| after three terms", -4.22, 2),
    ):
        yield Finding(
            9,
            *_PANELBOX,
            "log-determinant",
            what if kind == "three terms" else f"{what}, or stops its series after three terms",
            f"ln|I - 0.9 W|, {kind}",
            "4 nearest of 44 points",
            found[kind],
            found["exact"],
            shown,
            digits,
            _ALONE,
        )


def _tests() -> Iterator[Finding]:
    panel, W = cigarettes()
    pooled = ols("logc ~ logp + logy", panel)
    yield Finding(
        7,
        *_SPREG,
        "panel_LMlag",
        "squares the trace of WW + W'W where T times the trace belongs",
        "LM lag, pooled",
        "cigarettes",
        turned.lag_of_squared_trace(pooled.estimate, align(W, pooled.panel.units)),
        lm_tests(pooled, W, draws=19)["LM lag"].statistic,
        75.1118,
        4,
        _RUN,
    )
    within = lm_tests(ols(_TWOWAY, panel), W, draws=19)
    for test, shown in (("LM lag", 46.90052), ("LM error", 54.654807)):
        yield Finding(
            10,
            *_SPLM,
            "slmtest, and all others read",
            "does not centre LM tests for the effects that were removed; at 16 units a true null "
            "is rejected far too often",
            f"{test}, two-way",
            "cigarettes",
            within[f"{test}, uncentred"].statistic,
            within[test].statistic,
            shown,
            5,
            _RUN,
        )
    fixed = sar(_UNIT, panel, W, method="direct")
    random = random_effects("logc ~ logp + logy", panel, W)
    yield Finding(
        11,
        *_SPLM,
        "sphtest",
        "takes the absolute value of Hausman's statistic, here negative",
        "Hausman, SAR",
        "cigarettes",
        turned.absolute_hausman(fixed.estimate, random.estimate),
        random.hausman().statistic,
        2.2217,
        4,
        _RUN,
    )


def _errors() -> Iterator[Finding]:
    panel, W = cigarettes()
    direct = sar(_TWOWAY, panel, W, method="direct")
    wrong, right = (turned.effect_errors(direct.estimate, block=b)[1] for b in (True, False))
    for j, effect in ((1, "indirect"), (2, "total")):
        yield Finding(
            19,
            *_SPLM,
            "spml, fixed-effects lag",
            "sets the covariance of λ and the coefficients to zero",
            f"std. error, {effect} effect of income",
            "cigarettes, SAR",
            float(wrong[j]),
            float(right[j]),
            None,
            0,
            _RUN,
        )
    random = random_effects("logc ~ logp + logy", panel, W)
    conditional = turned.conditional_errors(random.estimate)
    for j, (term, shown) in enumerate((("Intercept", 0.07485296), ("logp", 0.01738648))):
        yield Finding(
            20,
            *_SPLM,
            "spml, random-effects lag",
            "holds λ fixed in standard errors",
            f"std. error, {term}",
            "cigarettes, SAR",
            float(conditional[j]),
            float(random.std_errors[term]),
            shown,
            8,
            _RUN,
        )
    quasi = _dynamic(1.0, correction=False)
    yield Finding(
        14,
        *_SDPDMOD,
        "impactsSDPDm, dynamic",
        "does not divide the covariance by n T where it simulates effects",
        "error of an effect, over the right one",
        "cigarettes, dynamic SAR",
        turned.undivided(quasi.estimate),
        1.0,
        36.5,
        1,
        _RUN,
    )


def _effects() -> Iterator[Finding]:
    panel, W = cigarettes()
    fit = sdm(_TWOWAY, panel, W, method="direct")
    lagged = turns.lagged_after_demeaning(fit.estimate)
    for term, shown in (("logy", 0.777021), ("logp", -1.296824)):
        wrong, right = turned.lag_as_regressor(lagged, term)
        yield Finding(
            22,
            *_SPLM,
            "impacts",
            "counts the lag of a regressor as another variable",
            f"total effect of {term}, same estimates",
            "cigarettes, SDM",
            wrong,
            right,
            shown,
            6,
            _RUN,
        )
    simulated, weights = simulated_panel()
    unit = sar("y ~ x1 + x2 | id", simulated, weights, method="direct")
    found = unit.fixed_effects()
    yield Finding(
        8,
        "spreg",
        "before 1.9.1",
        "ML_LagFE.mu_i",
        "left ρWy in the fixed effects; put right in 1.9.1",
        "effect of the first unit",
        "simulated, SAR",
        float(turned.levels_without_lag(unit).iloc[0]),
        float(found["unit"].iloc[0] + found["constant"].iloc[0]),
        None,
        0,
        "source code of an earlier version",
    )


def _orders() -> Iterator[Finding]:
    panel, W = cigarettes()
    yield Finding(
        24,
        "splm, SDPDmod, spreg",
        "1.6-5, 0.0.5, 1.9.1",
        "weights",
        "reads weights by position, never by label; here states stand in reversed order",
        "ρ, transformation",
        "cigarettes, SAR",
        sar(_TWOWAY, panel, turned.shuffled(W)).rho,
        sar(_TWOWAY, panel, W).rho,
        None,
        0,
        _READ,
    )


def _simulated(
    panel: pd.DataFrame, weights: Graph, method: Method = "direct"
) -> SpatialPanelResults:
    return sar("y ~ x1 + x2 | id + year", panel, weights, method=method)


def _dynamic(scale: float, *, correction: bool = True) -> DynamicPanelResults:
    panel, W = cigarettes()
    panel = panel.assign(logc=scale * panel["logc"])
    return dynamic_sar(_DYNAMIC, panel, W, correction=correction)
