"""Work that the limits of the benchmark must stop, and work that they must let pass.

All of it is harmless on the tiny panel on which a case warms up.
"""

from __future__ import annotations

import numpy as np

from benchmark.ours import Work
from benchmark.panels import Simulated

TINY = 200  # rows
MIB = 64


def greedy(panel: Simulated) -> Work:
    """Ask for 32 GiB at once."""
    return lambda: np.ones(1 << 32) if len(panel.frame) > TINY else None


def endless(panel: Simulated) -> Work:
    """Never end."""

    def work() -> None:
        while len(panel.frame) > TINY:
            pass

    return work


def modest(panel: Simulated) -> Work:
    """Take 64 MiB and give them back."""
    return lambda: np.ones(MIB << 17).sum() if len(panel.frame) > TINY else None
