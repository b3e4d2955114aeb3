"""The worklist of a model: the batch's where it fits, scored anew where it does not, then what was posted since."""

import numpy as np
import pandas as pd
from sqlalchemy import select

from features.assembly.flat_outcomes import open_rows
from features.cohort.cohort import open_cohort
from models.explaining.framework import Framework
from pipelines.artifacts.score_record import TEST_ROWS, ScoreRecord
from pipelines.workspace.atomic_files import read_parquet
from serving.state.clock import ServingClock
from serving.state.gather_rows import POSTED_TABLES, gather_rows
from serving.state.lead_data import LeadData, to_records
from serving.state.loaded_model import LoadedModel, line_of
from serving.state.ranked_worklist import Worklist
from serving.store.engine import Store
from serving.store.tables import FieldRow


def build_worklist(
    store: Store, model: LoadedModel, data: LeadData, clock: ServingClock, framework: Framework
) -> Worklist:
    """Rank the open leads; those with posted rows are scored again, as of the clock."""
    frame = _read_batch_worklist(model, framework)
    if frame is None:
        frame = _score_open_leads(model, data, framework)
    worklist = Worklist(frame, data)

    with store.reading() as session:
        touched = {name for table in POSTED_TABLES.values() for name in session.scalars(select(table.lead_id))}
        looked_up = set(session.scalars(select(FieldRow.account_id)))
        touched |= {name for account in looked_up for name in data.leads_of_account(account)}
        for lead_id in sorted(touched & set(worklist.position)):
            rows = gather_rows(session, data, [data.code(lead_id)])
            scored = model.score_one(to_records(rows.tables), lead_id, clock.as_of(rows.latest), framework)
            worklist.update_row(line_of(scored))
    return worklist


def _read_batch_worklist(model: LoadedModel, framework: Framework) -> pd.DataFrame | None:
    """The batch's worklist, if this very bundle scored it under the pages' framework."""
    file = model.context.paths.score / "worklist.parquet"
    if not file.exists():
        return None

    frame = read_parquet(file)
    same_bundle = len(frame) and str(frame["bundle_hash"].iloc[0]) == model.bundle.hash
    same_framework = all(f"points_{name}" in frame for name in framework.ids)
    by_twin = ScoreRecord.read(model.context.paths).kind == TEST_ROWS  # no open leads: the twin scored test rows
    return frame if same_framework and (same_bundle or by_twin) else None


def _score_open_leads(model: LoadedModel, data: LeadData, framework: Framework) -> pd.DataFrame:
    if data.cutoff is None:
        leads = data.tables["leads"]
        is_open = (
            np.zeros(len(leads), dtype=np.bool_) if data.source.flat is None else open_rows(leads, data.source.flat)
        )
        if not is_open.any():  # nothing tells open leads from closed ones
            return pd.DataFrame(columns=["lead_id", "probability", "score", "state", "grade"])
        return model.score_tables(data.tables, leads["lead_id"][is_open].tolist(), None, framework).frame
    ids = open_cohort(data.tables, data.source, data.cutoff)["lead_id"].tolist()
    return model.score_tables(data.tables, ids, data.cutoff, framework).frame
