"""Who saw and changed what, as a chain: each entry's hash covers its content and the hash before it.

How a chain is made is in :mod:`.trail_links`, how it is checked in :mod:`.trail_check`.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from serving.store.damaged_rows import WHOLE
from serving.store.engine import Store, hold_lock
from serving.store.tables import AuditRow
from serving.store.trail_links import PRUNED, SEALED, START, day_of, digest_content, link_dated, seal_entry
from serving.store.wall_clock import wall_now

_READ_AT_ONCE = 1_000
_SALT_BYTES = 16
_SEALED_AT_ONCE = 100  # entries of before hashes had a day, in 10 kB of an entry that seals them


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """What somebody did: to what, and what else is worth knowing; personal data are those of who acted alone."""

    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    at: datetime


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
    chain = _newest_hash(session)
    if chain != START and day_of(chain) is None and entries[0].action != SEALED:
        # a server of an earlier version that still ran beside the update wrote on
        with suppress(ValueError, TypeError):  # what it wrote was changed by hand since: a check tells
            seal_plain_entries(session)
        chain = _newest_hash(session)
    rows = []
    for entry in entries:
        row = {"at": entry.at, "actor": entry.actor[:200], "action": entry.action[:60], "subject": entry.subject[:200]}
        row["detail"] = json.loads(json.dumps(entry.detail, default=str))
        row["salt"] = secrets.token_hex(_SALT_BYTES)
        chain = row["chain"] = link_dated(chain, row, digest_content(row))
        rows.append(row)
    session.execute(insert(AuditRow), rows)


def _newest_hash(session: Session) -> str:
    newest = select(AuditRow.chain).order_by(AuditRow.id.desc()).limit(1)
    return session.scalar(newest.execution_options(**{WHOLE: True})) or START  # a damaged entry is part of the chain


def seal_plain_entries(session: Session) -> None:
    """Add entries that seal those of before hashes had a day, behind the newest that has one."""
    whole = {WHOLE: True}
    dated = select(AuditRow.id, AuditRow.chain).where(AuditRow.chain.like("________-%")).order_by(AuditRow.id.desc())
    newest = session.execute(dated.limit(1).execution_options(**whole)).first()
    after, before = (newest.id, newest.chain) if newest else (0, _removed_before(session))
    end = session.scalar(select(func.max(AuditRow.id)).execution_options(**whole)) or 0
    columns = (AuditRow.id, AuditRow.at, AuditRow.actor, AuditRow.action, AuditRow.chain)
    while True:
        asked = select(*columns).where(AuditRow.id > after, AuditRow.id <= end).order_by(AuditRow.id)
        asked = asked.limit(_SEALED_AT_ONCE).execution_options(**whole)
        rows = [row._asdict() for row in session.execute(asked)]
        if not rows:
            return
        sealed = {}
        for row in rows:
            sealed[str(row["id"])], before = seal_entry(before, row), row["chain"]
        record_action(session, "leadscore", SEALED, "", {"entries": sealed})
        after = rows[-1]["id"]


def _removed_before(session: Session) -> str:
    """The hash before the first entry of a store."""
    newest = select(AuditRow.detail).where(AuditRow.action == PRUNED).order_by(AuditRow.id.desc()).limit(1)
    removed = session.scalar(newest)
    return str(removed["chain"]) if removed else START


def read_entries(session: Session, after: int = 0) -> Iterator[dict[str, Any]]:
    """All entries behind an id, oldest first, read in pages; behind none (0) also those whose number none can have."""
    asked = select(AuditRow).order_by(AuditRow.id).limit(_READ_AT_ONCE)
    behind = asked.where(AuditRow.id > after) if after else asked
    while True:
        rows = list(session.scalars(behind))
        yield from (entry_record(row) for row in rows)
        session.expunge_all()
        if len(rows) < _READ_AT_ONCE:
            return
        behind = asked.where(AuditRow.id > rows[-1].id)


def entry_record(row: AuditRow) -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "id": row.id,
        "at": row.at.isoformat(timespec="microseconds"),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "detail": row.detail,
        "salt": row.salt,
        "chain": row.chain,
    }


def to_line(entry: Mapping[str, Any]) -> str:
    """An entry as a line of an exported file."""
    return json.dumps(entry, ensure_ascii=False) + "\n"


def prune_trail(store: Store, before: datetime) -> int:
    """Remove the entries older than a moment; an entry says so and keeps the chain whole. Returns how many."""
    with store.writing() as session:
        hold_lock(session, "audit trail")
        kept = session.scalar(select(func.min(AuditRow.id)).where(AuditRow.at >= before))
        bound = AuditRow.at < before if kept is None else AuditRow.id < kept
        newest = select(AuditRow.id, AuditRow.chain).where(bound).order_by(AuditRow.id.desc()).limit(1)
        last = session.execute(newest.execution_options(**{WHOLE: True})).first()
        if last is None:
            return 0
        through, chain = last.id, last.chain
        count = session.scalar(select(func.count()).select_from(AuditRow).where(AuditRow.id <= through)) or 0
        record_action(session, "retention", PRUNED, "", {"through": through, "chain": chain, "entries": count})
        session.execute(delete(AuditRow).where(AuditRow.id <= through))
        return int(count)
