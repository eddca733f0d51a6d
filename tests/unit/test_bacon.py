"""Goodman-Bacon's comparisons: weights by hand, and that they make the two-way coefficient."""

import numpy as np
import pandas as pd
import pytest

from ccec_econ.causal import goodman_bacon, staggered
from ccec_econ.errors import PanelError

EXACT = 1e-10


def panel(seed: int, adoption: list[int | None], T: int = 8) -> tuple[pd.DataFrame, pd.Series]:
    first = pd.Series(adoption, dtype="Int64")
    index = pd.MultiIndex.from_product([first.index, range(1, T + 1)], names=["unit", "year"])
    y = np.random.default_rng(seed).normal(size=len(index))
    return pd.DataFrame({"y": y}, index=index), first


def test_weights_by_hand() -> None:
    # Two units each adopt in 2 and in 4 of 4 years, two never; n = 1/3 each. Up to scale n_a n_b =
    # 1/9: cohort 2 against never 1 * 3/4 * 1/4 = 3/16, cohort 4 1/4 * 3/4 = 3/16; 2 against 4 in
    # years 1-3 (3/4)^2 * 2/3 * 1/3 = 1/8; 4 against 2 in years 2-4 the same 1/8. Sum 5/8.
    data, first = panel(1, [2, 2, 4, 4, None, None], T=4)
    found = goodman_bacon(data, "y", first).comparisons.set_index(["treated", "kind"])["weight"]
    assert found.loc[(2, "treated_vs_never")] == pytest.approx(0.3, abs=EXACT)
    assert found.loc[(4, "treated_vs_never")] == pytest.approx(0.3, abs=EXACT)
    assert found.loc[(2, "earlier_vs_later")] == pytest.approx(0.2, abs=EXACT)
    assert found.loc[(4, "later_vs_earlier")] == pytest.approx(0.2, abs=EXACT)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("never", [0, 1, 7])
def test_comparisons_make_the_coefficient(seed: int, never: int) -> None:
    rng = np.random.default_rng(seed)
    adoption = [*rng.integers(2, 10, size=20).tolist(), *([None] * never)]
    data, first = panel(seed, adoption)
    found = goodman_bacon(data, "y", first)
    two_way = staggered(data, "y", first, method="twfe").overall["estimate"]
    assert found.coefficient == pytest.approx(two_way, abs=EXACT)
    assert found.comparisons["weight"].sum() == pytest.approx(1.0, abs=EXACT)
    assert (found.comparisons["weight"] > 0.0).all()
    kinds = found.by_kind
    assert (kinds["weight"] * kinds["estimate"]).sum() == pytest.approx(two_way, abs=EXACT)


def test_same_as_diff_diff() -> None:
    import diff_diff

    data, first = panel(3, [3, 3, 5, 5, 5, 7, None, None, None])
    ours = goodman_bacon(data, "y", first).comparisons.sort_values(["treated", "control"])
    rows = data.reset_index().assign(first=lambda d: d["unit"].map(first).fillna(0).astype(float))
    theirs = diff_diff.BaconDecomposition().fit(
        rows, outcome="y", unit="unit", time="year", first_treat="first"
    )
    frame = theirs.to_dataframe().assign(
        control=lambda d: pd.to_numeric(d["control_group"], errors="coerce")
    )
    frame = frame.sort_values(["treated_group", "control"])
    assert ours["weight"].to_numpy() == pytest.approx(frame["weight"].to_numpy(), abs=EXACT)
    assert ours["estimate"].to_numpy() == pytest.approx(frame["estimate"].to_numpy(), abs=EXACT)


def test_printing_and_refusal() -> None:
    data, first = panel(3, [3, 3, 5, 5, 5, 7, None, None, None])
    text = str(goodman_bacon(data, "y", first))
    assert "Later and earlier treated, earlier as controls" in text
    assert "Two-way coefficient" in text
    with pytest.raises(PanelError, match="treated from the first period"):
        goodman_bacon(data, "y", first.replace(3, 1))
