"""Tables of Monte Carlo studies: cells by hand, refusals, and the pieces behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ccec_econ import errors
from ccec_econ.report.monte_carlo import coverage_table, means_table, rates_table
from ccec_econ.simulation import (
    Dependence,
    Design,
    DynamicDesign,
    covariance_study,
    draw_dynamic,
    dynamic,
    dynamic_study,
    estimators,
    fit_panel,
    nearest_weights,
    study,
)
from ccec_econ.simulation.covariances import _openings
from ccec_econ.simulation.rates import mean_row, rate_error

CIRCLE = np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])


def rows() -> pd.DataFrame:
    common = {"N": 16, "model": "sar", "true_rho": 0.3}
    return pd.DataFrame(
        [
            common | {"method": m, "quantity": q, "bias": b, "mcse": 0.002, "coverage": c}
            for m, b in (("transformation", -0.01), ("direct", -0.13))
            for q, c in zip(("rho", "direct", "indirect", "total"), (0.95, 0.94, 0.93, 0.92))
        ]
    )


def test_studies_without_any_estimate_say_so(monkeypatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise errors.ConvergenceError("border")

    monkeypatch.setattr(estimators, "fit_panel", fail)
    truth, rng = DynamicDesign(0.4, 0.0, 1.0, 0.2), np.random.default_rng(0)
    with pytest.raises(errors.ConvergenceError, match="none of 2 draws has an interior estimate"):
        study(Design(0.4), CIRCLE, 4, draws=2, rng=rng)
    monkeypatch.setattr(dynamic, "corrected", fail)
    with pytest.raises(errors.ConvergenceError, match=r"none of 2 draws .* can be corrected"):
        dynamic_study(truth, nearest_weights(9, 3, rng), 8, draws=2, rng=rng)


def test_a_draw_without_correction_leaves_both_rows(monkeypatch) -> None:
    """The third correction of eight fails: seven are left, of both estimators."""
    right, seen = dynamic.corrected, []

    def some(quasi, lags):
        seen.append(dynamic._values(quasi))
        if len(seen) == 3:
            raise errors.ConvergenceError("the correction moves rho")
        return right(quasi, lags)

    monkeypatch.setattr(dynamic, "corrected", some)
    W, truth = nearest_weights(9, 3, np.random.default_rng(1)), DynamicDesign(0.4, 0.0, 1.0, 0.2)
    found = dynamic_study(truth, W, 8, draws=8, rng=np.random.default_rng(0))
    assert len(seen) == 8
    assert (found["failed"] == 0.125).all()
    kept = np.delete(np.array(seen), 2, axis=0).mean(axis=0)
    before = found[found["estimator"] == "uncorrected"].set_index("parameter")["mean"]
    np.testing.assert_allclose(before[["tau", "eta", "beta", "rho", "sigma2"]], kept)


def test_coverage_table_by_hand() -> None:
    table = coverage_table(rows(), notes=("One.",))
    assert table.rows[0] == (
        *("16", "SAR", "0.3", "transformation", "−0.010 (0.002)", "−0.010"),
        *("0.950", "0.940", "0.930", "0.920"),
    )
    assert table.rows[1][:4] == ("", "", "", "direct")
    assert table.notes == ("One.",)


def test_means_table_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "N": 16,
            "estimator": ["uncorrected", "corrected"],
            "parameter": "tau",
            "truth": 0.6,
            "mean": [0.515, 0.596],
            "mcse": 0.001,
        }
    )
    assert means_table(frame).rows == (
        ("", "truth", "0.600"),
        ("16", "uncorrected", "0.515 (0.001)"),
        ("", "corrected", "0.596 (0.001)"),
    )


def test_rates_table_by_hand() -> None:
    frame = pd.DataFrame({"test": ["a", "a", "b", "b"], "N": [16, 44] * 2, "rate": [0.1, 0.2] * 2})
    table = rates_table(frame, rows=("test",), columns="N", names={"16": "N = 16"}, title="Size")
    assert table.columns == ("test", "N = 16", "44")
    assert table.rows == (("a", "0.100", "0.200"), ("b", "0.100", "0.200"))


@pytest.mark.parametrize(
    "build",
    [
        coverage_table,
        means_table,
        lambda frame: rates_table(frame, rows=("test",), columns="N", names={}, title=""),
    ],
)
def test_missing_columns_are_named(build) -> None:
    with pytest.raises(errors.DataError, match="no column"):
        build(rows().drop(columns=["N"]))


def test_mean_and_rate_by_hand() -> None:
    """Of 1, 2, 3: sd 1, error 1/sqrt 3; a rate of .2 in 100 draws has error .04."""
    row = mean_row(np.array([1.0, 2.0, 3.0]), 1.5)
    assert row["bias"] == 0.5
    assert row["mcse"] == pytest.approx(1 / np.sqrt(3))
    assert rate_error(0.2, 100) == pytest.approx(0.04)


def test_effects_of_a_design_by_hand() -> None:
    """Three units in a circle, rho .5: eigenvalues 1, -.5, -.5, so tr S/3 = (2 + 2/1.25)/3."""
    found = Design(0.5).effects(CIRCLE)
    assert found["direct"] == pytest.approx((2.0 + 2 / 1.25) / 3)
    assert found["total"] == pytest.approx(2.0)
    assert found["indirect"] == pytest.approx(found["total"] - found["direct"])
    assert Design(0.5, theta=1.0).effects(CIRCLE)["total"] == pytest.approx(4.0)


def test_unknown_quantities_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="quantities \\['speed'\\]"):
        study(Design(0.3), CIRCLE, 5, quantities=("speed",), draws=2, rng=rng)


def test_failures_are_counted_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third fit fails: of 9 draws 6 are kept."""
    calls = iter(range(9))

    def sometimes(*arguments):
        if next(calls) % 3 == 0:
            raise errors.ConvergenceError("rho at its border")
        return fit_panel(*arguments)

    monkeypatch.setattr(estimators, "fit_panel", sometimes)
    rng = np.random.default_rng(0)
    W = nearest_weights(8, 2, rng)
    row = study(Design(0.3), W, 5, methods=("transformation",), draws=9, rng=rng).iloc[0]
    assert row["failed"] == pytest.approx(1 / 3)
    assert row["mcse"] == pytest.approx(row["sd"] / np.sqrt(6))


def test_dynamic_draws_follow_the_model() -> None:
    """Without noise in the recursion: S y_t - tau y_{t-1} - eta W y_{t-1} - x is level plus v."""
    design, rng = DynamicDesign(0.4, 0.1, 2.0, 0.3), np.random.default_rng(1)
    y, x = draw_dynamic(design, CIRCLE, 400, 3, rng)
    assert y.shape == (3, 401, 3)
    left = y[:, 1:] - 0.3 * y[:, 1:] @ CIRCLE.T - 0.4 * y[:, :-1] - 0.1 * y[:, :-1] @ CIRCLE.T
    rest = left - 2.0 * x
    within = rest - rest.mean(axis=1, keepdims=True)
    # time effect and shock, variance one each; 1200 periods, Monte Carlo error of about 0.06
    assert within.var() == pytest.approx(2.0, abs=0.25)
    assert np.corrcoef(within[:, :, 0].ravel(), x[:, :, 0].ravel())[0, 1] == pytest.approx(
        0.0, abs=0.12
    )


def test_unstable_dynamics_are_refused() -> None:
    with pytest.raises(errors.IdentificationError, match="not stable"):
        draw_dynamic(DynamicDesign(0.8, 0.1, 1.0, 0.2), CIRCLE, 5, 1, np.random.default_rng(0))


def test_openings_stay_open() -> None:
    D = _openings(6, 200, np.random.default_rng(0))
    assert (np.diff(D, axis=0) >= 0).all()
    assert (D[0] == 0).all()
    assert set(D.sum(axis=0)) == {0.0, 1.0, 2.0, 3.0, 4.0, 5.0}


def test_covariance_study_repeats_itself() -> None:
    W = nearest_weights(8, 3, np.random.default_rng(0))
    first, second = (
        covariance_study(
            W,
            8,
            dependence=Dependence(space=0.2),
            draws=3,
            permutations=19,
            wild_draws=19,
            rng=np.random.default_rng(4),
        )
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)
    assert list(first["test"]) == ["iid", "cluster", "driscoll_kraay", "wild", "randomisation"]
