"""The driver of the study, run on made-up exhibits in a temporary checkout."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "replication"))
catalogue = importlib.import_module("catalogue")
exhibit = importlib.import_module("exhibit")
judge = importlib.import_module("judge")
run = importlib.import_module("run")
verify = importlib.import_module("verify")
writing = importlib.import_module("writing")

TABLE = '''"""Table 8. Made up."""
from types import SimpleNamespace
import pandas as pd
from exhibit import Exhibit, main, rng

def build(config):
    # {note}
    noise = rng(config, "table_08").normal()
    frame = pd.DataFrame({{"term": ["digital", "hsr"], "estimate": [{value}, noise]}})
    table = SimpleNamespace(
        to_csv_text=lambda: "unused", to_html=lambda: "<table><caption>A</caption></table>",
        to_latex=lambda: "tex", to_typst=lambda **kwargs: 'numbering: _ => "%(number)s"' % kwargs,
    )
    return Exhibit(table=table, data=frame, finding="One | two.", numbers={{"rho": {value}}})

if __name__ == "__main__":
    main(__file__, build)
'''
FIGURE = '''"""Figure 1. Made up."""
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from exhibit import Exhibit, main

def build(config):
    np.random.default_rng(config["seed"])
    mpl.rcParams["lines.linewidth"] = 7.0
    figures = {}
    for suffix in ("", "tiles"):
        figure, axes = plt.subplots(figsize=(2, 1))
        axes.plot([0, 1], [0, 1], clip_on=True)
        figures[suffix] = figure
    config["seed"] = "spoilt"
    return Exhibit(figure=figures, data=pd.DataFrame({"year": [2011], "gap": [0.25]}))

if __name__ == "__main__":
    main(__file__, build)
'''
CATALOGUE = """
[[exhibit]]
id = "figure_01"
paper = "Figure 1"
title = "Made-up figure"
program = "replication/figure_01_circle.py"
inputs = ["geography"]
outputs = [
  "output/figures/figure_01.csv", "output/figures/figure_01.json", "output/figures/figure_01.png",
  "output/figures/figure_01.svg", "output/figures/figure_01_tiles.png",
  "output/figures/figure_01_tiles.svg",
]
reference = "reference/figure_01.csv"
compare = "exact"

[[exhibit]]
id = "table_08"
paper = "Table 8"
title = "Made-up table"
program = "replication/table_08_baseline.py"
inputs = ["city_yearbook"]
outputs = [
  "output/tables/table_08.csv", "output/tables/table_08.html", "output/tables/table_08.json",
  "output/tables/table_08.tex", "output/tables/table_08.typ",
]
reference = ["reference/table_08.csv"]
compare = "rtol=1e-6"
"""
CONFIG = """
seed = 7
[study]
title = "Made-up study"
summary = "Nothing real."
[paths]
paper = "paper/paper.pdf"
"""
PAPER = """
def build_paper(root):
    folder = root / "paper"
    folder.mkdir(exist_ok=True)
    for name in ("paper", "supplement"):
        (folder / f"{name}.pdf").write_bytes(b"pdf")
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one table, one figure and a paper; the data steps are stubs."""
    folder = tmp_path / "replication"
    folder.mkdir()
    (folder / "config.toml").write_text(CONFIG)
    (folder / "exhibits.toml").write_text(CATALOGUE)
    (folder / "paper.py").write_text(PAPER)
    (folder / "figure_01_circle.py").write_text(FIGURE)
    write_table(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # what a run puts there goes with its checkout
    monkeypatch.setattr(run, "_check_data", lambda: None)
    monkeypatch.setattr(run, "_write_panels", write_panels)
    return tmp_path


def write_panels(project):
    for layer in ("city", "county"):
        for kind in ("panel", "adjustments"):
            writing.write(project.derived / f"{layer}_{kind}.csv", "unit\n")


def write_table(root, value="0.123456789", note=""):
    text = TABLE.format(value=value, note=note)
    (root / "replication" / "table_08_baseline.py").write_text(text)


def make(root, only=None, force=False):
    project = catalogue.load_project(root)
    return run.run(project, run.plan(project, only), only=only, force=force)


def accept(root):
    return verify.accept(catalogue.load_project(root))


def outputs(root):
    folder = root / "replication" / "output"
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def outcomes(root):
    return json.loads((root / "replication/log/run.json").read_text())["outcomes"]


def made(root):
    """A checkout whose outputs are made and accepted."""
    make(root)
    accept(root)
    assert make(root) == 0
    return root


def alter(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


class TestRun:
    def test_first_run_asks_for_accepted_numbers(self, checkout, capsys):
        assert make(checkout) == 1
        assert "no accepted numbers in replication/reference" in capsys.readouterr().out
        assert outcomes(checkout)["verdict"] == "failed"

    def test_complete_run_ends_with_the_sentinel(self, checkout, capsys):
        made(checkout)
        log = (checkout / "replication/log/replicate.log").read_text()
        assert log.splitlines()[-1] == "===== REPLICATION COMPLETE ====="
        assert capsys.readouterr().out.splitlines()[-1] == "===== REPLICATION COMPLETE ====="

    def test_failure_stops_and_names_the_exhibit(self, checkout, capsys):
        write_table(checkout, value="1 / 0")
        assert make(checkout) == 1
        printed = capsys.readouterr().out
        assert "table_08 failed: ZeroDivisionError: division by zero" in printed
        assert "COMPLETE" not in printed
        assert outcomes(checkout) == {
            "data": "done",
            "panels": "done",
            "figure_01": "done",
            "table_08": "failed",
        }
        log = (checkout / "replication/log/replicate.log").read_text()
        assert "Traceback" in log
        assert "COMPLETE" not in log

    def test_failure_leaves_no_old_output_and_is_tried_again(self, checkout):
        made(checkout)
        write_table(checkout, value="1 / 0")
        assert make(checkout) == 1
        assert not (checkout / "replication/output/tables/table_08.csv").exists()
        write_table(checkout)
        assert make(checkout) == 0
        assert outcomes(checkout)["table_08"] == "done"

    def test_a_script_that_exits_is_a_failure(self, checkout, capsys):
        (checkout / "replication/table_08_baseline.py").write_text("raise SystemExit(0)\n")
        assert make(checkout) == 1
        assert "table_08 failed: SystemExit: 0" in capsys.readouterr().out

    def test_unchanged_steps_are_skipped(self, checkout, capsys):
        made(checkout)
        state = outcomes(checkout)
        assert state["figure_01"] == state["table_08"] == state["paper"] == "unchanged"
        assert "step 4 of 7 table_08: unchanged" in capsys.readouterr().out
        assert make(checkout, force=True) == 0
        assert set(outcomes(checkout).values()) == {"done"}

    @pytest.mark.parametrize(
        ("changed", "again"),
        [
            ("replication/config.toml", {"panels", "figure_01", "table_08", "paper"}),
            ("replication/exhibit.py", {"panels", "figure_01", "table_08", "paper"}),
            ("ccec_econ/models/static.py", {"panels", "figure_01", "table_08", "paper"}),
            ("data/MANIFEST.sha256", {"panels", "figure_01", "table_08", "paper"}),
            ("requirements.lock", {"panels", "figure_01", "table_08", "paper"}),
            ("replication/table_08_baseline.py", {"table_08", "paper"}),
            ("replication/output/tables/table_08.tex", {"table_08"}),
            ("paper/paper.typ", {"paper"}),
        ],
    )
    def test_what_a_change_makes_again(self, checkout, changed, again):
        made(checkout)
        path = checkout / changed
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write("\n# changed\n")
        assert make(checkout) == 0
        never_skipped = {"data", "numbers", "verdict"}
        ran = {name for name, outcome in outcomes(checkout).items() if outcome == "done"}
        assert ran - never_skipped == again

    def test_two_cores_give_the_same_bytes_and_are_recorded(self, checkout):
        made(checkout)
        first = outputs(checkout)
        project = catalogue.load_project(checkout)
        assert run.run(project, run.plan(project), force=True, cores=2) == 0
        assert outputs(checkout) == first
        record = json.loads((checkout / "replication/log/run.json").read_text())
        assert record["cores_used"] == 2
        assert set(record["outcomes"].values()) == {"done"}

    def test_a_failure_withdraws_the_verdict_and_one_exhibit_keeps_it(self, checkout, capsys):
        made(checkout)
        verdict = checkout / "replication/output/VERDICT.md"
        write_table(checkout, note="changed")
        assert make(checkout, only="table_08") == 0
        assert verdict.exists()
        write_table(checkout, value="1 / 0")
        assert make(checkout) == 1
        assert not verdict.exists()
        assert "the former verdict no longer holds and is withdrawn" in capsys.readouterr().out

    def test_a_smoke_run_leaves_the_study_alone(self, checkout, capsys):
        made(checkout)
        first = outputs(checkout)
        (checkout / "CITATION.cff").write_text("version: 1\n")
        write_table(checkout, value="0.7")
        project = catalogue.load_project(checkout, smoke=True)
        assert run.run(project, run.plan(project)) == 0
        assert outputs(checkout) == first
        assert capsys.readouterr().out.splitlines()[-1] == run.SMOKE_COMPLETE
        reference = checkout / "replication/reference/table_08.csv"
        reference.write_text(reference.read_text() + "more,1\n")
        assert run.run(project, run.plan(project)) == 1
        assert "table_08.csv: 2 rows of term, estimate, accepted 3" in capsys.readouterr().out

    def test_a_row_of_the_catalogue_counts_for_its_exhibit(self, checkout):
        made(checkout)
        alter(checkout / "replication/exhibits.toml", "Made-up figure", "Another figure")
        assert make(checkout) == 0
        state = outcomes(checkout)
        assert (state["figure_01"], state["table_08"]) == ("done", "unchanged")

    def test_runs_give_the_same_bytes(self, checkout):
        made(checkout)
        first = outputs(checkout)
        assert {"VERDICT.md", "index.html", "numbers.json"} < first.keys()
        assert make(checkout, force=True) == 0
        assert outputs(checkout) == first

    @pytest.mark.parametrize("name", ["table_08", "table_08_baseline", "figure_01"])
    def test_one_exhibit_has_the_bytes_of_the_full_run(self, checkout, name, capsys):
        made(checkout)
        first = outputs(checkout)
        for path in (checkout / "replication/output").glob(f"*s/{name[:8]}*"):
            path.unlink()
        capsys.readouterr()
        assert make(checkout, only=name) == 0
        assert outputs(checkout) == first
        assert f"===== {name} COMPLETE =====" in capsys.readouterr().out

    def test_one_exhibit_is_compared(self, checkout, capsys):
        made(checkout)
        write_table(checkout, value="0.2")
        assert make(checkout, only="table_08") == 1
        assert "table_08.csv:2:estimate: ours '0.2'" in capsys.readouterr().out

    def test_an_unknown_name_is_refused(self, checkout):
        with pytest.raises(writing.ReplicationError, match="exhibit 'table_99' is not in"):
            make(checkout, only="table_99")

    def test_undeclared_outputs_are_refused(self, checkout, capsys):
        alter(checkout / "replication/exhibits.toml", '"output/tables/table_08.tex", ', "")
        assert make(checkout) == 1
        expected = "table_08: writes ['output/tables/table_08.tex'] beyond its outputs"
        assert expected in capsys.readouterr().out

    def test_files_of_no_exhibit_are_removed_and_said(self, checkout, capsys):
        old = checkout / "replication/output/tables/table_99.csv"
        writing.write(old, "a\n")
        make(checkout)
        assert not old.exists()
        assert "removed table_99.csv: no exhibit" in capsys.readouterr().out

    def test_warnings_are_told(self, checkout, capsys):
        path = checkout / "replication/table_08_baseline.py"
        alter(
            path, "    noise", "    import warnings; warnings.warn('close to singular')\n    noise"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            make(checkout)
        assert "warning: UserWarning: close to singular" in capsys.readouterr().out

    def test_a_script_without_build_is_named(self, checkout, capsys):
        (checkout / "replication/table_08_baseline.py").write_text("x = 1\n")
        assert make(checkout) == 1
        assert "table_08_baseline.py has no function build" in capsys.readouterr().out

    def test_record_holds_no_host_and_no_user(self, checkout):
        make(checkout)
        text = (checkout / "replication/log/run.json").read_text()
        assert {"cores", "packages", "python", "seconds", "seed", "threads"} < json.loads(
            text
        ).keys()
        assert os.uname().nodename not in text


class TestScriptAlone:
    def test_same_bytes_as_the_full_run(self, checkout):
        made(checkout)
        first = outputs(checkout)
        target = checkout / "replication/output/tables/table_08.csv"
        target.unlink()
        script = checkout / "replication/table_08_baseline.py"
        environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
        environment["PYTHONPATH"] = str(ROOT / "replication")
        done = subprocess.run(
            [sys.executable, str(script)], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == "replication/output/tables/table_08.csv"
        assert outputs(checkout) == first


class TestVerify:
    CELL = "table_08.csv:2:estimate"

    def known(self, root, ours="0.12345679", theirs="0.2"):
        (root / "replication/known_differences.toml").write_text(
            f'[[difference]]\nexhibit = "table_08"\ncell = "{self.CELL}"\nours = "{ours}"\n'
            f'theirs = "{theirs}"\nreason = "A misprint."\n'
        )

    def reference(self, root, new="0.2"):
        alter(root / "replication/reference/table_08.csv", "0.12345679", new)

    def check(self, root):
        return verify.check(catalogue.load_project(root))

    def test_reproduced(self, checkout):
        made(checkout)
        assert {verdict.outcome for verdict in self.check(checkout)} == {"reproduced"}
        text = (checkout / "replication/output/VERDICT.md").read_text()
        assert "**Full reproduction.**" in text
        assert r"| reproduced | rtol=1e-6 | 5 | 5 | 0 | One \| two. |" in text

    def test_an_altered_cell_is_found(self, checkout):
        made(checkout)
        self.reference(checkout)
        with pytest.raises(writing.ReplicationError, match=f"{self.CELL}: ours '0.12345679', acc"):
            self.check(checkout)
        text = (checkout / "replication/output/VERDICT.md").read_text()
        assert "**Partial reproduction.**" in text
        assert "| differs | rtol=1e-6 | 5 | 4 | 3.8e-01 at" in text
        assert "table_08.csv:2" in (checkout / "replication/output/index.html").read_text()

    def test_a_difference_within_the_tolerance_passes(self, checkout):
        made(checkout)
        self.reference(checkout, "0.12345680")
        self.check(checkout)

    def test_a_listed_difference_is_accepted(self, checkout):
        made(checkout)
        self.reference(checkout)
        self.known(checkout)
        outcome = {verdict.row.id: verdict.outcome for verdict in self.check(checkout)}
        assert outcome["table_08"] == "reproduced with listed differences"
        text = (checkout / "replication/output/VERDICT.md").read_text()
        assert "**Full reproduction with listed differences.**" in text
        assert "accepted 0.2. A misprint." in text

    def test_a_stale_entry_fails(self, checkout):
        made(checkout)
        self.known(checkout)
        with pytest.raises(writing.ReplicationError, match="no longer so; remove or correct"):
            self.check(checkout)

    def test_an_entry_with_other_numbers_fails(self, checkout):
        made(checkout)
        self.reference(checkout)
        self.known(checkout, ours="0.3")
        with pytest.raises(writing.ReplicationError, match="differs"):
            self.check(checkout)

    def test_an_entry_of_no_exhibit_fails(self, checkout):
        made(checkout)
        self.known(checkout)
        alter(checkout / "replication/known_differences.toml", "table_08", "table_88")
        with pytest.raises(writing.ReplicationError, match="names table_88, no exhibit"):
            self.check(checkout)

    def test_numbers_of_the_text_are_compared(self, checkout):
        made(checkout)
        alter(checkout / "replication/reference/numbers.json", "0.12345679", "0.5")
        with pytest.raises(writing.ReplicationError, match=r"numbers:rho: ours '0\.12345679'"):
            self.check(checkout)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("term,estimate", "term,value", "columns"),
            ("digital,0.12345679\n", "", "2 rows, accepted 1 rows"),
        ],
    )
    def test_another_shape_differs(self, checkout, old, new, message):
        made(checkout)
        alter(checkout / "replication/reference/table_08.csv", old, new)
        with pytest.raises(writing.ReplicationError, match=message):
            self.check(checkout)

    def test_absent_outputs_and_references_fail(self, checkout):
        made(checkout)
        (checkout / "replication/reference/figure_01.csv").unlink()
        (checkout / "replication/output/tables/table_08.tex").unlink()
        with pytest.raises(writing.ReplicationError) as error:
            self.check(checkout)
        assert "figure_01: no reference" in str(error.value)
        assert "run make accept" in str(error.value)
        assert "table_08.tex not made; run make replicate ONLY=table_08" in str(error.value)

    def test_nothing_is_accepted_by_halves(self, checkout):
        with pytest.raises(writing.ReplicationError, match=r"nothing accepted: figure_01\.csv"):
            accept(checkout)

    def test_the_page_is_self_contained(self, checkout):
        made(checkout)
        page = (checkout / "replication/output/index.html").read_text()
        assert page.count("data:image/svg+xml;base64,") == 2
        assert "http" not in page
        assert "<script" not in page
        assert 'href="../../data/raw/city_yearbook/SOURCE.md"' in page
        assert 'href="tables/table_08.csv"' in page
        assert "<caption>Table 8: A</caption>" in page
        assert 'href="../../paper/paper.pdf"' in page
        assert str(checkout) not in page


class TestExhibit:
    def test_numbers_are_collected_at_eight_digits(self, checkout):
        make(checkout)
        numbers = json.loads((checkout / "replication/output/numbers.json").read_text())
        assert numbers == {"figure_01": {}, "table_08": {"rho": 0.12345679}}

    def test_pictures_hold_no_date_and_no_version(self, checkout):
        make(checkout)
        folder = checkout / "replication/output/figures"
        assert b"dc:date" not in (folder / "figure_01.svg").read_bytes()
        assert b"Matplotlib" not in (folder / "figure_01.png").read_bytes()

    def test_settings_of_matplotlib_do_not_outlive_an_exhibit(self, checkout):
        import matplotlib as mpl

        before = mpl.rcParams["lines.linewidth"]
        make(checkout)
        assert mpl.rcParams["lines.linewidth"] == before

    def test_random_numbers_depend_on_seed_and_name_alone(self):
        draw = exhibit.rng({"seed": 1}, "table_08").normal()
        assert exhibit.rng({"seed": 1}, "table_08").normal() == draw
        assert exhibit.rng({"seed": 1}, "table_09").normal() != draw
        assert exhibit.rng({"seed": 2}, "table_08").normal() != draw

    @pytest.mark.parametrize("value", [float("nan"), np.inf])
    def test_numbers_that_are_not_finite_are_refused(self, value):
        with pytest.raises(writing.ReplicationError, match=r"table_08: number\.a\.rho is"):
            writing.rounded({"a": {"rho": value}}, "table_08: number")

    def test_numbers_of_other_types_are_refused(self):
        with pytest.raises(writing.ReplicationError, match="is a ndarray"):
            writing.rounded(np.zeros(2))

    def test_rounding_keeps_types(self):
        given = {"n": np.int64(16), "ok": np.True_, "x": [np.float64(-0.0), 1 / 3], "s": "a"}
        assert writing.rounded(given) == {"n": 16, "ok": True, "x": [0.0, 0.33333333], "s": "a"}


class TestCsv:
    def test_cells(self):
        frame = pd.DataFrame(
            {
                "a": [1 / 3, 123456789.25, -0.0, np.nan],
                "b": ["x,y", None, 'q"', "z"],
                "c": [True, False, True, False],
                "d": [1, 2, 3, 510100],
                "e": [np.inf, 1e-300, 2010.0, 1e22],
            }
        )
        assert writing.csv_text(frame) == (
            "a,b,c,d,e\n"
            '0.33333333,"x,y",true,1,inf\n'
            "1.2345679e+08,,false,2,1e-300\n"
            '0,"q""",true,3,2010\n'
            ",z,false,510100,1e+22\n"
        )

    def test_a_named_index_comes_first(self):
        index = pd.MultiIndex.from_tuples([("510100", 2011)], names=["unit", "year"])
        frame = pd.DataFrame({"x": [0.5]}, index=index)
        assert writing.csv_text(frame) == "unit,year,x\n510100,2011,0.5\n"

    def test_an_index_without_a_name_is_refused(self):
        with pytest.raises(writing.ReplicationError, match="an index without a name"):
            writing.csv_text(pd.DataFrame({"x": [1]}, index=["a"]))

    def test_columns_of_two_levels_are_refused(self):
        frame = pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
        with pytest.raises(writing.ReplicationError, match="columns of 2 levels"):
            writing.csv_text(frame)
