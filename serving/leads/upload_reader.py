"""An uploaded file read in a process of its own: whatever it unpacks to, memory and time are bounded there.

A file made to fill the memory, to crash a library or to take hours ends that process, not the server, and no other
upload waits for it. Run as ``python -m serving.leads.upload_reader``, with what to read as JSON on standard input.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.errors import LeadScoreError
from features.schema.source import Source
from pipelines.artifacts.reading_record import ReadingRecord
from pipelines.scoring.leads_file import LeadsFile, read_leads_file
from pipelines.workspace.storage_errors import storage_error_of
from serving.leads.bounded_child import NO_DISK, ReaderBounds, answer_of, end_with, limit_process, run_bounded

_FRAME = "read.arrow"  # the rows on their way from one process to the other
_ERRORS = "errors"  # column of it: why a row cannot be scored


@contextmanager
def read_upload(
    path: Path,
    source: Source,
    reading: ReadingRecord,
    bounds: ReaderBounds,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> Iterator["ReadRows"]:
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
    try:
        status, said = run_bounded("serving.leads.upload_reader", asked, bounds, started)
        answer = answer_of(status, said, bounds, "missing")
        yield ReadRows(path.with_name(_FRAME), tuple(answer["missing"]), tuple(answer["undeclared"]))
    finally:
        path.with_name(_FRAME).unlink(missing_ok=True)


@dataclass(frozen=True)
class ReadRows:
    """Rows that were read, on the disk: as many as a file holds need not fit the server's memory."""

    file: Path
    missing_columns: tuple[str, ...]
    undeclared_columns: tuple[str, ...]

    def lead_ids(self) -> list[str]:
        """The leads' ids, in the order of the file."""
        with pa.memory_map(str(self.file)) as rows:
            return [str(name) for name in pa.ipc.open_file(rows).read_all().column("lead_id").to_pylist()]

    def leads(self) -> LeadsFile:
        """All of it."""
        rows = pa.ipc.open_file(self.file.read_bytes()).read_all().to_pandas()
        return LeadsFile(
            frame=rows.drop(columns=_ERRORS),
            errors=rows[_ERRORS],
            missing_columns=self.missing_columns,
            undeclared_columns=self.undeclared_columns,
        )


def main() -> None:
    """Read the file that standard input names and leave its rows beside it; the answer is a line of JSON."""
    asked, answer = json.loads(sys.stdin.buffer.read()), dict[str, Any]()
    end_with(asked["server"])
    limit_process(asked["memory_mib"] << 20, asked["seconds"])
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
        answer = {"problem": NO_DISK}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # what libraries do as a process ends, they do not do well under such bounds


if __name__ == "__main__":
    main()
