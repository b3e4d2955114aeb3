"""What a backtest shows of the declared segments: lines of their own, models of their own, or neither.

Both are judged on the blocks of the backtest by rows they were not fitted on, beside the common model, each block at
its own level: lines are taken where they gain more than one standard error over all rows, a segment's own model where
it beats the common one with its line beyond the 90% interval (corrected for how many are tried) and in most blocks;
both only where the gain is worth it (docs/adr/0041).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.cohort.splits import Chop
from features.matrix import Matrix
from models.calibration.segment_levels import COMMON, SegmentLevels, SegmentLine, SegmentRows, fit_segment_levels
from models.candidates.segmented import read_nameable_segments
from models.judging.cluster_bootstrap import Resampling, group_sums, mean_interval, resample_totals
from models.judging.evaluation.backtest import Backtest
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import log_loss
from models.settings import TrainSettings
from models.training.segment_models import (
    CommonModel,
    JudgedSegments,
    OwnTried,
    at_own_level,
    largest_segments,
    loss_of_the_rate,
    parts_apart,
    try_own_models,
)
from models.training.segmentation import Segmentation, SegmentFinding

LEAST_LINE_GAIN = 0.002  # of the base rate's log loss that lines must save: less would print as next to nothing


def judge_segments(
    matrix: Matrix,
    chop: Chop,
    backtest: Backtest,
    common: CommonModel,
    settings: TrainSettings,
    *,
    feature: str,
    capacity: SnapshotCapacity,
) -> Segmentation:
    """Decide on the lines and the models of segments, on the rolling blocks that judged the candidates."""
    found, resampling = backtest.rolling, Resampling.of(settings)
    rows = SegmentRows(
        log_odds=found.log_odds[common.winner],
        won=matrix.label[found.rows],
        block=found.block,
        group=matrix.group_codes[found.rows],
        lead=pd.factorize(matrix.keys["lead_id"].to_numpy()[found.rows])[0].astype(np.int64),
        segment=read_nameable_segments(matrix.values, feature)[found.rows],
    )
    plain, lined = judge_lines(rows, common.slope, settings.seed)
    saved = log_loss(rows.won, plain) - log_loss(rows.won, lined)
    gain, error = float(saved.mean()), _error_of(saved, rows.group, resampling)
    whole = loss_of_the_rate(rows.won)
    taken = gain > max(error, LEAST_LINE_GAIN * whole)
    levels = fit_segment_levels(rows, common.slope) if taken else COMMON

    work = JudgedSegments(
        rows=rows,
        places=found.rows,
        plain=plain,
        lined=lined,
        taken=lined if levels.lines else plain,
        levels=levels,
        slope=common.slope,
        feature=feature,
        capacity=capacity,
        resampling=resampling,
    )
    tried = try_own_models(matrix, chop, found, common, settings, work)
    findings = tuple(_finding(work, name, tried.get(name)) for name in largest_segments(rows))
    own = {name: one.slope for name, one in tried.items() if one.wins}
    found_label = matrix.catalog[feature].label or feature.replace("_", " ")
    return Segmentation(
        feature=feature,
        levels=levels,
        own=own,
        gain=gain,
        error=error,
        findings=findings,
        sentence=_sentence(found_label, levels, own, gain, error),
    )


def judge_lines(rows: SegmentRows, slope: float, seed: int) -> tuple[Floats, Floats]:
    """Calibrated log-odds without and with lines fitted on the other blocks; each block at its own level."""
    plain, lined = np.zeros(len(rows.won)), np.zeros(len(rows.won))
    for learn, judge in parts_apart(rows, seed):
        levels, part = fit_segment_levels(rows.take(learn), slope), rows.take(judge)
        with_lines = levels.apply(part.log_odds, part.segment)
        for block in np.unique(part.block):
            at = part.block == block
            plain[judge[at]] = at_own_level(slope * part.log_odds[at], part.won[at])
            lined[judge[at]] = at_own_level(slope * with_lines[at], part.won[at])
    return plain, lined


def _error_of(saved: Floats, group: Ints, resampling: Resampling) -> float:
    """Standard error of the mean, whole groups resampled."""
    drawn = resample_totals(group_sums(group, {"saved": saved}), resampling)
    return float(drawn["saved"].std(ddof=1) / len(saved))


def _finding(work: JudgedSegments, name: str, tried: OwnTried | None) -> SegmentFinding:
    at = np.flatnonzero(work.rows.segment == name)
    won = work.rows.won[at]
    common, lined = log_loss(won, work.plain[at]), log_loss(won, work.lined[at])
    line = work.levels.lines.get(name)
    low, high = mean_interval(common - lined, work.rows.group[at], work.resampling).record()
    return SegmentFinding(
        segment=name,
        rows=len(np.unique(work.places[at])),
        won=len(np.unique(work.places[at[won == 1.0]])),
        shift=0.0 if line is None else line.shift * work.slope,
        factor=1.0 if line is None else line.factor,
        log_loss_common=float(common.mean()),
        log_loss_line=float(lined.mean()),
        gain_ci=(low, high),
        own=tried is not None and bool(tried.wins),
        own_gain=None if tried is None else tried.saved,
        own_ci=None if tried is None else tried.ci,
        why=_why(work, line, tried),
    )


def _why(work: JudgedSegments, line: SegmentLine | None, tried: OwnTried | None) -> str:
    """The decision on one segment, in words."""
    if not work.levels.lines:
        first = "The common line: lines of segments gain no more than noise."
    elif line is None:
        first = "The common line: too few leads for one of its own."
    else:
        first = (
            f"A line of its own: odds times {np.exp(line.shift * work.slope):.2f}, slope times {line.factor:.2f}, both "
            "shrunk to the common ones."
        )
    if tried is None:
        return f"{first} Too few won or lost leads for a model of its own."
    low, high = ("?" if end is None else f"{end:+.4f}" for end in tried.ci)
    figures = (
        f"saves {tried.saved:+.4f} log loss (90% interval {low} to {high}) on {tried.rows:,} rows with {tried.won:,} "
        f"won, and is better in {tried.better} of {tried.blocks} blocks"
    )
    if tried.wins:
        return f"A model of its own, instead of the common one: it {figures}."
    verdict = "too little to be worth it" if tried.beyond_noise else "not beyond noise"
    return f"{first} A model of its own {figures}: {verdict}."


def _sentence(label: str, levels: SegmentLevels, own: Mapping[str, float], gain: float, error: float) -> str:
    """The decision on all segments, in words."""
    figures = f"{gain:+.4f} log loss out of fold, standard error {error:.4f}"
    lines = (
        f"Segments by {label}: each has its own level and slope, shrunk to the common ones ({figures})."
        if levels.lines
        else f"Segments by {label}: none needs a level or slope of its own beyond noise ({figures})."
    )
    if not own:
        return f"{lines} No segment's own model beats the common one beyond noise."
    return f"{lines} Scored by a model of their own, which wins beyond noise: {', '.join(own)}."
