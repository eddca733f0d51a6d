"""The manifest detects a changed, a missing and an unlisted file."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from ccec_econ.data import data_dir, verify_manifest, write_manifest
from ccec_econ.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = data_dir()
    shutil.copytree(source / "raw" / "gdp_revised", tmp_path / "raw" / "gdp_revised")
    shutil.copy(source / "codebook.csv", tmp_path / "codebook.csv")
    write_manifest(tmp_path)
    return tmp_path


def test_bundled_manifest_holds() -> None:
    verify_manifest()


def test_written_manifest_holds_and_has_the_form_of_sha256sum(folder: Path) -> None:
    verify_manifest(folder)
    lines = (folder / "MANIFEST.sha256").read_text(encoding="utf-8").splitlines()
    paths = [line.split("  ")[1] for line in lines]
    assert paths == sorted(paths)
    digest = hashlib.sha256((folder / "codebook.csv").read_bytes()).hexdigest()
    assert f"{digest}  codebook.csv" in lines


def test_changed_missing_and_unlisted_files_are_named(folder: Path) -> None:
    raw = folder / "raw" / "gdp_revised"
    changed = (raw / "city.csv").read_text(encoding="utf-8").replace("1", "2", 1)
    (raw / "city.csv").write_text(changed, encoding="utf-8")
    (raw / "comparison.csv").unlink()
    (raw / "extra.csv").write_text("unit\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        verify_manifest(folder)
    message = str(caught.value)
    assert "changed: raw/gdp_revised/city.csv" in message
    assert "missing: raw/gdp_revised/comparison.csv" in message
    assert "not listed: raw/gdp_revised/extra.csv" in message
    assert "python -m ccec_econ.data manifest" in message


def test_absent_manifest_is_refused(folder: Path) -> None:
    (folder / "MANIFEST.sha256").unlink()
    with pytest.raises(DataError, match=r"MANIFEST.sha256 not found"):
        verify_manifest(folder)


def test_broken_manifest_is_refused(folder: Path) -> None:
    (folder / "MANIFEST.sha256").write_text("abc\n", encoding="utf-8")
    with pytest.raises(DataError, match="1 lines are not 'checksum  path'"):
        verify_manifest(folder)
