"""Which column of one table holds the ids of another: told by the values they share, not by their names alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from pipelines.declaring.column_inference import missing_texts
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.words.header_words import Meaning, Subject, meanings_of, subjects_of, words_of
from pipelines.ingest.key_forms import match_keys
from pipelines.ingest.values.column_texts import without_no_value

UNIQUE = 0.97  # share of a key's rows that hold a value of their own: exports repeat a few rows
_NEARLY_UNIQUE = 0.8  # of a column that stands for its row though several rows may share it (converted contact, mail)
LEAST_SHARE = 0.05  # of distinct values found: fewer are chance, or a handful of test records
_SAMPLE = 300  # values tried before all are compared
_LEAST_IN_SAMPLE = 0.02
_LEAST_VALUES = 2
MOST = 0.5  # share of a column's values that must have a form for the column to have it
_PLAIN_NUMBER = r"\d{1,6}(?:\.0+)?"  # numbers up to a million coincide with counts, years and amounts
_FORMED = r"(?:[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?|\d+(?:\.0+)?|\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?)"
_LISTED = r"^\S+\s*[;|,]\s*\S+$"  # ids in one cell; prose has blanks in it
_MAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"


@dataclass(frozen=True, kw_only=True)
class Link:
    """A column whose values are found in a column of another table.

    Parameters
    ----------
    share : of the distinct values that are found, 0 to 1
    rows : share of the filled rows that are found, 0 to 1
    written_otherwise : distinct values found only in another form (15 and 18 characters, 1000.0, lost zeros)
    """

    child: str
    column: str
    parent: str
    key: str
    share: float
    rows: float
    written_otherwise: int
    examples: tuple[str, ...]

    @property
    def evidence(self) -> str:
        """What speaks for it, in words."""
        forms = f", {self.written_otherwise:,} of them written otherwise" if self.written_otherwise else ""
        shown = ", ".join(self.examples)
        return f"{self.share:.0%} of its values are in {self.parent}.{self.key}{forms}, e.g. {shown}"


class KeyOverlap:
    """Keys of tables, and links between them."""

    def __init__(self, tables: Sequence[ExportTable]) -> None:
        self.tables: Mapping[str, ExportTable] = {table.name: table for table in tables}
        self._values: dict[tuple[str, str], _Values] = {}

    @cached_property
    def keys(self) -> dict[str, str]:
        """The column that identifies the rows of each table, where one does."""
        return {name: key for name, table in self.tables.items() if (key := key_of(table)) is not None}

    def links_to_key(self, parent: str) -> list[Link]:
        """Columns of other tables that hold the ids of a table, those with the largest share first."""
        key = self.keys.get(parent)
        return [] if key is None else self.links_to(parent, key)

    def links_to(self, parent: str, key: str) -> list[Link]:
        """Columns of other tables whose values are found in a column, those with the largest share first."""
        found = [
            link
            for child in self.tables.values()
            if child.name != parent
            for column in child.frame.columns
            if (link := self.link(child.name, str(column), parent, key)) is not None
        ]
        return sorted(found, key=lambda link: (-link.share, link.child, link.column))

    def link(self, child: str, column: str, parent: str, key: str) -> Link | None:
        """The link between two columns; None where their values have nothing to do with each other."""
        values, keys = self.values(child, column), self.values(parent, key)
        if column in self.tables[child].times or len(values.distinct) < _LEAST_VALUES or not keys.distinct:
            return None
        if values.plain_numbers and not self._names_it(column, parent, key, child):
            return None

        sample = values.distinct[:: max(len(values.distinct) // _SAMPLE, 1)]
        near = sum(value in keys.known for value in sample)
        cased = not near and any(value.casefold() in keys.folded for value in sample)
        if not near and ((values.formed and keys.formed) or values.listed or cased):
            near = len(match_keys(pd.Series(sample, dtype="str"), keys.series).matched)
        if near < _LEAST_IN_SAMPLE * len(sample):
            return None

        otherwise: Mapping[str, str] = {}
        left = [value for value in values.distinct if value not in keys.known]
        if left and ((values.formed and keys.formed) or values.listed or cased):
            otherwise = match_keys(values.series, keys.series).matched
        hit = set(values.distinct) - set(left) | set(otherwise)
        share = len(hit) / len(values.distinct)
        if share < LEAST_SHARE:
            return None

        examples = [f"{value} = {otherwise[value]}" for value in list(otherwise)[:1]]
        examples += [value for value in sample if value in keys.known][: 2 - len(examples)]
        return Link(
            child=child,
            column=column,
            parent=parent,
            key=key,
            share=share,
            rows=sum(rows for value, rows in values.rows.items() if value in hit) / sum(values.rows.values()),
            written_otherwise=len(otherwise),
            examples=("hidden, as they are mail addresses",) if values.mails else tuple(examples),
        )

    def values(self, table: str, column: str) -> "_Values":
        """The values of a column, looked at once."""
        if (table, column) not in self._values:
            self._values[table, column] = _Values(self.tables[table].frame[column])
        return self._values[table, column]

    def stand_ins(self, parent: str) -> list[str]:
        """Columns beside the key that may stand for a row: other ids, mail addresses."""
        table = self.tables[parent]
        found = []
        for header in table.frame.columns:
            values = without_no_value(table.frame[header]).dropna()
            alike = len(values) > 1 and values.nunique() >= _NEARLY_UNIQUE * len(values)
            named = {Meaning.ID, Meaning.EMAIL} & meanings_of(str(header))
            if str(header) != self.keys.get(parent) and alike and named and str(header) not in table.times:
                found.append(str(header))
        return found

    def _names_it(self, column: str, parent: str, key: str, child: str) -> bool:
        """Whether a column of plain numbers says by its name that it holds ids of the parent."""
        words = words_of(column)
        if column == self.keys.get(child) and key != self.keys.get(parent):
            return bool(set(subjects_of(child)) & set(subjects_of(key)))  # deals.id in leads.deal_id
        if words == words_of(key) and words not in ("id", "record id"):
            return True
        if key != self.keys.get(parent):  # lead_id counts leads, not the deals that leads.deal_id names
            return Meaning.ID in meanings_of(column) and bool(set(subjects_of(column)) & set(subjects_of(key)))
        kin: set[Subject] = set(subjects_of(parent)) | ({Subject.LEADS, Subject.CONTACTS} & set(subjects_of(parent)))
        if {Subject.LEADS, Subject.CONTACTS} & kin and re.search(r"\b(who|person|contact|lead)\b", words):
            return True
        return Meaning.ID in meanings_of(column) and bool(set(subjects_of(column)) & kin)


def key_of(table: ExportTable) -> str | None:
    """The column that identifies a table's rows: nearly unique, always filled, called an id; None if there is none."""
    best: tuple[float, str] | None = None
    own = set(subjects_of(table.name))
    for place, header in enumerate(map(str, table.frame.columns)):
        values = table.frame[header]
        words, means = words_of(header), meanings_of(header)
        if header in table.times or not len(values) or Meaning.ID not in means or Meaning.SIZE in means:
            continue
        distinct = values.nunique() / len(values)
        if values.notna().mean() < UNIQUE or distinct < UNIQUE:
            continue
        merit = 3.0 * (words in ("id", "record id", "guid")) + 2.0 * bool(own & set(subjects_of(header)))
        merit += 1.0 * (place == 0) + distinct - place / 1000
        if best is None or merit > best[0]:
            best = (merit, header)
    return None if best is None else best[1]


class _Values:
    """Distinct values of a column and what they look like; mail addresses are compared in lower case."""

    def __init__(self, column: pd.Series) -> None:
        counts = column[~column.isin(missing_texts(column))].dropna().value_counts(sort=False)
        sample = pd.Series(counts.index[:_SAMPLE], dtype="str")
        self.mails = bool(sample.str.fullmatch(_MAIL).mean() > MOST)
        self.plain_numbers = bool(sample.str.fullmatch(_PLAIN_NUMBER).mean() > MOST)
        self.formed = bool(sample.str.fullmatch(_FORMED).mean() > MOST)
        self.listed = bool(sample.str.contains(_LISTED, regex=True).mean() > LEAST_SHARE)
        self.rows: dict[str, int] = {}
        for value, rows in zip(counts.index.tolist(), counts.tolist(), strict=True):
            text = value.lower() if self.mails else value
            self.rows[text] = self.rows.get(text, 0) + rows
        self.distinct = list(self.rows)
        self.known = frozenset(self.rows)

    @cached_property
    def folded(self) -> frozenset[str]:
        """The distinct values in lower case."""
        return frozenset(value.casefold() for value in self.distinct)

    @cached_property
    def series(self) -> pd.Series:
        """The distinct values."""
        return pd.Series(self.distinct, dtype="str")
