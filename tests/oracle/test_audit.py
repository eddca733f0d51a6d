"""The audit repeats what other software printed, and spreg itself says the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import spreg
from libpysal.weights import W as ClassicW

import ccec_econ as ce
from ccec_econ.audit import likelihoods, statistics
from ccec_econ.weights import align

pytestmark = [  # spreg's use of pandas, and of eigenvalues of a matrix that is not symmetric
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
    pytest.mark.filterwarnings("ignore:Casting complex values"),
]
COVERED = {1, 2, 3, 7, 8, 9, 10, 11, 13, 14, 15, 16, 19, 20, 21, 22, 24}
PRINTED = 26  # findings with a number that the software printed
OPTIMISER = 1e-5  # spreg stops its search for rho at a tolerance of 1e-7 in the likelihood


@pytest.fixture(scope="module")
def found() -> ce.audit.Findings:
    return ce.audit.findings()


def test_every_printed_number_is_repeated(found) -> None:
    printed = [item for item in found if item.published is not None]
    assert len(printed) == PRINTED
    assert [item.id for item in printed if not item.repeats] == []


def test_every_slip_has_its_finding_and_moves_a_number(found) -> None:
    assert {item.id for item in found} == COVERED
    assert [item.id for item in found] == sorted(item.id for item in found)
    for item in found:
        assert np.isfinite([item.wrong, item.right]).all()
        assert abs(item.wrong - item.right) > 1e-4
        assert item.version
        assert item.source


def test_right_numbers_are_those_of_the_exact_reference(found, cigar_oracle) -> None:
    exact = {(r["model"], r["method"]): r for r in cigar_oracle if r["effects"] == "twoway"}
    right = {(item.id, item.quantity, item.data): item.right for item in found}
    for model in ("sar", "sdm"):
        data = f"cigarettes, {model.upper()}"
        pairs = (
            ((1, "ρ, direct, two-way", data), "direct"),
            ((3, "ρ, transformation", data), "transformation"),
        )
        for key, method in pairs:
            assert right[key] == pytest.approx(exact[model, method]["rho"], abs=1e-6)
    assert right[2, "ρ, corrected", "cigarettes, SAR"] == pytest.approx(
        exact["sar", "bias_corrected"]["rho"], abs=1e-6
    )
    assert right[16, "ρ, asked for the transformation", "cigarettes, SDM"] == pytest.approx(
        exact["sdm", "transformation"]["rho"], abs=1e-6
    )
    _, error = exact["sar", "direct"]["impacts"]["total_logy"]
    assert right[19, "std. error, total effect of income", "cigarettes, SAR"] == pytest.approx(
        error, abs=1e-6
    )


def test_spreg_squares_the_trace(found, cigar) -> None:
    panel, W = cigar
    rows = panel.swaplevel().sort_index()
    y, X = rows[["logc"]].to_numpy(), rows[["logp", "logy"]].to_numpy()
    statistic, _ = spreg.diagnostics_panel.panel_LMlag(y, X, W.to_W())
    item = next(item for item in found if item.id == 7)
    assert item.wrong == pytest.approx(statistic, rel=1e-7)


def test_spreg_keeps_the_lag_out_of_its_fixed_effects_now(sim16) -> None:
    """Version 1.9.1 gives the right effects; the earlier formula differs for every unit."""
    panel, W = sim16
    rows = panel.swaplevel().sort_index()
    peer = spreg.ML_LagFE(rows[["y"]].to_numpy(), rows[["x1", "x2"]].to_numpy(), W)
    fit = ce.sar("y ~ x1 + x2 | id", panel, W, method="direct")
    effects = fit.fixed_effects()
    right = effects["unit"] + effects["constant"].iloc[0]
    np.testing.assert_allclose(peer.mu_i.ravel(), right, atol=OPTIMISER)
    means = panel.groupby("id").mean()
    by_hand = means["y"] - means[["x1", "x2"]] @ fit.params[["x1", "x2"]]
    np.testing.assert_allclose(statistics.levels_without_lag(fit), by_hand, atol=1e-10)
    assert (np.abs(by_hand - right) > 1e-3).all()


def test_spreg_reads_weights_by_position(cigar) -> None:
    """The same links, labels and all, listed from the last state to the first."""
    panel, W = cigar
    ids = pd.Index(W.unique_ids).sort_values()
    backwards = ids[::-1]
    dense = pd.DataFrame(align(W, backwards), backwards, backwards)
    graph = ce.weights.from_matrix(dense, backwards)
    links = dense.stack()
    links = links[links > 0]
    rows = panel.swaplevel().sort_index()
    y, X = rows[["logc"]].to_numpy(), rows[["logp", "logy"]].to_numpy()
    peer = spreg.ML_LagFE(y, X, from_labels(links, backwards))
    formula = "logc ~ logp + logy | state"
    assert ce.sar(formula, panel, graph, method="direct").rho == pytest.approx(
        ce.sar(formula, panel, W, method="direct").rho
    )
    wrong = ce.sar(formula, panel, statistics.shuffled(W), method="direct")
    assert float(peer.rho) == pytest.approx(wrong.rho, abs=OPTIMISER)


def from_labels(links: pd.Series, order: pd.Index) -> ClassicW:
    """Weights of spreg's own kind with ids in an order of their own."""
    by = {i: links.loc[i] for i in order}
    return ClassicW(
        {i: list(part.index) for i, part in by.items()},
        {i: list(part) for i, part in by.items()},
        id_order=list(order),
        silence_warnings=True,
    )


def test_nearest_positive_matrix() -> None:
    """Positive definite matrices stay; Higham's 3 x 3 example gets no negative eigenvalue."""
    A = np.array([[2.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(likelihoods.nearest_positive(A), A, atol=1e-12)
    B = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    found = likelihoods.nearest_positive(B)
    values, vectors = np.linalg.eigh(B)
    projected = (vectors * np.clip(values, 0, None)) @ vectors.T
    assert np.linalg.eigvalsh(found).min() > 0
    np.testing.assert_allclose(found, projected, atol=1e-6)


def test_log_determinants_by_hand(cigar) -> None:
    """Real parts do no harm where W is similar to a symmetric matrix; I - rho W of a pair."""
    pair = np.array([[0.0, 1.0], [1.0, 0.0]])
    found = likelihoods.log_determinants(pair, 0.5)
    assert found["exact"] == pytest.approx(np.log(0.75))
    assert found["real parts"] == pytest.approx(np.log(0.75))
    assert found["three terms"] == pytest.approx(-0.25)  # rho^2 tr(W^2)/2 = .25
    W = align(cigar[1], pd.Index(cigar[1].unique_ids))
    symmetric = likelihoods.log_determinants(W, 0.5)
    assert symmetric["real parts"] == pytest.approx(symmetric["exact"], abs=1e-9)


def test_lagging_demeaned_columns_is_right_without_time_effects(sim16) -> None:
    panel, W = sim16
    unit = ce.sar("y ~ x1 + x2 | id", panel, W, method="direct")
    found = likelihoods.lagged_after_demeaning(unit.estimate)
    assert found.optimum.rho == pytest.approx(unit.rho, abs=1e-9)


def test_summary_and_frame(found) -> None:
    frame = found.frame
    assert len(frame) == len(found)
    assert frame.loc[frame["id"] == 1, "published"].tolist()[0] == 0.35165
    text = str(found)
    assert "splm 1.6-5, spml" in text
    assert "0.3517" in text
    assert ce.audit.findings().frame.equals(frame)
