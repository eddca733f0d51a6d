"""Reports: tables of several fits, descriptions of data, figures and maps."""

from ccec_econ.report import style
from ccec_econ.report.compare import listed, table, term_label
from ccec_econ.report.describe import describe, labels, statistics, variables
from ccec_econ.report.distribution import distribution_figure
from ccec_econ.report.figure import Line, TimePanel, time_panels
from ccec_econ.report.map import circle_map
from ccec_econ.report.outlines import city_polygons
from ccec_econ.report.paths import paths_figure
from ccec_econ.report.responses import responses_figure
from ccec_econ.report.study import study_figure
from ccec_econ.report.style import PaperFigure

__all__ = [
    "Line",
    "PaperFigure",
    "TimePanel",
    "circle_map",
    "city_polygons",
    "describe",
    "distribution_figure",
    "labels",
    "listed",
    "paths_figure",
    "responses_figure",
    "statistics",
    "study_figure",
    "style",
    "table",
    "term_label",
    "time_panels",
    "variables",
]
