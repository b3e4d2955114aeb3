"""Delivery of webhook messages: one queue a receiver, so that none waits for another's fault."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import BoundedSemaphore

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pipelines.outbound.networks import IPNetwork
from pipelines.outbound.posting import look_up, post
from pipelines.outbound.receivers import AddressRefusedError, parse_address
from serving.logs import logger, traceback_places
from serving.store.engine import Store, hold_lock
from serving.store.tables import OutboxMessage, Webhook
from serving.store.wall_clock import wall_now
from serving.webhooks.outbox import ATTEMPTS, SIGNATURE, sign

SECONDS = 5.0  # a whole delivery may take, name lookup to last byte
_LONGEST_PAUSE = 3600  # seconds
_BATCH = 20  # messages of one receiver in one turn
_TURN_SECONDS = 10.0  # after which a slow receiver lets others have its thread
_RECEIVERS = 64  # served at once: a thread that waits costs little, and forty silent ones held up all others for 10 s
_FAILED = 8  # of those whose oldest message has failed before: beside the others, whose places they never take
_CLAIM_SECONDS = 60.0  # a turn, its last delivery and the store's lock take 45: nobody else sends them meanwhile
PAUSE_SECONDS = 1.0  # after a turn that the store ended, doubled with each that follows
_LONGEST_STORE_PAUSE = 60.0
SESSIONS = 4  # of the store at once: it has fifteen connections, and behind a lock 72 deliveries would take all of them
_TRY_AGAIN = frozenset({408, 425, 429})  # refusals that speak of the receiver, not of the message


class ReceiverQueues:
    """Queues of messages, one a receiver, served beside each other.

    A receiver's messages go in order. When it fails, its later messages wait with the failed one; messages it refuses
    (status 4xx) let the later ones pass. Messages are claimed in the store before they are sent: of several servers one
    sends them, and where the store takes no writes, none is sent that could not be marked. A message is marked as
    delivered after it arrived: a kill between the two sends it twice, once the claim has run out, and never loses it;
    receivers recognise repeats by the message's id.
    """

    def __init__(
        self, store: Store, networks: Sequence[IPNetwork] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._networks, self._clock = store, networks, clock
        self._pool = ThreadPoolExecutor(max_workers=_RECEIVERS, thread_name_prefix="leadscore-webhook")
        self._again = ThreadPoolExecutor(max_workers=_FAILED, thread_name_prefix="leadscore-webhook-again")
        self._sessions = BoundedSemaphore(SESSIONS)
        self._busy: dict[int, Future[int]] = {}
        self._pauses: dict[int, tuple[int, float]] = {}  # webhook to failed turns, and when the next may begin

    def serve_turn(self) -> list[Future[int]]:
        """Begin to send what is due to receivers that nobody is sending to; each result is how many arrived."""
        for hook, turn in list(self._busy.items()):
            if turn.done():
                del self._busy[hook]
                self._note_end(hook, turn)
        with self._store.reading() as session:
            due, failed = _due_messages(session)
        begun = {
            hook: (self._again if hook in failed else self._pool).submit(
                _serve_receiver, self._store, self._sessions, hook, self._networks
            )
            for hook in due
            if hook not in self._busy and self._clock() >= self._pauses.get(hook, (0, 0.0))[1]
        }
        self._busy |= begun
        return list(begun.values())

    def _note_end(self, hook: int, turn: Future[int]) -> None:
        """A turn that failed is told in the log, and the receiver rests: what ended it will not be gone in a second."""
        problem = None if turn.cancelled() else turn.exception()
        if problem is None:
            self._pauses.pop(hook, None)
            return
        failures = self._pauses.get(hook, (0, 0.0))[0]
        pause = min(_LONGEST_STORE_PAUSE, PAUSE_SECONDS * 2**failures)
        self._pauses[hook] = failures + 1, self._clock() + pause
        places = traceback_places(problem) if isinstance(problem, Exception) else []
        logger().warning("messages not sent", webhook=hook, kind=type(problem).__name__, pause=pause, places=places)

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


def _due_messages(session: Session, hook: int | None = None) -> tuple[dict[int, list[int]], set[int]]:
    """Webhook to the numbers of its messages that are due, none for a receiver whose oldest message waits; and those
    webhooks whose oldest has failed before. ``hook`` asks for one webhook only.
    """
    message = OutboxMessage
    waiting = (
        select(message.webhook_id, message.id, message.due_at, message.last_error, message.attempts)
        .where(OutboxMessage.delivered_at.is_(None), OutboxMessage.attempts < ATTEMPTS)
        .order_by(OutboxMessage.id)
    )
    if hook is not None:
        waiting = waiting.where(message.webhook_id == hook)
    now, queues, held, failed = wall_now(), dict[int, list[int]](), set[int](), set[int]()
    for one, number, due, error, attempts in session.execute(waiting):
        if one in held or len(queues.get(one, ())) >= _BATCH:
            continue
        if due <= now:
            if attempts and one not in queues:
                failed.add(one)
            queues.setdefault(one, []).append(number)
        elif not _is_refusal(error):
            held.add(one)
    return queues, failed


def _claim(store: Store, hook: int) -> tuple[list[int], datetime]:
    """Take a receiver's due messages, oldest first, so that no other server sends them meanwhile; and until when.

    Those of a webhook that was removed go: they were written by a transaction that began while it was there.
    """
    until = wall_now() + timedelta(seconds=_CLAIM_SECONDS)
    with store.writing() as session:
        hold_lock(session, f"webhook {hook}")
        receiver = session.get(Webhook, hook)
        if receiver is None or not receiver.active:
            own = (OutboxMessage.webhook_id == hook) & OutboxMessage.delivered_at.is_(None)
            session.execute(delete(OutboxMessage).where(own))
            return [], until
        numbers = _due_messages(session, hook)[0].get(hook, [])
        chosen = OutboxMessage.id.in_(numbers) & OutboxMessage.delivered_at.is_(None)
        session.execute(update(OutboxMessage).where(chosen).values(due_at=until))
    return numbers, until


def _release(session: Session, numbers: Sequence[int], until: datetime) -> None:
    """Make what is still claimed ``until`` then due now."""
    ours = OutboxMessage.id.in_(numbers) & OutboxMessage.delivered_at.is_(None) & (OutboxMessage.due_at == until)
    session.execute(update(OutboxMessage).where(ours).values(due_at=wall_now()))


def _serve_receiver(store: Store, sessions: BoundedSemaphore, hook_id: int, networks: Sequence[IPNetwork]) -> int:
    """Send one receiver's messages until it fails; returns how many arrived."""
    with sessions:
        numbers, claimed = _claim(store, hook_id)
    arrived, until = 0, time.monotonic() + _TURN_SECONDS
    for at, number in enumerate(numbers):
        with sessions, store.reading() as session:
            row = session.get(OutboxMessage, number)
            hook = None if row is None else session.get(Webhook, row.webhook_id)
        if row is None or hook is None or not hook.active:
            continue
        if row.delivered_at is not None or row.due_at != claimed:
            continue  # the claim ran out, as where this machine slept, and another server has it

        error = send_message(hook, row, networks)
        over = bool(error and not _is_refusal(error)) or time.monotonic() > until
        with sessions:
            _note_attempt(store, number, error, numbers[at + 1 :] if over else (), claimed)
        arrived += not error
        if over:
            break
    return arrived


def _note_attempt(store: Store, number: int, error: str, left: Sequence[int], claimed: datetime) -> None:
    """Note how a message fared; those ``left`` for a later turn are anybody's again."""
    with store.writing() as session:
        now = wall_now()
        _release(session, left, claimed)
        kept = session.get(OutboxMessage, number)
        if kept is None or kept.delivered_at is not None:
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
