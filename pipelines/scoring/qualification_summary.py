"""What qualification makes of the open leads: states, near misses, answers that would do, proposals; how states go."""

from typing import Any

import numpy as np
import pandas as pd

from models.explaining.qualification import RANK
from models.one_answer_short import shortlist
from models.scoring import Scored
from pipelines.scoring.state_history import StateHistory

COLUMNS = ("rule", "team", "programme", "reason", "temperature", "near_state", "near_lacks")
NEAR, SHORT, PROPOSED = 40, 15, 25  # leads listed in the report; the totals beside them count all


def columns_of(scored: Scored, standing: StateHistory | None) -> pd.DataFrame:
    """Columns the worklist carries beside the public ones; ``state_kept`` has hysteresis and minimum dwell."""
    found = scored.qualification
    frame = pd.DataFrame({name: getattr(found, name) for name in COLUMNS})
    frame["persona"] = scored.policy.profile.persona(scored.values, scored.bundle.catalog)
    if standing is not None:
        frame["state_kept"], frame["state_days"] = standing.kept, standing.days
    return frame.astype({name: "str" for name in frame if name != "state_days"})


def qualification_record(worklist: pd.DataFrame, scored: Scored, standing: StateHistory | None) -> dict[str, Any]:
    """Counts and lists for the report; ``worklist`` is ranked and holds :func:`columns_of`."""
    if not len(worklist):
        return {}
    policy = scored.policy

    by_rule = worklist.groupby(["state", "rule", "next_action", "team", "programme"], dropna=False)
    states = by_rule.agg(leads=("lead_id", "size"), probability=("probability", "mean")).reset_index()
    rank = states["state"].map(RANK).fillna(-1)
    states = states.assign(rank=rank).sort_values(["rank", "leads"], ascending=False).drop(columns="rank")

    near = worklist[(worklist["near_state"] != "").to_numpy()]
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
        **_one_answer_short(scored),
        "proposed_total": len(out),
        "proposed": _first_records(out, ("lead_id", "score", "state", "reason"), PROPOSED),
        "reasons": {str(k): int(v) for k, v in out["reason"].value_counts().items()},
        "introductions": int((worklist["reason"] == "no_authority").sum()),
        "personas": {str(k): int(v) for k, v in personas.items()},
        "weeks": [] if standing is None else standing.weeks,
        "flicker": "" if standing is None else standing.sentence,
        "kept": 0 if standing is None else int(np.sum(worklist["state_kept"] != worklist["state"])),
    }


def _one_answer_short(scored: Scored) -> dict[str, Any]:
    """Leads a single answer would put into a better state."""
    found = shortlist(scored)
    label = scored.framework.label
    rows = [{str(k): v for k, v in row.items()} for row in found.head(SHORT).to_dict(orient="records")]
    return {
        "short_total": len(found),
        "short": [row | {"criterion": label(row["criterion"]), "answers": list(row["answers"])} for row in rows],
    }


def _first_records(frame: pd.DataFrame, columns: tuple[str, ...], most: int) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame[list(columns)].head(most).to_dict(orient="records")]
