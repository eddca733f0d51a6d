"""The plan of Table 9A: what it refuses, and that it came before the estimates."""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ccec_econ as ce

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "replication"))
preanalysis = importlib.import_module("preanalysis")
models = importlib.import_module("gap_models")
writing = importlib.import_module("writing")
PLAN = "replication/preanalysis.toml"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return tomllib.loads((ROOT / "replication" / "config.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def plan(config):
    return preanalysis.load_plan(config)


@pytest.fixture(scope="module")
def data(plan):
    return models.gap_sample(plan)


@pytest.fixture(scope="module")
def found(plan, data):
    return ce.small_sample(models.gap_fit(plan, data), models.products(plan))


def test_what_follows_the_plan_passes(plan, data, found) -> None:
    preanalysis.refuse_departures(plan, models.gap_fit(plan, data), found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: (d, {"course": "none"}), "terms "),
        (lambda d: (d, {"outcome": "night_lights"}), "outcome 'night_lights' where 'growth'"),
        (lambda d: (d.drop(index="500000", level="unit"), {}), "units 15 where 16 was fixed"),
        (lambda d: (d.drop(index=2011, level="year"), {}), "years "),
        (lambda d: (d, {"lags": False}), "model 'ols' where 'slx'"),
    ],
)
def test_departures_are_refused_by_name(plan, data, found, change, said: str) -> None:
    changed, options = change(data)
    fit = models.gap_fit(plan, changed, **options)
    with pytest.raises(writing.ReplicationError, match=said):
        preanalysis.refuse_departures(plan, fit, found)


def test_other_weights_are_refused(plan, data, found) -> None:
    right = str(models.gap_fit(plan, data).spec)
    fit = ce.slx(right, data, ce.weights.inverse_distance("city"))
    with pytest.raises(writing.ReplicationError, match="weights 'others' where 'contiguity'"):
        preanalysis.refuse_departures(plan, fit, found)


def test_other_hypotheses_are_refused(plan, data, found) -> None:
    fit = models.gap_fit(plan, data)
    fewer = replace(found, packs=found.packs[:2])
    with pytest.raises(writing.ReplicationError, match="hypotheses "):
        preanalysis.refuse_departures(plan, fit, fewer)


def test_a_changed_plan_is_refused(config, tmp_path, monkeypatch) -> None:
    changed = tmp_path / "preanalysis.toml"
    changed.write_bytes((ROOT / PLAN).read_bytes().replace(b"level = 0.05", b"level = 0.10"))
    monkeypatch.setattr(preanalysis, "FILE", changed)
    with pytest.raises(writing.ReplicationError, match="fixed before the estimates"):
        preanalysis.load_plan(config)


def test_settings_of_the_study_that_differ_are_refused(config) -> None:
    other = config | {"sample": {"years": [2011, 2018]}}
    with pytest.raises(writing.ReplicationError, match=r"years .2011, 2018. where .2011, 2019."):
        preanalysis.load_plan(other)


def git(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)


def test_the_plan_came_before_the_estimates(config) -> None:
    commit = config["gap"]["commit"]
    if git("cat-file", "-e", f"{commit}^{{commit}}").returncode:
        pytest.skip("no history here: an archive, or a shallow clone")
    content = git("show", f"{commit}:{PLAN}").stdout
    assert hashlib.sha256(content).hexdigest() == config["gap"]["sha256"]
    touched = git("show", "--name-only", "--format=", commit).stdout.decode().split()
    assert touched == [PLAN]
    estimates = "replication/output/tables/table_09_gap.csv"
    assert git("cat-file", "-e", f"{commit}:{estimates}").returncode  # not there yet
    assert not git("merge-base", "--is-ancestor", commit, "HEAD").returncode
