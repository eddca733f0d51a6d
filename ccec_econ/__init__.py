"""Spatial panel econometrics that is right at small n, and the Chengdu-Chongqing study.

>>> import ccec_econ as ce
>>> panel = ce.data.load_panel(years=(2011, 2019))
>>> fit = ce.sdm("growth ~ digital + hsr + rd | unit + year", panel, ce.weights.contiguity())
>>> fit.effects().frame.shape
(9, 6)
"""

from ccec_econ import (
    audit,
    bayes,
    causal,
    circle,
    convergence,
    data,
    errors,
    indices,
    rail,
    report,
    scale,
    simulation,
    structure,
    weights,
)
from ccec_econ.inference.anderson_rubin import AndersonRubinSet
from ccec_econ.inference.cluster import Cluster
from ccec_econ.inference.effects import Effects
from ccec_econ.inference.groups import GroupEffects
from ccec_econ.inference.hac import Conley, DriscollKraay
from ccec_econ.inference.multiple import holm, romano_wolf
from ccec_econ.inference.orders import OrderEffects
from ccec_econ.inference.resampled import Bootstrap
from ccec_econ.inference.units import UnitEffects
from ccec_econ.inference.vcov import Information, QuasiML
from ccec_econ.models.curve_choices import Sample
from ccec_econ.models.curve_results import CurveTest, SpecificationCurve
from ccec_econ.models.dynamic import DynamicPanelResults
from ccec_econ.models.evidence import InstrumentEvidence, instrument_evidence
from ccec_econ.models.gmm import gmm, s2sls
from ccec_econ.models.groups import (
    effects_by_order,
    group_effects,
    split_by_origin,
    unit_effects,
)
from ccec_econ.models.higher_order import HigherOrderResults, higher_order
from ccec_econ.models.instrumental import InstrumentalResults
from ccec_econ.models.mediation import mediation
from ccec_econ.models.mediation_results import Mediation
from ccec_econ.models.nesting import (
    common_factor,
    lr_test,
    nested_tests,
    sdm_vs_sdem,
    wald_test,
)
from ccec_econ.models.packs import SmallSample, SmallSamples
from ccec_econ.models.random import random_effects, random_effects_gm
from ccec_econ.models.random_results import RandomEffectsResults
from ccec_econ.models.randomisation import randomisation_test
from ccec_econ.models.resampling import bootstrap, wild_cluster
from ccec_econ.models.results import SpatialPanelResults
from ccec_econ.models.small_sample import small_sample
from ccec_econ.models.specification import (
    dependence_tests,
    diagnostics,
    lm_tests,
    moran_by_period,
)
from ccec_econ.models.specification_curve import specification_curve
from ccec_econ.models.static import gns, ols, sac, sar, sdem, sdm, sem, slx
from ccec_econ.models.strength import InstrumentStrength, instrument_strength
from ccec_econ.models.threshold import threshold
from ccec_econ.models.threshold_results import ThresholdResults
from ccec_econ.models.unbalanced_results import UnbalancedPanelResults
from ccec_econ.models.unit_means import mundlak
from ccec_econ.models.weights_exogeneity import WeightsExogeneity, weights_exogeneity
from ccec_econ.report.compare import table
from ccec_econ.typeset import Table

__version__ = "0.1.0"

__all__ = [
    "AndersonRubinSet",
    "Bootstrap",
    "Cluster",
    "Conley",
    "CurveTest",
    "DriscollKraay",
    "DynamicPanelResults",
    "Effects",
    "GroupEffects",
    "HigherOrderResults",
    "Information",
    "InstrumentEvidence",
    "InstrumentStrength",
    "InstrumentalResults",
    "Mediation",
    "OrderEffects",
    "QuasiML",
    "RandomEffectsResults",
    "Sample",
    "SmallSample",
    "SmallSamples",
    "SpatialPanelResults",
    "SpecificationCurve",
    "Table",
    "ThresholdResults",
    "UnbalancedPanelResults",
    "UnitEffects",
    "WeightsExogeneity",
    "audit",
    "bayes",
    "bootstrap",
    "causal",
    "circle",
    "common_factor",
    "convergence",
    "data",
    "dependence_tests",
    "diagnostics",
    "effects_by_order",
    "errors",
    "gmm",
    "gns",
    "group_effects",
    "higher_order",
    "holm",
    "indices",
    "instrument_evidence",
    "instrument_strength",
    "lm_tests",
    "lr_test",
    "mediation",
    "moran_by_period",
    "mundlak",
    "nested_tests",
    "ols",
    "rail",
    "random_effects",
    "random_effects_gm",
    "randomisation_test",
    "report",
    "romano_wolf",
    "s2sls",
    "sac",
    "sar",
    "scale",
    "sdem",
    "sdm",
    "sdm_vs_sdem",
    "sem",
    "simulation",
    "slx",
    "small_sample",
    "specification_curve",
    "split_by_origin",
    "structure",
    "table",
    "threshold",
    "unit_effects",
    "wald_test",
    "weights",
    "weights_exogeneity",
    "wild_cluster",
]
