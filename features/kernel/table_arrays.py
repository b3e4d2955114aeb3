"""The tables of one call as arrays: entities, clocks, classes and items of every row."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Codes, Ints
from features.catalog.families.job_titles import DERIVATIONS
from features.kernel.column_reader import Coded, RecordRows, Rows
from features.kernel.program import FIELDS, Item, TableProgram
from features.kernel.sorting import SortKeys
from features.point_in_time.microseconds import NEVER
from features.point_in_time.visibility import ALWAYS, UNKNOWN
from features.schema.canonical_tables import TABLES
from features.schema.vocabulary import Actor, Stage

_FEW_CODES = 1_000  # rows up to which a look-up per row beats a table of all combinations
_FEW_ROWS = 200  # records up to which a look-up per row beats arrays
_LEAD = str(Actor.LEAD)
_ASSETS = {"outcomes": "product", "answers": "question", "stages": "stage"}
_STAGE_RANK = {str(stage): rank for rank, stage in enumerate(Stage)}


def derived_text(rows: Rows, column: str, derive: str | None) -> Coded:
    """A text column, or what a title column says (``derive``: seniority or function)."""
    coded = rows.text(column)
    if derive is None:
        return coded
    read = [DERIVATIONS[derive](value) for value in coded.values]
    kept = sorted({text for text in read if text is not None})
    place = {text: i for i, text in enumerate(kept)}
    renumber = np.asarray([-1 if text is None else place[text] for text in read] + [-1], dtype=np.int64)
    return Coded(renumber[coded.codes], tuple(kept))


@dataclass(frozen=True)
class Clocks:
    """When each row became known and happened, and the lead and account it belongs to (-1: none)."""

    lead: Ints
    account: Ints
    known_at: Ints
    happened_at: Ints


class EncodedTables:
    """All tables of one call; leads and accounts get codes in the order of their ids."""

    def __init__(self, tables: Mapping[str, Rows], title_column: str | None = None) -> None:
        self.tables = tables
        leads = tables["leads"]
        coded = leads.text("lead_id")
        self.lead_ids = coded.values
        self._lead_code = {name: i for i, name in enumerate(coded.values)}

        accounts = leads.text("account_id")
        self.account_ids = accounts.values
        self._account_code = {name: i for i, name in enumerate(accounts.values)}

        self.account_of_lead = np.full(len(coded.values) + 1, -1, dtype=np.int64)
        self.account_of_lead[coded.codes] = accounts.codes
        self.account_of_lead[-1] = -1

        self._clocks: dict[str, Clocks] = {}
        self._ties: dict[tuple[str, tuple[str, ...]], Ints] = {}
        known, _ = self._moments("leads")
        self.lead_known_at = np.full(len(coded.values) + 1, UNKNOWN, dtype=np.int64)
        self.lead_known_at[coded.codes] = known
        self.role = self._roles(coded.codes, title_column)

    def _roles(self, lead: Codes, title_column: str | None) -> Coded:
        codes = np.full(len(self.lead_ids) + 1, -1, dtype=np.int64)
        if title_column is None:
            return Coded(codes, ())
        roles = derived_text(self.tables["leads"], title_column, "seniority")
        codes[lead] = roles.codes
        codes[-1] = -1
        return Coded(codes, roles.values)

    def lead_codes(self, names: Coded) -> Ints:
        """Codes of leads by id, -1 where unknown."""
        return np.asarray([self._lead_code.get(v, -1) for v in names.values] + [-1], dtype=np.int64)[names.codes]

    def account_codes(self, names: Coded) -> Ints:
        """Codes of accounts by id, -1 where no lead belongs to them."""
        return np.asarray([self._account_code.get(v, -1) for v in names.values] + [-1], dtype=np.int64)[names.codes]

    def _moments(self, table: str) -> tuple[Ints, Ints]:
        rows = self.tables[table]
        known_name = TABLES[table].clock
        happened_name = TABLES[table].happened or known_name
        known, happened = rows.moment(known_name), rows.moment(happened_name)
        never = known == NEVER
        if never.any():
            known = np.where(never, happened, known)
        if table in ("leads", "accounts"):
            known = np.where(known == NEVER, ALWAYS, known)
            return known, known
        known = np.where(known == NEVER, UNKNOWN, known)
        return known, np.where(happened == NEVER, known, happened)

    def clocks(self, table: str) -> Clocks:
        """Entities and clocks of a table's rows."""
        if table not in self._clocks:
            rows = self.tables[table]
            known, happened = self._moments(table)
            lead = self.lead_codes(rows.text("lead_id")) if table != "accounts" else np.full(len(rows), -1)
            account = self.account_of_lead[lead]
            if table in ("accounts", "outcomes"):
                named = rows.text("account_id")
                account = np.where(named.codes >= 0, self.account_codes(named), account)
            self._clocks[table] = Clocks(lead, account, known, happened)
        return self._clocks[table]

    def keys(self, program: TableProgram) -> SortKeys:
        """Sort keys of a program's table in its scope."""
        table = base_table(program.table)
        clocks = self.clocks(table)
        by_account = program.scope == "account"
        known = clocks.known_at
        if by_account and table in ("activities", "answers", "stages"):
            known = np.maximum(known, self.lead_known_at[clocks.lead])
        entity = clocks.account if by_account else clocks.lead
        value = self.tables[table].number("value") if program.sums else np.empty(0)
        keys = SortKeys(entity, known, clocks.happened_at, self._tie(program), value)
        return self._without_duplicates(table, keys)

    def entities(self, scope: str) -> int:
        """Number of leads or accounts."""
        return len(self.account_ids) if scope == "account" else len(self.lead_ids)

    def _tie(self, program: TableProgram) -> Ints:
        table = base_table(program.table)
        rows = self.tables[table]
        by_table: dict[str, tuple[str, ...]] = {
            "activities": ("kind", "channel") if program.picks_rows else ("kind",),
            "answers": ("question", "value", "channel"),
            "outcomes": ("won", "product", "deal_kind"),
        }
        names = program.looked_up if table == "accounts" else by_table.get(table, ())
        if (table, names) not in self._ties:
            self._ties[table, names] = self._rank_ties(table, rows, names)
        return self._ties[table, names]

    def _rank_ties(self, table: str, rows: Rows, names: tuple[str, ...]) -> Ints:
        tie = np.zeros(len(rows), dtype=np.int64)
        if len(rows) < 2:
            return tie
        if table == "stages":
            stage = rows.text("stage")
            tie = np.asarray([_STAGE_RANK.get(v, -1) for v in stage.values] + [-1], dtype=np.int64)[stage.codes]
        for name in names:
            coded = rows.text(name)
            tie = tie * (len(coded.values) + 1) + coded.codes + 1
            if table == "accounts":
                tie = np.unique(tie, return_inverse=True)[1].astype(np.int64)
        return tie

    def _without_duplicates(self, table: str, keys: SortKeys) -> SortKeys:
        if table != "activities":
            return keys
        repeated = self.tables[table].find_repeated("activity_id")
        if not len(repeated):
            return keys
        ids = self.tables[table].text("activity_id").codes[repeated]
        owner = self.clocks(table).lead[repeated]
        order = np.lexsort(
            [k[repeated] for k in (keys.value, keys.tie, keys.happened_at, keys.known_at) if k.size] + [owner, ids]
        )
        ids, owner = ids[order], owner[order]
        again = np.r_[False, (ids[1:] == ids[:-1]) & (owner[1:] == owner[:-1])]
        entity = keys.entity.copy()
        entity[repeated[order[again]]] = -1
        return SortKeys(entity, keys.known_at, keys.happened_at, keys.tie, keys.value)

    def classes(self, program: TableProgram) -> npt.NDArray[np.int32]:
        """Class of every row of a program's table."""
        table = base_table(program.table)
        rows = self.tables[table]
        if isinstance(rows, RecordRows) and len(rows) <= _FEW_ROWS:
            columns = [self._list_texts(table, rows, name) for name in program.used_fields]
            return program.classes_of(list(zip(*columns, strict=True)) if columns else [()] * len(rows))

        codes = np.zeros(len(self.tables[table]), dtype=np.int64)
        sizes: list[int] = []
        for position, name in enumerate(FIELDS[program.table]):
            if not program.uses_field(name):
                program.signatures(position, [None])
                sizes.append(1)
                continue
            coded = self._field(table, name)
            numbers = program.signatures(position, [*coded.values, None])
            size = int(numbers.max()) + 1
            codes = codes * size + numbers[coded.codes]
            sizes.append(size)

        return self._compact(program, codes, sizes)

    def _compact(self, program: TableProgram, codes: Ints, sizes: list[int]) -> npt.NDArray[np.int32]:
        total = math.prod(sizes)
        if codes.size <= _FEW_CODES:  # the table below is as long as all that could be
            listed = codes.tolist()
            known = {code: program.class_of(_split_code(code, sizes)) for code in set(listed)}
            return np.array([known[code] for code in listed], dtype=np.int32)
        present = set(codes.tolist()) if codes.size < total else np.flatnonzero(np.bincount(codes, minlength=total))
        table = np.zeros(total, dtype=np.int32)
        for code in present:
            table[code] = program.class_of(_split_code(int(code), sizes))
        return table[codes]

    def _list_texts(self, table: str, rows: RecordRows, name: str) -> list[str | None]:
        """A field of every row as text; :meth:`_field` for a few rows."""
        if name == "role":
            names = (*self.role.values, None)
            return [names[code] for code in self.role.codes[self.clocks(table).lead].tolist()]
        texts = rows.texts(name)
        return [text or _LEAD for text in texts] if name == "actor" else texts

    def _field(self, table: str, name: str) -> Coded:
        if name == "role":
            return Coded(self.role.codes[self.clocks(table).lead], self.role.values)
        coded = self.tables[table].text(name)
        if name == "actor":  # no actor on record: the lead's own
            values = (*coded.values, _LEAD)
            return Coded(np.where(coded.codes < 0, len(values) - 1, coded.codes), values)
        return coded

    def items(self, program: TableProgram, order: Ints) -> npt.NDArray[np.int32]:
        """What breadth counts, per sorted row: shape (3, rows), -1 where missing; (3, 0) if nothing is needed."""
        table = base_table(program.table)
        by_lead = program.uses(Item.LEAD) or program.uses_bots
        if not (by_lead or program.uses(Item.ASSET) or program.uses(Item.ROLE)):
            return np.empty((len(Item), 0), dtype=np.int32)
        items = np.full((len(Item), order.size), -1, dtype=np.int32)
        if program.uses(Item.ASSET):
            items[Item.ASSET] = self.tables[table].text(_ASSETS.get(table, "asset")).codes[order]
        if by_lead:
            items[Item.LEAD] = self.clocks(table).lead[order]
        if program.uses(Item.ROLE):
            items[Item.ROLE] = self.role.codes[self.clocks(table).lead[order]]
        return items


def _split_code(code: int, sizes: list[int]) -> tuple[int, ...]:
    """The numbers a code was made of."""
    numbers = []
    for size in reversed(sizes):
        code, number = divmod(code, size)
        numbers.append(number)
    return tuple(reversed(numbers))


def base_table(name: str) -> str:
    """The table a program reads: contacts are the leads of an account."""
    return "leads" if name == "contacts" else name


def as_series(coded: Coded) -> pd.api.extensions.ExtensionArray:
    """A coded column as pandas text, missing as NA."""
    values = pd.array(list(coded.values), dtype="str")
    return values.take(coded.codes, allow_fill=True)
