"""Tests of a fitted specification: spatial dependence left out, residuals, unit effects."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.spectrum import Spectrum, levels
from ccec_econ.errors import (
    AlignmentError,
    CcecError,
    IdentificationError,
    WeightsError,
)
from ccec_econ.inference import dependence, lm
from ccec_econ.inference.bootstrap import refuse_other_models
from ccec_econ.inference.outcome import Outcome, Outcomes, chi2, inapplicable, simulated
from ccec_econ.models.nesting import nested_tests
from ccec_econ.models.prepared import spectrum_for
from ccec_econ.models.results import SpatialPanelResults, family
from ccec_econ.models.unit_means import mundlak
from ccec_econ.weights import WeightsLike, sums_to_one

__all__ = ["dependence_tests", "diagnostics", "lm_tests", "moran_by_period"]

_NULLS = {
    "lag": "rho = 0, given lam = 0",
    "error": "lam = 0, given rho = 0",
    "robust lag": "rho = 0, lam near 0",
    "robust error": "lam = 0, rho near 0",
    "joint": "rho = lam = 0",
    "error | lag": "lam = 0, rho estimated",
    "lag | error": "rho = 0, lam estimated",
}
_CENTRED = (
    "LM: score tests of the transformation likelihood, centred for the effects it removes; joint "
    "= error + robust lag = lag + robust error."
)
_UNCENTRED = (
    "Uncentred: textbook formulas on demeaned data, for comparison; with time effects they reject "
    "a true null far too often."
)
_DRAWS = 999
_EXACT_CELLS = 10_000  # observations up to which the exact distribution is drawn from by default
_TOOK = "Residuals of a model with rho or lam: the parameter took its pattern, tests are cautious."


def lm_tests(
    fit: SpatialPanelResults,
    weights: WeightsLike | None = None,
    *,
    error_weights: WeightsLike | None = None,
    conditional: bool = True,
    draws: int | None = None,
    rng: int | np.random.Generator = 0,
) -> Outcomes:
    """Lagrange multiplier tests of spatial dependence that a fit leaves out.

    After OLS or SLX: lag, error, robust, joint and conditional tests, the exact Monte Carlo
    p-value of the error test, and the uncentred textbook statistics as a memo. After SAR or SDM:
    error given lag. After SEM or SDEM: lag given error.

    Parameters
    ----------
    fit : SpatialPanelResults
        Fitted by least squares or the transformation likelihood.
    weights : Graph or W, optional
        Weights of the lag, and of the error where `error_weights` are not given; the fit's own by
        default.
    error_weights : Graph or W, optional
    conditional : bool
        After OLS or SLX: whether to test each parameter given an estimate of the other, which
        maximises two likelihoods and takes most of the time where units are many.
    draws : int
        Draws behind the Monte Carlo p-value, 0 for none. By default 999 up to 10,000 observations
        and none above, where the chi-squared p-value is as good.
    rng : int or Generator
        Seed or generator; the default repeats the same draws.

    Raises
    ------
    ValueError
        If there are fewer than 19 draws, but not 0.
    AlignmentError
        If there are no weights, or they and the panel differ.
    WeightsError
        If time effects meet weights that are not row-standardised.
    IdentificationError
        If the fit has both rho and lam, or another likelihood.

    Notes
    -----
    Formulas in `ccec_econ.inference.lm`. Size at 5 %, N = 16, T = 12, unit and time effects:
    .05 to .06, uncentred .19 (lag) and .27 (error).

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> fit = ce.ols("growth ~ digital + hsr | unit + year", panel)
    >>> lm_tests(fit, ce.weights.contiguity())["LM error"].distribution
    'chi2(1)'
    """
    family(fit)
    one = fit.estimate
    refuse_other_models(one)
    if one.method != "transformation" or len(one.spatial) == 2:
        raise IdentificationError(
            f"no LM test after {fit.model} by the {one.method} likelihood; test after ce.ols, "
            "ce.slx, ce.sar, ce.sdm, ce.sem or ce.sdem with method='transformation'."
        )
    W = _weights(fit, weights)
    M = W if error_weights is None else _weights(fit, error_weights)
    if one.spatial == ("rho",):
        tests = [_attempt("error | lag", lambda: lm.score_test(lm.extend(one, None, M), "lam"))]
    elif one.spatial == ("lam",):
        tests = [_attempt("lag | error", lambda: lm.score_test(lm.extend(one, W, None), "rho"))]
    else:
        tests = _unconditional(one, W, M, draws, np.random.default_rng(rng), conditional)
    notes = (
        _CENTRED,
        *([_UNCENTRED] if any("uncentred" in test.name for test in tests) else []),
        *fit.notes()[:1],
    )
    return Outcomes(f"LM tests after {fit.model.upper()}", tuple(tests), notes)


def dependence_tests(
    fit: SpatialPanelResults,
    weights: WeightsLike | None = None,
    *,
    draws: int = _DRAWS,
    rng: int | np.random.Generator = 0,
) -> Outcomes:
    """Test whether the residuals of units depend on each other.

    Pooled Moran's I by permutation of whole units, Pesaran's CD (refused after time effects), the
    weighted CD, and Breusch-Pagan against its simulated distribution.

    Parameters
    ----------
    fit, weights, draws, rng
        As in `lm_tests`; the weights serve Moran's I.

    Raises
    ------
    ValueError
        If there are fewer than 19 draws.
    AlignmentError
        If there are no weights, or they and the panel differ.
    """
    family(fit)
    one, generator = fit.estimate, np.random.default_rng(rng)
    tests = (
        dependence.moran(one, _weights(fit, weights, likelihood=False).W, draws, generator),
        dependence.pesaran_cd(one),
        dependence.weighted_cd(one, generator),
        dependence.breusch_pagan(one, draws, generator),
    )
    notes = (*([_TOOK] if one.spatial else []), *fit.notes()[:1])
    return Outcomes(f"Dependence of residuals after {fit.model.upper()}", tests, notes)


def moran_by_period(
    fit: SpatialPanelResults,
    weights: WeightsLike | None = None,
    *,
    draws: int = _DRAWS,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Moran's I of the residuals of each period, with permutation p-values.

    Parameters
    ----------
    fit, weights, draws, rng
        As in `dependence_tests`.

    Returns
    -------
    DataFrame
        Indexed by period: moran, expected, pvalue.

    Raises
    ------
    ValueError
        If there are fewer than 19 draws.
    AlignmentError
        If there are no weights, or they and the panel differ.
    """
    family(fit)
    generator = np.random.default_rng(rng)
    W = _weights(fit, weights, likelihood=False).W
    found = dependence.moran_by_period(fit.estimate, W, draws, generator)
    columns = {"moran": found.I, "expected": found.expected, "pvalue": found.pvalue}
    return pd.DataFrame(columns, index=fit.panel.times)


def diagnostics(
    fit: SpatialPanelResults,
    weights: WeightsLike | None = None,
    *,
    draws: int | None = None,
    rng: int | np.random.Generator = 0,
) -> Outcomes:
    """All tests that apply to a fit, and the reasons of those that do not.

    Parameters
    ----------
    fit, weights, draws, rng
        As in `lm_tests`; 999 draws by default in the tests of dependence. No bootstrap is run.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel, W = ce.data.load_panel(years=(2011, 2019)), ce.weights.contiguity()
    >>> fit = ce.sdm("growth ~ digital + hsr | unit + year", panel, W)
    >>> diagnostics(fit, draws=99)["Pesaran CD"].applies
    False
    """
    family(fit)
    generator, others = np.random.default_rng(rng), _DRAWS if draws is None else draws
    groups: list[tuple[str, str, Callable[[], Outcomes]]] = [
        ("LM", "rho or lam = 0", lambda: lm_tests(fit, weights, draws=draws, rng=generator)),
        (
            "Dependence",
            "residuals of units are uncorrelated",
            lambda: dependence_tests(fit, weights, draws=others, rng=generator),
        ),
        (
            "Restrictions",
            "the SDM is a smaller model",
            lambda: nested_tests(fit),
        ),
        (
            "Mundlak",
            "unit effects uncorrelated with the regressors",
            lambda: Outcomes("", (mundlak(fit),)),
        ),
    ]
    tests: list[Outcome] = []
    notes: list[str] = []
    for name, null, build in groups:
        try:
            found = build()
        except (IdentificationError, WeightsError) as error:
            tests.append(inapplicable(name, null, str(error).rstrip(".")))
            continue
        tests += found.outcomes
        notes += found.notes
    title = f"Diagnostics of {fit.model.upper()}: {fit.spec}"
    return Outcomes(title, tuple(tests), tuple(dict.fromkeys(notes)))


def _unconditional(
    fit: Estimate,
    W: Spectrum,
    M: Spectrum,
    draws: int | None,
    rng: np.random.Generator,
    conditional: bool,
) -> list[Outcome]:
    """Test a fit without rho and lam."""
    centred = cache(lambda: lm.slopes(fit, W, M))
    textbook = cache(lambda: lm.slopes(lm.conventional(fit), W, M))
    tests = [
        _attempt("lag", lambda: lm.score_test(lm.extend(fit, W, None), "rho")),
        _attempt("error", lambda: lm.score_test(lm.extend(fit, None, M), "lam")),
        _attempt("robust lag", lambda: centred().robust(0)),
        _attempt("robust error", lambda: centred().robust(1)),
        _attempt("joint", lambda: centred().joint(), df=2),
    ]
    if conditional:
        tests += [
            _attempt("error | lag", lambda: _conditional(fit, W, M, "lam")),
            _attempt("lag | error", lambda: _conditional(fit, W, M, "rho")),
        ]
    if tests[1].applies:
        tests.append(_exact(fit, M, tests[1].statistic, draws, rng))
    if fit.effects == "none":
        return tests
    for kind, build in (
        ("lag", lambda: textbook().marginal(0)),
        ("error", lambda: textbook().marginal(1)),
        ("robust lag", lambda: textbook().robust(0)),
        ("robust error", lambda: textbook().robust(1)),
    ):
        tests.append(_attempt(kind, build, suffix=", uncentred"))
    return tests


def _exact(
    fit: Estimate, M: Spectrum, statistic: float, draws: int | None, rng: np.random.Generator
) -> Outcome:
    """Monte Carlo p-value of the error test, or why there is none."""
    name, null, cells = "LM error, exact", _NULLS["error"], fit.y.size
    if draws is None and cells > _EXACT_CELLS:
        reason = f"at {cells} observations the chi2 p-value is as good; give draws=999 for both"
        return inapplicable(name, null, reason)
    if draws == 0:
        return inapplicable(name, null, "no draws were asked for")
    draws = _DRAWS if draws is None else draws
    return simulated(
        name,
        null,
        statistic,
        exceed=lm.error_exceedances(fit, M, draws, rng),
        draws=draws,
        how="Monte Carlo",
        note="LM error, exact: normal errors, same regressors and effects.",
    )


def _conditional(fit: Estimate, W: Spectrum, M: Spectrum, tested: str) -> float:
    """Test one parameter after the other was estimated."""
    if tested == "lam":
        return lm.score_test(lm.extend(lm.extend(fit, W, None).maximised(), None, M), "lam")
    return lm.score_test(lm.extend(lm.extend(fit, None, M).maximised(), W, None), "rho")


def _attempt(kind: str, build: Callable[[], float], *, df: int = 1, suffix: str = "") -> Outcome:
    """Compute a test, or give the reason why it cannot be computed."""
    robust = kind.startswith("robust ")
    name = f"Robust LM {kind[7:]}{suffix}" if robust else f"LM {kind}{suffix}"
    try:
        return chi2(name, _NULLS[kind], build(), df)
    except CcecError as error:
        return inapplicable(name, _NULLS[kind], str(error).rstrip("."))


def _weights(
    fit: SpatialPanelResults, weights: WeightsLike | None, *, likelihood: bool = True
) -> Spectrum:
    """Weights in the panel's order, the fit's own by default; fit for a likelihood if asked."""
    one = fit.estimate
    if weights is None:
        own = one.weights or one.error or one.x_weights
        if own is None:
            raise AlignmentError(f"{fit.model} has no weights of its own; give some to test with.")
        found = levels(own)
    else:
        found = spectrum_for(weights, fit.panel.units)
    demeaned = fit.effects_name in ("time", "twoway")
    if likelihood and demeaned and not sums_to_one(found.row_sums):
        sums = found.row_sums
        raise WeightsError(
            f"time effects need row-standardised weights: row sums run from {sums.min():.4g} to "
            f"{sums.max():.4g}; use ce.weights.row_standardise(W)."
        )
    return found
