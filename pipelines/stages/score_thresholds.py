"""Whole scores to hand off from: judged by the evaluated twin, named by the score of the bundle that scores."""

from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.matrix import Matrix
from features.schema.source import Capacity
from models.bundle import load_bundle
from models.explaining.points import score_of_log_odds
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.comparison import Comparison
from models.judging.handoff.policy_names import Policy
from models.judging.handoff.precision_guarantee import Promise, transfer_threshold
from models.judging.handoff.replay import Replay
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.score_thresholds.operating_points import operating_points
from models.judging.score_thresholds.score_steps import score_steps
from models.logistic import sigmoid
from pipelines.artifacts.final_block import FinalBlock
from pipelines.workspace.context import Context


def transfer_promise(context: Context, test: Matrix, promise: Promise) -> dict[str, Any] | None:
    """The promise carried over to the refitted bundle by share of workload, with the score to cut at."""
    if promise.kept is None:
        return None
    bundle = load_bundle(context.paths.train / "bundle")
    log_odds = bundle.log_odds(test.values)
    found = transfer_threshold(promise.kept, log_odds, test.keys)
    replay = SnapshotCapacity.of(context.source).arrange(test.keys, test.label)
    shown = score_of_log_odds(log_odds, bundle.scale)
    score = lowest_score_for(replay, shown, found.leads)
    to_set = threshold_in_words(replay, shown, score, found.leads)
    sentence = (
        f"Tested with the evaluated twin; the bundle that scores hands off as many of these leads, {found.share:.1%}, "
        f"from a probability of {sigmoid(np.array([found.log_odds]))[0]:.1%} on. {to_set} "
        "The workload is what carries over, the precision is the twin's."
    )
    fits = hands_off(replay, shown, score) <= found.leads
    return found.record() | {"score": score, "bundle": bundle.hash, "sentence": sentence, "fits": fits}


def lowest_score_for(replay: Replay, shown: Ints, leads: int) -> int:
    """The lowest score some lead has that hands off no more than so many; the highest there is where none does.

    Scores are shown as whole numbers: a threshold in between would hand off whoever is rounded up to it.
    """
    best = np.full(replay.leads, -1, dtype=np.int64)
    np.maximum.at(best, replay.lead, shown)
    scores, counts = np.unique(best, return_counts=True)
    upwards = np.cumsum(counts[::-1])[::-1]
    fitting = scores[upwards <= leads]
    return int(fitting.min()) if len(fitting) else int(scores.max())


def hands_off(replay: Replay, shown: Ints, score: int) -> int:
    """How many leads reach a score once or more."""
    best = np.full(replay.leads, -1, dtype=np.int64)
    np.maximum.at(best, replay.lead, shown)
    return int((best >= score).sum())


def threshold_in_words(replay: Replay, shown: Ints, score: int, leads: int) -> str:
    """Which score to set for a promise made on so many leads, and whether it hands off more of them."""
    handed_off = hands_off(replay, shown, score)
    if handed_off <= leads:
        return f"{score} is the threshold to set: the lowest whole score that hands off no more."
    return (
        f"No whole score hands off so few: {score}, the highest any of these leads has, hands off {handed_off:,}, and "
        "for those nothing is promised."
    )


def judge_scores(
    context: Context,
    test: FinalBlock,
    rubric: Floats | None,
    compared: Comparison,
    *,
    capacity: Capacity,
    promised_score: int | None,
) -> dict[str, Any]:
    """Every whole score to hand off from on the test block, and the named ones; JSON-ready.

    Parameters
    ----------
    rubric : its points on the rows of the block
    promised_score : of the bundle, None where nothing can be promised
    """
    at = SnapshotCapacity.of(context.source, capacity)
    replay = at.arrange(test.matrix.keys, test.matrix.label)
    bundle = load_bundle(context.paths.train / "bundle")
    shown = score_of_log_odds(bundle.log_odds(test.matrix.values), bundle.scale)
    steps = score_steps(replay, shown, test.log_odds, rubric, Resampling.of(context.settings), promised=promised_score)
    own = next((row.precision for row in compared.policies if row.policy == Policy.RUBRIC_OWN and row.workload), None)
    points = operating_points(
        steps, promised=promised_score, places=float(at.places(replay).sum()), rubric_precision=own
    )
    worth = bool(capacity.cost_per_handoff and capacity.value_per_win)
    return {
        "steps": [step.record() for step in steps],
        "points": [point.record() for point in points],
        "every_lead_pays": worth and all(row.policy != Policy.MODEL_VALUE for row in compared.policies),
    }
