"""What several sets of instruments say of coefficients, with few units and weak instruments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.engine.strength import FirstStage
from ccec_econ.errors import FormulaError, IdentificationError
from ccec_econ.inference.anderson_rubin import AndersonRubinSet
from ccec_econ.inference.cluster import Cluster
from ccec_econ.models.instrumental import EFFECTIVE, InstrumentalResults
from ccec_econ.models.randomisation import randomisation_test
from ccec_econ.models.static import ols
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["Evidence", "InstrumentEvidence", "instrument_evidence"]

_CLUSTER = Cluster("unit")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one set of instruments says of one coefficient.

    Attributes
    ----------
    term : str
        The endogenous regressor.
    units : int
    stage : FirstStage
        Clustered by unit.
    within : tuple of float
        Least squares on the same sample: estimate and its clustered interval.
    estimate : float
        Two-stage least squares. No error stands beside it: with weak instruments it has none.
    by_f, wild : AndersonRubinSet
        Sets clustered by unit, against F and against the wild bootstrap.
    pvalue : float
        Wild Anderson-Rubin test that the coefficient is zero.
    p_first : float
        Wild test that the instruments do not move the regressor: the same statistic at an infinite
        coefficient. A set is bounded on no side where it exceeds 1 - level.
    p_permuted : float
        The same question to the reduced form, paths of the instrument permuted over units, which
        is exact if exposures are as good as drawn by lot; NaN with several instruments.
    """

    term: str
    units: int
    stage: FirstStage
    within: tuple[float, float, float]
    estimate: float
    by_f: AndersonRubinSet
    wild: AndersonRubinSet
    pvalue: float
    p_first: float
    p_permuted: float

    @property
    def is_clear(self) -> bool:
        """Whether instruments are strong and the wild set leaves zero out."""
        return self.stage.is_strong and 0.0 not in self.wild


@dataclass(frozen=True, slots=True, repr=False)
class InstrumentEvidence(Printed):
    """Evidence by design.

    Attributes
    ----------
    designs : dict of Evidence
    level : float
    draws : int
        Permutations.
    """

    designs: dict[str, Evidence]
    level: float
    draws: int

    @property
    def frame(self) -> pd.DataFrame:
        """One row per design."""
        rows = {
            name: {
                "term": one.term,
                "units": one.units,
                "effective_F": one.stage.effective_F,
                "critical": one.stage.critical,
                "partial_r2": one.stage.partial_r2,
                "within": one.within[0],
                "within_lower": one.within[1],
                "within_upper": one.within[2],
                "two_stage": one.estimate,
                "set_f": one.by_f.plain(),
                "set_wild": one.wild.plain(),
                "p_wild": one.pvalue,
                "p_first": one.p_first,
                "p_permuted": one.p_permuted,
            }
            for name, one in self.designs.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("design")

    def summary(
        self,
        *,
        title: str = "What instruments say",
        labels: Mapping[str, str] | None = None,
        notes: tuple[str, ...] = (),
        digits: int = 2,
    ) -> Table:
        """Table of one row per design; `labels` names the regressors."""
        share, known = f"{100 * self.level:g} %", labels or {}
        rows = tuple(
            (
                f"{known.get(one.term, one.term)}: {name}",
                str(one.units),
                f"{number(one.stage.effective_F, 2)} ({number(one.stage.critical, 1)})",
                number(one.p_first, 3),
                f"{number(one.within[0], digits)} {interval(*one.within[1:], digits)}",
                number(one.estimate, digits),
                one.by_f.text(digits),
                one.wild.text(digits),
                number(one.pvalue, 3),
                number(one.p_permuted, 3),
            )
            for name, one in self.designs.items()
        )
        return Table(
            title=title,
            columns=(
                "Regressor: instruments",
                "Units",
                "Effective F (critical)",
                "p, first stage",
                f"Within, {share} interval",
                "2SLS",
                f"AR {share} set, F",
                f"AR {share} set, wild",
                "p of zero",
                "p, permuted",
            ),
            rows=rows,
            notes=(
                f"{EFFECTIVE} P of the first stage and of zero: wild bootstrap. Clustered by unit "
                "throughout. Within: least squares on the same sample, t(units − 1). AR: "
                "Anderson-Rubin sets, which weak instruments do not break; a half-line or the "
                "whole line means that the instruments cannot bound the coefficient. No t stands "
                "beside 2SLS. Permuted: paths of the single instrument exchanged between units in "
                "the reduced form, "
                f"{self.draws:,} draws.",
                *notes,
            ),
        )


def instrument_evidence(
    fits: Mapping[str, InstrumentalResults],
    *,
    level: float = 0.95,
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> InstrumentEvidence:
    """Set sets of instruments side by side: their strength, and what they say without trusting it.

    Parameters
    ----------
    fits : mapping of str to InstrumentalResults
        By design; from `s2sls` without W y, with one endogenous regressor each.
    level : float
        Of intervals and sets.
    draws : int
        Permutations of the instrument's paths.
    rng : int or Generator

    Returns
    -------
    InstrumentEvidence

    Raises
    ------
    IdentificationError
        If a fit has another number of endogenous columns than one, or not more units than
        instruments.
    FormulaError
        If there is no fit.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2011, 2019))
    >>> panel["z"] = panel.groupby("unit")["share3"].transform("first") * panel["finance"]
    >>> fit = ce.s2sls("growth ~ digital | unit + year", panel, lag=False, endogenous="digital",
    ...                instruments="z")
    >>> found = instrument_evidence({"structure": fit}, draws=19)
    >>> found.designs["structure"].units
    16
    """
    if not fits:
        raise FormulaError("no fit to set side by side; give at least one by name.")
    random = np.random.default_rng(rng)
    designs = {name: _evidence(name, fit, level, draws, random) for name, fit in fits.items()}
    return InstrumentEvidence(designs, level, draws)


def _evidence(
    name: str, fit: InstrumentalResults, level: float, draws: int, rng: np.random.Generator
) -> Evidence:
    ends = [fit.equation.terms[j] for j in fit.equation.endogenous]
    if len(ends) != 1 or ends[0] not in fit.design.terms:
        raise IdentificationError(
            f"design '{name}' has the endogenous columns {', '.join(ends)}; one regressor at a "
            "time and no W y: with several use fit.anderson_rubin(term)."
        )
    (term,) = ends
    clustered = fit.with_cov(_CLUSTER)
    (stage,) = clustered.first_stages
    data, formula = fit.panel.frame.swaplevel(), str(fit.spec)
    plain = ols(formula, data, cov=_CLUSTER)
    lower, upper = plain.conf_int(level).loc[term].to_numpy(dtype=np.float64)
    return Evidence(
        term=term,
        units=fit.equation.shape[1],
        stage=stage,
        within=(float(plain.params[term]), float(lower), float(upper)),
        estimate=float(fit.params[term]),
        by_f=clustered.anderson_rubin(term, level),
        wild=clustered.anderson_rubin(term, level, wild=True, rng=rng),
        pvalue=clustered.anderson_rubin_pvalue(term, wild=True, rng=rng),
        p_first=clustered.anderson_rubin_pvalue(term, np.inf, wild=True, rng=rng),
        p_permuted=_permuted(fit, term, draws, rng),
    )


def _permuted(fit: InstrumentalResults, term: str, draws: int, rng: np.random.Generator) -> float:
    """Permutation p-value of the instrument in the reduced form."""
    names = fit.equation.instruments
    if len(names) > 1 or names[0] not in fit.panel.frame.columns:
        return float("nan")
    others = [x for x in fit.design.terms if x not in (term, "Intercept")]
    bar = f" | {' + '.join(fit.spec.fixed)}" if fit.spec.fixed else ""
    right = " + ".join([*others, names[0]])
    reduced = ols(f"{fit.spec.response} ~ {right}{bar}", fit.panel.frame.swaplevel())
    return randomisation_test(reduced, names[0], draws=draws, rng=rng).pvalue
