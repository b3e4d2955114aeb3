"""A process of its own that reads what somebody sent: memory, time and size are bounded there, not in the server."""

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import DataError
from pipelines.ingest.reading.read_limits import PREFIX, ReadLimits
from serving.settings import ServeSettings

NO_DISK = "the server's disk is full or closed, so the file could not be read. Send it again when that is mended."
_MOST_SAID = 4_000_000  # bytes of the answer that are looked at


@dataclass(frozen=True, kw_only=True)
class ReaderBounds:
    """What the process that reads an upload may take, and what the file may unpack to."""

    memory_mib: int
    seconds: float
    limits: ReadLimits

    @classmethod
    def of(cls, settings: ServeSettings) -> "ReaderBounds":
        """What the settings of the server say."""
        limits = ReadLimits(
            unpacked_mib=settings.upload_unpacked_mib,
            rows=settings.upload_rows,
            columns=settings.upload_columns,
            seconds=math.ceil(settings.upload_seconds),
        )
        return cls(memory_mib=settings.upload_memory_mib, seconds=settings.upload_seconds, limits=limits)


def run_bounded(
    module: str,
    asked: Mapping[str, Any],
    bounds: ReaderBounds,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
    done: str = "read",
) -> tuple[int, bytes]:
    """Run a module of ours with what it is asked as JSON on standard input; its exit status and standard output.

    ``done`` is the word for what it does to the file.

    Raises
    ------
    DataError : it took longer than it may
    """
    root = str(Path(__file__).resolve().parents[2])
    limits = {f"{PREFIX}{name.upper()}": str(value) for name, value in bounds.limits.model_dump().items()}
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    with subprocess.Popen(  # noqa: S603  our own interpreter and module, no shell
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | limits | threads | {"PYTHONPATH": paths},
        start_new_session=True,
    ) as child:
        started(child)
        try:
            said, _ = child.communicate(json.dumps({**asked, "server": os.getpid()}).encode(), timeout=bounds.seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            message = f"the file was not {done} within {bounds.seconds:g} seconds. Send it in parts of fewer rows."
            raise UnusableFileError(message, "bounds") from None
    return child.returncode, said


class UnusableFileError(DataError):
    """A file that the process could not use; ``reason`` is the code of why, for those who say it in other words."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def answer_of(status: int, said: bytes, bounds: ReaderBounds, expected: str, done: str = "read") -> dict[str, Any]:
    """The line of JSON that the process ended with, which has a key ``expected``.

    Raises
    ------
    UnusableFileError : it told a problem, or ended without an answer
    """
    try:
        answer: dict[str, Any] = json.loads(said[-_MOST_SAID:].decode("utf-8", "replace").strip().splitlines()[-1])
    except (IndexError, ValueError):
        answer = {}
    if "problem" in answer:
        raise UnusableFileError(str(answer["problem"]), str(answer.get("reason", "")))
    if status != 0 or expected not in answer:
        raise UnusableFileError(
            f"the file could not be {done} within {bounds.memory_mib:,} MiB of memory, or is damaged so that its "
            "reader ended. Export it again, or send it in parts of fewer rows.",
            "bounds",
        )
    return answer


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
