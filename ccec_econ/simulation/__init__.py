"""Monte Carlo of the estimators and tests: what few units do to bias, coverage and size.

Every study takes its truth, the weights, the number of periods, of draws, and a generator; it
returns one row per estimator or test, each rate and mean with its Monte Carlo error.
"""

from ccec_econ.simulation.covariances import Dependence, covariance_study
from ccec_econ.simulation.designs import (
    Design,
    DynamicDesign,
    draw_dynamic,
    draw_panel,
    fit_panel,
    nearest_weights,
)
from ccec_econ.simulation.dynamic import dynamic_study
from ccec_econ.simulation.estimators import study
from ccec_econ.simulation.size import lm_study

__all__ = [
    "Dependence",
    "Design",
    "DynamicDesign",
    "covariance_study",
    "draw_dynamic",
    "draw_panel",
    "dynamic_study",
    "fit_panel",
    "lm_study",
    "nearest_weights",
    "study",
]
