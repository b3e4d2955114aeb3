"""Arrow tables to frames without loss: whole numbers stay whole, decimals exact, dates dates, nested values texts."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

NUMBER_MARK = "\x1fnumber: "  # before a header: a column of booleans that says which of its texts were numbers
LIST_SIGN = ";"  # between the values of a list, as multi-select fields of CRMs are exported


def arrow_to_frame(table: pa.Table) -> pd.DataFrame:
    """The frame of an Arrow table.

    Structs become columns named with dots, lists texts with semicolons, decimals and binary values texts, dates ISO
    texts without a time of day. Whole numbers with gaps keep all their digits (``Int64``). Marks are left out.
    """
    table = _flatten(table)
    columns = {
        name: _series(table.column(i)) for i, name in enumerate(table.column_names) if not name.startswith(NUMBER_MARK)
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))


def rows_of_numbers(table: pa.Table) -> dict[str, npt.NDArray[np.int64]]:
    """By column that becomes texts, the rows (from 1) whose value is a number: decimals, and what marks say."""
    found: dict[str, npt.NDArray[np.int64]] = {}
    table = _flatten(table)
    for i, name in enumerate(table.column_names):
        column = table.column(i)
        if name.startswith(NUMBER_MARK):
            hit = pc.fill_null(column, False)
        elif pa.types.is_decimal(column.type):
            hit = column.is_valid()
        else:
            continue
        found[name.removeprefix(NUMBER_MARK)] = np.flatnonzero(hit.to_numpy()).astype(np.int64) + 1
    return found


def _flatten(table: pa.Table) -> pa.Table:
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _series(column: pa.ChunkedArray) -> pd.Series:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _series(column.cast(kind.value_type))
    if pa.types.is_integer(kind) and column.null_count:
        return column.to_pandas(types_mapper=_NULLABLE.get)
    if pa.types.is_decimal(kind):
        return _texts(pc.replace_substring_regex(column.cast(pa.string()), r"\.0+$", ""))
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return _texts(column.cast(pa.string()))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _texts(pa.array([None if v is None else _binary(v) for v in column.to_pylist()], pa.string()))
    if pa.types.is_null(kind):
        return pd.Series(pd.NA, index=range(len(column)), dtype="str")
    if pa.types.is_nested(kind):
        return _texts(pa.array([text_of_nested(value) for value in column.to_pylist()], pa.string()))
    found: pd.Series = column.to_pandas()
    return found


_NULLABLE = {
    pa.int8(): pd.Int64Dtype(),
    pa.int16(): pd.Int64Dtype(),
    pa.int32(): pd.Int64Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt64Dtype(),
    pa.uint16(): pd.UInt64Dtype(),
    pa.uint32(): pd.UInt64Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


def _texts(column: pa.Array | pa.ChunkedArray) -> pd.Series:
    return pd.Series(column.to_pandas(), dtype="str")


def _binary(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()


def text_of_nested(value: Any) -> str | None:
    """A list of plain values joined by semicolons; anything deeper as JSON; None where empty.

    >>> text_of_nested(["CRM", "HR"]), text_of_nested([{"a": 1}]), text_of_nested([])
    ('CRM;HR', '[{"a": 1}]', None)
    """
    if value is None or value in ([], {}):
        return None
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        texts = [str(item) for item in value]
        if not any(LIST_SIGN in text for text in texts):
            return LIST_SIGN.join(texts)
    return json.dumps(value, ensure_ascii=False, default=str)
