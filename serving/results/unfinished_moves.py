"""Moves of the champion in the audit trail: said before the pointer moves, and ended there however the server ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from pipelines.registry.champion import Champion, read_champion
from pipelines.workspace.lock import BusyError, only_writer
from serving.state.app_state import AppState
from serving.store.audit_trail import record_action
from serving.store.tables import AuditRow
from serving.webhooks.outcomes import record_outcome


@dataclass(frozen=True)
class MoveActions:
    """A move's words in the trail: as it begins, once the pointer has moved, and where it did not."""

    begins: str
    done: str
    failed: str


PROMOTE = MoveActions("promoting", "promoted", "not_promoted")
ROLL_BACK = MoveActions("rolling.back", "rolled.back", "not_rolled.back")
_BY_BEGINNING = {move.begins: move for move in (PROMOTE, ROLL_BACK)}
_OUTCOMES = [outcome for move in (PROMOTE, ROLL_BACK) for outcome in (move.done, move.failed)]


def begin_move(app_state: AppState, actor: str, actions: MoveActions, to: str, detail: Mapping[str, Any]) -> None:
    """Say in the trail who is about to make which bundle the champion; the caller holds the source's lock."""
    with app_state.store.writing() as session:
        record_action(session, actor, actions.begins, to, detail)


def end_move(
    app_state: AppState, actor: str, actions: MoveActions, to: str, detail: Mapping[str, Any], *, moved: bool
) -> None:
    """Say what came of it, and tell webhooks of a new champion; where the store refuses, the watch says it later."""
    told = {"model.promoted": {"hash": to, "previous": detail["previous"]}} if moved else {}
    action = actions.done if moved else actions.failed
    if not record_outcome(app_state.store, actor, action, to, detail, told):
        app_state.move_untold = True


def settle_moves(app_state: AppState) -> None:
    """End in the trail the move that a killed server began; where somebody writes to the source, the next call does."""
    if _find_unfinished(app_state) is not None:
        try:
            with only_writer(app_state.paths):
                app_state.move_untold = False
                end_unfinished(app_state)
        except BusyError:
            return
    else:
        app_state.move_untold = False


def end_unfinished(app_state: AppState) -> None:
    """As :func:`settle_moves`, for who holds the source's lock: no move is underway then."""
    begun = _find_unfinished(app_state)
    if begun is not None:
        moved = _has_moved(read_champion(app_state.paths), begun)
        outcome = {"outcome": f"cut off {'after' if moved else 'before'} the champion changed"}
        actions = _BY_BEGINNING[begun.action]
        end_move(app_state, begun.actor, actions, begun.subject, {**begun.detail, **outcome}, moved=moved)


def _find_unfinished(app_state: AppState) -> AuditRow | None:
    """The newest entry of a move, where it has no outcome."""
    moves = AuditRow.action.in_([*_BY_BEGINNING, *_OUTCOMES])
    with app_state.store.reading() as session:
        newest = session.scalar(select(AuditRow).where(moves).order_by(AuditRow.id.desc()).limit(1))
    return newest if newest is not None and newest.action in _BY_BEGINNING else None


def _has_moved(champion: Champion | None, begun: AuditRow) -> bool:
    """Whether the pointer made the move: it points there, or did so since, as its history says."""
    if champion is None:
        return False
    if champion.hash == begun.subject:
        return True
    since = begun.at.replace(tzinfo=UTC, microsecond=0)
    return any(
        (move.hash, move.previous) == (begun.subject, begun.detail["previous"])
        and datetime.fromisoformat(move.at) >= since
        for move in champion.history
    )
