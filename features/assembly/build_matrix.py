"""The matrix of a cohort: one path for training, batches and single requests."""

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats, Ints, Tables
from features.assembly.frameless_rows import FEW, PlainRows
from features.catalog.feature import Catalog, FeatureType
from features.cohort.cohort import build_cohort, keys_of
from features.cohort.labels import label
from features.cohort.objections import refuse_objecting
from features.kernel.column_reader import Coded, FrameRows, Rows
from features.kernel.feature_plans import Compiled, compile_catalog
from features.kernel.finish import Swept, finish
from features.kernel.program import Item, TableProgram
from features.kernel.scanner_clicks import bot_rows
from features.kernel.sorting import BucketSort, SortEngine
from features.kernel.sweep import SweepRows, sweep
from features.kernel.table_arrays import EncodedTables, as_series, base_table
from features.matrix import Matrix
from features.own_features.compute_own import compute_own
from features.own_features.seen_rows import SeenTable, columns_handed_over
from features.point_in_time.visibility import Moments, SortedRows, visible
from features.schema.canonical_tables import TABLES
from features.schema.source import Source


def sorted_rows(encoded: EncodedTables, program: TableProgram, engine: SortEngine) -> SortedRows:
    """Rows of a program's table in the total order of its scope."""
    keys = encoded.keys(program)
    starts, order = engine.sort(keys, encoded.entities(program.scope))
    return SortedRows(starts, order, keys.known_at[order], keys.happened_at[order])


def sweep_program(
    encoded: EncodedTables, program: TableProgram, compiled: Compiled, lead: Ints, as_of: Ints, engine: SortEngine
) -> Swept:
    """All columns of one program for the moments of a cohort."""
    if not len(encoded.tables[base_table(program.table)]):
        return _nothing(encoded, program, lead, as_of)

    rows = sorted_rows(encoded, program, engine)
    table = base_table(program.table)
    entity = _entity(encoded, program, lead)
    slices = visible(rows, Moments(entity, as_of))
    row_class = encoded.classes(program)[rows.order]

    entries = program.entries()
    items = encoded.items(program, rows.order)
    bot_by = np.empty(0, dtype=np.int64)
    if program.uses_bots:
        bot_by = bot_rows(rows, row_class, entries.bot_role, items[Item.LEAD], compiled.borders)
    value = encoded.tables[table].number("value")[rows.order] if program.sums else np.empty(0)

    swept = SweepRows(rows.happened_at, row_class, items, value, bot_by)
    columns = sweep(swept, slices, as_of, entries, threads=engine.threads)
    return Swept(columns, rows.order, encoded.tables[table], encoded.clocks(table).happened_at, entity, as_of)


def _entity(encoded: EncodedTables, program: TableProgram, lead: Ints) -> Ints:
    return encoded.account_of_lead[lead] if program.scope == "account" else lead


def _nothing(encoded: EncodedTables, program: TableProgram, lead: Ints, as_of: Ints) -> Swept:
    """A table without rows leaves every column as the kernel begins it."""
    initial = program.entries().initial
    columns = np.repeat(initial[None, :], lead.size, axis=0)
    rows, none = encoded.tables[base_table(program.table)], np.empty(0, dtype=np.int64)
    return Swept(columns, none, rows, none, _entity(encoded, program, lead), as_of)


def compute(
    encoded: EncodedTables, compiled: Compiled, lead: Ints, as_of: Ints, engine: SortEngine
) -> list[Floats | Coded]:
    """Every feature for every (lead code, as_of), in catalog order."""
    found: dict[int, Floats | Coded] = {}
    for key, plans in compiled.by_program.items():
        program = compiled.programs.get(key) or TableProgram(*key)
        own = sweep_program(encoded, program, compiled, lead, as_of, engine)
        if own.nobody is None:
            found.update(zip(plans.plain, map(own.by_column.__getitem__, plans.columns), strict=True))
            found.update((place, finish(plan, own)) for place, plan in plans.others)
        else:
            found.update((place, finish(plan, own)) for place, plan in plans.every)

    if compiled.own and compiled.source is not None:
        found.update(_own(encoded, compiled, compiled.source, lead, as_of, engine))
    return [found[place] for place in range(len(found))]


def _own(
    encoded: EncodedTables, compiled: Compiled, source: Source, lead: Ints, as_of: Ints, engine: SortEngine
) -> dict[int, Floats | Coded]:
    """What functions of a user's own give, by place: they are handed what :func:`visible` lets through."""
    kinds = columns_handed_over(source)

    def look(table: str, scope: str) -> SeenTable:
        program, clocks = TableProgram(table, scope, {}), encoded.clocks(table)
        rows = sorted_rows(encoded, program, engine)
        slices = visible(rows, Moments(_entity(encoded, program, lead), as_of))
        filled = {TABLES[table].clock: clocks.known_at, TABLES[table].happened or "": clocks.happened_at}
        return SeenTable.of(encoded.tables[table], rows, slices, kinds[table], filled)

    values = compute_own([feature for _, feature in compiled.own], tuple(kinds), look, as_of)
    return {place: column for (place, _), column in zip(compiled.own, values, strict=True)}


def build_matrix(
    tables: Tables, cohort: pd.DataFrame, catalog: Catalog, source: Source, *, engine: SortEngine | None = None
) -> pd.DataFrame:
    """Feature values of a cohort, shape (len(cohort), len(catalog)), columns in catalog order.

    Parameters
    ----------
    cohort : has ``lead_id`` and ``as_of`` (naive UTC); leads that are not in the tables have no row of any kind
    engine : who sorts; the result does not depend on it
    """
    compiled = compile_catalog(catalog, source)
    rows: Mapping[str, Rows] = {name: FrameRows(frame) for name, frame in tables.items()}
    encoded = EncodedTables(rows, compiled.title_column)
    moments = FrameRows(cohort)
    lead = encoded.lead_codes(moments.text("lead_id"))
    found = compute(encoded, compiled, lead, moments.moment("as_of"), engine or BucketSort(min(os.cpu_count() or 1, 8)))
    return frame_of(catalog, found, len(cohort))


def frame_of(catalog: Catalog, found: Sequence[Floats | Coded], length: int) -> pd.DataFrame:
    """Feature columns as a frame: float64 numbers and ``str`` categories."""
    if length <= FEW:
        return PlainRows.from_columns(catalog, found, length).frame
    columns = {}
    for feature, values in zip(catalog, found, strict=True):
        if feature.type is FeatureType.CATEGORY:
            coded = values if isinstance(values, Coded) else Coded(np.full(length, -1, dtype=np.int64), ())
            columns[feature.name] = pd.Series(as_series(coded), dtype="str")
        else:
            columns[feature.name] = pd.Series(np.asarray(values, dtype=np.float64), copy=False)
    return pd.DataFrame(columns, index=pd.RangeIndex(length), columns=list(catalog.names), copy=False)


class Builder(Protocol):
    """Whoever computes feature values of a cohort: :func:`build_matrix`, or an engine with its result."""

    def __call__(self, tables: Tables, cohort: pd.DataFrame, catalog: Catalog, source: Source) -> pd.DataFrame:
        """Feature values of a cohort; see :func:`build_matrix`."""


def matrix_of(
    tables: Tables, source: Source, catalog: Catalog, cutoff: pd.Timestamp, *, build: Builder = build_matrix
) -> Matrix:
    """The training matrix of a relational source: cohort, labels, weights and features.

    Rows whose lead the source excludes (disqualified or never worked, where declared so) are left out.
    """
    keys = build_cohort(tables, source, cutoff)
    labels = label(keys, tables, source, cutoff)
    kept = ~labels["excluded"].to_numpy(dtype=bool)
    keys, labels = keys[kept].reset_index(drop=True), labels[kept].reset_index(drop=True)
    matured = labels["matured"].to_numpy(dtype=bool)

    return Matrix(
        catalog=catalog,
        values=build(tables, keys, catalog, source),
        keys=keys,
        label=labels["label"].to_numpy(dtype=np.float64),
        matured=matured,
        label_known_at=labels["label_known_at"],
        weight=lead_weights(keys["lead_id"], matured),
        ordered=True,
        amount=labels["amount"].to_numpy(dtype=np.float64),
    )


def lead_weights(lead_id: pd.Series, matured: npt.NDArray[np.bool_]) -> Floats:
    """Weights under which the matured rows of each lead sum to one, and so do its other rows.

    >>> lead_weights(pd.Series(["a", "a", "a", "b"]), np.array([True, True, False, True])).tolist()
    [0.5, 0.5, 1.0, 1.0]
    """
    codes = pd.factorize(lead_id)[0] * 2 + matured
    return 1.0 / np.bincount(codes)[codes] if len(codes) else np.empty(0)


def features_at(
    tables: Tables,
    source: Source,
    catalog: Catalog,
    lead_ids: Sequence[str],
    as_of: pd.Timestamp | pd.Series,
    *,
    build: Builder = build_matrix,
) -> Matrix:
    """The matrix of given leads at given moments, label NaN: what scoring uses, for one lead as for a million.

    ``as_of`` is one moment for all, or one per lead. A lead needs its own rows, and those of its account's
    other leads, to be in ``tables``; nothing else changes its values.

    Raises
    ------
    ObjectingLeadError
        if one of the leads objects to profiling.
    """
    refuse_objecting(tables["leads"], source, lead_ids)
    return matrix_at(keys_of(tables, source, lead_ids, as_of), tables, source, catalog, build=build)


def matrix_at(
    keys: pd.DataFrame, tables: Tables, source: Source, catalog: Catalog, *, build: Builder = build_matrix
) -> Matrix:
    """The matrix of given keys (of :func:`features.cohort.cohort.open_cohort`, say), label NaN."""
    length = len(keys)
    return Matrix(
        catalog=catalog,
        values=build(tables, keys, catalog, source),
        keys=keys,
        label=np.full(length, np.nan),
        matured=np.zeros(length, dtype=np.bool_),
        label_known_at=pd.Series(pd.NaT, index=range(length), dtype="datetime64[us]"),
        weight=np.ones(length),
        ordered=True,
        amount=np.full(length, np.nan),
    )
