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
from writing import combined

__all__ = ["describe", "fingerprint_of_code", "packages", "sources", "state_of_code"]

SHOWN = 12  # digits of a fingerprint


def state_of_code(root: Path) -> dict[str, object]:
    """Return the fingerprint, the commit and whether files differ from it.

    Commit and difference are None outside a git checkout.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain")
    return {
        "fingerprint": fingerprint_of_code(root),
        "commit": commit,
        "dirty": None if changed is None else bool(changed),
    }


def fingerprint_of_code(root: Path) -> str:
    """Return the first digits of one checksum over package, programs, settings, paper and data.

    Data enter by their manifest. A copy without its history has the same fingerprint.
    """
    return combined(sources(root), root)[:SHOWN]


def sources(root: Path) -> list[Path]:
    """List the files that the fingerprint is of."""
    return [
        *root.glob("ccec_econ/**/*.py"),
        *(path for kind in ("py", "toml", "sh") for path in root.glob(f"replication/*.{kind}")),
        *root.glob("replication/simulation/*"),
        *root.glob("paper/*.typ"),
        root / "data" / "MANIFEST.sha256",
        root / "requirements.lock",
    ]


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
