"""How sure club memberships are: a bootstrap of the cycles around the trends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ccec_econ.convergence.clubs import ClubRule, Clubs, clubs_of
from ccec_econ.convergence.logt import Matrix, smooth_paths, smoother
from ccec_econ.errors import IdentificationError
from ccec_econ.parallel import spread

__all__ = ["ClubStability", "club_stability"]

_FEWEST_DRAWS = 19


@dataclass(frozen=True, slots=True)
class ClubStability:
    """Memberships over bootstrap draws.

    Attributes
    ----------
    point : Clubs
        Clubs of the data.
    share : Series
        By unit: share of draws in which it lies in the club of its point estimate (or diverges,
        if it does there).
    together : DataFrame
        Shape (N, N): share of draws in which two units lie in one club; the diagonal is one.
    counts : Series
        Share of draws by number of clubs.
    rejected : float
        Share of draws in which convergence of all units is rejected.
    draws, block : int
    """

    point: Clubs
    share: pd.Series[float]
    together: pd.DataFrame
    counts: pd.Series[float]
    rejected: float
    draws: int
    block: int

    @property
    def note(self) -> str:
        """How the draws are made."""
        return (
            f"Membership: {self.draws} draws; deviations from the trends in blocks of {self.block} "
            "years, the same years for every unit, added to the trends and filtered again."
        )


def club_stability(
    panel: pd.DataFrame,
    column: str,
    *,
    log: bool = True,
    smooth: float = 400.0,
    rule: ClubRule | None = None,
    block: int | None = None,
    draws: int = 999,
    rng: int | np.random.Generator = 0,
) -> ClubStability:
    """Find clubs again in panels with resampled deviations from the trends.

    Parameters
    ----------
    panel, column, log, rule
        As in `find_clubs`.
    smooth : float
        Penalty of the Hodrick-Prescott filter.
    block : int, optional
        Years of a block; the cube root of T, rounded, by default.
    draws : int
        At least 19.
    rng : int or Generator

    Returns
    -------
    ClubStability

    Raises
    ------
    PanelError
        As in `find_clubs`.
    IdentificationError
        If there are too few draws, or a block has less than one or more than T years.

    Notes
    -----
    With trend ``x_it`` and deviation ``c_it`` a draw is the filtered ``x_it + c_is(t)`` where the
    years s(t) come in blocks that wrap around the end (Politis and Romano 1992). All units take
    the same years, so shocks common to units stay common. Clubs carry no names across draws: each
    draw's clubs are matched one to one to those of the point estimate so that as many units as
    possible agree; `together` needs no matching. The draws vary the deviations around the
    estimated trends and not the trends, so they understate the doubt about a club.

    Examples
    --------
    >>> import ccec_econ as ce
    >>> panel = ce.data.load_panel(years=(2010, 2022))
    >>> sure = club_stability(panel, "gdp_pc", draws=19, rng=1)
    >>> sure.share.between(0, 1).all()
    np.True_
    """
    chosen = rule or ClubRule()
    raw = smooth_paths(panel, column, log=log, smooth=None)
    filtered = smoother(len(raw), smooth)
    trend = filtered @ raw.to_numpy()
    cycle = raw.to_numpy() - trend
    length = round(len(raw) ** (1 / 3)) if block is None else block
    _refuse(draws, length, len(raw))
    random = np.random.default_rng(rng)
    point = clubs_of(pd.DataFrame(trend, raw.index, raw.columns), chosen)

    def again(years: NDArray[np.int64]) -> tuple[NDArray[np.int64], bool]:
        paths = pd.DataFrame(filtered @ (trend + cycle[years]), raw.index, raw.columns)
        found = clubs_of(paths, chosen)
        return np.asarray(found.membership, dtype=np.int64), not found.overall.converges

    years = (_years(len(raw), length, random) for _ in range(draws))
    numbers, rejected = zip(*spread(again, years), strict=True)
    return _stability(point, np.array(numbers), sum(rejected) / draws, length)


def _refuse(draws: int, block: int, T: int) -> None:
    if draws < _FEWEST_DRAWS:
        raise IdentificationError(f"draws = {draws}: give at least {_FEWEST_DRAWS}, better 999.")
    if not 1 <= block <= T:
        raise IdentificationError(f"block = {block}: give a length from 1 to the {T} years.")


def _years(T: int, block: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Draw T years in blocks that wrap around."""
    starts = random.integers(0, T, size=-(-T // block))
    return ((starts[:, None] + np.arange(block)) % T).ravel()[:T]


def _stability(
    point: Clubs, numbers: NDArray[np.int64], rejected: float, block: int
) -> ClubStability:
    member = point.membership
    own = np.asarray(member, dtype=np.int64)
    same = np.array([_agreement(own, drawn) for drawn in numbers]).mean(axis=0)
    clubs = numbers[:, :, None]
    pairs = ((clubs == numbers[:, None, :]) & (clubs > 0)).mean(axis=0)
    np.fill_diagonal(pairs, 1.0)
    found = pd.Series(numbers.max(axis=1), name="clubs")
    return ClubStability(
        point=point,
        share=pd.Series(same, index=member.index, name="share"),
        together=pd.DataFrame(pairs, index=member.index, columns=member.index),
        counts=found.value_counts(normalize=True).sort_index(),
        rejected=rejected,
        draws=len(numbers),
        block=block,
    )


def _agreement(own: NDArray[np.int64], drawn: NDArray[np.int64]) -> Matrix:
    """Whether each unit lies in the drawn club that is matched to its own; 0 means divergent."""
    table = np.zeros((own.max() + 1, drawn.max() + 1))
    np.add.at(table, (own, drawn), 1.0)
    match = np.zeros(own.max() + 1, dtype=np.int64)
    rows, columns = linear_sum_assignment(table[1:, 1:], maximize=True)
    match[1:] = -1
    match[rows + 1] = columns + 1
    return np.asarray(match[own] == drawn, dtype=np.float64)
