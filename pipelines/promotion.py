"""Making a bundle the champion: the gate's answer, who moves, the pointer and the registry's aliases, in one step."""

import contextlib
from dataclasses import dataclass, replace
from typing import Any

from features.errors import ContractError, PromotionError
from models.judging.promotion.gate import Answer
from models.settings import GateSettings
from pipelines.registry.champion import (
    Champion,
    MoveKind,
    PointerMove,
    keep_bundle,
    point_to,
    read_champion,
    resolve_bundle_hash,
)
from pipelines.registry.kept_decisions import keep_decision, name_decision, promotion_decision
from pipelines.registry.promotion_churn import churn_if_possible, keep_churn
from pipelines.registry.promotion_gate import ask_gate
from pipelines.registry.unfinished_move import Behind, noted_move, settle_move
from pipelines.workspace.context import Context
from pipelines.workspace.lock import only_writer

TOP = 10  # first places of each owner's list that are watched


@dataclass(frozen=True)
class Promotion:
    """What the gate said, who moves, and the champion since: None where it was only asked.

    ``untold`` says why the aliases in MLflow did not follow; empty where they did.
    """

    gate: Answer
    churn: dict[str, Any]
    champion: Champion | None = None
    untold: str = ""


def promote_bundle(
    context: Context,
    bundle: str | None = None,
    *,
    check: bool = False,
    reason: str = "",
    top: int = TOP,
    gate: GateSettings | None = None,
) -> Promotion:
    """Promote a kept bundle, given by hash (or its beginning), or the last trained one, if it passes the gate.

    The champion itself stays, and that is no decision.

    Parameters
    ----------
    check : ask the gate and look who would move; nothing is promoted
    reason : promotes despite the gate, and is recorded

    Raises
    ------
    PromotionError : the gate keeps the bundle back
    """
    from pipelines.tracking.mlflow_decisions import tell_decisions
    from pipelines.tracking.mlflow_run import mirror_aliases

    if check and reason:
        raise ContractError("asking the gate promotes nothing, so there is nothing to give a reason for.")
    paths = context.paths
    with contextlib.nullcontext() if check else only_writer(paths):
        if bundle is None:
            trained = paths.train / "bundle"  # without a model, the rubric's points are what the last run left
            points = paths.train / "points"
            chosen = keep_bundle(paths, points if points.exists() and not trained.exists() else trained)
        else:
            chosen = resolve_bundle_hash(paths, bundle)
        if not check:
            settle_move(context)
        answer = ask_gate(context, chosen, gate or GateSettings())
        champion = read_champion(paths)
        if not check and champion is not None and champion.hash == chosen:  # moves nothing, so nothing is decided
            untold = mirror_aliases(context) or tell_decisions(context)
            return Promotion(answer, churn_if_possible(context, chosen, top), champion, untold)
        if not answer.passes and not reason and not check:
            keep_decision(paths, promotion_decision(answer, reason))
            tell_decisions(context)
            raise PromotionError(answer.text)

        moves = churn_if_possible(context, chosen, top)
        if check:
            return Promotion(answer, moves)

        how = MoveKind.FORCED if reason else MoveKind.GATE
        move, behind = PointerMove(how, reason or answer.sentence), Behind(decision=promotion_decision(answer, reason))
        found, moves, untold = make_champion(context, chosen, move, moves, behind)
        return Promotion(answer, moves, found, untold or tell_decisions(context))


def make_champion(
    context: Context,
    chosen: str,
    move: PointerMove,
    moves: dict[str, Any] | None = None,
    behind: Behind | None = None,
    *,
    track: bool = True,
) -> tuple[Champion, dict[str, Any], str]:
    """Point to a bundle that may score; returns the champion, who moved, and what MLflow could not be told.

    ``moves`` is the churn report of the move, where it was made already, ``behind`` the command
    that makes it and its decision, which goes on record with the move. Without ``track`` MLflow is not told: the next
    run that is tracked moves its aliases. The caller holds the source's lock.
    """
    from pipelines.tracking.mlflow_run import mirror_aliases

    settle_move(context)
    told = churn_if_possible(context, chosen) if moves is None else moves
    behind = behind or Behind()
    if behind.decision is not None:
        behind = replace(behind, decision=name_decision(behind.decision))
    with noted_move(context, chosen, move, told, behind):
        found = point_to(context.paths, chosen, move)
        if told["champion"] != chosen:
            told = keep_churn(context, told, move.how)
    return found, told, mirror_aliases(context, told) if track else ""
