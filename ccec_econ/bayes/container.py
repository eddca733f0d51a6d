"""Posterior draws in ArviZ's container, with what its functions ask for.

The pointwise log-likelihood is the density of one observation given all others and the parameters,
effects integrated out. In precision form, e the innovations S y - Z d with effects removed and S
either I - rho W or I - lam M,

    log p(y_it | y_-it, d, psi, s2) = log(q_i / (2 pi)) / 2 - r_it^2 / (2 q_i),
    r = S'P e / s2,    q_i = c_T [S'(P - c_N p p')S]_ii / s2,

P = diag(p) the precisions of the units relative to 1/s2, all one where variances are the same,
c_N = 1/sum p where time effects were removed and zero otherwise, c_T = 1 - 1/T where unit effects
were removed and one otherwise; means over units are weighted by p. Observations of a spatial model
are not independent: these terms do not add up to the joint log-likelihood, which is kept in the
sample statistics. They are what leave-one-out cross-validation needs (Buerkner, Gabry and Vehtari
2021, Computational Statistics 36, 1243-1261).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ccec_econ.bayes.sampler import Draws
from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.spectrum import Spectrum
from ccec_econ.engine.transform import demean
from ccec_econ.panel import Panel

if TYPE_CHECKING:
    from xarray import DataTree

__all__ = [
    "conditional_log_likelihood",
    "datatree",
    "few",
    "joint_log_likelihood",
    "labelled",
    "predictive",
]

_PREDICTIVE = 500  # replicated panels, about
_BY_CHAIN = ("posterior", "log_likelihood", "sample_stats")
_DATA = ("observed_data", "constant_data")


def conditional_log_likelihood(posed: Estimate, draws: Draws) -> NDArray[np.float64]:
    """Log density of every observation given the others: shape (D, T, N)."""
    T, N = posed.y.shape
    psi, W, p = draws.spatial[:, None], _matrix(posed), draws.precisions(N)
    weighted = p[:, None] * _innovations(posed, draws)
    r = weighted - psi[:, :, None] * (weighted @ W)
    diagonal = p * (1.0 - 2.0 * psi * np.diag(W)) + psi**2 * (p @ W**2)
    if posed.effects in ("time", "twoway"):
        diagonal = diagonal - (p - psi * (p @ W)) ** 2 / p.sum(axis=1, keepdims=True)
    if posed.effects in ("unit", "twoway"):
        diagonal = diagonal * (1.0 - 1.0 / T)
    q = (diagonal / draws.sigma2[:, None])[:, None]
    r = r / draws.sigma2[:, None, None]
    return np.asarray(0.5 * (np.log(q / (2.0 * np.pi)) - r**2 / q))


def joint_log_likelihood(posed: Estimate, draws: Draws) -> NDArray[np.float64]:
    """Log-likelihood of the transformed data: shape (D,)."""
    size, e = posed.reduction, _innovations(posed, draws)
    p = draws.precisions(posed.y.shape[1])
    out = -0.5 * size.nobs * np.log(2.0 * np.pi * draws.sigma2)
    out = out - 0.5 * (p[:, None] * e**2).sum(axis=(1, 2)) / draws.sigma2
    spread = -np.log(p).sum(axis=1)
    if posed.effects in ("time", "twoway"):
        spread = spread + np.log(p.mean(axis=1))
    out = out - 0.5 * size.periods * spread
    for part in (posed.spectrum, posed.error):
        if part is not None:
            out = out + size.periods * part.logdet(draws.spatial)
    return np.asarray(out)


def predictive(posed: Estimate, draws: Draws, rng: np.random.Generator) -> NDArray[np.float64]:
    """Replicated responses, effects removed: shape (D, T, N)."""
    T, N = posed.y.shape
    v = rng.standard_normal((len(draws.sigma2), T, N)) * np.sqrt(draws.sigma2)[:, None, None]
    v = v / np.sqrt(draws.precisions(N))[:, None]
    mean = np.einsum("tnk,dk->dtn", posed.Z, draws.coefficients)
    if posed.spectrum is None and posed.error is None:
        return demean_each(mean + v, posed)
    S = np.eye(N) - draws.spatial[:, None, None] * _matrix(posed)
    shocks = v if posed.error is not None else mean + v
    solved = np.linalg.solve(S, shocks.transpose(0, 2, 1)).transpose(0, 2, 1)
    return demean_each(solved + mean if posed.error is not None else solved, posed)


def demean_each(panels: NDArray[np.float64], posed: Estimate) -> NDArray[np.float64]:
    """Remove the effects from panels (D, T, N)."""
    return demean(panels.transpose(1, 2, 0), posed.effects).transpose(2, 0, 1)


def datatree(
    groups: Mapping[str, Mapping[str, NDArray[np.float64]]],
    posed: Estimate,
    panel: Panel,
    *,
    regressors: Sequence[str],
    chains: int,
) -> DataTree:
    """Put groups of variables into ArviZ's container.

    Parameters
    ----------
    groups : mapping
        Variables by group: draws first, then their own axes; `y` with axes (T, N) at the end and
        `x` (T, N, K).
    regressors : sequence of str
        Labels of the effects.
    chains : int
        That the draws of the posterior are of, one after the other; other groups have one.
    """
    import arviz as az  # here, because it takes seconds to import

    chained = {
        group: {
            name: _chained(_by_unit(name, values), group, chains)
            for name, values in content.items()
        }
        for group, content in groups.items()
    }
    by_regressor = [
        name
        for name in groups["posterior"]
        if name.rpartition("_")[2] in ("direct", "indirect", "total")
    ]
    tree: DataTree = az.from_dict(
        chained,
        coords={
            "term": list(posed.terms),
            "regressor": list(regressors),
            panel.unit_name: panel.units.to_numpy(),
            panel.time_name: panel.times.to_numpy(),
        },
        dims={
            "coefficients": ["term"],
            **{name: ["regressor"] for name in by_regressor},
            "omega": [panel.unit_name],
            "y": [panel.unit_name, panel.time_name],
            "x": [panel.unit_name, panel.time_name, "term"],
        },
    )
    for group in tree.children.values():
        group.attrs.pop("created_at", None)  # the same draws make the same container
    return tree


def few(draws: Draws) -> Draws:
    """Draws to replicate panels from, spread over all of them."""
    return draws.part(slice(None, None, max(1, len(draws.sigma2) // _PREDICTIVE)))


def _by_unit(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Panels (..., T, N) and columns (T, N, K) with units before periods."""
    if name == "y":
        return np.swapaxes(values, -1, -2)
    return np.swapaxes(values, 0, 1) if name == "x" else values


def _chained(values: NDArray[np.float64], group: str, chains: int) -> NDArray[np.float64]:
    if group in _DATA:
        return values
    return values.reshape(chains if group in _BY_CHAIN else 1, -1, *values.shape[1:])


def labelled(posed: Estimate, draws: Draws) -> dict[str, NDArray[np.float64]]:
    """Draws by name of the parameter."""
    spatial = dict.fromkeys(posed.spatial, draws.spatial)
    omega = {} if draws.omega is None else {"omega": draws.omega}
    return {"coefficients": draws.coefficients, **spatial, "sigma2": draws.sigma2, **omega}


def _innovations(posed: Estimate, draws: Draws) -> NDArray[np.float64]:
    """Innovations at every draw, effects removed: shape (D, T, N)."""
    u = posed.y - np.einsum("tnk,dk->dtn", posed.Z, draws.coefficients, optimize=True)
    psi = draws.spatial[:, None, None]
    lagged = posed.Wy if posed.error is None else u @ _matrix(posed).T
    v = u - psi * lagged
    if posed.effects in ("time", "twoway"):
        p = draws.precisions(posed.y.shape[1])
        mean = np.einsum("dtn,dn->dt", v, p / p.sum(axis=1, keepdims=True))
        v = v - mean[:, :, None]
    return np.asarray(v)


def _matrix(posed: Estimate) -> NDArray[np.float64]:
    part = posed.spectrum or posed.error
    N = posed.y.shape[1]
    return part.W if isinstance(part, Spectrum) else np.zeros((N, N))
