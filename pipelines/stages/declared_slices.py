"""Columns named under ``slices``, beside the judged rows: a model is judged by them whether it reads them or not."""

import pandas as pd

from features.assembly.values_again import require_same_rows
from features.matrix import Matrix
from features.schema.source import SLICED
from models.judging.handoff.segments import PEOPLE, slices_of
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables


def declared_slices(context: Context, test: Matrix) -> dict[str, pd.Series]:
    """What ``slices`` names, by label, as the tables have it now."""
    found, tables = {}, load_tables(context.paths) if context.source.slices else {}
    if tables:
        require_same_rows(context.source, tables["leads"], test)
    for name in context.source.slices:
        table, column = name.split(".")
        declared, key = context.source.tables[table].columns[column], SLICED[table]
        held = tables.get(table, pd.DataFrame())
        if column not in held:
            continue
        values = held.dropna(subset=[key]).set_index(key)[column]
        sliced = slices_of(test.keys, values, key, people=declared.unit == PEOPLE)
        if sliced is not None:
            found[declared.label or column.replace("_", " ")] = sliced
    return found
