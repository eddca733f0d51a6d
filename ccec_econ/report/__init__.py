"""Reports: tables of several fits, descriptions of data, figures and maps."""

from ccec_econ.report import style
from ccec_econ.report.centre import centre_figure
from ccec_econ.report.class_maps import ClassedMaps, class_maps, jenks_limits
from ccec_econ.report.clusters import cluster_maps
from ccec_econ.report.compare import listed, table, term_label
from ccec_econ.report.curve import curve_figure
from ccec_econ.report.curve_panels import curve_panels
from ccec_econ.report.describe import describe, labels, statistics, variables
from ccec_econ.report.distribution import distribution_figure
from ccec_econ.report.event_study import event_study_figure
from ccec_econ.report.figure import Line, TimePanel, time_panels
from ccec_econ.report.forest import forest_figure
from ccec_econ.report.heat import heat_figure
from ccec_econ.report.map import circle_map
from ccec_econ.report.network import network_figure, strongest_pairs
from ccec_econ.report.outlines import city_polygons
from ccec_econ.report.paths import paths_figure
from ccec_econ.report.placebos import PlaceboPanel, placebo_figure
from ccec_econ.report.placement import placement_figure
from ccec_econ.report.profile import Strip, profile_figure
from ccec_econ.report.responses import responses_figure
from ccec_econ.report.study import study_figure
from ccec_econ.report.style import PaperFigure

__all__ = [
    "ClassedMaps",
    "Line",
    "PaperFigure",
    "PlaceboPanel",
    "Strip",
    "TimePanel",
    "centre_figure",
    "circle_map",
    "city_polygons",
    "class_maps",
    "cluster_maps",
    "curve_figure",
    "curve_panels",
    "describe",
    "distribution_figure",
    "event_study_figure",
    "forest_figure",
    "heat_figure",
    "jenks_limits",
    "labels",
    "listed",
    "network_figure",
    "paths_figure",
    "placebo_figure",
    "placement_figure",
    "profile_figure",
    "responses_figure",
    "statistics",
    "strongest_pairs",
    "study_figure",
    "style",
    "table",
    "term_label",
    "time_panels",
    "variables",
]
