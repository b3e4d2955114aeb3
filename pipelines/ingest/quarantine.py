"""Bad rows apart from good ones: each broken rule named with table, row, column and value; nothing disappears."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.errors import ContractError
from features.kernel.column_reader import number_of, text_of
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from features.schema.vocabulary import Role
from pipelines.ingest.expectations import Expectation, Rule
from pipelines.ingest.reading.delimited_rows import BrokenRow
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.shaping.canonical_shape import ShapedTable
from pipelines.ingest.shaping.repeated_rows import Contradictions, find_repeated_keys, newest_column

COLUMNS = ("table", "row", "rule", "column", "value")
LONGEST_SHOWN = 500  # characters of a value in the quarantine; the whole row is in quarantined_rows.parquet
_LEFT = "the others are in quarantine"
HIDDEN = (Role.PERSONAL, Role.SENSITIVE)

Mask = npt.NDArray[np.bool_]


@dataclass(kw_only=True)
class CheckedTable:
    """A table after its rules: the rows kept, those kept out with their reasons, and warnings about kept rows."""

    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    quarantine: pd.DataFrame
    warnings: pd.DataFrame
    read: int
    left_out: int = 0  # rows of the file that are not of this table
    seen: Mapping[str, frozenset[str]] = field(default_factory=dict)  # ids of all rows read, kept or not
    superseded: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # by a newer row
    notes: tuple[str, ...] = ()  # of rows of one id that contradict each other

    @property
    def quarantined(self) -> int:
        """Distinct rows kept out; a row that breaks several rules counts once."""
        return int(self.quarantine["row"].nunique())

    def reconcile(self, table: str) -> None:
        """Read = kept + quarantined + not of this table, or ContractError."""
        if self.read != len(self.frame) + self.quarantined + self.left_out:
            raise ContractError(
                f"table '{table}': {self.read} rows read, but {len(self.frame)} kept, {self.quarantined} quarantined, "
                f"{self.left_out} not of this table."
            )


def shape_of_text(text: str) -> str:
    """A text with its letters and digits hidden and its punctuation left, so that a broken form still shows.

    >>> shape_of_text("ann@example.org;+49 30 12")
    'xxx@xxxxxxx.xxx;+99 99 99'
    """
    return "".join("9" if c.isdigit() else "x" if c.isalpha() else c for c in text)


def check(
    shaped: ShapedTable,
    raw_broken: Sequence[BrokenRow],
    expectations: Sequence[Expectation],
    parents: Mapping[str, "CheckedTable"],
    source: Source,
    *,
    close_unread: npt.NDArray[np.int64] | None = None,
) -> CheckedTable:
    """Rows of a table apart by its rules.

    A row that breaks several rules is listed once per rule. Of rows with one key one that breaks no other rule is
    kept: the newest where they contradict each other and a column tells it, else the first.

    Parameters
    ----------
    close_unread : numbers of rows that are closed but whose outcome could not be kept; as leads they would seem open
    """
    hidden = hidden_columns(source, shaped.name)
    found = [_list_broken(shaped.name, raw_broken, hide=_may_be_personal(source, shaped.name))]

    bad = np.zeros(len(shaped.frame), dtype=np.bool_)
    unread: dict[str, Mask] = {}
    for item in shaped.unreadable:
        unread[item.column] = np.zeros(len(bad), dtype=np.bool_)
        unread[item.column][item.positions] = True
        bad |= unread[item.column]
        found.append(_list_rows(shaped, item.positions, Rule.TYPE, item.column, item.texts, hide=item.column in hidden))

    if close_unread is not None and close_unread.size:
        lost = np.isin(shaped.rows, close_unread)
        at, key = np.flatnonzero(lost), TABLES[shaped.name].key[0]
        texts = tuple(_text(value) for value in shaped.frame[key].iloc[at])
        found.append(_list_rows(shaped, at, Rule.CLOSE, key, texts, hide=key in hidden))
        bad |= lost

    for rule, impossible in _impossible_answers(shaped, source):
        at = np.flatnonzero(impossible)
        texts = tuple(_text(value) for value in shaped.frame["value"].iloc[at])
        found.append(_list_rows(shaped, at, rule, "value", texts, hide="value" in hidden))
        bad |= impossible

    warnings: list[pd.DataFrame] = []
    contradictions: Contradictions | None = None
    for expectation in expectations:
        shown = expectation.columns[-1]
        if expectation.rule is Rule.UNIQUE:
            newest_by = newest_column(source, shaped.name)
            hit, contradictions = find_repeated_keys(shaped.frame, expectation.columns, newest_by, ~bad)
        else:
            hit = _breaks(shaped.frame, expectation, parents)
        hit = hit & ~_already_unreadable(shaped.name, shown, unread)
        if not hit.any():
            continue

        for rule, part in _split_references(hit, expectation, shaped.frame, parents):
            if rule is Rule.PARENT and shaped.name == "outcomes":  # an outcome that is lost itself took its lead along
                part = part & ~bad
            at = np.flatnonzero(part)
            if not at.size:
                continue
            texts = _values(shaped.frame, expectation, at)
            rows = _list_rows(shaped, at, rule, shown, texts, hide=bool(hidden & set(expectation.columns)))
            (warnings if expectation.warns else found).append(rows)

        if not expectation.warns:
            bad |= hit

    show = key_in_words(source, shaped.name)
    notes = () if contradictions is None else tuple(contradictions.in_words(shaped.name, left=_LEFT, show=show))
    kept = shaped.frame[~bad].reset_index(drop=True)
    key = TABLES[shaped.name].key[0]
    referred = source.flat is None and shaped.name in ("leads", "accounts")
    seen = {key: frozenset(shaped.frame[key].dropna())} if referred else {}
    return CheckedTable(
        frame=kept,
        rows=shaped.rows[~bad],
        quarantine=_join(found),
        warnings=_join(warnings),
        read=len(shaped.frame) + len(raw_broken) + shaped.left_out,
        left_out=shaped.left_out,
        seen=seen,
        superseded=shaped.rows[[] if contradictions is None else contradictions.superseded],
        notes=notes,
    )


def _impossible_answers(shaped: ShapedTable, source: Source) -> Iterator[tuple[Rule, Mask]]:
    """Rows whose number is outside the range of their question, by the bound they break."""
    bounded = {name: question for name, question in source.questions.items() if question.range_words}
    if shaped.name != "answers" or not bounded or not {"question", "value"} <= set(shaped.frame.columns):
        return
    asked = shaped.frame["question"].astype("str")
    for name, question in bounded.items():
        mine = (asked == name).to_numpy(dtype=np.bool_, na_value=False)
        number = np.full(len(asked), np.nan)
        number[mine] = [number_of(value) for value in shaped.frame["value"][mine]]
        if question.minimum is not None and (below := number < question.minimum).any():
            yield Rule.MINIMUM, below
        if question.maximum is not None and (above := number > question.maximum).any():
            yield Rule.MAXIMUM, above


def _already_unreadable(table: str, column: str, unread: Mapping[str, Mask]) -> Mask:
    """Rows whose missing value is missing because it, or the column it is filled from, cannot be read."""
    contract = TABLES[table]
    origin = contract[column].default_from if column in contract.names else None
    none = np.zeros(1, dtype=np.bool_)
    return unread.get(column, none) | unread.get(origin or "", none)


def key_in_words(source: Source, table: str) -> Callable[[str], str]:
    """How a key of a table is shown: as it is, or its shape where it holds what is never shown."""
    return shape_of_text if hidden_columns(source, table) & set(TABLES[table].key) else str


def hidden_columns(source: Source, table: str) -> set[str]:
    """Columns whose values are never shown outside the tables themselves: personal and sensitive ones, and those that
    are read, as they are, from a column of the same file that is one in another table.
    """
    declared = source.tables[table].columns if table in source.tables else {}
    headers = {
        header
        for other in _tables_of_file(source, table)
        for name, column in source.tables[other].columns.items()
        if other != table and column.role in HIDDEN
        for header in column.headers(name)
    }
    return {
        name
        for name, column in declared.items()
        if column.role in HIDDEN or (column.derive is None and headers & set(column.headers(name)))
    }


def _may_be_personal(source: Source, table: str) -> bool:
    """Whether a row that could not be split into columns may hold what is never shown, whichever table it is of."""
    return any(hidden_columns(source, other) for other in _tables_of_file(source, table))


def _tables_of_file(source: Source, table: str) -> list[str]:
    """The tables that are read from the same file, this one among them."""
    location = source.tables[table].location if table in source.tables else None
    if location is None:
        return [table] if table in source.tables else []
    return [name for name, other in source.tables.items() if other.location == location]


def breaks(frame: pd.DataFrame, expectation: Expectation) -> Mask:
    """Rows that break a rule that needs no other table and no other row."""
    return _breaks(frame, expectation, {})


def _breaks(frame: pd.DataFrame, expectation: Expectation, parents: Mapping[str, CheckedTable]) -> Mask:
    column = frame[expectation.columns[-1]]
    rule, bound = expectation.rule, expectation.bound
    hit = pd.Series(False, index=frame.index)

    if rule is Rule.REQUIRED:
        hit = column.isna()
    elif rule is Rule.ALLOWED:
        hit = column.notna() & ~column.isin(expectation.values)
    elif rule is Rule.MINIMUM:
        hit = column < bound
    elif rule in (Rule.MAXIMUM, Rule.CUTOFF):
        hit = column > bound
    elif rule is Rule.KNOWN_ORDER:
        hit = column < frame[expectation.columns[0]]
    elif rule is Rule.REFERENCE and expectation.refers_to is not None:
        parent, key = expectation.refers_to
        if parent in parents:
            hit = column.notna() & ~column.isin(parents[parent].frame[key])

    return hit.fillna(False).to_numpy(dtype=np.bool_)


def _split_references(
    hit: Mask, expectation: Expectation, frame: pd.DataFrame, parents: Mapping[str, CheckedTable]
) -> list[tuple[Rule, Mask]]:
    """A broken reference is either to a row that never was, or to one that was kept out."""
    if expectation.rule is not Rule.REFERENCE or expectation.refers_to is None:
        return [(expectation.rule, hit)]
    parent, key = expectation.refers_to
    once = frame[expectation.columns[-1]].isin(parents[parent].seen.get(key, frozenset())).to_numpy(dtype=np.bool_)
    parts = [(Rule.PARENT, hit & once), (Rule.REFERENCE, hit & ~once)]
    return [(rule, part) for rule, part in parts if part.any()]


def _values(frame: pd.DataFrame, expectation: Expectation, at: npt.NDArray[np.int64]) -> tuple[str, ...]:
    columns = expectation.columns if expectation.rule in (Rule.UNIQUE, Rule.KNOWN_ORDER) else expectation.columns[-1:]
    texts = [[_text(v) for v in frame[name].iloc[at]] for name in columns]
    return tuple(" | ".join(parts) for parts in zip(*texts, strict=True))


def _text(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return value.isoformat(sep=" ")
    return text_of(value) or ""


def _list_rows(
    shaped: ShapedTable, at: npt.NDArray[np.int64], rule: Rule, column: str, texts: Sequence[str], *, hide: bool
) -> pd.DataFrame:
    return _frame(shaped.name, shaped.rows[at], [str(rule)] * len(at), column, texts, hide=hide)


def _list_broken(table: str, broken: Sequence[BrokenRow], *, hide: bool) -> pd.DataFrame:
    rows = np.asarray([b.row for b in broken], dtype=np.int64)
    return _frame(table, rows, [b.rule for b in broken], "", [b.raw for b in broken], hide=hide)


def _frame(
    table: str, rows: npt.NDArray[np.int64], rules: Sequence[str], column: str, texts: Sequence[str], *, hide: bool
) -> pd.DataFrame:
    shown = [(shape_of_text(text) if hide else text)[:LONGEST_SHOWN] for text in texts]
    return pd.DataFrame(
        {
            "table": pd.Series([table] * len(rows), dtype="str"),
            "row": rows,
            "rule": pd.Series(rules, dtype="str"),
            "column": pd.Series([column] * len(rows), dtype="str"),
            "value": pd.Series(shown, dtype="str"),
        },
        columns=list(COLUMNS),
    )


def _join(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    if not filled:
        return _frame("", np.zeros(0, dtype=np.int64), [], "", [], hide=False)
    return pd.concat(filled, ignore_index=True).sort_values(["row", "rule", "column"], kind="stable", ignore_index=True)


def raw_rows(raw: RawTable, checked: CheckedTable, table: str) -> pd.DataFrame:
    """Quarantined rows as the file has them: table, row, raw (JSON of header to text, or the unsplit text)."""
    at = np.flatnonzero(np.isin(raw.rows, checked.quarantine["row"].to_numpy(dtype=np.int64)))
    records = [(int(raw.rows[i]), _record(raw.frame.iloc[i])) for i in at]
    records += [(b.row, json.dumps(b.raw, ensure_ascii=False)) for b in raw.broken]
    records.sort()
    return pd.DataFrame(
        {
            "table": pd.Series([table] * len(records), dtype="str"),
            "row": np.asarray([row for row, _ in records], dtype=np.int64),
            "raw": pd.Series([text for _, text in records], dtype="str"),
        }
    )


def _record(row: pd.Series) -> str:
    return json.dumps({str(name): _text(value) for name, value in row.items()}, ensure_ascii=False)
