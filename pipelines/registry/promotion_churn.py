"""The churn report of a promotion: who moves when another kept bundle scores the open leads of the last matrix."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from features.array_types import Texts
from features.assembly.crm_facts import CrmFacts
from features.errors import BundleError, DataError
from features.matrix import Matrix
from features.schema.vocabulary import LeadList, Stage
from models.bundle import Bundle
from models.explaining.points import BASE, CLIP
from models.explaining.qualification import RANK
from models.judging.promotion.churn import TOP, Churn, ScoredLeads, find_churn
from models.scoring import Beside, score
from models.standing.next_steps import HAND_OFF
from pipelines.registry.champion import MoveKind, read_champion
from pipelines.registry.matrix_for_bundle import matrix_for
from pipelines.registry.open_facts import read_open_facts
from pipelines.registry.promotion_gate import fits
from pipelines.registry.soundness import load_sound
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_open
from pipelines.workspace.people.objecting import without_objecting
from pipelines.workspace.table_files import load_table

_LADDER = (Stage.IQL, Stage.MQL, Stage.SQL)
_FIXED_PARTS = {BASE: "the level of all leads", CLIP: "the ends of the scale"}


def churn_of_promotion(context: Context, challenger: str, top: int = TOP) -> dict[str, Any]:
    """Who moves if the kept bundle of this hash scores the open leads in the champion's place; moves nothing.

    ``churn`` is None, and ``sentence`` says why, where there is nothing to compare: no champion, no open leads, or a
    champion that no longer fits the declaration.

    Raises
    ------
    BundleError : the challenger is damaged, does not score as a bundle must or does not fit the matrix
    """
    champion = read_champion(context.paths)
    head = {"champion": None if champion is None else champion.hash, "challenger": challenger, "churn": None}
    if champion is None:
        return head | {"sentence": "There is no champion yet, so nobody moves: every lead gets its first score."}
    if champion.hash == challenger:
        return head | {"sentence": f"{challenger[:12]} is the champion already; nobody moves."}
    if not (context.paths.matrix / "open.json").exists():
        return head | {"sentence": "No lead of this source is open, so nobody moves."}
    if not fits(context, champion.folder):
        sentence = f"Champion {champion.hash[:12]} cannot score under today's declaration, so there is no before."
        return head | {"sentence": sentence}

    found = churn_between(
        context,
        load_sound(context.paths, champion.folder, champion.hash),
        load_sound(context.paths, context.paths.bundles / challenger, challenger),
        top,
    )
    return head | {"churn": found.record(), "sentence": found.sentences[0]}


def churn_between(context: Context, before: Bundle, after: Bundle, top: int = TOP) -> Churn:
    """Who moves on the open leads of the last matrix when ``after`` scores in place of ``before``; nobody who objects
    to profiling since.

    Raises
    ------
    BundleError : one of them was trained under another declaration than the matrix follows
    """
    matrix = without_objecting(context, load_open(context.paths.matrix))
    ids = matrix.keys["lead_id"].to_numpy(dtype=object)
    facts = read_open_facts(context, matrix)
    was, then = (_score(context, bundle, matrix, facts) for bundle in (before, after))
    return find_churn(ids, _owners(context, ids), was, then, top)


def _owners(context: Context, ids: Texts) -> Texts:
    leads = load_table(context.paths, "leads")
    if "owner" not in leads or "lead_id" not in leads:
        return np.full(len(ids), "", dtype=object)
    owner = leads.drop_duplicates("lead_id").set_index("lead_id")["owner"].reindex(ids)
    return np.asarray(owner.astype("object").where(owner.notna().to_numpy(), "").to_numpy(dtype=object))


def _score(context: Context, bundle: Bundle, matrix: Matrix, facts: CrmFacts | None) -> ScoredLeads:
    rows = matrix_for(context, bundle, matrix)
    scored = score(bundle, rows, context.framework, source=context.source, policy=context.policy, beside=Beside(facts))
    rank = np.array([RANK.get(state, -1) for state in scored.qualification.state.tolist()], dtype=np.int64)
    reached = {str(stage): rank >= RANK[str(stage)] for stage in _LADDER}
    reached["hot"] = np.asarray(scored.qualification.temperature == "hot", dtype=np.bool_)
    found, steps = scored.qualification, scored.steps
    plain = np.where(found.next_action == HAND_OFF, str(LeadList.TO_HAND_OFF), str(LeadList.WATCHING)).astype(object)
    lists = plain if steps is None else steps.lead_list
    reached["handoff"] = np.asarray(lists == str(LeadList.TO_HAND_OFF), dtype=np.bool_)
    bars = scored.bars
    labels = [_FIXED_PARTS.get(name) or context.framework.label(name) for name in bars.names]
    return ScoredLeads(
        log_odds=scored.log_odds,
        score=bars.score,
        state=scored.qualification.state,
        parts={label: bars.points[:, k].astype(np.float64) for k, label in enumerate(labels)},
        dimensions={f"points of {name}": points for name, points in scored.inputs.points.items()},
        reached=reached,
        lists=lists,
    )


def keep_churn(context: Context, found: dict[str, Any], how: MoveKind | str) -> dict[str, Any]:
    """Keep what a move of the pointer moved, in place of the last move's; returns it with how and when."""
    kept = found | {"how": str(how), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    write_json(context.paths.churn, kept)
    return kept


def read_last_churn(context: Context) -> dict[str, Any] | None:
    """Who moved when the pointer moved last; None if that was not written down.

    Raises
    ------
    DataError : the file is damaged
    """
    if not context.paths.churn.exists():
        return None
    found = read_json(context.paths.churn)
    if not isinstance(found, dict) or "sentence" not in found:
        raise DataError(f"{context.paths.churn} is damaged; remove it, the next promotion writes it anew.")
    return found


def churn_if_possible(context: Context, challenger: str, top: int = TOP) -> dict[str, Any]:
    """:func:`churn_of_promotion`; where it cannot be told, ``sentence`` says why: no promotion waits for its report."""
    try:
        return churn_of_promotion(context, challenger, top)
    except (BundleError, DataError) as problem:
        return {"champion": None, "challenger": challenger, "churn": None, "sentence": problem.message}
