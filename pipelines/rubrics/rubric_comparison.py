"""A draft against the rubric in force: on the same matured leads of the past, and on the leads that are open now."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from features.errors import DataError, PolicyError
from features.rubric.schema import Rubric
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.population import open_population, population_of
from models.judging.handoff.replay import JudgedRows
from models.judging.handoff.win_value import value_of_a_win
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.rubrics.rubric_pair import compare_rubrics, handed_off_now
from pipelines.rubrics.rubric_backtest import find_hindsight
from pipelines.rubrics.rubric_history import ledger_on
from pipelines.scoring.find_lead import parse_as_of
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix, load_open
from pipelines.workspace.people.objecting import without_objecting
from pipelines.workspace.table_files import load_tables

_NOTES = (
    "Outcomes reflect how leads were handled at the time: wins are wins already inside a list, never added wins.",
    "Per rule: the active rubric with this one change of the draft and no other; changes that need each other show "
    "nothing alone. Rules made from these outcomes look better than they are: judge those on later weeks (since).",
)


def compare_with_active(
    context: Context, draft: Rubric, *, since: str | None = None, resampling: Resampling | None = None
) -> dict[str, Any]:
    """The draft against the rubric in force, JSON-ready; nothing is written.

    Parameters
    ----------
    since : ISO moment; only looks at leads from then on are judged
    resampling : by default as the settings of a run

    Raises
    ------
    PolicyError : the source has no rubric in force
    DataError : before the first run, or where no look is matured
    """
    source, active = context.source, context.rubric
    if active is None:
        raise PolicyError(
            f"source '{source.name}' has no rubric in force to compare with; 'leadscore rubric try' replays the draft "
            "alone, 'leadscore rubric adopt' makes it the first one."
        )
    if not (context.paths.matrix / "matrix.json").exists():
        raise DataError(
            f"source '{source.name}' has no matrix in {context.paths.matrix}; run 'leadscore run --source "
            f"{source.name}' first."
        )
    matrix, tables = without_objecting(context, load_matrix(context.paths.matrix)), load_tables(context.paths)
    rows = np.flatnonzero(matrix.matured & _from(matrix.keys["as_of"], since))
    if not len(rows):
        raise DataError(
            f"no look at a lead of source '{source.name}' is matured{f' from {since} on' if since else ''}, so no "
            "outcome is certain and nothing can be compared yet."
        )
    looked_at = matrix.take(rows)
    population = population_of(source, tables, looked_at.keys, looked_at.label, by_model=False)
    rows = rows[population.kept]
    if not len(rows):
        raise DataError(f"no matured look of source '{source.name}' is at one of the {population.noun}.")
    past = matrix.take(rows)
    books = [ledger_on(source, tables, rubric, past) for rubric in (active, draft)]
    capacity, worth = value_of_a_win(source.capacity, past, judged=True)
    found = compare_rubrics(
        books[0],
        books[1],
        JudgedRows.of(past, population.noun),
        capacity=SnapshotCapacity.of(source, capacity),
        resampling=resampling or Resampling.of(context.settings),
    )
    now = _now(context, active, draft)
    sentences = (*found.sentences, *now.pop("sentences"), *find_hindsight(context, draft))
    notes = [f"Judged on all {len(rows):,} matured looks at {found.leads:,} {population.noun}.", *worth, *_NOTES]
    return replace(found, sentences=sentences).record() | {
        "active": {"name": active.name, "version": active.version},
        "draft": {"name": draft.name, "version": draft.version},
        "population": population.record(),
        "now": now,
        "notes": notes,
    }


def _from(as_of: pd.Series, since: str | None) -> Any:
    if since is None:
        return np.ones(len(as_of), dtype=np.bool_)
    if as_of.isna().all():
        raise DataError("this source has no clocks, so 'since' has no meaning here; leave it out.")
    return (as_of >= parse_as_of(since, as_of.max())).to_numpy(dtype=np.bool_)


def _now(context: Context, active: Rubric, draft: Rubric) -> dict[str, Any]:
    """Who of the open leads that sales does not have would be handed off by one of the two only."""
    if not (context.paths.matrix / "open.json").exists():
        return {"leads": 0, "active": 0, "draft": 0, "moves": [], "sentences": []}
    open_now, tables = without_objecting(context, load_open(context.paths.matrix)), load_tables(context.paths)
    kept, noun = open_population(context.source, tables, open_now.keys)
    open_now = open_now.take(np.flatnonzero(kept))
    old, new = (ledger_on(context.source, tables, rubric, open_now) for rubric in (active, draft))
    moves = handed_off_now(old, new, open_now.keys["lead_id"].tolist())
    counts = {"active": int(old.handed_off.sum()), "draft": int(new.handed_off.sum())}
    enter = sum(row["side"] == "enters" for row in moves)
    sentence = (
        f"Of the {len(open_now):,} {noun} the active rubric would hand off {counts['active']:,}, the draft "
        f"{counts['draft']:,}: {enter:,} enter, {len(moves) - enter:,} leave."
    )
    return {"leads": len(open_now), **counts, "moves": moves, "sentences": [sentence]}
