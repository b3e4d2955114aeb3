"""The monitor: what is scored now against what the champion was trained on, and what came true since."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import BundleError
from features.matrix import Matrix
from features.pause_points import pause_point
from models.bundle import Bundle
from models.candidates.segmented import SegmentedModel, read_nameable_segments
from models.judging.drift import monitor_findings
from models.judging.drift.distribution_drift import Drift, drift_of_features, drift_of_scores
from models.judging.drift.monitor_findings import Finding, Level
from models.judging.drift.observed_vs_predicted import compare_base_rate, compare_segments, compare_with_predicted
from models.judging.drift.promise_due import judge_promise
from models.judging.drift.retrain_advice import advise
from models.judging.handoff.population import NOUNS, is_before_handoff
from models.judging.promotion.rows_to_come import count_won_leads
from models.judging.promotion.unseen_rows import find_unseen_rows, unit_of
from models.settings import GateSettings, MonitorSettings
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.monitor_record import MonitorRecord
from pipelines.feeds.accepted_faults import read_accepted, settle_accepted
from pipelines.feeds.feed_findings import judge_data_age, judge_feeds, judge_leaks
from pipelines.feeds.feed_profiles import read_feed_profile
from pipelines.feeds.measured_cadence import read_cadence
from pipelines.feeds.stage_times import judge_stage_times
from pipelines.registry.champion import require_champion
from pipelines.registry.matrix_for_bundle import matrix_for
from pipelines.registry.promotion_gate import fits, trained_through
from pipelines.registry.soundness import load_sound
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix, load_open
from pipelines.workspace.people.objecting import without_objecting
from pipelines.workspace.table_files import load_tables

_EXPLAINED = 2_000  # rows whose contributions say what the model leans on
_DAY = 1.0  # ages are whole days: a lead younger or older by less counts as inside the trained range
NO_REFERENCE = (
    "was trained before bundles stored their training distribution, so drift of features and scores is unknown."
)

NO_OUTCOME = (
    "No outcome was certain when the points took over, so there is no base rate to compare with.",
    "No outcome was certain when the points took over, so there is no chance to hold against what happened.",
    "No outcome was certain when the points took over, so there is no distribution to compare features and "
    "scores with.",
)  # of base rate, calibration and features


@dataclass(frozen=True)
class WatchedRows:
    """The rows that are scored now, and what they are."""

    rows: Matrix
    what: str
    as_of: pd.Timestamp | None
    is_file: bool = False


def monitor(
    context: Context, settings: MonitorSettings, seen: WatchedRows | None = None, *, gate: GateSettings | None = None
) -> MonitorRecord:
    """What the monitor finds on the open leads of the last matrix or on rows ``seen`` elsewhere.

    ``gate`` says how many won leads a promotion needs, and so a retrain is worth; None: the defaults.

    Raises
    ------
    RegistryError : there is no champion
    BundleError : it does not fit the last matrix
    DataError : no matrix was built yet
    """
    found = require_champion(context.paths)
    bundle = load_sound(context.paths, found.folder, found.hash)
    if not fits(context, found.folder):
        raise BundleError(
            f"champion {found.hash[:12]} of '{context.paths.source}' was trained under another declaration than the "
            "last matrix follows; nothing can be compared. Train again, or restore the declaration and rebuild it."
        )

    matrix = matrix_for(context, bundle, without_objecting(context, load_matrix(context.paths.matrix)))
    now = seen or _rows_to_watch(context, bundle, matrix)
    pause_point()

    profile = read_feed_profile(context, bundle.hash)
    usual = None if profile is None or now.is_file else profile["ages_outside"]
    findings, drifts, scores = _judge_drift(bundle, now, settings, usual)
    pause_point()
    outcomes, won = _judge_outcomes(context, bundle, matrix, settings)
    findings += outcomes
    pause_point()
    if not now.is_file:
        feeds = settle_accepted(judge_feeds(context, profile), read_accepted(context.paths, bundle.hash))
        findings = [*feeds, judge_leaks(context), *findings]
        clocks = judge_data_age(context, settings), judge_stage_times(context.paths, settings)
        findings += [finding for finding in clocks if finding is not None]

    level = monitor_findings.overall(findings)
    through = trained_through(bundle)
    days = None if through is None or now.as_of is None else (now.as_of - through) / pd.Timedelta(days=1)
    enough = (gate or GateSettings()).minimum_won
    advice = advise(findings, won, enough, days, read_cadence(context.paths))
    return MonitorRecord.of(
        {
            "source": context.paths.source,
            "bundle": bundle.hash,
            "trained_through": None if through is None else through.isoformat(),
            "as_of": None if now.as_of is None else now.as_of.isoformat(),
            "what": now.what,
            "leads": len(now.rows),
            "verdict": str(level),
            "headline": monitor_findings.headline(level, findings),
            "findings": [finding.record() for finding in findings],
            "scores": None if scores is None else scores.record(),
            "features": [drift.record() for drift in drifts],
            "retrain": None if through is None else advice.record(),
        }
    )


def _rows_to_watch(context: Context, bundle: Bundle, matrix: Matrix) -> WatchedRows:
    """Open leads of the last matrix; without clocks the whole table, the trained rows among it."""
    if not (context.paths.matrix / "open.json").exists():
        return WatchedRows(
            matrix, "all rows of the table, including those trained on; --input FILE checks new ones", None
        )
    rows = matrix_for(context, bundle, without_objecting(context, load_open(context.paths.matrix)))
    as_of = None if not len(rows) or rows.keys["as_of"].isna().all() else pd.Timestamp(rows.keys["as_of"].iloc[0])
    return WatchedRows(rows, "open leads", as_of)


def _judge_drift(
    bundle: Bundle, now: WatchedRows, settings: MonitorSettings, usual: float | None
) -> tuple[list[Finding], tuple[Drift, ...], Drift | None]:
    """Findings on the rows of now, drift per feature (most moved first) and of the scores."""
    volumes = bundle.trained_on.get("leads_per_moment")
    rows = now.rows
    unusual = monitor_findings.NO_CLOCKS if bundle.knows_outcomes else monitor_findings.NOT_MATURED
    if now.is_file:
        volumes, unusual = None, monitor_findings.OF_A_FILE
    findings = [monitor_findings.judge_volume(len(rows), volumes, unusual)]
    if not len(rows):
        return findings, (), None

    low, high = bundle.age_days
    age = rows.keys["age_days"].to_numpy(dtype=np.float64)
    outside = (age < low - _DAY) | (age > high + _DAY)
    if np.isfinite([low, high]).all() and np.isfinite(age).any():
        findings.append(monitor_findings.judge_ages(float(outside.mean()), low, high, settings, usual))
        rows = rows.take(~outside)

    if not len(rows):
        return findings, (), None

    if not bundle.knows_outcomes:
        return [*findings, Finding("features", Level.UNKNOWN, NO_OUTCOME[2])], (), None
    if not bundle.trained_on:
        sentence = f"Bundle {bundle.hash[:12]} {NO_REFERENCE}"
        return [*findings, Finding("features", Level.UNKNOWN, sentence, "Train again.")], (), None

    drifts = drift_of_features(bundle.trained_on, rows, _weights(bundle, rows), settings)
    scores = drift_of_scores(bundle.trained_on, rows, bundle.log_odds(rows.values), settings)
    findings += [
        monitor_findings.judge_features(drifts, settings),
        monitor_findings.judge_values(drifts, len(rows), settings),
        monitor_findings.judge_scores(scores),
    ]

    return findings, drifts, scores


def _weights(bundle: Bundle, rows: Matrix) -> dict[str, float]:
    """Share of each feature in the absolute contributions, over at most :data:`_EXPLAINED` rows spread evenly."""
    places = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _EXPLAINED)).astype(np.int64))
    found = bundle.contributions(rows.values.iloc[places].reset_index(drop=True))
    size = np.abs(found.values).mean(axis=0)
    return dict(zip(found.names, (size / max(float(size.sum()), 1e-12)).tolist(), strict=True))


def _judge_promise(context: Context, bundle: Bundle, judged: Matrix, settings: MonitorSettings) -> Finding | None:
    """The threshold promised for this very bundle, on rows of those it was promised for; None where there is none."""
    found = ComparisonRecord.read_if_any(context.paths) if ComparisonRecord.exists(context.paths) else None
    promise = None if found is None else found.promise
    if found is None or promise is None or promise.mapped is None or promise.mapped.bundle != bundle.hash:
        return None
    noun = NOUNS["all"]
    if found.population is not None and found.population.name == "before_handoff":
        before, _ = is_before_handoff(context.source, load_tables(context.paths), judged.keys)
        judged, noun = judged.take(np.flatnonzero(before)), NOUNS["before_handoff"]
    log_odds, threshold = bundle.log_odds(judged.values), float(promise.mapped.log_odds)
    return judge_promise(judged, log_odds, threshold, float(promise.promised), settings, noun=noun)


def _judge_outcomes(
    context: Context, bundle: Bundle, matrix: Matrix, settings: MonitorSettings
) -> tuple[list[Finding], int]:
    """What came true since the training, and how many leads new to the bundle were won."""
    if not bundle.knows_outcomes:
        checks = zip(("base rate", "calibration"), NO_OUTCOME, strict=False)
        return [Finding(check, Level.UNKNOWN, sentence) for check, sentence in checks], 0

    through = trained_through(bundle)
    base = monitor_findings.judge_base_rate(
        compare_base_rate(matrix, through, float(bundle.meta["base_rate"]), settings), settings
    )

    if through is None:
        sentence = "Without clocks it is unknown which outcomes came after training."
        return [base, Finding("calibration", Level.UNKNOWN, sentence)], 0

    unseen = find_unseen_rows(matrix, through, unit_of(context.source)).rows
    judged = matrix.take(unseen)
    won = count_won_leads(judged)
    found = compare_with_predicted(judged, bundle.log_odds(judged.values), won, settings) if len(judged) else None
    calibrated = [base, monitor_findings.judge_calibration(found, won, settings)]
    promise = _judge_promise(context, bundle, judged, settings) if len(judged) else None
    if promise is not None:
        calibrated.append(promise)

    model = bundle.components.get(SegmentedModel.name)
    if not isinstance(model, SegmentedModel):
        return calibrated, won
    named = read_nameable_segments(matrix.values, model.feature)[unseen]  # by the whole column, as in training
    segments = compare_segments(judged, bundle.log_odds(judged.values), named, settings)
    return [*calibrated, monitor_findings.judge_segments(segments, settings)], won
