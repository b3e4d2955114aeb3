"""An uploaded file read in a process of its own: whatever it unpacks to, memory and time are bounded there.

A file made to fill the memory, to crash a library or to take hours ends that process, not the server, and no other
upload waits for it. Run as ``python -m serving.leads.upload_reader``, with what to read as JSON on standard input.
"""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.errors import DataError, LeadScoreError
from features.schema.source import Source
from pipelines.artifacts.reading_record import ReadingRecord
from pipelines.ingest.reading.read_limits import PREFIX, ReadLimits
from pipelines.scoring.leads_file import LeadsFile, read_leads_file
from pipelines.workspace.storage_errors import storage_error_of
from serving.settings import ServeSettings

_FRAME = "read.arrow"  # the rows on their way from one process to the other
_ERRORS = "errors"  # column of it: why a row cannot be scored
_NO_DISK = "the server's disk is full or closed, so the file could not be read. Send it again when that is mended."
_MOST_SAID = 20_000  # bytes of the answer that are looked at


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


def read_upload(
    path: Path,
    source: Source,
    reading: ReadingRecord,
    bounds: ReaderBounds,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> LeadsFile:
    """As :func:`read_leads_file`, in a process with bounds on memory and time, which ``started`` is told of.

    Raises
    ------
    DataError : the file cannot be read, or not within the bounds
    """
    asked = {
        "file": str(path),
        "source": source.model_dump_json(by_alias=True),
        "declared": None if source.path is None else str(source.path),
        "reading": reading.model_dump_json(),
        "memory_mib": bounds.memory_mib,
        "seconds": bounds.seconds,
    }
    root = str(Path(__file__).resolve().parents[2])
    limits = {f"{PREFIX}{name.upper()}": str(value) for name, value in bounds.limits.model_dump().items()}
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    try:
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "serving.leads.upload_reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | limits | threads | {"PYTHONPATH": paths},
            start_new_session=True,
        ) as child:
            started(child)
            try:
                said, _ = child.communicate(json.dumps(asked).encode(), timeout=bounds.seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                raise DataError(
                    f"the file was not read within {bounds.seconds:g} seconds. Send it in parts of fewer rows."
                ) from None
        return _taken(path.with_name(_FRAME), child.returncode, said, bounds)
    finally:
        path.with_name(_FRAME).unlink(missing_ok=True)


def _taken(frame: Path, status: int, said: bytes, bounds: ReaderBounds) -> LeadsFile:
    try:
        answer: dict[str, Any] = json.loads(said[-_MOST_SAID:].decode("utf-8", "replace").strip().splitlines()[-1])
    except (IndexError, ValueError):
        answer = {}
    if "problem" in answer:
        raise DataError(str(answer["problem"]))
    if status != 0 or "missing" not in answer:
        raise DataError(
            f"the file could not be read within {bounds.memory_mib:,} MiB of memory, or is damaged so that its reader "
            "ended. Export it again, or send it in parts of fewer rows."
        )
    rows = pa.ipc.open_file(frame.read_bytes()).read_all().to_pandas()
    return LeadsFile(
        frame=rows.drop(columns=_ERRORS),
        errors=rows[_ERRORS],
        missing_columns=tuple(answer["missing"]),
        undeclared_columns=tuple(answer["undeclared"]),
    )


def main() -> None:
    """Read the file that standard input names and leave its rows beside it; the answer is a line of JSON."""
    asked, answer = json.loads(sys.stdin.buffer.read()), dict[str, Any]()
    _limit_process(asked["memory_mib"] << 20, asked["seconds"])
    path = Path(asked["file"])
    try:
        declared = None if asked["declared"] is None else Path(asked["declared"])
        source = Source.model_validate_json(asked["source"]).with_place(declared, {})
        leads = read_leads_file(path, source, ReadingRecord.model_validate_json(asked["reading"]))
        rows = pa.Table.from_pandas(leads.frame.assign(**{_ERRORS: leads.errors}), preserve_index=True)
        with pa.ipc.new_file(str(path.with_name(_FRAME)), rows.schema) as out:
            out.write_table(rows)
        answer = {"missing": leads.missing_columns, "undeclared": leads.undeclared_columns}
    except LeadScoreError as problem:
        answer = {"problem": problem.message}
    except OSError as problem:
        if storage_error_of(problem) is None:
            raise
        answer = {"problem": _NO_DISK}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # what libraries do as a process ends, they do not do well under such bounds


def _limit_process(memory: int, seconds: float) -> None:
    """Bounds on this process, beyond what its libraries took; none where the system has no such bounds."""
    try:
        import resource

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return
    for kind, most in (
        (resource.RLIMIT_AS, taken + memory),
        (resource.RLIMIT_CPU, math.ceil(4 * seconds)),  # of all its threads; ends it if the server is gone
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


if __name__ == "__main__":
    main()
