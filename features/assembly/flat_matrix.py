"""The matrix of a flat source: one row per lead, attributes only, no clocks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.assembly.flat_outcomes import flat_ids, flat_outcomes, learned_rows, open_rows
from features.assembly.frameless_rows import PlainRows
from features.catalog.build_catalog import build_catalog
from features.catalog.feature import Catalog
from features.errors import ContractError, DataError
from features.kernel.column_reader import Coded, FrameRows, RecordRows, Rows
from features.kernel.feature_plans import compile_catalog
from features.kernel.finish import Swept, finish
from features.kernel.program import Op
from features.kernel.table_arrays import as_series
from features.matrix import KEY_COLUMNS, Matrix
from features.rubric.schema import Rubric
from features.schema.source import Flat, Source


def flat_matrix(table: pd.DataFrame, source: Source, rubric: Rubric | None = None) -> Matrix:
    """The matrix of a flat table's closed rows: what can be learned from.

    Parameters
    ----------
    table : columns under their declared names, the target's among them

    Raises
    ------
    DataError
        if the target, order or group column is missing, the table is empty or has no closed row, or the target has a
        value that the declaration does not know.
    """
    flat = source.flat
    if flat is None:
        raise ContractError(f"source '{source.name}' is {source.kind}; a flat matrix needs 'flat:' with its target.")
    if not len(table):
        raise DataError(f"source '{source.name}' has no rows in table 'leads'.")
    catalog = build_catalog(source, rubric)
    _column(table, flat.target.column, "target", source)
    table = table[learned_rows(table, source, flat)].reset_index(drop=True)
    if not len(table):
        raise DataError(f"source '{source.name}' has open rows only; nothing can be learned without closed ones.")

    values = flat_values(table, catalog, source)
    label = (flat_outcomes(table, flat) == "won").astype(np.float64)
    order, ordered = _order(table, flat, source)
    keys = _keys(table, flat, source, values, order)
    length = len(table)

    return Matrix(
        catalog=catalog,
        values=values,
        keys=keys,
        label=label,
        matured=np.ones(length, dtype=np.bool_),
        label_known_at=pd.Series(pd.NaT, index=range(length), dtype="datetime64[us]"),
        weight=np.ones(length),
        ordered=ordered,
        amount=np.full(length, np.nan),
    )


def flat_open(table: pd.DataFrame, source: Source, rubric: Rubric | None = None) -> Matrix | None:
    """The matrix of a flat table's open rows, None where the declaration names no values that mean open."""
    flat = source.flat
    if flat is None or not flat.target.open:
        return None
    open_now = table[open_rows(table, source, flat)].reset_index(drop=True)
    return flat_at(open_now, build_catalog(source, rubric), source)


def flat_at(table: pd.DataFrame, catalog: Catalog, source: Source) -> Matrix:
    """The matrix of flat rows to be scored: label NaN; the target column need not be there."""
    length = len(table)
    flat = source.flat or Flat.model_validate({"target": {"column": "", "won": (), "lost": ()}})
    values = flat_values(table, catalog, source)
    return Matrix(
        catalog=catalog,
        values=values,
        keys=_keys(table, flat.model_copy(update={"group": None}), source, values, np.arange(length)),
        label=np.full(length, np.nan),
        matured=np.zeros(length, dtype=np.bool_),
        label_known_at=pd.Series(pd.NaT, index=range(length), dtype="datetime64[us]"),
        weight=np.ones(length),
        ordered=False,
        amount=np.full(length, np.nan),
    )


def flat_values(table: pd.DataFrame, catalog: Catalog, source: Source) -> pd.DataFrame:
    """Feature values of flat rows: the attribute columns read as declared, tests of rules applied."""
    columns = {}
    for feature, found in zip(catalog, _compute_columns(FrameRows(table), len(table), catalog, source), strict=True):
        if isinstance(found, Coded):
            columns[feature.name] = pd.Series(as_series(found), dtype="str")
        else:
            columns[feature.name] = pd.Series(found)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)), columns=list(catalog.names))


def flat_rows(records: Sequence[Mapping[str, Any]], catalog: Catalog, source: Source) -> PlainRows:
    """:func:`flat_values` of a few records, without a frame."""
    return PlainRows.from_columns(
        catalog, _compute_columns(RecordRows(records), len(records), catalog, source), len(records)
    )


def _compute_columns(rows: Rows, length: int, catalog: Catalog, source: Source) -> list[np.ndarray | Coded]:
    everyone = np.arange(length, dtype=np.int64)
    now = np.zeros(length, dtype=np.int64)
    swept = Swept(everyone.astype(np.float64)[:, None], everyone, rows, now, everyone, now)
    values: list[np.ndarray | Coded] = []
    compiled = compile_catalog(catalog, source)
    for feature, plan in zip(catalog, compiled.plans, strict=True):
        program = compiled.programs.get(plan.key)
        if plan.finish not in ("lookup", "constant") or (program and program.columns[0].op is not Op.LAST_ROW):
            raise ContractError(f"feature '{feature.name}' needs clocks; source '{source.name}' is flat.")
        values.append(finish(plan, swept))
    return values


def _column(table: pd.DataFrame, name: str, what: str, source: Source) -> pd.Series:
    if name not in table:
        raise DataError(
            f"source '{source.name}' names '{name}' as its {what}, but the table has no such column; "
            f"it has {', '.join(map(str, table.columns))}."
        )
    return table[name]


def _order(table: pd.DataFrame, flat: Flat, source: Source) -> tuple[np.ndarray, bool]:
    if flat.order is None:
        return np.arange(len(table)), False
    if flat.order == "row":
        return np.arange(len(table)), True
    column = _column(table, flat.order, "order", source)
    if column.isna().any():
        raise DataError(
            f"order column '{flat.order}' of source '{source.name}' has {column.isna().sum()} empty values."
        )
    return column.rank(method="dense").to_numpy(dtype=np.int64) - 1, True


def _keys(table: pd.DataFrame, flat: Flat, source: Source, values: pd.DataFrame, order: np.ndarray) -> pd.DataFrame:
    length = len(table)
    number = pd.Series(np.arange(1, length + 1)).astype("str")
    if flat.lead_id is not None and "lead_id" not in table:
        _column(table, flat.lead_id, "lead_id", source)
    segment = pd.Series(pd.NA, index=range(length), dtype="str")
    if source.label.segment is not None:
        segment = _column(table, source.label.segment, "segment", source).astype("str").reset_index(drop=True)
    return pd.DataFrame(
        {
            "lead_id": flat_ids(table, flat).reset_index(drop=True),
            "as_of": pd.Series(pd.NaT, index=range(length), dtype="datetime64[us]"),
            "account_id": pd.Series(pd.NA, index=range(length), dtype="str"),
            "group": _group(table, flat, source, values, number),
            "episode": np.zeros(length, dtype=np.int64),
            "order": order.astype(np.int64),
            "age_days": np.full(length, np.nan),
            "segment": segment,
        },
        columns=list(KEY_COLUMNS),
    )


def _group(table: pd.DataFrame, flat: Flat, source: Source, values: pd.DataFrame, number: pd.Series) -> pd.Series:
    if flat.group is None:
        return "row:" + number
    if flat.group == "identical_inputs":
        plain = values[[c for c in values.columns if not c.startswith("rule_")]]
        codes = plain.groupby(list(plain.columns), dropna=False, sort=False).ngroup() if plain.shape[1] else number
        return "inputs:" + codes.astype("str").reset_index(drop=True)
    column = _column(table, flat.group, "group", source).astype("str").reset_index(drop=True)
    return ("group:" + column).fillna("row:" + number).astype("str")
