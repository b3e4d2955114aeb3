"""What the last run found out, for managers and data scientists: thresholds, lifecycle, model; nothing is trained.

What works these out is imported where it is called, behind the first scores: it is a twentieth of the server's start.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.rubric.schema import Rubric
from models.logistic import sigmoid
from pipelines.artifacts.artifact import Artifact
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.backtest_record import BacktestRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.registry.cautions import caution_of
from pipelines.registry.champion import Champion, read_champion
from pipelines.workspace.atomic_files import read_parquet
from serving.json_values import to_json_values
from serving.problems import NotFoundError
from serving.results.result_files import describe_unreadable, read_result
from serving.results.score_bands import find_other_judged, read_judged
from serving.state.app_state import AppState
from serving.state.gather_rows import PostedMark, count_posted, gather_all_rows
from serving.state.lead_data import rows_of
from serving.state.result_cache import file_stamp

if TYPE_CHECKING:
    from models.judging.handoff.workload_curve import SnapshotCapacity
    from models.judging.lifecycle.figures import Lifecycle
    from pipelines.rubrics.compared_leads import ComparedBlock

_JUDGED: Mapping[str, type[Artifact]] = {
    "backtest": BacktestRecord,
    "evaluation": EvaluationRecord,
    "audit": AuditRecord,
}
SIDES = ("model only", "rubric only")
FIRST_COUNT_SECONDS = 1.0  # a page waits for the first count of the data; after that it says that it counts
NO_OUTCOME = "No outcome is known yet: the chances shown are even odds and say nothing."
_DRAWS = 200


def read_thresholds(app_state: AppState) -> dict[str, Any]:
    """Rubric and model on the same test weeks, as in the report; NotFoundError before a run got there."""
    return _comparison(app_state).content()


def read_comparison(app_state: AppState) -> ComparisonRecord | None:
    """Rubric and model on the same weeks, as the report tells them; None before a run got there, or if unreadable."""
    return read_result(app_state, ComparisonRecord).record


def find_other_compared(app_state: AppState) -> str:
    """Hash of the bundle that the comparison, made after the test, is of where that is not in use; else empty."""
    found = read_comparison(app_state)
    if found is None or found.judged is None:  # an earlier leadscore did not write it down
        return find_other_judged(app_state)
    return "" if found.judged == app_state.loaded.model.bundle.hash else found.judged


def _comparison(app_state: AppState) -> ComparisonRecord:
    found = read_result(app_state, ComparisonRecord).need()
    if found is None or not found.policies:
        raise NotFoundError(f"no comparison yet; 'leadscore run --source {app_state.paths.source}' makes one.")
    return found


def simulate(
    app_state: AppState,
    handoffs_per_week: int | None,
    share: float | None,
    tried: Rubric | None = None,
    *,
    cost_per_handoff: float | None = None,
    value_per_win: float | None = None,
) -> dict[str, Any]:
    """The same comparison at another capacity, or with another rubric: a replay over the test weeks by the twin."""
    from features.assembly.rule_values import read_rule_values
    from models.judging.cluster_bootstrap import Resampling
    from models.judging.handoff.policies import ScoredPolicy
    from models.judging.handoff.workload_curve import SnapshotCapacity
    from pipelines.rubrics.rubric_backtest import backtest_rubric, score_by_rubric
    from pipelines.rubrics.rubric_history import score_by_history

    asked = {
        "handoffs_per_week": handoffs_per_week,
        "share": share,
        "cost_per_handoff": cost_per_handoff,
        "value_per_win": value_per_win,
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    source = app_state.context.source
    capacity = (_comparison(app_state).capacity or source.capacity).model_copy(update=changes)

    if app_state.loaded.model.bundle.by_points:
        return _simulate_points(app_state, SnapshotCapacity.of(source, capacity), tried)
    compared, tables = read_compared_block(app_state), app_state.loaded.data.tables
    block = compared.block
    rubric: ScoredPolicy | None
    if tried is not None:
        rubric = score_by_rubric(tried, read_rule_values(source, tables, tried, block.matrix))
    else:
        rubric = score_by_history(source, tables, app_state.context.rubrics, block.matrix)

    at = SnapshotCapacity.of(source, capacity)
    found = backtest_rubric(block, rubric, at, Resampling(_DRAWS), noun=compared.population.noun).record()
    kept = ("policies", "differences", "sentences", "notes", "leads", "winnable", "noun")
    return {name: found[name] for name in kept} | {"population": compared.population.record()}


def _simulate_points(app_state: AppState, capacity: "SnapshotCapacity", tried: Rubric | None) -> dict[str, Any]:
    """Where points score alone: the rubric on every matured row, without a model beside it."""
    from models.judging.cluster_bootstrap import Resampling
    from models.judging.handoff.population import population_of
    from models.judging.handoff.replay import JudgedRows
    from models.judging.handoff.rubric_only import replay_rubric_only
    from pipelines.rubrics.rubric_history import score_by_history, score_draft
    from pipelines.workspace.matrix_files import load_matrix
    from pipelines.workspace.people.objecting import without_objecting

    matrix = without_objecting(app_state.context, load_matrix(app_state.paths.matrix))
    rows = np.flatnonzero(matrix.matured).astype(np.int64)
    source, tables, matured = app_state.context.source, app_state.loaded.data.tables, matrix.take(rows)
    population = population_of(source, tables, matured.keys, matured.label, by_model=False)
    rows = rows[population.kept]
    past = matrix.take(rows)
    if tried is None:
        scored = score_by_history(source, tables, app_state.context.rubrics, past)
    else:
        scored = score_draft(source, tables, tried, past)
    if scored is None or not len(rows):
        raise NotFoundError("no outcome is certain yet, so nothing can be replayed; come back when leads have closed.")
    judged = JudgedRows.of(past, population.noun)
    found = replay_rubric_only(scored, judged, capacity=capacity, resampling=Resampling(_DRAWS)).record()
    kept = ("policies", "differences", "sentences", "notes", "leads", "winnable", "noun")
    return {name: found[name] for name in kept} | {"population": population.record()}


def read_compared_block(app_state: AppState) -> "ComparedBlock":
    """The test block of the last run and of whom its comparison speaks, read once per run and matrix."""
    from pipelines.rubrics.compared_leads import load_compared_block

    stamp = stamp_compared_block(app_state)
    return app_state.results.get("compared block", stamp, lambda: load_compared_block(app_state.context))


def stamp_compared_block(app_state: AppState) -> tuple[int, ...]:
    """What :func:`read_compared_block` depends on: what was judged and compared, and the tables and matrix of now."""
    paths = app_state.paths
    records = (ComparisonRecord, EvaluationRecord, CountsRecord)
    return file_stamp(*(record.path(paths) for record in records), paths.matrix / "matrix.json")


def read_lifecycle(app_state: AppState) -> dict[str, Any]:
    """Stages, service levels, volumes and recycles as known at the data cut-off."""
    return compute_lifecycle(app_state)[1]


def compute_lifecycle(app_state: AppState) -> tuple["Lifecycle", dict[str, Any]]:
    """The lifecycle and its record with what was posted since, worked out once for the rows there are."""
    from pipelines.diagnostics.lifecycle_figures import lifecycle_of

    posted = count_posted(app_state.store)
    data = app_state.loaded.data if app_state.ready else None

    def compute() -> tuple["Lifecycle", dict[str, Any]]:
        if data is None or not any(posted.counts) or data.cutoff is None:
            found = lifecycle_of(app_state.context)
        else:
            with app_state.store.reading() as session:
                rows = gather_all_rows(session, data)
            as_of = max(data.cutoff, pd.Timestamp(app_state.clock.scored_as_of(rows.latest) or data.cutoff))
            found = lifecycle_of(app_state.context, rows.tables, data.cutoff if rows.latest is None else as_of)
        return found, found.record()

    return app_state.results.get("lifecycle", lifecycle_stamp(app_state, posted), compute)


def lifecycle_stamp(app_state: AppState, posted: PostedMark) -> tuple[tuple[object, ...], PostedMark]:
    """What the lifecycle depends on: the data in use, and what was ``posted`` since."""
    data = app_state.loaded.data if app_state.ready else None
    counts = file_stamp(CountsRecord.path(app_state.paths))
    now = None if data is None else (data.stamp, data.moved)
    return (counts, now, app_state.people.stamp), posted


def awaits_lifecycle(app_state: AppState) -> bool:
    """Whether the first lifecycle of these data is still being worked out beside the request, which waits a moment."""
    posted = count_posted(app_state.store)
    stamp = lifecycle_stamp(app_state, posted)
    kept = app_state.results.last("lifecycle")
    if app_state.context.source.kind == "flat" or (kept is not None and kept.stamp[0] == stamp[0]):
        return False
    begun = app_state.results.begin("lifecycle beside", stamp, lambda: read_lifecycle(app_state), FIRST_COUNT_SECONDS)
    return begun.underway and not app_state.results.has("lifecycle", stamp)


def find_win_value(app_state: AppState) -> tuple[float | None, str]:
    """What a win is worth: declared, or the mean amount the last comparison found; and its currency."""
    own = app_state.context.source.capacity
    compared = read_comparison(app_state) if own.value_per_win is None else None
    if compared is None or compared.capacity is None:
        return own.value_per_win, own.currency
    return compared.capacity.value_per_win, compared.capacity.currency or own.currency


def read_caution(app_state: AppState) -> str:
    """What was said against working a list by the bundle in use; empty if nothing was."""
    paths, bundle_hash = app_state.paths, app_state.loaded.model.bundle.hash
    return app_state.results.get(
        "caution", (bundle_hash, file_stamp(paths.cautions)), lambda: caution_of(paths, bundle_hash)
    )


def why_points(app_state: AppState) -> str:
    """Why points score alone; empty where a model scores."""
    bundle = app_state.loaded.model.bundle
    if not bundle.by_points:
        return ""
    why = str(bundle.meta.get("verdict_text") or "No model was trained.")
    return why if bundle.knows_outcomes else f"{why} {NO_OUTCOME}"


def describe_model(app_state: AppState) -> dict[str, Any]:
    """The bundle in use, how the last run judged the one it trained, the features in use, and the versions kept.

    ``judged`` is the hash of the bundle that the test figures are of: after a retrain the champion may have stayed.
    ``unreadable`` says which file of the run cannot be read, of which nothing is told then.
    """
    bundle = app_state.loaded.model.bundle
    paths = app_state.paths
    champion = read_champion(paths)
    kept = [folder.name for folder in paths.bundles.iterdir() if not folder.name.startswith(".")]
    record: dict[str, Any] = {
        "bundle": {
            "hash": bundle.hash,
            "winner": bundle.meta.get("winner"),
            "trained_through": bundle.meta.get("trained_through"),
            "purpose": bundle.meta.get("purpose"),
            "prior_shift": bundle.meta.get("prior_shift"),
            "horizon_days": bundle.horizon_days,
            "horizon_by_segment": dict(bundle.horizon_by_segment),
            "weights": dict(bundle.weights),
            "calibration": {"slope": bundle.calibration.slope, "intercept": bundle.calibration.intercept},
            "segments": bundle.meta.get("segments"),
            "prior": bundle.meta.get("prior"),
            "scale_version": bundle.scale.version,
            "reference_probability": float(sigmoid(np.array([bundle.scale.reference_log_odds]))[0]),
        },
        "features": [
            {name: feature.record()[name] for name in ("name", "label", "dimension", "topic", "doc", "known_when")}
            for feature in bundle.catalog
        ],
        "champion": None if champion is None else _champion_record(champion),
        "kept": sorted(kept),
        "judged": read_judged(app_state),
        "caution": read_caution(app_state),
        "unreadable": describe_unreadable(app_state),
        "promoted": {} if champion is None else {move.hash: move.at for move in champion.history},
    }
    for name, artifact in _JUDGED.items():
        left = read_result(app_state, artifact).record
        record[name] = None if left is None else left.content()
    return record


def _champion_record(champion: Champion) -> dict[str, Any]:
    moves = [move.record() for move in champion.history]
    return {"hash": champion.hash, "previous": champion.previous, "history": moves}


def read_swap_set(app_state: AppState, owner: str | None, limit: int = 25) -> list[dict[str, Any]]:
    """Who comes in by the model and who goes out with the rubric at equal workload: both sides.

    Each side has ``side``, how many ``leads`` and ``won`` it holds, whoever's they are; of those that may be named,
    being in the data still and an owner's own, it has the first ``rows``, those first about whom the two disagree
    most, and how many ``named`` and ``named_won`` there are.
    """
    file = app_state.paths.thresholds / "swap_set.parquet"
    if not file.exists():
        return []
    found = read_parquet(file)
    if not len(found):
        return []
    may_name = app_state.loaded.data.are_named_to(found["lead_id"].astype("str").tolist(), owner)
    sides = []
    for side in SIDES:
        of_side = (found["side"] == side).to_numpy(dtype=np.bool_)
        every, named = found[of_side], found[of_side & may_name]
        sides.append(
            {
                "side": side,
                "leads": len(every),
                "won": int(every["won"].sum()),
                "named": len(named),
                "named_won": int(named["won"].sum()),
                "rows": [to_json_values(row) for row in rows_of(named.head(limit))],
            }
        )
    return sides
