"""The railway of the circle: what opened when, how near it brings places, and what was planned."""

from ccec_econ.data.dates import first_year
from ccec_econ.rail.access import access, access_by_draw, masses, weights_by_year
from ccec_econ.rail.adoption import (
    adoption,
    exposure,
    first_opening,
    seat_counties,
    uncertain,
    urban_core,
)
from ccec_econ.rail.counterfactual import (
    counterfactual_openings,
    exchangeable_classes,
    fake_line,
    without_line,
)
from ccec_econ.rail.lines import Line, Stop, lines, places
from ccec_econ.rail.network import Assumptions
from ccec_econ.rail.openings import open_stations, openings
from ccec_econ.rail.sensitivity import sensitivity
from ccec_econ.rail.times import times_by_year, travel_times
from ccec_econ.rail.timetables import (
    TimetableCheck,
    compare_with_timetable,
    fastest_to_cores,
    listed_trains,
    trains_per_day,
)

__all__ = [
    "Assumptions",
    "Line",
    "Stop",
    "TimetableCheck",
    "access",
    "access_by_draw",
    "adoption",
    "compare_with_timetable",
    "counterfactual_openings",
    "exchangeable_classes",
    "exposure",
    "fake_line",
    "fastest_to_cores",
    "first_opening",
    "first_year",
    "lines",
    "listed_trains",
    "masses",
    "open_stations",
    "openings",
    "places",
    "seat_counties",
    "sensitivity",
    "times_by_year",
    "trains_per_day",
    "travel_times",
    "uncertain",
    "urban_core",
    "weights_by_year",
    "without_line",
]
