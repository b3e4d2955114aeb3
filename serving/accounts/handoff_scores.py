"""The scores that leads had when they went to sales, of several leads at once, as their cards tell them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.assembly.stage_at import stages_at
from features.cohort.objections import objecting_leads
from features.kernel.column_reader import FrameRows
from features.point_in_time.microseconds import NEVER, micros
from serving.state.app_state import AppState
from serving.state.gather_rows import gather_rows
from serving.store.wall_clock import wall_now


def find_handoff_scores(app_state: AppState, lead_ids: Sequence[str]) -> dict[str, int]:
    """By lead the score at its handoff, by the model in use; leads that never went to sales, and those that object to
    being profiled, are left out.
    """
    state = app_state.loaded
    if not lead_ids or state.data.flat:
        return {}
    codes = np.array([state.data.code(name) for name in lead_ids], dtype=np.int64)
    codes = codes[~objecting_leads(state.data.tables["leads"].iloc[codes], state.data.source)]
    lead_ids = [str(state.data.lead_ids[code]) for code in codes]
    with app_state.store.reading() as session:
        tables = gather_rows(session, state.data, codes.tolist()).tables
    now = pd.Timestamp(app_state.clock.now() or wall_now())
    asked = pd.DataFrame({"lead_id": lead_ids, "code": codes})
    at = micros(pd.Series([now] * len(codes), dtype="datetime64[us]"))
    asked["at"] = stages_at(FrameRows(tables["stages"]), lead_ids, at).handed_over
    asked = asked[(asked["at"] != NEVER).to_numpy()]
    asked["when"] = pd.to_datetime(asked["at"], unit="us").astype("datetime64[us]")
    created = state.data.tables["leads"]["created_at"].iloc[asked["code"]]
    asked = asked[~(created.reset_index(drop=True) >= asked["when"].reset_index(drop=True)).to_numpy(dtype=bool)]
    if asked.empty:
        return {}
    ids, when = asked["lead_id"].tolist(), asked["when"].reset_index(drop=True)
    scored = state.model.score_tables(tables, ids, when, app_state.framework(None))
    by_lead = dict(zip(map(str, scored.columns["lead_id"]), map(int, scored.columns["score"]), strict=True))
    return {name: by_lead[name] for name in ids}
