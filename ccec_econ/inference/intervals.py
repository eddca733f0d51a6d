"""Frames of effects with delta, simulation and bootstrap intervals, and how they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ccec_econ.errors import FormulaError, first_five
from ccec_econ.inference.resampled import SCHEMES
from ccec_econ.inference.vcov import Vcov
from ccec_econ.typeset import Printed, Table, interval, number

__all__ = ["BENEATH", "SPACE", "Beneath", "Convention", "Intervals", "cell_below"]

SPACE = "the parameter space"
BENEATH = {
    "error": "Delta-method standard errors in parentheses.",
    "delta": "Intervals by the delta method.",
    "simulation": "Simulation intervals.",
    "bootstrap": "Bootstrap intervals.",
}

type Beneath = Literal["error", "delta", "simulation", "bootstrap"]


@dataclass(frozen=True, slots=True)
class Convention:
    """What intervals rest on.

    Attributes
    ----------
    level : float
        Confidence level of all intervals.
    draws : int
        Draws kept for the simulation interval.
    rejected : float
        Share of draws thrown away because they left the parameter space.
    vcov : Vcov
        Covariance of the estimate, with its convention and degrees of freedom.
    df : float or None
        Degrees of freedom of the t distribution that draws came from; None for the normal.
    space : str
        What draws had to stay in.
    refits, failed : int, float
        Refits behind the bootstrap interval, and the share of them that failed besides; zero
        without one.
    innovations : str or None
        How the bootstrap drew them.
    remarks : tuple of str
        What else to say beneath a table.
    """

    level: float
    draws: int
    rejected: float
    vcov: Vcov
    df: float | None = None
    space: str = SPACE
    refits: int = 0
    failed: float = 0.0
    innovations: str | None = None
    remarks: tuple[str, ...] = ()

    def notes(self, shown: Beneath | None = None) -> tuple[str, ...]:
        """Sentences for the foot of a table.

        Parameters
        ----------
        shown : {"error", "delta", "simulation", "bootstrap"}, optional
            What stands in the table: others are left out, but draws that left the parameter space
            are always counted. Everything by default.
        """
        out = [f"Covariance: {self.vcov.convention}."]
        left = f"{100 * self.rejected:.1f} % of draws"
        if shown in (None, "simulation"):
            source = ""
            if self.vcov.combinations is not None and self.df is not None:
                source = f" from t({self.df:.1f}), the fewest degrees of freedom among the effects"
            out.append(
                f"Simulation: percentiles of {self.draws:,} draws of the parameters{source}; "
                f"{left} left {self.space} and were replaced."
            )
        elif self.rejected:
            out.append(f"{left} of the parameters left {self.space}.")
        if self.innovations is not None and shown in (None, "bootstrap"):
            out.append(
                f"Bootstrap: basic interval from {self.refits:,} refits of simulated panels, "
                f"{SCHEMES[self.innovations]}; {100 * self.failed:.1f} % of refits failed and are "
                "left out."
            )
        return (*out, *self.remarks)


@dataclass(frozen=True, slots=True, repr=False)
class Intervals(Printed):
    """A frame of effects with delta, simulation and, where asked for, bootstrap intervals.

    Attributes
    ----------
    frame : DataFrame
        Columns estimate, std_error, lower, upper (delta method), sim_lower, sim_upper (percentiles
        of the draws) and, with a bootstrap, boot_lower, boot_upper (basic interval).
    basis : Convention
        What the intervals rest on.
    scope : str
        Horizon of a dynamic model, such as "long run"; empty in others.
    """

    frame: pd.DataFrame
    basis: Convention
    scope: str

    @property
    def level(self) -> float:
        """Confidence level of all intervals."""
        return self.basis.level

    @property
    def draws(self) -> int:
        """Draws kept for the simulation interval."""
        return self.basis.draws

    @property
    def rejected(self) -> float:
        """Share of draws thrown away because they left the parameter space."""
        return self.basis.rejected

    @property
    def convention(self) -> str:
        """Covariance that the intervals rest on."""
        return self.basis.vcov.convention

    @property
    def spans(self) -> dict[str, tuple[str, str]]:
        """Columns of each interval, by printed name."""
        found = {"Delta": ("lower", "upper"), "Simulation": ("sim_lower", "sim_upper")}
        if "boot_lower" in self.frame.columns:
            found["Bootstrap"] = ("boot_lower", "boot_upper")
        return found

    def below(self, which: Beneath) -> list[str]:
        """Columns of the frame that stand beneath estimates: the error or both ends.

        Raises
        ------
        FormulaError
            If there is no such interval here.
        """
        found = {name.lower(): list(columns) for name, columns in self.spans.items()}
        found["error"] = ["std_error"]
        if which not in found:
            raise FormulaError(
                f"no {which!r} interval here; choose one of {first_five(sorted(found))}."
            )
        return found[which]

    def summary(self) -> Table:
        """Table of effects, with conventions beneath."""
        raise NotImplementedError

    def notes(self, shown: Beneath | None = None) -> tuple[str, ...]:
        """Sentences for the foot of a table, of one interval or, by default, of all."""
        return self.basis.notes(shown)

    def _titled(self, title: str) -> str:
        return f"{title}, {self.scope}" if self.scope else title


def cell_below(ends: Sequence[float], digits: int) -> str:
    """Format a standard error, or an interval, to stand beneath an estimate."""
    if len(ends) == 1:
        return f"({number(ends[0], digits)})"
    return interval(ends[0], ends[1], digits)
