"""Reports: tables of several fits, descriptions of data, figures and maps."""

from ccec_econ.report.compare import table, term_label
from ccec_econ.report.describe import describe, labels, variables

__all__ = ["describe", "labels", "table", "term_label", "variables"]
