"""Convergence clubs: core group, sieve, clubs, divergent units, merging (Phillips and Sul)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from ccec_econ.convergence.logt import CRITICAL, LogT, LogTRule, Matrix, log_t_of, smooth_paths
from ccec_econ.errors import IdentificationError, PanelError
from ccec_econ.typeset import Table, number

__all__ = ["Club", "ClubRule", "Clubs", "find_clubs", "merge_clubs"]


@dataclass(frozen=True, slots=True)
class ClubRule:
    """How clubs are formed.

    Attributes
    ----------
    log_t : LogTRule
        How each log t regression is run.
    cstar : float
        A unit joins a core if t of core and unit exceeds this: 0 for short panels.
    increment : float
        Added to `cstar` until the club as a whole passes the test; 0 keeps a club that fails.
    last : int
        Units are ordered by their mean over this many last years.
    merge : {"ps", "vlt"}, optional
        Merge neighbouring clubs afterwards; see `merge_clubs`.

    Raises
    ------
    IdentificationError
        If the increment is negative, `last` below 1, or the rule of merging unknown.
    """

    log_t: LogTRule = field(default_factory=LogTRule)
    cstar: float = 0.0
    increment: float = 0.1
    last: int = 1
    merge: Literal["ps", "vlt"] | None = None

    def __post_init__(self) -> None:
        if self.increment < 0:
            raise IdentificationError(f"increment = {self.increment}: give 0 or more.")
        if self.last < 1:
            raise IdentificationError(f"last = {self.last}: order by at least one year.")
        if self.merge not in (None, "ps", "vlt"):
            raise IdentificationError(f"merge {self.merge!r}: unknown; choose 'ps' or 'vlt'.")


@dataclass(frozen=True, slots=True)
class Club:
    """One convergence club.

    Attributes
    ----------
    units, core : tuple of str
        Members and core group, from the highest last value down; a club that is the remainder
        of the panel or a merger has no core.
    test : LogT
        Test of all members together.
    cstar : float
        Threshold at which the last member joined.
    """

    units: tuple[str, ...]
    core: tuple[str, ...]
    test: LogT
    cstar: float


@dataclass(frozen=True, slots=True)
class Clubs:
    """Clubs of a panel, the highest first.

    Attributes
    ----------
    clubs : tuple of Club
    divergent : tuple of str
        Units in no club.
    overall : LogT
        Test of all units.
    paths : DataFrame
        The (smoothed) paths, shape (T, N), in the order of the units' last values.
    rule : ClubRule
    """

    clubs: tuple[Club, ...]
    divergent: tuple[str, ...]
    overall: LogT
    paths: pd.DataFrame
    rule: ClubRule

    @property
    def membership(self) -> pd.Series[int]:
        """Number of each unit's club, 1 for the highest; 0 for divergent units."""
        number_of = {unit: k for k, club in enumerate(self.clubs, 1) for unit in club.units}
        units = sorted(map(str, self.paths.columns))
        return pd.Series(
            [number_of.get(unit, 0) for unit in units],
            index=pd.Index(units, name="unit"),
            name="club",
        )

    @property
    def frame(self) -> pd.DataFrame:
        """One row per test: all units, then each club."""
        tests = [("all", self.overall), *((str(k), c.test) for k, c in enumerate(self.clubs, 1))]
        rows = [(name, t.units, t.b, t.std_error, t.tstat, t.converges) for name, t in tests]
        columns = ["club", "units", "b", "std_error", "tstat", "converges"]
        return pd.DataFrame(rows, columns=columns).set_index("club")

    def summary(self, *, title: str = "Convergence clubs", names: pd.Series | None = None) -> Table:
        """Table of clubs with their members; `names` gives printed names of units."""
        shown = {} if names is None else names.to_dict()
        members = [
            "",
            *(", ".join(str(shown.get(u, u)) for u in club.units) for club in self.clubs),
        ]
        rows = [
            (
                "All units" if name == "all" else f"Club {name}",
                str(row["units"]),
                number(row["b"]),
                number(row["std_error"]),
                number(row["tstat"], 2),
                test.reading,
                listed,
            )
            for (name, row), test, listed in zip(
                self.frame.iterrows(),
                [self.overall, *(club.test for club in self.clubs)],
                members,
                strict=True,
            )
        ]
        if self.divergent:
            listed = ", ".join(str(shown.get(u, u)) for u in self.divergent)
            rows.append(("Divergent", str(len(self.divergent)), "", "", "", "", listed))
        return Table(
            title=title,
            columns=("Group", "Units", "b", "s.e.", "t", "Reading", "Members"),
            rows=tuple(rows),
            rules=frozenset({1}),
            notes=(self.note,),
            text_columns=frozenset({5, 6}),
        )

    @property
    def note(self) -> str:
        """The convention of tests, sieve and merging."""
        step = (
            f"raised by {self.rule.increment:g} until the club passes"
            if self.rule.increment
            else "fixed"
        )
        merged = {
            None: "not merged",
            "ps": "merged by Phillips and Sul (2009)",
            "vlt": "merged by von Lyncker and Thoennessen (2017)",
        }[self.rule.merge]
        return f"{self.overall.note} Sieve: c* = {self.rule.cstar:g}, {step}; clubs {merged}."

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().to_html()


def find_clubs(
    panel: pd.DataFrame,
    column: str,
    *,
    log: bool = True,
    smooth: float | None = 400.0,
    rule: ClubRule | None = None,
) -> Clubs:
    """Group units into convergence clubs by the log t test.

    Parameters
    ----------
    panel, column, log, smooth
        As in `transition_paths`.
    rule : ClubRule, optional
        Thresholds, order and merging.

    Returns
    -------
    Clubs

    Raises
    ------
    PanelError
        As in `log_t`; or if units are ordered by more years than there are.
    IdentificationError
        As in `log_t`.

    Notes
    -----
    Phillips and Sul (2007, *Econometrica* 75(6), 1771-1855, section 4). If all units together
    pass, they are one club. Otherwise: order units by their last values. Core: go down to the
    first pair of neighbours that passes, add units while the group passes, keep the length with
    the largest t. Sieve: with the core, each unit left out must give t above c*; c* rises until
    core and joined units together pass, at last to the core alone. The rest is one club if it
    passes, and otherwise treated in the same way; when no pair passes, what is left diverges.

    The R package ConvergenceClubs takes the length with the largest absolute t and by default
    keeps clubs that fail the test (``increment=0``). Many tests are run one after the other and
    none is corrected for it; with T near 13 the clubs are a description.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> found = find_clubs(ce.data.load_panel(years=(2010, 2022)), "gdp_pc")
    >>> found.overall.converges, len(found.membership)
    (False, 16)
    """
    chosen = rule or ClubRule()
    paths = smooth_paths(panel, column, log=log, smooth=smooth)
    return clubs_of(paths, chosen)


def clubs_of(paths: pd.DataFrame, rule: ClubRule) -> Clubs:
    """Find clubs among paths of shape (T, N), labelled by unit; errors as in `find_clubs`."""
    if rule.last > len(paths):
        raise PanelError(f"last = {rule.last}: the panel has {len(paths)} years.")
    last = paths.iloc[-rule.last :].mean()
    ordered = paths[last.sort_values(ascending=False, kind="stable").index]
    x = ordered.to_numpy()
    members, left = _partition(x, rule)
    names = [str(unit) for unit in ordered.columns]
    clubs = tuple(
        Club(
            units=tuple(names[i] for i in sorted(units)),
            core=tuple(names[i] for i in core),
            test=log_t_of(x[:, sorted(units)], rule.log_t),
            cstar=cstar,
        )
        for units, core, cstar in members
    )
    found = Clubs(
        clubs=clubs,
        divergent=tuple(names[i] for i in left),
        overall=log_t_of(x, rule.log_t),
        paths=ordered,
        rule=replace(rule, merge=None),
    )
    return found if rule.merge is None else merge_clubs(found, rule.merge)


type _Found = tuple[list[int], list[int], float]


def _partition(x: Matrix, rule: ClubRule) -> tuple[list[_Found], list[int]]:
    """Split columns of x into clubs (members, core, c*) and what is left."""
    found: list[_Found] = []
    left = list(range(x.shape[1]))
    while len(left) > 1:
        if _t(x, left, rule) > CRITICAL:
            return [*found, (left, [], rule.cstar)], []
        core = _core(x, left, rule)
        if not core:
            break
        members, cstar = _sieve(x, left, core, rule)
        found.append((members, core, cstar))
        left = [i for i in left if i not in members]
    return found, left


def _t(x: Matrix, units: Sequence[int], rule: ClubRule) -> float:
    return log_t_of(x[:, list(units)], rule.log_t).tstat


def _core(x: Matrix, left: list[int], rule: ClubRule) -> list[int]:
    """Return the core group among the ordered units, empty if no pair of neighbours passes."""
    for start in range(len(left) - 1):
        if _t(x, left[start : start + 2], rule) > CRITICAL:
            return _longest(x, left[start:], rule)
    return []


def _longest(x: Matrix, units: list[int], rule: ClubRule) -> list[int]:
    """Add units while the group passes; return the length with the largest t."""
    best, best_t = 2, -np.inf
    for k in range(2, len(units) + 1):
        t = _t(x, units[:k], rule)
        if t <= CRITICAL:
            break
        if t > best_t:
            best, best_t = k, t
    return units[:best]


def _sieve(x: Matrix, left: list[int], core: list[int], rule: ClubRule) -> tuple[list[int], float]:
    """Join units to the core; raise c* until the club passes. Returns members and c*."""
    ts = {i: _t(x, [*core, i], rule) for i in left if i not in core}
    cstar = rule.cstar
    while True:
        joined = [i for i, t in ts.items() if t > cstar]
        members = sorted([*core, *joined])
        if not rule.increment or not joined or _t(x, members, rule) > CRITICAL:
            return members, cstar
        cstar += rule.increment


def merge_clubs(found: Clubs, method: Literal["ps", "vlt"] = "ps") -> Clubs:
    """Merge neighbouring clubs that converge together.

    Parameters
    ----------
    found : Clubs
        Result of `find_clubs`.
    method : {"ps", "vlt"}
        Phillips and Sul (2009): a club takes in the next while both together pass. Von Lyncker
        and Thoennessen (2017): only if, besides, their t exceeds that of the next club and the
        one after it.

    Raises
    ------
    IdentificationError
        If the method is unknown.

    Notes
    -----
    From the highest club down, again from the top until nothing merges (Phillips and Sul 2009,
    *Journal of Applied Econometrics* 24(7), 1153-1185; von Lyncker and Thoennessen 2017,
    *Empirical Economics* 52, 525-553). Divergent units stay divergent.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> found = find_clubs(ce.data.load_panel(years=(2010, 2022)), "gdp_pc")
    >>> len(merge_clubs(found).clubs) <= len(found.clubs)
    True
    """
    if method not in ("ps", "vlt"):
        raise IdentificationError(f"merge {method!r}: unknown; choose 'ps' or 'vlt'.")
    clubs = list(found.clubs)
    while (k := _first_pair(clubs, found, method)) is not None:
        pair = clubs[k : k + 2]
        units = tuple(u for club in pair for u in club.units)
        clubs[k : k + 2] = [Club(units, (), _joint(pair, found), max(club.cstar for club in pair))]
    return replace(found, clubs=tuple(clubs), rule=replace(found.rule, merge=method))


def _first_pair(clubs: Sequence[Club], found: Clubs, method: str) -> int | None:
    """Return the first club that merges with the next."""
    t = [_joint(clubs[k : k + 2], found).tstat for k in range(len(clubs) - 1)]
    for k, value in enumerate(t):
        beaten = method == "vlt" and k + 1 < len(t) and value <= t[k + 1]
        if value > CRITICAL and not beaten:
            return k
    return None


def _joint(clubs: Sequence[Club], found: Clubs) -> LogT:
    units = [unit for club in clubs for unit in club.units]
    return log_t_of(found.paths[units].to_numpy(), found.rule.log_t)
