"""``snapshots.json``: the exports that were taken, what each changed, and the file that holds the changes."""

from pipelines.artifacts.artifact import Artifact, Record
from pipelines.artifacts.reading_record import ColumnReading


class TakenSnapshot(Record):
    """One export that was taken.

    ``taken_at`` is UTC, ``found`` how it was found out; ``part`` is the file of changes; ``columns`` are those the
    export had; ``by_column`` counts values that changed; ``left_out`` counts rows by why they were not stored;
    ``added_at`` is when it came into the store (UTC), None where that was not written down yet.
    """

    taken_at: str
    found: str
    file: str
    sha256: str
    part: str
    rows: int
    new: int
    changed: int
    vanished: int
    returned: int
    corrected: int
    by_column: dict[str, int]
    columns: tuple[str, ...]
    left_out: dict[str, int]
    accepted: tuple[str, ...] = ()
    forms: dict[str, ColumnReading] = {}
    added_at: str | None = None


class ExportHistory(Record):
    """The snapshots of one export, oldest first."""

    key: tuple[str, ...]
    snapshots: tuple[TakenSnapshot, ...]

    def forms(self) -> dict[str, ColumnReading]:
        """How each column was written last, where that had to be found out."""
        return {header: form for snapshot in self.snapshots for header, form in snapshot.forms.items()}

    def since(self) -> dict[str, str]:
        """Every column and the first snapshot that had it."""
        found: dict[str, str] = {}
        for snapshot in self.snapshots:
            for column in snapshot.columns:
                found.setdefault(column, snapshot.taken_at)
        return found


class SnapshotsRecord(Artifact):
    """Every snapshot of a source, by export. It cannot be made again from anything else but the exports themselves."""

    FILE = "snapshots/snapshots.json"
    STAGE = "snapshot add"

    exports: dict[str, ExportHistory] = {}
