"""A table of text cells, and how it is written: csv, LaTeX, Typst, HTML, plain text."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

__all__ = ["Printed", "Table", "interval", "number", "p_equal", "union"]

_MINUS = "−"
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "|": "$|$",
    "<": "$<$",
    ">": "$>$",
    "^": r"\textasciicircum{}",
    _MINUS: "$-$",
    "ρ": r"$\rho$",
    "σ²": r"$\sigma^2$",
    "χ": r"$\chi$",
    "∞": r"$\infty$",
    "∪": r"$\cup$",
    "²": "$^2$",
    "×": r"$\times$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "β": r"$\beta$",
    "θ": r"$\theta$",
    "λ": r"$\lambda$",
    "τ": r"$\tau$",
    "η": r"$\eta$",
    "φ": r"$\varphi$",
    "Δ": r"$\Delta$",
    "–": "--",
}
_LONG_CELL = 32  # characters beyond which a LaTeX column of text is set as a paragraph
_TYPST = frozenset("\\#*_$@<>`[]~'\"=/-+")


def number(value: float, digits: int = 3) -> str:
    """Format a number for a cell: fixed digits, a true minus, empty when missing."""
    if pd.isna(value):
        return ""
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", _MINUS)


def p_equal(value: float) -> str:
    """Print a p-value in a sentence: "p = 0.031", or "p < 0.001"."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def interval(lower: float, upper: float, digits: int = 3) -> str:
    """Format an interval for a cell."""
    return f"[{number(lower, digits)}, {number(upper, digits)}]"


def union(intervals: Iterable[tuple[float, float]], digits: int = 3) -> str:
    """Format disjoint intervals: "[0.12, 0.55]", "(−∞, −1.20] ∪ [0.30, ∞)", "empty"."""
    return " ∪ ".join(_open_ended(*pair, digits) for pair in intervals) or "empty"


def _open_ended(low: float, high: float, digits: int) -> str:
    left = "(−∞" if np.isinf(low) else f"[{number(low, digits)}"
    right = "∞)" if np.isinf(high) else f"{number(high, digits)}]"
    return f"{left}, {right}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to print.

    Attributes
    ----------
    title : str
    columns : tuple of str
        Headings; the first is the stub.
    rows : tuple of tuple of str
        Cells, each row as long as `columns`.
    rules : frozenset of int
        Rows that a thin rule stands above.
    notes : tuple of str
        Sentences beneath: sample, variance convention, sources.
    text_columns : frozenset of int
        Columns set flush left besides the stub.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    rules: frozenset[int] = field(default_factory=frozenset)
    notes: tuple[str, ...] = ()
    text_columns: frozenset[int] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        ragged = [i for i, row in enumerate(self.rows) if len(row) != len(self.columns)]
        if ragged:
            raise ValueError(
                f"table {self.title!r}: row {ragged[0]} has {len(self.rows[ragged[0]])} cells, "
                f"the header {len(self.columns)}; give each row one cell per column."
            )

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()

    def to_frame(self) -> pd.DataFrame:
        """Cells as a DataFrame of text."""
        return pd.DataFrame(list(self.rows), columns=list(self.columns))

    def to_csv_text(self) -> str:
        """Cells as comma-separated text, LF line ends, ASCII minus."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([cell.replace(_MINUS, "-") for cell in row] for row in self.rows)
        return out.getvalue()

    def to_text(self) -> str:
        """Cells as plain text with a rule above and below."""
        grid = [self.columns, *self.rows]
        width = [max(len(row[j]) for row in grid) for j in range(len(self.columns))]
        lines = [
            "  ".join(
                cell.ljust(w) if self._is_left(j) else cell.rjust(w)
                for j, (cell, w) in enumerate(zip(row, width, strict=True))
            ).rstrip()
            for row in grid
        ]
        rule = "-" * (sum(width) + 2 * (len(width) - 1))
        body: list[str] = []
        for i, line in enumerate(lines[1:]):
            body += [rule, line] if i in self.rules else [line]
        parts = [self.title, rule, lines[0], rule, *body, rule, *self.notes]
        return "\n".join(parts)

    def to_latex(self) -> str:
        """Floating table; needs the packages booktabs and threeparttable."""
        align = "".join(self._latex_column(j) for j in range(len(self.columns)))
        lines = [
            r"\begin{table}",
            r"\centering",
            r"\begin{threeparttable}",
            rf"\caption{{{_latex(self.title)}}}",
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            " & ".join(_latex(cell) for cell in self.columns) + r" \\",
            r"\midrule",
        ]
        for i, row in enumerate(self.rows):
            lines += [r"\midrule"] if i in self.rules else []
            lines.append(" & ".join(_latex(cell) for cell in row) + r" \\")
        lines += [r"\bottomrule", r"\end{tabular}"]
        if self.notes:
            notes = " ".join(_latex(note) for note in self.notes)
            lines += [r"\begin{tablenotes}\footnotesize", rf"\item {notes}", r"\end{tablenotes}"]
        return "\n".join([*lines, r"\end{threeparttable}", r"\end{table}", ""])

    def to_typst(self, *, label: str | None = None, number: str | None = None) -> str:
        """Typst figure of kind table, with its notes beneath.

        Parameters
        ----------
        label : str, optional
            Name by which the document refers to it.
        number : str, optional
            Number to print instead of the next one.
        """
        align = ", ".join("left" if self._is_left(j) else "right" for j in range(len(self.columns)))
        lines = [
            "#figure(",
            "  kind: table,",
            f"  caption: [{_typst(self.title)}],",
            *([f'  numbering: _ => "{number}",'] if number else []),
            "  block(breakable: true)[",
            "    #table(",
            f"      columns: {len(self.columns)},",
            f"      align: ({align},),",
            "      stroke: none,",
            "      table.hline(stroke: 0.8pt),",
            "      table.header("
            + ", ".join(f"[*{_typst(c)}*]" if c else "[]" for c in self.columns)
            + "),",
            "      table.hline(stroke: 0.4pt),",
        ]
        for i, row in enumerate(self.rows):
            lines += ["      table.hline(stroke: 0.3pt),"] if i in self.rules else []
            lines.append("      " + ", ".join(f"[{_typst(cell)}]" for cell in row) + ",")
        lines += ["      table.hline(stroke: 0.8pt),", "    )"]
        if self.notes:
            notes = " ".join(_typst(note) for note in self.notes)
            lines.append(f"    #align(left, text(size: 0.9em)[_Notes._ {notes}])")
        return "\n".join([*lines, "  ],", f") <{label}>" if label else ")", ""])

    def to_markdown(self) -> str:
        """Pipe table with title above and notes beneath."""

        def line(cells: tuple[str, ...]) -> str:
            return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

        sides = tuple(":--" if self._is_left(j) else "--:" for j in range(len(self.columns)))
        body = [line(row) for row in self.rows]
        notes = ["", " ".join(self.notes)] if self.notes else []
        return "\n".join([f"**{self.title}**", "", line(self.columns), line(sides), *body, *notes])

    def to_html(self) -> str:
        """HTML table with caption and notes."""
        side = ["left" if self._is_left(j) else "right" for j in range(len(self.columns))]

        def line(row: tuple[str, ...], tag: str, cls: str = "") -> str:
            cells = "".join(
                f'<{tag} class="{s}">{html.escape(cell)}</{tag}>'
                for cell, s in zip(row, side, strict=True)
            )
            return f"<tr{cls}>{cells}</tr>"

        body = "\n".join(
            line(row, "td", ' class="rule"' if i in self.rules else "")
            for i, row in enumerate(self.rows)
        )
        notes = " ".join(html.escape(note) for note in self.notes)
        foot = f'\n<p class="notes">{notes}</p>' if notes else ""
        return (
            f"<table>\n<caption>{html.escape(self.title)}</caption>\n"
            f"<thead>{line(self.columns, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>{foot}"
        )

    def _latex_column(self, column: int) -> str:
        if not self._is_left(column):
            return "r"
        longest = max((len(row[column]) for row in self.rows), default=0)
        return "l" if longest <= _LONG_CELL else r"p{0.22\linewidth}"

    def _is_left(self, column: int) -> bool:
        return column == 0 or column in self.text_columns


class Printed:
    """Anything that has a summary: printed, shown in a notebook and typeset by it."""

    __slots__ = ()

    def summary(self) -> Table:
        """Table of what there is to say, with conventions beneath."""
        raise NotImplementedError

    def to_latex(self) -> str:
        """Summary as LaTeX."""
        return self.summary().to_latex()

    def to_typst(self) -> str:
        """Summary as Typst."""
        return self.summary().to_typst()

    def to_markdown(self) -> str:
        """Summary as Markdown."""
        return self.summary().to_markdown()

    def headline(self) -> str:
        """One line that says what this is."""
        return self.summary().title

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.headline()}>"

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().to_html()


def _latex(text: str) -> str:
    out, i = [], 0
    while i < len(text):
        step = 2 if text[i : i + 2] in _LATEX else 1
        piece = text[i : i + step]
        out.append(_LATEX.get(piece, piece))
        i += step
    return "".join(out)


def _typst(text: str) -> str:
    escaped = "".join(f"\\{c}" if c in _TYPST else c for c in text)
    return re.sub(r"^(\d+)\.", r"\1\\.", escaped)  # "1." would open a list
