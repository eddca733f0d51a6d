"""The command line: ``ccec fit``, ``ccec data``, ``ccec replicate``, ``ccec table``."""

from ccec_econ.cli.command import main

__all__ = ["main"]
