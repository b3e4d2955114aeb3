"""Ids that refer to another table, brought into that table's own spelling before any rule asks whether they exist."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.columns import Column
from features.schema.source import Source
from pipelines.artifacts.counts_record import MatchedKeys
from pipelines.ingest.errors import MissingColumnError
from pipelines.ingest.key_forms import DOUBT_WORDS, FORM_WORDS, SHOWN, KeyForm, match_keys
from pipelines.ingest.reading.header_row import match_headers
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.shaping.canonical_shape import ShapedTable
from pipelines.ingest.values.type_casting import plain_texts

_NUMBER = r"\d+(?:\.0+)?"


@dataclass(kw_only=True)
class _Tally:
    """Rows matched and left alone, by the words that say how."""

    matched: dict[str, int] = field(default_factory=dict)
    doubtful: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    unnamed: int = 0  # rows whose own id no row of the parent names
    shared: int = 0  # rows whose value stands for several rows of the parent

    def add(self, words: str, rows: int, examples: list[str], *, doubtful: bool = False) -> None:
        counts = self.doubtful if doubtful else self.matched
        counts[words] = counts.get(words, 0) + rows
        self.examples[words] = [*self.examples.get(words, []), *examples][:SHOWN]


def match_references(
    source: Source, raws: Mapping[str, RawTable], shapes: Mapping[str, ShapedTable]
) -> dict[str, MatchedKeys]:
    """Rewrite ids that mean a row of their parent table but are written otherwise; returns what was done, by column.

    An id is first looked up as it is, then in the forms of :mod:`pipelines.ingest.key_forms`, then in the parent's
    columns that the declaration names under ``through``; what was found is not looked up again. A row's own id
    (a deal's, which its lead names) is looked up in these columns alone. Where such a value stands for several rows,
    the newest row that existed by then is taken, the oldest where none did. Without a table of accounts those of
    closes are looked up among those of leads, which closes are credited through.

    Raises
    ------
    MissingColumnError
        if a column named under ``through`` is not in the parent's file.
    """
    found: dict[str, MatchedKeys] = {}
    if source.flat is not None:
        return found

    for table, shaped in shapes.items():
        for known in TABLES[table].columns:
            declared = source.tables[table].columns.get(known.name)
            refers_to = known.references or "."
            through = () if declared is None else declared.through
            if refers_to == "accounts.account_id" and "accounts" not in shapes and table == "outcomes":
                refers_to, through = "leads.account_id", ()
            parent, key = refers_to.split(".")
            if declared is None or parent not in shapes:
                continue

            own = shapes[parent].frame[key]
            tally = _Tally()
            before = shaped.frame[known.name]
            theirs = bool(through) and known.nullable and _is_own_key(source, table, declared)
            if not theirs:
                # accounts without a table of their own may be named by names of companies, which hold commas
                _match_forms(shaped, known.name, own, tally, lists=refers_to != "leads.account_id")

            left = _not_found(shaped.frame[known.name], own, own_key=theirs)
            for header in through:
                rows = _parent_rows(source, (table, known.name), header, raws[parent], shapes[parent], key)
                left &= ~_match_through(shaped, known.name, left, header, rows, tally)
            if theirs:
                _forget_unmatched(shaped, known.name, left, tally)

            if tally.matched or tally.doubtful or tally.unnamed:
                missing = ~shaped.frame[known.name].isin(own) & before.notna()
                found[f"{table}.{known.name}"] = _record(refers_to, tally, before, int(missing.sum()))
    return found


def _not_found(values: pd.Series, own: pd.Series, *, own_key: bool) -> pd.Series:
    """Which rows hold no id of the parent and may stand for one in another way.

    A row's own number that is some lead's number, too, says nothing: both tables count from one.
    """
    is_id = values.isin(own)
    if own_key:
        is_id &= ~values.str.fullmatch(_NUMBER).fillna(False).astype(bool)
    return values.notna() & ~is_id


def _match_forms(shaped: ShapedTable, name: str, own: pd.Series, tally: _Tally, *, lists: bool) -> None:
    values = shaped.frame[name]
    matches = match_keys(values, own, lists=lists)
    forms = values.map(dict(matches.forms))

    for form, rows in forms.value_counts().items():
        examples = [value for value in matches.matched if matches.forms[value] == form][:SHOWN]
        tally.add(
            FORM_WORDS[KeyForm(str(form))], int(rows), [f"{value} = {matches.matched[value]}" for value in examples]
        )
    for doubt, alike in matches.doubts.items():
        tally.add(DOUBT_WORDS[doubt], int(values.isin(alike).sum()), list(alike[:SHOWN]), doubtful=True)

    if matches.matched:
        shaped.frame[name] = values.map(lambda value: matches.matched.get(value, value)).astype("str")


def _parent_rows(
    source: Source, place: tuple[str, str], header: str, raw: RawTable, parent: ShapedTable, key: str
) -> pd.DataFrame:
    """Columns value, key and since (the parent's clock) of the rows that name something under a header."""
    theirs = match_headers([header], [str(name) for name in raw.frame.columns]).get(header)
    if theirs is None:
        where = source.where("tables", place[0], "columns", place[1], "through")
        raise MissingColumnError(
            where, ".".join(place), header, str(raw.form.get("file", "the file")), map(str, raw.frame.columns)
        )

    places = np.searchsorted(raw.rows, parent.rows)  # rows that repeat a key may have been left out
    texts = plain_texts(raw.frame[theirs].iloc[places].reset_index(drop=True), Column())
    clock = TABLES[parent.name].happened
    rows = pd.DataFrame({"value": texts, "key": parent.frame[key], "since": parent.frame[clock] if clock else pd.NaT})
    rows = rows.dropna(subset=["value", "key"]).sort_values("since", kind="stable")
    return rows.drop_duplicates(["value", "key"])


def _match_through(
    shaped: ShapedTable, name: str, left: pd.Series, header: str, rows: pd.DataFrame, tally: _Tally
) -> pd.Series:
    """Look the rows that are ``left`` up in one column of the parent; returns which were found."""
    values = shaped.frame[name]
    texts, hit = values[left], pd.Series(False, index=values.index)
    if not len(texts) or not len(rows):
        return hit

    texts, rows = _fold_addresses(texts), rows.assign(value=_fold_addresses(rows["value"]))
    written = match_keys(texts, rows["value"]).matched
    texts = texts.map(lambda text: written.get(text, text)).astype("str")
    texts = texts[texts.isin(rows["value"])]
    if not len(texts):
        return hit

    meant = _choose(texts, rows, shaped)
    tally.shared += int(texts.isin(rows["value"][rows["value"].duplicated()]).sum())
    shown = meant.drop_duplicates().head(SHOWN)
    examples = [f"{before} = {key}" for before, key in zip(values.loc[shown.index], shown, strict=True)]
    tally.add(f"through '{header}'", len(meant), examples)
    shaped.frame.loc[meant.index, name] = meant
    hit[meant.index] = True
    return hit


def _fold_addresses(texts: pd.Series) -> pd.Series:
    """Mail addresses in lower case; ids keep theirs."""
    return texts.mask(texts.str.contains("@", regex=False), texts.str.lower())


def _choose(texts: pd.Series, rows: pd.DataFrame, shaped: ShapedTable) -> pd.Series:
    """The key that each text stands for at the moment of its own row."""
    oldest = rows.drop_duplicates("value").set_index("value")["key"]
    meant = texts.map(oldest)

    clock = TABLES[shaped.name].happened
    if clock is not None and rows["value"].duplicated().any():
        asked = pd.DataFrame({"value": texts, "since": shaped.frame.loc[texts.index, clock]}).dropna()
        asked = asked.sort_values("since", kind="stable").reset_index()
        dated = rows.dropna(subset=["since"])
        newest = pd.merge_asof(asked, dated, on="since", by="value").set_index("index")["key"]
        meant = newest.reindex(meant.index).fillna(meant)
    return meant.astype("str")


def _is_own_key(source: Source, table: str, declared: Column) -> bool:
    """Whether rows are looked up by their own id, as deals are in the leads that became them."""
    key = TABLES[table].key[0]
    mine = source.tables[table].columns.get(key)
    return mine is not None and declared.headers("") == mine.headers(key)


def _forget_unmatched(shaped: ShapedTable, name: str, left: pd.Series, tally: _Tally) -> None:
    """A row that nobody names refers to nothing; its own id is no reference that is broken."""
    tally.unnamed = int(left.sum())
    shaped.frame[name] = shaped.frame[name].mask(left)


def _record(refers_to: str, tally: _Tally, before: pd.Series, unmatched: int) -> MatchedKeys:
    return MatchedKeys(
        refers_to=refers_to,
        rows=int(before.notna().sum()),
        matched=tally.matched,
        doubtful=tally.doubtful,
        examples={words: tuple(shown) for words, shown in tally.examples.items()},
        shared=tally.shared,
        unnamed=tally.unnamed,
        unmatched=unmatched,
    )


def describe_matches(found: Mapping[str, MatchedKeys]) -> list[str]:
    """One sentence per column: how many rows were matched, by which form, with examples; then what was left alone."""
    lines = []
    for column, match in found.items():
        if match.matched:
            total, ways = sum(match.matched.values()), _list_ways(match.matched, match)
            lines.append(
                f"{column}: {total:,} of {match.rows:,} ids are written otherwise than in {match.refers_to} and were "
                f"matched: {ways}."
            )
        if match.shared:
            lines.append(
                f"{column}: {match.shared:,} of these stand for several rows; the newest that "
                "existed by then was taken."
            )
        if match.unnamed:
            lines.append(
                f"{column}: {match.unnamed:,} rows are named by no row of {match.refers_to}; they refer to none."
            )
        if match.doubtful:
            total, ways = sum(match.doubtful.values()), _list_ways(match.doubtful, match)
            lines.append(f"{column}: {total:,} ids look like {match.refers_to} but were left alone: {ways}.")
    return lines


def _list_ways(counts: Mapping[str, int], match: MatchedKeys) -> str:
    return "; ".join(f"{words} {rows:,} (e.g. {', '.join(match.examples[words])})" for words, rows in counts.items())
