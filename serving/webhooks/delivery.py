"""Delivery of webhook messages: one queue a receiver, so that none waits for another's fault."""

import http.client
import json
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import BoundedSemaphore

from sqlalchemy import select

from pipelines.outbound.networks import IPNetwork
from pipelines.outbound.posting import look_up, post
from pipelines.outbound.receivers import AddressRefusedError, parse_address
from serving.store.engine import Store
from serving.store.tables import OutboxMessage, Webhook
from serving.store.wall_clock import wall_now
from serving.webhooks.outbox import ATTEMPTS, SIGNATURE, sign

SECONDS = 5.0  # a whole delivery may take, name lookup to last byte
_LONGEST_PAUSE = 3600  # seconds
_BATCH = 20  # messages of one receiver in one turn
_TURN_SECONDS = 10.0  # after which a slow receiver lets others have its thread
_RECEIVERS = 64  # served at once: a thread that waits costs little, and forty silent ones held up all others for 10 s
_FAILED = 8  # of those whose oldest message has failed before: beside the others, whose places they never take
SESSIONS = 4  # of the store at once: it has fifteen connections, and behind a lock 72 deliveries would take all of them
_TRY_AGAIN = frozenset({408, 425, 429})  # refusals that speak of the receiver, not of the message


class ReceiverQueues:
    """Queues of messages, one a receiver, served beside each other.

    A receiver's messages go in order. When it fails, its later messages wait with the failed one; messages it refuses
    (status 4xx) let the later ones pass. A message is marked as delivered after it arrived: a kill between the two
    sends it twice, never loses it; receivers recognise repeats by the message's id.
    """

    def __init__(self, store: Store, networks: Sequence[IPNetwork] = ()) -> None:
        self._store, self._networks = store, networks
        self._pool = ThreadPoolExecutor(max_workers=_RECEIVERS, thread_name_prefix="leadscore-webhook")
        self._again = ThreadPoolExecutor(max_workers=_FAILED, thread_name_prefix="leadscore-webhook-again")
        self._sessions = BoundedSemaphore(SESSIONS)
        self._busy: dict[int, Future[int]] = {}

    def serve_turn(self) -> list[Future[int]]:
        """Begin to send what is due to receivers that nobody is sending to; each result is how many arrived."""
        self._busy = {hook: turn for hook, turn in self._busy.items() if not turn.done()}
        due, failed = _due_messages(self._store)
        begun = {
            hook: (self._again if hook in failed else self._pool).submit(
                _serve_receiver, self._store, self._sessions, numbers, self._networks
            )
            for hook, numbers in due.items()
            if hook not in self._busy
        }
        self._busy |= begun
        return list(begun.values())

    def close(self) -> None:
        """Begin nothing more; what is being sent ends by itself."""
        for pool in (self._pool, self._again):
            pool.shutdown(wait=False, cancel_futures=True)


def deliver(store: Store, networks: Sequence[IPNetwork] = ()) -> int:
    """Send what is due, once, and wait for it; returns how many messages arrived."""
    queues = ReceiverQueues(store, networks)
    try:
        return sum(turn.result() for turn in queues.serve_turn())
    finally:
        queues.close()


def _due_messages(store: Store) -> tuple[dict[int, list[int]], set[int]]:
    """Webhook to the numbers of its messages that are due, none for a receiver whose oldest message waits; and those
    webhooks whose oldest has failed before.
    """
    message = OutboxMessage
    waiting = (
        select(message.webhook_id, message.id, message.due_at, message.last_error, message.attempts)
        .where(OutboxMessage.delivered_at.is_(None), OutboxMessage.attempts < ATTEMPTS)
        .order_by(OutboxMessage.id)
    )
    now, queues, held, failed = wall_now(), dict[int, list[int]](), set[int](), set[int]()
    with store.reading() as session:
        for hook, number, due, error, attempts in session.execute(waiting):
            if hook in held or len(queues.get(hook, ())) >= _BATCH:
                continue
            if due <= now:
                if attempts and hook not in queues:
                    failed.add(hook)
                queues.setdefault(hook, []).append(number)
            elif not _is_refusal(error):
                held.add(hook)
    return queues, failed


def _serve_receiver(
    store: Store, sessions: BoundedSemaphore, numbers: Sequence[int], networks: Sequence[IPNetwork]
) -> int:
    """Send one receiver's messages until it fails; returns how many arrived."""
    arrived, until = 0, time.monotonic() + _TURN_SECONDS
    for number in numbers:
        if time.monotonic() > until:
            break
        with sessions, store.reading() as session:
            row = session.get(OutboxMessage, number)
            hook = None if row is None else session.get(Webhook, row.webhook_id)
        if row is None or hook is None or not hook.active:
            continue

        error = send_message(hook, row, networks)
        with sessions:
            _note_attempt(store, number, error, wall_now())
        arrived += not error
        if error and not _is_refusal(error):
            break
    return arrived


def _note_attempt(store: Store, number: int, error: str, now: datetime) -> None:
    with store.writing() as session:
        kept = session.get(OutboxMessage, number)
        if kept is None:
            return
        kept.attempts += 1
        kept.last_error = error
        if error:
            kept.due_at = now + timedelta(seconds=min(_LONGEST_PAUSE, 2**kept.attempts))
        else:
            kept.delivered_at = now


def _is_refusal(error: str) -> bool:
    """Whether an error speaks of one message, not of the receiver as a whole."""
    status = error.removeprefix("status ")
    return status.isdigit() and 400 <= int(status) < 500 and int(status) not in _TRY_AGAIN


def send_message(hook: Webhook, row: OutboxMessage, networks: Sequence[IPNetwork] = ()) -> str:
    """Empty if the message arrived, else why not; whatever a receiver does, it takes at most :data:`SECONDS`."""
    message = {"id": row.id, "event": row.event, "created_at": row.created_at.isoformat(), "data": row.payload}
    body = json.dumps(message, sort_keys=True).encode()
    headers = {"content-type": "application/json", SIGNATURE: sign(hook.secret, int(time.time()), body)}
    until = time.monotonic() + SECONDS
    try:
        receiver = parse_address(hook.url)
        status = post(receiver, look_up(receiver, networks, until), body, headers, until)
    except AddressRefusedError as problem:
        return str(problem)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return type(problem).__name__
    except Exception as problem:  # nothing a receiver sends may stop the queue: it counts as an attempt
        return f"unexpected {type(problem).__name__}"
    return "" if 200 <= status < 300 else f"status {status}"
