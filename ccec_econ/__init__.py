"""Spatial panel econometrics that is right at small n, and the Chengdu-Chongqing study.

>>> import ccec_econ as ce
>>> panel = ce.data.load_panel(years=(2011, 2019))
>>> fit = ce.sdm("growth ~ digital + hsr + rd | unit + year", panel, ce.weights.contiguity())
>>> fit.effects().frame.shape
(9, 6)
"""

from ccec_econ import circle, convergence, data, errors, indices, report, simulation, weights
from ccec_econ.inference.effects import Effects
from ccec_econ.inference.vcov import Cluster, DriscollKraay, Information, QuasiML
from ccec_econ.models.dynamic import DynamicPanelResults
from ccec_econ.models.higher_order import HigherOrderResults, higher_order
from ccec_econ.models.random import random_effects, random_effects_gm
from ccec_econ.models.random_results import RandomEffectsResults
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.static import gns, ols, sac, sar, sdem, sdm, sem, slx
from ccec_econ.report.compare import table
from ccec_econ.typeset import Table

__version__ = "0.1.0"

__all__ = [
    "Cluster",
    "DriscollKraay",
    "DynamicPanelResults",
    "Effects",
    "HigherOrderResults",
    "Information",
    "QuasiML",
    "RandomEffectsResults",
    "SpatialPanelResults",
    "Table",
    "circle",
    "convergence",
    "data",
    "errors",
    "gns",
    "higher_order",
    "indices",
    "ols",
    "random_effects",
    "random_effects_gm",
    "report",
    "sac",
    "sar",
    "sdem",
    "sdm",
    "sem",
    "simulation",
    "slx",
    "table",
    "weights",
]
