"""Rings: small cases by hand, what is identified, refusals, print."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccec_econ as ce
from ccec_econ.errors import AlignmentError, IdentificationError
from ringed import EDGES, simulated

TOWNS = list("abcdef")
YEARS = range(2000, 2004)
KM = pd.DataFrame(np.abs(10.0 * (np.arange(6)[:, None] - np.arange(6))), index=TOWNS, columns=TOWNS)
OPENED = pd.Series([2002, None, None, None, None, None], index=TOWNS)


def line(**path: list[float]) -> pd.DataFrame:
    """Towns on a line, 10 km apart; zero where no path is given."""
    index = pd.MultiIndex.from_product([TOWNS, YEARS], names=["unit", "year"])
    y = [path.get(town, [0.0] * 4)[year - 2000] for town, year in index]
    return pd.DataFrame({"y": y}, index=index)


DATA = line(
    a=[1, 1, 4, 6],  # treated from 2002: rises by 4 on average, clean towns by 1
    b=[0, 2, 3, 3],  # 10 km off: by 2
    c=[5, 5, 5, 7],  # 20 km off: by 1
    d=[0, 0, 1, 1],  # beyond 25 km: by 1
    e=[2, 0, 2, 2],  # by 1
    f=[0, 0, 0, 2],  # by 1
)


@pytest.mark.parametrize("method", ["two_stage", "twfe"])
def test_by_hand(method: str) -> None:
    """One date, so both methods are differences of differences of means.

    total 4 - 1 = 3; ring 0-15 km: 2 - 1 = 1; ring 15-25 km: 1 - 1 = 0; mean of rings 1/2.
    naive: 4 - (2 + 1 + 1 + 1 + 1)/5 = 2.8 = 3 - (1/5) 1 - (1/5) 0, Proposition 1.
    """
    found = ce.causal.rings(DATA, "y", OPENED, KM, (0, 15, 25), method=method)  # type: ignore[arg-type]
    expected = {"naive": 2.8, "total": 3, "0–15 km": 1, "15–25 km": 0, "mean of rings": 0.5}
    assert found.frame["estimate"].to_dict() == pytest.approx(expected, abs=1e-12)
    assert found.bias is not None
    assert found.bias["weight"].tolist()[:3] == pytest.approx([1.0, -0.2, -0.2])
    assert found.predicted == pytest.approx(2.8, abs=1e-12)
    assert found.bias.loc["remainder", "part"] == pytest.approx(0.0, abs=1e-12)
    assert found.frame["cells"].tolist() == [2, 2, 2, 2, 4]
    assert found.frame["units"].tolist() == [1, 1, 1, 1, 2]


def test_edges_belong_outwards_and_the_last_ring_is_closed() -> None:
    found = ce.causal.rings(DATA, "y", OPENED, KM, (0, 10, 20))
    assert found.exposure.ring[-1].tolist() == [2, 1, 1, 2, 2, 2]  # 10 km: second; 20 km: too
    assert found.exposure.distance[-1, 0] == np.inf  # nobody else is treated
    assert "0–10 km" not in found.frame.index
    assert "No unit-period to estimate from in 0–10 km." in str(found)


def test_event_time_by_hand() -> None:
    found = ce.causal.rings(DATA, "y", OPENED, KM, (0, 15, 25), by="event_time")
    # d, e, f: mean 1/3 in 2000 and 2001 together, 1 in 2002, 5/3 in 2003: 2/3 and 4/3 above.
    clean = {0: 1 - 1 / 3, 1: 5 / 3 - 1 / 3}
    a = {0: 4 - 1 - clean[0], 1: 6 - 1 - clean[1]}
    b = {0: 3 - 1 - clean[0], 1: 3 - 1 - clean[1]}
    estimate = found.frame["estimate"]
    assert [estimate["total", k] for k in (0, 1)] == pytest.approx([a[0], a[1]])
    assert [estimate["0–15 km", k] for k in (0, 1)] == pytest.approx([b[0], b[1]])
    assert found.bias is None
    assert np.isnan(found.predicted)
    late = ce.causal.rings(DATA, "y", OPENED, KM, (0, 15, 25), by="event_time", horizon=0)
    assert late.frame.loc[("total", 0), "estimate"] == pytest.approx(3.0)
    assert "total, +1" in str(found)
    assert "by event time" in repr(found)


def test_distances_that_change() -> None:
    """Minutes fall in 2003: c comes into the ring, and nobody before."""
    near = KM.copy()
    near.loc["c", "a"] = near.loc["a", "c"] = 5.0
    by_year = {year: near if year >= 2003 else KM for year in YEARS}
    found = ce.causal.rings(DATA, "y", OPENED, by_year, (0, 15), metric="min")
    assert found.exposure.ring[:, 2].tolist() == [1, 1, 1, 0]
    assert found.identification.clean_units.tolist() == [6, 6, 4, 3]
    # c in 2003: 7 less its own 5 and the clean rise; first stage on d, e, f, and c before.
    event = ce.causal.rings(DATA, "y", OPENED, by_year, (0, 15), by="event_time", metric="min")
    assert event.frame.loc[("0–15 min", 0), "cells"] == 2  # b in 2002, c in 2003
    with pytest.raises(AlignmentError, match="none for 2001"):
        ce.causal.rings(DATA, "y", OPENED, {2000: KM}, (0, 15))


def test_units_outside_the_panel_expose() -> None:
    """f is treated before the panel, and z has no row: both are sources of spillover."""
    opened = pd.Series([2002, None, None, None, None, 1990, 2003], index=[*TOWNS, "z"])
    km = KM.reindex(index=[*TOWNS, "z"], columns=[*TOWNS, "z"])
    km["z"] = [90.0, 90.0, 10.0, 90.0, 90.0, 90.0, 0.0]
    found = ce.causal.rings(DATA, "y", opened, km, (0, 15), already="leave_out")
    assert found.design.left_out == ("f",)
    assert found.exposure.outside == ("f", "z")
    assert found.exposure.exposed[:, 4].all()  # e, 10 km from f
    assert found.exposure.exposed[:, 2].tolist() == [False, False, False, True]  # c, from z
    assert found.identification.units_without == ("e",)
    assert "expose others" in str(found)


def test_treated_near_each_other() -> None:
    """Treated by the ring of their nearest other: what others add is the difference."""
    data = line(a=[0, 0, 5, 5], b=[0, 0, 5, 5], f=[0, 0, 3, 3])
    opened = pd.Series([2002, 2002, None, None, None, 2002], index=TOWNS)
    found = ce.causal.rings(data, "y", opened, KM, (0, 10), treated_rings=True)
    assert found.frame["estimate"].drop("naive").to_dict() == pytest.approx(
        {
            "total": 13 / 3,
            "total, 0–10 km": 5.0,
            "total, beyond 10 km": 3.0,
            "onto treated, 0–10 km": 2.0,
            "0–10 km": 0.0,  # c and e
            "mean of rings": 0.0,
        }
    )


def test_no_clean_unit_gives_the_switching_effect_by_name() -> None:
    """Everybody is within 60 km of a: no total effect; a against those at its exposure."""
    opened = pd.Series([2002, 2002, None, None, None, None], index=TOWNS)
    for method in ("two_stage", "twfe"):
        found = ce.causal.rings(DATA, "y", opened, KM, (0, 60), method=method)  # type: ignore[arg-type]
        assert found.effect == "switching"
        assert found.frame.index.tolist() == ["naive", "switching"]
        assert found.identification.periods_without == (2002, 2003)
        assert not found.identification.total
        assert found.bias is None
        # a rises by 4, b by 2; c to f, in the same ring, by 1: 3 - 1.
        assert found.frame.loc["switching", "estimate"] == pytest.approx(2.0)
        assert "no total effect" in str(found)
        assert "No unit is clean in 2002, 2003." in str(found)
    asked = ce.causal.rings(DATA, "y", opened, KM, (0, 15), effect="switching")
    assert asked.identification.total
    # In the ring 0-15 km: a, b treated and c; the others are beyond. c rises by 1.
    assert asked.frame.loc["switching", "estimate"] == pytest.approx(2.0)


def test_nothing_identified_is_refused() -> None:
    """a alone is treated, so nobody else has its exposure: none within the last edge."""
    with pytest.raises(IdentificationError, match="neither effect is identified"):
        ce.causal.rings(DATA, "y", OPENED, KM, (0, 60))


def test_cells_beyond_reach_are_counted() -> None:
    """From 2003 on g's opening leaves nobody clean: that year drops out of two stages."""
    opened = pd.Series([2002, None, None, None, None, 2003], index=TOWNS)
    found = ce.causal.rings(DATA, "y", opened, KM, (0, 25))
    assert found.identification.clean_units.to_dict() == {2000: 6, 2001: 6, 2002: 3, 2003: 0}
    assert found.identification.periods_without == (2003,)
    cells = found.identification.cells
    assert cells.loc["treated"].tolist() == [3, 1, 2, 1]
    assert found.frame.loc["total", "cells"] == 1
    assert "Clean cells reach 1 of 3 treated unit-periods" in str(found)


def test_covariances() -> None:
    data, adoption, distances, _ = simulated(1)
    plain = ce.causal.rings(data, "y", adoption, distances, EDGES, cov=ce.Cluster())
    near = ce.Conley(distances, 80.0, lags=3)
    conley = ce.causal.rings(data, "y", adoption, distances, EDGES, cov=near)
    assert plain.frame["estimate"].equals(conley.frame["estimate"])
    assert not np.allclose(plain.frame["std_error"], conley.frame["std_error"], rtol=1e-3)
    assert plain.convention == ("clustered by unit (CR1), 60 clusters, t(59), first stage counted")
    assert conley.convention == (
        "Conley, bartlett kernel to 80 km, 3 lags within units, normal, first stage counted"
    )
    for cov in (ce.Cluster("time"), ce.Information()):
        with pytest.raises(IdentificationError, match="rings know"):
            ce.causal.rings(data, "y", adoption, distances, EDGES, cov=cov)  # type: ignore[arg-type]
    # 1.96 + 0.84 errors where the reference is the normal.
    ratio = conley.detectable / conley.frame["std_error"]
    assert ratio.to_numpy() == pytest.approx(2.8016, abs=1e-4)
    assert (plain.detectable > 2.8 * plain.frame["std_error"]).all()
    few = ce.Conley(distances.iloc[:50, :50], 80.0)
    with pytest.raises(AlignmentError):
        ce.causal.rings(data, "y", adoption, distances, EDGES, cov=few)


def test_refusals() -> None:
    def call(distances: pd.DataFrame = KM, edges=(0, 15), **options):
        return ce.causal.rings(DATA, "y", OPENED, distances, edges, **options)

    for edges in ((5, 10), (0,), (0, 10, 10), (0, 20, 10)):
        with pytest.raises(IdentificationError, match="rising"):
            call(edges=edges)
    with pytest.raises(IdentificationError, match="must be finite"):
        call(edges=(0, np.inf))
    with pytest.raises(IdentificationError, match="horizon -1"):
        call(by="event_time", horizon=-1)
    for option in ("method", "effect", "by"):
        with pytest.raises(IdentificationError, match=f"{option} 'else' is unknown"):
            call(**{option: "else"})
    with pytest.raises(AlignmentError, match="no row for f"):
        call(KM.drop("f"))
    with pytest.raises(AlignmentError, match="no column for a"):
        call(KM.drop(columns="a"))
    with pytest.raises(AlignmentError, match="b stand twice"):
        call(KM.rename(index={"c": "b"}))
    for wrong in (np.nan, -1.0):
        broken = KM.copy()
        broken.loc["d", "a"] = wrong
        with pytest.raises(AlignmentError, match="rows d"):
            call(broken)
    unreached = KM.copy()
    unreached.loc["d", "a"] = np.inf
    assert call(unreached).frame.loc["total", "estimate"] == pytest.approx(3.0)


def test_one_unit_has_no_standard_error() -> None:
    """The mean of one treated unit leaves it no residual: scaled scores say so, CR1 does not."""
    found = ce.causal.rings(DATA, "y", OPENED, KM, (0, 15))
    missing = found.frame.loc[["total", "0–15 km"], ["std_error", "lower", "p_value"]].isna()
    assert missing.to_numpy().all()
    row = next(row for row in found.summary().rows if row[0] == "total")
    assert row[1:4] == ("3.000", "", "")
    plain = ce.causal.rings(DATA, "y", OPENED, KM, (0, 15), cov=ce.Cluster())
    assert plain.frame["std_error"].notna().all()
