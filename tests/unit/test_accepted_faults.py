"""What was said to be right about a feed is known again, until another model is the champion; all else is not."""

from pathlib import Path

import pytest

from features.errors import DataError
from models.judging.drift.monitor_findings import Finding, Level
from pipelines.artifacts.monitor_record import MonitorFinding
from pipelines.feeds.accepted_faults import accept_faults, read_accepted, settle_accepted
from pipelines.workspace.paths import Paths

ONE, OTHER = "a" * 64, "b" * 64


def fault(check: str, sentence: str, place: str = "leads.lead_source") -> Finding:
    return Finding(check, Level.ACT, sentence, "Map them.", place)


NEW_VALUES = fault("feed values", "leads.lead_source: 31% of the newest rows hold values that never came ('podcast').")
MORE = fault("feed volume", "activities: 900 rows in the last 28 days, about 400 were to be expected.", "activities")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path, "s")
    found.root.mkdir()
    record = [MonitorFinding.of(one.record()) for one in (NEW_VALUES, MORE)]
    accept_faults(found, record, ONE, "marketing started a podcast")
    return found


def settled(paths: Paths, finding: Finding, champion: str = ONE) -> Finding:
    (found,) = settle_accepted([finding], read_accepted(paths, champion))
    return found


def test_the_same_fault_with_other_figures_is_watched_and_says_why(paths: Paths) -> None:
    later = fault(NEW_VALUES.check, NEW_VALUES.sentence.replace("31%", "58%"))
    found = settled(paths, later)
    assert found.level == Level.WATCH and found.sentence.startswith(later.sentence)
    assert "Accepted on 20" in found.sentence and "marketing started a podcast." in found.sentence


@pytest.mark.parametrize(
    "other",
    [
        fault("feed values", NEW_VALUES.sentence.replace("podcast", "n/a")),
        fault("feed values", NEW_VALUES.sentence, "leads.job_title"),
        fault("emptied", NEW_VALUES.sentence),
        MORE,
    ],
    ids=["another value", "another column", "another check", "a matter of figures"],
)
def test_another_fault_calls_for_action_as_before(other: Finding, paths: Paths) -> None:
    assert settled(paths, other) == other


def test_another_champion_forgets_it_and_one_that_is_back_knows_it_again(paths: Paths) -> None:
    assert settled(paths, NEW_VALUES, OTHER) == NEW_VALUES
    accept_faults(paths, [MonitorFinding.of(fault("freshness", "webinar has been silent.").record())], ONE, "it ended")
    assert settled(paths, NEW_VALUES).level == Level.WATCH, "what was accepted before stays"
    assert len(read_accepted(paths, ONE)) == 2


def test_a_damaged_file_is_an_error_that_says_what_to_do(paths: Paths) -> None:
    paths.feeds_accepted.write_text('[{"check": 1}]')
    with pytest.raises(DataError, match="remove it, then accept again"):
        read_accepted(paths, ONE)
