"""Errors: one tree. Each message says what was wrong, what was seen and what to do."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "AlignmentError",
    "CcecError",
    "ConvergenceError",
    "DataError",
    "FormulaError",
    "IdentificationError",
    "PanelError",
    "WeakIdentificationWarning",
    "WeightsError",
    "first_five",
]


class CcecError(Exception):
    """Base of every error that the package raises on purpose."""


class PanelError(CcecError, ValueError):
    """A panel that is not one row per unit and period, or holds values that cannot be used."""


class FormulaError(CcecError, ValueError):
    """A formula that cannot be read against the data."""


class AlignmentError(CcecError, ValueError):
    """Weights and panel that do not speak of the same units."""


class WeightsError(CcecError, ValueError):
    """Weights that the chosen model cannot use."""


class IdentificationError(CcecError, ValueError):
    """A model whose parameters the data do not separate."""


class ConvergenceError(CcecError, RuntimeError):
    """An optimum that was not reached inside the parameter space."""


class DataError(CcecError, ValueError):
    """Bundled data that are missing, changed, or asked for by a wrong name."""


class WeakIdentificationWarning(UserWarning):
    """Estimates that the data can hardly tell apart; the numbers stand, but read them so."""


def first_five(items: Iterable[object]) -> str:
    """Join the first five items for a message and count the rest."""
    listed = list(items)
    text = ", ".join(str(item) for item in listed[:5])
    return text if len(listed) <= 5 else f"{text} and {len(listed) - 5} more"
