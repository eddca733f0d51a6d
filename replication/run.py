"""Make the study: check the data, write the analysis files, each exhibit, the paper, the verdict.

    python replication/run.py [--only NAME] [--force]

Steps that are unchanged since they last ran are skipped. The log, with times, goes to
replication/log/, which is not committed; everything in replication/output/ has the same bytes in
every run.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Literal
from unittest.mock import patch

from catalogue import Project, Row, load_project
from environment import settle
from exhibit import collect_numbers, produce
from progress import Progress
from record import describe, sources, state_of_code
from steps import Memory, Step, StepError, execute
from verify import check
from writing import ReplicationError, csv_text, json_text, write

__all__ = ["main", "plan", "run"]

ROOT = Path(__file__).resolve().parents[1]
LAYERS: tuple[Literal["city", "county"], ...] = ("city", "county")
PANEL_DIGITS = 12
COMPLETE = "===== REPLICATION COMPLETE ====="


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Make every exhibit of the study.")
    parser.add_argument(
        "--only", metavar="NAME", help="an exhibit, or data, panels, paper, verdict"
    )
    parser.add_argument("--force", action="store_true", help="run steps that are unchanged, too")
    chosen = parser.parse_args(arguments)
    settle(ROOT)
    try:
        project = load_project(ROOT)
        steps = plan(project, chosen.only)
    except ReplicationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return run(project, steps, only=chosen.only, force=chosen.force)


def plan(project: Project, only: str | None = None) -> list[Step]:
    """Return the steps in order; with `only`, those that the named step or exhibit needs.

    Raises
    ------
    ReplicationError
        When `only` names no step and no exhibit.
    """
    fixed = {step.name: step for step in _fixed_steps(project)}
    exhibits = {row.id: _exhibit_step(project, row) for row in project.rows}
    if only is None:
        order = ["data", "panels", *exhibits, "numbers", "paper", "verdict"]
    elif only in fixed:
        order = ["data", "panels"] if only == "panels" else [only]
    else:
        row = project.find(only)
        exhibits["compare"] = _compare_step(project, row)
        order = ["data", row.id, "numbers", "compare"]
    return [(fixed | exhibits)[name] for name in order]


def run(
    project: Project, steps: Sequence[Step], *, only: str | None = None, force: bool = False
) -> int:
    """Run the steps, keep the log and the record, and return the exit code."""
    log = project.replication / "log"
    memory = Memory(project.replication / ".cache" / "steps.json", project.root)
    code = state_of_code(project.root)
    with Progress(len(steps), log / "replicate.log") as progress:
        if only is None:
            for path in _orphans(project):
                path.unlink()
                progress.say(f"removed {path.name}: no exhibit of exhibits.toml writes it")
        try:
            with _warnings_told(progress):
                execute(steps, memory, project.root, progress, force=force)
        except StepError as error:
            progress.note("".join(traceback.format_exception(error.__cause__)))
            progress.say(str(error), "bold red")
            if not str(error).startswith(("verdict", "compare")):
                for name in ("VERDICT.md", "index.html"):
                    (project.output / name).unlink(missing_ok=True)
                progress.say("the former verdict no longer holds and is withdrawn", "dim")
            progress.say("traceback: replication/log/replicate.log", "dim")
            return 1
        except KeyboardInterrupt:
            progress.say("interrupted; the steps that are done will not be made again", "bold red")
            return 130
        finally:
            seed = project.config.get("seed")
            record = describe(project.root, code, progress.seconds, progress.outcomes, seed)
            write(log / "run.json", json_text(record))
        progress.say(COMPLETE if only is None else f"===== {only} COMPLETE =====")
    return 0


def _fixed_steps(project: Project) -> Iterator[Step]:
    files = [f"{layer}_{kind}.csv" for layer in LAYERS for kind in ("panel", "adjustments")]
    yield Step("data", "compare data/ with data/MANIFEST.sha256", _check_data)
    yield Step(
        "panels",
        "write the analysis files to data/derived/",
        lambda: _write_panels(project),
        outputs=tuple(project.derived / name for name in files),
        inputs=lambda: _shared_inputs(project),
    )
    yield Step("numbers", "gather the numbers of all exhibits", lambda: collect_numbers(project))
    yield Step(
        "paper",
        f"build {project.config['paths']['paper']}",
        lambda: _module(project, project.replication / "paper.py").build_paper(),
        outputs=(project.paper, project.supplement),
        inputs=lambda: _paper_inputs(project),
    )
    yield Step(
        "verdict", "compare with the accepted numbers, write VERDICT.md", lambda: check(project)
    )


def _exhibit_step(project: Project, row: Row) -> Step:
    script = project.program(row)
    return Step(
        row.id,
        row.title,
        lambda: _make(project, row),
        outputs=project.outputs(row),
        inputs=lambda: [*_shared_inputs(project), script],
        identity=repr(row),
    )


def _compare_step(project: Project, row: Row) -> Step:
    title = f"compare {row.id} with its accepted numbers"
    return Step("compare", title, lambda: check(project, only=row))


def _check_data() -> None:
    import ccec_econ as ce

    root = Path(__file__).resolve().parents[1]
    if root not in Path(ce.__file__).resolve().parents:
        raise ReplicationError(
            "the package that Python finds is not the one of this folder; run `make env` here, or "
            "use this folder's .venv"
        )
    ce.data.verify_manifest()


def _write_panels(project: Project) -> None:
    import ccec_econ as ce

    for layer in LAYERS:
        panel, changes = ce.data.load_panel(layer), ce.data.load_adjustments(layer)
        write(project.derived / f"{layer}_panel.csv", csv_text(panel, PANEL_DIGITS))
        write(project.derived / f"{layer}_adjustments.csv", csv_text(changes, PANEL_DIGITS))


def _make(project: Project, row: Row) -> None:
    script = _module(project, project.program(row))
    if not hasattr(script, "build"):
        raise ReplicationError(f"{row.program} has no function build(config); see exhibit.py")
    produce(project, row, script.build)


def _module(project: Project, path: Path) -> ModuleType:
    """Import a script of the study by its path."""
    if not path.exists():
        raise ReplicationError(f"{path.relative_to(project.root).as_posix()} is missing")
    if str(project.replication) not in sys.path:
        sys.path.insert(0, str(project.replication))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ReplicationError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _shared_inputs(project: Project) -> list[Path]:
    """List what every exhibit depends on: package, helpers, simulations, settings, data, lock."""
    programs = {project.program(row) for row in project.rows}
    return [
        *project.root.glob("ccec_econ/**/*.py"),
        *(path for path in project.replication.glob("*.py") if path not in programs),
        *project.replication.glob("simulation/*"),
        project.replication / "config.toml",
        project.root / "data" / "MANIFEST.sha256",
        project.root / "requirements.lock",
    ]


def _paper_inputs(project: Project) -> list[Path]:
    written = [path for row in project.rows for path in project.outputs(row)]
    texts = [
        path for path in project.paper.parent.rglob("*") if path.is_file() and path.suffix != ".pdf"
    ]
    return [
        *written,
        *texts,
        *sources(project.root),
        project.output / "numbers.json",
        project.root / "CITATION.cff",
    ]


def _orphans(project: Project) -> list[Path]:
    """List files among the outputs that no exhibit writes any more."""
    declared = {path for row in project.rows for path in project.outputs(row)}
    found = [*project.output.glob("tables/*"), *project.output.glob("figures/*")]
    return sorted(path for path in found if path.is_file() and path not in declared)


@contextmanager
def _warnings_told(progress: Progress) -> Iterator[None]:
    """Send warnings of the steps to the progress report, where nobody overlooks them."""

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        progress.say(f"warning: {category.__name__}: {message}", "yellow")

    with warnings.catch_warnings(), patch.object(warnings, "showwarning", show):
        yield


if __name__ == "__main__":
    raise SystemExit(main())
