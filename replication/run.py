"""Make the study: check the data, write the analysis files, each exhibit, the paper, the verdict.

    python replication/run.py [--only NAME] [--force] [--cores N] [--smoke]

Steps that are unchanged since they last ran are skipped; exhibits are made side by side, on all
cores. The log, with times, goes to replication/log/, which is not committed; everything in
replication/output/ has the same bytes in every run, on any number of cores. A smoke run has few
draws, and writes to replication/.cache/smoke/ alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from joblib import cpu_count

from catalogue import Project, Row, load_project
from environment import settle
from exhibit import collect_numbers
from guard import alone, sweep
from making import load_script, make_exhibit
from progress import Progress
from record import describe, sources, state_of_code
from smoke import check_shapes, lay_out_paper
from steps import Memory, Step, StepError, execute
from verify import Withdrawn, check
from workers import prepare
from writing import ReplicationError, csv_text, json_text, write

__all__ = ["main", "plan", "run"]

ROOT = Path(__file__).resolve().parents[1]
LAYERS: tuple[Literal["city", "county"], ...] = ("city", "county")
PANEL_DIGITS = 12
MOST_CORES = 8  # beyond, the longest exhibit sets the time, and every process holds the data
IMPORTED = ("ccec_econ", "diff_diff", "esda", "matplotlib.pyplot")  # by many exhibits; seconds
COMPLETE = "===== REPLICATION COMPLETE ====="
SMOKE_COMPLETE = (
    "===== SMOKE RUN COMPLETE: few draws, shapes compared, no number; nothing of the study was "
    "written ====="
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Make every exhibit of the study.")
    parser.add_argument(
        "--only",
        metavar="NAME",
        help="an exhibit, by id or place in the paper (table_08, 13A; a small letter is a part of "
        "an exhibit: 4b makes Table 4), or data, panels, paper, verdict",
    )
    parser.add_argument("--force", action="store_true", help="run steps that are unchanged, too")
    parser.add_argument(
        "--cores", type=int, default=min(cpu_count(), MOST_CORES), help="processes, default all"
    )
    parser.add_argument("--smoke", action="store_true", help="few draws, into a scratch folder")
    chosen = parser.parse_args(arguments)
    if chosen.cores < 1:
        parser.error(f"--cores {chosen.cores}: at least one is needed")
    settle(ROOT)
    try:
        project = load_project(ROOT, smoke=chosen.smoke)
        steps = plan(project, chosen.only)
        with alone(project.cache / "run.lock"):
            return run(project, steps, only=chosen.only, force=chosen.force, cores=chosen.cores)
    except ReplicationError as error:
        sys.stderr.write(f"{error}\n")
        return 1


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
    project: Project,
    steps: Sequence[Step],
    *,
    only: str | None = None,
    force: bool = False,
    cores: int = 1,
) -> int:
    """Run the steps, keep the log and the record, and return the exit code."""
    log = project.made / "replication" / "log"
    memory = Memory(project.made / "replication" / ".cache" / "steps.json", project.made)
    code = state_of_code(project.root)
    verdict = Withdrawn(project)
    sweep([project.output, project.derived, project.paper.parent, project.cache, log])
    with Progress(len(steps), log / "replicate.log", changing=verdict.withdraw) as progress:
        if only is None:
            for path in _orphans(project):
                path.unlink()
                progress.say(f"removed {path.name}: no exhibit of exhibits.toml writes it")
        if cores > 1 and sum(step.apart for step in steps) > 1:
            prepare(IMPORTED)
        try:
            execute(steps, memory, project.root, progress, force=force, cores=cores)
        except StepError as error:
            progress.note(error.trace)
            progress.say(str(error), "bold red")
            if error.step != "verdict":
                verdict.withdraw()
            _tell_withdrawn(verdict, progress)
            progress.say(f"traceback: {_short(project, log / 'replicate.log')}", "dim")
            return 1
        except KeyboardInterrupt:
            progress.say("interrupted; the steps that are done will not be made again", "bold red")
            _tell_withdrawn(verdict, progress)
            return 130
        finally:
            record = describe(
                project.root,
                code,
                progress.seconds,
                progress.outcomes,
                elapsed=progress.elapsed,
                used=cores,
                seed=project.config.get("seed"),
            )
            write(log / "run.json", json_text(record))
        if only is not None:
            verdict.restore()
        progress.say(_sentinel(project, only))
    return 0


def _sentinel(project: Project, only: str | None) -> str:
    if only is not None:
        return f"===== {only}{' SMOKE RUN' if project.smoke else ''} COMPLETE ====="
    return SMOKE_COMPLETE if project.smoke else COMPLETE


def _tell_withdrawn(verdict: Withdrawn, progress: Progress) -> None:
    if verdict.stands_no_more:
        progress.say("the former verdict no longer holds and is withdrawn", "dim")


def _short(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix()


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
        f"build {_short(project, project.paper)}",
        lambda: _build_paper(project),
        outputs=(project.paper, project.supplement),
        inputs=lambda: _paper_inputs(project),
    )
    title = "compare with the accepted numbers, write VERDICT.md"
    if project.smoke:
        title = "compare shapes with the accepted ones"
    yield Step("verdict", title, lambda: _judge(project))


def _exhibit_step(project: Project, row: Row) -> Step:
    script = project.program(row)
    return Step(
        row.id,
        row.title,
        partial(make_exhibit, project, row),
        outputs=project.outputs(row),
        inputs=lambda: [*_shared_inputs(project), script],
        identity=repr(row),
        apart=True,
        follows=row.follows,
        seconds=row.seconds,
    )


def _compare_step(project: Project, row: Row) -> Step:
    title = f"compare {row.id} with its accepted numbers"
    return Step("compare", title, lambda: _judge(project, row))


def _judge(project: Project, only: Row | None = None) -> None:
    if project.smoke:
        check_shapes(project, project.rows if only is None else (only,))
    else:
        check(project, only)


def _build_paper(project: Project) -> None:
    if project.smoke:
        lay_out_paper(project)
    load_script(project, project.replication / "paper.py").build_paper(project.made)


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
    folder = project.root / Path(project.config["paths"]["paper"]).parent
    texts = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pdf"]
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


if __name__ == "__main__":
    raise SystemExit(main())
