"""Does a higher score win more often: the tested leads in groups of one size, by their score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.interfaces import Scale
from models.logistic import logit
from pipelines.artifacts.evaluation_record import EvaluationRecord, ReliabilityRow
from pipelines.artifacts.train_record import TrainRecord
from serving.results.result_files import read_result
from serving.state.app_state import AppState


@dataclass(frozen=True)
class ScoreBand:
    """One group of tested leads: mean score, share won with its 90% interval, how many scorings."""

    score: int
    won: float
    low: float | None
    high: float | None
    rows: int


def read_judged(app_state: AppState) -> str | None:
    """Hash of the bundle that the last test judged, which is a challenger where the champion stayed; None where the
    run allowed none.
    """
    return _tested(app_state) or None


def find_other_judged(app_state: AppState) -> str:
    """Hash of the bundle that the test figures of the last run are of, where it is not the one in use; else empty."""
    judged = _tested(app_state) or ""
    return "" if judged == app_state.loaded.model.bundle.hash else judged


def allowed_none(app_state: AppState) -> bool:
    """Whether the last run allowed no model, while one from before it scores."""
    return _tested(app_state) == "" and not app_state.loaded.model.bundle.by_points


def read_evaluation(app_state: AppState) -> EvaluationRecord | None:
    """The test figures of the bundle in use; None before there are any, and where the last run judged another one."""
    found = read_result(app_state, EvaluationRecord).record
    if found is None or find_other_judged(app_state) or allowed_none(app_state):
        return None
    return found if found.winner else None


def _tested(app_state: AppState) -> str | None:
    """The bundle whose figures stand in the evaluation, empty where the run allowed none; None before any.

    What was trained since is tested minutes later, and its name is not that of figures from before it.
    """
    found = read_result(app_state, EvaluationRecord).record
    if found is not None and found.judged is not None:
        return found.judged
    trained = read_result(app_state, TrainRecord).record  # an earlier leadscore did not write it down
    return None if trained is None else trained.hash or ""


def score_bands(app_state: AppState) -> list[ScoreBand]:
    """The groups of the reliability table on the scale of the score, the lowest first; none without a test."""
    found = read_evaluation(app_state)
    bundle = app_state.loaded.model.bundle
    return [] if found is None or bundle.by_points else bands_of(found.reliability, bundle.scale)


def bands_of(rows: Sequence[ReliabilityRow], scale: Scale) -> list[ScoreBand]:
    """Rows of the reliability table, each named by the score of its mean chance."""
    ordered = sorted(rows, key=lambda row: float(row["predicted"]))
    if not ordered:
        return []
    log_odds = np.array([logit(float(row["predicted"])) for row in ordered])
    points = 50 + (log_odds - scale.reference_log_odds) * scale.points_per_log_odds
    scores = np.clip(np.rint(points), 0, 100).astype(np.int64)
    return [
        ScoreBand(int(score), float(row["observed"]), *_ends(row), int(row["rows"]))
        for score, row in zip(scores, ordered, strict=True)
    ]


def _ends(row: ReliabilityRow) -> tuple[float | None, float | None]:
    low, high = row["ci"] or (None, None)
    return low, high
