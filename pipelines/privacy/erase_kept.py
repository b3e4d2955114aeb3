"""People and old rows taken out of copies of database tables (``kept/``), whose rows stand as the database has them.

An ingest asks the database for newer rows alone, so a row that goes from a copy does not come back by itself; one whose
watermark is the newest is asked for again, and goes again.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.source import Source
from pipelines.ingest.errors import MissingColumnError
from pipelines.ingest.reading.formats.arrow_frames import arrow_to_frame
from pipelines.ingest.reading.raw_table import RawTable, number_rows
from pipelines.ingest.row_selection import select_rows
from pipelines.ingest.shaping.canonical_shape import ShapedTable, shape_table
from pipelines.ingest.shaping.declared_columns import headers_that_select
from pipelines.ingest.wide_stages import melt_stages, rows_of_file
from pipelines.privacy.erase_files import Erased
from pipelines.privacy.hidden_mentions import hide_in_arrow
from pipelines.privacy.kept_tables import (
    KeptTable,
    kept_tables,
    note_shortened,
    read_kept,
    write_kept,
)
from pipelines.privacy.person import Person
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.naming_columns import naming_columns
from pipelines.workspace.people.register import Mask, PeopleRegister

_COMPANIES = {"accounts", "expansion"}
KEPT_ROWS = "fetched"  # in the form of what was read: how many rows a copy grew by
Rows = npt.NDArray[np.int64]


class Whom(Protocol):
    """Tells whose an id or an address is: a person's, or that of anybody who was forgotten."""

    def find_leads(self, ids: pd.Series) -> Mask:
        """Which ids are theirs."""
        ...

    def find_addresses(self, cells: pd.Series, *, personal: bool = False) -> Mask:
        """Which cells are an address of theirs; in a ``personal`` column, mention one first."""
        ...

    def hide_addresses(self, text: str) -> str:
        """The text without their addresses."""
        ...


@dataclass(frozen=True)
class OnePerson:
    """A person as whom to look for."""

    person: Person

    def find_leads(self, ids: pd.Series) -> Mask:
        """Which ids are theirs."""
        return np.array([self.person.is_lead(text) for text in ids], dtype=np.bool_)

    def find_addresses(self, cells: pd.Series, *, personal: bool = False) -> Mask:
        """Which cells are an address of theirs; in a ``personal`` column, mention one first."""
        return np.array([self.person.is_address(text, personal=personal) for text in cells], dtype=np.bool_)

    def hide_addresses(self, text: str) -> str:
        """The text without their addresses."""
        return self.person.hide_addresses(text)


@dataclass(frozen=True)
class _Cleaned:
    rows: pa.Table
    removed: int
    emptied: int


def erase_from_kept(source: Source, paths: Paths, whom: Whom, *, dry_run: bool) -> list[Erased]:
    """Take people out of every copy, as ingest leaves them out of its tables.

    A company's row and its deals stay without the person; a copy that cannot be read goes as a whole and is fetched
    anew.
    """
    found = []
    for kept in kept_tables(source, paths):
        rows = read_kept(kept.file)
        if rows is None:
            if not dry_run:
                kept.file.unlink()
            found.append(Erased(kept.file, 1, "file removed: it is damaged, and fetched anew by the next ingest"))
            continue
        cleaned = _without(rows, source, kept, whom)
        if cleaned.removed + cleaned.emptied and not dry_run:
            write_kept(kept.file, cleaned.rows)
        for count, how in ((cleaned.removed, "rows removed"), (cleaned.emptied, "cells emptied")):
            found += [Erased(kept.file, count, how)] if count else []
    return found


def rows_in_kept(source: Source, paths: Paths, whom: Whom) -> dict[str, pd.DataFrame]:
    """Rows of a person in every copy, by table."""
    found = {}
    for kept in kept_tables(source, paths):
        rows = read_kept(kept.file)
        if rows is not None:
            leads, addresses = _hits(rows, source, kept, whom)
            found[kept.file.stem] = arrow_to_frame(rows.filter(pa.array(leads | addresses)))
    return found


def _hits(rows: pa.Table, source: Source, kept: KeptTable, whom: Whom) -> tuple[Mask, Mask]:
    """Rows in which an id is theirs, and rows in which an address is."""
    named = naming_columns(source, kept.tables)
    leads, addresses = np.zeros((2, rows.num_rows), dtype=np.bool_)
    for header in rows.schema.names:
        if header in named.leads:
            leads |= whom.find_leads(_texts(rows, header))
        if header not in named.staff and _holds_texts(rows, header):
            addresses |= whom.find_addresses(_texts(rows, header), personal=header in named.personal)
    return leads, addresses


def _without(rows: pa.Table, source: Source, kept: KeptTable, whom: Whom) -> _Cleaned:
    """The rows without the person: theirs go; of rows that are about a company the cells that name them."""
    named = naming_columns(source, kept.tables)
    leads, addresses = _hits(rows, source, kept, whom)
    if kept.tables and set(kept.tables) <= _COMPANIES:
        found = _empty_cells(rows, [name for name in rows.schema.names if name not in named.staff], whom)
        rows, hidden = hide_in_arrow(found.rows, whom.hide_addresses, named.staff)
        return _Cleaned(rows, 0, found.emptied + hidden)

    stays = leads & ~addresses & _are_deals_of_companies(rows, source, kept, whom)
    for header in _not_of_the_deal(rows, source, kept) if stays.any() else ():
        rows = _emptied(rows, header, stays)
    for header in sorted(named.leads & set(rows.schema.names)) if stays.any() else ():
        rows = _emptied(rows, header, stays & whom.find_leads(_texts(rows, header)))
    gone = (leads | addresses) & ~stays
    rows, hidden = hide_in_arrow(rows.filter(pa.array(~gone)), whom.hide_addresses, named.staff)
    return _Cleaned(rows, int(gone.sum()), int(stays.sum()) + hidden)


def _are_deals_of_companies(rows: pa.Table, source: Source, kept: KeptTable, whom: Whom) -> Mask:
    """Deals with a company that are not the lead's own row under its id."""
    there = np.zeros(rows.num_rows, dtype=np.bool_)
    if "outcomes" not in kept.tables:
        return there
    columns, own = source.tables["outcomes"].columns, there.copy()
    for header in columns["account_id"].headers("account_id") if "account_id" in columns else ():
        there |= rows.column(header).is_valid().to_numpy() if header in rows.schema.names else False
    for header in columns["opportunity_id"].headers("opportunity_id") if "opportunity_id" in columns else ():
        own |= whom.find_leads(_texts(rows, header)) if header in rows.schema.names else False
    return there & ~own & _are_outcomes(rows, source)


def _are_outcomes(rows: pa.Table, source: Source) -> Mask:
    """Rows that ``rows:`` takes for the table of outcomes; none where the copy is of another declaration."""
    try:
        chosen, _ = select_rows(_as_raw(rows, "outcomes"), "outcomes", source)
    except MissingColumnError:
        return np.zeros(rows.num_rows, dtype=np.bool_)
    return np.isin(number_rows(rows.num_rows), chosen.rows)


def _not_of_the_deal(rows: pa.Table, source: Source, kept: KeptTable) -> list[str]:
    """Headers of a copy of several tables that say nothing of a deal or its company: there the lead is described."""
    read = [table for table in kept.tables if table == "outcomes" or table in _COMPANIES]
    of_deals = {header for t in read for name, c in source.tables[t].columns.items() for header in c.headers(name)}
    of_deals |= {header for table in kept.tables for header in headers_that_select(source, table)}
    location = source.tables["outcomes"].location
    if location is not None and location.database is not None and location.database.watermark is not None:
        of_deals.add(location.database.watermark)
    return [header for header in rows.schema.names if header not in of_deals]


def _empty_cells(rows: pa.Table, headers: Sequence[str], whom: Whom) -> _Cleaned:
    count = 0
    for header in headers:
        hit = whom.find_addresses(_texts(rows, header)) if _holds_texts(rows, header) else np.zeros(0, dtype=np.bool_)
        if hit.any():
            rows, count = _emptied(rows, header, hit), count + int(hit.sum())
    return _Cleaned(rows, 0, count)


def _emptied(rows: pa.Table, header: str, hit: Mask) -> pa.Table:
    """The rows with a column that is empty in some of them, of the type it had."""
    place, column = rows.schema.get_field_index(header), rows.column(header)
    made = pc.if_else(pa.array(hit), pa.scalar(None, column.type), column)
    return rows.set_column(place, rows.schema.field(place), made)


def _holds_texts(rows: pa.Table, header: str) -> bool:
    kind = rows.schema.field(header).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_nested(kind))


def _texts(rows: pa.Table, header: str) -> pd.Series:
    return arrow_to_frame(rows.select([header])).iloc[:, 0].astype("str")


@dataclass(frozen=True)
class KeptRows:
    """A table made of a copy, before anything is left out: its rows as the copy has them, and as the contract wants."""

    raw: RawTable
    shaped: ShapedTable

    def in_copy(self, rows: Rows | None = None) -> Rows:
        """The numbers in the copy of all rows, or of some."""
        return rows_of_file(self.raw, self.shaped.rows if rows is None else rows)


def shape_kept(source: Source, kept: KeptTable) -> dict[str, KeptRows]:
    """The tables that are made of a copy."""
    rows = read_kept(kept.file)
    if rows is None or not rows.num_rows:
        return {}
    whole, found = _as_raw(rows, kept.file.name), {}
    for table in kept.tables:
        raw = melt_stages(select_rows(whole, table, source)[0], source, table)
        found[table] = KeptRows(raw, shape_table(raw, table, source))
    return found


def _as_raw(rows: pa.Table, name: str) -> RawTable:
    form = {"format": "database", "file": name}
    return RawTable(frame=arrow_to_frame(rows), rows=number_rows(rows.num_rows), broken=(), form=form)


@contextmanager
def clean_kept(
    source: Source,
    paths: Paths,
    register: PeopleRegister,
    tables: Mapping[str, KeptRows],
    *,
    forgotten: Mapping[str, Rows],
    old: Mapping[str, Rows],
    moment: pd.Timestamp | None,
) -> Iterator[None]:
    """What an ingest leaves out for good does not stay in the copies, once its tables are written.

    A forgotten person's rows go even if it is refused; what is past its retention stays then, as the refusal may be
    about the declaration that says so. Rows go by their number where ingest knew whose they are by another id than the
    lead's own; what else names the person goes as a ``forget`` takes it out. A copy that the ingest did not read is
    never read again: it goes, unless the ingest is refused.

    Parameters
    ----------
    tables : the tables with all their rows, numbered as in what they were read from
    forgotten, old : by table numbers of the rows that were left out
    moment : that from which the age was counted back
    """
    try:
        yield
    except BaseException:
        _clean(source, paths, register, tables, forgotten, refused=True)
        raise
    if moment is not None:
        _note_age(source, paths, tables, old, moment)
    _clean(source, paths, register, tables, forgotten, old)


def _note_age(
    source: Source, paths: Paths, tables: Mapping[str, KeptRows], old: Mapping[str, Rows], moment: pd.Timestamp
) -> None:
    """Write down which copies are about to be shortened, and from when on they have all rows."""
    for kept in kept_tables(source, paths):
        if any(name in old and old[name].size for name in kept.tables if name in tables):
            note_shortened(source, kept, moment)


def _clean(
    source: Source,
    paths: Paths,
    register: PeopleRegister,
    tables: Mapping[str, KeptRows],
    *gone: Mapping[str, Rows],
    refused: bool = False,
) -> None:
    left = {name: _numbers([part[name] for part in gone if name in part]) for name in tables}
    for kept in kept_tables(source, paths):
        mine = [name for name in kept.tables if name in tables]
        if not mine or any(KEPT_ROWS not in tables[name].raw.form for name in mine):
            if not refused:
                kept.file.unlink()
            continue
        drop_rows(kept, tables, left)
    if register.has_forgotten:
        erase_from_kept(source, paths, register, dry_run=False)


def drop_rows(
    kept: KeptTable, tables: Mapping[str, KeptRows], left: Mapping[str, Rows], *, dry_run: bool = False
) -> int:
    """Drop the rows of a copy of which every table that is made of them left out all it had; how many went."""
    read = [table for table in kept.tables if table in tables]
    if not any(left[table].size for table in read):
        return 0
    rows_of = {table: tables[table].shaped.rows for table in read}
    stays = _numbers([tables[table].in_copy(rows_of[table][~np.isin(rows_of[table], left[table])]) for table in read])
    gone = np.setdiff1d(_numbers([tables[table].in_copy(left[table]) for table in read]), stays)
    rows = read_kept(kept.file) if gone.size and not dry_run else None
    if rows is not None:
        keep = np.ones(rows.num_rows, dtype=np.bool_)
        keep[gone - 1] = False
        write_kept(kept.file, rows.filter(pa.array(keep)))
    return int(gone.size)


def _numbers(parts: Sequence[Rows]) -> Rows:
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *parts]))
