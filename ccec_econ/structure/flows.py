"""Potential flows between units: a gravity network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccec_econ.convergence.tables import positive
from ccec_econ.errors import AlignmentError, PanelError, first_five

__all__ = ["Gravity", "gravity"]


@dataclass(frozen=True, slots=True)
class Gravity:
    """Gravity between all pairs of units in one year.

    Attributes
    ----------
    flows : DataFrame, shape (N, N)
        From the row's unit to the column's; zero on the diagonal.
    strength : DataFrame
        By unit: ``out``, ``into`` (row and column sums), ``net`` = out - into.
    density : float
        Share of the ordered pairs whose flow exceeds the mean flow: low when few pairs hold most.
    top_share : float
        Share of the largest tenth of ordered pairs in all flows.
    """

    flows: pd.DataFrame
    strength: pd.DataFrame
    density: float
    top_share: float


def gravity(
    panel: pd.DataFrame, value: str, population: str, separation: pd.DataFrame, year: int
) -> Gravity:
    """Compute the modified gravity network of one year.

    Parameters
    ----------
    panel : DataFrame
        Indexed (unit, year).
    value, population : str
        Totals of output and residents.
    separation : DataFrame
        Distance or travel time between units, labelled on both sides; positive off the diagonal.
    year : int
        Which year.

    Raises
    ------
    PanelError
        If the year is absent or values are missing or not positive.
    AlignmentError
        If units and separation differ, or a separation is not positive.

    Notes
    -----
    ``F_ij = k_ij sqrt(P_i G_i) sqrt(P_j G_j) / d_ij^2`` with ``k_ij = G_i / (G_i + G_j)``: the
    larger unit sends more. These are potentials, not observed flows.
    """
    G, P = positive(panel, value), positive(panel, population)
    if year not in G.index:
        raise PanelError(f"year {year} is not in the panel; it has {first_five(G.index)}.")
    units = G.columns
    absent = [unit for unit in units if unit not in separation.index]
    if absent:
        raise AlignmentError(f"no separation for {first_five(absent)}; give all units.")
    d = separation.loc[units, list(units)].to_numpy(dtype=np.float64)
    off = ~np.eye(len(units), dtype=bool)
    if not (np.isfinite(d[off]) & (d[off] > 0.0)).all():
        raise AlignmentError("separation is not a positive number for every pair of units.")
    g, p = G.loc[year].to_numpy(), P.loc[year].to_numpy()
    mass = np.sqrt(g * p)
    F = np.zeros_like(d)
    F[off] = (np.outer(mass, mass) * g[:, None] / (g[:, None] + g))[off] / d[off] ** 2
    flows = pd.DataFrame(F, index=units.rename("from"), columns=units.rename("to"))
    strength = pd.DataFrame({"out": F.sum(axis=1), "into": F.sum(axis=0)}, index=units)
    strength["net"] = strength["out"] - strength["into"]
    pairs = np.sort(F[off])[::-1]
    tenth = max(1, round(0.1 * len(pairs)))
    return Gravity(
        flows=flows,
        strength=strength,
        density=float((pairs > pairs.mean()).mean()),
        top_share=float(pairs[:tenth].sum() / pairs.sum()),
    )
