"""Leads whose state changed because new data or another model were loaded: webhooks hear of them too."""

import hashlib

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState, Replaced
from serving.store.silenced_leads import find_silenced_leads
from serving.store.tables import IdempotencyRecord, Webhook
from serving.store.wall_clock import wall_now
from serving.webhooks.outbox import announce

EVENT = "lead.state_changed"


def announce_untold(app_state: AppState) -> int:
    """Announce what every load changed that was not told yet, in their order; returns how many leads.

    A load whose telling fails stays untold, and the next call tells it.
    """
    told = 0
    with app_state.telling:
        while app_state.untold:
            told += announce_state_changes(app_state, app_state.untold[0])
            app_state.untold.popleft()
    return told


def announce_state_changes(app_state: AppState, after: LoadedState | None) -> int:
    """Write a message for every open lead whose state differs from what ``after`` replaced; returns how many leads.

    Nothing is said of leads that must not be contacted.

    Several servers on one store load the same data: the first writes all messages in one transaction, the others none.
    """
    if after is None or after.replaced is None:
        return 0
    with app_state.store.reading() as session:
        if not any(EVENT in hook.events for hook in session.scalars(select(Webhook).where(Webhook.active))):
            return 0

    earlier = after.replaced.states["state"].rename("state_before").to_frame()
    both = earlier.join(after.worklist.current_states(), how="inner")
    moved = both[(both["state_before"] != both["state"]) & ~both.index.isin(find_silenced_leads(app_state.store))]
    if moved.empty:
        return 0

    try:
        with app_state.store.writing() as session:
            step = _step_key(after.replaced, after)
            session.add(IdempotencyRecord(caller="server", key=step, request_hash="", answer={}, at=wall_now()))
            session.flush()
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


def _step_key(before: Replaced, after: LoadedState) -> str:
    """A key of the step: the same on every server that takes it, another when it is taken again."""
    parts = [(before.bundle_hash, before.stamp), (after.model.bundle.hash, after.data.stamp)]
    return hashlib.sha256(repr((parts, before.moved_at)).encode()).hexdigest()
