"""The two panels as users ask for them; each is built once and handed out as a copy."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import pandas as pd

from ccec_econ.data.census import build_census
from ccec_econ.data.city import CityPanel, build_city_panel
from ccec_econ.data.county import CountyPanel, build_county_panel
from ccec_econ.errors import DataError
from ccec_econ.indices import CompositeIndex

__all__ = ["Layer", "load_adjustments", "load_index", "load_level_changes", "load_panel"]

Layer = Literal["city", "county"]


def load_panel(layer: Layer = "city", years: tuple[int, int] | None = None) -> pd.DataFrame:
    """Return a panel built from the bundled raw figures.

    Parameters
    ----------
    layer : {"city", "county"}
        16 units, 1999-2023, or 156 county units, 2000-2022.
    years : (first, last), optional
        Years to keep, both included; all by default.

    Returns
    -------
    DataFrame
        Indexed (``unit``: adcode as text, ``year``), sorted; `load_codebook` describes the
        columns. Figures that do not exist are NaN.

    Raises
    ------
    DataError
        If the layer does not exist or the years lie outside the panel.

    Examples
    --------
    >>> from ccec_econ import data
    >>> panel = data.load_panel(years=(2011, 2019))
    >>> panel["digital"].notna().all(), len(panel)
    (np.True_, 144)
    """
    frame = _built(layer).frame
    if years is None:
        return frame.copy()
    held = frame.index.get_level_values("year")
    if not isinstance(years, tuple | list) or len(years) != 2:
        raise DataError(f"years {years!r}: give the first and the last year, as in (2011, 2019).")
    first, last = years
    if first > last or first < held.min() or last > held.max():
        raise DataError(
            f"years {first}-{last}: the {layer} panel holds {held.min()}-{held.max()}; give the "
            "first and the last year within it."
        )
    return frame[(held >= first) & (held <= last)].copy()


def load_adjustments(layer: Layer | Literal["census"] = "city") -> pd.DataFrame:
    """List every figure of a panel that is not used as it was published.

    Parameters
    ----------
    layer : {"city", "county", "census"}
        The panel, or the census figures of the counties.

    Returns
    -------
    DataFrame
        ``unit`` (adcode; ``circle`` for a factor common to all units), ``year``, ``variable``,
        ``published`` (NaN = absent), ``used`` (NaN = dropped), ``reason``. Rows with equal
        figures are doubted ones that were kept. Variables that are no column of the panel
        (``sci_exp``, ``loans``) are raw figures that enter one.

    Raises
    ------
    DataError
        If the layer does not exist.
    """
    built = build_census() if layer == "census" else _built(layer)
    return built.adjustments.copy()


def load_level_changes() -> pd.DataFrame:
    """List long runs of digital indicators that the screen saw and kept as changes of level.

    Columns ``unit``, ``variable``, ``first_year``, ``last_year``.
    """
    return _city().level_changes.copy()


def load_index(column: str = "digital") -> CompositeIndex:
    """Return a digital index with its weights and bounds.

    Parameters
    ----------
    column : {"digital", "digital_four", "digital_published", "digital_four_published"}
        The panel column.

    Raises
    ------
    DataError
        If there is no such index.
    """
    indices = _city().index
    if column not in indices:
        raise DataError(f"index '{column}': unknown; choose one of {', '.join(indices)}.")
    return indices[column]


def _built(layer: str) -> CityPanel | CountyPanel:
    if layer == "city":
        return _city()
    if layer == "county":
        return _county()
    raise DataError(f"layer '{layer}': unknown; choose 'city' or 'county'.")


@lru_cache(maxsize=1)
def _city() -> CityPanel:
    return build_city_panel()


@lru_cache(maxsize=1)
def _county() -> CountyPanel:
    return build_county_panel()
