"""The source's rows by lead, with what was posted to the server since."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import ColumnElement, or_, true

from features.array_types import Bools, Ints, Tables
from features.assembly.closed_leads import ClosedLead, closed_leads
from features.assembly.flat_outcomes import flat_ids
from features.cohort.cohort import chosen_leads, cutoff_of
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from pipelines.posted.taken_record import TakenRecord
from pipelines.scoring.shown_columns import shown_columns
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables

Records = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class RowIndex:
    """Row numbers of a table by code: those of code c are ``order[starts[c]:starts[c + 1]]``."""

    starts: Ints
    order: Ints

    @classmethod
    def of(cls, codes: Ints, size: int) -> "RowIndex":
        """Index of codes 0..size-1; rows with code -1 are left out."""
        order = np.argsort(codes, kind="stable")
        order = order[np.searchsorted(codes[order], 0) :]
        return cls(np.searchsorted(codes[order], np.arange(size + 1)), order)

    def rows(self, codes: Iterable[int]) -> Ints:
        """Row numbers of the codes, ascending."""
        parts = [self.order[self.starts[c] : self.starts[c + 1]] for c in codes if c >= 0]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class PostedInData:
    """Which of the rows posted to the server the data hold: by table up to an id, and up to a moment."""

    last: Mapping[str, int] = field(default_factory=dict)
    through: datetime | None = None

    def is_missing(self, name: str, table: Any) -> ColumnElement[bool]:
        """Condition on a table of the store: rows that the data do not hold yet."""
        if self.through is None:
            return true()
        return or_(table.id > self.last.get(name, 0), table.known_at > self.through)


@dataclass(frozen=True)
class KeptPosted:
    """Posted rows of a table up to the id ``last``; ``mark``: their number, the sum of their ids, the last known_at.

    ``moved`` is that of the data as they were read.
    """

    last: int
    mark: tuple[int, int, datetime]
    rows: pd.DataFrame
    moved: int


class LeadData:
    """Canonical tables with an index by lead and by account.

    ``kept_posted`` belongs to :func:`serving.state.posted_frames.read_all_posted`: what it read last. ``moved`` is the
    last entry of the trail by which posted rows went from one lead to another: what was worked out of them before does
    not hold.
    """

    def __init__(self, tables: Tables, source: Source, posted: PostedInData | None = None) -> None:
        posted = posted or PostedInData()
        self.source = source
        self.stamp: tuple[int, ...] = ()
        self.posted = posted
        self.kept_posted: dict[str, KeptPosted] = {}
        self.moved = 0
        self.tables = {name: in_one_piece(frame) for name, frame in tables.items()}
        leads = _with_lead_id(self.tables["leads"], source)
        self.tables["leads"] = leads
        self.lead_ids = pd.Index(leads["lead_id"].astype("str"))
        self.flat = source.kind == "flat"
        self.cutoff = None if self.flat else cutoff_of(self.tables, source)

        account = leads["account_id"].astype("str") if "account_id" in leads else pd.Series(pd.NA, index=leads.index)
        self.account_of, accounts = pd.factorize(account)
        self.account_ids = pd.Index(accounts)
        self._mates = RowIndex.of(self.account_of.astype(np.int64), len(self.account_ids))

        self._by_lead: dict[str, RowIndex] = {}
        self._by_account: dict[str, RowIndex] = {}
        for name, frame in self.tables.items():
            if "lead_id" in frame and name != "leads":
                codes = self.lead_ids.get_indexer(pd.Index(frame["lead_id"].astype("str")))
                self._by_lead[name] = RowIndex.of(codes.astype(np.int64), len(self.lead_ids))
            if "account_id" in frame and name != "leads":
                codes = self.account_ids.get_indexer(pd.Index(frame["account_id"].astype("str")))
                self._by_account[name] = RowIndex.of(codes.astype(np.int64), len(self.account_ids))

    def __len__(self) -> int:
        return len(self.lead_ids)

    def code(self, lead_id: str) -> int:
        """Row of a lead, -1 if it is unknown."""
        return int(self.lead_ids.get_indexer(pd.Index([lead_id], dtype="str"))[0])

    def account_id_of(self, lead_id: str) -> str:
        """Account of a lead, empty if it has none."""
        code = self.code(lead_id)
        account = int(self.account_of[code]) if code >= 0 else -1
        return str(self.account_ids[account]) if account >= 0 else ""

    def codes(self, lead_ids: "pd.Series | pd.Index") -> Ints:
        """Rows of leads, -1 where one is unknown."""
        return self.lead_ids.get_indexer(pd.Index(lead_ids.astype("str"))).astype(np.int64)

    @cached_property
    def groups(self) -> Ints:
        """By row of the leads, a number that leads of one account share."""
        alone = np.arange(len(self.lead_ids)) + len(self.account_ids)
        return np.where(self.account_of >= 0, self.account_of, alone).astype(np.int64)

    def with_account_mates(self, codes: Sequence[int]) -> Ints:
        """Rows of the leads and of all leads of their accounts."""
        accounts = {int(self.account_of[c]) for c in codes}
        return np.union1d(np.asarray(codes, dtype=np.int64), self._mates.rows(sorted(accounts)))

    def leads_of_account(self, account_id: str) -> list[str]:
        """Ids of the leads of an account, none if it is unknown."""
        at = int(self.account_ids.get_indexer(pd.Index([account_id]))[0])
        return [] if at < 0 else [str(self.lead_ids[row]) for row in self._mates.rows([at])]

    def stages_of(self, lead_ids: Sequence[str]) -> pd.DataFrame:
        """The stages of the data that some leads entered, in no order."""
        codes, index = self.codes(pd.Series(lead_ids, dtype="str")), self._by_lead.get("stages")
        rows = np.empty(0, dtype=np.int64) if index is None else index.rows(sorted({int(c) for c in codes if c >= 0}))
        return self.tables["stages"].iloc[rows]

    def tables_for(self, codes: Sequence[int]) -> dict[str, pd.DataFrame]:
        """All rows that can bear on the features of some leads, as tables."""
        if self.flat:
            return {"leads": self.tables["leads"].iloc[list(codes)].reset_index(drop=True)}
        mates = self.with_account_mates(codes)
        accounts = sorted({int(c) for c in self.account_of[mates]})

        found = {"leads": self.tables["leads"].iloc[mates].reset_index(drop=True)}
        for name in TABLES:
            if name == "leads":
                continue
            rows = [index.rows(mates) for index in [self._by_lead.get(name)] if index is not None]
            rows += [index.rows(accounts) for index in [self._by_account.get(name)] if index is not None]
            picked = np.unique(np.concatenate(rows)) if rows else np.empty(0, dtype=np.int64)
            found[name] = self.tables[name].iloc[picked].reset_index(drop=True)
        return found

    def closed(self, code: int, as_of: datetime | None = None) -> ClosedLead | None:
        """How a lead ended, None while it is open; as far as was known at ``as_of`` (default: at the data cut-off)."""
        lead_id = str(self.lead_ids[code])
        if as_of is None or self.cutoff is None or pd.Timestamp(as_of) == self.cutoff:
            return self.closed_now.get(lead_id)
        return closed_leads(self.tables_for([code]), self.source, pd.Timestamp(as_of)).get(lead_id)

    def is_chosen(self, code: int) -> bool:
        """Whether a lead may be on a list of open leads: it is one of ``cohort.where``, and does not object."""
        return bool(chosen_leads(self.tables["leads"].iloc[[code]], self.source)[0])

    @cached_property
    def closed_now(self) -> dict[str, ClosedLead]:
        """Every lead that is over at the data cut-off, by id."""
        return closed_leads(self.tables, self.source, self.cutoff)

    @cached_property
    def owners(self) -> dict[str, str]:
        """Owner by lead, of leads that have one."""
        if "owner" not in self.tables["leads"]:
            return {}
        named = zip(self.lead_ids, self.tables["leads"]["owner"], strict=True)
        return {str(lead): str(owner) for lead, owner in named if not pd.isna(owner) and owner != ""}

    def display(self, code: int) -> dict[str, str]:
        """What is shown of a lead and its account but never learned from: name, company, owner, link.

        Nothing of a lead that is not in the data (code -1).
        """
        return {} if code < 0 else {name: text for name, text in self._display_pairs(code) if text}

    def _display_pairs(self, code: int) -> Iterable[tuple[str, str]]:
        row = self.tables["leads"].iloc[code]
        for name in shown_columns(self.source, "leads"):
            if name in row.index:
                yield name, _text_of(row[name])
        account = int(self.account_of[code])
        index = self._by_account.get("accounts")
        if account >= 0 and index is not None:
            snapshots = self.tables["accounts"].iloc[index.rows([account])]
            for name in shown_columns(self.source, "accounts"):
                if name in snapshots and len(snapshots):
                    yield name, _text_of(snapshots[name].iloc[-1])

    def displays(self, codes: Sequence[int]) -> list[dict[str, str]]:
        """:meth:`display` of several leads at once; none of a lead whose code is -1."""
        at = np.asarray(codes, dtype=np.int64)
        found: list[dict[str, str]] = [{} for _ in at]
        known = np.flatnonzero(at >= 0)
        index = self._by_account.get("accounts")
        parts = [("leads", known, at[known])]
        if index is not None:
            account = self.account_of[at[known]]
            last = [int(index.rows([one])[-1]) if one >= 0 and len(index.rows([one])) else -1 for one in account]
            parts.append(("accounts", known, np.array(last, dtype=np.int64)))
        for table, places, rows in parts:
            frame = self.tables[table]
            for name in shown_columns(self.source, table):
                if name in frame:
                    values = frame[name].iloc[rows[rows >= 0]].tolist()
                    for place, value in zip(places[rows >= 0], values, strict=True):
                        if text := _text_of(value):
                            found[place][name] = text
        return found

    def owner(self, code: int) -> str:
        """Owner of a lead, empty if none is on record or the lead is not in the data (code -1)."""
        leads = self.tables["leads"]
        return _text_of(leads["owner"].iloc[code]) if code >= 0 and "owner" in leads else ""

    def shown_to(self, owner: str | None) -> Bools:
        """:meth:`is_shown_to` of every lead."""
        if owner is None:
            return np.ones(len(self), dtype=np.bool_)
        if "owner" not in self.tables["leads"]:
            return np.zeros(len(self), dtype=np.bool_)
        own = self.tables["leads"]["owner"].astype("str") == owner
        return np.asarray(own.fillna(False), dtype=np.bool_)

    def is_shown_to(self, code: int, owner: str | None) -> bool:
        """Whether a lead is of the one owner whose leads a caller sees; None sees all."""
        return owner is None or (code >= 0 and self.owner(code) == owner)

    def are_named_to(self, lead_ids: Sequence[str], owner: str | None) -> Bools:
        """Whether each of some leads is in the data still, and of the one owner whose leads a caller sees."""
        codes = self.codes(pd.Series(lead_ids, dtype="str"))
        return np.asarray((codes >= 0) & self.shown_to(owner)[codes], dtype=np.bool_)


def _text_of(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _with_lead_id(leads: pd.DataFrame, source: Source) -> pd.DataFrame:
    """The leads with a ``lead_id``: flat files may name leads by another column, or by their row alone."""
    if source.flat is None:
        return leads
    return leads.assign(lead_id=flat_ids(leads, source.flat))


def load_data(context: Context) -> LeadData:
    """The ingested tables of a source, indexed; DataError if ingest has not run."""
    taken = TakenRecord.read(context.paths) if TakenRecord.exists(context.paths) else None
    posted = None if taken is None else PostedInData(taken.last, taken.moment)
    return LeadData(load_tables(context.paths), context.source, posted)


def to_records(tables: Mapping[str, pd.DataFrame]) -> Records:
    """Tables as records, the form of a request."""
    return {name: rows_of(frame) for name, frame in tables.items()}


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame as records with text keys."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict(orient="records")]


def in_one_piece(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table; columns of Arrow texts that lie in several pieces are joined.

    A file is read in many pieces, and picking rows from such a column costs as much as the column is long.

    >>> parts = [pd.Series(["a", None], dtype="str"), pd.Series(["b"], dtype="str")]
    >>> whole = in_one_piece(pd.concat(parts, ignore_index=True).to_frame("text"))
    >>> whole["text"].dtype == "str", whole["text"].fillna("-").tolist()
    (True, ['a', '-', 'b'])
    """
    joined: dict[str, pd.Series] = {}
    for name, column in frame.items():
        values = column.array
        if isinstance(values, pd.arrays.ArrowStringArray):
            pieces = pa.chunked_array(values.__arrow_array__())
            if pieces.num_chunks > 1:
                whole = pd.arrays.ArrowStringArray(pieces.combine_chunks(), dtype=values.dtype)  # type: ignore[call-arg]  # the stubs leave it out
                joined[str(name)] = pd.Series(whole, index=frame.index)
    return frame.assign(**joined) if joined else frame
