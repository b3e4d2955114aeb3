"""Leads whose state changed because new data or another model were loaded: webhooks hear of them too."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from serving.logs import logger, traceback_places
from serving.state.app_state import AppState
from serving.state.loaded_state import UntoldStep
from serving.store.silenced_leads import find_silenced_leads
from serving.store.tables import IdempotencyRecord, Webhook
from serving.store.wall_clock import wall_now
from serving.webhooks.outbox import announce

EVENT = "lead.state_changed"
_STORE_IS_AWAY = (OperationalError, InterfaceError, NoConnectionError)  # of which every step waits, however long
FAILURES = 5  # of one step for another reason, after which those behind it are told
_KEPT = 50  # steps, while the store takes no writes


def announce_untold(app_state: AppState) -> int:
    """Announce what every load changed that was not told yet, in their order; returns how many leads.

    A load whose telling fails stays untold, and the next call tells it. One that fails again and again though the store
    takes writes is given up, and so are the oldest of very many: the log says so.
    """
    told, untold = 0, app_state.untold
    with app_state.telling:
        app_state.settle()
        while len(untold) > _KEPT:
            logger().error("changes of state given up", kind="too many", leads=len(untold.popleft().moved))
        while untold:
            try:
                told += announce_state_changes(app_state, untold[0])
            except _STORE_IS_AWAY:
                raise
            except Exception as problem:
                untold[0].failures += 1
                if untold[0].failures < FAILURES:
                    raise
                kind, places = type(problem).__name__, traceback_places(problem)
                logger().error("changes of state given up", kind=kind, leads=len(untold[0].moved), places=places)
            untold.popleft()
    return told


def announce_state_changes(app_state: AppState, step: UntoldStep) -> int:
    """Write a message for every lead whose state a load changed; returns how many.

    Nothing is said of leads that must not be contacted, or that were forgotten since the load.

    Several servers on one store load the same data: the first writes all messages in one transaction, the others none.
    """
    with app_state.store.reading() as session:
        if not any(EVENT in hook.events for hook in session.scalars(select(Webhook).where(Webhook.active))):
            return 0

    moved = step.moved[~step.moved.index.isin(find_silenced_leads(app_state.store))]
    if moved.empty:
        return 0

    try:
        with app_state.store.writing() as session:
            session.add(IdempotencyRecord(caller="server", key=step.key, request_hash="", answer={}, at=wall_now()))
            session.flush()
            # inside the write: who is forgotten after it is erased from the messages, and who was before is not in them
            moved = moved[~app_state.people.register.find_leads(moved.index.to_series())]
            announce(
                session,
                EVENT,
                *(
                    {"lead_id": str(lead_id), "from": was, "to": state, "score": int(score)}
                    for lead_id, was, state, score in moved.itertuples(name=None)
                ),
            )
    except IntegrityError:
        return 0
    return len(moved)
