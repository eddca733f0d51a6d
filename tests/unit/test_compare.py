"""Fits of every class side by side: rows, order, refusals, and output that typesets."""

from __future__ import annotations

import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typst
from libpysal.graph import Graph

import ccec_econ as ce
from ccec_econ.errors import FormulaError, IdentificationError
from ccec_econ.models.parameters import Parameters
from ccec_econ.typeset import Table

F = "y ~ x1 + x2 | id + year"
R = "y ~ x1 + x2"


def ring(W: Graph) -> Graph:
    """Row-standardised weights of the units in a circle."""
    circle = np.roll(np.eye(16), 1, axis=1) + np.roll(np.eye(16), -1, axis=1)
    return ce.weights.row_standardise(ce.weights.from_matrix(circle, W.unique_ids))


@pytest.fixture(scope="module")
def fits(sim16) -> dict[str, Parameters]:
    """One fit of every result class and estimator."""
    panel, W = sim16
    other = ring(W)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ce.errors.WeakIdentificationWarning)
        gns = ce.gns(F, panel, W)
    return {
        "ols": ce.ols(F, panel),
        "sdm": ce.sdm(F, panel, W),
        "sdm without effects": ce.sdm(R, panel, W),
        "gns": gns,
        "dynamic": ce.sdm("y ~ L(y) + W(L(y)) + x1 + x2 | id + year", panel, W),
        "dynamic uncorrected": ce.sar("y ~ L(y) + x1 | id", panel, W, correction=False),
        "higher order": ce.higher_order(F, panel, {"near": W, "ring": other}, durbin=True),
        "random": ce.random_effects(R, panel, W, error="bsk"),
        "random gm": ce.random_effects_gm(R, panel, W, durbin="all"),
        "s2sls": ce.s2sls(F, panel, W),
        "gmm": ce.gmm(F, panel, W),
        "threshold": ce.threshold(F, panel, W, by="x2", regimes=["x1"]),
        "unbalanced": ce.sdm(F, panel.drop(panel.index[[3, 40]]), W, unbalanced=True),
        "blocks": ce.scale.fit("sdm", F, ce.scale.from_frame(panel), W),
    }


@pytest.fixture(scope="module")
def table(fits) -> Table:
    return ce.table(fits, labels={"x1": "First & foremost", "L(y)": "Year before"})


def test_every_result_class_is_here(fits) -> None:
    def below(cls: type) -> set[type]:
        return {cls}.union(*(below(one) for one in cls.__subclasses__()))

    known = {cls.__name__ for cls in below(Parameters) if cls.__module__.startswith("ccec_econ.")}
    known -= {"Parameters", "LikelihoodParameters", "WithEffects"}
    assert {type(fit).__name__ for fit in fits.values()} == known


def test_estimates_and_errors_are_those_of_the_fits(table, fits) -> None:
    stub = [row[0] for row in table.rows]
    for j, fit in enumerate(fits.values(), start=1):
        shown = {
            row[0]: (row[j], table.rows[i + 1][j])
            for i, row in enumerate(table.rows)
            if i < stub.index("σ²")
        }
        for term, label in (("x1", "First & foremost"), ("rho", "ρ"), ("lam", "λ"), ("phi", "φ")):
            if term not in fit.params:
                assert shown[label] == ("", "")
                continue
            assert float(shown[label][0].replace("−", "-")) == round(fit.params[term], 3)
            error = fit.std_errors[term]
            assert shown[label][1] == (f"({error:.3f})" if np.isfinite(error) else "")


def test_terms_stand_in_order(table) -> None:
    stub = [row[0] for row in table.rows if row[0]]
    end = stub.index("σ²")
    assert stub[:end] == [
        "First & foremost", "x2", "Intercept", "Year before", "x1_low", "x1_high",
        "W × First & foremost", "W × x2", "W × Year before",
        "near(x1)", "near(x2)", "ring(x1)", "ring(x2)", "W × x1_low", "W × x1_high",
        "ρ", "ρ (near)", "ρ (ring)", "λ", "φ",
    ]  # fmt: skip
    assert stub[end:] == [
        "σ²", "Log-likelihood", "R², effects removed", "Unit and time effects", "Estimator",
        "Units × periods", "Observations in likelihood",
    ]  # fmt: skip


def test_foot_says_how_each_was_fitted(table, fits) -> None:
    foot = {row[0]: dict(zip(fits, row[1:], strict=True)) for row in table.rows[-7:]}
    assert foot["Estimator"] == {
        "ols": "least squares",
        "sdm": "transf.",
        "sdm without effects": "ML",
        "gns": "transf.",
        "dynamic": "QML, corrected",
        "dynamic uncorrected": "QML",
        "higher order": "transf.",
        "random": "ML",
        "random gm": "GM",
        "s2sls": "2SLS",
        "gmm": "GMM",
        "threshold": "transf.",
        "unbalanced": "QML",
        "blocks": "transf.",
    }
    assert foot["Units × periods"]["unbalanced"] == "16 × 12, 190 cells"
    effects = foot["Unit and time effects"]
    assert (effects["random"], effects["dynamic uncorrected"]) == ("random unit", "unit")
    assert (effects["sdm without effects"], effects["higher order"]) == ("none", "unit, time")
    for name in ("dynamic", "random gm", "s2sls", "gmm"):
        assert foot["Log-likelihood"][name] == ""
    assert foot["Log-likelihood"]["random"] == f"{fits['random'].loglik:.2f}".replace("-", "−")
    assert foot["σ²"]["higher order"] == f"{fits['higher order'].sigma2:.4g}"
    assert foot["Units × periods"]["dynamic"] == "16 × 11"
    assert foot["Observations in likelihood"]["random"] == "192"


def test_notes_name_conventions_once(table, fits) -> None:
    text = " ".join(table.notes)
    for fit in fits.values():
        assert fit.vcov.convention in text
    assert text.count("σ² is the sum of squares") == 1
    assert text.count("With random effects σ² is") == 1
    assert "different numbers of observations do not compare" in text
    assert "random" not in " ".join(ce.table(fits["sdm"]).notes)


@pytest.mark.parametrize("bar", ["id", "id + year"])
def test_each_column_says_what_its_variance_is(bar: str, sim16) -> None:
    """sigma2 times the observations is the sum of squares, or the note says it is not."""
    panel, W = sim16
    path = dict.fromkeys(panel.index.unique(1), W)
    holes, formula = panel.drop(panel.index[[3, 40]]), f"y ~ x1 | {bar}"
    lagged = f"y ~ L(y) + x1 | {bar}"
    sums, bias, order = "σ² is the sum", "σ² is corrected for bias", "σ² is corrected to first ord"
    for said, fit in (
        (sums, ce.sdm(formula, panel, W)),
        (sums, ce.sem(formula, panel, W, method="direct")),
        (sums, ce.ols(formula, holes, unbalanced=True)),
        (sums, ce.sdm("y ~ x1", holes, W, unbalanced=True)),
        (sums, ce.sar(lagged, panel, W, correction=False)),
        (sums, ce.higher_order(formula, panel, {"near": W, "ring": ring(W)})),
        (bias, ce.sdm(formula, panel, W, method="bias_corrected")),
        (bias, ce.sar(lagged, panel, W)),
        (order, ce.sar(formula, panel, path)),
        (order, ce.sar(formula, holes, W, unbalanced=True)),
    ):
        (note,) = fit.column().notes
        resids = fit.estimate.residuals
        assert note.startswith(said)
        exact = np.isclose((resids**2).sum(), fit.sigma2 * fit.column().nobs, rtol=1e-8)
        assert exact == (said == sums)


def test_what_not_all_columns_say_has_their_headings(fits) -> None:
    notes = ce.table({name: fits[name] for name in ("ols", "dynamic", "threshold")}).notes
    assert any(note.startswith("ols, threshold: σ² is the sum of squares") for note in notes)
    assert any(note.startswith("dynamic: σ² is corrected for bias") for note in notes)
    assert "threshold: The threshold in x2 was chosen by its likelihood" in " ".join(notes)
    alike = ce.table([fits["ols"], fits["sdm"]]).notes
    assert "σ² is the sum of squares over the observations in the likelihood." in alike


def test_headings_without_names(fits) -> None:
    assert ce.table(list(fits.values())).columns[1:] == (
        "(1) OLS", "(2) SDM", "(3) SDM", "(4) GNS", "(5) DYNAMIC SDM", "(6) DYNAMIC SAR",
        "(7) HIGHER-ORDER SDM", "(8) RE SAC", "(9) RE SDEM", "(10) S2SLS", "(11) GMM",
        "(12) THRESHOLD SDM", "(13) SDM", "(14) SDM",
    )  # fmt: skip
    assert ce.table(fits["random"]).columns == ("", "(1) RE SAC")


def test_rows_that_no_column_fills_are_left_out(fits) -> None:
    stub = [row[0] for row in ce.table(fits["random gm"]).rows]
    assert "Log-likelihood" not in stub
    assert "R², effects removed" not in stub
    assert "σ²" in stub


def test_second_covariance_where_there_is_one(fits) -> None:
    some = {name: fits[name] for name in ("ols", "sdm", "s2sls", "dynamic uncorrected")}
    found = ce.table(some, also=ce.Cluster("unit"))
    assert found.rows[2][1] == f"[{some['ols'].with_cov(ce.Cluster()).std_errors['x1']:.3f}]"
    assert "In brackets: clustered by unit" in found.notes[1]


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("higher order", FormulaError, "no other covariance for HigherOrderResults"),
        ("random", IdentificationError, "no clusters by unit with error='bsk'"),
        ("gmm", IdentificationError, "the covariance of GMM belongs to its weights"),
    ],
)
def test_second_covariance_is_refused_by_column(name: str, error, said: str, fits) -> None:
    with pytest.raises(error, match=f"column '{name}' with also=Cluster.*{said}"):
        ce.table({"sdm": fits["sdm"], name: fits[name]}, also=ce.Cluster("unit"))


def test_strangers_are_refused(fits) -> None:
    for stranger in (pd.DataFrame(), fits["sdm"].params, "sdm"):
        with pytest.raises(FormulaError, match=f"a column of type {type(stranger).__name__}; give"):
            ce.table({"a": stranger})
    with pytest.raises(ValueError, match="no fits to show"):
        ce.table({})


def test_latex_is_well_formed(table) -> None:
    text = table.to_latex()
    assert text.isascii()
    bare = re.sub(r"\\[\\{}&%#_$]", "", text)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    assert text.count(r"\begin{") == text.count(r"\end{") == 4
    lines = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len(lines) == 1 + len(table.rows)
    for line in lines:
        assert len(re.findall(r"(?<!\\)&", line)) == len(table.columns) - 1
        assert not line.startswith("[")  # LaTeX would read a length after the line before


def test_typst_compiles(table, tmp_path: Path) -> None:
    path = tmp_path / "t.typ"
    page = '#set page(width: 60cm)\n#set document(title: "t", date: none)\n'
    path.write_text(page + table.to_typst(), encoding="utf-8")
    pdf, found = typst.compile_with_warnings(str(path), format="pdf", ignore_system_fonts=True)
    assert pdf.startswith(b"%PDF")
    assert found == []


def test_markdown_and_csv_are_rectangular(table) -> None:
    lines = [line for line in table.to_markdown().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(table.columns) + 1}
    assert len(lines) == len(table.rows) + 2
    assert set(table.to_frame().shape) == {len(table.rows), len(table.columns)}


def test_html_closes_what_it_opens(table) -> None:
    class Stack(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open_: list[str] = []
            self.cells = 0

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.open_.append(tag)
            self.cells += tag in ("td", "th")

        def handle_endtag(self, tag: str) -> None:
            assert self.open_.pop() == tag

    stack = Stack()
    stack.feed(table.to_html())
    assert stack.open_ == []
    assert stack.cells == (len(table.rows) + 1) * len(table.columns)
