"""Covariances of estimates on unbalanced panels: the classical one, quasi-ML and clusters.

The same sandwiches as in `ccec_econ.inference.vcov`, with what the removal of effects does to the
innovations taken from its projection Q cell by cell, because no share 1 - 1/T serves all cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.forms import applied
from ccec_econ.engine.information import Scores, inverse_information, scores
from ccec_econ.engine.unbalanced import UnbalancedEstimate
from ccec_econ.errors import IdentificationError
from ccec_econ.inference.cluster import Cluster, refuse_few_periods
from ccec_econ.inference.vcov import Covariance, Information, QuasiML, Vcov, checked, higher_moments

__all__ = ["period_contributions", "unbalanced_vcov", "unit_contributions"]

_NOTHING = 1e-9  # share of an observation that effects leave of a unit, or of a third moment


def unbalanced_vcov(cov: Covariance, fit: UnbalancedEstimate) -> Vcov:
    """Compute the covariance of an estimate on an unbalanced panel.

    Raises
    ------
    IdentificationError
        If the covariance is none of ``Information()``, ``QuasiML()``, ``Cluster("unit")`` and
        ``Cluster("time")``.
    """
    cov = checked(cov)
    if cov == Information():
        return _information(fit) if not fit.spatial else cov(fit)
    if cov == QuasiML():
        bread = inverse_information(fit)
        matrix = bread + bread @ _excess(fit) @ bread
        return Vcov(matrix, None, "quasi-ML sandwich (third and fourth moments), normal")
    if isinstance(cov, Cluster) and cov == Cluster(cov.by):
        return _clustered(cov, fit)
    raise IdentificationError(
        f"covariance {cov!r} is not available for an unbalanced panel; use Information(), "
        "QuasiML(), Cluster('unit') or Cluster('time')."
    )


def unit_contributions(fit: UnbalancedEstimate) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Score contributions of units, shape (N, P), and of pairs of units, shape (N(N - 1)/2, P).

    Products v_it v_jt are centred at their expectation Q_tt s2. The contributions of d and s2 add
    to the gradient; those of rho (and lam) to v'Gv/s2 - tr(QG), where the gradient has
    sum_t tr G_t (m - q)/m.
    """
    parts, s2, expected = scores(fit), fit.optimum.sigma2, fit.removal.blocks()
    N, K = parts.v.shape[1], len(fit.terms)
    surplus = np.einsum("ti,tj->tij", parts.v, parts.v) / s2 - expected
    above = np.triu_indices(N, k=1)
    own = np.zeros((N, K + len(parts.forms) + 1))
    pairs = np.zeros((len(above[0]), own.shape[1]))
    own[:, :K] = np.einsum("tnk,tn->nk", parts.Z, parts.v) / s2
    for j, (name, A) in enumerate(parts.matrices.items(), start=K):
        own[:, j] = np.einsum("tii,tii->i", A, surplus)
        pairs[:, j] = ((A + A.transpose(0, 2, 1)) * surplus).sum(axis=0)[above]
        if name == "rho":
            own[:, j] += (parts.mean * parts.v).sum(axis=0) / s2
    own[:, -1] = np.einsum("tii->i", surplus) / (2.0 * s2)
    return own, pairs


def period_contributions(fit: UnbalancedEstimate) -> NDArray[np.float64]:
    """Score contributions of periods, shape (T, P), centred as those of units."""
    parts, s2, expected = scores(fit), fit.optimum.sigma2, fit.removal.blocks()
    T, K = len(parts.v), len(fit.terms)
    out = np.zeros((T, K + len(parts.forms) + 1))
    out[:, :K] = np.einsum("tnk,tn->tk", parts.Z, parts.v) / s2
    for j, (name, A) in enumerate(parts.matrices.items(), start=K):
        out[:, j] = (parts.v * applied(A, parts.v)).sum(axis=1) / s2
        out[:, j] -= np.einsum("tij,tji->t", A, expected)
        if name == "rho":
            out[:, j] += (parts.mean * parts.v).sum(axis=1) / s2
    out[:, -1] = ((parts.v**2).sum(axis=1) / s2 - np.einsum("tii->t", expected)) / (2.0 * s2)
    return out


def _information(fit: UnbalancedEstimate) -> Vcov:
    """Exact theory of the linear model: SSE/(m - q - K) and t."""
    matrix, df = inverse_information(fit), fit.free - len(fit.terms)
    matrix[:-1, :-1] *= fit.free / df
    return Vcov(matrix, df, f"homoskedastic, SSE/(observations - K), t({df})")


def _clustered(cov: Cluster, fit: UnbalancedEstimate) -> Vcov:
    if cov.by == "unit":
        contributions: tuple[NDArray[np.float64], ...] = unit_contributions(fit)
        left = np.einsum("tii->i", fit.removal.blocks())
        groups = int((left > _NOTHING).sum())
    else:
        groups = len(fit.y)
        refuse_few_periods(fit)
        contributions = (period_contributions(fit),)
    K = len(fit.terms)
    factor = groups / (groups - 1) * (fit.free - 1) / (fit.free - K)
    bread = inverse_information(fit)
    middle = sum((part.T @ part for part in contributions), np.zeros_like(bread))
    text = f"clustered by {cov.by} (CR1), {groups} clusters, t({groups - 1})"
    return Vcov(factor * bread @ middle @ bread, groups - 1, text)


def _excess(fit: UnbalancedEstimate) -> NDArray[np.float64]:
    """Omega: what moments other than the normal's add to the information."""
    parts, s2, space = scores(fit), fit.optimum.sigma2, fit.removal
    third, fourth = _cumulants(parts, fit)
    diagonals = [space.diagonals(A) / s2 for A in parts.matrices.values()]
    diagonals.append(np.einsum("tii->ti", space.blocks()) / (2.0 * s2**2))
    return higher_moments(parts, np.stack(diagonals), s2, third, fourth)


def _cumulants(parts: Scores, fit: UnbalancedEstimate) -> tuple[float, float]:
    """Third and fourth cumulants of the innovations from the sums of powers of Q."""
    first, second, third, fourth = fit.removal.power_sums()
    if abs(third) < _NOTHING * fourth:
        raise IdentificationError(
            "quasi-ML with units present in two periods: removing unit effects leaves no third "
            "moment to estimate; use Information() or Cluster('unit')."
        )
    variance = float((parts.v**2).sum()) / first
    return (
        float((parts.v**3).sum()) / third,
        (float((parts.v**4).sum()) - 3.0 * variance**2 * second) / fourth,
    )
