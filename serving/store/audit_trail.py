"""Who saw and changed what, as a chain: each entry's hash covers its content and the hash before it.

An entry that is changed, removed or put in between breaks the chain behind it. Whoever may write to the database could
work out all later hashes anew: the head, noted elsewhere (:func:`verify_trail`, the log, an export), tells that too.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from serving.store.engine import Store, hold_lock
from serving.store.tables import AuditRow
from serving.store.wall_clock import wall_now

START = "0" * 64  # before the first entry of a trail that was never pruned
PRUNED, REDACTED = "trail.pruned", "trail.redacted"
_READ_AT_ONCE = 1_000
_NEVER_WRITTEN = (ValueError, TypeError, KeyError, AttributeError)  # what reading one of another kind raises


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """What somebody did: to what, and what else is worth knowing; personal data are those of who acted alone."""

    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True)
class TrailCheck:
    """What a check of the trail found: how many entries, the newest one's number and hash, and what is wrong."""

    entries: int
    last_id: int
    head: str
    problem: str = ""

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"intact": self.intact, "entries": self.entries, "last_id": self.last_id, "head": self.head} | (
            {"problem": self.problem} if self.problem else {}
        )


def record_action(
    session: Session, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Add what somebody did to the trail, in the transaction that does it."""
    append_entries(
        session, [AuditEntry(actor=actor, action=action, subject=subject, detail=detail or {}, at=wall_now())]
    )


def append_entries(session: Session, entries: Sequence[AuditEntry]) -> None:
    """Add entries in this order; whoever adds others waits until the transaction ends."""
    if not entries:
        return
    hold_lock(session, "audit trail")
    session.flush()
    chain = session.scalar(select(AuditRow.chain).order_by(AuditRow.id.desc()).limit(1)) or START
    rows = []
    for entry in entries:
        row = {"at": entry.at, "actor": entry.actor[:200], "action": entry.action[:60], "subject": entry.subject[:200]}
        row["detail"] = json.loads(json.dumps(entry.detail, default=str))
        chain = row["chain"] = link_entry(chain, row)
        rows.append(row)
    session.execute(insert(AuditRow), rows)


def link_entry(before: str, row: Mapping[str, Any]) -> str:
    """The hash of an entry behind the one of that hash."""
    content = [row["at"].isoformat(timespec="microseconds"), *(row[name] for name in ("actor", "action", "subject"))]
    text = json.dumps([before, *content, row["detail"]], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_entries(session: Session, after: int = 0) -> Iterator[dict[str, Any]]:
    """All entries behind an id, oldest first, read in pages."""
    while True:
        rows = list(
            session.scalars(select(AuditRow).where(AuditRow.id > after).order_by(AuditRow.id).limit(_READ_AT_ONCE))
        )
        yield from (entry_record(row) for row in rows)
        session.expunge_all()
        if len(rows) < _READ_AT_ONCE:
            return
        after = rows[-1].id


def entry_record(row: AuditRow) -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "id": row.id,
        "at": row.at.isoformat(timespec="microseconds"),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "detail": row.detail,
        "chain": row.chain,
    }


def to_line(entry: Mapping[str, Any]) -> str:
    """An entry as a line of an exported file."""
    return json.dumps(entry, ensure_ascii=False) + "\n"


def verify_trail(store: Store, expected: str | None = None) -> TrailCheck:
    """Follow the chain from its first entry to its head.

    Parameters
    ----------
    expected : ``<id>:<hash>`` of an entry as it was noted earlier; it must still be there, unless it was pruned by rule
    """
    try:
        with store.reading_one_moment() as session:  # else entries pruned or blanked meanwhile would seem tampered with
            return _verify(session, expected)
    except _NEVER_WRITTEN:
        with store.reading() as session:
            return _name_unreadable(session)


def _verify(session: Session, expected: str | None) -> TrailCheck:
    pruned = session.scalar(
        select(AuditRow.detail).where(AuditRow.action == PRUNED).order_by(AuditRow.id.desc()).limit(1)
    )
    through, before = (0, START) if pruned is None else (int(pruned["through"]), str(pruned["chain"]))
    check = follow_chain(read_entries(session), before, read_redacted(session))
    return check if expected is None or check.problem else _compare_noted(session, check, through, expected)


def _name_unreadable(session: Session) -> TrailCheck:
    """The first entry that cannot be read: a time that is none, a detail that is no record, bytes for a text."""
    known, last = 0, 0
    for number in session.scalars(select(AuditRow.id).order_by(AuditRow.id)).all():
        try:
            row = session.get_one(AuditRow, number)
            link_entry(START, vars(row))
            if row.action in (PRUNED, REDACTED):
                _ = row.detail.items()
        except _NEVER_WRITTEN:
            return TrailCheck(known, last, START, f"entry {number} holds what leadscore never writes: it was changed.")
        known, last = known + 1, number
    return TrailCheck(known, last, START, "an entry that speaks of removed ones holds what leadscore never writes.")


def read_redacted(session: Session) -> dict[int, str]:
    """Entries that were blanked because somebody is forgotten, and a hash of what is left of each."""
    listed = session.scalars(select(AuditRow.detail).where(AuditRow.action == REDACTED))
    return {int(number): str(seal) for detail in listed for number, seal in detail["entries"].items()}


def follow_chain(
    entries: Iterator[Mapping[str, Any]], before: str, redacted: Mapping[int, str] = MappingProxyType({})
) -> TrailCheck:
    """Whether each entry's hash follows from its content and the hash before it; the first must follow ``before``.

    Of an entry that was blanked the hash is taken as it stands, for the next entry covers it; what is left of it must
    be what the entry that blanked it says.
    """
    count, last = 0, 0
    for entry in entries:
        content = dict(entry) | {"at": datetime.fromisoformat(str(entry["at"]))}
        chain = link_entry(before, content)
        if int(entry["id"]) in redacted and link_entry("redacted", content) == redacted[int(entry["id"])]:
            chain = str(entry["chain"])
        if chain != entry["chain"]:
            wrong = f"entry {entry['id']} ({entry['at'][:19]}) does not follow: it, or what was before it, was changed"
            return TrailCheck(count, last, before, f"{wrong} or removed.")
        count, last, before = count + 1, int(entry["id"]), chain
    return TrailCheck(count, last, before)


def _compare_noted(session: Session, check: TrailCheck, through: int, expected: str) -> TrailCheck:
    number, _, chain = expected.partition(":")
    if not number.isdigit() or len(chain) < 12:
        problem = "the noted head is not <id>:<hash>, as an earlier check printed it."
    else:
        found = session.scalar(select(AuditRow.chain).where(AuditRow.id == int(number)))
        if found is not None and found.startswith(chain):
            return check
        if found is None and int(number) <= through:
            return check  # pruned by rule, which the chain itself says
        problem = f"entry {number} is not the one that was noted: the trail was cut off or written anew."
    return TrailCheck(check.entries, check.last_id, check.head, problem)


def prune_trail(store: Store, before: datetime) -> int:
    """Remove the entries older than a moment; an entry says so and keeps the chain whole. Returns how many."""
    with store.writing() as session:
        hold_lock(session, "audit trail")
        kept = session.scalar(select(func.min(AuditRow.id)).where(AuditRow.at >= before))
        bound = AuditRow.at < before if kept is None else AuditRow.id < kept
        last = session.scalar(select(AuditRow).where(bound).order_by(AuditRow.id.desc()).limit(1))
        if last is None:
            return 0
        through, chain = last.id, last.chain
        count = session.scalar(select(func.count()).select_from(AuditRow).where(AuditRow.id <= through)) or 0
        record_action(session, "retention", PRUNED, "", {"through": through, "chain": chain, "entries": count})
        session.execute(delete(AuditRow).where(AuditRow.id <= through))
        return int(count)
