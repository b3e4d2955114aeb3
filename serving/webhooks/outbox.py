"""Webhooks and their outbox: messages are written in the transaction that makes the change."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from pipelines.outbound.networks import IPNetwork
from serving.problems import ConflictError, NotFoundError
from serving.store.audit_trail import record_action
from serving.store.engine import Store
from serving.store.tables import OutboxMessage, Webhook
from serving.store.wall_clock import wall_now
from serving.webhooks.addresses import check_address

SIGNATURE = "Leadscore-Signature"
ATTEMPTS = 10  # with doubling pauses about 17 minutes, then the message is a dead letter
_SHOWN = 200  # dead letters listed at once


def announce(session: Session, event: str, *payloads: Mapping[str, Any]) -> None:
    """Write messages for every webhook of the event, in the caller's transaction."""
    now = wall_now()
    hooks = [hook for hook in session.scalars(select(Webhook).where(Webhook.active)) if event in hook.events]
    for payload in payloads:
        for hook in hooks:
            row = OutboxMessage(webhook_id=hook.id, event=event, payload=dict(payload), created_at=now, due_at=now)
            row.attempts, row.last_error = 0, ""
            session.add(row)


def sign(secret: str, at: int, body: bytes) -> str:
    """``t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">``: a receiver refuses old or foreign messages."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def add_webhook(
    store: Store, actor: str, url: str, events: list[str], networks: Sequence[IPNetwork] = ()
) -> dict[str, Any]:
    """Register an address; its secret is shown only once. Plain http is for addresses in the declared networks."""
    check_address(url, networks)
    secret = secrets.token_urlsafe(32)
    with store.writing() as session:
        for known in session.scalars(select(Webhook).where(Webhook.active, Webhook.url == url)):
            if sorted(known.events) == sorted(events):
                raise ConflictError(f"webhook {known.id} already sends these events to this address; remove it first.")
        hook = Webhook(url=url, secret=secret, events=events, active=True, created_at=wall_now())
        session.add(hook)
        session.flush()
        detail = {"url": url, "events": events}
        record_action(session, actor, "webhook.added", str(hook.id), detail)
        return {"id": hook.id, "url": url, "events": events, "secret": secret}


def list_webhooks(store: Store) -> list[dict[str, Any]]:
    """Active webhooks without their secrets: how many messages wait, how many are dead letters, the last error."""
    with store.reading() as session:
        hooks = list(session.scalars(select(Webhook).where(Webhook.active).order_by(Webhook.id)))
        waiting = _counts(session, OutboxMessage.attempts < ATTEMPTS)
        dead = _counts(session, OutboxMessage.attempts >= ATTEMPTS)
        return [
            {
                "id": hook.id,
                "url": hook.url,
                "events": hook.events,
                "waiting": waiting.get(hook.id, 0),
                "dead_letters": dead.get(hook.id, 0),
                "last_error": _last_error(session, hook.id),
            }
            for hook in hooks
        ]


def _counts(session: Session, which: ColumnElement[bool]) -> dict[int, int]:
    grouped = select(OutboxMessage.webhook_id, func.count()).where(OutboxMessage.delivered_at.is_(None), which)
    rows = session.execute(grouped.group_by(OutboxMessage.webhook_id))
    return {int(hook): int(count) for hook, count in rows}


def _last_error(session: Session, number: int) -> str:
    failed = and_(OutboxMessage.webhook_id == number, OutboxMessage.delivered_at.is_(None))
    newest = select(OutboxMessage.last_error).where(failed, OutboxMessage.attempts > 0)
    return session.scalar(newest.order_by(OutboxMessage.due_at.desc()).limit(1)) or ""


def list_dead_letters(store: Store, number: int) -> list[dict[str, Any]]:
    """Messages given up after :data:`ATTEMPTS` attempts, oldest first; NotFoundError if there is no such webhook."""
    with store.reading() as session:
        _require_webhook(session, number)
        rows = session.scalars(select(OutboxMessage).where(_is_dead(number)).order_by(OutboxMessage.id).limit(_SHOWN))
        return [
            {
                "id": row.id,
                "event": row.event,
                "created_at": row.created_at.isoformat(),
                "attempts": row.attempts,
                "last_error": row.last_error,
                "data": row.payload,
            }
            for row in rows
        ]


def replay_dead_letters(store: Store, actor: str, number: int) -> int:
    """Queue a webhook's dead letters again, as if they were new; returns how many."""
    with store.writing() as session:
        _require_webhook(session, number)
        rows = list(session.scalars(select(OutboxMessage).where(_is_dead(number))))
        for row in rows:
            row.attempts, row.due_at = 0, wall_now()
        detail = {"messages": len(rows)}
        record_action(session, actor, "webhook.replayed", str(number), detail)
        return len(rows)


def _is_dead(number: int) -> ColumnElement[bool]:
    undelivered = and_(OutboxMessage.webhook_id == number, OutboxMessage.delivered_at.is_(None))
    return and_(undelivered, OutboxMessage.attempts >= ATTEMPTS)


def _require_webhook(session: Session, number: int) -> Webhook:
    hook = session.get(Webhook, number)
    if hook is None or not hook.active:
        raise NotFoundError("there is no such webhook; GET /v1/webhooks lists them.")
    return hook


def remove_webhook(store: Store, actor: str, number: int) -> None:
    """Deactivate a webhook; NotFoundError if it does not exist."""
    with store.writing() as session:
        _require_webhook(session, number).active = False
        session.execute(
            delete(OutboxMessage).where(OutboxMessage.webhook_id == number, OutboxMessage.delivered_at.is_(None))
        )
        record_action(session, actor, "webhook.removed", str(number))
