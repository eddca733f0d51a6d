"""Make one exhibit by its row of the catalogue, in this process or in a worker."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from catalogue import Project, Row
from exhibit import produce
from writing import ReplicationError

__all__ = ["load_script", "make_exhibit"]


def make_exhibit(project: Project, row: Row) -> None:
    """Run the script of an exhibit and write its files."""
    script = load_script(project, project.program(row))
    if not hasattr(script, "build"):
        raise ReplicationError(f"{row.program} has no function build(config); see exhibit.py")
    produce(project, row, script.build)


def load_script(project: Project, path: Path) -> ModuleType:
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
