"""Describe a run for run.json: code, versions, machine, time per step; no host or user name."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from environment import THREAD_VARIABLES

__all__ = ["describe", "packages", "state_of_code"]


def state_of_code(root: Path) -> dict[str, object]:
    """Return the commit and whether files differ from it; both None outside a git checkout."""
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain")
    return {"commit": commit, "dirty": None if changed is None else bool(changed)}


def describe(
    root: Path,
    code: Mapping[str, object],
    seconds: Mapping[str, float],
    outcomes: Mapping[str, str],
    *,
    elapsed: float,
    used: int,
    seed: object,
) -> dict[str, object]:
    """Return the record of a run as plain values; `used` is the number of cores that it used."""
    return {
        "code": dict(code),
        "python": platform.python_version(),
        "packages": packages(_listed(root / "requirements.in")),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "cores_used": used,
        "threads": {name: os.environ.get(name) for name in THREAD_VARIABLES},
        "hash_seed": os.environ.get("PYTHONHASHSEED"),
        "seed": seed,
        "seconds": dict(seconds),
        "seconds_of_steps": round(sum(seconds.values()), 3),
        "seconds_in_all": round(elapsed, 3),
        "outcomes": dict(outcomes),
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def packages(names: Iterable[str]) -> dict[str, str | None]:
    """Return the installed version of each package, None where it is not installed."""
    return {name: _installed(name) for name in names}


def _listed(path: Path) -> list[str]:
    """Names of the packages in requirements.in."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [found[0] for line in lines if (found := re.match(r"[A-Za-z0-9._-]+", line))]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
