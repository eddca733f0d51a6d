"""What other software computes, beside the right number: an executable audit.

Spatial panel software is hard to write, and the packages named here taught the field. Each
`Finding` repeats one number that a version of a package gives, from the pieces of this package put
together as that version does, and sets the right number beside it. No estimator of this package
has such a branch.

Left out: the log marginal likelihoods that add an integral instead of its logarithm (they belong
to Bayesian model comparison), and slips without a number of their own.
"""

from ccec_econ.audit.cases import findings
from ccec_econ.audit.findings import Finding, Findings
from ccec_econ.audit.panels import cigarettes, simulated_panel

__all__ = ["Finding", "Findings", "cigarettes", "findings", "simulated_panel"]
