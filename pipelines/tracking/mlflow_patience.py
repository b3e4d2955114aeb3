"""How long an MLflow server is waited for in all, in any thread, however its answers drip in."""

import ctypes
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.errors import RegistryError
from pipelines.tracking.mlflow_names import SERVER

LONG_SECONDS = 300.0  # over a slow line, where nothing can be done without it or nothing else is to be done
CLEAN_UP_SECONDS = 2.0
_MOST_INTERRUPTIONS = 5  # of a thread: what it does to clean up takes fewer
_INTERRUPTED: list[float] = []  # after how many seconds, each time
_MET: Counter[int] = Counter()  # interruptions that a thread met; those on their way to it become one
_CURRENT = threading.local()  # how the time of this thread's block begins anew


class TrackLimits(BaseSettings):
    """How long a run may be kept by what it tells MLflow, from ``LEADSCORE_TRACK_*``."""

    model_config = SettingsConfigDict(env_prefix="LEADSCORE_TRACK_", frozen=True, extra="ignore")

    # a tiny run takes a server on the same busy machine 7 s; what is not told waits for the next run, and nobody for it
    seconds: float = Field(default=30.0, gt=0, description="for each run that a server is told, and for the rest")


class LateError(RegistryError):
    """The server was not done in time; raised in a thread of any kind, which takes no message along."""

    def __init__(self, seconds: float | None = None) -> None:
        if seconds is None:  # made by the thread that is interrupted, as it meets the interruption
            _MET[threading.get_ident()] += 1
        told = "in time" if seconds is None else f"within {seconds:g} s"
        super().__init__(
            f"the MLflow server was not done {told}; see its log, and check {SERVER}. Over a slow line, "
            "LEADSCORE_TRACK_SECONDS gives it longer."
        )


def wait_long() -> None:
    """Give a server minutes for each run, unless told otherwise: for a command that does nothing else."""
    os.environ.setdefault("LEADSCORE_TRACK_SECONDS", f"{LONG_SECONDS:g}")


@contextmanager
def patience(seconds: float | None) -> Iterator[None]:
    """Interrupt what takes longer than so many seconds: MLflow waits without end for an answer that drips in.

    In the main thread, where our commands work, a signal interrupts whatever is waited for. Another thread is
    interrupted between two steps of Python, so with the next byte that drips in; for a byte MLflow itself waits seconds
    only. What MLflow does to clean up asks the same server, and has a few seconds a time.
    """
    if seconds is None:
        yield
        return
    main = threading.current_thread() is threading.main_thread()
    with (_by_signal if main else _between_steps)(seconds) as begin:
        _CURRENT.begin = begin
        try:
            yield
        finally:
            _CURRENT.begin = None


def renew_patience() -> None:
    """Begin the time of this thread's block anew, if it is in one."""
    begin = getattr(_CURRENT, "begin", None)
    if begin is not None:
        begin()


@contextmanager
def _by_signal(seconds: float) -> Iterator[Callable[[], None]]:
    def stop(*_: object) -> None:
        _INTERRUPTED.append(seconds)
        raise LateError(seconds)

    def begin() -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds, CLEAN_UP_SECONDS)

    before = signal.signal(signal.SIGALRM, stop)
    begin()
    try:
        yield begin
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _between_steps(seconds: float) -> Iterator[Callable[[], None]]:
    """As above. An interruption may come just as the block ends, so no step of Python may be what ends it: the block
    holds a lock, which is let go in C, and the watch ends when it gets it. An interruption that was on its way comes
    before the watch is joined, and none after it, into what the thread does next.
    """
    thread, running = ctypes.c_ulong(threading.get_ident()), threading.Lock()
    begun = [time.monotonic()]

    def begin() -> None:
        begun[0] = time.monotonic()

    def watch_block() -> None:
        since, times, met = begun[0], 0, _MET[thread.value]
        while _MET[thread.value] - met < _MOST_INTERRUPTIONS:
            due = since + seconds + times * CLEAN_UP_SECONDS
            if running.acquire(timeout=max(0.0, due - time.monotonic())):
                return
            if begun[0] == since:
                _INTERRUPTED.append(seconds)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(LateError))
                times += 1
            else:
                since, times, met = begun[0], 0, _MET[thread.value]

    watch = threading.Thread(target=watch_block, name="mlflow-patience", daemon=True)
    try:
        with running:
            watch.start()
            yield begin
    finally:
        watch.join()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)  # one that came when all was done


def is_late(error: BaseException) -> bool:
    """Whether an error comes of an interruption, whatever MLflow made of it."""
    return any(isinstance(one, LateError) for one in causes_of(error))


def causes_of(error: BaseException) -> list[BaseException]:
    """An error and those behind it: MLflow wraps what its transport and its database raise."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def count_interruptions() -> int:
    """How often MLflow was interrupted in this process: threads of its own may still wait for the server then, and be
    waited for at the end of the process.
    """
    return len(_INTERRUPTED)
