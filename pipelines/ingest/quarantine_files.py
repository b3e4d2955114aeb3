"""What an ingest kept out and why, on disk."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.verdict_record import RowsVerdict
from pipelines.ingest.quarantine import CheckedTable, raw_rows
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.workspace.atomic_files import write_parquet

QUARANTINE, QUARANTINED_ROWS, WARNINGS = "quarantine.parquet", "quarantined_rows.parquet", "warnings.parquet"
QUARANTINE_FILES = (QUARANTINE, QUARANTINED_ROWS, WARNINGS)


def write_quarantine(
    out: Path, counts: CountsRecord, raws: Mapping[str, RawTable], checked: Mapping[str, CheckedTable]
) -> None:
    """What was kept out and why, with the counts and the verdict."""
    write_parquet(out / QUARANTINE, pd.concat([c.quarantine for c in checked.values()], ignore_index=True))
    write_parquet(out / WARNINGS, pd.concat([c.warnings for c in checked.values()], ignore_index=True))
    originals = [raw_rows(raws[table], c, table) for table, c in checked.items()]
    write_parquet(out / QUARANTINED_ROWS, pd.concat(originals, ignore_index=True))
    counts.write(out)
    RowsVerdict.of({"stage": "ingest", "verdict": counts.verdict, "text": counts.text}).write(out)
