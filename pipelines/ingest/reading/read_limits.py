"""Limits on what a file may unpack to: bytes, rows, columns, length of a field, nesting, time.

A file of 5 kB can hold gigabytes of zeros. What is refused is refused before memory is taken for it; a file that is
really that large says so in its declaration, or the environment does for all.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.errors import SourceError
from features.schema.table_source import Location
from pipelines.ingest.errors import TooLargeError

PREFIX = "LEADSCORE_READ_"
ALWAYS_ALLOWED = 256 << 20  # bytes that any file may unpack to, however well it is packed
_DEADLINE: ContextVar[float | None] = ContextVar("deadline of the file being read", default=None)
_CELL_BYTES = 8  # of an empty cell in memory: a table of gaps costs its shape


class ReadLimits(BaseSettings):
    """Limits on one table; what is not declared comes from ``LEADSCORE_READ_*``, else from here."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    unpacked_mib: int = Field(default=4096, gt=0, description="MiB of the table's bytes once unpacked")
    ratio: int = Field(
        default=250, gt=0, description="unpacked bytes per byte of the file; 256 MiB are allowed whatever the ratio"
    )
    rows: int = Field(default=50_000_000, gt=0, description="rows")
    columns: int = Field(default=4_096, gt=0, description="columns; four times as many as the widest exports have")
    field_characters: int = Field(
        default=1 << 20, gt=0, description="characters of one value; rows with a longer one go to quarantine"
    )
    nesting: int = Field(default=64, gt=0, description="levels of lists and objects in JSON and Parquet")
    seconds: int = Field(default=1800, gt=0, description="seconds from opening a file to having its rows")

    def most_unpacked(self, packed: int) -> int:
        """Bytes that a file of ``packed`` bytes may unpack to."""
        return min(self.unpacked_mib << 20, max(ALWAYS_ALLOWED, self.ratio * packed))

    def check_bytes(self, unpacked: int, packed: int, what: str) -> None:
        """TooLargeError if a file of ``packed`` bytes unpacks to more than it may."""
        most = self.most_unpacked(packed)
        if unpacked <= most:
            return
        if most == self.unpacked_mib << 20:
            raise _too_large(f"{what} takes more than {self.unpacked_mib:,} MiB unpacked", "unpacked_mib")
        raise _too_large(
            f"{what} unpacks to more than {self.ratio} times its {packed:,} bytes, as files made to fill the memory do",
            "ratio",
        )

    def check_shape(self, rows: int, columns: int, what: str) -> None:
        """TooLargeError if a table has more rows, columns or cells than it may, or its time is over."""
        deadline = _DEADLINE.get()
        if deadline is not None and time.monotonic() > deadline:
            raise self._late(what)
        if columns > self.columns:
            raise _too_large(f"{what} has {columns:,} columns, more than {self.columns:,}", "columns")
        if rows > self.rows:
            raise _too_large(f"{what} has {rows:,} rows, more than {self.rows:,}", "rows")
        if rows * columns * _CELL_BYTES > self.unpacked_mib << 20:
            raise _too_large(
                f"{what} has {rows:,} rows of {columns:,} columns, more cells than fit {self.unpacked_mib:,} MiB",
                "unpacked_mib",
            )

    def check_nesting(self, levels: int, what: str) -> None:
        """TooLargeError if values are nested deeper than they may be."""
        if levels > self.nesting:
            raise _too_large(f"{what} nests values more than {self.nesting} levels deep", "nesting")

    @contextmanager
    def within_time(self, what: str) -> Iterator[None]:
        """TooLargeError if the block takes longer than it may.

        Whoever streams asks between batches (:meth:`check_shape`); on the main thread of a process (the command line)
        an alarm ends one long call, too. The server reads files in processes of their own, which it ends.
        """
        outer = _DEADLINE.get()
        token = _DEADLINE.set(time.monotonic() + self.seconds if outer is None else outer)
        try:
            with self._alarm(what):
                yield
        finally:
            _DEADLINE.reset(token)

    def _late(self, what: str) -> TooLargeError:
        return _too_large(f"{what} was not read within {self.seconds:,} seconds", "seconds")

    @contextmanager
    def _alarm(self, what: str) -> Iterator[None]:
        if (
            threading.current_thread() is not threading.main_thread()
            or not hasattr(signal, "setitimer")
            or signal.getitimer(signal.ITIMER_REAL)[0] > 0  # a file of a folder: the folder's time runs
        ):
            yield
            return

        def stop(*_: object) -> None:
            raise self._late(what)

        before = signal.signal(signal.SIGALRM, stop)
        # again every second: raised inside a library's callback, the first error may be swallowed
        signal.setitimer(signal.ITIMER_REAL, self.seconds, 1.0)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def limits_of(location: Location | None = None) -> ReadLimits:
    """The limits of a location: declared, else of the environment, else the defaults.

    Raises
    ------
    SourceError
        if a variable of the environment is no limit.
    """
    try:
        found = ReadLimits()
    except ValidationError as problem:
        first = problem.errors()[0]
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        raise SourceError(f"the environment variable {name} is not a limit: {first['msg']}. Correct it.") from problem
    declared = {} if location is None or location.limits is None else location.limits.model_dump(exclude_none=True)
    return found.model_copy(update=declared)


def _too_large(found: str, limit: str) -> TooLargeError:
    return TooLargeError(
        f"{found}. If it is right, split the export, or raise the limit: 'limits: {{{limit}: ...}}' of its location, "
        f"or {PREFIX}{limit.upper()}."
    )
