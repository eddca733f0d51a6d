"""The audit of the package: the checkout passes, and each check can fail."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "replication"))
audit = importlib.import_module("audit")
programs = importlib.import_module("audit_programs")
prose = importlib.import_module("prose")

EXHIBIT = """
[[exhibit]]
id = "table_01"
paper = "Table 1"
title = "Made up"
program = "replication/table_01_made.py"
outputs = ["output/tables/table_01.csv"]
reference = "reference/table_01.csv"
"""


@pytest.fixture
def tree(tmp_path):
    """A small package that passes every check but that of the codebook, which reads ccec_econ."""
    table = "unit,x\n1,2\n"
    listed = hashlib.sha256(table.encode()).hexdigest()
    source = "# Made up\n\n`made.csv`\n"
    terms = "| `made` | nobody |\n"
    sums = {"LICENSES.md": terms, "raw/made/SOURCE.md": source, "raw/made/made.csv": table}
    manifest = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sums.items()}
    assert manifest["raw/made/made.csv"] == listed
    cited = "\n".join(f"{key}: x" for key in audit.KEYS if key not in ("version", "license"))
    cited = cited.replace("date-released: x", "date-released: 2026-11-22")
    for name, text in {
        ".gitignore": ".venv/\n__pycache__/\n",
        "LICENSE": "MIT License\n",
        "CITATION.cff": f"{cited}\nversion: 0.1.0\nlicense: MIT\n",
        "pyproject.toml": '[project]\nversion = "0.1.0"\nlicense = "MIT"\n',
        "requirements.in": "numpy\n" + "\n".join(sorted(programs.TOOLS)) + "\n",
        "Makefile": "run:\n\tpython replication/run.py\n",
        "README.md": (
            "| Table 1. Made up | `replication/table_01_made.py:1` | `output/tables/table_01` |\n"
            "| [`made`](data/raw/made/SOURCE.md) |\n"
        ),
        "data/MANIFEST.sha256": "".join(f"{v}  {k}\n" for k, v in manifest.items()),
        **{f"data/{name}": text for name, text in sums.items()},
        "replication/exhibits.toml": EXHIBIT,
        "replication/paper.py": '"""Paper."""\n',
        "replication/run.py": '"""Run."""\n\nimport helper\n',
        "replication/helper.py": '"""Help."""\n\nimport numpy\n',
        "replication/table_01_made.py": '"""Table."""\n',
        "replication/output/tables/table_01.csv": "a\n1\n",
        "replication/reference/table_01.csv": "a\n1\n",
        "paper/paper.typ": "Two cities.\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def add(name, text, mode="w"):
    def change(root):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode) as file:
            file.write(text)

    return change


def link(root):
    (root / "again.md").symlink_to(root / "README.md")


def large(root):
    with (root / "large.dat").open("wb") as file:
        file.truncate(audit.LARGE + 1)


def executable(root):
    (root / "README.md").chmod(0o755)


def remove(name):
    return lambda root: (root / name).unlink()


FAULTS = [
    ("files_are_in_order", add("empty.md", ""), "empty.md is empty"),
    ("files_are_in_order", add("all.zip", "PK"), "all.zip does not belong here"),
    ("files_are_in_order", add("data/.table.csv.part", "x"), "does not belong here"),
    ("files_are_in_order", large, "large.dat has 50 MB, more than 50"),
    ("files_are_in_order", link, "again.md is a link"),
    ("files_differ", add("twice.md", "Two cities.\n"), "paper/paper.typ and twice.md"),
    ("text_is_plain", add("a.md", b"a\r\n", "wb"), "a.md has carriage returns"),
    ("text_is_plain", add("a.md", b"\xff\xfe\n", "wb"), "a.md is not UTF-8"),
    ("text_is_plain", add("a.md", b"\xef\xbb\xbfa\n", "wb"), "a.md begins with a byte order mark"),
    ("text_is_plain", add("a.md", "a"), "a.md ends without a line end"),
    ("nothing_personal", add("a.md", "ask jane.doe" + "@" + "mail.example.org\n"), "a.md:1: jane"),
    ("nothing_personal", add("a.py", "x = '" + "/ho" + "me/jane/data.csv'\n"), "a.py:1: /ho"),
    ("nothing_personal", add("a.py", "x = 'C" + ":\\\\data'\n"), "a.py:1: C:"),
    ("nothing_is_open", add("a.py", "# TO" + "DO later\n"), "a.py:1: TO"),
    ("licence_and_citation", remove("LICENSE"), "LICENSE is missing"),
    ("licence_and_citation", add("CITATION.cff", "title: x\n"), "CITATION.cff has no authors"),
    ("licence_and_citation", add("LICENSE", "Mine\n"), "LICENSE is not that of MIT"),
    (
        "licence_and_citation",
        add("pyproject.toml", '[project]\nversion = "0.2.0"\nlicense = "MIT"\n'),
        "version: 0.1.0 in CITATION.cff, 0.2.0 in pyproject.toml",
    ),
    (
        "imports_are_declared",
        add("replication/run.py", "import helper, scipy.stats\n"),
        "scipy, imported by replication/run.py, is not declared",
    ),
    (
        "imports_are_declared",
        add("requirements.in", "tqdm\n", "a"),
        "tqdm is declared, and no program imports it",
    ),
    ("programs_are_reached", add("replication/old.py", "x = 1\n"), "old.py: nothing runs it"),
    ("programs_are_reached", remove("replication/table_01_made.py"), "table_01_made.py is missing"),
    ("sources_are_told", remove("data/raw/made/SOURCE.md"), "data/raw/made has no SOURCE.md"),
    ("sources_are_told", add("data/raw/made/more.csv", "a\n"), "data/raw/made/more.csv is not the"),
    ("sources_are_told", remove("data/raw/made/made.csv"), "lists raw/made/made.csv, which is mis"),
    ("sources_are_told", add("README.md", "nothing\n"), "README.md has no row of made"),
    ("data_are_used", add("data/raw/made/more.csv", "a\n"), "more.csv: no program and no SOURCE"),
    ("catalogue_is_told", add("README.md", "nothing\n"), "README.md has no row, or another, of"),
    (
        "catalogue_is_told",
        add("replication/reference/table_09.csv", "a\n"),
        "replication/reference/table_09.csv belongs to no exhibit",
    ),
    ("paper_has_no_typed_number", add("paper/paper.typ", "It is 0.4.\n"), "It is 0.4."),
    ("paper_has_no_typed_number", add("paper/paper.typ", "It is twelve.\n"), "twelve"),
]
CHECKS = {check.__name__: check for check in audit.CHECKS}
OF_THE_PACKAGE = {"codebook_is_complete"}


@pytest.mark.parametrize("name", sorted(CHECKS.keys() - OF_THE_PACKAGE))
def test_a_clean_tree_passes(tree, name) -> None:
    assert list(CHECKS[name](tree)) == []


@pytest.mark.parametrize(("name", "change", "message"), FAULTS)
def test_a_fault_is_found(tree, name, change, message) -> None:
    change(tree)
    assert any(message in problem for problem in CHECKS[name](tree)), list(CHECKS[name](tree))


@pytest.mark.skipif(os.name != "posix", reason="bits of POSIX")
def test_an_executable_text_is_found(tree) -> None:
    executable(tree)
    assert list(audit.programs_are_executable(tree)) == ["README.md: executable"]


def test_an_undescribed_column_is_found(monkeypatch) -> None:
    import ccec_econ as ce

    book = ce.data.load_codebook()
    monkeypatch.setattr(ce.data, "load_codebook", lambda: book[book["variable"] != "growth"])
    assert list(audit.codebook_is_complete(ROOT)) == ["city: growth is not described"]


def test_every_check_has_a_fault() -> None:
    shown = {name for name, _, _ in FAULTS} | OF_THE_PACKAGE | {"programs_are_executable"}
    assert shown == CHECKS.keys()


def test_the_checkout_passes() -> None:
    """The codebook apart, whose own tests are slower and say more."""
    found = audit.audit(ROOT, tuple(CHECKS[name] for name in CHECKS if name not in OF_THE_PACKAGE))
    assert len(found) == len(audit.CHECKS) - 1
    assert {title: problems for title, problems in found.items() if problems} == {}


@pytest.mark.parametrize("text", ['growth of #n("table_08", "rho") and 0.42', "Twenty-two cities"])
def test_numbers_typed_by_hand_are_seen(text) -> None:
    assert prose.typed_numbers(text)


def test_what_is_read_from_outputs_is_no_typed_number() -> None:
    text = 'An effect of #n("table_08", "rho", digits: 2) @leeyu2010 in one time in five.\n'
    assert prose.typed_numbers(text + '#picture("figure_04", alt: "Four", caption: [Maps.])') == []
