"""Features that a matrix was not built with, computed for its rows."""

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import build_matrix
from features.assembly.flat_matrix import flat_values
from features.assembly.flat_outcomes import are_row_numbers, flat_ids
from features.assembly.list_values import restore_list_items
from features.catalog.build_catalog import build_catalog
from features.catalog.feature import Catalog
from features.errors import DataError
from features.matrix import NOBODY, Matrix
from features.schema.source import Flat, Source


def values_again(source: Source, tables: Tables, catalog: Catalog, past: Matrix) -> pd.DataFrame:
    """Values of features for the rows of a matrix, each as of its own moment, shape (len(past), len(catalog)).

    Raises
    ------
    DataError : the tables no longer hold a lead of the matrix, whose values would be those of a lead without any rows
    """
    if source.flat is not None:
        return flat_values_again(source, source.flat, tables["leads"], catalog, past)
    wanted = past.keys["lead_id"].astype("str")
    _require(bool(wanted.isin(tables["leads"]["lead_id"].astype("str")).all()), source)
    return build_matrix(tables, past.keys, catalog, source)


def flat_values_again(source: Source, flat: Flat, leads: pd.DataFrame, catalog: Catalog, past: Matrix) -> pd.DataFrame:
    """The same of a source without clocks: each row of the matrix by its lead, wherever that stands in the table now.

    Raises
    ------
    DataError : the table no longer holds a lead of the matrix, or may hold somebody else under its number
    """
    require_same_rows(source, leads, past)
    return flat_values(_rows_of(source, flat, leads, past), catalog, source)


def require_same_rows(source: Source, leads: pd.DataFrame, past: Matrix) -> None:
    """Refuse a table in which the number of a row may be somebody else's than when the matrix was built.

    Where rows have no id, nothing but their values tells whether the file goes on as it was: rows that came at its end
    or object since change no number, one that came or went before others, or was sorted, changes those behind it. Who
    was forgotten since has no number any more.

    Raises
    ------
    DataError : a row that is known by its number alone is gone, or holds other values now
    """
    ids = past.keys["lead_id"].astype("str")
    numbered = are_row_numbers(ids, source) & ~ids.str.startswith(NOBODY).to_numpy(dtype=np.bool_)
    if source.flat is None or not numbered.any():
        return
    past = past.take(np.flatnonzero(numbered))
    built = past.catalog.by_name
    declared = build_catalog(restore_list_items(source, past.catalog))
    shared = Catalog(tuple(feature for feature in declared if built.get(feature.name) == feature))
    now, then = flat_values(_rows_of(source, source.flat, leads, past), shared, source), past.values[list(shared.names)]
    moved = ~((now == then) | (now.isna() & then.isna())).all(axis=1)
    if moved.any():
        number = past.keys["lead_id"][moved].iloc[0].removeprefix("row ")
        raise DataError(
            f"{moved.sum():,} of {len(moved):,} rows of '{source.name}' that have no id hold other values than the "
            f"matrix was built of, the first is row {number}: the file changed, and a number may be another's now. "
            f"Build it again: leadscore matrix --source {source.name}. With ids (flat: {{lead_id: ...}}) rows may "
            "change places."
        )


def _rows_of(source: Source, flat: Flat, leads: pd.DataFrame, past: Matrix) -> pd.DataFrame:
    """The row of the table for each row of a matrix."""
    places = pd.Index(flat_ids(leads, flat)).get_indexer_for(past.keys["lead_id"].astype("str"))
    _require(len(places) == len(past) and not (places < 0).any(), source)
    return leads.iloc[places].reset_index(drop=True)


def _require(found: bool, source: Source) -> None:
    if not found:
        raise DataError(
            f"the tables of '{source.name}' no longer hold every lead of its matrix, as after somebody was forgotten, "
            "and what the matrix was built without is looked up there. Build it again: "
            f"leadscore matrix --source {source.name}."
        )
