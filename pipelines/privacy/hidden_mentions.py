"""Addresses that rows about others mention, hidden in tables of files that keep the types they had."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.workspace.people.addresses_in_texts import Hide
from pipelines.workspace.people.coded_letters import AT, holds_at


def hide_in_arrow(rows: pa.Table, hide: Hide, skip: Collection[str] = ()) -> tuple[pa.Table, int]:
    """A table whose texts mention nobody who is meant, but for some columns; in how many cells somebody was.

    Lists and structs are looked into.
    """
    count = 0
    for place, field in enumerate(rows.schema):
        column = rows.column(place)
        if field.name in skip or not _may_mention(column) or not _changes_any(column, hide):
            continue
        values = column.to_pylist()
        cleaned = [_hide_in_value(value, hide) for value in values]
        changed = sum(new != old for new, old in zip(cleaned, values, strict=True) if old is not None)
        if changed:
            rows = rows.set_column(place, field, pa.chunked_array([pa.array(cleaned, type=field.type)]))
            count += changed
    return rows, count


def _may_mention(column: pa.ChunkedArray) -> bool:
    """Whether there is an @, or a code for one, in any of its texts."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return any(_may_mention(pa.chunked_array([chunk.dictionary])) for chunk in column.chunks)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return bool(np.any(pc.fill_null(pc.match_substring_regex(column, AT), False).to_numpy()))
    return bool(pa.types.is_nested(kind))


def _changes_any(column: pa.ChunkedArray, hide: Hide) -> bool:
    """Whether somebody who is meant stands in any of its texts, each asked once; nested ones are looked into later."""
    if pa.types.is_nested(column.type):
        return True
    texts = pc.unique(column.cast(pa.large_string()))
    return any(hide(text) != text for text in texts.filter(pc.match_substring_regex(texts, AT)).to_pylist())


def _hide_in_value(value: Any, hide: Hide) -> Any:
    if isinstance(value, str):
        return hide(value) if holds_at(value) else value
    if isinstance(value, dict):
        return {name: _hide_in_value(part, hide) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_hide_in_value(part, hide) for part in value)
    return value
