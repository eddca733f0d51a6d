"""The README cannot drift: its example runs, its tables match the configuration."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys) -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    exec(compile(code.group(1), "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "Lee-Yu transformation likelihood" in printed
    assert "clustered by unit (CR1), 16 clusters" in printed


def test_every_exhibit_has_its_row() -> None:
    config = tomllib.loads((ROOT / "replication" / "exhibits.toml").read_text(encoding="utf-8"))
    for row in config["exhibit"]:
        outputs = ", ".join(f"`{o[:-4]}`" for o in row["outputs"] if o.endswith(".csv"))
        line = f"| {row['paper']}. {row['title']} | `{row['program']}` | {outputs} |"
        assert line in README
    assert len(re.findall(r"^\| (?:Table|Figure) \d+\.", README, re.MULTILINE)) == len(
        config["exhibit"]
    )


def test_every_source_has_its_row() -> None:
    folders = {path.parent.name for path in (ROOT / "data" / "raw").glob("*/SOURCE.md")}
    rows = set(re.findall(r"^\| \[`(\w+)`\]\(data/raw/\1/SOURCE\.md\)", README, re.MULTILINE))
    assert rows == folders
    assert {path.name for path in (ROOT / "data" / "raw").iterdir()} == folders


def test_links_point_at_files() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_nothing_is_left_open() -> None:
    assert not re.search(r"@@|TODO|TBD|XXX", README)
