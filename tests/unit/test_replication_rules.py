"""Rules of comparison, the catalogue, and the study's own files."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "replication"))
catalogue = importlib.import_module("catalogue")
compare = importlib.import_module("compare")
environment = importlib.import_module("environment")
judge = importlib.import_module("judge")
writing = importlib.import_module("writing")

Rule = compare.Rule


@pytest.mark.parametrize(
    ("rule", "ours", "theirs", "agree"),
    [
        ("exact", "1.0", "1.0", True),
        ("exact", "1.0", "1.00", False),
        ("rtol=1e-6", "1.0", "1.00", True),
        ("rtol=1e-6", "1.0000009", "1", True),
        ("rtol=1e-6", "1.0000011", "1", False),
        ("rtol=1e-6", "510100", "510101", False),
        ("rtol=1e-6", "-1", "1", False),
        ("rtol=1e-6", "", "0", False),
        ("rtol=1e-6", "nan", "nan", True),
        ("rtol=1e-6", "inf", "1e300", False),
        ("rtol=1e-6", "Chengdu", "Chongqing", False),
        ("rtol=1e-6", "1e-17", "-3e-17", False),
        ("rtol=1e-6 atol=1e-12", "1e-17", "-3e-17", True),
    ],
)
def test_rule(rule, ours, theirs, agree):
    assert Rule.from_text(rule).accepts(ours, theirs) is agree


@pytest.mark.parametrize("text", ["", "rtol", "rtol=", "rtol=x", "mc=4 sometimes", "printed"])
def test_unknown_rules_are_refused(text):
    with pytest.raises(writing.ReplicationError, match="is no rule"):
        Rule.from_text(text)


def test_monte_carlo_errors_come_from_the_column_beside(tmp_path):
    # the error of the difference is hypot(0.03, 0.04) = 0.05; 4 x 0.05 = 0.2
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_text("size,size_mcse,n\n0.50,0.03,16\n0.50,0.03,16\n")
    theirs.write_text("size,size_mcse,n\n0.69,0.04,16\n0.71,0.04,17\n")
    rule = Rule.from_text("mc=4")
    found = compare.compare(compare.table_cells(ours, theirs, rule), rule, ())
    assert found.cells == 4
    assert [cell.name for cell in found.unlisted] == ["ours.csv:3:size", "ours.csv:3:n"]


def test_repeated_columns_are_named_by_position(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,x\n1,2\n")
    cells = compare.table_cells(path, path, Rule("exact"))
    assert [cell.name for cell in cells] == ["a.csv:2:#1", "a.csv:2:#2"]


def test_nested_numbers_are_paired_by_name():
    cells = compare.number_cells({"a": {"b": 1}, "c": [2]}, {"a": {"b": 1}, "d": 3}, Rule("exact"))
    assert [(cell.name, cell.ours, cell.theirs) for cell in cells] == [
        ("numbers:a.b", "1", "1"),
        ("numbers:c.0", "2", ""),
        ("numbers:d", "", "3"),
    ]


def test_a_known_difference_needs_a_reason(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(
        '[[difference]]\nexhibit = "a"\ncell = "b"\nours = "1"\ntheirs = "2"\nreason = " "\n'
    )
    with pytest.raises(writing.ReplicationError, match="and a reason"):
        compare.read_known(path)


class TestCatalogue:
    def test_every_exhibit_pairs_its_csv_files_with_references(self):
        project = catalogue.load_project(ROOT)
        assert [row.id for row in project.rows][:2] == ["table_01", "table_02"]
        for row in project.rows:
            assert judge.pairs(project, row)
            assert Rule.from_text(row.compare)
            assert row.stem.startswith(row.id)

    def test_an_exhibit_is_found_by_id_stem_and_path(self):
        project = catalogue.load_project(ROOT)
        for name in ("table_08", "table_08_baseline", "replication/table_08_baseline.py"):
            assert project.find(name).id == "table_08"

    def test_an_exhibit_is_found_by_its_place_in_the_paper(self):
        project = catalogue.load_project(ROOT)
        for name in ("Table 13A", "13A", "table_13A", "TABLE 13A", "Table_13_Rings"):
            assert project.find(name).id == "table_13_rings"
        assert project.find("figure 4").id == "figure_04"
        assert project.find("4").id == "table_04"
        names = [name for row in project.rows for name in row.names]
        assert len(names) == len(set(names))

    @pytest.mark.parametrize(
        ("part", "exhibit"),
        [
            ("4b", "table_04"),
            ("4B", "table_04_people"),
            ("table 04e", "table_04"),
            ("4Ab", "table_04_county"),
            ("9b", "table_09"),
            ("13a", "table_13"),
        ],
    )
    def test_a_small_letter_is_a_part_of_an_exhibit(self, part, exhibit):
        assert catalogue.load_project(ROOT).find(part).id == exhibit

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("4f", "Table 4 has no part f: it has a, b, c, d, e; .* as 4F"),
            ("figure 2a", "Figure 2 has no part a: it is whole; .* as 2A"),
            ("4C", "'4C' is not in exhibits.toml"),
        ],
    )
    def test_a_part_that_is_not_there_is_refused(self, name, message):
        with pytest.raises(writing.ReplicationError, match=message):
            catalogue.load_project(ROOT).find(name)

    def test_parts_are_those_that_the_tables_are_numbered_by(self):
        project = catalogue.load_project(ROOT)
        for row in project.rows:
            texts = [path.read_text() for path in project.outputs(row) if path.suffix == ".typ"]
            found = sorted(re.findall(r'numbering: _ => "(.+)"', "".join(texts)))
            place = row.paper.removeprefix("Table ")
            assert found == [place + letter.replace("a", "") for letter in row.letters] or (
                not row.letters and found in ([place], [])
            )

    def test_a_smoke_run_has_other_settings_and_another_place(self):
        project, smoke = (catalogue.load_project(ROOT, smoke=choice) for choice in (False, True))
        assert smoke.config["draws"]["bootstrap"] < project.config["draws"]["bootstrap"]
        assert smoke.config["draws"].keys() == project.config["draws"].keys()
        assert smoke.output.is_relative_to(smoke.cache)
        assert not smoke.paper.samefile(project.paper) if smoke.paper.exists() else True
        assert "smoke" not in project.config

    def test_a_smoke_setting_that_replaces_nothing_is_refused(self):
        with pytest.raises(writing.ReplicationError, match=r"\[smoke\]: drawz stands for no"):
            catalogue._overlaid({"draws": {"a": 1}}, {"drawz": 2})

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('paper = "Table 1"', 'page = "Table 1"', r"missing \['paper'\], unknown \['page'\]"),
            ('id = "table_03"', 'id = "table_01"', r"id table_01 stands twice|add output"),
            ('"output/tables/table_01.json",', "", "add output/tables/table_01.json"),
        ],
    )
    def test_a_faulty_catalogue_is_refused(self, tmp_path, old, new, message):
        folder = tmp_path / "replication"
        folder.mkdir()
        text = (ROOT / "replication/exhibits.toml").read_text()
        assert old in text
        (folder / "exhibits.toml").write_text(text.replace(old, new))
        (folder / "config.toml").write_text((ROOT / "replication/config.toml").read_text())
        with pytest.raises(writing.ReplicationError, match=message):
            catalogue.load_project(tmp_path)


class TestSurroundings:
    def test_makefile_and_python_set_the_same_variables(self):
        lines = (ROOT / "Makefile").read_text().splitlines()
        exported = {line.split()[1] for line in lines if line.startswith("export ")}
        assert exported == environment.variables(ROOT).keys()

    def test_nothing_starts_again_when_the_variables_stand(self, monkeypatch):
        for name, value in environment.variables(ROOT).items():
            monkeypatch.setenv(name, value)
        environment.settle(ROOT)

    def test_a_process_without_the_variables_starts_again(self, monkeypatch):
        seen = {}

        def execve(path, command, env):
            seen.update(env)
            raise SystemExit(3)

        monkeypatch.delenv("PYTHONHASHSEED", raising=False)
        monkeypatch.setattr(environment.os, "execve", execve)
        with pytest.raises(SystemExit) as end:
            environment.settle(ROOT)
        assert end.value.code == 3
        assert environment.variables(ROOT).items() <= seen.items()

    def test_an_unknown_exhibit_leaves_with_1(self):
        done = subprocess.run(
            [sys.executable, str(ROOT / "replication/run.py"), "--only", "table_99"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert "exhibit 'table_99' is not in exhibits.toml" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell script")
class TestFindPython:
    @pytest.fixture
    def path(self, tmp_path):
        """A folder that is all of PATH: the tools that the script calls, and no Python."""
        folder = tmp_path / "bin"
        folder.mkdir()
        for tool in ("cat", "grep", "head", "ls", "sort"):
            (folder / tool).symlink_to(str(shutil.which(tool)))
        return folder

    def find(self, path, **variables):
        command = [str(shutil.which("sh")), str(ROOT / "replication/find_python.sh")]
        environ = {"PATH": f"/nowhere:{path}", "HOME": str(path), **variables}
        return subprocess.run(command, env=environ, capture_output=True, text=True)

    def program(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def test_a_shim_that_cannot_run_is_passed_over(self, path):
        self.program(path / "python3.13", "echo 'command not found' >&2; exit 127")
        self.program(path / "python3.12", f'exec "{sys.executable}" "$@"')
        found = self.find(path)
        assert found.returncode == 0, found.stderr
        assert Path(found.stdout.strip()).samefile(sys.executable)

    def test_the_newest_version_of_pyenv_is_found(self, path, tmp_path):
        self.program(path / "python3.13", "exit 127")
        root = tmp_path / "pyenv with space"
        self.program(root / "versions/3.9.18/bin/python3", "exit 1")
        self.program(root / "versions/3.12.1/bin/python3", "echo older")
        self.program(root / "versions/3.12.10/bin/python3", "echo newest")
        assert self.find(path, PYENV_ROOT=str(root)).stdout == "newest\n"

    def test_a_choice_goes_first(self, path):
        self.program(path / "python3.13", "echo found")
        chosen = self.program(path / "mine", "echo chosen")
        assert self.find(path, PYTHON=str(chosen)).stdout == "chosen\n"

    def test_an_unsuitable_choice_is_refused(self, path):
        self.program(path / "python3.13", "echo found")
        old = self.program(path / "old", '[ "$1" = --version ] && echo Python 3.8.1; exit 1')
        found = self.find(path, PYTHON=str(old))
        assert (found.returncode, found.stdout) == (1, "")
        assert 'it answers "Python 3.8.1"' in found.stderr

    def test_without_any_it_says_what_was_searched(self, path):
        found = self.find(path)
        assert (found.returncode, found.stdout) == (1, "")
        assert "Searched: python3.13" in found.stderr
        assert "pyenv install 3.13" in found.stderr
