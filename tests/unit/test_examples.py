"""The pages of examples run, block after block, as a reader would type them."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import ccec_econ as ce

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "tests" / "examples").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_runs(page: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) > 5
    space: dict[str, object] = {}
    for i, block in enumerate(blocks):
        exec(compile(block, f"{page.name} block {i + 1}", "exec"), space)
    printed = " ".join(capsys.readouterr().out.split())
    for shown in re.findall(r"```text\n(.*?)```", text, re.DOTALL):
        assert " ".join(shown.split()) in printed
    assert not plt.get_fignums()


def headings(page: Path) -> set[str]:
    """Anchors of a page's headings."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_links_point_at_files_and_headings(page: Path) -> None:
    targets = re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8"))
    for target in targets:
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        assert not anchor or anchor in headings(file), target
    assert targets or page.stem == "cigarette"


def test_every_figure_function_is_in_the_gallery() -> None:
    text = (ROOT / "tests" / "examples" / "figures.md").read_text(encoding="utf-8")
    drawn = {
        name for name in ce.report.__all__ if name.endswith(("_figure", "_map", "_maps", "_panels"))
    }
    assert drawn == set(re.findall(r"^## (\w+)$", text, re.MULTILINE))
