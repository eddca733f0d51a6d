"""The two panels on which the software of the audit was run."""

from __future__ import annotations

import numpy as np
import pandas as pd
from libpysal.graph import Graph

from ccec_econ.data import load_table
from ccec_econ.weights import row_standardise

__all__ = ["cigarettes", "simulated_panel"]


def cigarettes() -> tuple[pd.DataFrame, Graph]:
    """Cigarette demand in 46 US states, 1963-1992, and contiguity with rows that sum to one.

    Returns
    -------
    DataFrame
        Indexed (state, year): logc = ln(sales), logp = ln(price / cpi), logy = ln(ndi / cpi).
    Graph

    References
    ----------
    Baltagi, B. and Levin, D. (1992). Cigarette taxation: raising revenues and reducing
    consumption. Structural Change and Economic Dynamics 3, 321-335.

    Examples
    --------
    >>> from ccec_econ.audit import cigarettes
    >>> cigarettes()[0].shape
    (1380, 3)
    """
    raw = load_table("cigarette_demand", "panel")
    panel = pd.DataFrame(
        {
            "state": raw["state"],
            "year": raw["year"],
            "logc": np.log(raw["sales"]),
            "logp": np.log(raw["price"] / raw["cpi"]),
            "logy": np.log(raw["ndi"] / raw["cpi"]),
        }
    ).set_index(["state", "year"])
    pairs = load_table("cigarette_demand", "adjacency")
    states, neighbours = pairs["state"].to_numpy(), pairs["neighbour"].to_numpy()
    graph = Graph.from_arrays(states, neighbours, np.ones(len(pairs)))
    return panel, row_standardise(graph)


def simulated_panel() -> tuple[pd.DataFrame, Graph]:
    """Panel of 16 units and 12 periods drawn with rho = 0.5, and its asymmetric weights.

    Examples
    --------
    >>> from ccec_econ.audit import simulated_panel
    >>> simulated_panel()[0].shape
    (192, 3)
    """
    panel = load_table("simulated_panel", "panel").set_index(["id", "year"])
    links = load_table("simulated_panel", "weights")
    return panel, Graph.from_arrays(*(links[name].to_numpy() for name in links.columns))
