"""JSON lines, JSON arrays and documents that list records under a key: nested objects become columns with dots."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.schema.table_source import Location
from pipelines.ingest.errors import EmptyFileError, UnreadableFileError, shorten_name
from pipelines.ingest.reading.delimited_rows import BrokenRow
from pipelines.ingest.reading.encodings import decode
from pipelines.ingest.reading.formats.arrow_frames import text_of_nested
from pipelines.ingest.reading.formats.json_levels import levels_of
from pipelines.ingest.reading.raw_table import RawTable, text_frame
from pipelines.ingest.reading.read_limits import limits_of

NOT_JSON, NAMED_TWICE, NO_TEXT, TOO_DEEP = "json", "json_key", "encoding", "nesting"  # rules of the quarantine
_SHOWN_COLUMNS = 30

_Records = tuple[list[dict[str, str | None]], list[int], list[BrokenRow]]  # those read, their numbers, the others
_DEEPEST = 8  # levels of objects in objects; below it an object is kept as JSON text


class _RepeatedKeyError(ValueError):
    """An object that gives one key twice: which of the values is meant, nobody knows."""


class _TooDeepError(ValueError):
    """A record with more levels of lists and objects than the limit."""


class _Number(str):
    """A number with decimals or an exponent as it is written, told apart from a text of one."""

    __slots__ = ()


class _NoTextError(ValueError):
    """A value with half of a character pair, as programs that cut texts leave it, or with bytes of another encoding."""


def read_json(content: bytes, location: Location, *, what: str) -> RawTable:
    """Rows of JSON text.

    Values are read as texts with all their digits. Of a file with one object per line, a line that is no object is
    kept out and named; a document that is not JSON as a whole is refused.
    """
    decoded = decode(content, location.csv.encoding, what=what)
    text, limits = decoded.text.strip(), limits_of(location)
    if not text:
        raise EmptyFileError(f"{what} is empty ({len(content)} bytes). Export it again.")

    reader = _Reader(limits.nesting)
    lines = reader.is_lines(text) if "\n" in text or not reader.is_deep(text) else False
    if not lines and reader.is_deep(text):
        limits.check_nesting(limits.nesting + 1, what)
    good, numbers, broken = reader.read_lines(text) if lines else _read_document(text, location.records, what)
    if not good and not broken:
        raise EmptyFileError(f"{what} holds no records. Export it again, with its data.")

    header = list(dict.fromkeys(name for record in good for name in record))
    limits.check_shape(len(good), len(header), what)
    nested = sorted(name for name in header if "." in name)
    shown = ", ".join(nested[:_SHOWN_COLUMNS]) + (", ..." if len(nested) > _SHOWN_COLUMNS else "")
    notes = [f"{what}: nested objects are read as columns with dots: {shown}."] if nested else []
    return RawTable(
        frame=text_frame(header, [[record.get(name) for name in header] for record in good]),
        rows=np.asarray(numbers, dtype=np.int64),
        broken=tuple(broken),
        form={"format": "json", "encoding": decoded.encoding, "lines": lines},
        notes=tuple(notes),
        numbers=_rows_of_numbers(good, numbers),
    )


def _rows_of_numbers(
    records: Sequence[Mapping[str, str | None]], rows: Sequence[int]
) -> dict[str, npt.NDArray[np.int64]]:
    """By column, numbers of the rows whose value is a JSON number with decimals."""
    found: dict[str, list[int]] = {}
    for row, record in zip(rows, records, strict=True):
        for name, value in record.items():
            if isinstance(value, _Number):
                found.setdefault(name, []).append(row)
    return {name: np.asarray(hit, dtype=np.int64) for name, hit in found.items()}


def looks_like_json(content: bytes) -> bool:
    """Whether bytes start like JSON records: an object, or an array of objects, that names a key first."""
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"["):
        start = start[1:].lstrip()
        return start.startswith((b"{", b"]"))
    return start.startswith(b"{") and start[1:].lstrip().startswith((b'"', b"}"))


@dataclass(frozen=True)
class _Reader:
    """Reads JSON of at most so many levels: what is deeper is never parsed, as parsing calls itself for each level."""

    most_levels: int

    def is_deep(self, text: str) -> bool:
        """Whether values are nested too deeply; asked of few texts, as most open too few brackets for it."""
        opened = text.count("[") + text.count("{")
        return opened > self.most_levels and levels_of(text) > self.most_levels

    def is_lines(self, text: str) -> bool:
        """Whether each line is a record of its own: the first line is an object by itself, and another follows."""
        first, _, rest = text.partition("\n")
        if not rest.strip():
            return not text.startswith("[") and not self._lists_records(text)
        try:
            return isinstance(self.parse(first), dict)
        except ValueError:
            return any(self._is_object(line) for line in rest.split("\n", 2)[:2])  # the first may be the damaged one

    def read_lines(self, text: str) -> _Records:
        """A record per line."""
        return _sort_records((self.parse, line, line) for line in text.split("\n") if line.strip())

    def parse(self, line: str) -> Any:
        """A value; ValueError if it is none, names a key twice or is nested too deeply."""
        if self.is_deep(line):
            raise _TooDeepError
        return _parse(line)

    def _is_object(self, line: str) -> bool:
        try:
            return isinstance(self.parse(line), dict) and bool(line.strip())
        except ValueError:
            return False

    def _lists_records(self, text: str) -> bool:
        try:
            return bool(_lists_of(self.parse(text)))
        except ValueError:
            return False


def _sort_records(given: Iterable[tuple[Callable[[Any], Any], Any, Any]]) -> _Records:
    """Records as rows, their numbers, and those that are none; each with how it is parsed and how it is shown."""
    good: list[dict[str, str | None]] = []
    numbers: list[int] = []
    broken: list[BrokenRow] = []
    for number, (parse, record, shown) in enumerate(given, 1):
        try:
            good.append(_flat(parse(record)))
            numbers.append(number)
        except (ValueError, RecursionError) as problem:
            known: dict[type[Exception], str] = {
                _RepeatedKeyError: NAMED_TWICE,
                _NoTextError: NO_TEXT,
                _TooDeepError: TOO_DEEP,
            }
            raw = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=True, default=str)
            broken.append(BrokenRow(number, known.get(type(problem), NOT_JSON), _printable(raw)))
    return good, numbers, broken


def _read_document(text: str, key: str | None, what: str) -> _Records:
    try:
        document = json.loads(text, object_pairs_hook=_pairs, parse_int=str, parse_float=_float, parse_constant=_gap)
    except _RepeatedKeyError as problem:
        raise UnreadableFileError(f"{what}: {problem} Correct the export.") from problem
    except json.JSONDecodeError as problem:
        raise UnreadableFileError(
            f"{what} is not valid JSON: line {problem.lineno}, column {problem.colno}: {problem.msg}. Export it again, "
            "or as JSON lines (one object per line), of which single lines may be damaged."
        ) from problem
    except RecursionError as problem:
        raise UnreadableFileError(
            f"{what} is nested too deeply to be a table. Export one object per record."
        ) from problem

    return _sort_records((_as_it_is, record, record) for record in _records(document, key, what))


def _as_it_is(record: Any) -> Any:
    return record


def _records(document: Any, key: str | None, what: str) -> list[Any]:
    if key is not None:
        found = document
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, list):
            known = ", ".join(_lists_of(document)) or "none"
            raise UnreadableFileError(f"{what} lists no records under '{key}'. Lists of records it holds: {known}.")
        return found
    if isinstance(document, list):
        return document
    lists = _lists_of(document)
    if len(lists) > 1:
        raise UnreadableFileError(
            f"{what} lists records under several keys: {', '.join(lists)}. Name one as 'records:'."
        )
    return next(iter(lists.values())) if lists else [document]


def _lists_of(document: Any, prefix: str = "", depth: int = 3) -> dict[str, list[Any]]:
    """Lists of objects by the dotted key they stand under."""
    if not isinstance(document, dict) or not depth:
        return {}
    found: dict[str, list[Any]] = {}
    for key, value in document.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            found[f"{prefix}{key}"] = value
        else:
            found |= _lists_of(value, f"{prefix}{key}.", depth - 1)
    return found


def _parse(line: str) -> Any:
    return json.loads(line, object_pairs_hook=_pairs, parse_int=str, parse_float=_float, parse_constant=_gap)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise _RepeatedKeyError(f"an object names '{shorten_name(twice)}' twice.")
    return found


def _float(digits: str) -> str:
    """A number as it is written, but a whole one without its empty decimals: 1000.0 is the id 1000."""
    whole, _, decimals = digits.partition(".")
    return whole if decimals and not decimals.strip("0") else _Number(digits)


def _gap(_constant: str) -> None:
    """NaN and the infinities, which some libraries write though JSON has no such numbers: missing."""


def _flat(record: Any) -> dict[str, str | None]:
    if not isinstance(record, dict):
        raise ValueError("not an object")
    found: dict[str, str | None] = {}
    for name, value in _walk(record, "", _DEEPEST):
        if name in found:
            raise _RepeatedKeyError(f"two values are called '{shorten_name(name)}'.")
        if not (_is_text(name) and _is_text(value)):
            raise _NoTextError
        found[name] = value
    return found


def _is_text(value: str | None) -> bool:
    """Whether a value can be written as UTF-8."""
    return value is None or value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value)


def _walk(record: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str | None]]:
    for key, value in record.items():
        if isinstance(value, dict) and value and depth:
            yield from _walk(value, f"{prefix}{key}.", depth - 1)
        elif isinstance(value, bool):
            yield f"{prefix}{key}", "true" if value else "false"
        elif isinstance(value, str) or value is None:
            yield f"{prefix}{key}", value
        else:
            yield f"{prefix}{key}", text_of_nested(value)


def _printable(text: str) -> str:
    return text.rstrip("\r\n").encode("utf-8", errors="backslashreplace").decode()
