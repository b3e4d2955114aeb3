"""Every planted fault of a feed is named with its table, from its first weeks on; nothing is named where nothing is."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.array_types import Tables
from features.errors import ExitStatus
from features.schema.people.privacy import Privacy
from features.schema.source import Source
from models.judging.feeds.examine_feeds import find_feed_faults, profile_tables
from models.settings import MonitorSettings
from pipelines.diagnostics.monitor import monitor
from pipelines.feeds.bot_share import judge_bots
from pipelines.feeds.feed_findings import judge_data_age, judge_feeds, judge_leaks
from pipelines.feeds.feed_profiles import read_feed_profile
from pipelines.registry.champion import read_champion
from pipelines.run import run_stage
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.table_files import load_tables
from tests.reference.feed_faults import FAULTS, TABLE_OF, planted, stood_at
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]
WEEK = pd.Timedelta(days=7)
CUTOFF = pd.Timestamp("2026-06-29")
TRAINED, SINCE = CUTOFF - 26 * WEEK, CUTOFF - 10 * WEEK
LATEST = {
    "market step": 8,
    "activities 9 hours off": 4,
    "stages stopped": 2,
    "outcomes stopped": 2,
    "lead source renamed": 4,
}
LATEST |= {
    "lead source unknown": 4,
    "job titles blank": 4,
    "amount in thousands": 8,
    "amount zero": 8,
}  # weeks: 10 leads come a week


@pytest.fixture(scope="module")
def tables(tiny_demo: TinyRun) -> Tables:
    return load_tables(tiny_demo.context.paths)


@pytest.fixture(scope="module")
def source(tiny_demo: TinyRun) -> Source:
    return tiny_demo.context.source


@pytest.fixture(scope="module")
def trained(tables: Tables, source: Source) -> dict[str, Any]:
    """What the training of half a year ago knew of the tables."""
    return profile_tables(stood_at(tables, TRAINED), source, TRAINED)


@pytest.fixture(scope="module")
def trained_now(tables: Tables, source: Source) -> dict[str, Any]:
    """What a training of now knows of them."""
    return profile_tables(tables, source, CUTOFF)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_begins_is_named_with_its_table(
    fault: str, tables: Tables, source: Source, trained: dict[str, Any]
) -> None:
    now = SINCE + LATEST.get(fault, 2) * WEEK
    found = find_feed_faults(stood_at(planted(tables, fault, SINCE), now), source, now, trained)
    assert TABLE_OF.get(fault, "activities") in {one.table for one in found}
    assert all(one.sentence.startswith(one.table) and one.remedy.endswith(".") for one in found)
    assert len(found) <= 3, "what follows from a fault is not told again"


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "market step"])
def test_an_export_that_rewrites_the_past_is_named(
    fault: str, tables: Tables, source: Source, trained_now: dict[str, Any]
) -> None:
    since = CUTOFF - 8 * WEEK if "stopped" in fault else pd.Timestamp("2000-01-01")
    found = find_feed_faults(planted(tables, fault, since), source, CUTOFF, trained_now)
    assert TABLE_OF.get(fault, "activities") in {one.table for one in found}


def test_a_profile_of_an_earlier_version_has_no_zeros_to_compare(tables: Tables, source: Source) -> None:
    deals = {name: rows if name in ("leads", "outcomes") else rows[:0] for name, rows in tables.items()}
    trained = profile_tables(deals, source, CUTOFF)
    zeroed = planted(deals, "amount zero", pd.Timestamp("2000-01-01"))
    (found,) = [one for one in find_feed_faults(zeroed, source, CUTOFF, trained) if one.column == "amount"]
    share = zeroed["outcomes"]["amount"].eq(0).mean()  # of all rows, not of those with an amount
    assert share < 0.9
    assert found.sentence.startswith(f"outcomes.amount: {share:.0%} of the rows that the training knew are 0 now, 0% ")
    for column in trained["tables"]["outcomes"]["columns"] + trained["tables"]["outcomes"]["recent"]["columns"]:
        column.pop("zeros", None)
    assert all(one.column != "amount" for one in find_feed_faults(zeroed, source, CUTOFF, trained))


def test_one_value_corrected_to_zero_among_few_is_no_rewritten_past(tables: Tables, source: Source) -> None:
    outcomes = tables["outcomes"]
    filled = outcomes.index[outcomes["amount"].notna()][:4]
    few = outcomes.assign(amount=outcomes["amount"].where(outcomes.index.isin(filled)))
    deals = {name: rows if name == "leads" else rows[:0] for name, rows in tables.items()} | {"outcomes": few}
    trained = profile_tables(deals, source, CUTOFF)
    corrected = {**deals, "outcomes": few.assign(amount=few["amount"].where(few.index != filled[0], 0.0))}
    assert find_feed_faults(corrected, source, CUTOFF, trained) == []


def test_where_nothing_is_wrong_nothing_is_named(tables: Tables, source: Source, trained: dict[str, Any]) -> None:
    for week in (1, 5, 12, 20, 26):
        now = TRAINED + week * WEEK
        assert find_feed_faults(stood_at(tables, now), source, now, trained) == []
    assert find_feed_faults(tables, source, CUTOFF, None) == [], "nor without a profile of the training"


@pytest.mark.parametrize("way", ["retention", "rolling"])
def test_rows_that_went_with_their_time_are_not_missed_but_others_are(way: str, tables: Tables, source: Source) -> None:
    begins = tables["activities"]["known_at"].min()
    at = begins + 0.6 * (CUTOFF - begins)
    tables = {name: rows if name in ("leads", "activities") else rows[:0] for name, rows in tables.items()}
    trained = profile_tables(stood_at(tables, at), source, at)
    edge = CUTOFF - pd.Timedelta(days=365) if way == "retention" else begins + (CUTOFF - at)
    privacy = Privacy(retention={"activities": 365}) if way == "retention" else None
    declared = source.model_copy(update={"privacy": privacy})
    assert begins < edge < at - 8 * WEEK

    clock = tables["activities"]["known_at"]
    kept = {**tables, "activities": tables["activities"][clock >= edge]}
    found = find_feed_faults(kept, declared, CUTOFF, trained)
    assert [one.sentence for one in found if one.table == "activities"] == []

    hole = (clock >= edge) & ~clock.between(at - 5 * WEEK, at - 2 * WEEK)
    found = find_feed_faults({**tables, "activities": tables["activities"][hole]}, declared, CUTOFF, trained)
    assert any("that the training knew are gone" in one.sentence for one in found)


def test_the_profile_of_a_training_holds_no_name_of_a_person(tiny_demo: TinyRun) -> None:
    champion = read_champion(tiny_demo.context.paths)
    assert champion is not None
    kept = read_feed_profile(tiny_demo.context, champion.hash)
    assert kept is not None and set(kept["tables"]) == set(tiny_demo.context.source.tables)
    leads = load_tables(tiny_demo.context.paths)["leads"]
    text = json.dumps(kept)
    for column in ("full_name", "email", "phone", "lead_id"):
        assert not any(json.dumps(str(value)) in text for value in leads[column].dropna().head(300))


def _rewrite(run: TinyRun, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    file = run.context.paths.raw / f"{table}.csv"
    change(pd.read_csv(file, dtype=str, keep_default_na=False)).to_csv(file, index=False)
    for stage in ("ingest", "matrix"):
        run_stage(run.context, stage)


def test_the_command_ends_with_24_and_says_where_and_what_to_do(cli: Cli, tiny_copy: TinyRun) -> None:
    assert monitor(tiny_copy.context, MonitorSettings(draws=200)).verdict == "ok", "undisturbed"
    _rewrite(tiny_copy, "activities", lambda rows: rows[rows["Logged"] < "2026-04-30"])
    status, out, _ = cli("monitor", *tiny_copy.args, "--json")
    record = json.loads(out)
    found = next(one for one in record["findings"] if one["check"] == "freshness")
    assert (status, found["level"], found["place"]) == (ExitStatus.ACT, "act", "activities")
    assert "has been silent for" in found["sentence"] and "ingest again" in found["next"]
    assert record["retrain"]["verdict"] == "mend the feeds first" and "activities" in record["retrain"]["sentence"]
    assert found["sentence"] in cli("monitor", *tiny_copy.args)[1]


def test_a_column_that_begins_to_follow_the_outcome_is_a_leak(tiny_copy: TinyRun) -> None:
    won = set(pd.read_csv(tiny_copy.context.paths.raw / "outcomes.csv", dtype=str).query("Won == 'yes'")["Lead ID"])
    _rewrite(
        tiny_copy,
        "leads",
        lambda rows: rows.assign(**{"Lead Source": rows["Lead Source"].where(~rows["Lead ID"].isin(won), "customer")}),
    )
    record = monitor(tiny_copy.context, MonitorSettings(draws=200))
    found = next(one for one in record.findings if one.check == "leak")
    assert (found.level, found.place) == ("act", "lead_source")


def test_data_that_are_too_old_by_the_clock_on_the_wall(tiny_copy: TinyRun, tmp_path: Path) -> None:
    checks = {one.check: one for one in monitor(tiny_copy.context, MonitorSettings(draws=200, data_days=1)).findings}
    assert checks["data age"].level in ("act", "ok") and "1 days are declared" in checks["data age"].sentence
    assert "data age" not in {one.check for one in monitor(tiny_copy.context, MonitorSettings(draws=200)).findings}

    set_back = judge_data_age(
        tiny_copy.context, MonitorSettings(data_days=1), (CUTOFF - pd.Timedelta(days=40)).tz_localize("UTC")
    )
    assert set_back is not None and set_back.level == "watch"
    assert "The data end 40.0 days from now" in set_back.sentence and "Set the clock" in set_back.next


def test_a_matrix_that_was_built_anew_is_audited_whatever_the_clock_says(
    tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, audited = tiny_copy.context.paths, []
    monkeypatch.setattr("pipelines.feeds.feed_findings.audit", lambda *given: audited.append(given) or [])
    tomorrow = time.time() + 86_400
    os.utime(paths.audit / "audit.json", (tomorrow, tomorrow))  # written before the clock was set back
    assert judge_leaks(tiny_copy.context).level == "ok" and not audited
    values = paths.matrix / "matrix_values.parquet"
    frame = read_parquet(values)
    write_parquet(values, frame.assign(**{frame.columns[0]: 7.0}))
    assert judge_leaks(tiny_copy.context).level == "ok" and len(audited) == 1


def test_a_history_that_moved_by_hours_is_named_even_without_a_rhythm_of_the_day(
    tables: Tables, source: Source, trained_now: dict[str, Any]
) -> None:
    answers = tables["answers"]
    late = {name: answers[name] + pd.Timedelta(hours=9) for name in ("happened_at", "known_at")}
    found = find_feed_faults({**tables, "answers": answers.assign(**late)}, source, CUTOFF, trained_now)
    assert [(one.table, str(one.kind)) for one in found] == [("answers", "clock")] and "+9 hours" in found[0].sentence


def test_rows_that_come_twice_with_their_ids_are_kept_out_and_named(tiny_copy: TinyRun) -> None:
    context = tiny_copy.context
    champion = read_champion(context.paths)
    assert champion is not None
    _rewrite(tiny_copy, "activities", lambda rows: pd.concat([rows, rows]))
    found = judge_feeds(context, read_feed_profile(context, champion.hash))
    assert [(one.level, one.place) for one in found if one.check != "bots"] == [("act", "activities")]
    assert "50% of the rows read are kept out" in found[0].sentence
    untrained = judge_feeds(context, None)
    assert not [one for one in untrained if "kept out" in one.sentence], "nobody knows what is usual"


def test_a_scanner_that_begins_to_click_is_watched(tables: Tables, source: Source) -> None:
    usual = judge_bots(tables, source, CUTOFF)
    assert usual is not None and usual.level == "ok" and "scanners' clicks" in usual.sentence
    sent = tables["activities"].query("kind == 'email_sent'")
    sent = sent[sent["known_at"] >= CUTOFF - 4 * WEEK]
    at = {name: sent[name] + pd.Timedelta(seconds=2) for name in ("happened_at", "known_at")}
    clicks = sent.assign(
        kind="email_click", actor="lead", activity_id="scan " + sent["activity_id"].astype("str"), **at
    )
    more = {**tables, "activities": pd.concat([tables["activities"], clicks], ignore_index=True)}
    found = judge_bots(more, source, CUTOFF)
    assert found is not None and found.level == "watch" and found.place == "activities"
