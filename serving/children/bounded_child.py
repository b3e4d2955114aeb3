"""A process of its own that reads what somebody sent: memory, time and size are bounded there, not in the server."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import DataError
from pipelines.ingest.reading.read_limits import PREFIX, ReadLimits
from serving.children.child_work import BUG, PROBLEM, is_out_of_memory
from serving.logs import logger
from serving.settings import ServeSettings

_MOST_SAID = 4_000_000  # bytes of the answer that are looked at
_LAST_WORDS = 8_192  # bytes of standard error that are looked at, for whether memory ran out
_BY_A_BOUND = (signal.SIGKILL, signal.SIGXCPU)  # by the system, where memory or processor time runs out


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


@dataclass(frozen=True)
class ChildEnd:
    """How the process ended: its exit status (negative: the signal), what it said, and whether its memory ran out."""

    status: int
    said: bytes
    out_of_memory: bool = False


def run_bounded(
    module: str,
    asked: Mapping[str, Any],
    bounds: ReaderBounds,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
    done: str = "read",
) -> ChildEnd:
    """Run a module of ours with what it is asked as JSON on standard input, to its end.

    ``done`` is the word for what it does to the file.

    Raises
    ------
    DataError : it took longer than it may
    """
    root = str(Path(__file__).resolve().parents[2])
    limits = {f"{PREFIX}{name.upper()}": str(value) for name, value in bounds.limits.model_dump().items()}
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    with (
        tempfile.TemporaryFile() as last_words,
        subprocess.Popen(  # noqa: S603  our own interpreter and module, no shell
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=last_words,
            env=os.environ | limits | threads | {"PYTHONPATH": paths},
            start_new_session=True,
        ) as child,
    ):
        started(child)
        try:
            said, _ = child.communicate(json.dumps({**asked, "server": os.getpid()}).encode(), timeout=bounds.seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            message = f"the file was not {done} within {bounds.seconds:g} seconds. Send it in parts of fewer rows."
            raise UnusableFileError(message, "bounds") from None
        last_words.seek(max(0, last_words.seek(0, os.SEEK_END) - _LAST_WORDS))
        starved = is_out_of_memory(last_words.read().decode("utf-8", "replace"))
    return ChildEnd(child.returncode, said, starved)


class UnusableFileError(DataError):
    """A file that the process could not use; ``reason`` is the code of why, for those who say it in other words."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def answer_of(
    end: ChildEnd, bounds: ReaderBounds, expected: str, about: Mapping[str, str], done: str = "read"
) -> dict[str, Any]:
    """The line of JSON that the process ended with, which has a key ``expected``.

    An end that is no answer is logged by its kind (a bound, a crash, a bug) with what it was ``about``.

    Raises
    ------
    UnusableFileError : it told a problem, or ended without an answer
    """
    try:
        answer: dict[str, Any] = json.loads(end.said[-_MOST_SAID:].decode("utf-8", "replace").strip().splitlines()[-1])
    except (IndexError, ValueError):
        answer = {}
    if PROBLEM in answer:
        raise UnusableFileError(str(answer[PROBLEM]), str(answer.get("reason", "")))
    if end.status == 0 and expected in answer:
        return answer

    if end.out_of_memory or -end.status in _BY_A_BOUND:
        kind, cause = "bounds", dict[str, Any](status=end.status)
        message = f"the file could not be {done} within {bounds.memory_mib:,} MiB of memory and {bounds.seconds:g} "
        message += "seconds. Send it in parts of fewer rows."
    elif BUG in answer:
        kind, cause = "failed", dict(answer[BUG])
        message = f"leadscore failed while the file was {done}; this is no fault of the file. The log of the server "
        message += "has the cause."
    else:
        kind, cause = "crash", {"status": end.status, "signal": _signal_name(end.status)}
        message = f"the process in which the file was {done} crashed ({_signal_name(end.status)}), as a damaged file "
        message += "can make it. Export it again; if that ends so too, the log of the server has more."
    tell = logger().warning if kind == "bounds" else logger().error
    tell("file not used", end=kind, work=done, **cause, **about)
    raise UnusableFileError(message, kind)


def _signal_name(status: int) -> str:
    """The signal that ended a process, or the status it ended with itself."""
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"exit status {status}"
