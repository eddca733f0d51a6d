"""Many values of a smooth function of one number, read off a few.

A function that is analytic on and around an interval is a short sum of Chebyshev polynomials there:
what (I - rho W)^-1 holds is such a function of rho, so a thousand draws of rho need the inverse at
some twenty places only.

References
----------
Trefethen, L. N. (2013). Approximation Theory and Approximation Practice, chapters 3 and 8. SIAM.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from numpy.typing import NDArray

__all__ = ["read_off"]

_FEWEST = 16  # nodes tried first; doubled until the last coefficients vanish
_NOTHING = 1e-14  # share of the largest value that counts as vanished


def read_off(
    places: NDArray[np.float64], function: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    """Evaluate a function at D places by Chebyshev interpolation between them.

    Parameters
    ----------
    places : ndarray, shape (D,)
    function : callable
        Takes nodes (m,) between the lowest and the highest place, returns values (m, ...).

    Returns
    -------
    ndarray, shape (D, ...), or None
        None where half as many nodes as places are not enough.

    Examples
    --------
    >>> places = np.linspace(0.0, 0.5, 200)
    >>> bool(np.allclose(read_off(places, lambda rho: 1.0 / (1.0 - rho)), 1.0 / (1.0 - places)))
    True
    """
    low, high = float(places.min()), float(places.max())
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    nodes = _FEWEST
    while nodes <= len(places) // 2 and half > 0.0:
        x = np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)
        values = function(middle + half * x)
        flat = values.reshape(nodes, -1)
        basis = chebvander(x, nodes - 1)
        coefficients = basis.T @ flat * (2.0 / nodes)
        coefficients[0] /= 2.0
        if np.abs(coefficients[-3:]).max() <= _NOTHING * np.abs(flat).max():
            found = chebvander((places - middle) / half, nodes - 1) @ coefficients
            return np.asarray(found.reshape(len(places), *values.shape[1:]))
        nodes *= 2
    return None
