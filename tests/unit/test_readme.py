"""The README cannot drift: its example runs, its tables match the configuration."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from capabilities import MODELS, TABLES, lines, works

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys) -> None:
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(code, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "Lee-Yu transformation likelihood" in printed
    assert "clustered by unit (CR1), 16 clusters" in printed
    assert "Callaway" in printed
    assert "0–25 km" in printed


def test_every_exhibit_has_its_row() -> None:
    config = tomllib.loads((ROOT / "replication" / "exhibits.toml").read_text(encoding="utf-8"))
    for row in config["exhibit"]:
        outputs = ", ".join(f"`{o[:-4]}`" for o in row["outputs"] if o.endswith(".csv"))
        line = f"| {row['paper']}. {row['title']} | `{row['program']}` | {outputs} |"
        assert line in README
    assert len(re.findall(r"^\| (?:Table|Figure) \d+[A-Z]?\.", README, re.MULTILINE)) == len(
        config["exhibit"]
    )


@pytest.mark.parametrize("title", TABLES)
def test_what_works_with_what(title: str) -> None:
    """Every cell is run; ``python tests/capabilities.py`` prints the tables anew."""
    found = lines(title)
    start = README.index(found[0])
    written = README[start:].split("\n\n")[0].splitlines()
    wrong = [line for line in found if line not in written]
    assert not wrong, "README says otherwise; it should hold:\n" + "\n".join(wrong)
    assert len(written) == len(found)


def test_a_cell_can_be_wrong() -> None:
    run = TABLES["Covariances"]["`QuasiML`"]
    assert works("`ce.sar`", run)
    assert not works("`ce.s2sls`", run)
    assert len(MODELS) == len(set(MODELS)) > 15


def test_every_source_has_its_row() -> None:
    folders = {path.parent.name for path in (ROOT / "data" / "raw").glob("*/SOURCE.md")}
    rows = set(re.findall(r"^\| \[`(\w+)`\]\(data/raw/\1/SOURCE\.md\)", README, re.MULTILINE))
    assert rows == folders
    assert {path.name for path in (ROOT / "data" / "raw").iterdir()} == folders


def test_links_point_at_files() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_nothing_is_left_open() -> None:
    assert not re.search(r"@@|TO[D]O|TB[D]|XX[X]", README)
