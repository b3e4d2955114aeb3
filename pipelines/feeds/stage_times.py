"""``ran.json``: when each stage last ended and how long it took; whether that is as often as was declared."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from features.errors import DataError
from models.judging.drift.monitor_findings import Finding, Level
from models.settings import MonitorSettings
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

PIPELINE = "pipeline"
SET_BACK = "the clock was set back"
_DAY = 86_400.0
_BUSY = 0.5  # share of the declared days that a stage may take before it is said that it will not keep up


def note_stage(paths: Paths, name: str, seconds: float, now: datetime | None = None) -> None:
    """Remember that a stage, or the command ``retrain``, ended now."""
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    write_json(paths.ran, read_stage_times(paths) | {name: {"at": at, "seconds": round(seconds, 2)}})


def read_stage_times(paths: Paths) -> dict[str, Any]:
    """By stage ``at`` and ``seconds``; empty where nothing was noted yet, or the file is damaged."""
    try:
        found = read_json(paths.ran) if paths.ran.exists() else {}
    except DataError:
        return {}
    return found if isinstance(found, dict) else {}


def read_seconds(paths: Paths) -> dict[str, float]:
    """Seconds each stage took when it last ran; empty where nothing was noted yet, or the file is damaged."""
    try:
        found = read_json(paths.seconds) if paths.seconds.exists() else {}
    except DataError:
        return {}
    known = found if isinstance(found, dict) else {}
    return {name: float(taken) for name, taken in known.items() if isinstance(taken, int | float)}


def judge_stage_times(paths: Paths, settings: MonitorSettings, now: datetime | None = None) -> Finding | None:
    """Whether every stage ran as often as ``stage_days`` declares; None where nothing is declared."""
    if not settings.stage_days:
        return None
    ran, moment = read_stage_times(paths), now or datetime.now(UTC)
    judged = {name: _judge(name, days, ran, moment) for name, days in settings.stage_days.items()}
    late = [name for name, (level, _) in judged.items() if level == Level.ACT]
    slow = any(level == Level.WATCH and SET_BACK not in text for level, text in judged.values())
    worst = next(
        (one for one in (Level.ACT, Level.WATCH) if any(level == one for level, _ in judged.values())), Level.OK
    )
    remedy = {
        Level.ACT: "Look why the scheduler did not start it, or how it ended; then run "
        + ", ".join(f"'leadscore {name}'" for name in late)
        + ".",
        Level.WATCH: "Give it a larger machine or another engine (docs/scaling.md), or declare fewer runs."
        if slow
        else "Set the clock; until then nobody can tell whether the stage ran as often as declared.",
    }.get(worst, "")
    told = [text for level, text in judged.values() if worst == Level.OK or level != Level.OK]
    return Finding(PIPELINE, worst, "; ".join(told) + ".", remedy)


def _judge(name: str, days: float, ran: Mapping[str, Any], now: datetime) -> tuple[Level, str]:
    """One stage: how grave, and in words."""
    try:
        at, seconds = datetime.fromisoformat(ran[name]["at"]), float(ran[name]["seconds"])
    except (KeyError, TypeError, ValueError):
        others = ", ".join(sorted(ran)) or "none"
        return Level.ACT, f"{name} has not run here since runs are noted (noted are: {others})"
    ago = (now - at).total_seconds() / _DAY
    told = f"{name} last ended {ago:.1f} days ago ({at:%Y-%m-%d %H:%M} UTC, {seconds:.0f} s; every {days:g} declared)"
    if ago < 0:
        return Level.WATCH, f"{name} ended at {at:%Y-%m-%d %H:%M} UTC, which is yet to come: {SET_BACK}"
    if ago > days:
        return Level.ACT, told
    if seconds > _BUSY * days * _DAY:
        return Level.WATCH, f"{told}, and takes {seconds / _DAY:.1f} days: it will not keep up"
    return Level.OK, told
