"""Reports: tables of several fits, descriptions of data, figures and maps."""

from ccec_econ.report.compare import listed, table, term_label
from ccec_econ.report.describe import describe, labels, variables

__all__ = ["describe", "labels", "listed", "table", "term_label", "variables"]
