"""The worklist of a model: the batch's where it fits, scored anew where it does not, then what was posted since."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from features.array_types import Ints
from features.assembly.closed_leads import closed_leads
from features.assembly.crm_facts import Closes
from features.assembly.flat_outcomes import open_rows
from features.cohort.cohort import chosen_leads, open_cohort
from features.point_in_time.microseconds import micros
from features.schema.vocabulary import Stage
from models.explaining.framework import Framework
from models.explaining.manual.manual_score import version_label
from models.standing.unscored_lists import list_resting
from pipelines.artifacts.score_record import TEST_ROWS, ScoreRecord
from pipelines.scoring.qualification_summary import follows_policy_in_force
from pipelines.scoring.state_history import MEMORY
from pipelines.workspace.atomic_files import read_parquet
from serving.state.clock import ServingClock
from serving.state.gather_rows import find_touched_leads, find_undone_stages, gather_rows, without_stages
from serving.state.lead_data import LeadData, in_one_piece
from serving.state.loaded_model import LoadedModel, lines_of, list_frame
from serving.state.posted_frames import read_all_posted
from serving.state.worklist.kept_lines import LinesToKeep, describe_state, known_of, read_kept
from serving.state.worklist.kept_list import read_kept_list
from serving.state.worklist.ranked_worklist import Worklist
from serving.store.engine import Store

BLOCK = 2_000  # leads scored at once, which bounds the memory
FEW = 200  # leads of which rows are asked for one by one; of more all posted rows are read, once


def build_worklist(
    store: Store,
    model: LoadedModel,
    data: LeadData,
    clock: ServingClock,
    framework: Framework,
    register: tuple[int, int] = (0, 0),
) -> tuple[Worklist, LinesToKeep]:
    """Rank the open leads; those with posted rows, those that a verdict taken back since the ingest had ended, and on
    real time those whose rest has ended since the cut-off, are scored again in blocks, as of the last of them and of
    the end of the rest, but for those of which an earlier load kept the line and nothing more is known. So is a whole
    list that an earlier load scored.

    ``register`` is the stamp of the register of people. Returns the list, and what was scored again, to be kept.
    """
    frame, list_under, scored_list = _read_batch_worklist(model, framework), "", None
    if frame is None:
        list_under = describe_state(model, data, framework, register)
        with store.reading() as session:
            frame = read_kept_list(session, list_under)
    if frame is None:
        frame = scored_list = _score_open_leads(model, data, framework)
    rested = np.union1d(_find_rested(data, clock), find_reopened(store, data))
    worklist = Worklist(in_one_piece(_with_room_for(frame, data.lead_ids[rested])), data)

    nothing = LinesToKeep(under="", lines=(), known={}, register=register, list_under=list_under, listed=scored_list)
    if data.flat:
        return worklist, nothing
    with store.reading() as session:
        listed = np.intersect1d(find_touched_leads(session, data), data.codes(worklist.rows.position))
        listed = np.union1d(listed, rested)
        if not len(listed):
            return worklist, nothing
        under = describe_state(model, data, framework, register, real_clock=clock.real)
        known = known_of(session, data, listed)  # before rows are read: what comes meanwhile is seen by the next start
        kept = [line for line in read_kept(session, under, known) if not _has_rested(line, clock)]
        worklist.update_rows(kept)
        left = listed[~np.isin(listed, data.codes(pd.Index([line["lead_id"] for line in kept], dtype="str")))]
        posted = read_all_posted(session, data) if len(left) > FEW else None
        scored: list[dict[str, Any]] = []
        for block in np.array_split(left, -(-len(left) // BLOCK) or 1):
            if len(block):
                lines = score_touched(session, model, data, clock, framework, block, posted)
                worklist.update_rows(lines)
                scored += lines
    return worklist, replace(nothing, under=under, lines=scored, known=known)


def _find_rested(data: LeadData, clock: ServingClock) -> Ints:
    """Rows of the leads that rested at the cut-off and whose rest is over on real time: that it ends is known.

    The batch has them as they were then: resting, or on no list where a recycled lead opens anew.
    """
    now = clock.now() if clock.real else None
    nobody = np.empty(0, dtype=np.int64)
    if now is None or data.cutoff is None:
        return nobody
    stages = data.tables["stages"]
    rest = pd.Timedelta(days=data.source.label.recycle_cool_down_days)
    back = pd.to_datetime(stages["entered_at"]) + rest
    ends = (stages["stage"].astype("str") == Stage.RECYCLED) & (back >= data.cutoff) & (back <= now)
    codes = np.unique(data.codes(stages["lead_id"][ends.to_numpy(dtype=bool)]))
    codes = codes[codes >= 0]
    if not len(codes):
        return nobody
    tables = data.tables_for(codes.tolist())
    resting = list_resting(tables, data.source, map(str, data.lead_ids[codes]), {}, data.cutoff)
    ended = resting["lead_id"][resting["back_at"] <= now]
    is_open = set(open_cohort(tables, data.source, pd.Timestamp(now))["lead_id"].astype("str"))
    return data.codes(pd.Index([lead for lead in ended if lead in is_open], dtype="str"))


def find_reopened(store: Store, data: LeadData) -> Ints:
    """Rows of the leads that by the data are over or rest, and are not without the verdicts taken back since.

    Whom no list has is on none here either: only those that ``cohort.where`` asks for and that do not object.
    """
    nobody = np.empty(0, dtype=np.int64)
    if data.flat or data.cutoff is None:
        return nobody
    with store.reading() as session:
        undone = find_undone_stages(session)
    codes = np.unique(data.codes(pd.Index(sorted({lead for lead, *_ in undone}), dtype="str")))
    codes = codes[codes >= 0]
    if not len(codes):
        return nobody
    held = data.tables_for(codes.tolist())
    now = held | {"stages": without_stages(held["stages"], undone)}
    listed, is_open = (
        set(open_cohort(some, data.source, data.cutoff)["lead_id"].astype("str")) for some in (held, now)
    )
    is_over = closed_leads(now, data.source, data.cutoff)
    chosen = set(now["leads"]["lead_id"].astype("str")[chosen_leads(now["leads"], data.source)])
    names = [name for name in map(str, data.lead_ids[codes]) if name in chosen and name not in listed]
    back = [name for name in names if name in is_open or (name in data.closed_now and name not in is_over)]
    return data.codes(pd.Index(back, dtype="str"))


def _with_room_for(frame: pd.DataFrame, leads: pd.Index) -> pd.DataFrame:
    """The list with empty rows behind its own for those of the leads it lacks; their scores fill them."""
    missing = leads[~leads.isin(frame["lead_id"].astype("str"))]
    if not len(missing):
        return frame
    empty = {
        name: pd.Series([_nothing_in(column)] * len(missing), dtype=column.dtype) for name, column in frame.items()
    }
    empty["lead_id"] = pd.Series(missing.to_numpy(), dtype=frame["lead_id"].dtype)
    return pd.concat([frame, pd.DataFrame(empty)], ignore_index=True)


def _nothing_in(column: pd.Series) -> Any:
    kind = getattr(column.dtype, "kind", "O")
    return {"b": False, "i": 0, "u": 0, "f": np.nan, "M": pd.NaT}.get(kind, "")


def _has_rested(line: Mapping[str, Any], clock: ServingClock) -> bool:
    """Whether a kept line says that the lead rests until a day that has come since."""
    now = clock.now() if clock.real else None
    return now is not None and line.get("back_at") is not None and pd.Timestamp(line["back_at"]) <= now


def score_touched(
    session: Session,
    model: LoadedModel,
    data: LeadData,
    clock: ServingClock,
    framework: Framework,
    block: Ints,
    posted: Mapping[str, pd.DataFrame] | None = None,
) -> list[dict[str, Any]]:
    """New rows of leads of which something was posted: each as of the last of it, those that are over as of their end.

    ``posted`` are all posted rows, where they were read already.

    Outcomes and stages tell together what is over: a win that outcomes alone take back is open, whatever its stage.
    """
    rows = gather_rows(session, data, block.tolist(), posted)
    ids = [str(name) for name in data.lead_ids[block]]
    now = clock.scored_as_of(rows.latest)
    closed = closed_leads(rows.tables, data.source, None if now is None else pd.Timestamp(now))
    closed = {name: closed[name] for name in ids if name in closed}
    looked = rows.scored_as_of(data, block, clock)
    moments = [closed[name].scored_at(at) if name in closed else at for name, at in zip(ids, looked, strict=True)]
    scored = model.score_tables(
        rows.tables, ids, pd.Series(moments, dtype="datetime64[us]"), framework, closes=Closes(micros(looked), closed)
    )
    return lines_of(scored)


def _read_batch_worklist(model: LoadedModel, framework: Framework) -> pd.DataFrame | None:
    """The batch's worklist, if this very bundle scored it under the pages' framework."""
    file = model.context.paths.score / "worklist.parquet"
    if not file.exists():
        return None

    frame = read_parquet(file)
    same_bundle = len(frame) and str(frame["bundle_hash"].iloc[0]) == model.bundle.hash
    same_framework = all(f"points_{name}" in frame for name in framework.ids)
    by_twin = ScoreRecord.read(model.context.paths).kind == TEST_ROWS  # no open leads: the twin scored test rows
    if not by_twin and not (_is_of_rubric_in_force(frame, model) and follows_policy_in_force(model.context)):
        return None
    return frame.drop(columns=list(MEMORY), errors="ignore") if same_framework and (same_bundle or by_twin) else None


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
        return list_frame(model.score_tables(data.tables, leads["lead_id"][is_open].tolist(), None, framework))
    ids = open_cohort(data.tables, data.source, data.cutoff)["lead_id"].tolist()
    return list_frame(model.score_tables(data.tables, ids, data.cutoff, framework, closes=Closes(None, {})))
