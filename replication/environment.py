"""Settle what a run takes from its surroundings: threads, hash order, display, settings folder.

The Makefile exports the same variables. `settle` is for `python replication/run.py` and for a
single exhibit's script started by hand: numpy reads its thread count once, when it is imported, so
a process that started without the variables starts itself again with them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["THREAD_VARIABLES", "settle", "variables"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def variables(root: Path) -> dict[str, str]:
    """Return the environment variables that every run has, by name."""
    return dict.fromkeys(THREAD_VARIABLES, "1") | {
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(root / "replication" / ".cache" / "matplotlib"),
    }


def settle(root: Path) -> None:
    """Start the program again when a variable has another value; else do nothing.

    Raises
    ------
    SystemExit
        Where a process cannot be replaced: with the exit code of the second one.
    """
    wanted = variables(root)
    if all(os.environ.get(name) == value for name, value in wanted.items()):
        return
    command = [sys.executable, *sys.orig_argv[1:]]
    if os.name == "posix":  # in the same process, so that signals reach the one that works
        sys.stdout.flush()
        os.execve(sys.executable, command, os.environ | wanted)
    raise SystemExit(subprocess.call(command, env=os.environ | wanted))
