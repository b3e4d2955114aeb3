"""The report as a file: complete, self-contained, true to the summary, and silent about persons."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from features.schema.vocabulary import Stage
from models.judging.handoff.policy_names import policy_label
from models.judging.handoff.population import population_of
from pipelines.artifacts.audit_record import FindingRecord
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.final_block import load_test_block
from pipelines.artifacts.score_record import ScoreRecord
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.cli.run import worklist_text
from pipelines.report.charts.run_charts import charts_of
from pipelines.report.page import render
from pipelines.report.summary_json import summarise
from pipelines.stages.evaluate import run_evaluate
from pipelines.workspace.atomic_files import read_json, read_parquet, write_json
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables
from tests.reference.tiny_run import TinyRun

SECTIONS = (
    *("verdict", "data", "audit", "candidates", "test", "compare", "capacity", "rules", "scorecard", "lifecycle"),
    *(
        "qualification",
        "profile",
        "accounts",
        "worklist",
        "cards",
        "drivers",
        "engagement",
        "features",
        "limits",
        "run",
    ),
)


@pytest.fixture(scope="module")
def page(tiny_demo: TinyRun) -> str:
    return tiny_demo.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def words(page: str) -> str:
    """What a reader sees: no scripts, no styles, no tags."""
    text = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("&#39;", "'")


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_there_and_reachable(page: str, section: str) -> None:
    assert f'id="{section}"' in page
    assert section == "verdict" or f'href="#{section}"' in page


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    without_plotly = re.sub(r"<script>/\*.*?</script>", "", page, count=1, flags=re.DOTALL)
    assert len(without_plotly) < len(page) / 2, "plotly's script is inside"
    loads = re.findall(r"<(?:script|img|iframe|link)[^>]+(?:src|href)=\"([^\"]*)\"", without_plotly)
    assert set(loads) <= {"data:,"}
    assert "@import" not in without_plotly and not re.search(r"url\(\s*['\"]?http", without_plotly)


def test_it_begins_with_the_verdict_and_says_synthetic(tiny_demo: TinyRun, words: str) -> None:
    summary = tiny_demo.summary
    assert words.index("Synthetic data") < words.index(summary["verdict_text"]) < words.index("Base rate")
    comparison = read_json(tiny_demo.context.paths.thresholds / "comparison.json")
    assert comparison["sentences"][0] in words
    assert words.index(comparison["sentences"][0]) < words.index("Every row read is kept")


def test_its_figures_are_the_summary_s(tiny_demo: TinyRun, words: str) -> None:
    summary = tiny_demo.summary
    for row in summary["rows"].values():
        assert f"{row['read']:,}" in words
    for name, row in summary["test"].items():
        assert f"{name} {row['auc']:.3f}" in words
    for row in summary["candidates"]:
        assert f"{row['name']} {row['cv_log_loss']:.4f}" in words
    for row in summary["thresholds"]:
        assert policy_label(row["policy"]) in words
    assert summary["bundle"]["hash"] in words


def test_every_chart_is_on_the_page_with_its_figures(tiny_demo: TinyRun, page: str, words: str) -> None:
    drawn = charts_of(tiny_demo.context)
    specs = json.loads(re.search(r'<script type="application/json" id="charts">(.*?)</script>', page, re.DOTALL)[1])
    assert set(specs) == {chart.name for chart in drawn} and len(drawn) >= 10
    for chart in drawn:
        assert f'data-chart="{chart.name}"' in page
        assert chart.title in words and chart.n in words


def test_shown_cards_add_up(tiny_demo: TinyRun) -> None:
    for card in read_json(tiny_demo.context.paths.score / "cards.json"):
        bars = [card["points_base"], card["points_clip"], *(row["points"] for row in card["criteria"])]
        assert 50 + sum(bars) == card["score"]


def test_no_person_is_in_it(tiny_demo: TinyRun, page: str) -> None:
    leads = read_parquet(tiny_demo.context.paths.ingest / "leads.parquet")
    raw = pd.read_csv(tiny_demo.context.paths.raw / "leads.csv", dtype=str)
    for column in ("Email", "Phone", "Full Name"):
        shown = [value for value in raw[column].dropna().unique() if value in page]
        assert shown == [], column
    assert len(leads)


def test_features_are_documented(tiny_demo: TinyRun, words: str) -> None:
    catalog = read_json(tiny_demo.context.paths.matrix / "matrix.json")["catalog"]
    for feature in catalog:
        assert feature["name"] in words


def test_activities_say_what_the_bot_filter_changes_and_how_long_a_kind_tells(tiny_demo: TinyRun, words: str) -> None:
    paths = tiny_demo.context.paths
    bots, lives = read_json(paths.score / "bots.json"), read_json(paths.matrix / "half_lives.json")
    assert bots["sentence"] in words
    assert sum(kind["removed"] for kind in bots["kinds"]) > 100
    scores = read_parquet(paths.score / "worklist.parquet").set_index("lead_id")["score"]
    assert all(row["score"] == scores[row["lead_id"]] != row["unfiltered"] for row in bots["leads"])
    assert {row["kind"] for row in lives} == set(tiny_demo.context.source.activity_kinds)
    assert all(row["low"] <= row["learned"] <= row["high"] and row["used"] == row["declared"] for row in lives)


def test_merged_leads_are_told(tiny_demo: TinyRun, words: str) -> None:
    found = read_json(tiny_demo.context.paths.ingest / "counts.json")["identity"]
    assert found["merged_leads"] > 5 and found["matched_to_accounts"] > 5
    assert f"{found['merged_leads']} leads were the same person as another one and are merged" in words


def test_the_policy_is_drawn_and_every_lead_counted_once(tiny_demo: TinyRun, words: str) -> None:
    record = read_json(tiny_demo.context.paths.score / "qualification.json")
    worklist = read_parquet(tiny_demo.context.paths.score / "worklist.parquet")
    assert sum(row["leads"] for row in record["states"]) == len(worklist) == sum(record["temperature"].values())
    for rule in tiny_demo.context.policy.rules:
        assert f"rule: {rule.id.replace('_', ' ')}" in words
    assert record["flicker"] in words
    assert [week["version"] for week in record["weeks"]] == ["1"] * 4 + ["2"] * 5, "each week under its own version"
    assert set(worklist["state_kept"]) <= {"lead", "iql", "mql", "pql", "sal", "sql"}
    assert (worklist["near_lacks"] != "").eq(worklist["near_state"] != "").all()


def test_accounts_and_the_profile_are_told_as_they_were_written(tiny_demo: TinyRun, words: str) -> None:
    paths = tiny_demo.context.paths
    rolled, shown = read_parquet(paths.score / "accounts.parquet"), read_json(paths.score / "accounts.json")
    assert shown["customers"] == int(rolled["is_customer"].sum()) and shown["accounts"] == len(rolled)
    assert rolled["best_score"].is_monotonic_decreasing
    assert all(row["company"].replace("&", "&amp;") in words for row in shown["rows"])
    declared = read_json(paths.thresholds / "profile.json")["declared"]
    ideal = next(row for row in declared if row["value"] == "all of it")
    assert f"{ideal['leads']:,}" in words and "Of 3 parts of the declared ideal customer" in words


def test_the_scorecard_is_shown_and_proposed_whoever_won(tiny_demo: TinyRun, words: str) -> None:
    from features.rubric.load import load_rubric

    paths = tiny_demo.context.paths
    card = read_json(paths.train / "scorecard.json")
    for feature in card["features"]:
        assert feature["label"] in words
    assert f"Rounding to whole points costs {max(card['rounding_cost'], 0.0):.5f} of log loss" in words
    assert load_rubric(paths.thresholds / "proposed_rubric.yaml", tiny_demo.context.source).rules
    assert "proposed_rubric" in {row["policy"] for row in tiny_demo.summary["thresholds"]}


def _coming_handoffs(context: Context) -> tuple[int, int]:
    """Leads not yet with sales that were handed off within the week after a look, and how many of them were won."""
    tables, block = load_tables(context.paths), load_test_block(context.paths)
    kept = population_of(context.source, tables, block.matrix.keys, block.matrix.label).kept
    entered = tables["stages"].loc[lambda rows: rows["stage"] == "sql", ["lead_id", "known_at"]]
    looks = block.matrix.keys.assign(label=block.matrix.label)[kept].merge(entered, on="lead_id")
    waited = looks["known_at"] - looks["as_of"]
    came = looks[(waited >= pd.Timedelta(0)) & (waited < pd.Timedelta(days=7))]
    first = came.sort_values("as_of").drop_duplicates(["lead_id", "episode"])
    return len(first), int(first["label"].sum())


def _text_of(context: Context, found: SummaryRecord) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", render(context, found)))


def test_handoffs_that_happened_stand_beside_the_candidates(tiny_copy: TinyRun) -> None:
    source = tiny_copy.context.source.model_copy(update={"actual_handoff": Stage.SQL})
    context = replace(tiny_copy.context, source=source)
    run_evaluate(context)
    found = summarise(context, {})
    row = found.recorded["actual_handoff"]
    handoffs, wins = _coming_handoffs(context)
    assert (row["handoffs_at_capacity"], row["wins_at_capacity"]) == (handoffs, wins), "as they came, none by hash"
    assert row["n"] == found.test["rate"]["n"] and row["wins_at_capacity"] <= row["won"]
    assert "actual_handoff" not in found.test and "log_loss" not in row
    text = _text_of(context, found)
    assert handoffs > 0 and f"{handoffs} came, and wins at capacity are theirs" in text
    assert (
        f"{policy_label('actual_handoff')} {row['auc']:.3f}" in text
        and "What was recorded at the time is no probability" in text
    )
    assert "What was recorded at the time is no probability" not in tiny_copy.page.read_text(encoding="utf-8")


def test_a_handoff_that_came_counts_where_no_lead_of_the_block_is_with_sales_yet(tiny_copy: TinyRun) -> None:
    """As where leads leave the lists with their acceptance; every win was handed off the day after its last look."""
    source = tiny_copy.context.source.model_copy(update={"actual_handoff": Stage.SQL})
    context = replace(tiny_copy.context, source=source)
    block = load_test_block(context.paths).matrix
    looks = block.keys[block.label == 1].groupby("lead_id")["as_of"].max() + pd.Timedelta(days=1)
    stages = load_tables(context.paths)["stages"]
    early = stages[stages["stage"].isin(["lead", "iql", "mql"])]
    late = pd.DataFrame({"lead_id": looks.index, "stage": "sql", "entered_at": looks, "known_at": looks})
    changed = pd.concat([early, late.reset_index(drop=True)], ignore_index=True)
    changed = changed.astype(stages.dtypes.to_dict())
    changed.to_parquet(context.paths.ingest / "stages.parquet")

    run_evaluate(context)
    row = summarise(context, {}).recorded["actual_handoff"]
    assert (row["handoffs_at_capacity"], row["wins_at_capacity"]) == _coming_handoffs(context)


def test_every_candidate_stands_beside_the_winner_block_by_block(tiny_demo: TinyRun, words: str) -> None:
    backtest = read_json(tiny_demo.context.paths.backtest / "backtest.json")
    blocks = backtest["by_block"]
    assert [record["block"] for record in blocks] == [*(fold["name"] for fold in backtest["folds"]), "all blocks"]
    for record in blocks:
        assert {row["name"] for row in record["candidates"]} == {row["name"] for row in backtest["candidates"]}
        for row in record["candidates"]:
            if row["name"] != backtest["winner"]:
                low, high = row["above_winner_ci"]
                assert f"{row['above_winner']:+.4f} {low:+.4f} to {high:+.4f}" in words
                assert f"{row['wins_at_capacity']} ({row['wins_above_winner']:+d})" in words
    assert backtest["random_gap"]["sentence"] in words


def test_calibration_is_there_as_a_table_and_the_brier_score_adds_up(tiny_demo: TinyRun, words: str) -> None:
    evaluation = read_json(tiny_demo.context.paths.evaluate / "evaluation.json")
    for row in evaluation["reliability"]:
        low, high = row["ci"]
        assert low <= row["observed"] <= high
        assert f"{row['observed']:.1%} {low:.1%} to {high:.1%}" in words
    parts = evaluation["brier"]
    known = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within"]
    assert parts["brier"] == pytest.approx(known, abs=1e-12)
    comparison = read_json(tiny_demo.context.paths.thresholds / "comparison.json")
    for row in comparison["calibration_by_segment"]:
        assert f"{row['ece']:.3f} {row['ece_ci'][0]:.3f} to {row['ece_ci'][1]:.3f}" in words


def test_what_reading_the_files_found_out_is_told(tiny_demo: TinyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    read = CountsRecord.read
    notes = ("warning: leads: rows of 2 ids contradict each other.", "leads: a note that asks for nothing.")
    monkeypatch.setattr(
        CountsRecord, "read", classmethod(lambda cls, paths: read(paths).model_copy(update={"notes": notes}))
    )
    page = render(tiny_demo.context, SummaryRecord.read(tiny_demo.context.paths))
    assert "<b>Warning:</b> leads: rows of 2 ids contradict each other." in page
    assert "<li>leads: a note that asks for nothing.</li>" in page


def test_rows_of_people_accepted_leaks_and_silenced_leads_are_told_as_such(tiny_copy: TinyRun) -> None:
    context, found = tiny_copy.context, tiny_copy.summary_record
    leads = found.rows["leads"].model_copy(update={"people": {"retention": 7, "consent": 2}})
    leak = {"column": "x", "code": "AUD01", "severity": "leak", "message": "Told.", "accepted": "known at once"}
    accepted = FindingRecord.of(leak)
    scored = ScoreRecord.read(context.paths)
    scored.model_copy(update={"silenced": 3}).write(context.paths.score)
    changed = found.model_copy(update={"rows": found.rows | {"leads": leads}, "audit": (accepted,)})
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", render(context, changed)))
    assert "left out for the sake of somebody it speaks of, or in quarantine; none is lost." in text
    assert "7 past their retention, 2 without consent to their channel" in text
    assert "1 accepted leak." in text and "1 leak." not in text
    assert f"{scored.leads - 3:,} open leads, best first." in text
    assert f"Worklist: {scored.leads - 3:,} open leads" in worklist_text(ScoreRecord.read(context.paths), context.paths)


def test_what_a_rubric_misses_is_listed_though_its_points_follow_no_outcome(tiny_copy: TinyRun) -> None:
    file = tiny_copy.context.paths.thresholds / "comparison.json"
    found = read_json(file)
    rule = {"feature": "lead_age", "label": "lead age", "condition": "at least 11", "leads": 30.0, "log_odds": -0.7}
    found["repair"] |= {"missing": [{**rule, "low": -1.1, "high": -0.2, "points": None}], "points_per_log_odds": None}
    write_json(file, found)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", render(tiny_copy.context, tiny_copy.summary_record)))
    assert "lead age at least 11 30 - -0.70" in text
