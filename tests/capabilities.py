"""What works with what, found by running it: every model with every capability on a tiny panel.

``python tests/capabilities.py`` prints the tables that README holds under "What works with what".
A model joins by one line in `MODELS`, a capability by one line in `TABLES`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from libpysal.graph import Graph

import ccec_econ as ce

__all__ = ["MODELS", "TABLES", "fitted", "lines", "works"]

N, T = 9, 10
F, R, D = "y ~ x + z | unit + year", "y ~ x + z", "y ~ L(y) + W(L(y)) + x + z | unit + year"

_DRAWS = 19  # as few as permutation tests take
_FEW = 3  # refits

type Run = Callable[[Any], object]


@cache
def data() -> tuple[pd.DataFrame, Graph, Graph]:
    """Panel with moderate rho, tau and unit effects; weights of a ring, and of farther units."""
    rng = np.random.default_rng(11)
    near = (np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)) / 2
    far = (np.roll(np.eye(N), 3, axis=1) + np.roll(np.eye(N), 5, axis=1)) / 2
    X = rng.standard_normal((T + 5, N, 2))
    unit, y, rows = rng.standard_normal(N), np.zeros(N), []
    for t in range(T + 5):
        mean = 0.3 * y + X[t] @ [1.0, -1.0] + 0.4 * near @ X[t, :, 0] + unit
        y = np.linalg.solve(np.eye(N) - 0.3 * near, mean + 0.7 * rng.standard_normal(N))
        rows.append(np.column_stack([y, X[t]]))
    index = pd.MultiIndex.from_product([range(T), range(N)], names=["year", "unit"])
    frame = pd.DataFrame(np.concatenate(rows[5:]), columns=["y", "x", "z"], index=index)
    ids = range(N)
    return frame.swaplevel(), ce.weights.from_matrix(near, ids), ce.weights.from_matrix(far, ids)


def _varying(early: Graph, late: Graph) -> dict[int, Graph]:
    return {t: early if t < T // 2 else late for t in range(T)}


MODELS: dict[str, Callable[[pd.DataFrame, Graph, Graph], Any]] = {
    "`ce.ols`": lambda p, W, M: ce.ols(F, p),
    "`ce.slx`": lambda p, W, M: ce.slx(F, p, W),
    "`ce.sar`": lambda p, W, M: ce.sar(F, p, W),
    "`ce.sem`": lambda p, W, M: ce.sem(F, p, W),
    "`ce.sdm`": lambda p, W, M: ce.sdm(F, p, W),
    "`ce.sdem`": lambda p, W, M: ce.sdem(F, p, W),
    "`ce.sac`": lambda p, W, M: ce.sac(F, p, W, error_weights=M),
    "`ce.gns`": lambda p, W, M: ce.gns(F, p, W, error_weights=M),
    "`ce.sdm`, direct": lambda p, W, M: ce.sdm(F, p, W, method="direct"),
    "`ce.sdm`, bias-corrected": lambda p, W, M: ce.sdm(F, p, W, method="bias_corrected"),
    "`ce.sdm`, weights by period": lambda p, W, M: ce.sdm(F, p, _varying(W, M)),
    "`ce.sdm`, dynamic": lambda p, W, M: ce.sdm(D, p, W),
    "`ce.sdm`, dynamic, uncorrected": lambda p, W, M: ce.sdm(D, p, W, correction=False),
    "`ce.sdm`, unbalanced": lambda p, W, M: ce.sdm(F, p.drop(p.index[[5, 30]]), W, unbalanced=True),
    "`ce.threshold`, SDM": lambda p, W, M: ce.threshold(F, p, W, by="z", regimes=["x"]),
    "`ce.higher_order`": lambda p, W, M: ce.higher_order(F, p, {"near": W, "far": M}),
    "`ce.random_effects`": lambda p, W, M: ce.random_effects(R, p, W, mundlak=True),
    "`ce.random_effects_gm`": lambda p, W, M: ce.random_effects_gm(R, p, W),
    "`ce.s2sls`": lambda p, W, M: ce.s2sls(F, p, W, durbin=["x"]),
    "`ce.gmm`": lambda p, W, M: ce.gmm(F, p, W),
}


def _method(name: str, *args: Any, **options: Any) -> Run:
    """Call a method; a class without it raises FormulaError, like a refusal."""

    def run(fit: Any) -> object:
        if not hasattr(fit, name):
            raise ce.errors.FormulaError(f"{type(fit).__name__} has no {name}.")
        return getattr(fit, name)(*args, **options)

    return run


def _long_run(fit: Any) -> object:
    if not hasattr(fit, "stability"):
        raise ce.errors.FormulaError("no time lags, no horizon.")
    return fit.effects(horizon="long", draws=_DRAWS)


def _term(fit: Any) -> str:
    """A regressor of the fit: x, or its part in one regime."""
    return "x" if "x" in fit.params else "x_low"


def _kilometres() -> pd.DataFrame:
    """Distances along the ring of units."""
    apart = np.abs(np.subtract.outer(range(N), range(N)))
    return pd.DataFrame(np.minimum(apart, N - apart), range(N), range(N), dtype=float)


def _groups(fit: Any) -> object:
    return ce.group_effects(fit, pd.Series({u: "a" if u < N // 2 else "b" for u in range(N)}))


TABLES: dict[str, dict[str, Run]] = {
    "Effects and predictions": {
        "`effects`": _method("effects", draws=_DRAWS),
        "long run": _long_run,
        "by group": _groups,
        "by order": lambda fit: ce.effects_by_order(fit),
        "by unit": lambda fit: ce.unit_effects(fit, _term(fit)),
        "bootstrap": _method("effects", draws=_DRAWS, bootstrap=_FEW),
        "`predict`": _method("predict"),
        "`fixed_effects`": _method("fixed_effects"),
        "`ce.table`": lambda fit: ce.table([fit]),
    },
    "Covariances": {
        "`Information`": _method("with_cov", ce.Information()),
        "`QuasiML`": _method("with_cov", ce.QuasiML()),
        '`Cluster("unit")`': _method("with_cov", ce.Cluster("unit")),
        '`Cluster("time")`': _method("with_cov", ce.Cluster("time")),
        "CR2": _method("with_cov", ce.Cluster("unit", kind="CR2")),
        "`DriscollKraay`": _method("with_cov", ce.DriscollKraay(1)),
        "`Conley`": _method("with_cov", ce.Conley(_kilometres(), 3.0)),
    },
    "Tests and few units": {
        "`lm_tests`": lambda fit: ce.lm_tests(fit, data()[1], draws=_DRAWS),
        "`nested_tests`": lambda fit: ce.nested_tests(fit, draws=_DRAWS),
        "`wald_test`": lambda fit: ce.wald_test(fit, [_term(fit)]),
        "`dependence_tests`": lambda fit: ce.dependence_tests(fit, data()[1], draws=_DRAWS),
        "`mundlak`": lambda fit: ce.mundlak(fit),
        "`hausman`": _method("hausman"),
        "`anderson_rubin`": _method("anderson_rubin"),
        "`bootstrap`": lambda fit: ce.bootstrap(fit, draws=_FEW),
        "`wild_cluster`": lambda fit: ce.wild_cluster(fit, _term(fit), draws=_FEW),
        "`randomisation_test`": lambda fit: ce.randomisation_test(
            fit, _term(fit), cov=ce.Information(), draws=_FEW
        ),
        "`small_sample`": lambda fit: ce.small_sample(fit, _term(fit), draws=_FEW),
    },
}


@cache
def fitted(model: str) -> Any:
    """Fit one model on the tiny panel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ce.errors.WeakIdentificationWarning)
        return MODELS[model](*data())


def works(model: str, run: Run) -> bool:
    """Run a capability: True when it returns, False when it is refused by an error of ours.

    A missed optimum is no refusal: ConvergenceError goes through, as does any other exception.
    """
    try:
        run(fitted(model))
    except ce.errors.ConvergenceError:
        raise
    except ce.errors.CcecError as error:
        if "draws" in str(error) or "too short" in str(error):
            raise  # the option or the panel is refused, not the combination
        return False
    return True


def lines(title: str) -> list[str]:
    """Lines of one table as README holds them."""
    columns = TABLES[title]
    grid = [
        [title, *columns],
        ["---"] * (len(columns) + 1),
        *([model, *(_cell(model, run) for run in columns.values())] for model in MODELS),
    ]
    return ["|" + "|".join(f" {cell} " if cell else " " for cell in row) + "|" for row in grid]


def _cell(model: str, run: Run) -> str:
    return "yes" if works(model, run) else ""


if __name__ == "__main__":
    print("\n\n".join("\n".join(lines(title)) for title in TABLES))
