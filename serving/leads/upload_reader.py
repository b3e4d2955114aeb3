"""An uploaded file read in a process of its own: whatever it unpacks to, memory and time are bounded there.

A file made to fill the memory, to crash a library or to take hours ends that process, not the server, and no other
upload waits for it. Run as ``python -m serving.leads.upload_reader``, with what to read as JSON on standard input.
"""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.schema.source import Source
from pipelines.artifacts.reading_record import ReadingRecord
from pipelines.scoring.leads_file import LeadsFile, read_leads_file
from pipelines.workspace.private_files import create_private
from serving.children.bounded_child import ReaderBounds, answer_of, run_bounded
from serving.children.child_work import answer_question

_FRAME = "read{}.arrow"  # the rows on their way from one process to the other
_ERRORS = "errors"  # column of it: why a row cannot be scored


@contextmanager
def read_upload(
    path: Path,
    source: Source,
    reading: ReadingRecord,
    bounds: ReaderBounds,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
    take: str = "",
) -> Iterator["ReadRows"]:
    """As :func:`read_leads_file`, in a process with bounds on memory and time, which ``started`` is told of.

    The rows lie beside the file under a name of their ``take``: they are mapped into memory, and a file that another
    server writes anew under a mapping ends the process that reads it.

    Raises
    ------
    DataError : the file cannot be read, or not within the bounds
    """
    rows = path.with_name(_FRAME.format(take and f"-{take}"))
    asked = {
        "file": str(path),
        "rows": str(rows),
        "source": source.model_dump_json(by_alias=True),
        "declared": None if source.path is None else str(source.path),
        "reading": reading.model_dump_json(),
        "memory_mib": bounds.memory_mib,
        "seconds": bounds.seconds,
    }
    try:
        end = run_bounded("serving.leads.upload_reader", asked, bounds, started)
        answer = answer_of(end, bounds, "missing", {"upload": path.parent.name})
        yield ReadRows(rows, tuple(answer["missing"]), tuple(answer["undeclared"]))
    finally:
        rows.unlink(missing_ok=True)


@dataclass(frozen=True)
class ReadRows:
    """Rows that were read, on the disk: as many as a file holds need not fit the server's memory."""

    file: Path
    missing_columns: tuple[str, ...]
    undeclared_columns: tuple[str, ...]

    def __len__(self) -> int:
        with pa.memory_map(str(self.file)) as rows:
            return int(pa.ipc.open_file(rows).read_all().num_rows)

    @property
    def size(self) -> int:
        """Bytes that the rows take once they are in memory; the file is not packed."""
        return self.file.stat().st_size

    def lead_ids(self) -> Iterator[str]:
        """The leads' ids, in the order of the file, one in memory at a time."""
        return (str(name) for name in self._column("lead_id"))

    def account_ids(self) -> Iterator[str]:
        """The accounts that the file places leads in, one in memory at a time."""
        return (str(name) for name in self._column("account_id") if name is not None)

    def _column(self, name: str) -> Iterator[Any]:
        with pa.memory_map(str(self.file)) as rows:
            read = pa.ipc.open_file(rows).read_all()
            if name in read.column_names:
                yield from (value.as_py() for value in read.column(name))

    def leads(self) -> LeadsFile:
        """All of it."""
        rows = pa.ipc.open_file(self.file.read_bytes()).read_all().to_pandas()
        return LeadsFile(
            frame=rows.drop(columns=_ERRORS),
            errors=rows[_ERRORS],
            missing_columns=self.missing_columns,
            undeclared_columns=self.undeclared_columns,
        )


def read_asked(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Read the file that is asked for and leave its rows where it is told."""
    path = Path(asked["file"])
    declared = None if asked["declared"] is None else Path(asked["declared"])
    source = Source.model_validate_json(asked["source"]).with_place(declared, {})
    leads = read_leads_file(path, source, ReadingRecord.model_validate_json(asked["reading"]))
    rows = pa.Table.from_pandas(leads.frame.assign(**{_ERRORS: leads.errors}), preserve_index=True)
    create_private(Path(asked["rows"]))
    with pa.ipc.new_file(asked["rows"], rows.schema) as out:
        out.write_table(rows)
    return {"missing": leads.missing_columns, "undeclared": leads.undeclared_columns}


if __name__ == "__main__":
    answer_question(read_asked)
