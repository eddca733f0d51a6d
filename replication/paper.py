"""Compile the paper and its supplement from what the exhibits wrote.

Fonts are Typst's own; a missing one is an error. PDF/A-2a is asked for because it refuses text that
no font can show; the date on the paper is the release date in CITATION.cff and the code is named by
its fingerprint, so that two runs give the same bytes.
"""

from __future__ import annotations

import re
from pathlib import Path

import typst

from record import fingerprint_of_code
from writing import ReplicationError, write

__all__ = ["build_paper"]

ROOT = Path(__file__).resolve().parents[1]
STANDARD = "a-2a"
DOCUMENTS = ("paper", "supplement")


def build_paper(root: Path = ROOT) -> tuple[Path, ...]:
    """Write ``paper/paper.pdf`` and ``paper/supplement.pdf`` and return their paths.

    Raises
    ------
    ReplicationError
        When Typst warns (an unknown font, say) or refuses (a glyph that no font has).
    """
    return tuple(_compiled(root, name) for name in DOCUMENTS)


def _compiled(root: Path, name: str) -> Path:
    try:
        pdf, warnings = typst.compile_with_warnings(
            str(root / "paper" / f"{name}.typ"),
            root=str(root),
            format="pdf",
            ignore_system_fonts=True,
            pdf_standards=[STANDARD],
            sys_inputs={
                "released": release_date(root),
                "version": release_version(root),
                "fingerprint": fingerprint_of_code(root),
            },
            timestamp=0,
        )
    except typst.TypstError as error:
        raise ReplicationError(f"{name}.typ does not compile: {error}") from error
    if warnings:
        raise ReplicationError(
            f"{name}.typ compiles with warnings: {'; '.join(str(w) for w in warnings)}; mend them"
        )
    return write(root / "paper" / f"{name}.pdf", pdf)


def release_date(root: Path) -> str:
    """Return the release date that CITATION.cff gives, as YYYY-MM-DD."""
    return _field(root, "date-released")


def release_version(root: Path) -> str:
    """Return the version that CITATION.cff gives."""
    return _field(root, "version")


def _field(root: Path, name: str) -> str:
    text = (root / "CITATION.cff").read_text(encoding="utf-8")
    found = re.search(rf"^{name}: *\"?([^\"\n]+)\"?$", text, re.MULTILINE)
    if found is None:
        raise ReplicationError(f"CITATION.cff has no field '{name}'; add it")
    return found.group(1)


if __name__ == "__main__":
    build_paper()
