"""Operations as JSON, by one writer and one reader: their keys are part of every bundle's hash."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_args

from features.errors import ContractError
from features.schema.conditions import Between, IsMissing, Matches, OneOf, condition_from_record
from features.schema.operations import (
    ActivityParams,
    ActivityRows,
    BreadthItem,
    ColumnValue,
    Derivation,
    Params,
    ReadAs,
    Scope,
    StreamPart,
)

_KEYS = {"condition": "test", "read_as": "as"}  # field to key, where they differ
_WRITTEN_WHEN_NONE = frozenset({"kinds", "assets", "window_days", "channel"})
# Every activity operation is written with these two, also those that have no such field.
_UNUSED = {"window_days": None, "distinct_assets": False}
_LISTS = frozenset({"kinds", "assets", "not_assets", "actors", "roles", "won", "products", "questions", "windows_days"})
_CHOICES = {
    "scope": get_args(Scope),
    "item": get_args(BreadthItem),
    "derive": get_args(Derivation),
    "as": get_args(ReadAs),
}


def params_record(params: Params) -> dict[str, Any]:
    """The operation as a JSON-ready mapping.

    >>> from features.schema.operations import CurrentStage
    >>> params_record(CurrentStage())
    {'table': 'stages', 'op': 'current_known'}
    """
    written: dict[str, Any] = {"table": params.table}
    if params.op is not None:
        written["op"] = params.op
    if isinstance(params, ActivityParams):
        written |= _UNUSED | _write_fields(params.rows)
    return written | _write_fields(params)


def _write_fields(value: Any) -> dict[str, Any]:
    return {
        _key(one): _plain(found)
        for one in fields(value)
        if one.name != "rows" and ((found := getattr(value, one.name)) is not None or one.name in _WRITTEN_WHEN_NONE)
    }


def _key(one: Field[Any]) -> str:
    return _KEYS.get(one.name, one.name)


def _plain(value: Any) -> Any:
    match value:
        case OneOf() | Matches() | Between() | IsMissing():
            return value.record()
        case StreamPart():
            return {one.name: _plain(found) for one in fields(value) if (found := getattr(value, one.name)) is not None}
        case tuple():
            return [_plain(one) for one in value]
        case Mapping():
            return dict(value)
    return value


_BY_NAME: Mapping[tuple[str, str | None], type[Any]] = {
    **{(table, None): ColumnValue for table in ("leads", "accounts")},
    **{(kind.table, kind.op): kind for kind in get_args(Params) if kind is not ColumnValue},
}


def params_from_record(record: Mapping[str, Any], feature: str) -> Params:
    """The operation a mapping describes; the reverse of :func:`params_record`.

    Raises
    ------
    ContractError
        for an operation or a key that is not known, naming the feature.
    """
    table, op = record.get("table"), record.get("op")
    kind = _BY_NAME.get((str(table), op))
    if kind is None:
        raise ContractError(f"feature '{feature}' asks for '{op}' of {table}; {_list_known(str(table))}.")

    given = {key: value for key, value in record.items() if key not in ("table", "op")}
    if kind is ColumnValue:
        given["table"] = table
    try:
        if kind in get_args(ActivityParams):
            given = _with_rows(kind, given)
        params: Params = kind(**_arguments(kind, given))
    except (TypeError, ValueError) as problem:
        raise ContractError(
            f"feature '{feature}' ({op or 'value'} of {table}) cannot be read: {problem}. "
            "Train again, or install the version that wrote it."
        ) from problem
    return params


def _with_rows(kind: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that filter rows as one value, and without those that every activity operation is written with."""
    own = {_key(one) for one in fields(kind)}
    used = {key: value for key, value in given.items() if key in own or key not in _UNUSED or value != _UNUSED[key]}
    filters = {_key(one) for one in fields(ActivityRows)}
    rows = ActivityRows(**_arguments(ActivityRows, {key: value for key, value in used.items() if key in filters}))
    return {**{key: value for key, value in used.items() if key not in filters}, "rows": rows}


def _list_known(table: str) -> str:
    ops = [op or "a named column" for name, op in _BY_NAME if name == table]
    if ops:
        return f"known are {', '.join(ops)}"
    return f"known tables are {', '.join(dict.fromkeys(name for name, _ in _BY_NAME))}"


def _arguments(kind: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Keys and values as the fields of a class; ValueError for keys it has not, lacks, or values of another form."""
    known = {_key(one): one for one in fields(kind)}
    wrong = sorted(set(given) - set(known))
    if wrong:
        raise ValueError(f"unknown key {', '.join(map(repr, wrong))}; known are {', '.join(map(repr, known))}")

    needed = [key for key, one in known.items() if one.default is MISSING and one.default_factory is MISSING]
    missing = [key for key in needed if key not in given]
    if missing:
        raise ValueError(f"key {', '.join(map(repr, missing))} is missing")
    return {known[key].name: _value(key, value) for key, value in given.items()}


def _value(key: str, value: Any) -> Any:
    if value is None:
        return None
    if key in _CHOICES and value not in _CHOICES[key]:
        raise ValueError(f"'{key}' is {value!r}; known are {', '.join(_CHOICES[key])}")
    if key in _LISTS:
        if not isinstance(value, list):
            raise ValueError(f"'{key}' is {value!r}, not a list")
        return tuple(value)
    if key == "test":
        return condition_from_record(value)
    if key == "parts":
        return tuple(StreamPart(**_arguments(StreamPart, part)) for part in value)
    return value
