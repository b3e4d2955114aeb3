"""``begun.json``: what a retrain comes to while it goes on, so that run again after a kill it comes to the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.errors import DataError
from pipelines.registry.champion import Champion, MoveKind, read_champion
from pipelines.registry.promotion_churn import read_last_churn
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context

_BY_REGISTER = (MoveKind.FIRST, MoveKind.DECLARATION)  # what makes a champion while it trains, unasked


@dataclass(frozen=True)
class Begun:
    """Who was champion when a retrain began, and what it had decided when it ended early: None where it had not."""

    champion: str | None
    draft: dict[str, Any] | None = None


def begin_retrain(context: Context, asked: Mapping[str, Any]) -> Begun:
    """Note who is champion before anything is trained, or find what was noted by one that ended early.

    ``asked`` is what was asked, of which ``data``: for anything else, and where somebody moved the pointer since, a
    retrain begins anew. What it had promoted is told whatever is asked now.
    """
    champion = read_champion(context.paths)
    scores = None if champion is None else champion.hash
    begun = _read(context)
    before, draft, of = begun.get("champion"), begun.get("draft"), begun.get("asked") or {}
    if of.get("data") == asked["data"]:
        if draft is not None and begun.get("scores") == scores and (of == asked or scores != before):
            return Begun(before, _with_moves(context, draft, scores))
        if _made_since(champion, before):
            return Begun(before)
    write_json(context.paths.begun, {"asked": asked, "champion": scores})
    return Begun(scores)


def note_draft(context: Context, draft: Mapping[str, Any], scores: str | None) -> None:
    """Note what was decided, and who scores once it is done."""
    write_json(context.paths.begun, _read(context) | {"draft": draft, "scores": scores})


def end_retrain(context: Context) -> None:
    """All is written."""
    context.paths.begun.unlink(missing_ok=True)


def _with_moves(context: Context, draft: dict[str, Any], scores: str | None) -> dict[str, Any]:
    """The draft of a promotion with who moved, as it was written down with the move."""
    last = read_last_churn(context)
    moved = last is not None and draft["champion_before"] != scores and last.get("challenger") == scores
    return draft | {"churn": last} if moved else draft


def _made_since(champion: Champion | None, before: str | None) -> bool:
    last = None if champion is None or not champion.history else champion.history[-1]
    return last is not None and last.how in _BY_REGISTER and last.previous == before


def _read(context: Context) -> dict[str, Any]:
    """The file; nothing where it is missing or damaged: a retrain begins anew then."""
    try:
        found = read_json(context.paths.begun) if context.paths.begun.exists() else {}
    except DataError:
        return {}
    return found if isinstance(found, dict) else {}
