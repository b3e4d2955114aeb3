"""Webhooks: messages wait in the transaction's outbox and are delivered, signed, until they arrive."""

import hashlib
import hmac
import ipaddress
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.problems import ConflictError, InvalidError, NotFoundError
from serving.state.clock import wall_now
from serving.store.engine import Store
from serving.store.tables import AuditRow, OutboxMessage, Webhook

SIGNATURE = "Leadscore-Signature"
_SECONDS = 5.0  # a receiver may take to answer
_ATTEMPTS = 10  # with doubling pauses about 17 minutes, then the message is given up
_BATCH = 20  # messages of one turn, so that a slow receiver does not hold up the rest for long
_LONGEST_PAUSE = 3600  # seconds


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


def add_webhook(store: Store, actor: str, url: str, events: list[str], *, local: bool) -> dict[str, Any]:
    """Register an address; its secret is shown only once. Plain http is for addresses of a local server."""
    check_address(url, local=local)
    secret = secrets.token_urlsafe(32)
    with store.writing() as session:
        for known in session.scalars(select(Webhook).where(Webhook.active, Webhook.url == url)):
            if sorted(known.events) == sorted(events):
                raise ConflictError(f"webhook {known.id} already sends these events to this address; remove it first.")
        hook = Webhook(url=url, secret=secret, events=events, active=True, created_at=wall_now())
        session.add(hook)
        session.flush()
        detail = {"url": url, "events": events}
        session.add(AuditRow(at=wall_now(), actor=actor, action="webhook.added", subject=str(hook.id), detail=detail))
        return {"id": hook.id, "url": url, "events": events, "secret": secret}


def check_address(url: str, *, local: bool) -> None:
    """Refuse all but https addresses outside this network; a local server may use http and private addresses.

    Link-local addresses are always refused: cloud machines serve their credentials there.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as problem:
        raise InvalidError("this is not a valid address: its brackets or port are malformed.") from problem
    linked = False
    try:
        address = ipaddress.ip_address(host)
        address = getattr(address, "ipv4_mapped", None) or address
        private, linked = not address.is_global, address.is_link_local
    except ValueError:
        private = host == "localhost" or host.endswith((".local", ".internal")) or "." not in host
    if not host or linked or parts.username or (not local and (private or parts.scheme != "https")):
        raise InvalidError("a webhook needs an https address outside this network, without user or password.")


def list_webhooks(store: Store) -> list[dict[str, Any]]:
    """Active webhooks, without their secrets."""
    with store.reading() as session:
        hooks = session.scalars(select(Webhook).where(Webhook.active).order_by(Webhook.id))
        return [{"id": hook.id, "url": hook.url, "events": hook.events} for hook in hooks]


def remove_webhook(store: Store, actor: str, number: int) -> None:
    """Deactivate a webhook; NotFoundError if it does not exist."""
    with store.writing() as session:
        hook = session.get(Webhook, number)
        if hook is None or not hook.active:
            raise NotFoundError("there is no such webhook; GET /v1/webhooks lists them.")
        hook.active = False
        session.add(AuditRow(at=wall_now(), actor=actor, action="webhook.removed", subject=str(number), detail={}))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook must not redirect us elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def deliver(store: Store) -> int:
    """Send what is due; failed messages are tried again, later each time. Returns how many arrived.

    A message is marked as delivered after it arrived: a kill between the two sends it twice, never loses it;
    receivers recognise repeats by the message's id.
    """
    arrived = 0
    with store.reading() as session:
        due = select(OutboxMessage.id).where(OutboxMessage.delivered_at.is_(None), OutboxMessage.due_at <= wall_now())
        numbers = list(
            session.scalars(due.where(OutboxMessage.attempts < _ATTEMPTS).order_by(OutboxMessage.id).limit(_BATCH))
        )

    for number in numbers:
        with store.reading() as session:
            row = session.get(OutboxMessage, number)
            hook = None if row is None else session.get(Webhook, row.webhook_id)
        if row is None or hook is None:
            continue

        error = _send(hook, row) if hook.active else "the webhook was removed"
        with store.writing() as session:
            kept = session.get(OutboxMessage, number)
            if kept is None:
                continue
            kept.attempts += 1
            kept.last_error = error
            if not error:
                kept.delivered_at = wall_now()
                arrived += 1
            else:
                kept.due_at = wall_now() + timedelta(seconds=min(_LONGEST_PAUSE, 2**kept.attempts))
    return arrived


def _send(hook: Webhook, row: OutboxMessage) -> str:
    """Empty if it arrived, else why not."""
    message = {"id": row.id, "event": row.event, "created_at": row.created_at.isoformat(), "data": row.payload}
    body = json.dumps(message, sort_keys=True).encode()
    headers = {"content-type": "application/json", SIGNATURE: sign(hook.secret, int(time.time()), body)}
    request = urllib.request.Request(hook.url, body, headers, method="POST")
    try:
        with _opener.open(request, timeout=_SECONDS) as answer:
            return "" if answer.status < 300 else f"status {answer.status}"
    except urllib.error.HTTPError as problem:
        return f"status {problem.code}"
    except (TimeoutError, OSError, ValueError) as problem:
        return type(problem).__name__
