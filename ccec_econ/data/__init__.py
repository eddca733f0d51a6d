"""Bundled data: panels built from raw figures, units, codebook, and the record of adjustments."""

from ccec_econ.data.areas import load_census_areas
from ccec_econ.data.census import load_census
from ccec_econ.data.codebook import describe_columns, load_codebook, refresh_codebook
from ccec_econ.data.comparison import COMPARISON_CIRCLES, load_comparison
from ccec_econ.data.manifest import verify_manifest, write_manifest
from ccec_econ.data.outside import load_outside
from ccec_econ.data.panels import (
    Layer,
    load_adjustments,
    load_index,
    load_level_changes,
    load_panel,
)
from ccec_econ.data.pilots import broadband_adoption, load_pilots
from ccec_econ.data.screening import Screen
from ccec_econ.data.store import data_dir, load_raw, load_table
from ccec_econ.data.timetables import TIMETABLES, load_timetable
from ccec_econ.data.units import load_units
from ccec_econ.data.validation import validation_table

__all__ = [
    "COMPARISON_CIRCLES",
    "TIMETABLES",
    "Layer",
    "Screen",
    "broadband_adoption",
    "data_dir",
    "describe_columns",
    "load_adjustments",
    "load_census",
    "load_census_areas",
    "load_codebook",
    "load_comparison",
    "load_index",
    "load_level_changes",
    "load_outside",
    "load_panel",
    "load_pilots",
    "load_raw",
    "load_table",
    "load_timetable",
    "load_units",
    "refresh_codebook",
    "validation_table",
    "verify_manifest",
    "write_manifest",
]
