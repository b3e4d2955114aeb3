"""Promote and roll back from the server: the same gate, one atomic write, then this server loads it."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from features.errors import LeadScoreError, PromotionError, RegistryError
from models.bundle import load_bundle
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.registry.champion import (
    Champion,
    MoveKind,
    PointerMove,
    is_declared,
    point_to,
    read_champion,
    require_champion,
    resolve_bundle_hash,
)
from pipelines.workspace.lock import BusyError, only_writer
from pipelines.workspace.params_file import DEFAULT as PARAMS
from serving.logs import logger, traceback_places
from serving.problems import ConflictError, NotFoundError
from serving.results.unfinished_moves import PROMOTE, ROLL_BACK, begin_move, end_move, end_unfinished
from serving.state.app_state import AppState
from serving.state.result_cache import file_stamp
from serving.webhooks.load_decided import load_decided

if TYPE_CHECKING:
    from models.judging.promotion.gate import Answer


def ask_gate(app_state: AppState, beginning: str | None) -> "Answer":
    """The gate's answer on the kept bundle whose hash begins so, or on the one trained last; moves nothing.

    Raises
    ------
    NotFoundError : no such bundle, or several
    ConflictError : its catalog is another than the declaration's
    """
    return _ask_gate(app_state, _choose_bundle(app_state, beginning))


def find_churn(app_state: AppState, beginning: str | None, owner: str | None = None) -> dict[str, Any]:
    """Who would move if the kept bundle whose hash begins so became the champion; without one, who moved last.

    An owner sees who moves among the leads that are theirs today; the figures are of all leads. Leads that are no
    longer in the data are named to nobody.

    Raises
    ------
    NotFoundError, ConflictError : as :func:`ask_gate`
    """
    from pipelines.registry.promotion_churn import read_last_churn

    if beginning is not None:
        return _of_today(app_state, compute_churn(app_state, _choose_bundle(app_state, beginning)), owner)
    last = read_last_churn(app_state.context)
    if last is None:
        nothing = "No promotion was written down yet; ask with a bundle's hash who would move."
        return {"champion": None, "challenger": None, "churn": None, "sentence": nothing}
    return _of_today(app_state, last, owner)


def _of_today(app_state: AppState, found: dict[str, Any], owner: str | None) -> dict[str, Any]:
    """Movers that are in the data still, of an owner's leads of today; whose list they were on then is kept beside."""
    churn = found["churn"]
    if churn is None:
        return found
    movers = churn["movers"]
    shown = app_state.loaded.data.are_named_to([str(row["lead_id"]) for row in movers], owner)
    own = {
        "movers": [row for row, seen in zip(movers, shown, strict=True) if seen],
        "owners": [row for row in churn["owners"] if owner is None or row["owner"] == owner],
    }
    return found | {"churn": churn | own}


def _choose_bundle(app_state: AppState, beginning: str | None) -> str:
    """The whole hash of the one kept bundle that begins so, or of the one trained last; it fits the declaration."""
    if beginning is None and TrainRecord.exists(app_state.paths):
        beginning = TrainRecord.read(app_state.paths).hash
    if beginning is None:
        raise NotFoundError(f"the last run trained no bundle; run 'leadscore run --source {app_state.paths.source}'.")
    try:
        chosen = resolve_bundle_hash(app_state.paths, beginning)
    except RegistryError as nothing:
        raise NotFoundError(
            "this hash does not identify exactly one kept bundle; GET /v1/model lists them."
        ) from nothing
    if not is_declared(app_state.context, load_bundle(app_state.paths.bundles / chosen)):
        raise ConflictError("this bundle was trained under another declaration; train again instead.")
    return chosen


def promote(
    app_state: AppState,
    actor: str,
    beginning: str,
    force: bool = False,
    reason: str = "",
    *,
    leaving: str | None = None,
) -> dict[str, Any]:
    """Make the kept bundle whose hash begins so the champion, if the gate lets it; ``force`` overrules it.

    ``leaving`` is the beginning of the hash of the champion that shall go: ConflictError if another is there by now.

    Raises
    ------
    PromotionError : the gate keeps it back, and says why
    NotFoundError, ConflictError : as :func:`ask_gate`; ConflictError too where a registry is followed
    BusyError : a run is writing here; ask again when it is done
    """
    with app_state.way.held():
        told = app_state.people.register.hide_in_text(reason, numbers=True)
        return _promote(app_state, actor, beginning, force, told, leaving)


def _promote(
    app_state: AppState, actor: str, beginning: str, force: bool, reason: str, leaving: str | None
) -> dict[str, Any]:
    from pipelines.registry.kept_decisions import promotion_decision

    _refuse_if_registry_decides(app_state)
    before = _champion_hash(app_state)
    if leaving is not None and before != beginning:  # asked twice, it is there already: no conflict
        _require_leaving(before, leaving)
    answer = ask_gate(app_state, beginning)
    if not answer.passes and not force:
        _keep_refusal(app_state, answer)
        raise PromotionError(answer.text)
    move = PointerMove(MoveKind.FORCED, reason) if force else PointerMove(MoveKind.GATE, answer.sentence)
    moves = compute_churn(app_state, answer.challenger)
    decision = promotion_decision(answer, reason if force else "")
    with only_writer(app_state.paths):
        _settle(app_state)
        found, moves = _move_pointer(app_state, actor, before, answer.challenger, move, moves, decision)
    return _load(app_state, found) | {"gate": answer.record(), "forced": force, "churn": moves}


def _keep_refusal(app_state: AppState, answer: "Answer") -> None:
    """Put on record that the gate kept a bundle back; where a run is writing, or nothing can be written, it stays a
    refusal.
    """
    from pipelines.registry.kept_decisions import keep_decision, promotion_decision

    with suppress(BusyError, OSError), only_writer(app_state.paths):
        keep_decision(app_state.paths, promotion_decision(answer, ""))


def compute_churn(app_state: AppState, chosen: str) -> dict[str, Any]:
    """Worked out once for the same bundles on the same matrix, with the same handoff score, rubric and data."""
    from pipelines.registry.promotion_churn import churn_if_possible

    paths, champion = app_state.paths, read_champion(app_state.paths)
    stamp = (champion and champion.hash, app_state.loaded.data.stamp, file_stamp(paths.matrix / "open.json"))
    return app_state.results.get(f"churn {chosen}", stamp, lambda: churn_if_possible(app_state.context, chosen))


def _settle(app_state: AppState) -> dict[str, Any] | None:
    """End what a kill cut off, in the trail and beside the pointer; returns the note of a move that had been made."""
    from pipelines.registry.unfinished_move import settle_move

    end_unfinished(app_state)
    return settle_move(app_state.context)


def _move_pointer(
    app_state: AppState,
    actor: str,
    before: str | None,
    to: str,
    move: PointerMove,
    moves: dict[str, Any],
    decision: dict[str, Any] | None = None,
) -> tuple[Champion, dict[str, Any]]:
    """Move the pointer from the champion that was judged; the caller holds the source's lock.

    The ``decision`` that the move comes of goes on record with it; a rollback comes of none.

    The trail says who asked before anything changes, and then what came of it: no champion scores unsaid, also where
    the server is killed in between. Once the pointer has moved, nothing takes that back: what fails then is logged.

    Raises
    ------
    ConflictError : another bundle has become the champion meanwhile
    """
    from pipelines.registry.kept_decisions import name_decision
    from pipelines.registry.promotion_churn import keep_churn
    from pipelines.registry.unfinished_move import Behind, noted_move

    if _champion_hash(app_state) != before:
        raise ConflictError("another bundle has become the champion; GET /v1/model shows which.")
    if to == before:  # a promotion of the champion itself moves nothing, and is no news
        return require_champion(app_state.paths), moves

    actions = ROLL_BACK if move.how is MoveKind.ROLLBACK else PROMOTE
    asked = {"previous": before, "how": str(move.how)} | ({"reason": move.reason} if move.reason else {})
    begin_move(app_state, actor, actions, to, asked)
    try:
        behind = Behind(decision=None if decision is None else name_decision(decision))
        with noted_move(app_state.context, to, move, moves, behind):
            found = point_to(app_state.paths, to, move)
            moves = keep_churn(app_state.context, moves, move.how)
    except Exception as problem:
        moved = _champion_hash(app_state) == to
        outcome = problem.message if isinstance(problem, LeadScoreError) else type(problem).__name__
        end_move(app_state, actor, actions, to, asked | {"outcome": outcome}, moved=moved)
        if not moved:
            raise
        logger().error("who moved is not kept", kind=type(problem).__name__, places=traceback_places(problem))
        return require_champion(app_state.paths), moves
    end_move(app_state, actor, actions, to, asked, moved=True)
    return found, moves


def _require_leaving(before: str | None, leaving: str) -> None:
    if before is None or not before.startswith(leaving):
        raise ConflictError("another bundle has become the champion; GET /v1/model shows which.")


def _champion_hash(app_state: AppState) -> str | None:
    champion = read_champion(app_state.paths)
    return None if champion is None else champion.hash


def _ask_gate(app_state: AppState, chosen: str) -> "Answer":
    """Asked once for the same bundles on the same matrix and audit: resampling takes a while."""
    from pipelines.registry.promotion_gate import (
        ask_gate,  # with the first question: the server starts without the judges
    )
    from pipelines.workspace.params_file import load_gate

    paths, champion = app_state.paths, read_champion(app_state.paths)
    files = file_stamp(paths.matrix / "matrix.json", AuditRecord.path(paths), PARAMS)
    stamp = (champion and champion.hash, app_state.loaded.data.stamp, files)
    return app_state.results.get(f"gate {chosen}", stamp, lambda: ask_gate(app_state.context, chosen, load_gate()))


def roll_back(app_state: AppState, actor: str, leaving: str | None = None, reason: str = "") -> dict[str, Any]:
    """Make the bundle before the champion the champion again; the audit trail keeps the ``reason``.

    ``leaving`` is the beginning of the hash of the champion that shall go: ConflictError if another is there by now,
    so that a repeated request does not go back and forth.
    """
    with app_state.way.held():
        told = app_state.people.register.hide_in_text(reason, numbers=True)
        return _roll_back(app_state, actor, leaving, told)


def _roll_back(app_state: AppState, actor: str, leaving: str | None, reason: str) -> dict[str, Any]:
    _refuse_if_registry_decides(app_state)
    champion = read_champion(app_state.paths)
    if leaving is not None:
        _require_leaving(None if champion is None else champion.hash, leaving)
    if champion is None or champion.previous is None:
        raise ConflictError("there is no earlier champion to roll back to.")
    moves = compute_churn(app_state, champion.previous)
    with only_writer(app_state.paths):
        settled = _settle(app_state)
        if settled is not None and settled["how"] == str(MoveKind.ROLLBACK) and leaving is None:
            # rolled back already, by a server or a command that was killed before it could say so
            found, moves = require_champion(app_state.paths), settled["churn"]
        else:
            move = PointerMove(MoveKind.ROLLBACK, reason or "one step back")
            found, moves = _move_pointer(app_state, actor, champion.hash, champion.previous, move, moves)
    return _load(app_state, found) | {"churn": moves}


def _refuse_if_registry_decides(app_state: AppState) -> None:
    """ConflictError where the champion is chosen elsewhere: the next look would undo what is done here."""
    if app_state.settings.bundle == "registry":
        raise ConflictError("this server follows the registry's alias 'champion'; move the alias there.")


def _load(app_state: AppState, found: Champion) -> dict[str, Any]:
    load_decided(app_state)
    taken = app_state.newest.model.bundle.hash == found.hash
    return {"champion": found.hash, "previous": found.previous, "in_use": taken}
