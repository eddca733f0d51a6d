"""Rewrite what is counted: ``python -m ccec_econ.data codebook|manifest``.

Neither command touches a figure. Run ``codebook`` first: the manifest covers it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ccec_econ.data.codebook import refresh_codebook
from ccec_econ.data.manifest import write_manifest

COMMANDS: dict[str, Callable[[], Path]] = {
    "codebook": refresh_codebook,
    "manifest": write_manifest,
}


def main(arguments: list[str] | None = None) -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m ccec_econ.data", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    COMMANDS[parser.parse_args(arguments).command]()


if __name__ == "__main__":
    main()
