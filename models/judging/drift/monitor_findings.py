"""What the monitor found, how severe it is, and what to do next, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scipy.stats import norm

from models.judging.cluster_bootstrap import CONFIDENCE
from models.judging.drift.distribution_drift import Drift
from models.judging.drift.observed_vs_predicted import ObservedVsPredicted
from models.judging.drift.prior_shift import PriorShift
from models.settings import MonitorSettings

_NAMED = 3  # features named in a sentence; the rest are in the table
_FEWEST_ROWS = 5  # with an unseen level or a missing value; fewer may be typing errors
NO_CLOCKS = "without clocks there is no usual number"
OF_A_FILE = "a file has no usual number"
NOT_MATURED = "no row had matured when the points took over, so there is no usual number"
_VOLUME_TIMES = 2  # times fewer or more leads than any usual week had, before the volume is worth a look


class Level(StrEnum):
    """How severe a finding is: nothing to do, look at it, or do something about it."""

    OK = "ok"
    WATCH = "watch"
    ACT = "act"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Finding:
    """One check: what was seen, and what to do next where there is something to do.

    ``place`` names table, feed and column (``activities/email_open.asset``) where the finding is about one.
    """

    check: str
    level: Level
    sentence: str
    next: str = ""
    place: str = ""

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        found = {"check": self.check, "level": str(self.level), "sentence": self.sentence, "next": self.next}
        return found | ({"place": self.place} if self.place else {})


@dataclass(frozen=True, kw_only=True)
class FeedFinding(Finding):
    """A fault of a feed; ``values`` are marks of what it names: values or feeds that are gone, new, or too many."""

    values: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return super().record() | ({"values": list(self.values)} if self.values else {})


def overall(findings: Sequence[Finding]) -> Level:
    """The most severe level; what cannot be judged raises no alarm, but with nothing judged there is no all-clear."""
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.ACT, Level.WATCH, Level.OK) if level in levels), Level.UNKNOWN)


def headline(level: Level, findings: Sequence[Finding]) -> str:
    """The verdict in one sentence."""
    names = " and ".join(dict.fromkeys(finding.check for finding in findings if finding.level == level))
    return {
        Level.ACT: f"Act: {names}.",
        Level.WATCH: f"Watch: {names}. Nothing calls for action yet.",
        Level.OK: "Nothing moved beyond noise.",
        Level.UNKNOWN: "Nothing could be judged.",
    }[level]


def judge_features(drifts: Sequence[Drift], settings: MonitorSettings) -> Finding:
    """Features the model relies on call for action, others are to be watched."""
    moved = [drift for drift in drifts if drift.moved]
    moved.sort(key=lambda drift: -drift.weight)
    grave = [d for d in moved if d.standing == "moved a lot" and d.weight >= settings.important]
    noisy = sum(drift.standing == "within noise" for drift in drifts)
    small = f" {noisy} more differ by no more than single training weeks and chance explain." if noisy else ""
    if not moved:
        return Finding("features", Level.OK, f"None of {len(drifts)} features moved beyond noise.{small}")

    named = grave or moved
    text = "; ".join(f"{d.label} (PSI {d.psi:.2f}): {d.before} → {d.after}" for d in named[:_NAMED])
    sentence = f"{len(moved)} of {len(drifts)} features moved; among those the model relies on most: {text}.{small}"
    if grave:
        advice = "Find out whether the market or the export changed: fix the export, or train again on newer rows."
        return Finding("features", Level.ACT, sentence, advice)
    if all(drift.weight < settings.important for drift in moved):
        told = f"{len(moved)} of {len(drifts)} features moved, none of which the model relies on: {text}.{small}"
        return Finding("features", Level.OK, told)
    return Finding("features", Level.WATCH, sentence, "They moved little: check again later.")


def judge_scores(drift: Drift) -> Finding:
    """The distribution of scores."""
    sentence = (
        f"Scores: PSI {drift.psi:.2f}, by chance up to {drift.noise:.2f}; then {drift.before}; now {drift.after}."
    )
    if drift.standing == "moved a lot":
        advice = (
            "Thresholds now hand off a different number of leads: run 'leadscore thresholds' on newer rows, or train "
            "again."
        )
        return Finding("scores", Level.ACT, sentence, advice)
    level = Level.WATCH if drift.moved else Level.OK
    return Finding("scores", level, sentence, "Check the workload at your threshold." if drift.moved else "")


def judge_values(drifts: Sequence[Drift], rows: int, settings: MonitorSettings) -> Finding:
    """Levels never seen, and values that went missing: an export that changed shows here first."""
    new = [d for d in drifts if d.unseen is not None and d.unseen >= settings.share and d.unseen * rows >= _FEWEST_ROWS]
    gone = [
        d
        for d in drifts
        if d.missing - d.missing_before >= settings.missing and d.psi > d.noise and d.missing * rows >= _FEWEST_ROWS
    ]
    if not new and not gone:
        return Finding(
            "values", Level.OK, "No feature has many unseen levels, or many more missing values than before."
        )
    parts = [f"{d.label}: {d.unseen:.0%} of rows hold levels never seen in training" for d in new[:_NAMED]]
    parts += [f"{d.label}: missing {d.missing_before:.0%} → {d.missing:.0%}" for d in gone[:_NAMED]]
    level = Level.ACT if any(d.weight >= settings.important for d in (*new, *gone)) else Level.WATCH
    advice = "Look for a renamed column, a new spelling or a changed form; map it, or train again on newer rows."
    return Finding("values", level, "; ".join(parts) + ".", advice)


def judge_ages(
    outside: float, low: float, high: float, settings: MonitorSettings, usual: float | None = None
) -> Finding:
    """Leads younger or older than any trained on, against the share there was at the training, where it is known."""
    sentence = f"{outside:.1%} of the leads are younger or older than any trained on ({low:.0f} to {high:.0f} days)."
    if outside:
        sentence += " They are left out below."
    if usual is not None:
        sentence += f" At the training it was {usual:.1%}."
    if outside < (usual or 0.0) + settings.share:
        return Finding("ages", Level.OK, sentence)
    return Finding("ages", Level.WATCH, sentence, "Their scores are guesses: close stale leads, or widen the cohort.")


def judge_base_rate(shift: PriorShift | None, settings: MonitorSettings) -> Finding:
    """The base rate of what matured since; to be watched beyond noise and from the same relative gap as promises."""
    if shift is None:
        return Finding("base rate", Level.UNKNOWN, "Too few rows have matured since training to judge the base rate.")
    if not shift.moved or abs(shift.rate / max(shift.before, 1e-9) - 1) < settings.miscalibration:
        return Finding("base rate", Level.OK, shift.sentence)
    return Finding("base rate", Level.WATCH, shift.sentence, "If it lasts, train again on newer rows.")


def judge_calibration(found: ObservedVsPredicted | None, won: int, settings: MonitorSettings) -> Finding:
    """Predicted probabilities against what happened: to be watched outside the 90% interval.

    Action is called for beyond ``act_confidence``. Whoever looks every week at wins that add up crosses a 90% interval
    in 4 to 15 of 100 looks at a market in which nothing happens (docs/monitoring.md).
    """
    if found is None:
        sentence = f"{won} leads new to the model were won since training; {settings.minimum_won} are needed."
        return Finding("calibration", Level.UNKNOWN, sentence)
    if found.kept:
        return Finding("calibration", Level.OK, found.sentence)
    certain = abs(found.ratio - 1) > float(norm.isf((1 - settings.act_confidence) / 2)) * _error_of(found)
    level = Level.ACT if certain and abs(found.ratio - 1) >= settings.miscalibration else Level.WATCH
    advice = "Train again on newer rows and ask the gate ('leadscore promote --check'); ranking may still be fine."
    return Finding("calibration", level, found.sentence, advice)


def judge_segments(found: Mapping[str, ObservedVsPredicted], settings: MonitorSettings) -> Finding:
    """Predicted probabilities against what happened, segment by segment; corrected for how many there are."""
    if not found:
        sentence = f"No segment has {settings.minimum_won} leads, new to the model, that were won since training."
        return Finding("segments", Level.UNKNOWN, sentence)
    bar = float(norm.isf((1 - CONFIDENCE) / (2 * len(found))))
    off = [
        f"{name}: {one.observed:.1%} won, {one.expected:.1%} predicted ({one.won:,} won of {one.rows:,} rows)"
        for name, one in found.items()
        if abs(one.ratio - 1) >= settings.miscalibration and abs(one.ratio - 1) > bar * _error_of(one)
    ]
    if not off:
        return Finding("segments", Level.OK, f"In {len(found)} segments as many were won as predicted, within noise.")
    advice = "Train again on newer rows: each segment's level is fitted anew."
    return Finding("segments", Level.WATCH, "; ".join(off[:_NAMED]) + ".", advice)


def _error_of(found: ObservedVsPredicted) -> float:
    """Standard error of the ratio, from its interval."""
    return (found.high - found.low) / (2 * float(norm.isf((1 - CONFIDENCE) / 2)))


def judge_volume(now: int, usual: Sequence[float] | None, unusual: str = NO_CLOCKS) -> Finding:
    """How many leads are scored, against the newest weeks of the training; ``unusual`` says why those are unknown."""
    if now == 0:
        empty = "No lead of the file can be scored." if unusual == OF_A_FILE else "No lead is open."
        return Finding("volume", Level.ACT, empty, "Check the export: is it complete?")
    if usual is None:
        return Finding("volume", Level.UNKNOWN, f"{now:,} leads; {unusual}.")
    low, middle, high = usual
    sentence = f"{now:,} leads are open, {middle:,.0f} in a usual training week ({low:,.0f} to {high:,.0f})."
    if low / _VOLUME_TIMES <= now <= _VOLUME_TIMES * high:
        return Finding("volume", Level.OK, sentence)
    return Finding("volume", Level.WATCH, sentence, "Check the export: is it complete, or are rows duplicated?")
