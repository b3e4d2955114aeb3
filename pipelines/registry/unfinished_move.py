"""``moving.json``: what a move of the pointer is about, while it goes on, so that one that was killed can be ended.

A rollback run again after a kill must not roll back twice; who moved with a promotion, and the decision that it came
of, must not be lost because the kill came between the pointer and the report.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from features.errors import DataError
from pipelines.registry.champion import Champion, MoveKind, PointerMove, read_champion
from pipelines.registry.kept_decisions import write_decision
from pipelines.registry.promotion_churn import keep_churn, read_last_churn
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context


@dataclass(frozen=True)
class Behind:
    """What stands behind a move: the command, and the decision that goes on record with it."""

    by: str = ""
    decision: Mapping[str, Any] | None = None


@contextmanager
def noted_move(
    context: Context, to: str, move: PointerMove, churn: dict[str, Any] | None, behind: Behind = Behind()
) -> Iterator[None]:
    """Note a move before it is made, and write down its decision once it is.

    The note goes when all of it was done, or when it ended before the pointer moved. What ends it afterwards (Ctrl-C,
    a full disk) leaves the note, as a kill does.
    """
    champion = read_champion(context.paths)
    before = None if champion is None else champion.hash
    last = None if champion is None or not champion.history else champion.history[-1].record()
    note = {"before": before, "to": to, "how": str(move.how), "reason": move.reason, "churn": churn, "last": last}
    write_json(context.paths.moving, note | {"by": behind.by, "decision": behind.decision})
    try:
        yield
    except GeneratorExit:  # the process ends in the middle of it: as a kill does
        raise
    except BaseException:
        now = read_champion(context.paths)
        if now is None or now.hash != to or before == to:
            context.paths.moving.unlink(missing_ok=True)
        raise
    if behind.decision is not None:
        write_decision(context.paths, behind.decision)
    context.paths.moving.unlink(missing_ok=True)


def settle_move(context: Context) -> dict[str, Any] | None:
    """End a move that was killed after the pointer had moved; returns its note, None where there is none to end.

    One that was killed before is forgotten: it is begun anew. Where the pointer has moved on since, the decision goes
    on record all the same, and nothing else is left to end. The caller holds the source's lock.
    """
    file = context.paths.moving
    if not file.exists():
        return None
    try:
        note = read_json(file)
        to, how, churn = str(note["to"]), str(note["how"]), note["churn"]
        decision = None if note.get("decision") is None else {key: note["decision"][key] for key in ("file", "record")}
    except (DataError, KeyError, TypeError, AttributeError):
        file.unlink()
        return None
    champion = read_champion(context.paths)
    if champion is None or note.get("before") == to or not _was_made(champion, note):
        file.unlink()
        return None
    if decision is not None:
        write_decision(context.paths, decision)
    scores = champion.hash == to
    last = read_last_churn(context) if scores else None
    if scores and churn is not None and churn["champion"] != to and (last is None or last.get("challenger") != to):
        keep_churn(context, churn, how)
    file.unlink()
    found: dict[str, Any] = note
    return found if scores else None


def _was_made(champion: Champion, note: Mapping[str, Any]) -> bool:
    """Whether the pointer made the noted move, wherever it points by now."""
    since = takewhile(lambda move: move.record() != note.get("last"), reversed(champion.history))
    made = [(move.hash, move.previous) for move in since]
    return champion.hash == note["to"] or ("last" in note and (note["to"], note.get("before")) in made)


def describe_settled(note: dict[str, Any]) -> str:
    """What a command says of a move that another one began, was killed over, and that it ended."""
    to, before = (f"{note[key][:12]}" if note.get(key) else "none" for key in ("to", "before"))
    what = "rollback" if note["how"] == str(MoveKind.ROLLBACK) else "promotion"
    reason = f" ({str(note['reason']).rstrip('.')})" if note.get("reason") else ""
    return (
        f"Ended first: a {what} from before that was killed once {to} had taken the place of {before}{reason}. What "
        "follows was decided since, with it as champion."
    )
