"""A case once in a fresh process: does it end, and how much memory does it take beyond the data?

The process is forked from a server that has imported the packages and computed nothing. The work is
done on a tiny panel first, so that modules loaded late do not count. Memory is
the peak of the resident set during the work less what was resident before it, from Linux's
/proc/self; the limit is on address space. A case that needs more memory or time is stopped and its
outcome says so; no figure is made up for it.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import resource
import signal
import time
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from benchmark.cases import Case
from benchmark.panels import simulated

GIB = 10  # memory a case may take beyond its data
PATIENCE = 20  # the wall clock may take this many times the cap, on a busy machine
TINY = (20, 8)
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["benchmark.cases"])
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])  # where the server finds it


@dataclass(frozen=True, slots=True)
class Probe:
    """How a case went: `outcome` is "ran" or says what stopped it."""

    outcome: str
    seconds: float = float("nan")
    peak_mib: float = float("nan")


def probe(case: Case, cap: int) -> Probe:
    """Run a case once, within the limits; the cap is in seconds of the processor."""
    here, there = SERVER.Pipe()
    process = SERVER.Process(target=_attempt, args=(case, cap, there))
    process.start()
    there.close()
    found = Probe(f"> {cap} s")
    try:
        if here.poll(PATIENCE * cap):
            found = here.recv()
    except EOFError:
        process.join()
        if process.exitcode != -signal.SIGXCPU:
            found = Probe(f"crashes within {GIB} GiB")
    process.kill()
    process.join()
    return found


def _attempt(case: Case, cap: int, pipe: Connection) -> None:
    warnings.simplefilter("ignore")  # they are errors where the case is timed
    case.prepare(
        simulated(*TINY, min(case.K, 4))
    )()  # imports and compiles what is put off until needed
    work = case.prepare(simulated(case.n, case.T, case.K))
    _limit(resource.RLIMIT_AS, (_kib("VmSize") << 10) + (GIB << 30))
    _limit(resource.RLIMIT_CPU, math.ceil(time.process_time()) + cap)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    before = _kib("VmHWM")
    start = time.process_time()
    try:
        work()
    except MemoryError:
        pipe.send(Probe(f"does not allocate in {GIB} GiB"))
    except Exception as error:
        pipe.send(Probe(f"fails: {type(error).__name__}"))
    else:
        seconds = time.process_time() - start
        pipe.send(Probe("ran", seconds, (_kib("VmHWM") - before) / 1024))


def _limit(kind: int, most: int) -> None:
    resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def _kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
