"""The paper holds no number typed by hand, and what it cites exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAPER, SUPPLEMENT = (
    (ROOT / "paper" / f"{name}.typ").read_text(encoding="utf-8") for name in ("paper", "supplement")
)
BOTH = pytest.mark.parametrize("text", [PAPER, SUPPLEMENT], ids=["paper", "supplement"])


def prose(text: str) -> str:
    """Text that a reader sees: calls, references, settings and alternative texts taken out."""
    text = re.sub(r"//.*", "", text)
    text = re.sub(r"<[\w-]+>|@[\w-]+", "", text)  # labels and references
    text = re.sub(
        r"#(?:n|name|by-sign|finding|cite|table-of|bibliography|in-the-other)\((?:[^()]|\([^()]*\))*\)",
        "",
        text,
    )
    text = re.sub(r"#(?:set|import|show|counter).*", "", text)
    text = re.sub(r"#picture\(.*?caption: \[", "[", text, flags=re.DOTALL)
    return re.sub(r"#math\.equation\(.*?\$,\n\)", "", text, flags=re.DOTALL)


@BOTH
def test_no_number_is_typed(text: str) -> None:
    found = [line for line in prose(text).splitlines() if re.search(r"\d", line)]
    assert found == []


@BOTH
def test_no_number_is_typed_as_a_word(text: str) -> None:
    """Small words such as "two cores" name things; from four on a number is a result."""
    words = "four|five|six|seven|eight|nine|ten|eleven|twelve|\\w+teen|\\w+ty(?:-\\w+)?|hundred"
    names = {"municipality", "intensity", "contiguity", "city", "county", "society", "university"}
    found = re.findall(rf"\\b({words})\\b", prose(text).lower())
    numbers = [word for word in found if word not in names and not word.endswith(("ity", "ety"))]
    assert numbers == []


def test_the_check_sees_a_typed_number() -> None:
    assert re.search(r"\d", prose('The effect is 0.42 of #n("table_08", "rho").'))
    assert re.search(r"\d", prose("= Results for 16 units"))


@BOTH
def test_no_semicolon_is_eaten(text: str) -> None:
    """Typst takes a semicolon right after a call as the end of code."""
    assert re.findall(r"#[\w-]+\((?:[^()]|\([^()]*\))*\);", text) == []
    assert re.findall(r"#[\w-]+\((?:[^()]|\([^()]*\))*\);", '#n("a", "b"); c') != []


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
