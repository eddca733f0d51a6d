"""Check that the package is whole and clean; prints a line per check, exit code 1 if one fails.

    python replication/audit.py

A check is a function of the root that yields what is wrong; its first line says what it checks.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from audit_programs import imports_are_declared, programs_are_reached
from prose import typed_numbers

__all__ = ["CHECKS", "audit", "files", "main"]

ROOT = Path(__file__).resolve().parents[1]
LARGE = 50 * 2**20  # bytes
EMPTY = {"py.typed", "__init__.py"}  # may have no content
COPIES = ("replication/output/", "replication/reference/", "replication/simulation/")
JUNK = ["*.zip", "*.7z", "*.rar", "*.tar", "*.tgz", "*.tmp", "*.part", "*.swp", "*.orig", "*.rej"]
JUNK += ["*~", "*.bak", "*.pyc", ".DS_Store", "Thumbs.db", "desktop.ini", "~$*", ".Rhistory"]
BINARY = {".png", ".pdf", ".gz"}
KEYS = ("cff-version", "message", "title", "authors", "version", "date-released", "license")
OPEN_ENDS = re.compile(r"\b(?:TO" "DO|FIX" r"ME|XX" r"X)\b|@" "@@")
ADDRESS = re.compile(r"[\w.+-]+@(?:[\w-]+\.)+(?:com|org|net|edu|cn|io|de|uk|eu|gov)\b")
PLACE = re.compile(r"(?<![\w.)}\]$*/<>])(?:/(?:home|Users|root|tmp|work|mnt)/\w|[A-Z]:\\{1,2}\w)")

Check = Callable[[Path], Iterator[str]]


def files(root: Path) -> list[Path]:
    """List the files of the checkout, without what .gitignore leaves out."""
    lines = (root / ".gitignore").read_text(encoding="utf-8").split()
    ignored = [line.rstrip("/") for line in lines] + [".git", ".benchmarks"]
    found: list[Path] = []
    for folder, below, names in os.walk(root):
        here = Path(folder)
        below[:] = sorted(name for name in below if not _left_out(here / name, root, ignored))
        links = [name for name in below if (here / name).is_symlink()]
        found += [here / name for name in (*names, *links)]
    return sorted(path for path in found if not _left_out(path, root, ignored))


def files_are_in_order(root: Path) -> Iterator[str]:
    """No empty, large, packed or stray file, no link."""
    for path in files(root):
        name = _name(path, root)
        if path.is_symlink():
            yield f"{name} is a link"
            continue
        size = path.stat().st_size
        if size == 0 and path.name not in EMPTY:
            yield f"{name} is empty"
        if size > LARGE:
            yield f"{name} has {size / 2**20:.0f} MB, more than {LARGE / 2**20:.0f}"
        if any(fnmatch(path.name, pattern) for pattern in JUNK):
            yield f"{name} does not belong here"


def files_differ(root: Path) -> Iterator[str]:
    """No file twice, outputs beside their accepted copies apart."""
    same: dict[str, list[str]] = defaultdict(list)
    for path in _regular(root):
        name = _name(path, root)
        if path.stat().st_size and not name.startswith(COPIES):
            same[hashlib.sha256(path.read_bytes()).hexdigest()].append(name)
    yield from (" and ".join(names) for names in same.values() if len(names) > 1)


def text_is_plain(root: Path) -> Iterator[str]:
    """Text in UTF-8 without a mark, lines that end with LF, the last one too."""
    for path in _regular(root):
        if path.suffix in BINARY or path.stat().st_size == 0:
            continue
        content, name = path.read_bytes(), _name(path, root)
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            yield f"{name} is not UTF-8"
        if content.startswith(b"\xef\xbb\xbf"):
            yield f"{name} begins with a byte order mark"
        if b"\r" in content:
            yield f"{name} has carriage returns"
        if not content.endswith(b"\n") and path.suffix in {".py", ".csv", ".md", ".toml", ".typ"}:
            yield f"{name} ends without a line end"


def programs_are_executable(root: Path) -> Iterator[str]:
    """Files that may be executed are those that begin with `#!`."""
    for path in _regular(root):
        with path.open("rb") as file:
            script = file.read(2) == b"#!"
        if script is not os.access(path, os.X_OK) and os.name == "posix":
            yield f"{_name(path, root)}: {'not ' if script else ''}executable"


def nothing_personal(root: Path) -> Iterator[str]:
    """No address of a person, no path of a machine."""
    for path, number, line in _lines(root):
        for pattern in (ADDRESS, PLACE):
            if found := pattern.search(line):
                yield f"{_name(path, root)}:{number}: {found[0]}"


def nothing_is_open(root: Path) -> Iterator[str]:
    """No mark of unfinished work."""
    for path, number, line in _lines(root):
        if found := OPEN_ENDS.search(line):
            yield f"{_name(path, root)}:{number}: {found[0]}"


def licence_and_citation(root: Path) -> Iterator[str]:
    """LICENSE, data/LICENSES.md and CITATION.cff are there and agree with pyproject.toml."""
    for name in ("LICENSE", "data/LICENSES.md", "CITATION.cff", "pyproject.toml"):
        if not (root / name).is_file():
            yield f"{name} is missing"
            return
    cited = dict(
        re.findall(r'^([\w-]+): *"?([^"\n]*)"?$', (root / "CITATION.cff").read_text("utf-8"), re.M)
    )
    yield from (f"CITATION.cff has no {key}" for key in KEYS if key not in cited)
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    for key in ("version", "license"):
        if cited.get(key) != project.get(key):
            yield f"{key}: {cited.get(key)} in CITATION.cff, {project.get(key)} in pyproject.toml"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", cited.get("date-released", "")):
        yield f"CITATION.cff: date-released {cited.get('date-released')!r} is no date"
    if f"{project.get('license')} License" not in (root / "LICENSE").read_text("utf-8"):
        yield f"LICENSE is not that of {project.get('license')}"


def sources_are_told(root: Path) -> Iterator[str]:
    """Every folder of data/raw has SOURCE.md, terms, a row in README and files in the manifest."""
    terms = (root / "data" / "LICENSES.md").read_text("utf-8")
    readme = (root / "README.md").read_text("utf-8")
    manifest = (root / "data" / "MANIFEST.sha256").read_text("utf-8")
    listed = dict(reversed(line.split("  ", 1)) for line in manifest.splitlines())
    for folder in sorted((root / "data" / "raw").iterdir()):
        if not (folder / "SOURCE.md").is_file():
            yield f"data/raw/{folder.name} has no SOURCE.md"
        if f"| `{folder.name}` |" not in terms:
            yield f"data/LICENSES.md has no row of {folder.name}"
        if f"(data/raw/{folder.name}/SOURCE.md)" not in readme:
            yield f"README.md has no row of {folder.name}"
    inside = [path for path in _regular(root) if _name(path, root).startswith("data/")]
    found = {_name(path, root / "data"): path for path in inside}
    found.pop("MANIFEST.sha256", None)
    yield from (f"MANIFEST.sha256 lists {name}, which is missing" for name in listed.keys() - found)
    for name, path in found.items():
        if listed.get(name) != hashlib.sha256(path.read_bytes()).hexdigest():
            yield f"data/{name} is not the file of MANIFEST.sha256"


def codebook_is_complete(root: Path) -> Iterator[str]:
    """Every column of the analysis files is in the codebook, and no other."""
    import ccec_econ as ce
    from ccec_econ.data.codebook import LAYERS

    book = ce.data.load_codebook()
    for layer, load in LAYERS.items():
        described = set(book.loc[book["layer"] == layer, "variable"])
        columns = set(ce.data.describe_columns(load()).index)
        yield from (f"{layer}: {name} is not described" for name in sorted(columns - described))
        yield from (f"{layer}: {name} is no column" for name in sorted(described - columns))


def data_are_used(root: Path) -> Iterator[str]:
    """Every table of data/raw is named by a program or by the SOURCE.md beside it."""
    programs = [path for path in _regular(root) if path.suffix in {".py", ".toml"}]
    text = "\n".join(path.read_text("utf-8") for path in programs)
    for path in sorted((root / "data" / "raw").rglob("*.csv*")):
        stem = path.name.split(".")[0]
        told = re.findall(r"`([\w<>.*-]+)`", (path.parent / "SOURCE.md").read_text("utf-8"))
        kinds = [re.sub(r"<\w+>", "*", name).removesuffix(".csv") for name in told]
        named = any(fnmatch(stem, kind) for kind in kinds) or re.search(rf"\b{stem}\b", text)
        if not named:
            yield f"{_name(path, root)}: no program and no SOURCE.md names it"


def catalogue_is_told(root: Path) -> Iterator[str]:
    """README.md has the row of every exhibit; replication/ has no file that no exhibit declares."""
    listed = tomllib.loads((root / "replication" / "exhibits.toml").read_text("utf-8"))["exhibit"]
    readme = (root / "README.md").read_text("utf-8")
    declared = {"output/VERDICT.md", "output/index.html", "output/numbers.json"}
    declared.add("reference/numbers.json")
    for row in listed:
        outputs = ", ".join(f"`{name[:-4]}`" for name in row["outputs"] if name.endswith(".csv"))
        before = re.escape(f"| {row['paper']}. {row['title']} | `{row['program']}:")
        if not re.search(rf"{before}\d+` \| {re.escape(outputs)} \|", readme):
            yield f"README.md has no row, or another, of {row['id']}"
        references = row["reference"]
        declared.update(row["outputs"], [references] if isinstance(references, str) else references)
    folder = root / "replication"
    for path in (*folder.glob("output/**/*"), *folder.glob("reference/**/*")):
        measured = path.parent.name == "benchmark"  # the authors' run of `make bench`
        if path.is_file() and not measured and _name(path, folder) not in declared:
            yield f"replication/{_name(path, folder)} belongs to no exhibit"


def paper_has_no_typed_number(root: Path) -> Iterator[str]:
    """No number typed by hand in the texts of paper/."""
    for path in sorted((root / "paper").glob("*.typ")):
        if path.stem != "style":
            yield from (f"{path.name}: {found}" for found in typed_numbers(path.read_text("utf-8")))


CHECKS: tuple[Check, ...] = (
    files_are_in_order,
    files_differ,
    text_is_plain,
    programs_are_executable,
    nothing_personal,
    nothing_is_open,
    licence_and_citation,
    imports_are_declared,
    programs_are_reached,
    sources_are_told,
    codebook_is_complete,
    data_are_used,
    catalogue_is_told,
    paper_has_no_typed_number,
)


def audit(root: Path, checks: tuple[Check, ...] = CHECKS) -> dict[str, list[str]]:
    """Return what is wrong by what is checked."""
    return {(check.__doc__ or "").splitlines()[0]: list(check(root)) for check in checks}


def main() -> int:
    """Print every check with its outcome; return the exit code."""
    found = audit(ROOT)
    for title, problems in found.items():
        sys.stdout.write(f"{'FAIL' if problems else 'pass'}  {title}\n")
        sys.stdout.writelines(f"        {problem}\n" for problem in problems)
    wrong = sum(bool(problems) for problems in found.values())
    sys.stdout.write(f"{len(found)} checks, {wrong} failed\n")
    return 1 if wrong else 0


def _left_out(path: Path, root: Path, ignored: list[str]) -> bool:
    name = _name(path, root)
    return any(fnmatch(path.name, rule) or fnmatch(name, rule) for rule in ignored)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _regular(root: Path) -> list[Path]:
    return [path for path in files(root) if not path.is_symlink()]


def _lines(root: Path) -> Iterator[tuple[Path, int, str]]:
    for path in _regular(root):
        if path.suffix in BINARY or path.suffix in {".svg", ".html", ".lock"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        yield from ((path, number, line) for number, line in enumerate(text.splitlines(), 1))


if __name__ == "__main__":
    raise SystemExit(main())
