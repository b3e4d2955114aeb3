"""Thresholds: the rubric and the model on the same matured test leads, and a threshold that keeps a promise."""

from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.matrix import Matrix
from features.schema.source import Capacity
from features.schema.vocabulary import TRAINED
from models.bundle import load_bundle
from models.candidates.rubric import RubricCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.explaining.points import CENTRE, HIGHEST, LOWEST
from models.explaining.qualification_policy import default_qualification
from models.explaining.reasons import ReasonWriter, top_reasons
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.backtest import group_codes
from models.judging.evaluation.reliability_tables import calibration_by
from models.judging.handoff.capacity_planner import PLAN_DRAWS, plan_capacity
from models.judging.handoff.compare_policies import compare_policies
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.policy_names import Policy
from models.judging.handoff.precision_guarantee import Promise, find_promised_threshold, transfer_threshold
from models.judging.handoff.replay import JudgedRows, arrange_replay
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.rubrics.customer_profiles import judge_profiles
from models.judging.rubrics.rule_diagnostics import diagnose_rules
from models.judging.rubrics.scorecard_to_rubric import Proposal, propose_rubric
from models.logistic import sigmoid
from pipelines.diagnostics.lifecycle_figures import write_lifecycle
from pipelines.report.scorecard_page import STORED
from pipelines.rubrics.recorded_baselines import recorded_policies
from pipelines.workspace.atomic_files import read_json, read_parquet, stage_dir, write_json, write_parquet, write_text
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix

PROMISED_LIFT, CONFIDENCE = 2.0, 0.9
SEGMENT_VALUES = 12


def run_thresholds(
    context: Context, *, promised: float | None = None, confidence: float = CONFIDENCE
) -> dict[str, Any]:
    """Write ``comparison.json``, ``swap_set.parquet``, ``lifecycle.json`` (with ``disagreements.parquet``) and
    the twin's scorecard as ``proposed_rubric.yaml``.

    ``promised`` is the precision to promise; by default twice the base rate of the test block.
    """
    before = read_json(context.paths.evaluate / "verdict.json")
    result: dict[str, Any] = dict(before)
    swap, proposed = pd.DataFrame(), None
    if before["verdict"] in TRAINED:
        matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
        test = matrix.take(split.final.test)
        winner = read_json(context.paths.evaluate / "evaluation.json")["winner"]
        log_odds = read_parquet(context.paths.evaluate / "test_log_odds.parquet")[winner].to_numpy(dtype=np.float64)
        proposed = _proposal(context, matrix, split.final.train)
        capacity, worth = value_of_a_win(context.source.capacity, matrix.take(split.final.train))
        compared = compare_policies(
            ScoredPolicy("model", log_odds, probability=sigmoid(log_odds)),
            _rubric_judge(context, test),
            JudgedRows.of(test),
            capacity=SnapshotCapacity(capacity, context.source.cohort.every_days),
            others=_others(context, test, proposed),
            segments=segments_of(test),
            resampling=Resampling.of(context.settings),
        )
        base = compared.base_rate
        aim = promised if promised is not None else min(0.9, round(PROMISED_LIFT * base, 2))
        kept = (
            find_promised_threshold(log_odds, test.keys, test.label, promised=aim, confidence=confidence)
            if aim > 0
            else None
        )
        carried = {} if kept is None else kept.record() | _mapped(context, test, kept)
        result |= compared.record() | {"promise": carried or None}
        result["notes"] += worth
        result["capacity"] = capacity.model_dump(mode="json")
        swap = _with_reasons(context, test, compared.swap)
        segments = segments_of(test)
        result["calibration_by_segment"] = calibration_by(test, log_odds, segments, Resampling.of(context.settings))
        result |= {"repair": _repair(context, matrix), "plan": _plan(context, test, log_odds)}
    with stage_dir(context.paths.thresholds) as folder:
        write_parquet(folder / "swap_set.parquet", swap)
        write_json(folder / "comparison.json", result)
        if proposed is not None:
            write_text(folder / "proposed_rubric.yaml", proposed.to_yaml())
        write_lifecycle(context, folder)
        write_json(folder / "profile.json", _profile(context))
        write_json(folder / "verdict.json", before)
    return result


def value_of_a_win(capacity: Capacity, before: Matrix) -> tuple[Capacity, list[str]]:
    """Capacity with a value per win: the declared one, or the mean amount of wins before the judged rows; and a note.

    Each lead counts once. Without either, cost and value cannot be weighed, and the note says so.
    """
    unit = f" {capacity.currency}".rstrip()
    if capacity.value_per_win is not None:
        declared = f"{capacity.value_per_win:,.0f}{unit}"
        return capacity, [f"Value of a win where no amount is on record: {declared}, declared."]
    won = (before.label == 1.0) & np.isfinite(before.amount)
    amounts = pd.Series(before.amount[won]).groupby(before.keys["lead_id"].to_numpy()[won]).first()
    if not len(amounts):
        return capacity, ["No amounts are on record and no value per win is declared: revenue cannot be told."]
    value = float(amounts.mean())
    note = (
        f"Value of a win: {value:,.0f}{unit}, the mean amount of {len(amounts):,} won leads before the judged rows "
        "(no value_per_win is declared); where an amount is on record, that one counts. Revenue, not margin."
    )
    return capacity.model_copy(update={"value_per_win": value}), [note]


def segments_of(test: Matrix) -> dict[str, pd.Series]:
    """Declared categories of leads and accounts by which policies are shown apart, by label."""
    found = {}
    for feature in test.catalog:
        values = test.values[feature.name] if feature.family in ("attributes", "titles") else None
        if values is None or pd.api.types.is_numeric_dtype(values) or not 2 <= values.nunique() <= SEGMENT_VALUES:
            continue
        found[feature.label or feature.name.replace("_", " ")] = values.astype("object")
    return found


def _mapped(context: Context, test: Matrix, kept: Promise) -> dict[str, Any]:
    """The promise carried over to the refitted bundle by share of workload, with the score to cut at."""
    if kept.kept is None:
        return {"mapped": None}
    bundle = load_bundle(context.paths.train / "bundle")
    found = transfer_threshold(kept.kept, bundle.log_odds(test.values), test.keys)
    exact = CENTRE + bundle.scale.points_per_log_odds * (found.log_odds - bundle.scale.reference_log_odds)
    score = int(np.clip(np.ceil(exact), LOWEST, HIGHEST))
    sentence = (
        f"Tested with the evaluated twin; the bundle that scores hands off the same {found.share:.1%} of these leads "
        f"from a score of {score} on (probability {sigmoid(np.array([found.log_odds]))[0]:.1%}). {score} is the "
        "threshold to set; the share it hands off is what carries over, the precision is the twin's."
    )
    return {"mapped": found.record() | {"score": score, "bundle": bundle.hash, "sentence": sentence}}


def _others(context: Context, test: Matrix, proposed: Proposal | None) -> list[ScoredPolicy]:
    """What else stands beside rubric and model: the proposed rubric, a recorded score, the handoffs that happened."""
    found = [] if proposed is None else [ScoredPolicy(Policy.PROPOSED_RUBRIC, proposed.points(test.values))]
    return [*found, *recorded_policies(context, test)]


def _proposal(context: Context, matrix: Matrix, train: Ints) -> Proposal | None:
    """The scorecard learned before the test block, whoever won, as a rubric that hands off what capacity allows."""
    path = context.paths.evaluate / STORED
    card = ScorecardCandidate.restore(read_json(path)["state"], {}) if path.exists() else None
    if card is None or not card.bins:
        return None
    name, share = f"{context.source.name}_proposed", context.source.capacity.share
    points = propose_rubric(card, matrix.catalog, name, 0.0).points(matrix.values.iloc[train])
    return propose_rubric(card, matrix.catalog, name, float(np.quantile(points, 1 - share)))


def _repair(context: Context, matrix: Matrix) -> dict[str, Any] | None:
    """What each rule of the rubric is worth, on all matured rows."""
    if context.rubric is None:
        return None
    rows = matrix.take(np.flatnonzero(matrix.matured))
    order = rows.keys["order"].to_numpy(dtype=np.int64) if matrix.ordered else None
    book = RubricCandidate(context.rubric).ledger(rows.values)
    return diagnose_rules(book, rows.values, matrix.catalog, rows.label, rows.weight, group_codes(rows), order).record()


def _plan(context: Context, test: Matrix, log_odds: Floats) -> dict[str, Any] | None:
    """What other crews would have found inside their lists; only weekly snapshots have a queue."""
    if context.source.kind == "flat":
        return None
    replay = arrange_replay(test.keys, test.label)
    resampling = Resampling(PLAN_DRAWS, context.settings.seed)
    return plan_capacity(replay, log_odds, SnapshotCapacity.of(context.source), resampling).record()


def _profile(context: Context) -> dict[str, Any]:
    """Attributes won against the rest, and the declared profile judged, on all matured leads."""
    if not (context.paths.matrix / "matrix.json").exists():
        return {}
    matrix = load_matrix(context.paths.matrix)
    if not matrix.matured.any():
        return {}
    declared = (context.policy or default_qualification()).profile
    declared.check(matrix.catalog)
    return judge_profiles(matrix, group_codes(matrix), declared, Resampling.of(context.settings)).record()


def _rubric_judge(context: Context, test: Matrix) -> ScoredPolicy | None:
    if context.rubric is None:
        return None
    book = RubricCandidate(context.rubric).ledger(test.values)
    threshold = context.rubric.handoff_threshold
    return ScoredPolicy(
        "rubric", book.points, handed_off=book.handed_off, threshold=None if threshold is None else threshold.points
    )


def _with_reasons(context: Context, test: Matrix, swap: pd.DataFrame) -> pd.DataFrame:
    """The swap set with the twin's three main reasons per lead."""
    if not len(swap):
        return swap
    twin = load_bundle(context.paths.train / "twin")
    values = test.values.iloc[swap["row"].to_numpy()].reset_index(drop=True)
    reasons = top_reasons(ReasonWriter(twin.catalog, twin.facts), twin.contributions(values), values)
    return swap.assign(**{f"reason_{k + 1}": [row[k] for row in reasons] for k in range(3)})
