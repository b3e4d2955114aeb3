"""The work of a process that reads what somebody sent: its bounds, its end with the server, and its answer in words."""

import json
import math
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from features.errors import LeadScoreError
from pipelines.workspace.storage_errors import storage_error_of
from serving.logs import traceback_places

NO_DISK = "the server's disk is full or closed, so the file could not be read. Send it again when that is mended."
PROBLEM, BUG = "problem", "bug"  # keys of an answer that is none
_OUT_OF_MEMORY = re.compile(  # as Python, NumPy, Arrow, DuckDB, C++, the loader of libraries and OpenBLAS say it
    r"MemoryError|bad_alloc|out of memory|cannot allocate memory|unable to allocate|malloc of size|memory exhausted"
    r"|failed to map segment|can't start new thread|memory allocation of \d+ bytes failed",
    re.I,
)


def is_out_of_memory(said: str) -> bool:
    """Whether an error's text says that memory ran out.

    >>> is_out_of_memory("terminate called after throwing an instance of 'std::bad_alloc'")
    True
    """
    return _OUT_OF_MEMORY.search(said) is not None


def answer_question(work: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    """Do the ``work`` that standard input asks for and end this process; the answer is the last line it says.

    What the user can act on is told in words; memory that ran out is left to standard error; a bug is told by kind and
    place, without what was read.
    """
    asked = json.loads(sys.stdin.buffer.read())
    end_with(asked["server"])
    limit_process(asked["memory_mib"] << 20, asked["seconds"])
    status, answer = 0, dict[str, Any]()
    try:
        answer = dict(work(asked))
    except LeadScoreError as problem:
        answer = {PROBLEM: problem.message, "reason": problem.code}
    except Exception as problem:
        if is_out_of_memory(f"{type(problem).__name__}: {problem}"):
            sys.stderr.write("MemoryError\n")
            status = 1
        elif storage_error_of(problem) is not None:
            answer = {PROBLEM: NO_DISK, "reason": "disk"}
        else:
            status, answer = 1, {BUG: {"kind": type(problem).__name__, "places": traceback_places(problem)}}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # what libraries do as a process ends, they do not do well under such bounds


def end_with(server: int) -> None:
    """End this process soon after the server that began it, however that ends: the next one takes the file up anew."""

    def watch() -> None:
        while os.getppid() == server:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="leadscore-watch", daemon=True).start()


def limit_process(memory: int, seconds: float) -> None:
    """Bounds on this process, beyond what its libraries took; none where the system has no such bounds."""
    try:
        import resource

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return
    for kind, most in (
        (resource.RLIMIT_AS, taken + memory),
        (resource.RLIMIT_CPU, math.ceil(4 * seconds)),  # of all its threads
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))
