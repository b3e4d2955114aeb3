"""Promote and roll back from the server: the same gate, one atomic write, then this server loads it."""

from typing import TYPE_CHECKING, Any

from features.errors import PromotionError, RegistryError
from models.bundle import load_bundle
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.registry import champion as pointer
from pipelines.registry.champion import Champion, MoveKind, PointerMove, read_champion, resolve_bundle_hash
from pipelines.workspace.lock import only_writer
from pipelines.workspace.params_file import DEFAULT as PARAMS
from serving.problems import ConflictError, NotFoundError
from serving.state.app_state import AppState
from serving.state.result_cache import file_stamp
from serving.store.audit_trail import record_action
from serving.webhooks.outbox import announce
from serving.webhooks.state_changes import announce_state_changes

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

    An owner sees who moves on their own list; the figures are of all leads.

    Raises
    ------
    NotFoundError, ConflictError : as :func:`ask_gate`
    """
    from pipelines.registry.promotion_churn import read_last_churn

    if beginning is not None:
        return _of_owner(_churn(app_state, _choose_bundle(app_state, beginning)), owner)
    last = read_last_churn(app_state.context)
    if last is None:
        nothing = "No promotion was written down yet; ask with a bundle's hash who would move."
        return {"champion": None, "challenger": None, "churn": None, "sentence": nothing}
    return _of_owner(last, owner)


def _of_owner(found: dict[str, Any], owner: str | None) -> dict[str, Any]:
    churn = found["churn"]
    if owner is None or churn is None:
        return found
    own = {name: [row for row in churn[name] if row["owner"] == owner] for name in ("owners", "movers")}
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
    if load_bundle(app_state.paths.bundles / chosen).catalog.hash != app_state.loaded.model.catalog.hash:
        raise ConflictError("this bundle was trained under another declaration; train again instead.")
    return chosen


def promote(app_state: AppState, actor: str, beginning: str, force: bool = False, reason: str = "") -> dict[str, Any]:
    """Make the kept bundle whose hash begins so the champion, if the gate lets it; ``force`` overrules it.

    Raises
    ------
    PromotionError : the gate keeps it back, and says why
    NotFoundError, ConflictError : as :func:`ask_gate`; ConflictError too where a registry is followed
    BusyError : a run is writing here; ask again when it is done
    """
    _refuse_if_registry_decides(app_state)
    answer = ask_gate(app_state, beginning)
    if not answer.passes and not force:
        raise PromotionError(answer.text)
    move = PointerMove(MoveKind.FORCED, reason) if force else PointerMove(MoveKind.GATE, answer.sentence)
    moves = _churn(app_state, answer.challenger)
    with only_writer(app_state.paths):
        found = pointer.point_to(app_state.paths, answer.challenger, move)
    moves = _keep_churn(app_state, moves, found, move.how)
    record = _record_move(app_state, actor, "promoted", found, {"how": str(move.how), "reason": move.reason})
    return record | {"gate": answer.record(), "forced": force, "churn": moves}


def _churn(app_state: AppState, chosen: str) -> dict[str, Any]:
    """Worked out once for the same bundles on the same matrix, with the same handoff score, rubric and data."""
    from pipelines.registry.promotion_churn import churn_if_possible

    paths, champion = app_state.paths, read_champion(app_state.paths)
    stamp = (champion and champion.hash, app_state.loaded.data.stamp, file_stamp(paths.matrix / "open.json"))
    return app_state.results.get(f"churn {chosen}", stamp, lambda: churn_if_possible(app_state.context, chosen))


def _keep_churn(app_state: AppState, moves: dict[str, Any], found: Champion, how: MoveKind) -> dict[str, Any]:
    """The report kept for those who ask afterwards; a promotion of the champion itself moved nothing."""
    from pipelines.registry.promotion_churn import keep_churn

    return moves if moves["champion"] == found.hash else keep_churn(app_state.context, moves, how)


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
    _refuse_if_registry_decides(app_state)
    champion = pointer.read_champion(app_state.paths)
    if leaving is not None and (champion is None or not champion.hash.startswith(leaving)):
        raise ConflictError("another bundle has become the champion; GET /v1/model shows which.")
    if champion is None or champion.previous is None:
        raise ConflictError("there is no earlier champion to roll back to.")
    moves = _churn(app_state, champion.previous)
    with only_writer(app_state.paths):
        found = pointer.roll_back(app_state.paths)
    moves = _keep_churn(app_state, moves, found, MoveKind.ROLLBACK)
    why = {"reason": reason} if reason else {}
    return _record_move(app_state, actor, "rolled.back", found, why) | {"churn": moves}


def _refuse_if_registry_decides(app_state: AppState) -> None:
    """ConflictError where the champion is chosen elsewhere: the next look would undo what is done here."""
    if app_state.settings.bundle == "registry":
        raise ConflictError("this server follows the registry's alias 'champion'; move the alias there.")


def _record_move(app_state: AppState, actor: str, action: str, found: Champion, why: dict[str, Any]) -> dict[str, Any]:
    loaded = app_state.refresh()
    taken = loaded is not None or app_state.loaded.model.bundle.hash == found.hash
    announce_state_changes(app_state, loaded)
    with app_state.store.writing() as session:
        detail = {"previous": found.previous, **why}
        record_action(session, actor, action, found.hash, detail)
        announce(session, "model.promoted", {"hash": found.hash, "previous": found.previous})
    return {"champion": found.hash, "previous": found.previous, "in_use": taken}
