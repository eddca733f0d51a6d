"""Runs that are cut off: in the middle of a file, between steps, in workers."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "replication"))
guard = importlib.import_module("guard")
progress = importlib.import_module("progress")
steps = importlib.import_module("steps")
workers = importlib.import_module("workers")
writing = importlib.import_module("writing")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

# Five steps that write a file each. A file `slow` makes b and c wait, so that a signal meets them;
# a file `half` cuts b off while its file is being written.
PROGRAM = """
import os, sys, time
from functools import partial
from pathlib import Path

sys.path.insert(0, {replication!r})
from guard import alone, sweep
from progress import Progress
from steps import Memory, Step, StepError, execute
import writing

def make(root, name):
    (root / f"{{name}}.pid").write_text(str(os.getpid()))
    if name == "b" and (root / "half").exists():
        writing.os.replace = lambda *_: time.sleep(60)
    if name in "bc":
        while (root / "slow").exists():
            time.sleep(0.01)
    if name == "d" and (root / "fail").exists():
        while not (root / "b.pid").exists():
            time.sleep(0.01)
        raise ValueError("no number")
    writing.write(root / "out" / f"{{name}}.txt", name * 1000)

def main(root, cores):
    made = [
        Step(
            name, "made up", partial(make, root, name), (root / "out" / f"{{name}}.txt",),
            inputs=partial(list, [root / "input"]), apart=name != "a",
            follows="c" if name == "e" else None,
        )
        for name in "abcde"
    ]
    with alone(root / "lock"):
        sweep([root])
        with Progress(len(made), root / "log") as progress:
            try:
                execute(made, Memory(root / "memory.json", root), root, progress, cores=cores)
            except StepError as error:
                progress.say(str(error))
                return 1
            except KeyboardInterrupt:
                progress.say("interrupted")
                return 130
            finally:
                writing.write(root / "outcomes", writing.json_text(progress.outcomes))
    return 0

if __name__ == "__main__":
    raise SystemExit(main(Path(__file__).parent, int(sys.argv[1])))
"""
DONE = dict.fromkeys("abcde", "done")
WAIT = 120.0  # seconds, after which something hangs


@pytest.fixture
def place(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM.format(replication=str(ROOT / "replication")))
    (tmp_path / "input").write_text("1")
    return tmp_path


def start(place, cores):
    command = [sys.executable, str(place / "program.py"), str(cores)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(place, cores=2):
    process = start(place, cores)
    out, err = process.communicate(timeout=WAIT)
    return process.returncode, out, err


def outcomes(place):
    return json.loads((place / "outcomes").read_text())


def until(condition):
    limit = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.01)


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return Path("/proc").exists() is False and subprocess.call(["kill", "-0", pid]) == 0
    return state != "Z"


def whole(place):
    """Every file that stands among the outputs has its full content."""
    found = sorted((place / "out").glob("*")) if (place / "out").exists() else []
    return all(path.read_text() == path.stem * 1000 for path in found if path.suffix == ".txt")


def at_work(place, names="bc"):
    return lambda: all((place / f"{name}.pid").exists() for name in names)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_cut_off_in_workers_is_taken_up_again(place, number) -> None:
    (place / "slow").touch()
    process = start(place, cores=2)
    until(at_work(place))
    process.send_signal(number)
    out, err = process.communicate(timeout=WAIT)
    pids = [(place / f"{name}.pid").read_text() for name in "bc"]
    assert str(process.pid) not in pids
    until(lambda: not any(alive(pid) for pid in pids))
    if number == signal.SIGINT:
        assert (process.returncode, err) == (130, "")
        assert out.splitlines()[-1] == "interrupted"
        assert outcomes(place) == {"a": "done", "b": "stopped", "c": "stopped"}
    assert whole(place)
    assert not (place / "out" / "b.txt").exists()
    (place / "slow").unlink()
    assert finish(place)[0] == 0
    assert outcomes(place) == DONE | {"a": "unchanged"}
    assert whole(place)


def test_a_file_that_was_cut_off_is_no_result(place) -> None:
    (place / "half").touch()
    process = start(place, cores=1)
    part = place / "out" / writing.part_of("b.txt")
    until(part.exists)
    process.kill()
    process.communicate(timeout=WAIT)
    assert part.exists()
    assert not (place / "out" / "b.txt").exists()
    (place / "half").unlink()
    assert finish(place, cores=1)[0] == 0
    assert outcomes(place)["b"] == "done"
    assert not list(place.rglob(writing.part_of("*")))
    assert whole(place)


def test_the_first_failure_stops_the_rest(place) -> None:
    (place / "slow").touch()
    (place / "fail").touch()
    (place / "memory.json").write_text(json.dumps({"d": {"seconds": 9}, "b": {"seconds": 8}}))
    code, out, err = finish(place)
    assert (code, err) == (1, "")
    assert "d failed: ValueError: no number" in out
    assert outcomes(place) == {"a": "done", "d": "failed", "b": "stopped"}
    assert not alive((place / "b.pid").read_text())


def test_a_worker_that_dies_is_named(place) -> None:
    (place / "slow").touch()
    process = start(place, cores=2)
    until(at_work(place))
    os.kill(int((place / "c.pid").read_text()), signal.SIGKILL)
    out, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 1
    assert "c failed: its process ended with code -9; when the system kills it for want of" in out


def test_any_number_of_cores_gives_the_same_files(place) -> None:
    contents = []
    for cores in (1, 2):
        (place / "input").write_text(str(cores))
        assert finish(place, cores)[0] == 0
        assert outcomes(place) == DONE
        contents.append({p.name: p.read_bytes() for p in (place / "out").iterdir()})
        here = {(place / f"{name}.pid").read_text() for name in "bcde"}
        assert len(here) <= cores
        assert (place / "c.pid").read_text() == (place / "e.pid").read_text()
    assert contents[0] == contents[1]


@pytest.mark.parametrize("spoilt", ["{", "[1]", '{"a": 3}', "\\ufffd", ""])
def test_a_spoilt_memory_makes_everything_again(place, spoilt) -> None:
    (place / "memory.json").write_text(spoilt)
    memory = steps.Memory(place / "memory.json", place)
    step = steps.Step("a", "made up", lambda: None, (place / "a.txt",))
    assert not memory.holds(step, "print")
    writing.write(place / "a.txt", "a")
    memory.keep(step, "print", 2.0)
    assert memory.holds(step, "print")
    writing.write(place / "a.txt", "b")
    assert not memory.holds(step, "print")
    memory.forget(step)
    assert memory.seconds(step) == 2.0


def test_a_second_run_is_refused(tmp_path) -> None:
    with (
        guard.alone(tmp_path / "lock"),
        pytest.raises(writing.ReplicationError, match="another run is at work"),
        guard.alone(tmp_path / "lock"),
    ):
        pass
    with guard.alone(tmp_path / "lock"):
        pass


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(writing.ReplicationError, match="copy it to a place where you may write"),
        guard.alone(tmp_path / "file" / "lock"),
    ):
        pass


class Heard:
    def __init__(self):
        self.begun = []

    def begin(self, step, upcoming):
        self.begun.append(step.name)

    def changing(self):
        pass

    def end(self, step, outcome, report):
        pass


def test_the_longest_step_begins_first(tmp_path) -> None:
    memory, heard = steps.Memory(tmp_path / "memory.json", tmp_path), Heard()
    writing.write(tmp_path / "memory.json", '{"b": {"seconds": 3.5}}')
    made = [
        steps.Step(name, "", partial(print, end=""), apart=True, seconds=about)
        for name, about in (("a", 1), ("b", 0), ("c", 9), ("d", 0))
    ]
    steps.execute(made, memory, tmp_path, heard, cores=2)
    assert heard.begun == ["c", "b", "a", "d"]
