"""Whether the audit trail is as it was written, in the store or in an exported file.

An entry that is changed, removed or put in between breaks the chain behind it. Whoever may write to the database could
work out all later hashes anew: the head, noted elsewhere (a check, the log, an export), tells that too.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from serving.store.audit_trail import entry_record, read_entries
from serving.store.engine import Store
from serving.store.tables import AuditRow
from serving.store.trail_links import (
    ALIAS,
    AUDIT_DAYS,
    OF_THE_TRAIL,
    PRUNED,
    REDACTED,
    SEALED,
    START,
    day_of,
    digest_content,
    link_dated,
    link_plain,
    seal_entry,
    seal_plain,
    sealed_under,
)
from serving.store.wall_clock import wall_now

_HASH_LETTERS = 64
_READ_AT_ONCE = 100
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
class Removed:
    """What an entry says of those removed by rule: by which entry, and the hash of the last one of them."""

    by: int
    chain: str


@dataclass(frozen=True)
class TrailNotes:
    """What entries of the trail say of others: what was blanked, up to where entries were removed, what is sealed."""

    blanked: Mapping[int, Blanked] = field(default_factory=dict)
    removed: Mapping[int, Removed] = field(default_factory=dict)  # by the number of the last one
    sealed: Mapping[str, str] = field(default_factory=dict)  # as :func:`seal_entry` does, of those asked about alone


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
    except DBAPIError as problem:
        lacking = _find_lacking(store)
        if lacking:
            return TrailCheck(entries=0, last_id=0, head=START, problem=lacking)
        if not _is_no_text(problem):
            raise  # the database is away or locked, which says nothing of the trail
        with store.reading(whole=True) as session:
            return _name_unreadable(session)


def verify_file(file: Path, expected: str | None = None, kept_days: float = AUDIT_DAYS) -> TrailCheck:
    """Follow the chain of an exported file; one that continues an earlier file may be held against that one's head."""
    try:
        wrong = _find_unreadable(file)
        if wrong:
            return TrailCheck(entries=0, last_id=0, head=START, problem=wrong)
        notes = _collect_notes(lambda *actions: (entry for entry in _read_file(file) if entry["action"] in actions))
        return _check(_read_file(file), notes, expected, kept_days, of_file=True)
    except _NEVER_WRITTEN:
        return TrailCheck(entries=0, last_id=0, head=START, problem=_SPEAKS_OF_OTHERS)


def read_notes(session: Session) -> TrailNotes:
    """What the entries of a store say of others."""

    def read(*actions: str) -> Iterator[dict[str, Any]]:
        asked = select(AuditRow).where(AuditRow.action.in_(actions)).order_by(AuditRow.id)
        for row in session.scalars(asked.execution_options(yield_per=_READ_AT_ONCE)):
            yield entry_record(row)

    return _collect_notes(read)


def _collect_notes(read: Callable[..., Iterator[Mapping[str, Any]]]) -> TrailNotes:
    """What entries of some actions say; the first one that speaks of an entry is right: a noted head covers it."""
    blanked: dict[int, Blanked] = {}
    removed: dict[int, Removed] = {}
    for entry in read(REDACTED, PRUNED):
        by, detail = int(entry["id"]), entry["detail"]
        if entry["action"] == PRUNED:
            removed.setdefault(int(detail["through"]), Removed(by, str(detail["chain"])))
            continue
        for number, seal in detail["entries"].items():
            blanked.setdefault(int(number), Blanked(by, str(seal), entry["subject"]))

    ends = {sealed_under(one.chain) for one in removed.values()}
    sealed: dict[str, str] = {}
    for entry in read(SEALED):
        for number, (under, link) in entry["detail"]["entries"].items():
            if int(number) in blanked or under in ends:  # of a million only what is asked about
                sealed.setdefault(str(under), str(link))
    return TrailNotes(blanked, removed, sealed)


def _check(
    entries: Iterator[Mapping[str, Any]],
    notes: TrailNotes,
    expected: str | None,
    kept_days: float,
    of_file: bool = False,
) -> TrailCheck:
    first_day = (wall_now() - timedelta(days=kept_days)).date() if kept_days else None
    noted = None if expected is None else _read_noted(expected, first_day)
    follower = _Follower(notes, noted, of_file)
    problem = next(filter(None, map(follower.follow, entries)), "")
    early = (_find_early_removal(notes, through, first_day) for through in follower.missing)
    check = TrailCheck(
        entries=follower.count,
        last_id=follower.last,
        head=follower.chain,
        blanked=follower.blanked,
        note=" ".join(follower.notes_made()),
        problem=problem or next(filter(None, early), ""),
    )
    if check.problem or expected is None:
        return check
    if noted is None:
        return replace(check, problem="the noted head is not <id>:<hash>, as an earlier check printed it.")
    return _compare_noted(check, noted, follower)


class _Follower:
    """Follows the chain entry by entry.

    A store begins behind what was removed last. A file begins anywhere, and may still hold what was removed later.
    """

    def __init__(self, notes: TrailNotes, noted: Noted | None, of_file: bool) -> None:
        self.notes, self.noted, self.of_file = notes, noted, of_file
        self.chain, self.last, self.count, self.blanked = START, 0, 0, 0
        self.found: str | None = None  # the hash of the noted entry
        self.missing: list[int] = []  # through which entries were removed that are not there
        self._said: list[str] = []
        self._unsealed = 0  # the newest blanked entry that nothing covers so far
        self._seals_end = False  # whether an entry that seals others may stand here no more
        if notes.removed and not of_file:
            self._jump(max(notes.removed))

    @property
    def through(self) -> int:
        """Up to where the entries are gone."""
        return max(self.missing, default=0)

    def follow(self, entry: Mapping[str, Any]) -> str:
        """Take an entry; what is wrong with it, or nothing."""
        content = _content(entry)
        number, named = content["id"], f"entry {content['id']} ({entry['at'][:19]})"
        if number <= max(self.last, self.through):
            return f"{named} stands where there can be none: entries were removed or put in."
        first = self.of_file and self.count == 0  # what is before it is not known to be what it seems
        follows = self._follows(content, self.chain, sealed=first)
        if not follows and not (self.of_file and self._begin(content)):
            return f"{named} does not follow: it, or what was before it, was changed or removed."
        ended = self.notes.removed.get(number)
        if ended is not None and ended.chain != content["chain"]:
            return f"{named} is not the one that entry {ended.by} says was removed last."
        self.count, self.last, self.chain = self.count + 1, number, content["chain"]
        self.blanked += content["subject"].startswith(ALIAS) and number in self.notes.blanked
        if self.noted is not None and self.noted.number == number:
            self.found = self.chain
        return self._look_at_seals(content)

    def notes_made(self) -> list[str]:
        """What this trail cannot show."""
        if not self._unsealed:
            return self._said
        text = f"entry {self._unsealed} was blanked by an earlier version, as others may be: whether they and those "
        return [*self._said, f"{text}directly before them are as they were cannot be told from this file."]

    def _begin(self, content: Mapping[str, Any]) -> bool:
        """Whether an entry of a file may stand behind a gap: where some were removed by rule, or at the beginning."""
        number = content["id"]
        ends = [through for through in self.notes.removed if self.last < through < number]
        if ends and self._follows(content, self.notes.removed[max(ends)].chain, sealed=True):
            if self.count:
                gap = f"entries {self.last + 1} to {max(ends)}"
                self._said.append(
                    f"{gap} were removed by rule and are not in the file: a later head does not cover those before."
                )
            self._jump(max(ends))
            return True
        if self.count:
            return False
        if number <= max(ends, default=0) + 1:
            return self._follows(content, START)  # of an earlier version and blanked, or changed
        noted = self.noted
        if noted is not None and noted.number < number and len(noted.chain) == _HASH_LETTERS:
            self.chain = noted.chain
            if self._follows(content, self.chain):
                self.found = noted.chain
                return True
        self._said.append(f"the file begins at entry {number}: it and what was before it cannot be told from it.")
        return True

    def _jump(self, through: int) -> None:
        self.chain, self._seals_end = self.notes.removed[through].chain, False
        self.missing.append(through)

    def _follows(self, content: Mapping[str, Any], before: str, *, sealed: bool = False) -> bool:
        """Whether an entry's hash follows from its content, or from what is left of it, and the hash before it.

        Of a blanked one of an earlier version only the entry that seals it tells; an export of before has none.
        """
        told = self.notes.blanked.get(content["id"])
        dated = day_of(content["chain"]) is not None
        whole = link_dated(before, content, digest_content(content)) if dated else link_plain(before, content)
        if whole == content["chain"]:
            return True
        if told is None or told.by <= content["id"] or content["action"] in OF_THE_TRAIL:
            return False
        if not told.subject.startswith(ALIAS) or content["subject"] != told.subject or content["detail"] != {}:
            return False  # whoever is forgotten leaves nothing else
        if dated:
            return link_dated(before, content, told.seal) == content["chain"]
        under, link = seal_entry(before, content)
        if under in self.notes.sealed:
            return self.notes.sealed[under] == link
        if sealed or not self.of_file or seal_plain(content) != told.seal:
            return False
        self._unsealed = content["id"]
        return True

    def _look_at_seals(self, content: Mapping[str, Any]) -> str:
        """What is wrong with the place of an entry that seals others."""
        if content["action"] == SEALED and self._seals_end:
            return f"entry {content['id']} seals others, but does not stand directly behind them."
        self._seals_end = day_of(content["chain"]) is not None and content["action"] != SEALED
        return ""


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


def _compare_noted(check: TrailCheck, noted: Noted, follower: _Follower) -> TrailCheck:
    if follower.found is not None and follower.found.startswith(noted.chain):
        return check
    if follower.found is None and noted.number <= follower.through:
        day = day_of(noted.chain)
        if day is None:
            text = f"entry {noted.number} was removed; the noted head does not say from when it is."
            return replace(check, note=f"{check.note} {text}".strip())
        return replace(check, problem=_say_if_early(noted.number, day, noted.first_day))
    problem = f"entry {noted.number} is not the one that was noted: the trail was cut off or written anew."
    return replace(check, problem=problem)


def _find_early_removal(notes: TrailNotes, through: int, first_day: date | None) -> str:
    """What is wrong where entries are said to be removed by rule that were too young for it."""
    removed = notes.removed[through]
    day = day_of(notes.sealed.get(sealed_under(removed.chain), removed.chain))
    return "" if day is None else _say_if_early(through, day, first_day)  # none: removed before hashes had a day


def _say_if_early(number: int, day: date, first_day: date | None) -> str:
    if first_day is not None and day <= first_day:
        return ""
    return (
        f"entry {number} of {day} is said to be removed by rule, but is too young for it: the trail was cut off, "
        "or AUDIT_DAYS was shorter (--audit-days)."
    )


def _find_lacking(store: Store) -> str:
    """What the store lacks of the trail's table."""
    table, tables = AuditRow.__table__, inspect(store.engine)
    if not tables.has_table(AuditRow.__tablename__):
        return "the store has no table audit: the trail was removed. Bring the store back from a backup."
    there = {column["name"] for column in tables.get_columns(AuditRow.__tablename__)}
    gone = [f"'{column.name}'" for column in table.columns if column.name not in there]
    told = f"column{'s' if len(gone) > 1 else ''} {', '.join(gone)}"
    return f"the store's table audit has no {told}: the trail was changed. Bring it back from a backup." if gone else ""


def _is_no_text(problem: DBAPIError) -> bool:
    """Whether SQLite refuses a text of bytes that are none."""
    return "could not decode" in str(problem.orig).casefold()


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
        except (*_NEVER_WRITTEN, DBAPIError) as found:
            if isinstance(found, DBAPIError) and not _is_no_text(found):
                raise
            problem = f"entry {number} holds what leadscore never writes: it was changed."
            break
        known, last = known + 1, number
    return TrailCheck(entries=known, last_id=last, head=START, problem=problem)
