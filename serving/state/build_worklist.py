"""The worklist of a model: the batch's where it fits, scored anew where it does not, then what was posted since."""

import numpy as np
import pandas as pd

from features.assembly.flat_outcomes import open_rows
from features.cohort.cohort import open_cohort
from models.explaining.framework import Framework
from models.explaining.manual.manual_score import version_label
from pipelines.artifacts.score_record import TEST_ROWS, ScoreRecord
from pipelines.workspace.atomic_files import read_parquet
from serving.state.clock import ServingClock
from serving.state.gather_rows import find_touched_leads, gather_rows
from serving.state.lead_data import LeadData
from serving.state.loaded_model import LoadedModel, lines_of
from serving.state.worklist.ranked_worklist import Worklist
from serving.store.engine import Store

BLOCK = 2_000  # leads scored at once, which bounds the memory


def build_worklist(
    store: Store, model: LoadedModel, data: LeadData, clock: ServingClock, framework: Framework
) -> Worklist:
    """Rank the open leads; those with posted rows are scored again in blocks, as of the clock."""
    frame = _read_batch_worklist(model, framework)
    if frame is None:
        frame = _score_open_leads(model, data, framework)
    worklist = Worklist(frame, data)

    if not data.flat:
        with store.reading() as session:
            touched = find_touched_leads(session, data)
            listed = np.intersect1d(touched, data.codes(worklist.position))
            for block in np.array_split(listed, -(-len(listed) // BLOCK) or 1):
                rows = gather_rows(session, data, block.tolist())
                moments = pd.Series([clock.as_of(at) for at in rows.latest_of(data, block)], dtype="datetime64[us]")
                ids = [str(name) for name in data.lead_ids[block]]
                if ids:
                    worklist.update_rows(lines_of(model.score_tables(rows.tables, ids, moments, framework)))
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
    if not by_twin and not _is_of_rubric_in_force(frame, model):
        return None
    return frame if same_framework and (same_bundle or by_twin) else None


def _is_of_rubric_in_force(frame: pd.DataFrame, model: LoadedModel) -> bool:
    """Whether the manual points are of the version in force, if any is."""
    rubric = model.context.rubric
    if rubric is None or not len(frame):
        return True
    return "manual_version" in frame and str(frame["manual_version"].iloc[0]) == version_label(rubric)


def _score_open_leads(model: LoadedModel, data: LeadData, framework: Framework) -> pd.DataFrame:
    if data.cutoff is None:
        leads = data.tables["leads"]
        flat = data.source.flat
        is_open = np.zeros(len(leads), dtype=np.bool_) if flat is None else open_rows(leads, data.source, flat)
        if not is_open.any():  # nothing tells open leads from closed ones
            return pd.DataFrame(columns=["lead_id", "probability", "score", "state", "grade"])
        return model.score_tables(data.tables, leads["lead_id"][is_open].tolist(), None, framework).frame
    ids = open_cohort(data.tables, data.source, data.cutoff)["lead_id"].tolist()
    return model.score_tables(data.tables, ids, data.cutoff, framework).frame
