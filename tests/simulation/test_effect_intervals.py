"""Coverage of bootstrap intervals of effects at the size of the circle: 16 units, 12 years."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import ccec_econ as ce
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.inference.bootstrap import Bootstrap, bootstrap
from ccec_econ.inference.effects import effects
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.vcov import Information
from ccec_econ.simulation import Design, draw_panel, fit_panel

N, T, REFITS = 16, 12, 199
FOUR_ERRORS = 4.0  # distance from the level in Monte Carlo standard errors that fails


def coverage(panels: int, seed: int) -> dict[str, float]:
    """Share of 95 % intervals that hold the truth, by kind and effect; SDM, rho = 0.3."""
    graph = ce.weights.contiguity()
    weights = spectrum(ce.weights.align(graph, graph.unique_ids))
    rng, design = np.random.default_rng(seed), Design(0.3, theta=0.5)
    S = np.linalg.inv(np.eye(N) - design.rho * weights.W)
    S = S @ (design.beta * np.eye(N) + design.theta * weights.W)
    truth = {"direct": np.trace(S) / N, "total": S.sum() / N}
    truth["indirect"] = truth["total"] - truth["direct"]
    hits: dict[str, list[bool]] = {}
    for _ in range(panels):
        fit = fit_panel(design, draw_panel(design, weights, T, rng), weights, "transformation")
        refits = bootstrap(fit, draws=REFITS, rng=rng)
        form, vcov = static_form(fit), Information()(fit)
        found = effects(
            form, vcov, level=0.95, draws=199, rng=rng, bootstrap=partial(_as_is, refits)
        )
        frame = found.frame.loc["x"]
        for name, value in truth.items():
            row = {**frame.loc[name], **refits.frame.loc[f"{name} x"]}
            kinds = {"delta": "", "sim": "sim_", "boot": "boot_", "percentile": "percentile_"}
            for kind, prefix in kinds.items():
                inside = row[f"{prefix}lower"] < value < row[f"{prefix}upper"]
                hits.setdefault(f"{kind} {name}", []).append(bool(inside))
    return {name: float(np.mean(values)) for name, values in hits.items()}


def _as_is(refits: Bootstrap) -> Bootstrap:
    return refits


def test_every_kind_is_counted() -> None:
    found = coverage(2, 1)
    assert len(found) == 12
    assert set(found.values()) <= {0.0, 0.5, 1.0}


@pytest.mark.slow
def test_intervals_of_effects_cover() -> None:
    """300 panels: every kind within four Monte Carlo errors (0.05) of 95 %."""
    panels = 300
    slack = FOUR_ERRORS * (0.95 * 0.05 / panels) ** 0.5
    found = coverage(panels, 20260101)
    for name, share in found.items():
        assert abs(share - 0.95) < slack, (name, found)
