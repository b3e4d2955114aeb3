"""Whether the audit trail is as it was written, in the store or in an exported file.

An entry that is changed, removed or put in between breaks the chain behind it. Whoever may write to the database could
work out all later hashes anew: the head, noted elsewhere (a check, the log, an export), tells that too.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.store.audit_trail import entry_record, read_entries
from serving.store.engine import Store
from serving.store.tables import AuditRow
from serving.store.trail_links import (
    ALIAS,
    AUDIT_DAYS,
    OF_THE_TRAIL,
    REDACTED,
    SEALED,
    START,
    day_of,
    digest_content,
    digest_old,
    link_dated,
    link_plain,
    seal_plain,
)
from serving.store.wall_clock import wall_now

_HASH_LETTERS = 64
_FEWEST_LETTERS, _FEWEST_DATED = 12, 21  # of a noted hash that somebody shortened; with its day
_NEVER_WRITTEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError)  # by reading one of another kind
_SPEAKS_OF_OTHERS = "an entry that speaks of removed or blanked ones holds what leadscore never writes."


@dataclass(frozen=True, kw_only=True)
class TrailCheck:
    """What a check of the trail found: how many entries, the newest one's number and hash, and what is wrong.

    ``blanked`` counts entries about people who are forgotten; ``note`` says what a check of this trail cannot show.
    """

    entries: int
    last_id: int
    head: str
    problem: str = ""
    blanked: int = 0
    note: str = ""

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        told = {"blanked": self.blanked, "note": self.note, "problem": self.problem}
        found = {"intact": self.intact, "entries": self.entries, "last_id": self.last_id, "head": self.head}
        return found | {name: value for name, value in told.items() if value}


@dataclass(frozen=True)
class Blanked:
    """What a later entry says of a blanked one: by which entry, what it must be, and whom it stands for."""

    by: int
    seal: str
    subject: str


@dataclass(frozen=True)
class TrailNotes:
    """What entries of the trail say of others: what was blanked, up to where entries were removed, what is sealed."""

    blanked: Mapping[int, Blanked] = field(default_factory=dict)
    through: int = 0
    before: str = START
    sealed: Mapping[int, tuple[int, str]] = field(default_factory=dict)  # by the first entry: the last, and the hash


@dataclass(frozen=True)
class Noted:
    """A head as it was noted elsewhere, and how long entries stay."""

    number: int
    chain: str
    first_day: date | None  # from which on nothing was removed by rule


def verify_trail(store: Store, expected: str | None = None, kept_days: float = AUDIT_DAYS) -> TrailCheck:
    """Follow the chain of a store from its first entry to its head.

    Parameters
    ----------
    expected : ``<id>:<hash>`` of an entry as it was noted earlier; it must still be there, unless it is so old that it
        was removed by rule
    kept_days : how long entries stay, 0 for good: whatever is said to be removed must be older
    """
    try:
        # of one moment, else entries pruned or blanked meanwhile would seem tampered with
        with store.reading_one_moment(whole=True) as session:
            notes = read_notes(session)
            return _check(read_entries(session), notes, expected, kept_days)
    except _NEVER_WRITTEN:
        with store.reading(whole=True) as session:
            return _name_unreadable(session)


def verify_file(file: Path, expected: str | None = None, kept_days: float = AUDIT_DAYS) -> TrailCheck:
    """Follow the chain of an exported file; one that continues an earlier file may be held against that one's head."""
    try:
        wrong = _find_unreadable(file)
        if wrong:
            return TrailCheck(entries=0, last_id=0, head=START, problem=wrong)
        notes = _collect_notes(entry for entry in _read_file(file) if entry["action"] in OF_THE_TRAIL)
        return _check(_read_file(file), notes, expected, kept_days, begins_anywhere=True)
    except _NEVER_WRITTEN:
        return TrailCheck(entries=0, last_id=0, head=START, problem=_SPEAKS_OF_OTHERS)


def read_notes(session: Session) -> TrailNotes:
    """What the entries of a store say of others."""
    rows = session.scalars(select(AuditRow).where(AuditRow.action.in_(OF_THE_TRAIL)).order_by(AuditRow.id))
    return _collect_notes(entry_record(row) for row in rows)


def _collect_notes(entries: Iterator[Mapping[str, Any]]) -> TrailNotes:
    blanked: dict[int, Blanked] = {}
    sealed: dict[int, tuple[int, str]] = {}
    through, before = 0, START
    for entry in entries:
        detail = entry["detail"]
        if entry["action"] == REDACTED:
            said = detail["entries"].items()
            blanked |= {int(number): Blanked(int(entry["id"]), str(seal), entry["subject"]) for number, seal in said}
        elif entry["action"] == SEALED:
            sealed[int(detail["first"])] = int(detail["last"]), str(detail["hash"])
        else:
            through, before = int(detail["through"]), str(detail["chain"])
    return TrailNotes(blanked, through, before, sealed)


def _check(
    entries: Iterator[Mapping[str, Any]],
    notes: TrailNotes,
    expected: str | None,
    kept_days: float,
    begins_anywhere: bool = False,
) -> TrailCheck:
    first_day = (wall_now() - timedelta(days=kept_days)).date() if kept_days else None
    noted = None if expected is None else _read_noted(expected, first_day)
    follower = _Follower(notes, noted, begins_anywhere)
    problem = next(filter(None, map(follower.follow, entries)), "")
    check = TrailCheck(
        entries=follower.count,
        last_id=follower.last,
        head=follower.chain,
        blanked=follower.blanked,
        note=follower.note,
        problem=problem or follower.find_unsealed() or _find_early_removal(notes, first_day),
    )
    if check.problem or expected is None:
        return check
    if noted is None:
        return replace(check, problem="the noted head is not <id>:<hash>, as an earlier check printed it.")
    return _compare_noted(check, notes, noted, follower)


class _Follower:
    """Follows the chain entry by entry."""

    def __init__(self, notes: TrailNotes, noted: Noted | None, begins_anywhere: bool) -> None:
        self.notes, self.noted, self.begins_anywhere = notes, noted, begins_anywhere
        self.chain, self.last, self.count, self.blanked = notes.before, 0, 0, 0
        self.note = ""
        self.found: str | None = None  # the hash of the noted entry
        self._old: list[dict[str, Any]] = []  # entries of the block that is being read
        self._block: tuple[int, int, str] | None = None
        self._sealed = {first: sealed for first, sealed in notes.sealed.items() if first > notes.through}

    def follow(self, entry: Mapping[str, Any]) -> str:
        """Take an entry; what is wrong with it, or nothing."""
        content = _content(entry)
        number = content["id"]
        if self.count == 0 and self.begins_anywhere and number > self.notes.through + 1:
            self._begin(content)
        elif not self._follows(content):
            wrong = f"entry {number} ({entry['at'][:19]}) does not follow: it, or what was before it, was changed"
            return f"{wrong} or removed."
        if number <= max(self.last, self.notes.through):
            return f"entry {number} stands where there can be none: entries were removed or put in."
        self.count, self.last, self.chain = self.count + 1, number, content["chain"]
        self.blanked += content["subject"].startswith(ALIAS) and number in self.notes.blanked
        if self.noted is not None and self.noted.number == number:
            self.found = self.chain
        return self._add_to_block(content)

    def find_unsealed(self) -> str:
        """What is wrong where entries are missing that a later one seals."""
        missing = [] if self.note else sorted(self._sealed)
        missing += [] if self._block is None else [self._block[0]]
        return f"entries from {missing[0]} on are not those that were sealed." if missing else ""

    def _begin(self, content: Mapping[str, Any]) -> None:
        """The first entry of a file that does not begin with the trail: what is before it is known from a noted head
        or not at all.
        """
        noted = self.noted
        if noted is not None and noted.number < content["id"] and len(noted.chain) == _HASH_LETTERS:
            self.chain = noted.chain
            if self._follows(content):
                self.found = noted.chain
                return
        self.note = f"the file begins at entry {content['id']}: what was before it cannot be told from it."

    def _follows(self, content: Mapping[str, Any]) -> bool:
        """Whether an entry's hash follows from its content, or from what is left of it, and the hash before it."""
        told = self.notes.blanked.get(content["id"])
        dated = day_of(content["chain"]) is not None
        whole = link_dated(self.chain, content, digest_content(content)) if dated else link_plain(self.chain, content)
        if whole == content["chain"]:
            return True
        if told is None or told.by <= content["id"] or content["action"] in OF_THE_TRAIL:
            return False
        if not told.subject.startswith(ALIAS) or content["subject"] != told.subject or content["detail"] != {}:
            return False  # whoever is forgotten leaves nothing else
        if dated:
            return link_dated(self.chain, content, told.seal) == content["chain"]
        return seal_plain(content) == told.seal  # its hash is taken as it stands: the next one covers it

    def _add_to_block(self, content: dict[str, Any]) -> str:
        """Compare the entries of a sealed block with its seal, once all were read."""
        number = content["id"]
        if number in self._sealed:
            self._block, self._old = (number, *self._sealed.pop(number)), []
        if self._block is None:
            return ""
        self._old.append(content)
        first, last, seal = self._block
        if number < last:
            return ""
        self._block = None
        return "" if digest_old(self._old) == seal else f"entries {first} to {last} are not those that were sealed."


def _content(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An exported entry as it is hashed; one exported before there were salts has none."""
    return {"salt": "", **entry, "id": int(entry["id"]), "at": datetime.fromisoformat(str(entry["at"]))}


def _find_unreadable(file: Path) -> str:
    """The first line that is no entry."""
    line = 1
    try:
        for entry in _read_file(file):
            content = _content(entry)
            link_plain(START, content)
            day_of(content["chain"] + content["salt"])
            line += 1
    except _NEVER_WRITTEN:
        return f"line {line} is no entry of a trail."
    return ""


def _read_file(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield dict(json.loads(line).items())


def _read_noted(expected: str, first_day: date | None) -> Noted | None:
    number, _, chain = expected.strip().partition(":")
    fewest = _FEWEST_LETTERS if day_of(chain) is None else _FEWEST_DATED
    return Noted(int(number), chain, first_day) if number.isdecimal() and len(chain) >= fewest else None


def _compare_noted(check: TrailCheck, notes: TrailNotes, noted: Noted, follower: _Follower) -> TrailCheck:
    if follower.found is not None and follower.found.startswith(noted.chain):
        return check
    if follower.found is None and noted.number <= notes.through:
        day = day_of(noted.chain)
        if day is None:
            return replace(
                check, note=f"entry {noted.number} was removed; the noted head does not say from when it is."
            )
        return replace(check, problem=_say_if_early(noted.number, day, noted.first_day))
    problem = f"entry {noted.number} is not the one that was noted: the trail was cut off or written anew."
    return replace(check, problem=problem)


def _find_early_removal(notes: TrailNotes, first_day: date | None) -> str:
    """What is wrong where entries are said to be removed by rule that were too young for it."""
    day = day_of(notes.before)
    return "" if day is None else _say_if_early(notes.through, day, first_day)


def _say_if_early(number: int, day: date, first_day: date | None) -> str:
    if first_day is not None and day <= first_day:
        return ""
    return (
        f"entry {number} of {day} is said to be removed by rule, but is too young for it: the trail was cut off, "
        "or AUDIT_DAYS was shorter (--audit-days)."
    )


def _name_unreadable(session: Session) -> TrailCheck:
    """The first entry that cannot be read: a time that is none, a detail that is no record, bytes for a text."""
    known, last, problem = 0, 0, _SPEAKS_OF_OTHERS
    for number in session.scalars(select(AuditRow.id).order_by(AuditRow.id)).all():
        try:
            row = session.get_one(AuditRow, number)
            link_plain(START, vars(row))
            day_of(row.chain + row.salt)
            if row.action in OF_THE_TRAIL:
                _ = row.detail.items()
        except _NEVER_WRITTEN:
            problem = f"entry {number} holds what leadscore never writes: it was changed."
            break
        known, last = known + 1, number
    return TrailCheck(entries=known, last_id=last, head=START, problem=problem)
