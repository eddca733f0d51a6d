"""Bias and coverage of rho and of the effects, by likelihood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccec_econ.engine.estimate import Estimate
from ccec_econ.engine.spectrum import spectrum
from ccec_econ.engine.transform import Method
from ccec_econ.errors import ConvergenceError
from ccec_econ.inference.effects import delta_effects
from ccec_econ.inference.reduced_form import static_form
from ccec_econ.inference.vcov import Information
from ccec_econ.parallel import spread
from ccec_econ.simulation.designs import Design, Sample, draw_panel, fit_panel
from ccec_econ.simulation.rates import mean_row, rate_error

__all__ = ["QUANTITIES", "study"]

QUANTITIES = ("rho", "direct", "indirect", "total")


def study(
    design: Design,
    W: NDArray[np.float64],
    periods: int,
    *,
    methods: Sequence[Method] = ("transformation", "direct", "bias_corrected"),
    quantities: Sequence[str] = ("rho",),
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Estimate rho and effects on simulated panels, every method on the same ones.

    Parameters
    ----------
    W : ndarray, shape (N, N)
        Row-standardised weights.
    periods : int
        T.
    quantities : sequence of str
        Some of "rho", "direct", "indirect", "total", the last three effects of x.

    Returns
    -------
    DataFrame
        One row per method and quantity: truth, mean, bias, sd, mcse (Monte Carlo error of the
        mean), coverage of the 95 % interval from the expected information (delta method for
        effects), coverage_mcse, and failed, the share of draws without an interior estimate, which
        no other column counts.

    Raises
    ------
    ValueError
        If a quantity is unknown.
    ConvergenceError
        If no draw has an interior estimate.

    Notes
    -----
    ``y_t = rho W y_t + beta x_t + theta W x_t + unit + time effects + v_t``, see `Design`. Over the
    R draws with estimates q_r of the truth q: bias = mean(q_r) - q, sd their standard deviation,
    mcse = sd / sqrt(R), coverage the share c with |q_r - q| < 1.96 se_r, its error
    sqrt(c (1 - c) / R).
    Tests: tests/unit/test_monte_carlo_tables.py, tests/simulation/test_small_n.py.

    Examples
    --------
    >>> import numpy as np
    >>> from ccec_econ.simulation import Design, nearest_weights, study
    >>> rng = np.random.default_rng(0)
    >>> W = nearest_weights(16, 4, rng)
    >>> list(study(Design(0.4), W, 12, draws=5, rng=rng)["method"])
    ['transformation', 'direct', 'bias_corrected']
    """
    unknown = [name for name in quantities if name not in QUANTITIES]
    if unknown or not quantities:
        raise ValueError(f"quantities {unknown or 'of none'}: choose some of {QUANTITIES}.")
    weights = spectrum(W)
    samples = [draw_panel(design, weights, periods, rng) for _ in range(draws)]
    truth = {"rho": design.rho} | design.effects(W)
    picked = [QUANTITIES.index(name) for name in quantities]
    quantile = float(stats.norm.ppf(0.975))
    rows = []
    for method in methods:

        def measured(sample: Sample, method: Method = method) -> NDArray[np.float64] | None:
            try:
                return _measure(fit_panel(design, sample, weights, method))
            except ConvergenceError:
                return None

        found = [one for one in spread(measured, samples) if one is not None]
        if not found:
            raise ConvergenceError(
                f"none of {draws} draws has an interior estimate by {method}; draw more, or panels "
                "with less spatial dependence."
            )
        values, errors = np.array(found).transpose(1, 2, 0)
        for name, j in zip(quantities, picked, strict=True):
            hit = float((np.abs(values[j] - truth[name]) < quantile * errors[j]).mean())
            rows.append(
                {"method": method, "quantity": name}
                | mean_row(values[j], truth[name])
                | {"coverage": hit, "coverage_mcse": rate_error(hit, len(found))}
                | {"failed": 1.0 - len(found) / draws}
            )
    return pd.DataFrame(rows)


def _measure(fit: Estimate) -> NDArray[np.float64]:
    """Values and standard errors of rho and the three effects of x, shape (2, 4)."""
    vcov = Information()(fit)
    at = len(fit.terms)
    point, error = delta_effects(static_form(fit), vcov)
    return np.array(
        [[fit.optimum.rho, *point[0]], [np.sqrt(vcov.matrix[at, at]), *error[0]]], dtype=np.float64
    )
