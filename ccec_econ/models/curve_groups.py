"""Specifications that share a response, a sample, weights and effects: reduced together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.estimate import Columns, Estimate
from ccec_econ.engine.pool import Pool, pool
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.errors import CcecError, FormulaError
from ccec_econ.formula import Effects, lagged_term
from ccec_econ.inference.quantity import Quantity, point, refuse_no_effect
from ccec_econ.inference.vcov import Covariance
from ccec_econ.models.fitting import refuse_unstandardised
from ccec_econ.models.static import MODELS

__all__ = ["Group", "Member", "Row", "estimated", "redrawn"]


@dataclass(frozen=True, slots=True)
class Member:
    """One specification of a group.

    Attributes
    ----------
    row : int
        Its row in the frame.
    model : str
    terms : tuple of str
        Terms of the formula, that of interest first.
    """

    row: int
    model: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What came out of one specification: numbers, or the reason why there are none."""

    row: int
    estimate: float = np.nan
    std_error: float = np.nan
    df: float = np.nan
    reason: str = ""
    convention: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Raw columns of a sample and the specifications made of them.

    Attributes
    ----------
    columns : Columns or None
        All terms that can be used and their lags; None where there are none.
    at : dict
        Positions of the columns of every term.
    refused : dict
        Why a term, or with the key "" the whole group, cannot be used.
    weights : Spectrum or None
    effects : {"none", "unit", "time", "twoway"}
    units : ndarray of int, shape (N,)
        Positions of the units among those of the data.
    cov : Covariance
    quantity : {"coefficient", "direct", "indirect", "total"}
    members : tuple of Member
    """

    columns: Columns | None
    at: dict[str, tuple[int, ...]]
    refused: dict[str, str]
    weights: Spectrum | None
    effects: Effects
    units: NDArray[np.int64]
    cov: Covariance
    quantity: Quantity
    members: tuple[Member, ...]

    def reason(self, member: Member) -> str:
        """Why a specification cannot be tried; empty where it can."""
        found = [self.refused[key] for key in ("", *member.terms) if key in self.refused]
        return found[0] if found else ""

    def pool(self, columns: Columns) -> Pool:
        """Reduce all columns once."""
        errors = any(MODELS[member.model].lag_u for member in self.members)
        return pool(columns, weights=self.weights, effects=self.effects, lag_u=errors)

    def positions(self, member: Member, *, null: bool = False) -> list[int]:
        """Columns of a specification; under the null without the term of interest and its lag."""
        lags = [lagged_term(term) for term in member.terms] if MODELS[member.model].lag_x else []
        out = {member.terms[0], lagged_term(member.terms[0])} if null else set()
        names = [*([""] if self.effects == "none" else []), *member.terms, *lags]
        return [j for name in names if name not in out for j in self.at[name]]

    def fit(self, columns: Pool, member: Member, *, null: bool = False) -> Estimate:
        """Estimate a specification.

        Raises
        ------
        WeightsError, IdentificationError, ConvergenceError
            As its verb would.
        """
        model = MODELS[member.model]
        if self.weights is not None and (model.lag_y or model.lag_u):
            refuse_unstandardised(self.weights, self.effects, "transformation")
        at = self.positions(member, null=null)
        return columns.fit(at, lag_y=model.lag_y, lag_u=model.lag_u)

    def row(self, columns: Pool, member: Member) -> Row:
        """Estimate the quantity of interest, or say why not."""
        focus = columns.terms[self.at[member.terms[0]][0]]
        try:
            fit = self.fit(columns, member)
            refuse_no_effect(fit, focus, self.quantity)
            vcov = self.cov(fit)
        except CcecError as error:
            return Row(member.row, reason=str(error))
        value, spread, df = point(fit, vcov, focus, self.quantity)
        return Row(member.row, value, spread, np.inf if df is None else df, "", vcov.convention)


def estimated(group: Group) -> list[Row]:
    """Estimate every specification of a group."""
    reasons = {member.row: group.reason(member) for member in group.members}
    rows = [Row(row, reason=reason) for row, reason in reasons.items() if reason]
    open_ = [member for member in group.members if not reasons[member.row]]
    if open_ and group.columns is not None:
        columns = group.pool(group.columns)
        rows += [group.row(columns, member) for member in open_]
    return rows


def redrawn(work: tuple[Group, Sequence[int], NDArray[np.float64]]) -> dict[int, list[Row]]:
    """Estimate some specifications of a group again on responses drawn under the null.

    The term of interest and its lag are left out of the model, whose innovations keep their size
    but take the sign drawn for their unit; the response follows by the reduced form. A unit has
    the same sign in all specifications, so their estimates move together as they do in the data.

    Parameters
    ----------
    work : (group, rows, signs)
        Signs by draw and unit of the data, (draws, units).
    """
    group, rows, signs = work
    if group.columns is None:
        raise FormulaError("a group without columns has nothing to draw again.")
    columns, own = group.pool(group.columns), signs[:, group.units]
    chosen = [member for member in group.members if member.row in set(rows)]
    out: dict[int, list[Row]] = {}
    for member in chosen:
        try:
            responses = _responses(group.fit(columns, member, null=True), group.weights, own)
        except CcecError as error:
            out[member.row] = [Row(member.row, reason=str(error))] * len(own)
            continue
        out[member.row] = [group.row(columns.responding(y), member) for y in responses]
    return out


def _responses(
    fit: Estimate, weights: Spectrum | None, signs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Responses (draws, T, N) of a fit whose innovations take the signs (draws, N)."""
    v, best = fit.residuals, fit.optimum
    v = v * np.sqrt(best.sigma2 / (v**2).mean())
    shape = (len(signs), *v.shape)
    u = (v * signs[:, None]).reshape(-1, v.shape[1])
    if weights is not None and best.lam:
        u = weights.solve(best.lam, u)
    y = fit.Z @ best.coefficients + u.reshape(shape)
    if weights is None or not best.rho:
        return np.asarray(y)
    return weights.solve(best.rho, y.reshape(-1, v.shape[1])).reshape(shape)
