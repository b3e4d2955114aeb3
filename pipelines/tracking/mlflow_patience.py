"""How long an MLflow server is waited for in all, in any thread, however its answers drip in."""

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.errors import RegistryError
from pipelines.tracking.mlflow_names import SERVER

_CLEAN_UP_SECONDS = 2.0
_INTERRUPTED: list[float] = []  # after how many seconds, each time


class TrackLimits(BaseSettings):
    """How long a run may be kept by what it tells MLflow, from ``LEADSCORE_TRACK_*``."""

    model_config = SettingsConfigDict(env_prefix="LEADSCORE_TRACK_", frozen=True, extra="ignore")

    # a tiny run takes a server on the same busy machine 7 s; what is not told waits for the next run, and nobody for it
    seconds: float = Field(default=30.0, gt=0, description="for all that one command tells a server")


class _LateError(RegistryError):
    """The server was not done in time; raised in a thread of any kind, which takes no message along."""

    def __init__(self, seconds: float | None = None) -> None:
        told = "in time" if seconds is None else f"within {seconds:g} s"
        super().__init__(
            f"the MLflow server was not done {told}; see its log, and check {SERVER}. Over a slow line, "
            "LEADSCORE_TRACK_SECONDS gives it longer."
        )


@contextmanager
def patience(seconds: float | None) -> Iterator[None]:
    """Interrupt what takes longer than so many seconds: MLflow waits without end for an answer that drips in.

    In the main thread, where our commands work, a signal interrupts whatever is waited for. Another thread is
    interrupted between two steps of Python, so with the next byte that drips in; for a byte MLflow itself waits seconds
    only. What MLflow does to clean up asks the same server, and has a few seconds a time.
    """
    if seconds is None:
        yield
    elif threading.current_thread() is threading.main_thread():
        with _by_signal(seconds):
            yield
    else:
        with _between_steps(seconds):
            yield


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        _INTERRUPTED.append(seconds)
        raise _LateError(seconds)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, _CLEAN_UP_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _between_steps(seconds: float) -> Iterator[None]:
    thread, over = ctypes.c_ulong(threading.get_ident()), threading.Event()

    def stop() -> None:
        wait = seconds
        while not over.wait(wait):
            _INTERRUPTED.append(seconds)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_LateError))
            wait = _CLEAN_UP_SECONDS

    watch = threading.Thread(target=stop, name="mlflow-patience", daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)  # one that came when all was done


def count_interruptions() -> int:
    """How often MLflow was interrupted in this process: threads of its own may still wait for the server then, and be
    waited for at the end of the process.
    """
    return len(_INTERRUPTED)
