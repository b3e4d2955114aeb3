"""Leads that object to profiling, by the tables of the last ingest."""

from dataclasses import dataclass, replace

import numpy as np

from features.array_types import Bools, Ints
from features.assembly.flat_outcomes import are_row_numbers
from features.assembly.values_again import require_same_rows
from features.cohort.objections import OBJECTS, objecting_leads
from features.cohort.splits import Chop
from features.matrix import NOBODY, Matrix
from pipelines.workspace.atomic_files import read_parquet, read_parquet_names
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix
from pipelines.workspace.table_files import load_table


def objecting_here(context: Context) -> set[str]:
    """Leads of the ingested table that object; only the columns that say so are read."""
    file = context.paths.ingest / "leads.parquet"
    declared = None if context.source.privacy is None else context.source.privacy.objection
    held = set(read_parquet_names(file)) if file.exists() else set()
    told = [name for name in (declared, OBJECTS) if name is not None and name in held]
    if not told or "lead_id" not in held:
        return set()
    leads = read_parquet(file, ["lead_id", *told])
    return set(leads["lead_id"].astype("str")[objecting_leads(leads, context.source)])


def are_left_out(context: Context, matrix: Matrix) -> Bools:
    """Per row whether its person objects to profiling or is forgotten: they may have asked for it since the matrix was
    built.

    Raises
    ------
    DataError : somebody objects, and rows without an id may have another number now
    """
    names, objecting = matrix.keys["lead_id"].astype("str"), objecting_here(context)
    nobodys = names.str.startswith(NOBODY).to_numpy(dtype=np.bool_)
    if objecting and are_row_numbers(names, context.source).any():
        require_same_rows(context.source, load_table(context.paths, "leads"), matrix)
    return np.asarray(names.isin(objecting).to_numpy(dtype=np.bool_) | nobodys)


@dataclass(frozen=True)
class LearnedRows:
    """What a training learns from: a matrix without the rows that :func:`are_left_out`, and its splits.

    Parameters
    ----------
    kept : per row of the matrix as its stage left it, whether it is in this one
    left_out : how many leads are not
    """

    matrix: Matrix
    split: Chop
    kept: Bools
    left_out: int

    @classmethod
    def of(cls, context: Context) -> "LearnedRows":
        """Of the matrix and the splits that were built last."""
        matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
        hit = are_left_out(context, matrix)
        found = cls(matrix, split, ~hit, int(matrix.keys["lead_id"][hit].nunique()))
        if not hit.any():
            return found
        return replace(found, matrix=matrix.take(np.flatnonzero(~hit)), split=split.map_rows(found.places_of))

    def places_of(self, rows: Ints) -> Ints:
        """Where rows of the matrix as it was built are in this one; those left out are in none."""
        places: Ints = np.cumsum(self.kept) - 1
        return places[rows[self.kept[rows]]]

    def rows_of(self, places: Ints) -> Ints:
        """Where rows of this matrix are in the one that was built."""
        return np.flatnonzero(self.kept)[places]


def without_objecting(context: Context, matrix: Matrix) -> Matrix:
    """The rows of people who are not left out; whoever counts places in a matrix as a stage left it asks
    :func:`are_left_out` of the rows there.
    """
    hit = are_left_out(context, matrix)
    return matrix.take(np.flatnonzero(~hit)) if hit.any() else matrix
