"""What ``counts.json`` says of the tables of an ingest: rows read, kept and kept out, columns and files."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from features.schema.source import Source
from features.schema.vocabulary import Role
from pipelines.ingest.quarantine import CheckedTable
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.shaping.canonical_shape import ShapedTable


def count_tables(
    source: Source,
    raws: Mapping[str, RawTable],
    shapes: Mapping[str, ShapedTable],
    checked: Mapping[str, CheckedTable],
    cutoff: pd.Timestamp | None,
) -> dict[str, Any]:
    """The source, its cut-off and, by table, rows, broken rules, columns, files and notes."""

    def ignored_columns(table: str) -> dict[str, str]:
        columns = source.tables[table].columns
        return {name: c.excluded_because for name, c in columns.items() if c.role is Role.IGNORE}

    return {
        "source": source.name,
        "source_kind": source.kind,
        "synthetic": source.synthetic,
        "data_cutoff": _latest(source, cutoff, checked),
        "rows": {
            table: {"read": c.read, "kept": len(c.frame), "quarantined": c.quarantined}
            | ({"left_out": left} if (left := c.left_out - shapes[table].repeated - _spared(shapes[table])) else {})
            | ({"repeated": shapes[table].repeated} if shapes[table].repeated else {})
            | ({"people": shapes[table].people} if shapes[table].people else {})
            for table, c in checked.items()
        },
        "rules": {table: _by_rule(c.quarantine) for table, c in checked.items() if len(c.quarantine)},
        "warnings": {table: _by_rule(c.warnings) for table, c in checked.items() if len(c.warnings)},
        "undeclared_columns": {table: s.undeclared for table, s in shapes.items() if s.undeclared},
        "ignored_columns": {table: names for table in shapes if (names := ignored_columns(table))},
        "files": {table: dict(raw.form) for table, raw in raws.items()},
        "notes": [
            *(note for shaped in shapes.values() for note in shaped.notes),
            *(note for table in checked.values() for note in table.notes),
        ],
    }


def _latest(source: Source, cutoff: pd.Timestamp | None, checked: Mapping[str, CheckedTable]) -> pd.Timestamp | None:
    """The data cut-off: as declared, else the latest known_at of the rows kept."""
    if source.flat is not None or source.data_cutoff is not None:
        return cutoff
    clocks = [c.frame["known_at"].max() for c in checked.values() if "known_at" in c.frame and len(c.frame)]
    return max((moment for moment in clocks if not pd.isna(moment)), default=None)


def _spared(shaped: ShapedTable) -> int:
    """Rows left out for the sake of those they speak of."""
    return sum(shaped.people.values())


def _by_rule(rows: pd.DataFrame) -> dict[str, int]:
    return {str(rule): int(n) for rule, n in rows.groupby("rule")["row"].nunique().items()}
