"""Commands over the functions that Python users call; nothing is computed here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ccec_econ import __version__
from ccec_econ.cli.data import described, written
from ccec_econ.cli.request import EXAMPLE, read_request
from ccec_econ.cli.study import exhibit_text, find_study, replicate
from ccec_econ.data.codebook import LAYERS
from ccec_econ.errors import CcecError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 1 with the reason on standard error.

    Examples
    --------
    >>> main(["data", "describe", "--layer", "county"])  # doctest: +ELLIPSIS
    156 units, ...
    0
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help()
        return 0
    try:
        return int(chosen.run(chosen))
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        return 0
    except (CcecError, OSError) as error:
        sys.stderr.write(f"ccec {chosen.command}: {_reason(error)}\n")
        return 1


def _reason(error: CcecError | OSError) -> str:
    """Say what went wrong, without the number that the system gives it."""
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"there is no file {error.filename}; check its name and folder."
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}; give another file."
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ccec", description=__doc__)
    parser.add_argument("--version", action="version", version=f"ccec_econ {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    fit = commands.add_parser(
        "fit",
        help="fit the model that a toml file describes",
        epilog=f"A complete file; files that it names are looked for beside it:\n\n{EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fit.add_argument("file", type=Path, help="toml file, as the example below")
    fit.add_argument(
        "--example", action="version", version=EXAMPLE, help="print the example alone and stop"
    )
    fit.set_defaults(run=_fit)

    data = commands.add_parser("data", help="describe or write the bundled data")
    data.add_argument("what", choices=("describe", "write"))
    data.add_argument("--layer", choices=sorted(LAYERS), default="city")
    data.add_argument("--to", type=Path, metavar="FILE", help="csv file for `write`")
    data.set_defaults(run=_data)

    again = commands.add_parser("replicate", help="make the study whose folder this is")
    again.add_argument(
        "--only",
        metavar="EXHIBIT",
        help="one exhibit: table_08, 13A; a small letter is a part, 4b makes Table 4",
    )
    again.add_argument("--force", action="store_true", help="also what is unchanged")
    again.add_argument("--smoke", action="store_true", help="few draws, into a scratch folder")
    again.add_argument("--cores", type=int, metavar="N", help="processes, default all")
    again.set_defaults(run=_replicate)

    for kind in ("table", "figure"):
        one = commands.add_parser(kind, help=f"show a {kind} of the study as it was made")
        one.add_argument(
            "number",
            help="as in the paper, letters too: 8; 4B, an exhibit; 4b, a part of the exhibit 4",
        )
        one.set_defaults(run=_exhibit)
    return parser


def _fit(chosen: argparse.Namespace) -> int:
    for text in read_request(chosen.file).run():
        print(text)
    return 0


def _data(chosen: argparse.Namespace) -> int:
    print(
        described(chosen.layer) if chosen.what == "describe" else written(chosen.layer, chosen.to)
    )
    return 0


def _replicate(chosen: argparse.Namespace) -> int:
    options = [name for name in ("--force", "--smoke") if getattr(chosen, name[2:])]
    for name, value in (("--only", chosen.only), ("--cores", chosen.cores)):
        options += [] if value is None else [name, str(value)]
    return replicate(find_study(Path.cwd()), options)


def _exhibit(chosen: argparse.Namespace) -> int:
    print(exhibit_text(find_study(Path.cwd()), f"{chosen.command} {chosen.number}"))
    return 0
