"""The last step: from the kernel's columns to feature columns."""

from typing import Any

import numpy as np
import numpy.typing as npt

from features.array_types import Codes, Floats, Ints
from features.catalog.feature import FeatureType
from features.errors import ContractError
from features.kernel.column_reader import Coded, Rows
from features.kernel.feature_plans import Plan
from features.kernel.list_items import count_items, hold_item
from features.kernel.table_arrays import derived_text
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY, NEVER
from features.schema.conditions import Between, IsMissing, Matches, OneOf, number_passes, text_passes
from features.schema.operations import AnswerValue, ColumnValue, Constant


class Swept:
    """What the kernel found for one program: shape (n, columns), and where its rows came from.

    ``happened_at`` is in the order of the table, ``order`` leads from sorted rows to it. ``nobody`` is where there is
    no lead or account to speak of, None if there always is; ``by_column`` are the kernel's columns, each shape (n,).
    """

    def __init__(self, columns: Floats, order: Ints, rows: Rows, happened_at: Ints, entity: Ints, as_of: Ints) -> None:
        self.order, self.rows, self.happened_at = order, rows, happened_at
        self.entity, self.as_of = entity, as_of
        self.by_column: list[Floats] = list(columns.T)
        missing = entity < 0
        self.nobody: npt.NDArray[np.bool_] | None = missing if missing.any() else None
        self._found: dict[int, Ints | None] = {}

    def original(self, column: int) -> Ints | None:
        """Row of the table that a row column points to, -1 for none; None if none points anywhere."""
        if column not in self._found:
            place = self.by_column[column].astype(np.int64)
            self._found[column] = _take(self.order, place, -1) if (place >= 0).any() else None
        return self._found[column]


def _take(values: npt.NDArray[Any], rows: Codes, missing: Any) -> npt.NDArray[Any]:
    """``values[rows]``, ``missing`` where the row is -1."""
    if not values.size:
        return np.full(rows.size, missing, dtype=values.dtype)
    if rows.size == 1:
        row = rows.item()
        return values[row : row + 1] if row >= 0 else np.full(1, missing, dtype=values.dtype)
    return np.where(rows >= 0, values[rows], missing)


def finish(plan: Plan, swept: Swept) -> Floats | Coded:
    """A feature's values: float64 with NaN, or codes of texts; ``when_empty`` where nothing is on record."""
    found = _FINISH[plan.finish](plan, swept)
    nobody = swept.nobody
    if nobody is not None and not isinstance(found, Coded) and plan.finish in ("value", "answered"):
        found = np.where(nobody, np.nan, found)
    if plan.condition is not None:
        flags = _flag_condition(plan, found)
        return flags if nobody is None or plan.feature.when_empty is not None else np.where(nobody, np.nan, flags)
    if isinstance(found, Coded):
        return _finish_text(found, plan)
    if plan.finish == "value" and nobody is None:
        return found  # counts and sums are never missing
    return _fill_empty(found, plan)


def _fill_empty(values: Floats, plan: Plan) -> Floats:
    when_empty = plan.feature.when_empty
    if when_empty is None or isinstance(when_empty, str):
        return values
    return np.where(np.isnan(values), float(when_empty), values)


def _finish_text(found: Coded, plan: Plan) -> Floats | Coded:
    when_empty = plan.feature.when_empty
    if plan.feature.type is FeatureType.NUMBER:
        return np.where(found.codes >= 0, 1.0, 0.0)
    if not isinstance(when_empty, str) or not (found.codes < 0).any():
        return found
    values = (*found.values, when_empty)
    return Coded(np.where(found.codes < 0, len(values) - 1, found.codes), values)


def _flag_condition(plan: Plan, found: Floats | Coded) -> Floats:
    match plan.condition:
        case IsMissing(missing):
            absent = found.codes < 0 if isinstance(found, Coded) else np.isnan(found)
            return np.where(absent == missing, 1.0, 0.0)
        case OneOf() | Matches() as condition if isinstance(found, Coded):
            return _take(text_passes(found.values, condition), found.codes, 0.0)
        case Between() as condition if not isinstance(found, Coded):
            return number_passes(found, condition)
    raise ContractError(
        f"feature '{plan.feature.name}' compares a {'text' if isinstance(found, Coded) else 'number'} by "
        f"{plan.condition}; use values or a pattern for a text, minimum and maximum for a number."
    )


def _value(plan: Plan, swept: Swept) -> Floats:
    return swept.by_column[plan.columns[0]]


def _days(plan: Plan, swept: Swept) -> Floats:
    return np.asarray(swept.by_column[plan.columns[0]] / MICROSECONDS_PER_DAY)


def _trend(plan: Plan, swept: Swept) -> Floats:
    short, long = (swept.by_column[c] for c in plan.columns)
    days, whole = plan.windows
    expected = (long - short) * (days / (whole - days))
    return np.where(long > 0, np.log2((short + 1.0) / (expected + 1.0)), np.nan)


def _lookup(plan: Plan, swept: Swept) -> Floats | Coded:
    row = swept.original(plan.columns[0])
    as_text = plan.read_as in ("text", "filled")
    if plan.read_as == "items":
        return np.full(swept.entity.size, np.nan) if row is None else _read_list(plan, swept, row)
    if row is None:
        size = swept.entity.size
        return Coded(np.full(size, -1, dtype=np.int64), ()) if as_text else np.full(size, np.nan)
    if as_text:
        coded = derived_text(swept.rows, plan.column, plan.derive)
        return Coded(_take(coded.codes, row, -1), coded.values)
    if plan.read_as == "moment":
        moment = _take(swept.rows.moment(plan.column), row, NEVER)
        return np.where(moment == NEVER, np.nan, (swept.as_of - moment) / MICROSECONDS_PER_DAY)
    return _take(swept.rows.number(plan.column), row, np.nan)


def _read_list(plan: Plan, swept: Swept, row: Ints) -> Floats:
    """How many values a list holds, or whether it holds one; missing where there is no list."""
    coded, params = swept.rows.text(plan.column), plan.feature.params
    if not isinstance(params, ColumnValue | AnswerValue):
        raise ContractError(f"feature '{plan.feature.name}' reads a list of {params.table}, which has none.")
    if params.holds is None:
        found = count_items(coded.values, params.separator)
    else:
        found = hold_item(coded.values, params.holds, params.separator)
    return _take(found, _take(coded.codes, row, -1), np.nan)


def _read_answer(swept: Swept, column: int) -> tuple[Ints, npt.NDArray[np.bool_]] | None:
    """Row of the answer in force, and whether it says something: an empty answer is a withdrawn one."""
    row = swept.original(column)
    return None if row is None else (row, _take(swept.rows.text("value").codes, row, -1) >= 0)


def _answer_age(plan: Plan, swept: Swept) -> Floats:
    found = _read_answer(swept, plan.columns[0])
    if found is None:
        return np.full(swept.entity.size, np.nan)
    row, given = found
    happened = _take(swept.happened_at, row, 0)
    return np.where(given, (swept.as_of - happened) / MICROSECONDS_PER_DAY, np.nan)


def _count_answered(plan: Plan, swept: Swept) -> Floats:
    total = np.zeros(swept.entity.size)
    for column in plan.columns:
        found = _read_answer(swept, column)
        if found is not None:
            total += found[1]
    return total


def _constant(plan: Plan, swept: Swept) -> Floats:
    params = plan.feature.params
    return np.full(swept.entity.size, float(params.value) if isinstance(params, Constant) else 0.0)


_FINISH = {
    "value": _value,
    "days": _days,
    "trend": _trend,
    "lookup": _lookup,
    "answer_age": _answer_age,
    "answered": _count_answered,
    "constant": _constant,
}
