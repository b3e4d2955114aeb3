"""The swap set: leads that only one of two policies hands off."""

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from models.judging.handoff.replay import JudgedRows, Replay

SWAP_COLUMNS = (
    "row",
    "lead_id",
    "account_id",
    "side",
    "handed_off_at",
    "won",
    "amount",
    "model_log_odds",
    "rubric_points",
)


def swap_set(
    replay: Replay,
    model_rows: Ints,
    rubric_rows: Ints,
    judged: JudgedRows,
    log_odds: Floats,
    points: Floats,
) -> pd.DataFrame:
    """Leads on one list only, with outcome and both scores at the handoff; columns :data:`SWAP_COLUMNS`.

    ``row`` is the position among the judged rows, so that reasons can be joined; the lists are ordered by how far
    the two scores disagree in rank.
    """
    only_model = model_rows[~np.isin(replay.lead[model_rows], replay.lead[rubric_rows])]
    only_rubric = rubric_rows[~np.isin(replay.lead[rubric_rows], replay.lead[model_rows])]
    rows = np.concatenate([only_model, only_rubric])

    frame = pd.DataFrame(
        {
            "row": rows,
            "lead_id": judged.keys["lead_id"].to_numpy()[rows],
            "account_id": judged.keys["account_id"].to_numpy()[rows],
            "side": ["model only"] * len(only_model) + ["rubric only"] * len(only_rubric),
            "handed_off_at": judged.keys["as_of"].to_numpy()[rows],
            "won": replay.label[rows],
            "amount": judged.amount[rows],
            "model_log_odds": log_odds[rows],
            "rubric_points": points[rows],
        }
    )
    if not len(frame):
        return frame

    ranks = pd.Series(log_odds).rank(pct=True).to_numpy() - pd.Series(points).rank(pct=True).fillna(0.5).to_numpy()
    order = np.lexsort((replay.tie[rows], -np.abs(ranks[rows]), frame["side"].to_numpy()))
    return frame.iloc[order].reset_index(drop=True)
