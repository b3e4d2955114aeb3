"""Feeds of one table: what honestly comes and goes is no fault, and what is told of a fault is so."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.schema.canonical_tables import TABLES
from features.schema.load_source import load_source
from models.judging.feeds.examine_feeds import find_feed_faults, profile_tables
from models.judging.feeds.feed_fault import FaultKind
from models.judging.feeds.feed_pace import find_odd_volumes
from models.judging.feeds.value_breaks import find_value_breaks
from models.judging.feeds.watched_table import WatchedColumn, WatchedTable
from pipelines.workspace.find_declarations import find_source
from pipelines.workspace.table_files import empty_table

DAY = 86_400_000_000  # microseconds
START = 20_000 * DAY


def watched(clock: np.ndarray, column: str, values: Any, feed: np.ndarray | None = None, **more: Any) -> WatchedTable:
    """A table with one column of categories; feeds are named by ``feed``, if there are any."""
    codes, names = (np.zeros(len(clock)), [""]) if feed is None else pd.factorize(feed, sort=True)
    return WatchedTable(
        name="activities",
        frame=pd.DataFrame({column: pd.Series(values, dtype="str"), **more}),
        clock=clock.astype(np.int64),
        happened=None,
        feed=codes.astype(np.int64),
        feeds=tuple(names),
        columns=(WatchedColumn(column, "category"),),
    )


def papers(days: int, each: int = 20) -> WatchedTable:
    """Six white papers at any time, each for half a year: one is replaced every 30 days."""
    rng = np.random.default_rng(0)
    day = np.repeat(np.arange(days), each)
    asset = [f"paper_{one // 30 + rng.integers(0, 6)}" for one in day]
    return watched(np.sort(START + day * DAY + rng.integers(0, DAY, len(day))), "asset", asset)


@pytest.mark.parametrize("after", [14, 56, 91, 150])
def test_values_that_come_and_go_add_up_over_the_time_since_the_training(after: int) -> None:
    trained = START + 540 * DAY
    now = trained + after * DAY
    table = papers(720)
    assert find_value_breaks(table.take(table.clock < now), now, trained) == []


@pytest.mark.parametrize("after", [14, 91, 150])
@pytest.mark.parametrize("before", [60, 540])
def test_renamed_values_are_found_however_long_ago_the_training_was(after: int, before: int) -> None:
    trained, now = START + before * DAY, START + (before + after) * DAY
    rng = np.random.default_rng(0)
    day = np.repeat(np.arange(before + after), 20)
    source = np.array(["web", "fair", "phone"], dtype=object)[rng.integers(0, 3, len(day))]
    source[(day >= before + after - 7) & (source == "web")] = "Website"
    table = watched(START + day * DAY + DAY // 2, "source", source)
    (found,) = find_value_breaks(table, now, trained)
    assert found.kind is FaultKind.VALUES and "'Website'" in found.sentence and "'web' no longer come" in found.sentence


def few_at_first(days: int) -> tuple[np.ndarray, np.ndarray]:
    """Days and sources of six rows a day: a quarter from the web, the rest from eleven fairs."""
    rng = np.random.default_rng(0)
    day = np.repeat(np.arange(days), 6)
    names = np.array(["web", *(f"fair {k}" for k in range(11))], dtype=object)
    return day, names[rng.choice(12, len(day), p=[0.23, *[0.07] * 11])]


def test_renamed_values_are_found_where_the_training_was_half_of_the_history_ago() -> None:
    days, trained = 49 * 7 + 1, 19 * 7 + 1
    day, source = few_at_first(days)
    clock, now, anchor = START + day * DAY + DAY // 2, START + days * DAY, START + trained * DAY
    assert find_value_breaks(watched(clock, "source", source), now, anchor) == []
    source[(day >= days - 7) & (source == "web")] = "Website"
    (found,) = find_value_breaks(watched(clock, "source", source), now, anchor)
    assert found.kind is FaultKind.VALUES and "never came before ('Website')" in found.sentence


def grown(share: float, since: int, weeks_a_value: float | None) -> tuple[np.ndarray, np.ndarray, int]:
    """Days and values of a table that ``share`` of its rows joined in the twelfth week, the last before the training.

    Of eight values the oldest is replaced every so many weeks; None: they stay. Also returns the day of the training.
    """
    rng, quiet = np.random.default_rng(0), 30
    rush = int(share / (1 - share) * quiet * 11)
    week = np.repeat(np.arange(12 + since), [quiet] * 11 + [rush] * (1 + since))
    value = rng.integers(0, 8, len(week)) + (0 if weeks_a_value is None else (week / weeks_a_value).astype(int))
    return week * 7 + rng.integers(0, 7, len(week)), value, 12 * 7


@pytest.mark.parametrize("since", [1, 4, 8])
@pytest.mark.parametrize("share", [0.45, 0.6, 0.9])
def test_values_are_judged_where_most_rows_came_just_before_the_training(share: float, since: int) -> None:
    for weeks_a_value, renamed in ((None, True), (None, False), (3.3, False)):
        day, value, trained = grown(share, since, weeks_a_value)
        names = np.array([f"v{one}" for one in value], dtype=object)
        if renamed:
            names[(day >= (11 + since) * 7) & (value < 2)] = "Website"
        order = np.argsort(day, kind="stable")
        table = watched(START + day[order] * DAY + DAY // 2, "source", names[order])
        found = find_value_breaks(table, START + (12 + since) * 7 * DAY, START + trained * DAY)
        assert [one.kind for one in found] == [FaultKind.VALUES] * renamed


@pytest.mark.parametrize(
    "counts", [[400] * 8, [400, 400, 100, 60, 50, 40, 40, 40], [400, 2000, *[40] * 6], [800, 400, 200, 100, 50, 25]]
)
def test_values_are_judged_in_a_table_that_grows_fast(counts: list[int]) -> None:
    """Rows of each week, the newest first; whatever share of them the week before has."""
    week = np.repeat(np.arange(len(counts)), counts[::-1])
    clock = START + (week * 7 + np.arange(len(week)) % 7) * DAY
    order, now = np.argsort(clock, kind="stable"), START + len(counts) * 7 * DAY
    channel = np.array(["email", "web"], dtype=object)[np.random.default_rng(0).integers(0, 2, len(week))]
    renamed = np.where(week == week.max(), np.where(channel == "web", "Web site", "E-Mail"), channel)
    taken = np.where(week == week.max(), "web", channel)
    for values, said in ((channel, []), (renamed, ["never came before"]), (taken, ["'web' in 100% of the rows"])):
        found = find_value_breaks(watched(clock[order], "channel", values[order]), now, None)
        assert len(found) == len(said) and all(part in found[0].sentence for part in said)


def test_a_value_in_the_place_of_others_is_found_where_the_training_was_half_of_the_history_ago() -> None:
    days, trained = 49 * 7 + 1, 19 * 7 + 1
    day, source = few_at_first(days)
    source[(day >= days - 7) & (day % 5 > 0)] = "web"
    table = watched(START + day * DAY + DAY // 2, "source", source)
    (found,) = find_value_breaks(table, START + days * DAY, START + trained * DAY)
    assert "'web' in " in found.sentence


@pytest.mark.parametrize("weeks", [10, 19, 24, 30])
def test_values_that_come_and_go_are_no_fault_where_rows_do_not_reach_back_as_far_as_the_training(weeks: int) -> None:
    table = papers(49 * 7 + 1)
    now = START + (49 * 7 + 1) * DAY
    assert find_value_breaks(table, now, now - weeks * 7 * DAY) == []


def staged(stages: Any, reasons: Any = None) -> dict[str, pd.DataFrame]:
    """Tables of nothing but changes of stage, four a day."""
    moment = pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(len(stages)) * 6, unit="h"))
    rows = empty_table(TABLES["stages"]).reindex(range(len(stages)))
    lead = pd.Series([f"l{k}" for k in range(len(stages))], dtype="str")
    values = {"lead_id": lead, "entered_at": moment, "known_at": moment, "stage": pd.Series(stages, dtype="str")}
    if reasons is not None:
        values["reason"] = pd.Series(reasons, dtype="str")
    return {name: empty_table(table) for name, table in TABLES.items()} | {"stages": rows.assign(**values)}


def rewritten(before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame]) -> list[str]:
    """What is told of a history that was one thing at the training and is another now."""
    source, at = load_source(find_source("demo")), pd.Timestamp("2025-04-15")
    return [one.sentence for one in find_feed_faults(after, source, at, profile_tables(before, source, at))]


@pytest.mark.parametrize(("left", "told"), [(19, []), (15, []), (9, ["11 of 20 rows"]), (0, ["20 of 20 rows"])])
def test_of_a_small_feed_as_many_rows_are_gone_as_are(left: int, told: list[str]) -> None:
    stages = np.array(["mql"] * 400, dtype=object)
    small = np.arange(0, 400, 20)
    stages[small] = "recycled"
    corrected = stages.copy()
    corrected[small[: 20 - left]] = "mql"
    found = rewritten(staged(stages), staged(corrected))
    assert [one.split(": ")[1].split(" that")[0] for one in found] == told


@pytest.mark.parametrize("filled", [10, 20, 30])
def test_one_reason_corrected_among_few_is_no_rewritten_past(filled: int) -> None:
    reasons = np.array([None] * 400, dtype=object)
    reasons[: 10 * filled : 10] = ["budget", "budget", "timing", "timing", "rival"] * (filled // 5)
    corrected = reasons.copy()
    corrected[0:30:10] = "timing"
    added = reasons.copy()
    added[395] = "budget"
    before = staged(["mql"] * 400, reasons)
    assert [rewritten(before, staged(["mql"] * 400, now)) for now in (corrected, added)] == [[], []]


def test_a_default_that_took_the_place_of_reasons_or_of_gaps_is_told_as_a_share_of_all_rows() -> None:
    reasons = np.array([None, "budget", "timing", "rival"] * 100, dtype=object)
    replaced = np.where(pd.isna(reasons), reasons, "budget")
    filled = np.where(pd.isna(reasons), "budget", reasons)
    before = staged(["mql"] * 400, reasons)
    told = [rewritten(before, staged(["mql"] * 400, now)) for now in (replaced, filled)]
    assert told == [
        ["stages.reason: 'budget' in 75% of the rows, 25% before."],
        ["stages.reason: 'budget' in 50% of the rows, 25% before."],
    ]


def opened(twice_from: int = 700) -> WatchedTable:
    """Three mails opened a day, dated by day; a fifth of the rows are the same lead again. From a day on all twice."""
    rng = np.random.default_rng(3)
    day = np.sort(rng.integers(0, 700, 2100))
    lead = np.array([f"l{k}" for k in range(len(day))], dtype=object)
    for k in np.flatnonzero((rng.random(len(day)) < 0.25) & (np.diff(day, prepend=-1) == 0)):
        lead[k] = lead[k - 1]
    rows = np.repeat(np.arange(len(day)), 1 + (day >= twice_from))
    table = watched(START + (day[rows] + 1) * DAY - 1, "asset", [None] * len(rows), lead_id=lead[rows])
    return replace(table, happened=START + day[rows] * DAY)


def test_a_fortnight_with_more_second_opens_than_most_is_no_second_load() -> None:
    table = opened()
    weeks = [START + (700 - 7 * week) * DAY for week in range(60)]
    assert [find_odd_volumes(table.take(table.clock < now), now) for now in weeks] == [[]] * 60


def test_a_load_that_comes_twice_is_found_where_some_rows_repeat_others_anyway() -> None:
    (found,) = find_odd_volumes(opened(twice_from=686), START + 700 * DAY)
    assert "of the rows of the last two weeks repeat another one" in found.sentence
