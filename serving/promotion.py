"""Promote and roll back from the server: the pointer moves in one atomic write, then the desk takes it up."""

from typing import Any

from models.bundle import load_bundle
from pipelines import champion as pointer
from pipelines.champion import Champion
from serving.clock import wall_now
from serving.desk import Desk
from serving.outbox import announce
from serving.problems import ConflictError, UnknownThingError
from serving.standing import tell_states
from serving.store.tables import AuditRow


def promote(desk: Desk, actor: str, beginning: str) -> dict[str, Any]:
    """Make the kept bundle whose hash begins so the champion; refused if it does not fit the declaration.

    Raises
    ------
    UnknownThingError : no such bundle, or several
    ConflictError : its catalog is another than the declaration's
    """
    bundles = desk.paths.bundles
    kept = [folder for folder in bundles.iterdir() if folder.name.startswith(beginning)] if bundles.exists() else []
    if len(kept) != 1:
        raise UnknownThingError(f"{len(kept)} kept bundles begin so; GET /v1/model lists them.")
    if load_bundle(kept[0]).catalog.hash != desk.state.model.catalog.hash:
        raise ConflictError("this bundle was trained under another declaration; train again instead.")
    return _moved(desk, actor, "promoted", pointer.point_to(desk.paths, kept[0].name))


def roll_back(desk: Desk, actor: str, leaving: str | None = None) -> dict[str, Any]:
    """Make the bundle before the champion the champion again.

    ``leaving`` is the beginning of the hash of the champion that shall go: ConflictError if another is there by now,
    so that a repeated request does not go back and forth.
    """
    champion = pointer.read_champion(desk.paths)
    if leaving is not None and (champion is None or not champion.hash.startswith(leaving)):
        raise ConflictError("another bundle is the champion by now; GET /v1/model shows which.")
    if champion is None or champion.previous is None:
        raise ConflictError("the champion replaced nothing; there is no way back.")
    return _moved(desk, actor, "rolled.back", pointer.roll_back(desk.paths))


def _moved(desk: Desk, actor: str, action: str, found: Champion) -> dict[str, Any]:
    before = desk.state
    taken = desk.refresh() or desk.state.model.bundle.hash == found.hash
    tell_states(desk, before)
    with desk.store.writing() as session:
        detail = {"previous": found.previous}
        session.add(AuditRow(at=wall_now(), actor=actor, action=action, subject=found.hash, detail=detail))
        announce(session, "model.promoted", {"hash": found.hash, "previous": found.previous})
    return {"champion": found.hash, "previous": found.previous, "in_use": taken}
