"""Kernel densities of log relative income by year, and the stochastic kernel between years."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from ccec_econ.convergence.classes import relative
from ccec_econ.convergence.tables import consecutive
from ccec_econ.errors import IdentificationError, PanelError

__all__ = ["Densities", "StochasticKernel", "bandwidth", "densities", "stochastic_kernel"]

type Vector = NDArray[np.float64]

_FEWEST_UNITS = 5
_NAMES = {"silverman": "Silverman", "sheather-jones": "Sheather and Jones"}
_MARGIN = 3.0  # bandwidths beyond the outermost value
_BLOCK = 400  # rows of a matrix of differences


@dataclass(frozen=True, slots=True)
class Densities:
    """Densities of log relative income, one a year.

    Attributes
    ----------
    frame : DataFrame
        Years by grid points: shape (T, G); the columns are log relative values.
    values : DataFrame
        Log relative values, shape (T, N).
    bandwidths : Series
        By year, in log units.
    rule : str
    """

    frame: pd.DataFrame
    values: pd.DataFrame
    bandwidths: pd.Series[float]
    rule: str

    @property
    def note(self) -> str:
        """Kernel, bandwidths and what is measured."""
        low, high = self.bandwidths.min(), self.bandwidths.max()
        return (
            f"Gaussian kernel on the logarithm of the value relative to the mean of the units of "
            f"the year; bandwidth of {_NAMES[self.rule]} in each year ({low:.2f} to {high:.2f} log "
            f"units); {self.values.shape[1]} units of equal weight."
        )


@dataclass(frozen=True, slots=True)
class StochasticKernel:
    """Density of log relative income some years later, given where a unit stood.

    Attributes
    ----------
    frame : DataFrame
        Rows: value at t; columns: value at t + steps; shape (G, G). Each row integrates to one.
    pairs : int
        Pairs of values behind it.
    steps : int
        Years between them.
    bandwidths : (float, float)
        Of the value at t and at t + steps, in log units.
    span : (float, float)
        Lowest and highest value at t; rows beyond it rest on the nearest values.
    """

    frame: pd.DataFrame
    pairs: int
    steps: int
    bandwidths: tuple[float, float]
    span: tuple[float, float]

    @property
    def mean(self) -> pd.Series[float]:
        """Expected value at t + steps by value at t."""
        later = self.frame.columns.to_numpy(float)
        density = self.frame.to_numpy()
        return pd.Series(density @ later / density.sum(axis=1), index=self.frame.index)

    @property
    def note(self) -> str:
        """Kernel, bandwidths and pairs."""
        first, second = self.bandwidths
        return (
            f"Conditional density after {self.steps} years from {self.pairs} pairs of years that "
            f"overlap; product of Gaussian kernels, bandwidths {first:.2f} and {second:.2f}."
        )


def bandwidth(
    values: Vector, rule: Literal["silverman", "sheather-jones"] = "sheather-jones"
) -> float:
    """Choose the bandwidth of a Gaussian kernel.

    Parameters
    ----------
    values : array of float
        At least five, not all equal.
    rule : {"sheather-jones", "silverman"}

    Returns
    -------
    float
        In units of the values.

    Raises
    ------
    PanelError
        If there are fewer than five values, or too many are equal to tell a spread.
    IdentificationError
        If the rule is unknown, or its equation has no root.

    Notes
    -----
    Silverman: ``(4 / (3 n))^(1/5) s``, as `scipy.stats.gaussian_kde`; right for a normal density
    and too wide for two humps. Sheather and Jones (1991, *Journal of the Royal Statistical Society
    B* 53(3), 683-690): the root of their equation for h, with the curvature estimated at a pilot
    bandwidth; constants as in R's ``bw.SJ``, without its binning.

    Examples
    --------
    >>> round(bandwidth(np.arange(10.0), "silverman"), 3)
    2.023
    """
    x = np.asarray(values, dtype=np.float64)
    if len(x) < _FEWEST_UNITS:
        raise PanelError(f"bandwidth: {len(x)} values; give at least {_FEWEST_UNITS}.")
    spread = float(np.std(x, ddof=1))
    if rule == "silverman":
        if not spread > 0:
            raise PanelError("bandwidth: all values are equal; a density needs a spread.")
        return float((4.0 / (3.0 * len(x))) ** 0.2 * spread)
    if rule != "sheather-jones":
        raise IdentificationError(
            f"bandwidth rule {rule!r}: unknown; choose 'sheather-jones' or 'silverman'."
        )
    quartiles = np.subtract(*np.percentile(x, [75, 25])) / 1.349
    scale = min(spread, float(quartiles)) or spread
    if not scale > 0:
        raise PanelError("bandwidth: all values are equal; a density needs a spread.")
    return _solve(x, scale)


def _solve(x: Vector, scale: float) -> float:
    """Solve the equation of Sheather and Jones."""
    n = len(x)
    a, b = 1.24 * scale * n ** (-1 / 7), 1.23 * scale * n ** (-1 / 9)
    pilot = 1.357 * (_curvature(x, a, 4) / -_curvature(x, b, 6)) ** (1 / 7)

    def gap(h: float) -> float:
        curvature = _curvature(x, pilot * h ** (5 / 7), 4)
        return float((1.0 / (2.0 * np.sqrt(np.pi) * n * curvature)) ** 0.2 - h)

    low, high = 0.01 * scale * n**-0.2, 3.0 * scale * n**-0.2
    if not gap(low) > 0.0 > gap(high):
        raise IdentificationError(
            "bandwidth: the equation of Sheather and Jones has no root; too many values are "
            "equal, use 'silverman'."
        )
    return float(brentq(gap, low, high, xtol=1e-12))


def _curvature(x: Vector, h: float, order: Literal[4, 6]) -> float:
    """Mean over pairs of the 4th or 6th derivative of the kernel, own pairs included."""
    n, total = len(x), 0.0
    for start in range(0, n, _BLOCK):
        z = ((x[start : start + _BLOCK, None] - x[None, :]) / h) ** 2
        poly = z**2 - 6 * z + 3 if order == 4 else z**3 - 15 * z**2 + 45 * z - 15
        total += float(np.sum(poly * np.exp(-z / 2.0)))
    return float(total / (n * (n - 1) * h ** (order + 1) * np.sqrt(2.0 * np.pi)))


def densities(
    panel: pd.DataFrame,
    column: str,
    *,
    rule: Literal["silverman", "sheather-jones"] = "sheather-jones",
    points: int = 256,
) -> Densities:
    """Estimate the density of log relative income in each year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year), at least five units.
    column : str
        Positive levels.
    rule : {"sheather-jones", "silverman"}
        Bandwidth of each year.
    points : int
        Points of the grid, at least 16.

    Returns
    -------
    Densities

    Raises
    ------
    PanelError
        As in `relative` and `bandwidth`; or if there are fewer than 16 points.
    IdentificationError
        As in `bandwidth`.

    Notes
    -----
    Densities are of ``ln(y_it / mean_i(y_it))``, which has no border at zero where a kernel would
    leak. `scipy.stats.gaussian_kde` estimates them.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> found = densities(ce.data.load_panel(years=(2010, 2022)), "gdp_pc")
    >>> found.frame.shape
    (13, 256)
    """
    from scipy.stats import gaussian_kde

    values = relative(panel, column).apply(np.log)
    widths = values.apply(lambda row: bandwidth(row.to_numpy(), rule), axis="columns")
    grid = _grid(values.to_numpy(), float(widths.max()), points)
    rows = [
        gaussian_kde(row, bw_method=width / np.std(row, ddof=1))(grid)
        for row, width in zip(values.to_numpy(), widths, strict=True)
    ]
    frame = pd.DataFrame(rows, values.index, pd.Index(grid, name="log_relative"))
    return Densities(frame, values, widths.rename("bandwidth"), rule)


def stochastic_kernel(
    panel: pd.DataFrame,
    column: str,
    *,
    steps: int = 5,
    rule: Literal["silverman", "sheather-jones"] = "sheather-jones",
    points: int = 101,
) -> StochasticKernel:
    """Estimate the density of log relative income `steps` years later given that of today.

    Parameters
    ----------
    panel, column, rule, points
        As in `densities`.
    steps : int
        Years between both values.

    Returns
    -------
    StochasticKernel

    Raises
    ------
    PanelError
        As in `densities`; or if years are missing or not more than `steps`.
    IdentificationError
        As in `bandwidth`, or if `steps` is below one.

    Notes
    -----
    ``f(y | x) = sum_i K_a(x - x_i) K_b(y - y_i) / sum_i K_a(x - x_i)`` over all pairs
    ``(x_i, y_i)`` of a unit's values `steps` years apart, with Gaussian kernels (Quah 1997,
    *Journal of Economic Growth* 2(1), 27-59; Hyndman, Bashtannyk and Grunwald 1996). The
    bandwidths are those of x and of y by themselves. Mass along the diagonal means persistence,
    a ridge parallel to the axis of today means convergence. Rows far from any value copy the
    nearest.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> kernel = stochastic_kernel(ce.data.load_panel(years=(2010, 2022)), "gdp_pc")
    >>> kernel.pairs
    128
    """
    if steps < 1:
        raise IdentificationError(f"steps = {steps}: give at least one year.")
    table = consecutive(relative(panel, column), f"stochastic kernel of '{column}'", steps + 1)
    values = np.log(table.to_numpy())
    x, y = values[:-steps].ravel(), values[steps:].ravel()
    a, b = bandwidth(x, rule), bandwidth(y, rule)
    grid = _grid(values, max(a, b), points)
    frame = pd.DataFrame(
        conditional(grid, x, y, a, b),
        pd.Index(grid, name="log_relative"),
        pd.Index(grid, name="log_relative_later"),
    )
    return StochasticKernel(frame, len(x), steps, (a, b), (float(x.min()), float(x.max())))


def conditional(grid: Vector, x: Vector, y: Vector, a: float, b: float) -> Vector:
    """Conditional density of y given x on a grid, shape (G, G)."""
    distance = -0.5 * ((grid[:, None] - x[None, :]) / a) ** 2
    weight = np.exp(distance - distance.max(axis=1, keepdims=True))  # no row underflows
    kernel = np.exp(-0.5 * ((grid[None, :] - y[:, None]) / b) ** 2) / (b * np.sqrt(2.0 * np.pi))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True) @ kernel)


def _grid(values: Vector, width: float, points: int) -> Vector:
    if points < 16:
        raise PanelError(f"points = {points}: a curve needs at least 16.")
    return np.linspace(values.min() - _MARGIN * width, values.max() + _MARGIN * width, points)
