"""The monitor says which stage did not run as often as declared, and which will not keep up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.judging.drift.monitor_findings import Level
from models.settings import MonitorSettings
from pipelines.feeds.stage_times import judge_stage_times, note_stage, read_seconds
from pipelines.workspace.paths import Paths

NOW = datetime(2026, 6, 29, 5, tzinfo=UTC)
DAILY = MonitorSettings(stage_days={"ingest": 1, "retrain": 31})


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path, "s")
    found.root.mkdir()
    note_stage(found, "ingest", 40, NOW - timedelta(hours=23))
    note_stage(found, "retrain", 900, NOW - timedelta(days=30))
    return found


def test_stages_that_ran_in_time_are_listed_with_when_and_how_long(paths: Paths) -> None:
    found = judge_stage_times(paths, DAILY, NOW)
    assert found is not None and found.level == Level.OK
    assert "ingest last ended 1.0 days ago (2026-06-28 06:00 UTC, 40 s; every 1 declared)" in found.sentence
    assert "retrain last ended 30.0 days ago" in found.sentence
    assert judge_stage_times(paths, MonitorSettings(), NOW) is None, "nothing is declared"


def test_a_stage_that_is_overdue_or_never_ran_calls_for_action(paths: Paths) -> None:
    found = judge_stage_times(paths, DAILY, NOW + timedelta(hours=1.1))
    assert found is not None and (found.check, found.level) == ("pipeline", Level.ACT)
    assert "ingest last ended" in found.sentence and "retrain last" not in found.sentence
    assert "'leadscore ingest'" in found.next and "scheduler" in found.next
    never = judge_stage_times(paths, MonitorSettings(stage_days={"score": 1}), NOW)
    assert never is not None and never.level == Level.ACT
    assert "score has not run here since runs are noted (noted are: ingest, retrain)" in never.sentence


def test_a_stage_that_takes_half_of_its_time_is_to_be_watched(paths: Paths) -> None:
    note_stage(paths, "ingest", 13 * 3600, NOW)
    found = judge_stage_times(paths, DAILY, NOW)
    assert found is not None and found.level == Level.WATCH and "takes 0.5 days: it will not keep up" in found.sentence
    assert "larger machine" in found.next
    note_stage(paths, "ingest", 11 * 3600, NOW)
    again = judge_stage_times(paths, DAILY, NOW)
    assert again is not None and again.level == Level.OK


def test_a_clock_that_was_set_back_is_said(paths: Paths) -> None:
    found = judge_stage_times(paths, DAILY, NOW - timedelta(days=2))
    assert found is not None and found.level == Level.WATCH and "ingest ended at 2026-06-28 06:00" in found.sentence
    assert "the clock was set back" in found.sentence and "Set the clock" in found.next


def test_what_is_damaged_counts_as_never_noted(paths: Paths) -> None:
    paths.ran.write_text('{"ingest": 7}')
    found = judge_stage_times(paths, DAILY, NOW)
    assert found is not None and found.level == Level.ACT and "ingest has not run here" in found.sentence
    note_stage(paths, "ingest", 1, NOW)
    with pytest.raises(ValidationError):
        MonitorSettings(stage_days={"ingest": 0})


@pytest.mark.parametrize("text", ['{"score": 1.', "[1]", '{"score": "long"}', ""])
def test_durations_that_are_damaged_hold_nobody_up(tmp_path: Path, text: str) -> None:
    paths = Paths(tmp_path, "s")
    paths.root.mkdir()
    paths.seconds.write_text(text)
    assert read_seconds(paths) == {}
    paths.seconds.write_text('{"score": 1.5, "matrix": 2}')
    assert read_seconds(paths) == {"score": 1.5, "matrix": 2.0}
