"""What qualification makes of the open leads: states, near misses, answers that would do, proposals; how states go."""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from features.schema.vocabulary import LeadList
from models.explaining.handoff_score import handoff_score
from models.explaining.qualification import RANK
from models.explaining.qualification_policy import QualificationPolicy, default_qualification
from models.one_answer_short import shortlist
from models.scored_leads import Scored
from pipelines.artifacts.score_record import QualificationRecord
from pipelines.scoring.state_history import MEMORY, StateHistory
from pipelines.workspace.context import Context

COLUMNS = ("rule", "team", "programme", "reason", "temperature", "near_state", "near_lacks")
NEAR, SHORT, PROPOSED = 40, 15, 25  # leads listed in the report; the totals beside them count all


def columns_of(scored: Scored, standing: StateHistory | None) -> pd.DataFrame:
    """Columns the worklist carries beside the public ones; ``state_kept`` has hysteresis and minimum dwell."""
    found = scored.qualification
    frame = pd.DataFrame({name: getattr(found, name) for name in COLUMNS})
    frame["persona"] = scored.policy.profile.persona(scored.values, scored.bundle.catalog)
    if standing is not None:
        frame[list(MEMORY)] = pd.DataFrame({MEMORY[0]: standing.kept, MEMORY[1]: standing.days})
    return frame.astype({name: "str" for name in frame if name != "state_days"})


def qualification_record(worklist: pd.DataFrame, scored: Scored, standing: StateHistory | None) -> dict[str, Any]:
    """Counts and lists for the report; ``worklist`` is ranked and holds :func:`columns_of`."""
    if not len(worklist):
        return {}
    policy = scored.policy

    sales = worklist["lead_list"].eq(str(LeadList.TO_WORK)).to_numpy() if "lead_list" in worklist else None
    by_rule = worklist.groupby(["state", "rule", "next_action", "team", "programme"], dropna=False)
    states = by_rule.agg(leads=("lead_id", "size"), probability=("probability", "mean")).reset_index()
    rank = states["state"].map(RANK).fillna(-1)
    states = states.assign(rank=rank).sort_values(["rank", "leads"], ascending=False).drop(columns="rank")

    ours = worklist if sales is None else worklist[~sales]  # whom a better state would hand off
    near = ours[(ours["near_state"] != "").to_numpy()]
    lacks = near.groupby(["near_state", "near_lacks"]).agg(leads=("lead_id", "size")).reset_index()

    out = worklist[(worklist["next_action"] == "disqualify").to_numpy()]
    personas = worklist.loc[(worklist["persona"] != "").to_numpy(), "persona"].value_counts()

    return {
        "policy": policy.model_dump(mode="json"),
        "states": states.to_dict(orient="records"),
        "temperature": {str(k): int(v) for k, v in worklist["temperature"].value_counts().items()},
        "actions": {str(k): int(v) for k, v in worklist["next_action"].value_counts().items()},
        "near_total": len(near),
        "near_lacks": lacks.sort_values("leads", ascending=False).head(12).to_dict(orient="records"),
        "near": _first_records(near, ("lead_id", "score", "state", "near_state", "near_lacks"), NEAR),
        **_one_answer_short(scored, frozenset(ours["lead_id"])),
        **_standing_counts(worklist),
        "proposed_total": len(out),
        "proposed": _first_records(out, ("lead_id", "score", "state", "reason"), PROPOSED),
        "reasons": {str(k): int(v) for k, v in out["reason"].value_counts().items()},
        "introductions": int((worklist["reason"] == "no_authority").sum()),
        "personas": {str(k): int(v) for k, v in personas.items()},
        "weeks": [] if standing is None else standing.weeks,
        "flicker": "" if standing is None else standing.sentence,
        "kept": 0 if standing is None else int(np.sum(standing.kept != scored.qualification.state)),
    }


def follows_policy_in_force(context: Context) -> bool:
    """Whether the states of the list on disk are those of the handoff score in force; True where it has none."""
    if not QualificationRecord.exists(context.paths):
        return True
    try:
        scored_by = QualificationPolicy.model_validate(QualificationRecord.read(context.paths).policy)
    except ValidationError:  # of another version of this product
        return False
    return handoff_score(scored_by) == handoff_score(context.policy or default_qualification())


def _standing_counts(worklist: pd.DataFrame) -> dict[str, Any]:
    """Open leads by list, and by CRM stage with our state of them beside it; nothing without stages."""
    if "lead_list" not in worklist:
        return {"lists": {}, "stages": {}, "stage_and_state": [], "steps": []}
    both = worklist.groupby(["stage", "state"]).size().unstack(fill_value=0)
    crossed = [{"stage": str(stage), **{str(k): int(v) for k, v in row.items()}} for stage, row in both.iterrows()]
    steps = worklist.groupby(["lead_list", "next_action"]).size()
    named = [
        {"lead_list": str(key[0]), "next_action": str(key[1]), "leads": int(n)}  # type: ignore[index]
        for key, n in steps.items()
    ]
    return {
        "lists": {str(k): int(v) for k, v in worklist["lead_list"].value_counts().items()},
        "stages": {str(k): int(v) for k, v in worklist["stage"].value_counts().items() if k},
        "stage_and_state": crossed,
        "steps": named,
    }


def _one_answer_short(scored: Scored, ours: frozenset[str]) -> dict[str, Any]:
    """Leads not yet with sales that a single answer would put into a better state."""
    found = shortlist(scored)
    found = found[found["lead_id"].isin(list(ours)).to_numpy()]
    label = scored.framework.label
    rows = [{str(k): v for k, v in row.items()} for row in found.head(SHORT).to_dict(orient="records")]
    return {
        "short_total": len(found),
        "short": [row | {"criterion": label(row["criterion"]), "answers": list(row["answers"])} for row in rows],
    }


def _first_records(frame: pd.DataFrame, columns: tuple[str, ...], most: int) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame[list(columns)].head(most).to_dict(orient="records")]
