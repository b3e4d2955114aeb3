"""A catalog compiled for the kernel: which class of row feeds which column, and how."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from fnmatch import fnmatchcase
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.array_types import Floats, Ints

FOREVER = 2**62  # a window without an end, in microseconds


class Op(IntEnum):
    """What a column of the kernel accumulates over the visible rows of its stream."""

    COUNT = 0
    RECENCY = 1
    DECAYED = 2
    BREADTH = 3
    STREAK = 4
    ACTIVE_DAYS = 5
    SUM = 6
    FIRST_ROW = 7
    LAST_ROW = 8
    LINEAR = 9


_REMEMBERED = 100_000  # values per field whose signature is kept


class Item(IntEnum):
    """What breadth counts distinct values of."""

    ASSET = 0
    LEAD = 1
    ROLE = 2


class BotRole(IntEnum):
    """How the bot filter sees a kind."""

    NONE = 0
    PRONE = 1
    SEND = 2


FIELDS: Mapping[str, tuple[str, ...]] = {
    "leads": (),
    "accounts": (),
    "contacts": ("role",),
    "activities": ("kind", "asset", "actor", "channel", "role"),
    "answers": ("question", "channel"),
    "stages": ("stage", "reason"),
    "outcomes": ("won", "product", "deal_kind"),
}


@dataclass(frozen=True)
class Part:
    """Rows of a stream: per field the accepted and refused texts or globs; None accepts all, also missing.

    ``half_life_days`` is the half-life its rows decay with (or the lifespan they fade over), where the column decays.
    """

    accept: tuple[tuple[str, tuple[str, ...] | None, tuple[str, ...]], ...] = ()
    half_life_days: float = 0.0

    def allows(self, name: str, value: str | None) -> bool:
        """Whether a value of field ``name`` passes."""
        for known, accepted, refused in self.accept:
            if known != name:
                continue
            if accepted is not None and (value is None or not any(matches(value, p) for p in accepted)):
                return False
            if value is not None and any(matches(value, p) for p in refused):
                return False
        return True


def matches(value: str, pattern: str) -> bool:
    """Whether a text equals a pattern, or fits it as a glob.

    >>> matches("pricing/eu", "pricing*"), matches("pricing", "pricing"), matches("price", "pricing")
    (True, True, False)
    """
    return value == pattern or (any(mark in pattern for mark in "*?[") and fnmatchcase(value, pattern))


@dataclass(frozen=True)
class Column:
    """One column of the kernel's output; equal columns are computed once."""

    stream: tuple[Part, ...]
    op: Op
    window: int = FOREVER
    item: Item = Item.ASSET
    exclude_bots: bool = False


class Entries(NamedTuple):
    """The kernel's view of a program: class c feeds entries ``starts[c]:starts[c + 1]``, longest window first.

    A named tuple, because that is the one record numba takes as an argument.
    """

    starts: Ints
    column: Ints
    op: Ints
    window: Ints
    rate: Floats
    slot: Ints
    item: Ints
    exclude_bots: npt.NDArray[np.bool_]
    initial: Floats
    bot_role: Ints
    streaks: Ints  # column of each streak, by slot
    slots: Ints  # stamps, marks and bests needed: shape (3,)


@dataclass
class TableProgram:
    """Columns over one table and scope; classes of rows are added as values appear."""

    table: str
    scope: str
    bot_roles: Mapping[str, BotRole] = field(default_factory=dict)
    looked_up: tuple[str, ...] = ()
    columns: list[Column] = field(default_factory=list)
    _index: dict[Column, int] = field(default_factory=dict, init=False)
    _signatures: list[dict[str | None, int]] = field(default_factory=list, init=False)
    _patterns: list[dict[tuple[bool, ...], int]] = field(default_factory=list, init=False)
    _classes: dict[tuple[int, ...], int] = field(default_factory=dict, init=False)
    _seen: dict[tuple[str | None, ...], int] = field(default_factory=dict, init=False)
    _parts: tuple[Part, ...] | None = field(default=None, init=False)
    _entries: Entries | None = field(default=None, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    @property
    def fields(self) -> tuple[str, ...]:
        """Columns of the table that parts may filter by."""
        return FIELDS[self.table]

    @cached_property
    def uses_bots(self) -> bool:
        """Whether any column leaves out scanner clicks."""
        return any(column.exclude_bots for column in self.columns)

    @cached_property
    def sums(self) -> bool:
        """Whether a column adds up values."""
        return any(column.op is Op.SUM for column in self.columns)

    def uses(self, item: Item) -> bool:
        """Whether a column counts distinct values of ``item``."""
        return item in self._counted_items

    @cached_property
    def _counted_items(self) -> frozenset[Item]:
        return frozenset(column.item for column in self.columns if column.op is Op.BREADTH)

    @cached_property
    def picks_rows(self) -> bool:
        """Whether a column points to the first or last of its rows."""
        return any(column.op in (Op.FIRST_ROW, Op.LAST_ROW) for column in self.columns)

    def uses_field(self, name: str) -> bool:
        """Whether a column's rows are told apart by field ``name``."""
        return name in self._filtered_fields or (name == "kind" and bool(self.bot_roles))

    @cached_property
    def _filtered_fields(self) -> frozenset[str]:
        return frozenset(known for part in self.parts for known, _, _ in part.accept)

    def column(self, column: Column) -> int:
        """Position of a column, added when new."""
        if column not in self._index:
            self._index[column] = len(self.columns)
            self.columns.append(column)
            self._parts = None
        return self._index[column]

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every part of every column, once."""
        if self._parts is None:
            self._parts = tuple(dict.fromkeys(p for c in self.columns for p in c.stream))
            self._signatures = [{} for _ in self.fields]
            self._patterns = [{} for _ in self.fields]
            self._classes, self._seen, self._entries = {}, {}, None
        return self._parts

    @cached_property
    def used_fields(self) -> tuple[str, ...]:
        """The fields that tell rows apart."""
        return tuple(name for name in self.fields if self.uses_field(name))

    def signatures(self, position: int, values: Iterable[str | None]) -> Ints:
        """Per value a number that says which parts accept it in the field at ``position``."""
        parts, name = self.parts, self.fields[position]
        with self._lock:
            known, patterns = self._signatures[position], self._patterns[position]
            if len(known) > _REMEMBERED:  # values of requests never end; their patterns do
                known.clear()
            found = []
            for value in values:
                number = known.get(value)
                if number is None:
                    bits = tuple(part.allows(name, value) for part in parts)
                    if name == "kind":
                        role = self.bot_roles.get(value or "", BotRole.NONE)
                        bits = (*bits, role == BotRole.PRONE, role == BotRole.SEND)
                    number = known[value] = patterns.setdefault(bits, len(patterns))
                found.append(number)
        return np.asarray(found, dtype=np.int64)

    def class_of(self, numbers: tuple[int, ...]) -> int:
        """Class of a combination of signatures, one per field."""
        with self._lock:
            if numbers not in self._classes:
                self._classes[numbers] = len(self._classes)
                self._entries = None
            return self._classes[numbers]

    def classes_of(self, rows: Sequence[tuple[str | None, ...]]) -> npt.NDArray[np.int32]:
        """Class of each row by its texts in :attr:`used_fields`: a look-up per row, which is least for a few rows."""
        seen = self._seen
        try:
            found = [seen[row] for row in rows]
        except KeyError:
            found = [self._class_of_texts(row) for row in rows]
        return np.array(found, dtype=np.int32)

    def _class_of_texts(self, row: tuple[str | None, ...]) -> int:
        with self._lock:
            if len(self._seen) > _REMEMBERED:
                self._seen.clear()
            if row not in self._seen:
                texts = dict(zip(self.used_fields, row, strict=True))
                numbers = (self.signatures(k, [texts.get(name)])[0] for k, name in enumerate(self.fields))
                self._seen[row] = self.class_of(tuple(int(number) for number in numbers))
            return self._seen[row]

    def entries(self) -> Entries:
        """The program as arrays, covering every class seen so far."""
        with self._lock:
            if self._entries is None:
                self._entries = self._compile()
            return self._entries

    def _match_parts(self, numbers: tuple[int, ...]) -> tuple[set[Part], BotRole]:
        bits = [list(self._patterns[i])[number] for i, number in enumerate(numbers)]
        role = BotRole.NONE
        for name, flags in zip(self.fields, bits, strict=True):
            if name == "kind":
                role = BotRole.PRONE if flags[-2] else BotRole.SEND if flags[-1] else BotRole.NONE
        return {part for k, part in enumerate(self.parts) if all(flags[k] for flags in bits)}, role

    def _compile(self) -> Entries:
        slots, counts = self._slots()
        rows: list[tuple[int, int, int, float, int, int, bool]] = []
        starts, roles = [0], []
        for numbers in self._classes:
            parts, role = self._match_parts(numbers)
            for index, column in sorted(enumerate(self.columns), key=lambda found: -found[1].window):
                part = next((p for p in column.stream if p in parts), None)
                if part is not None:
                    rate = 1.0 / (part.half_life_days * 86_400e6) if part.half_life_days else 0.0
                    entry = (index, int(column.op), column.window, rate, slots[index], int(column.item))
                    rows.append((*entry, column.exclude_bots))
            starts.append(len(rows))
            roles.append(int(role))

        ints = np.asarray([(r[0], r[1], r[2], r[4], r[5]) for r in rows], dtype=np.int64).reshape(-1, 5).T.copy()
        empty = {Op.RECENCY: np.nan, Op.FIRST_ROW: -1.0, Op.LAST_ROW: -1.0}

        return Entries(
            starts=np.asarray(starts, dtype=np.int64),
            column=ints[0],
            op=ints[1],
            window=ints[2],
            rate=np.asarray([r[3] for r in rows], dtype=np.float64),
            slot=ints[3],
            item=ints[4],
            exclude_bots=np.asarray([r[6] for r in rows], dtype=np.bool_),
            initial=np.asarray([empty.get(c.op, 0.0) for c in self.columns], dtype=np.float64),
            bot_role=np.asarray(roles, dtype=np.int64),
            streaks=np.asarray([i for i, c in enumerate(self.columns) if c.op is Op.STREAK], dtype=np.int64),
            slots=np.asarray(counts, dtype=np.int64),
        )

    def _slots(self) -> tuple[list[int], list[int]]:
        kinds = {Op.BREADTH: 0, Op.ACTIVE_DAYS: 0, Op.STREAK: 1, Op.FIRST_ROW: 2, Op.LAST_ROW: 2}
        counts, slots = [0, 0, 0], []
        for column in self.columns:
            kind = kinds.get(column.op)
            slots.append(0 if kind is None else counts[kind])
            if kind is not None:
                counts[kind] += 1
        return slots, counts
