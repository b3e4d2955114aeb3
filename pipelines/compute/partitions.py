"""Parts of the leads that engines work on, each with every canonical table."""

from collections.abc import Mapping

import pandas as pd

ROW = "cohort_row"
LEADS_PER_PART = 50_000  # a part must fit one worker: with 50 events each about 1.5 GB (docs/scaling.md)


def complete(frames: Mapping[str, pd.DataFrame | None]) -> dict[str, pd.DataFrame]:
    """Frames of every canonical table; those that are missing become empty ones."""
    from features.schema.canonical_tables import TABLES
    from features.schema.vocabulary import ColumnType

    types = {ColumnType.TIMESTAMP: "datetime64[us]", ColumnType.NUMBER: "float64", ColumnType.BOOLEAN: "boolean"}
    made: dict[str, pd.DataFrame] = {}
    for name in (*TABLES, *(set(frames) - set(TABLES))):
        frame = frames.get(name)
        if frame is None and name in TABLES:
            columns = TABLES[name].columns
            frame = pd.DataFrame({c.name: pd.Series(dtype=types.get(c.type, "str")) for c in columns})
        made[name] = frame if frame is not None else pd.DataFrame({"lead_id": [], "as_of": []})
    return made
