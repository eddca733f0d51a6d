"""The command line does what the functions do, and refuses by name what it does not know."""

from __future__ import annotations

import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

import ccec_econ as ce
from ccec_econ.cli import main
from ccec_econ.cli.html import table_from_html
from ccec_econ.cli.request import Request, RequestError, read_request

ROOT = Path(__file__).parents[2]
FORMULA = "growth ~ digital + hsr | unit + year"
REQUEST = f"""
model = "sdm"
formula = "{FORMULA}"
weights = "contiguity"
cov = "cluster"
years = [2011, 2019]
[effects]
draws = 100
"""


@pytest.fixture
def ask(tmp_path):
    """Write a request and return its path."""

    def written(text: str) -> Path:
        path = tmp_path / "model.toml"
        path.write_text(text)
        return path

    return written


class TestFit:
    def test_prints_what_the_functions_give(self, ask, capsys):
        panel = ce.data.load_panel(years=(2011, 2019))
        fit = ce.sdm(FORMULA, panel, ce.weights.contiguity(), cov=ce.Cluster())
        assert main(["fit", str(ask(REQUEST))]) == 0
        expected = f"{fit.summary()}\n{fit.effects(draws=100, rng=0).summary()}\n"
        assert capsys.readouterr().out == expected

    def test_own_data_and_weights_from_files(self, ask, tmp_path, capsys):
        panel = ce.data.load_panel(years=(2011, 2019))[["growth", "hsr"]]
        panel.to_csv(tmp_path / "panel.csv")
        graph = ce.weights.contiguity()
        pairs = graph.adjacency.reset_index().set_axis(["from", "to", "weight"], axis=1)
        pairs.to_csv(tmp_path / "w.csv", index=False)
        text = """
            model = "sar"
            formula = "growth ~ hsr | unit + year"
            weights = "w.csv"
            [data]
            file = "panel.csv"
            unit = "unit"
            time = "year"
            [write]
            table = "out.csv"
        """
        assert main(["fit", str(ask(text))]) == 0
        fit = ce.sar("growth ~ hsr | unit + year", panel, graph)
        assert (tmp_path / "out.csv").read_text() == fit.summary().to_csv_text() + "\n"
        assert "written: out.csv" in capsys.readouterr().out

    def test_files_are_written_though_the_reader_stops_early(self, ask, tmp_path):
        request = read_request(ask(REQUEST + '[write]\ntable = "t.md"\neffects = "e.csv"\n'))
        next(request.run())
        assert (tmp_path / "t.md").read_text().startswith("**SDM: growth")
        assert (tmp_path / "e.csv").exists()

    def test_every_verb_is_there(self):
        one = Request(Path(), model="gns", formula="growth ~ hsr | unit + year")
        with pytest.raises(RequestError, match="gns needs weights: contiguity"):
            list(one.run())
        ols = Request(Path(), model="ols", formula="growth ~ hsr | unit + year", years=(2011, 2019))
        assert next(iter(ols.run())).startswith("OLS: growth ~ hsr")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("model = ", "model.toml is not toml"),
            ("model = 'sdm'", "model.toml has no formula"),
            ("colour = 1\n" + REQUEST, "unknown colour"),
            (REQUEST.replace("sdm", "sdx"), "model 'sdx' is not known; there are ols, slx"),
            (REQUEST.replace("cluster", "white"), "cov 'white' is not known; there are info"),
            (REQUEST.replace("contiguity", "w.csv"), "no file w.csv beside the request"),
            (REQUEST.replace("draws", "drawn"), "effects: unknown drawn"),
            (REQUEST.replace("[effects]\ndraws = 100", "[write]\neffects = 'e.csv'"), "add the"),
            (REQUEST + "[write]\ntable = 'a.docx'", "write '.docx' is not known"),
            (REQUEST + "[data]\nfile = 'p.csv'", "give file, unit and time, or layer"),
            (REQUEST.replace("digital", "digitl"), "digitl"),
        ],
    )
    def test_refuses_by_name(self, ask, capsys, text, message):
        assert main(["fit", str(ask(text))]) == 1
        assert message in capsys.readouterr().err

    def test_a_file_without_the_named_column(self, ask, tmp_path, capsys):
        (tmp_path / "p.csv").write_text("id,year,y\na,1,2.0\n")
        text = REQUEST + "[data]\nfile = 'p.csv'\nunit = 'unit'\ntime = 'year'"
        assert main(["fit", str(ask(text))]) == 1
        assert "no column unit; there are id, year, y" in capsys.readouterr().err

    def test_a_pair_that_stands_twice_in_the_weights(self, ask, tmp_path, capsys):
        (tmp_path / "w.csv").write_text("from,to,weight\na,b,1\nb,a,1\na,b,0.5\n")
        assert main(["fit", str(ask(REQUEST.replace("contiguity", "w.csv")))]) == 1
        assert "w.csv has a to b twice; keep one weight" in capsys.readouterr().err

    def test_no_request(self, tmp_path, capsys):
        assert main(["fit", str(tmp_path / "absent.toml")]) == 1
        message = capsys.readouterr().err
        assert message.startswith("ccec fit: there is no file ")
        assert "absent.toml; check its name" in message
        assert main(["fit", str(tmp_path)]) == 1
        assert "Errno" not in capsys.readouterr().err

    def test_the_example_is_a_request_with_every_key(self, ask, tmp_path, capsys):
        with pytest.raises(SystemExit) as stop:
            main(["fit", "--example"])
        assert stop.value.code == 0
        example = capsys.readouterr().out
        read = read_request(ask(example))
        assert all(getattr(read, field.name) is not None for field in fields(read))
        assert main(["fit", str(tmp_path / "model.toml")]) == 0
        assert (tmp_path / "effects.csv").exists()
        with pytest.raises(SystemExit):
            main(["fit", "--help"])
        assert example in capsys.readouterr().out


class TestData:
    def test_describe(self, capsys):
        assert main(["data", "describe"]) == 0
        out = capsys.readouterr().out
        assert out.startswith("16 units, 1999–2023, ")
        assert len(ce.data.load_panel().columns) == int(out.split(", ")[2].split()[0])

    def test_write(self, tmp_path, capsys):
        target = tmp_path / "panel.csv"
        assert main(["data", "write", "--to", str(target)]) == 0
        assert target.read_text().startswith("unit,year,name")
        assert main(["data", "write", "--to", str(target)]) == 1
        assert "exists" in capsys.readouterr().err
        assert main(["data", "write"]) == 1
        assert "give --to" in capsys.readouterr().err


class TestStudy:
    def test_tables_are_read_back_as_they_were_written(self):
        for path in (ROOT / "replication" / "output" / "tables").glob("table_0*.html"):
            text = path.read_text(encoding="utf-8")
            assert table_from_html(text).to_html() == text

    @pytest.mark.parametrize("number", ["8", "13A"])
    def test_table(self, monkeypatch, capsys, number):
        monkeypatch.chdir(ROOT / "tests")
        assert main(["table", number]) == 0
        out = capsys.readouterr().out
        assert out.startswith(f"Table {number}. ")
        assert re.findall(r"(?m)^Table (\w+): ", out)[:2] == [number, f"{number}b"]
        assert "replication/output/tables/" in out

    @pytest.mark.parametrize(
        ("part", "exhibit", "shown", "file"),
        [
            ("4b", "4", "4b", "table_04_parts"),
            ("4a", "4", "4", "table_04"),
            ("4Ab", "4A", "4Ab", "table_04_county_parts"),
            ("4B", "4B", "4B", "table_04_people"),
            ("13e", "13", "13e", "table_13_groups"),
        ],
    )
    def test_a_small_letter_is_a_part(self, monkeypatch, capsys, part, exhibit, shown, file):
        monkeypatch.chdir(ROOT)
        assert main(["table", part]) == 0
        out = capsys.readouterr().out
        assert out.startswith(f"Table {exhibit}. ")
        tables = re.findall(r"(?m)^Table (\w+): ", out)
        assert tables[0] == shown
        assert len(tables) == 1 or part == exhibit
        assert f"tables/{file}.html" in out

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ("table 4z", "no part z, its tables are 4, 4b, 4c, 4d, 4e"),
            ("figure 2a", "no part a, it is whole; for Figure 2A write 2A"),
            ("table b", "no table b; the study has table 1, 2"),
        ],
    )
    def test_a_part_that_is_not_there(self, monkeypatch, capsys, words, message):
        monkeypatch.chdir(ROOT)
        assert main(words.split()) == 1
        assert message in capsys.readouterr().err

    def test_what_is_not_there(self, monkeypatch, capsys, tmp_path):
        monkeypatch.chdir(ROOT)
        assert main(["figure", "99"]) == 1
        assert "no figure 99; the study has figure 1, 2, 2A" in capsys.readouterr().err
        monkeypatch.chdir(tmp_path)
        assert main(["table", "8"]) == 1
        assert "no replication/exhibits.toml" in capsys.readouterr().err
        shutil.copytree(
            ROOT / "replication",
            tmp_path / "replication",
            ignore=shutil.ignore_patterns("output", "reference", "log", ".cache"),
        )
        assert main(["table", "8"]) == 1
        assert "run ccec replicate --only table_08" in capsys.readouterr().err

    def test_replicate_runs_the_study_around(self, monkeypatch, tmp_path):
        (tmp_path / "replication").mkdir()
        (tmp_path / "replication" / "exhibits.toml").write_text("")
        (tmp_path / "replication" / "run.py").write_text(
            "import sys; from pathlib import Path; Path('given').write_text(' '.join(sys.argv[1:]))"
            "; sys.exit(3 if '--force' in sys.argv else 0)"
        )
        monkeypatch.chdir(tmp_path)
        given = tmp_path / "given"
        assert main(["replicate"]) == 0
        assert given.read_text() == ""
        assert main(["replicate", "--only", "table_08", "--force"]) == 3
        assert given.read_text() == "--force --only table_08"
        assert main(["replicate", "--cores", "0", "--smoke"]) == 0
        assert given.read_text() == "--smoke --cores 0"


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"ccec_econ {ce.__version__}\n"


def test_without_a_command(capsys):
    assert main([]) == 0
    assert "usage: ccec" in capsys.readouterr().out
