"""Simulated unbalanced panels, and their likelihood written densely, for tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.optimize import minimize

from ccec_econ.engine.transform import helmert


def restricted(W: NDArray[np.float64], mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """W among the units present in each period, row-standardised again."""
    parts = [W[np.ix_(here, here)] for here in mask]
    return [part / part.sum(axis=1, keepdims=True) for part in parts]


def simulate_unbalanced(
    rng: np.random.Generator,
    W: NDArray[np.float64],
    mask: NDArray[np.bool_],
    rho: float = 0.3,
    lam: float = 0.0,
) -> pd.DataFrame:
    """Two-way panel in which absent units are nobody's neighbours; columns y, x0, x1."""
    T, N = mask.shape
    X = rng.standard_normal((T, N, 2))
    unit, time = rng.standard_normal(N), rng.standard_normal(T)
    frames = []
    for t, (part, here) in enumerate(zip(restricted(W, mask), mask, strict=True)):
        eye = np.eye(len(part))
        x = X[t, here]
        v = rng.standard_normal(len(part))
        u = np.linalg.solve(eye - lam * part, v)
        mean = x @ [1.0, -0.5] + part @ x @ [0.3, 0.2] + unit[here] + time[t]
        y = np.linalg.solve(eye - rho * part, mean + u)
        frames.append(
            pd.DataFrame(
                {"unit": np.flatnonzero(here), "year": t, "y": y, "x0": x[:, 0], "x1": x[:, 1]}
            )
        )
    return pd.concat(frames).set_index(["unit", "year"])


@dataclass(frozen=True, slots=True)
class Dense:
    """The likelihood with explicit dummies, block-diagonal S and R, and F_n by period.

    Attributes
    ----------
    y : ndarray, shape (m,)
    Z, D : ndarray, shape (m, K) and (m, q)
        Regressors with their lags, and unit dummies without the dependent ones.
    W : ndarray, shape (m, m)
    """

    y: NDArray[np.float64]
    Z: NDArray[np.float64]
    D: NDArray[np.float64]
    W: NDArray[np.float64]

    def parts(
        self, rho: float, lam: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Coefficients, residuals, R Z off the dummies, and the projection off them."""
        eye = np.eye(len(self.y))
        R, S = eye - lam * self.W, eye - rho * self.W
        Q = eye
        if self.D.shape[1]:
            basis = np.linalg.qr(R @ self.D)[0]
            Q = eye - basis @ basis.T
        Z, y = Q @ R @ self.Z, Q @ R @ S @ self.y
        d = np.linalg.lstsq(Z, y, rcond=None)[0]
        return d, y - Z @ d, Z, Q

    def height(self, rho: float, lam: float) -> float:
        """Concentrated log-likelihood on all m observations."""
        e, m, eye = self.parts(rho, lam)[1], len(self.y), np.eye(len(self.y))
        logdets = sum(np.linalg.slogdet(eye - a * self.W)[1] for a in (rho, lam))
        return float(logdets - 0.5 * m * (np.log(2 * np.pi * e @ e / m) + 1))

    def maximum(
        self, start: tuple[float, float], free: tuple[bool, bool], interval: tuple[float, float]
    ) -> tuple[float, float]:
        """Climb from a start inside the interval by the simplex over the free of rho and lam."""
        which = np.flatnonzero(free)

        def target(values: NDArray[np.float64]) -> float:
            full = np.zeros(2)
            full[which] = values
            inside = (full > interval[0]).all() and (full < interval[1]).all()
            return -self.height(*full) if inside else 1e10

        options = {"xatol": 1e-8, "fatol": 1e-11}
        found = minimize(target, np.array(start)[which], method="Nelder-Mead", options=options).x
        full = np.zeros(2)
        full[which] = found
        return float(full[0]), float(full[1])


def dense(
    frame: pd.DataFrame, W: NDArray[np.float64], mask: NDArray[np.bool_], kind: str, durbin: bool
) -> Dense:
    """Write a panel of `simulate_unbalanced` densely; rows by period, then unit."""
    rows = frame.swaplevel().sort_index()
    whole = block_diag(*restricted(W, mask))
    X = rows[["x0", "x1"]].to_numpy()
    if kind == "none":
        X = np.column_stack([np.ones(len(X)), X])
    Z = np.hstack([X, whole @ rows[["x0", "x1"]].to_numpy()]) if durbin else X
    units = rows.index.get_level_values(1).to_numpy()
    D = (units[:, None] == np.arange(mask.shape[1])).astype(float)
    D = D if kind in ("unit", "twoway") else D[:, :0]
    if kind in ("time", "twoway"):
        F = block_diag(*(helmert(int(n)) for n in mask.sum(axis=1)))
    else:
        F = np.eye(len(X))
    D = F.T @ D
    if D.shape[1]:
        left, size, _ = np.linalg.svd(D, full_matrices=False)
        D = left[:, size > 1e-8]
    return Dense(F.T @ rows["y"].to_numpy(), F.T @ Z, D, F.T @ whole @ F)
