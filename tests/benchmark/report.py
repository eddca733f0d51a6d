"""Write replication/output/benchmark and README's section from the file of a run.

    python tests/benchmark/report.py [RUN.json] [--million REPORT.json ...] [--into FOLDER]

Rows of the committed run that were not measured again are kept: the million units, which take
minutes, can be timed by themselves. With a folder README is left alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "replication")]

from benchmark.figure import scaling_figure  # noqa: E402
from benchmark.measured import (  # noqa: E402
    FOLDER,
    KEY,
    MILLION,
    measured,
    million_units,
    stored,
)
from benchmark.tables import END, START, all_rows, markdown, section  # noqa: E402
from benchmark.targets import judged  # noqa: E402
from record import packages  # noqa: E402
from writing import csv_text, json_text, write  # noqa: E402

README = ROOT / "README.md"
PACKAGES = ("ccec_econ", "numpy", "scipy", "pandas", "spreg", "linearmodels", "pyfixest")


def main() -> None:
    """Read, judge and write."""
    parser = argparse.ArgumentParser(description="Report a benchmark.")
    parser.add_argument("run", nargs="?", type=Path, help="file of pytest-benchmark")
    parser.add_argument(
        "--million", type=Path, nargs="*", default=(), help="reports of million_units.py"
    )
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder of the report")
    chosen = parser.parse_args()
    run = None if chosen.run is None else _read(chosen.run)
    rows = judged(_together(run, [_read(path) for path in chosen.million]))
    write(chosen.into / "benchmark.csv", csv_text(rows, 4))
    if run is not None:
        write(chosen.into / "machine.json", json_text(machine(run, rows)))
    rows = stored(chosen.into)  # what is printed are the digits that are kept
    write(chosen.into / "benchmark.md", page(rows))
    figure = scaling_figure(rows)
    for ending in ("svg", "png"):
        figure.savefig(chosen.into / f"benchmark.{ending}", dpi=200)
    if chosen.into == FOLDER:
        text = README.read_text(encoding="utf-8")
        write(README, renewed(text, section(rows)))
    sys.stdout.write(page(rows))


def renewed(text: str, part: str) -> str:
    """Put a section in the place of the one between its markers."""
    before, rest = text.split(START)
    return before + part + rest.split(END)[1]


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _together(run: dict[str, Any] | None, million: list[dict[str, Any]]) -> pd.DataFrame:
    """New rows, and those of the committed run that were not measured again."""
    parts = [million_units(report) for report in million]
    if run is not None:
        parts.append(measured(run))
    if (FOLDER / "benchmark.csv").exists():
        kept = stored().drop(columns=["target", "met"])
        parts.append(kept if run is None else kept[kept["work"] == MILLION])
    full = [part for part in parts if len(part)]
    return pd.concat(full, ignore_index=True).drop_duplicates(KEY, ignore_index=True)


def page(rows: pd.DataFrame) -> str:
    """Write the report as Markdown."""
    parts = ["# Speed", section(rows), "## All cases", markdown(all_rows(rows))]
    return "\n\n".join(parts) + "\n"


def machine(run: dict[str, Any], rows: pd.DataFrame) -> dict[str, object]:
    """Describe what the run was made on; neither host nor user."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": run["machine_info"]["cpu"].get("brand_raw", platform.machine()),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": packages(PACKAGES),
        "threads": 1,
        "wall_over_processor": round(float((rows["median_s"] / rows["processor_s"]).median()), 2),
    }


if __name__ == "__main__":
    main()
