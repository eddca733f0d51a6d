"""Fisher information of (d, rho, lam, sigma2) and the quadratic forms in its scores.

With Z and v filtered by R = I - lam M, G = R W (I - rho W)^-1 R^-1 and H = M R^-1, all on the
space where the likelihood lives, the scores are

    d: Z'v/s2,   rho: (G Zd)'v/s2 + v'Gv/s2 - tau tr G,   lam: v'Hv/s2 - tau tr H,
    sigma2: v'v/(2 s2^2) - m tau/(2 s2),

and the expected information follows (Lee and Yu 2010, Journal of Econometrics 154, 165-185).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccec_econ.engine.conjugate import conjugated
from ccec_econ.engine.estimate import Estimate, Reduced
from ccec_econ.engine.forms import Form, dense
from ccec_econ.engine.sparse_weights import Resolvent, SparseWeights, pairs_by_signs
from ccec_econ.engine.spectrum import Spectral, Spectrum
from ccec_econ.errors import IdentificationError

__all__ = [
    "Scores",
    "expected_information",
    "inverse_information",
    "inverted",
    "scores",
]

_SINGULAR = 1e12  # condition number above which parameters are not told apart


@dataclass(frozen=True, slots=True)
class Scores:
    """What the score is made of.

    Attributes
    ----------
    Z : ndarray, shape (T, N, K)
        Filtered regressors.
    v : ndarray, shape (T, N)
        Innovations.
    mean : ndarray, shape (T, N)
        G Zd, the part of the score of rho that is linear in v; zero without rho.
    forms : dict
        G and H by parameter: "rho", "lam".
    """

    Z: NDArray[np.float64]
    v: NDArray[np.float64]
    mean: NDArray[np.float64]
    forms: dict[str, Form]

    @property
    def matrices(self) -> dict[str, NDArray[np.float64]]:
        """Forms written out, (1 or T, N, N); T where the weights change over time."""
        return {name: dense(form) for name, form in self.forms.items()}


def scores(fit: Estimate) -> Scores:
    """Assemble the pieces of the score at an estimate."""
    Z, v, forms = fit.filter(fit.Z), fit.residuals, quadratic_forms(fit)
    mean = fit.lagged_mean(forms["rho"], Z) if "rho" in forms else np.zeros_like(v)
    return Scores(Z, v, mean, forms)


def quadratic_forms(fit: Reduced) -> dict[str, Form]:
    """G and H at an estimate, by parameter. Where W is M, R and (I - rho W)^-1 W commute."""
    forms: dict[str, Form] = {}
    if fit.spectrum is not None:
        rho, lam = fit.optimum.rho, fit.optimum.lam
        if fit.error is None or not lam or _alike(fit.spectrum, fit.error):
            forms["rho"] = fit.spectrum.form(rho)
        else:
            forms["rho"] = conjugated(fit.spectrum, rho, fit.error, lam)
    if fit.error is not None:
        forms["lam"] = fit.error.form(fit.optimum.lam)
    return forms


def _alike(W: Spectral, M: Spectral) -> bool:
    return isinstance(W, Spectrum) and isinstance(M, Spectrum) and W.same_as(M)


def expected_information(fit: Reduced) -> NDArray[np.float64]:
    """Information in the order (d, rho, lam, sigma2), absent parameters left out."""
    info, R = _in_coordinates(fit)
    K = len(R)
    out = info.copy()
    out[:K, :K] = R.T @ info[:K, :K] @ R
    out[:K, K:] = R.T @ info[:K, K:]
    out[K:, :K] = out[:K, K:].T
    return out


def inverse_information(fit: Reduced) -> NDArray[np.float64]:
    """Inverse information; coefficients are handled in orthonormal coordinates.

    Raises
    ------
    IdentificationError
        If the information matrix is singular.
    """
    info, R = _in_coordinates(fit)
    return inverted(info, R, (*fit.spatial, "sigma2"))


def inverted(
    info: NDArray[np.float64], R: NDArray[np.float64], names: tuple[str, ...]
) -> NDArray[np.float64]:
    """Invert information in which coefficients d stand as R d, R of shape (K, K), first.

    `names` are those of the other parameters, for the message.

    Raises
    ------
    IdentificationError
        If the matrix is singular.
    """
    K = len(R)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(np.diag(info))
        unit = info / np.outer(scale, scale)
    condition = float(np.linalg.cond(unit)) if np.isfinite(unit).all() else np.inf
    if condition > _SINGULAR:
        raise IdentificationError(
            f"information matrix is singular (condition number {condition:.1e}): the data do not "
            f"tell {', '.join(names)} and the coefficients apart; leave one out."
        )
    inverse = np.linalg.inv(unit) / np.outer(scale, scale)
    inverse[:K] = np.linalg.solve(R, inverse[:K])
    inverse[:, :K] = np.linalg.solve(R, inverse[:, :K].T).T
    return np.asarray((inverse + inverse.T) / 2.0)


def _in_coordinates(fit: Reduced) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Information with coefficients replaced by R d, Z'Z = R'R, and R itself."""
    forms, s2 = quadratic_forms(fit), fit.optimum.sigma2
    R = fit.triangle.at(fit.optimum.lam).R
    K, names = len(R), list(forms)
    P = K + len(names) + 1
    info = np.zeros((P, P))
    info[:K, :K] = np.eye(K) / s2
    info[K:-1, K:-1] = _pairs(fit, list(forms.values()))
    for a, one in enumerate(names, start=K):
        info[a, -1] = info[-1, a] = fit.trace(forms[one]) / s2
    if "rho" in forms:
        slope, square = fit.linear_part(forms["rho"])
        info[:K, K] = info[K, :K] = np.linalg.solve(R.T, slope / s2)
        info[K, K] += square / s2
    info[-1, -1] = fit.free / (2.0 * s2**2)
    return info, R


def _pairs(fit: Reduced, forms: list[Form]) -> NDArray[np.float64]:
    """tr(AB) + tr(A'B) of all pairs of forms, over all periods."""
    error = fit.error
    exact = any(isinstance(form, Resolvent) and not form.rho for form in forms)
    if len(forms) == 2 and not exact and isinstance(error, SparseWeights) and not error.written:
        return fit.periods * pairs_by_signs(forms, error, fit.optimum.lam)
    out = np.empty((len(forms), len(forms)))
    for a, A in enumerate(forms):
        for b, B in enumerate(forms[: a + 1]):
            out[a, b] = out[b, a] = fit.pair(A, B)
    return out
