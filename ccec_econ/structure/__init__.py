"""How activity lies in space: autocorrelation, centre, axis, flows, specialisation."""

from ccec_econ.structure.access import TravelTimes, market_access, travel_times
from ccec_econ.structure.autocorrelation import local_moran, moran_by_year
from ccec_econ.structure.axis import axis_position, by_stretch
from ccec_econ.structure.centre import CentreTrack, centre_track
from ccec_econ.structure.flows import Gravity, gravity
from ccec_econ.structure.people import people_by_class, shrinking
from ccec_econ.structure.specialisation import krugman, similarity

__all__ = [
    "CentreTrack",
    "Gravity",
    "TravelTimes",
    "axis_position",
    "by_stretch",
    "centre_track",
    "gravity",
    "krugman",
    "local_moran",
    "market_access",
    "moran_by_year",
    "people_by_class",
    "shrinking",
    "similarity",
    "travel_times",
]
