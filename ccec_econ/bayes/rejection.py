"""Independent draws from a density of two or three parameters, by rejection from an envelope.

The envelope is the density at the nodes of a grid, linear between them: a mixture of products of
triangular densities, which is drawn from directly. A draw x is kept with probability
p(x) / (M e(x)), e the envelope there, so that what is kept follows p exactly and not its
interpolation; M is raised, and all draws are made again, should a ratio exceed it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import maximum_filter

from ccec_econ.errors import IdentificationError

__all__ = ["Envelope", "envelope"]

type LogDensity = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_NODES = 25  # per parameter
_FIRST = 15  # of the grids that find where the density is
_WIDE = 14.0  # first half-width, in standard deviations of the guess
_DEEP = 20.0  # log density below the highest that counts as nothing
_SHRINKS = 0.6  # zoom as long as the box shrinks below this share of the one before
_ZOOMS = 20
_BOUND = 1.3  # first M
_BLOCK = 4096  # draws proposed at a time, at least


@dataclass(frozen=True, slots=True)
class Envelope:
    """A log density, tabulated in a box.

    Attributes
    ----------
    log_density : callable
        Of points (P, d), minus infinity where the density is zero; up to a constant.
    centre : ndarray, shape (d,)
    root : ndarray, shape (d, d)
        Points are centre + root z.
    axes : tuple of ndarray
        Nodes of z.
    heights : ndarray
        Envelope at the nodes, relative to `top`.
    top : float
        Log density at the highest node.
    """

    log_density: LogDensity
    centre: NDArray[np.float64]
    root: NDArray[np.float64]
    axes: tuple[NDArray[np.float64], ...]
    heights: NDArray[np.float64]
    top: float

    def draw(self, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw points, shape (size, d)."""
        bound = _BOUND
        while True:
            kept, highest = self._draw(size, bound, rng)
            if highest <= bound:
                return kept
            bound = 1.5 * highest

    def _draw(
        self, size: int, bound: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], float]:
        """Draw under one bound, and return the highest ratio met."""
        inside = RegularGridInterpolator(self.axes, self.heights)
        shares = np.cumsum(self.heights)
        lower = np.array([axis[0] for axis in self.axes])
        upper = np.array([axis[-1] for axis in self.axes])
        step = np.array([axis[1] - axis[0] for axis in self.axes])
        kept, many, highest = [], 0, 0.0
        while many < size and highest <= bound:
            block = max(_BLOCK, 2 * (size - many))
            node = np.searchsorted(shares, rng.random(block) * shares[-1], side="right")
            place = np.unravel_index(np.minimum(node, shares.size - 1), self.heights.shape)
            z = np.column_stack([axis[at] for axis, at in zip(self.axes, place, strict=True)])
            z = z + step * (rng.random(z.shape) - rng.random(z.shape))
            z = z[((z >= lower) & (z <= upper)).all(axis=1)]
            points = self.centre + z @ self.root.T
            ratio = np.exp(self.log_density(points) - self.top) / inside(z)
            highest = max(highest, float(ratio.max()))
            chosen = points[rng.random(len(z)) * bound < ratio]
            kept.append(chosen)
            many += len(chosen)
        return np.concatenate(kept)[:size], highest


def envelope(
    log_density: LogDensity, centre: NDArray[np.float64], root: NDArray[np.float64]
) -> Envelope:
    """Find the box that holds a density and tabulate it there.

    Parameters
    ----------
    centre, root : ndarray, shape (d,) and (d, d)
        A guess of the mean and of a root of the covariance; the box reaches fourteen standard
        deviations of the guess to every side before it is narrowed.

    Raises
    ------
    IdentificationError
        If the density is zero at every node.
    """
    d = len(centre)
    lower, upper = np.full(d, -_WIDE), np.full(d, _WIDE)
    for _ in range(_ZOOMS):
        axes, heights = _tabulate(log_density, centre, root, (lower, upper), _FIRST)
        there = heights > heights.max() - _DEEP
        before = upper - lower
        lower, upper = lower.copy(), upper.copy()
        for j in range(d):
            at = np.flatnonzero(there.any(axis=tuple(i for i in range(d) if i != j)))
            lower[j] = axes[j][max(at[0] - 1, 0)]
            upper[j] = axes[j][min(at[-1] + 1, _FIRST - 1)]
        if np.prod((upper - lower) / before) > _SHRINKS:
            break
    axes, heights = _tabulate(log_density, centre, root, (lower, upper), _NODES)
    top = float(heights.max())
    density = np.exp(heights - top)
    beside = maximum_filter(density, 3)  # cells that the border of the region cuts
    return Envelope(log_density, centre, root, axes, np.where(density > 0.0, density, beside), top)


def _tabulate(
    log_density: LogDensity,
    centre: NDArray[np.float64],
    root: NDArray[np.float64],
    box: tuple[NDArray[np.float64], NDArray[np.float64]],
    nodes: int,
) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.float64]]:
    axes = tuple(np.linspace(a, b, nodes) for a, b in zip(*box, strict=True))
    z = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    heights = log_density(centre + z.reshape(-1, len(axes)) @ root.T)
    if not np.isfinite(heights.max()):
        raise IdentificationError(
            "the posterior has no mass where it is looked for: the process is far from stable; "
            "model a stationary response, or read unit_effects='flat'."
        )
    return axes, heights.reshape(z.shape[:-1])
