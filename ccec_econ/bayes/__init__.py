"""Exact Bayes for spatial panels with fixed effects.

>>> import ccec_econ as ce
>>> panel, W = ce.data.load_panel(years=(2011, 2019)), ce.weights.contiguity()
>>> post = ce.bayes.fit("growth ~ digital + hsr | unit + year", panel, W, model="sdm")
>>> post.effects().frame.index.names
FrozenList(['term', 'effect'])
"""

from ccec_econ.bayes.calibrate import Calibration, calibrate
from ccec_econ.bayes.compare import Comparison, compare
from ccec_econ.bayes.dynamic_results import DynamicPosterior
from ccec_econ.bayes.fit import fit
from ccec_econ.bayes.priors import Beta, Flat, GPrior, NormalInverseGamma, Uniform
from ccec_econ.bayes.quantities import Quantities
from ccec_econ.bayes.results import Posterior
from ccec_econ.bayes.sensitivity import sensitivity

__all__ = [
    "Beta",
    "Calibration",
    "Comparison",
    "DynamicPosterior",
    "Flat",
    "GPrior",
    "NormalInverseGamma",
    "Posterior",
    "Quantities",
    "Uniform",
    "calibrate",
    "compare",
    "fit",
    "sensitivity",
]
