"""The store of a source's snapshots: one file of changes per snapshot, and a record that says which of them count.

Files of changes are written under names of their own and never touched again; the record is replaced in one step after
them. Killed at any moment, the store is what the record says: the old one, or the new.
"""

import hashlib
import io
from pathlib import Path

import pandas as pd

from pipelines.artifacts.snapshots_record import ExportHistory, SnapshotsRecord, TakenSnapshot
from pipelines.workspace.atomic_files import read_parquet, write_bytes
from pipelines.workspace.paths import Paths

TAKEN = "snapshot:taken_at"


def read_snapshots(paths: Paths) -> SnapshotsRecord:
    """What was taken of a source; an empty record where nothing was."""
    return SnapshotsRecord.read(paths) if SnapshotsRecord.exists(paths) else SnapshotsRecord(exports={})


def history_of(record: SnapshotsRecord, export: str) -> ExportHistory | None:
    """The snapshots of one export, None where none was taken."""
    history = record.exports.get(export)
    return history if history is not None and history.snapshots else None


def moment_of(snapshot: TakenSnapshot) -> pd.Timestamp:
    """When a snapshot was taken, naive UTC."""
    return pd.Timestamp(snapshot.taken_at)


def read_changes(paths: Paths, export: str, snapshots: list[TakenSnapshot]) -> list[pd.DataFrame]:
    """The stored changes of snapshots, texts."""
    return [read_parquet(_folder(paths, export) / snapshot.part).astype("str") for snapshot in snapshots]


def read_versions(paths: Paths, export: str, history: ExportHistory) -> pd.DataFrame:
    """Every stored version of every row: KEY, CHANGE, TAKEN (naive UTC) and the columns, oldest first."""
    parts = read_changes(paths, export, list(history.snapshots))
    dated = [
        part.assign(**{TAKEN: moment_of(snapshot)}) for part, snapshot in zip(parts, history.snapshots, strict=True)
    ]
    rows = pd.concat(dated, ignore_index=True)
    texts = [name for name in rows.columns if name != TAKEN]
    rows[texts] = rows[texts].astype("str")
    return rows


def write_part(paths: Paths, export: str, taken_at: pd.Timestamp, rows: pd.DataFrame) -> str:
    """Write changes under a name that says their time and content; returns the name."""
    buffer = io.BytesIO()
    rows.to_parquet(buffer, index=False, compression="zstd")
    content = buffer.getvalue()
    name = f"{taken_at:%Y%m%dT%H%M%S%f}-{hashlib.sha256(content).hexdigest()[:12]}.parquet"
    write_bytes(_folder(paths, export) / name, content)
    return name


def write_record(paths: Paths, record: SnapshotsRecord) -> None:
    """Replace the record, then remove files of changes that no snapshot names any more."""
    record.write(SnapshotsRecord.path(paths).parent)
    for file in find_unnamed_parts(paths, record):
        file.unlink()


def find_unnamed_parts(paths: Paths, record: SnapshotsRecord) -> list[Path]:
    """Files of changes that no snapshot names: whoever wrote them was killed before the record, or after it."""
    found = []
    for folder in sorted(
        path for path in paths.snapshots.glob("*") if path.is_dir() and path != left_out_folder(paths)
    ):
        history = record.exports.get(folder.name)
        named = set() if history is None else {snapshot.part for snapshot in history.snapshots}
        found += [file for file in sorted(folder.glob("*.parquet")) if file.name not in named]
    return found


def left_out_folder(paths: Paths) -> Path:
    """Where rows that could not be stored are kept as they stood in the export."""
    return paths.snapshots / "left_out"


def _folder(paths: Paths, export: str) -> Path:
    return paths.snapshots / export
