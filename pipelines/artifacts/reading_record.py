"""``reading.json``: how the files of a source were found to be written, so that the next file is read the same way."""

from pathlib import Path
from typing import Literal, Self

from pipelines.artifacts.artifact import Artifact, Record
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.paths import Paths


class ColumnReading(Record):
    """How one column writes its values; None where it did not matter or was declared.

    ``dotted`` says that dates with full stops showed the month first, ``utc_days`` that days are written as midnights
    in UTC; records from before do not say it.
    """

    decimal: Literal[".", ","] | None = None
    thousands: str | None = None
    date_order: Literal["day", "month", "year"] | None = None
    dotted: bool = False
    utc_days: bool = False


class TableReading(Record):
    """How one table's file is written."""

    encoding: str | None = None
    columns: dict[str, ColumnReading] = {}


class ReadingRecord(Artifact):
    """What was found out about each table: decimal sign, order of dates, encoding. A copy lies in the bundle."""

    FILE = "ingest/reading.json"
    STAGE = "ingest"

    tables: dict[str, TableReading]

    @classmethod
    def find(cls, paths: Paths, bundle: Path | None = None) -> Self:
        """What the bundle was trained on, else what was ingested last; empty where neither says it."""
        places = [*([] if bundle is None else [bundle / Path(cls.FILE).name]), cls.path(paths)]
        for place in places:
            if place.is_file():
                return cls.parse(read_json(place), place, paths.source, cls.STAGE)
        return cls(tables={})
