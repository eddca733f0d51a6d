"""Values that no column or term of a formula may hold: text, what is missing or infinite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccec_econ.errors import FormulaError, PanelError, first_five
from ccec_econ.panel import Panel, UnbalancedPanel

__all__ = ["refuse_not_finite", "refuse_text"]


def refuse_text(matrix: Any, frame: pd.DataFrame) -> None:
    """Refuse columns of text that no C() turns into dummies.

    Raises
    ------
    FormulaError
        If a term of formulaic's matrix is one.
    """
    text = [
        str(factor)
        for factor, (kind, _) in matrix.model_spec.encoder_state.items()
        if kind.value == "categorical" and not str(factor).startswith("C(")
    ]
    if not text:
        return
    numbers = [name for name in text if name in frame and _holds_numbers(frame[name])]
    if numbers:
        name = numbers[0]
        raise FormulaError(
            f"column {first_five(numbers)} holds numbers as {frame[name].dtype}; give "
            f"data[{name!r}].astype(float), or write C({name}) for dummies."
        )
    raise FormulaError(
        f"column {first_five(text)} holds text; "
        f"write C({text[0]}) for dummies, or make it a number."
    )


def _holds_numbers(column: pd.Series) -> bool:
    """Whether every value of a column that is no number by type reads as one."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return False
    return bool(pd.to_numeric(column, errors="coerce").notna().all())


def refuse_not_finite(frame: pd.DataFrame, panel: Panel, what: str) -> None:
    """Refuse values that are missing or infinite.

    Raises
    ------
    PanelError
        If there are any; the cells are named.
    """
    bad = np.array(frame.isna(), dtype=bool)
    plain = np.array([pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes], dtype=bool)
    numbers = frame.loc[:, plain].to_numpy(dtype=np.float64, na_value=0.0)
    bad[:, plain] |= ~np.isfinite(numbers)
    if not bad.any():
        return
    names = [str(name) for name in frame.columns[bad.any(axis=0)]]
    cells = panel.cells(bad.any(axis=1))
    leave = " leave these rows out," if isinstance(panel, UnbalancedPanel) else ""
    raise PanelError(
        f"missing or infinite values in {what} {first_five(names)}: {len(cells)} cells, "
        f"{first_five(cells)};{leave} choose units and periods where the {what} is complete, "
        "or fill these cells and say how."
    )
