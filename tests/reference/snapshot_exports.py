"""A small CRM whose exports are taken as snapshots, for tests: a folder, a declaration, and dated files."""

from pathlib import Path

import pandas as pd

from features.schema.load_source import parse_source
from features.schema.source import Source
from pipelines.artifacts.snapshots_record import TakenSnapshot
from pipelines.snapshots.add_export import Added, add_export, read_exports
from pipelines.snapshots.declared_exports import DeclaredExport, choose_export
from pipelines.snapshots.differences import apply_changes
from pipelines.snapshots.export_checks import Oddity
from pipelines.snapshots.snapshot_store import read_changes, read_snapshots
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

DEALS = """\
name: crm
kind: relational
data_cutoff: "2026-06-01"
opportunities:
  location: {file: deals.csv, snapshots: true}
  lead_id: Deal
  created_at: Created
  closed_at: Closed
  status: {from: Stage, won: [Won], lost: [Lost], open: [New, Talk]}
  amount: Amount
  account_id: {from: Company, when_known: at_creation}
  columns:
    industry: {from: Industry}
    temperature: {from: Temp, type: number, when_known: snapshots, minimum: 0}
    next_step: {from: Next, when_known: snapshots, map: {Call: phone}}
    secret: {from: Secret, role: ignore}
  account_columns:
    size: {from: Size, type: number, when_known: snapshots}
    country: {from: Country}
"""
HEADER = "Deal,Created,Closed,Stage,Amount,Company,Industry,Temp,Next,Secret,Size,Country,Note"


def deal(name: str, created: str = "2026-01-02", **values: object) -> str:
    """A row of the deals' file; what is left out is a usual value."""
    row: dict[str, object] = {
        "Deal": name,
        "Created": created,
        "Closed": "",
        "Stage": "New",
        "Amount": "",
        "Company": "A",
        "Industry": "it",
        "Temp": 3,
        "Next": "Call",
        "Secret": "s",
        "Size": 10,
        "Country": "DE",
        "Note": "",
    }
    return ",".join(str(value) for value in (row | values).values())


class SnapshotWorld:
    """A data directory, a declaration, and exports added to it one by one."""

    def __init__(self, folder: Path, declaration: str = DEALS) -> None:
        self.folder = folder
        self.source: Source = parse_source(declaration)
        self.paths = Paths(folder / "data", self.source.name)

    @property
    def export(self) -> DeclaredExport:
        return choose_export(self.source, None)

    def write(self, name: str, rows: list[str], header: str = HEADER) -> Path:
        """An exported file."""
        path = self.folder / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    def add(self, path: Path, *accepted: Oddity, taken_at: str | None = None) -> Added:
        """Take a file as a snapshot."""
        (read,) = read_exports([path], self.export, self.source, self.paths, taken_at)
        return add_export(read, self.export, self.source, self.paths, accepted)

    def take(self, day: str, rows: list[str], *accepted: Oddity, header: str = HEADER) -> Added:
        """Write and take the export of a day."""
        return self.add(self.write(f"deals_{day}.csv", rows, header), *accepted)

    @property
    def taken(self) -> tuple[TakenSnapshot, ...]:
        return read_snapshots(self.paths).exports[self.export.name].snapshots

    def state(self, count: int | None = None) -> pd.DataFrame:
        """The table as the last (or an earlier) snapshot said it was."""
        return apply_changes(read_changes(self.paths, self.export.name, list(self.taken[:count])))

    def tables(self) -> dict[str, pd.DataFrame]:
        """The canonical tables."""
        ingest(self.source, self.paths)
        return dict(load_tables(self.paths))

    def files(self) -> dict[str, bytes]:
        """Everything in the store."""
        found = sorted(file for file in self.paths.snapshots.rglob("*") if file.is_file())
        return {str(file.relative_to(self.paths.snapshots)): file.read_bytes() for file in found}


def end_of(day: str) -> pd.Timestamp:
    """The last microsecond of a day."""
    return pd.Timestamp(day) + pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)
