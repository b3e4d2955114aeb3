"""Parts of the leads that engines work on, each with every canonical table."""

from collections.abc import Mapping

import pandas as pd

from features.schema.canonical_tables import TABLES
from pipelines.workspace.table_files import empty_table

ROW = "cohort_row"
LEADS_PER_PART = 50_000  # a part must fit one worker: with 50 events each about 1.5 GB (docs/scaling.md)


def complete_tables(frames: Mapping[str, pd.DataFrame | None]) -> dict[str, pd.DataFrame]:
    """Frames of every canonical table; those that are missing become empty ones."""
    made: dict[str, pd.DataFrame] = {}
    for name in (*TABLES, *(set(frames) - set(TABLES))):
        frame = frames.get(name)
        if frame is None:
            frame = empty_table(TABLES[name]) if name in TABLES else pd.DataFrame({"lead_id": [], "as_of": []})
        made[name] = frame
    return made
