"""Tables in every form; the Typst form compiles."""

from __future__ import annotations

from pathlib import Path

import pytest
import typst

from ccec_econ.typeset import Table, interval, number

TABLE = Table(
    title="R&D, 100 % of it_all",
    columns=("Term", "σ² & ρ"),
    rows=(("W × x_1", "−1.5"), ("#2 [a] *b* $c$ @d <e>", "(0.3)")),
    rules=frozenset({1}),
    notes=("Note ~ one.", "Two^2 {x} \\ y."),
)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234.567, 1, "1,234.6"),
        (-0.0004, 2, "0.00"),
        (-1.005, 1, "−1.0"),
        (float("nan"), 2, ""),
        (0.5, 0, "0"),
    ],
)
def test_numbers(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text


def test_interval() -> None:
    assert interval(-1.0, 2.25, 1) == "[−1.0, 2.2]"


def test_ragged_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="row 0 has 1 cells, the header 2"):
        Table("t", ("a", "b"), (("x",),))


def test_csv() -> None:
    assert TABLE.to_csv_text().splitlines()[1] == "W × x_1,-1.5"
    assert list(TABLE.to_frame().columns) == ["Term", "σ² & ρ"]


def test_latex_escapes() -> None:
    text = TABLE.to_latex()
    assert r"R\&D, 100 \% of it\_all" in text
    assert r"Term & $\sigma^2$ \& $\rho$ \\" in text
    assert r"W $\times$ x\_1 & $-$1.5 \\" in text
    assert r"\#2 [a] *b* \$c\$ @d $<$e$>$" in text
    assert text.count(r"\midrule") == 2
    assert r"Two\textasciicircum{}2 \{x\} \textbackslash{} y." in text


def test_html_escapes() -> None:
    text = TABLE.to_html()
    assert "R&amp;D" in text
    assert "@d &lt;e&gt;" in text
    assert 'class="rule"' in text


def test_typst_compiles_without_warning(tmp_path: Path) -> None:
    path = tmp_path / "t.typ"
    head = '#set document(date: datetime(year: 2026, month: 1, day: 1), title: "t")\n'
    path.write_text(head + TABLE.to_typst(), encoding="utf-8")
    pdf, warnings = typst.compile_with_warnings(
        str(path), format="pdf", ignore_system_fonts=True, pdf_standards=["a-2b"]
    )
    assert pdf.startswith(b"%PDF")
    assert warnings == []


def test_text_has_rules_and_notes() -> None:
    lines = TABLE.to_text().splitlines()
    assert lines[0] == TABLE.title
    assert lines[-2:] == list(TABLE.notes)
    assert sum(set(line) == {"-"} for line in lines) == 4
