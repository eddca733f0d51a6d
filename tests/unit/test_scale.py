"""Fits from blocks are those of the whole panel, or there is none."""

import pickle
from collections.abc import Hashable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccec_econ as ce
from ccec_econ.engine.stream import stretch
from ccec_econ.engine.transform import demean
from ccec_econ.errors import (
    AlignmentError,
    DataError,
    FormulaError,
    IdentificationError,
    PanelError,
)
from ccec_econ.weights import from_matrix, nearest_of

N, T = 30, 5


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    index = pd.MultiIndex.from_product([[f"u{i:02d}" for i in range(N)], range(T)])
    index.names = ["unit", "year"]
    level = np.repeat(rng.standard_normal(N) * 100.0, T)
    columns = {name: rng.standard_normal(N * T) + level for name in "yab"}
    return pd.DataFrame(columns, index=index)


@pytest.fixture(scope="module")
def W() -> object:
    place = np.random.default_rng(5).random((N, 2))
    matrix = nearest_of(np.linalg.norm(place[:, None] - place, axis=2), 4)
    return from_matrix(matrix, pd.Index([f"u{i:02d}" for i in range(N)]))


@pytest.mark.parametrize("model", ["ols", "slx", "sar", "sem", "sdm", "sdem"])
@pytest.mark.parametrize("effects", [" | unit + year", " | unit", " | year", ""])
def test_as_in_memory(panel: pd.DataFrame, W: object, model: str, effects: str) -> None:
    formula = "y ~ a + b" + effects
    weights = () if model == "ols" else (W,)
    whole = getattr(ce, model)(formula, panel, *weights)
    found = ce.scale.fit(model, formula, ce.scale.from_frame(panel), *weights)
    pd.testing.assert_series_equal(found.params, whole.params, rtol=1e-9, atol=1e-11)
    pd.testing.assert_frame_equal(found.cov, whole.cov, rtol=1e-8, atol=1e-11)
    assert found.loglik == pytest.approx(whole.loglik, abs=1e-8)
    assert found.vcov.convention == whole.vcov.convention
    if effects:
        assert found.rsquared == pytest.approx(whole.rsquared, abs=1e-9)
    np.testing.assert_allclose(
        found.effects(draws=20).frame, whole.effects(draws=20).frame, rtol=1e-8, atol=1e-10
    )


def test_formula_with_lags_and_durbin(panel: pd.DataFrame, W: object) -> None:
    blocks = ce.scale.from_frame(panel)
    formula = "y ~ a + W(b) + a:b | unit + year"
    pd.testing.assert_series_equal(
        ce.scale.fit("sar", formula, blocks, W).params, ce.sar(formula, panel, W).params, rtol=1e-9
    )
    formula = "y ~ a + b | unit + year"
    pd.testing.assert_series_equal(
        ce.scale.fit("sdm", formula, blocks, W, durbin=["b"]).params,
        ce.sdm(formula, panel, W, durbin=["b"]).params,
        rtol=1e-9,
    )


def test_rows_in_any_order_and_progress(panel: pd.DataFrame, W: object) -> None:
    blocks, seen = ce.scale.from_frame(panel), []
    mixed = replace(blocks, load=lambda time: blocks.load(time).sample(frac=1.0, random_state=1))
    found = ce.scale.fit(
        "sdm", "y ~ a | unit + year", mixed, W, progress=lambda *at: seen.append(at)
    )
    whole = ce.sdm("y ~ a | unit + year", panel, W)
    np.testing.assert_allclose(found.params, whole.params, rtol=1e-9)
    assert seen == 2 * [(done, T) for done in range(1, T + 1)]


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 7),
    st.integers(3, 9),
    st.integers(1, 6),
    st.sampled_from(["none", "unit", "time", "twoway"]),
    st.integers(0, 99),
)
def test_stream_keeps_cross_products(T: int, N: int, cut: int, effects, seed: int) -> None:
    columns = np.random.default_rng(seed).standard_normal((T, N, 3)) + 1e6
    whole = demean(columns, effects).reshape(-1, 3)
    products = whole.T @ whole
    tolerance = 1e-8 * max(1.0, np.abs(products).max())
    one = stretch(columns, effects)
    np.testing.assert_allclose(one.R.T @ one.R, products, atol=tolerance)
    if 0 < cut < T:  # two workers
        both = stretch(columns[:cut], effects).joined(stretch(columns[cut:], effects))
        np.testing.assert_allclose(both.R.T @ both.R, products, atol=tolerance)
        assert both.periods == T


def test_parquet(panel: pd.DataFrame, W: object, tmp_path) -> None:
    files = {}
    for year in range(T):
        files[year] = tmp_path / f"{year}.parquet"
        panel.xs(year, level="year").reset_index().to_parquet(files[year])
    blocks = ce.scale.from_parquet(files, unit="unit", time="year")
    found = ce.scale.fit("sdm", "y ~ a | unit + year", blocks, W)
    whole = ce.sdm("y ~ a | unit + year", panel, W)
    np.testing.assert_allclose(found.params, whole.params, rtol=1e-9)
    files[3].write_bytes(files[3].read_bytes()[:200])
    with pytest.raises(DataError, match="block of year 3 cannot be read"):
        ce.scale.fit("sdm", "y ~ a | unit + year", blocks, W)
    files[0].unlink()
    with pytest.raises(DataError, match="block of year 0"):
        ce.scale.from_parquet(files, unit="unit", time="year")


def test_faulty_blocks_are_named(panel: pd.DataFrame, W: object) -> None:
    blocks = ce.scale.from_frame(panel)

    def broken(change):
        def load(time: Hashable) -> pd.DataFrame:
            block = blocks.load(time)
            return change(block) if time == 3 else block

        return replace(blocks, load=load)

    formula = "y ~ a | unit + year"
    with pytest.raises(PanelError, match=r"year 3 has other units.*without u07"):
        ce.scale.fit("sar", formula, broken(lambda block: block.drop("u07")), W)
    with pytest.raises(PanelError, match=r"\(u02, 3\)"):
        ce.scale.fit(
            "sar", formula, broken(lambda block: block.drop("u02").reindex(block.index)), W
        )
    with pytest.raises(FormulaError, match="no column a"):
        ce.scale.fit("sar", formula, broken(lambda block: block.drop(columns="a")), W)

    def lost(block: pd.DataFrame) -> pd.DataFrame:
        raise OSError("worker died")

    with pytest.raises(DataError, match=r"year 3 cannot be read.*worker died"):
        ce.scale.fit("sar", formula, broken(lost), W)


def test_what_effects_remove_is_refused(panel: pd.DataFrame, W: object) -> None:
    years = panel.index.get_level_values("year").to_numpy(dtype=float)
    data = panel.assign(t=years, level=np.repeat(np.arange(float(N)), T))
    data["both"] = data["t"] + data["level"]
    for effects, column in (("year", "t"), ("unit", "level"), ("unit + year", "both")):
        for model in ("ols", "sar", "sdm"):
            weights = () if model == "ols" else (W,)
            formula = f"y ~ a + {column} | {effects}"
            with pytest.raises(IdentificationError, match=f"no variation left in .*{column}"):
                ce.scale.fit(model, formula, ce.scale.from_frame(data), *weights)
    blocks = ce.scale.from_frame(data)
    with pytest.raises(IdentificationError, match="the response"):
        ce.scale.fit("sdm", "both ~ a | unit + year", blocks, W)


def test_results_can_be_pickled(panel: pd.DataFrame, W: object) -> None:
    found = ce.scale.fit("sdm", "y ~ a | unit + year", ce.scale.from_frame(panel), W)
    again = pickle.loads(pickle.dumps(found))
    pd.testing.assert_series_equal(again.params, found.params)


def test_refusals(panel: pd.DataFrame, W: object) -> None:
    blocks = ce.scale.from_frame(panel)
    with pytest.raises(FormulaError, match="from blocks there are"):
        ce.scale.fit("sac", "y ~ a", blocks, W)
    with pytest.raises(AlignmentError, match="needs spatial weights"):
        ce.scale.fit("sar", "y ~ a", blocks)
    with pytest.raises(IdentificationError, match="linear combination"):
        ce.scale.fit("sar", "y ~ a + I(2 * a) | unit", blocks, W)
    for formula in ("y ~ C(b) | unit", "y ~ I(a - a.mean()) | unit", "y ~ np.mean(a) | unit"):
        with pytest.raises(FormulaError, match="read one by one"):
            ce.scale.fit("sar", formula, blocks, W)
    with pytest.raises(PanelError, match="index has 1 level"):
        ce.scale.from_frame(panel.reset_index(level=1))
    with pytest.raises(PanelError, match="two or more"):
        replace(blocks, times=(1,))
    with pytest.raises(PanelError, match="each of them once"):
        replace(blocks, units=pd.Index(["a", "a", "b"], name="unit"))
