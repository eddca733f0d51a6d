"""The railway of the circle: what opened when, how near it brings places, and what was planned."""

from ccec_econ.rail.adoption import adoption, exposure, first_opening, uncertain, urban_core
from ccec_econ.rail.openings import first_year, open_stations, openings

__all__ = [
    "adoption",
    "exposure",
    "first_opening",
    "first_year",
    "open_stations",
    "openings",
    "uncertain",
    "urban_core",
]
