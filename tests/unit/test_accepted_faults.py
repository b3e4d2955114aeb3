"""What was said to be right about a feed is known again, until another model is the champion; all else is not."""

from pathlib import Path

import pytest

from features.errors import DataError
from models.judging.drift.monitor_findings import FeedFinding, Finding, Level
from models.judging.feeds.feed_fault import FaultKind, FeedFault, named_values
from pipelines.artifacts.monitor_record import MonitorFinding
from pipelines.feeds.accepted_faults import accept_faults, mark_values, read_accepted, settle_accepted
from pipelines.feeds.feed_findings import finding_of
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

ONE, OTHER = "a" * 64, "b" * 64


def fault(check: str, sentence: str, place: str = "leads.lead_source") -> Finding:
    return Finding(check, Level.ACT, sentence, "Map them.", place)


def named(
    sentence: str, kind: FaultKind = FaultKind.VALUES, column: str = "lead_source", **values: list[str]
) -> Finding:
    return finding_of(
        FeedFault(
            kind=kind, table="leads", column=column, sentence=sentence, remedy="Map.", values=named_values(**values)
        )
    )


NEW = "31% of the newest rows hold values that never came before ('5112')."
NEW_VALUES = named(NEW, new=["5112", "6020"])
ENDED = fault("freshness", "webinar has been silent for 40 days.", "activities/webinar")
MORE = fault("feed volume", "activities: 900 rows in the last 28 days, about 400 were to be expected.", "activities")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path, "s")
    found.root.mkdir()
    record = [MonitorFinding.of(one.record()) for one in (NEW_VALUES, ENDED, MORE)]
    accept_faults(found, record, ONE, "marketing started a podcast")
    return found


def settled(paths: Paths, finding: Finding, champion: str = ONE) -> Finding:
    (found,) = settle_accepted([finding], read_accepted(paths, champion))
    return found


def test_the_same_fault_with_other_figures_is_watched_and_says_why(paths: Paths) -> None:
    for same in (named(NEW.replace("31%", "58%"), new=["6020", "5112"]), named(NEW, new=["6020"])):
        assert settled(paths, same).level == Level.WATCH
    later = fault(ENDED.check, ENDED.sentence.replace("40", "47"), ENDED.place)
    found = settled(paths, later)
    assert found.level == Level.WATCH and found.sentence.startswith(later.sentence)
    assert "Accepted on 20" in found.sentence and "marketing started a podcast." in found.sentence


@pytest.mark.parametrize(
    "other",
    [
        named(NEW, new=["7372"]),
        named(NEW, new=["5112", "7372"]),
        named(NEW, gone=["5112"]),
        named(NEW, new=["5112"], column="job_title"),
        named(NEW, FaultKind.EMPTIED, new=["5112"]),
        fault(ENDED.check, ENDED.sentence, "activities/webinar2"),
        MORE,
    ],
    ids=["a code", "one code more", "gone, not new", "another column", "another check", "another feed", "by figures"],
)
def test_another_fault_calls_for_action_as_before(other: Finding, paths: Paths) -> None:
    assert settled(paths, other) == other


def test_another_champion_forgets_it_and_one_that_is_back_knows_it_again(paths: Paths) -> None:
    assert settled(paths, NEW_VALUES, OTHER) == NEW_VALUES
    more = MonitorFinding.of(named(NEW, new=["7372"]).record())
    accept_faults(paths, [more], OTHER, "a new list")
    assert settled(paths, NEW_VALUES).level == Level.WATCH, "what was accepted before stays"
    accept_faults(paths, [more], ONE, "a new list")
    assert len(read_accepted(paths, ONE)) == 3 and len(read_accepted(paths, OTHER)) == 1
    both = settled(paths, named(NEW, new=["5112", "7372"]))
    assert both.level == Level.WATCH and both.sentence.endswith("a new list."), "accepted one after the other"


def test_what_was_accepted_without_its_values_is_to_be_accepted_once_more(paths: Paths) -> None:
    """Files written before values were kept know words without figures: any other code has the same."""
    entry = read_json(paths.feeds_accepted)[0]
    write_json(
        paths.feeds_accepted,
        [entry | {"words": "of the newest rows hold values that never came before (' ')", "values": []}],
    )
    told = settled(paths, NEW_VALUES)
    assert told.level == Level.ACT and told.next == NEW_VALUES.next
    assert told.sentence.startswith(NEW) and "(marketing started a podcast)" in told.sentence
    assert told.sentence.endswith("accept it once more if these are right.")
    elsewhere = named(NEW, new=["5112"], column="job_title")
    assert settled(paths, elsewhere) == elsewhere

    accept_faults(paths, [MonitorFinding.of(NEW_VALUES.record())], ONE, "a new list")
    assert settled(paths, NEW_VALUES).level == Level.WATCH


def test_marks_name_nobody_and_too_many_are_one() -> None:
    found = named("", new=["Ann Smith"])
    assert isinstance(found, FeedFinding) and "Ann" not in str(found.record())
    assert len(mark_values([str(k) for k in range(500)])) == 500
    many = [mark_values([str(k) for k in range(count)]) for count in (501, 502)]
    assert [len(one) for one in many] == [1, 1] and many[0] != many[1]


def test_a_damaged_file_is_an_error_that_says_what_to_do(paths: Paths) -> None:
    paths.feeds_accepted.write_text('[{"check": 1}]')
    with pytest.raises(DataError, match="remove it, then accept again"):
        read_accepted(paths, ONE)
