"""The paper holds no number typed by hand, and what it cites exists."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "replication"))
prose = importlib.import_module("prose")

PAPER, SUPPLEMENT = (
    (ROOT / "paper" / f"{name}.typ").read_text(encoding="utf-8") for name in ("paper", "supplement")
)
BOTH = pytest.mark.parametrize("text", [PAPER, SUPPLEMENT], ids=["paper", "supplement"])


@BOTH
def test_no_number_is_typed(text: str) -> None:
    assert prose.typed_numbers(text) == []


@pytest.mark.parametrize(
    "text",
    [
        'The effect is 0.42 of #n("table_08", "rho").',
        "= Results for 16 units",
        "Of these, seventeen gain.",
        "twenty-four lines",
    ],
)
def test_the_check_sees_a_typed_number(text: str) -> None:
    assert prose.typed_numbers(text)


@BOTH
def test_no_semicolon_is_eaten(text: str) -> None:
    """Typst takes a semicolon right after a call as the end of code."""
    assert re.findall(r"#[\w-]+\((?:[^()]|\([^()]*\))*\);", text) == []
    assert re.findall(r"#[\w-]+\((?:[^()]|\([^()]*\))*\);", '#n("a", "b"); c') != []


@BOTH
def test_every_formula_has_words(text: str) -> None:
    """PDF/A asks for an alternative text, which a formula within a line cannot have."""
    assert "$" not in prose.prose(text)
    assert text.count("#math.equation(") == len(re.findall(r"#math\.equation\([^$]*alt:", text))


def test_cited_works_are_in_the_bibliography() -> None:
    keys = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "paper" / "references.bib").read_text(), re.M))
    cited = set(re.findall(r"[@<]([a-z]+\d{4})", PAPER + SUPPLEMENT))
    assert cited == keys


def test_every_table_stands_in_one_of_the_two() -> None:
    cited = re.findall(r'#table-of\("(\w+)"', PAPER + SUPPLEMENT)
    made = [path.stem for path in (ROOT / "replication" / "output" / "tables").glob("*.typ")]
    assert sorted(cited) == sorted(made)


def test_references_to_the_other_document_are_found_there() -> None:
    for text, other in ((PAPER, SUPPLEMENT), (SUPPLEMENT, PAPER)):
        sections = set(re.findall(r"@(app-[\w-]+)", text))
        labels = [set(re.findall(r"<(app-[\w-]+)>", one)) for one in (text, other)]
        assert sections <= labels[0] | labels[1]
        assert not labels[0] & labels[1]


def test_no_glyph_outside_latin_scripts() -> None:
    for path in (ROOT / "replication" / "output").rglob("*.typ"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[\u3400-\u9fff]", text), path.name
