"""The README cannot drift: its example runs, its tables match the configuration."""

from __future__ import annotations

import importlib
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


@pytest.fixture
def readme(monkeypatch):
    """The program that writes the generated parts, and the study."""
    monkeypatch.syspath_prepend(str(ROOT / "replication"))
    module = importlib.import_module("readme")
    return module, module.load_project(ROOT)


def test_generated_parts_are_fresh(readme) -> None:
    module, project = readme
    assert module.fresh(README, project) == README, "README.md is stale: make readme"


def test_a_stale_readme_is_seen(readme) -> None:
    module, project = readme
    for line in ("| `codebook.csv` |", "| Table 8. Baseline", "The seed is"):
        other = README.replace(line, line + " old")
        assert other != README
        assert module.fresh(other, project) == README


def test_seconds_are_those_of_a_run_of_every_exhibit(readme) -> None:
    module, project = readme
    names = [row.id for row in project.rows]
    record = {
        "seconds": dict.fromkeys(names, 0.25) | {"data": 3.0, names[0]: 1234.4},
        "seconds_in_all": 77.6,
        "system": "A system",
        "cores": 3,
        "python": "3.13",
        "packages": {"numpy": "1", "scipy": "2", "pandas": "3"},
    }
    found = module.fresh(README, project, record)
    assert re.search(rf"^\| {project.rows[0].paper}\..*\| 1234 \|$", found, re.MULTILINE)
    assert "| all, on the cores used | 78 |" in found
    assert "A system, 3 cores" in found
    assert module.fresh(found, project) == found
    del record["seconds"][names[-1]]
    assert module.fresh(README, project, record) == README


def test_a_part_without_markers_is_refused(readme) -> None:
    module, project = readme
    with pytest.raises(module.ReplicationError, match="end of exhibits --> must each stand"):
        module.fresh(README.replace("<!-- end of exhibits -->", ""), project)


def test_every_data_file_and_every_exhibit_has_one_row() -> None:
    files = {
        path.relative_to(ROOT / "data").as_posix()
        for path in (ROOT / "data").rglob("*")
        if path.is_file() and "derived" not in path.parts
    }
    part = README.split("<!-- data files:")[1].split("<!-- end of data files -->")[0]
    rows = re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE)
    assert sorted(rows) == sorted(files)
    config = tomllib.loads((ROOT / "replication" / "exhibits.toml").read_text(encoding="utf-8"))
    shown = re.findall(
        r"^\| ((?:Table|Figure) \d+[A-Z]?)\. .*`([^`]+):(\d+)`", README, re.MULTILINE
    )
    assert [(paper, program) for paper, program, _ in shown] == [
        (row["paper"], row["program"]) for row in config["exhibit"]
    ]
    for _, program, line in shown:
        text = (ROOT / program).read_text(encoding="utf-8").splitlines()
        assert text[int(line) - 1].startswith("def build("), program


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


def test_nothing_is_left_open() -> None:
    assert not re.search(r"@@|TO[D]O|TB[D]|XX[X]", README)
