"""Features that a matrix was not built with, computed for its rows."""

import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import build_matrix
from features.assembly.flat_matrix import flat_values
from features.assembly.flat_outcomes import flat_ids
from features.catalog.feature import Catalog
from features.errors import DataError
from features.matrix import Matrix
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
    DataError : the table no longer holds a lead of the matrix
    """
    places = pd.Index(flat_ids(leads, flat)).get_indexer_for(past.keys["lead_id"].astype("str"))
    _require(len(places) == len(past) and not (places < 0).any(), source)
    return flat_values(leads.iloc[places].reset_index(drop=True), catalog, source)


def _require(found: bool, source: Source) -> None:
    if not found:
        raise DataError(
            f"the tables of '{source.name}' no longer hold every lead of its matrix, as after somebody was forgotten, "
            "and features are asked for that the matrix was built without. Build it again: "
            f"leadscore matrix --source {source.name}."
        )
