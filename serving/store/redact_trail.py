"""Entries of the audit trail about a person who is forgotten: who acted and when stays, whom it was about goes.

A later entry lists which entries were blanked, each with the digest that stands in its hash for what went, so that a
check accepts these and no others, and that nobody can change what is left of them.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from serving.store.audit_trail import record_action
from serving.store.engine import hold_lock
from serving.store.tables import AuditRow
from serving.store.trail_links import ALIAS, OF_THE_TRAIL, REDACTED, day_of, digest_content, seal_plain


def redact_entries(
    session: Session, speaks: Callable[[dict[str, Any]], bool], mark: str, *, dry_run: bool = False
) -> int:
    """Blank subject and detail of the entries that speak of somebody, and add the entry that says so.

    Parameters
    ----------
    mark : beginning of the keyed hash of whom it was about: what was done about one person can still be told together
    """
    hold_lock(session, "audit trail")
    asked = select(AuditRow).where(AuditRow.subject.not_like(f"{ALIAS}%"), AuditRow.action.not_in(OF_THE_TRAIL))
    rows = session.scalars(asked.order_by(AuditRow.id))
    found = [row for row in rows if speaks({"action": row.action, "subject": row.subject, "detail": row.detail})]
    if dry_run or not found:
        return len(found)
    left: dict[str, str] = {}
    for row in found:
        kept = {"at": row.at, "actor": row.actor, "action": row.action, "subject": f"{ALIAS}{mark}", "detail": {}}
        left[str(row.id)] = seal_plain(kept) if day_of(row.chain) is None else digest_content(vars(row))
        gone = {"subject": kept["subject"], "detail": {}, "salt": ""}
        session.execute(update(AuditRow).where(AuditRow.id == row.id).values(gone))
    session.expire_all()
    record_action(session, "forget", REDACTED, f"{ALIAS}{mark}", {"entries": left})
    return len(found)
