"""Values of features of a user's own, many moments at a time or one."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.catalog.feature import Feature, FeatureType
from features.errors import ContractError
from features.kernel.column_reader import Coded, text_of
from features.own_features.registered import function_of
from features.own_features.seen_rows import SeenRows, SeenTable
from features.schema.operations import OwnFunction

_ROWS = 1_000_000  # rows seen at a time: a million rows of ten columns take about 0.2 GB
Look = Callable[[str, str], SeenTable]  # rows of a table in a scope as the moments see them
SCOPES = {"accounts": "account"}  # all other tables are the lead's own


def compute_own(features: Sequence[Feature], tables: Sequence[str], look: Look, as_of: Ints) -> list[Floats | Coded]:
    """Values of the features for every moment, in their order.

    Raises
    ------
    ContractError : a function fails, or gives what is no value of its type
    """
    seen = {name: look(name, SCOPES.get(name, "lead")) for name in tables}
    found: list[list[Any]] = [[] for _ in features]
    for first, last in _parts(seen, len(as_of)):
        moments = pd.DataFrame({"as_of": as_of[first:last].astype("datetime64[us]")})
        rows = SeenRows(moments, {name: table.frame(first, last) for name, table in seen.items()})
        for values, feature in zip(found, features, strict=True):
            values.extend(values_of(feature, rows))
    return [_column(feature, values) for feature, values in zip(features, found, strict=True)]


def _parts(seen: dict[str, SeenTable], length: int) -> list[tuple[int, int]]:
    """Runs of moments that together see about :data:`_ROWS` rows."""
    if not length:
        return []
    counts = sum((table.slices.hi - table.slices.lo for table in seen.values()), np.zeros(length, dtype=np.int64))
    part = np.cumsum(counts) // _ROWS
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    return list(zip(starts.tolist(), [*starts[1:].tolist(), length], strict=True))


def values_of(feature: Feature, rows: SeenRows, *, slowly: bool = False) -> list[Any]:
    """One plain value per moment, None where missing; ``slowly`` asks the oracle, one lead at a time."""
    params = feature.params
    if not isinstance(params, OwnFunction):
        raise ContractError(f"feature '{feature.name}' is no function of a user's own.")
    if params.function is None or slowly:
        oracle = function_of(params.oracle, feature.name)
        found = [_call(feature, params.oracle, oracle, lead) for lead in rows.singly()]
        return [_plain(feature, params.oracle, value) for value in found]
    given = _call(feature, params.function, function_of(params.function, feature.name), rows)
    if isinstance(given, pd.Series):
        if not given.index.is_unique:
            twice = given.index[given.index.duplicated()][0]
            _refuse(feature, params.function, f"gave more than one value for moment {twice!r:.80}; group by 'moment'")
        given = given.reindex(rows.moments.index)
    listed = list(given) if hasattr(given, "__len__") else []
    if len(listed) != len(rows):
        _refuse(
            feature, params.function, f"gave {type(given).__name__} of length {len(listed)} for {len(rows)} moments"
        )
    return [_plain(feature, params.function, value) for value in listed]


def _call(feature: Feature, named: str, function: Callable[..., Any], given: Any) -> Any:
    try:
        return function(given)
    except ContractError:
        raise
    except Exception as problem:
        raise ContractError(
            f"feature '{feature.name}': {named} failed with {type(problem).__name__}: {problem!s:.300}. It is handed "
            "the rows known before a moment, which may be none; see docs/own_code.md."
        ) from problem


def _plain(feature: Feature, named: str, value: Any) -> float | str | None:
    gap = isinstance(value, float | np.floating) and np.isnan(value)  # of single precision too
    if gap or value is None or value is pd.NA or value is pd.NaT:
        return None
    if feature.type is FeatureType.CATEGORY:
        if not isinstance(value, str):
            _refuse(feature, named, f"gave {value!r:.80}, no text, though it is declared a category")
        return text_of(value)
    try:
        number = float(value) if isinstance(value, Real | Decimal | np.bool_) else np.nan
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        _refuse(feature, named, f"gave {value!r:.80}, no finite number; missing is None or NaN")
    return number


def _refuse(feature: Feature, named: str, what: str) -> NoReturn:
    raise ContractError(f"feature '{feature.name}': {named} {what}. See docs/own_code.md.")


def _column(feature: Feature, values: list[Any]) -> Floats | Coded:
    filled = [feature.when_empty if value is None else value for value in values]
    if feature.type is FeatureType.NUMBER:
        return np.array([np.nan if value is None else float(value) for value in filled], dtype=np.float64)
    texts = sorted({str(value) for value in filled if value is not None})
    place: dict[Any, int] = {text: k for k, text in enumerate(texts)}
    return Coded(np.array([-1 if v is None else place[v] for v in filled], dtype=np.int64), tuple(texts))
