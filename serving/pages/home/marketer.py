"""Marketing's home: this week's handoffs against plan and rubric, and which rules outcomes contradict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.errors import LeadScoreError
from features.schema.vocabulary import LeadList
from models.explaining.language import Language
from pipelines.artifacts.comparison_record import RuleRow
from pipelines.report.marketing_section import BAD_RULES, follows_outcomes
from serving.leads.feedback import find_hidden_leads, find_overrides, find_unlisted_leads, pins_of
from serving.lists.team_queues import count_open
from serving.pages.charts.columns import ColumnChart, build_columns, volume_figures
from serving.pages.charts.sparkline import build_sparkline
from serving.pages.home.lead_lines import describe_leads
from serving.pages.home.parts import PlainNote, Tile, join_sentences, of_all_owners
from serving.pages.home.shared_tiles import sent_tile, wins_tile
from serving.pages.written_values import write_count, write_percent
from serving.results.goals_and_programmes import read_goals
from serving.results.lifecycle_now import lifecycle_now
from serving.results.run_results import read_comparison, why_points
from serving.results.trends_beside import begin_weekly_trends
from serving.state.app_state import AppState
from serving.state.worklist.worklist_query import WorklistQuery

_ROWS, _QUARTERS, _RULES = 8, 8, 6
_ORDER = ("wrong way", "worth nothing", "too many points", "too few points")


@dataclass(frozen=True, kw_only=True)
class MarketerHome:
    """What the page prints; ``ready`` are leads to hand off now, ``by_rubric`` how many of them the rubric would."""

    lede: str
    tiles: tuple[Tile, ...]
    ready: Sequence[dict[str, Any]]
    ready_total: int
    by_rubric: int | None
    volumes: ColumnChart | None
    volume_rows: Sequence[Mapping[str, Any]]
    volumes_lede: str
    rules: Sequence[RuleRow]
    rules_lede: str
    notes: tuple[PlainNote, ...]
    counting: bool
    scoped: bool
    counted_at: datetime | None


def build_marketer_home(app_state: AppState, owner: str | None, language: Language) -> MarketerHome:
    """Everything on the page."""
    state = app_state.loaded
    trends = begin_weekly_trends(app_state, find_hidden_leads(app_state.store, app_state.loaded.data))
    query = WorklistQuery(
        owner=owner,
        lead_list=str(LeadList.TO_HAND_OFF),
        size=_ROWS,
        hidden=find_unlisted_leads(app_state.store, state),
        pins=pins_of(find_overrides(app_state.store), state.model),
    )
    page = state.worklist.page(query)
    rows = describe_leads(app_state, page.rows, language)
    by_rubric = sum(bool(row.get("manual_handoff")) for row in rows) if state.worklist.rows.has_points else None

    volumes, goals, notes, counted_at = _plan(app_state, language)
    tiles = (
        of_all_owners(sent_tile(language, trends), owner),
        *(of_all_owners(tile, owner) for tile in _goal_tiles(language, goals)),
        of_all_owners(wins_tile(app_state, language), owner),
        _disagree_tile(app_state, owner, language),
    )
    worth = _worth(app_state)
    rules = _rules(worth)
    return MarketerHome(
        lede=_lede(language, page.total, by_rubric, len(rows), why_points(app_state)),
        tiles=tuple(tile for tile in tiles if tile is not None)[:5],
        ready=rows,
        ready_total=page.total,
        by_rubric=by_rubric,
        volumes=build_columns(volume_figures(volumes)),
        volume_rows=volumes,
        volumes_lede=_volumes_lede(language, volumes),
        rules=rules[:_RULES],
        rules_lede=_rules_lede(language, rules, follows=follows_outcomes(worth)),
        notes=notes,
        counting=trends.underway,
        scoped=owner is not None,
        counted_at=counted_at,
    )


def _plan(
    app_state: AppState, language: Language
) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]], tuple[PlainNote, ...], datetime | None]:
    """Volumes and goals per quarter, and when they were counted where not now; without stages nothing, and a note."""
    try:
        now = lifecycle_now(app_state)
        volumes = list(now.record["volumes"])[-_QUARTERS:]
        if volumes:
            return volumes, read_goals(now.found), (), now.counted_at
    except LeadScoreError:
        pass
    text = language.text(
        "This source has no history of stages: what was promised and handed off cannot be counted. The rubric can be "
        "judged all the same."
    )
    return [], [], (PlainNote(text, "", "/rubric", language.text("Judge the rules")),), None


def _goal_tiles(language: Language, goals: Sequence[Mapping[str, Any]]) -> list[Tile]:
    """Marketing's goals of the newest quarter: leads delivered, and the share that sales accepted."""
    newest = goals[0]["quarter"] if goals else ""
    now = {row["goal"]: row for row in goals if row["quarter"] == newest}
    history = sorted((row for row in goals if row["goal"] == "qualified leads"), key=lambda row: str(row["quarter"]))
    tiles = []
    if (sent := now.get("qualified leads")) is not None and sent["promised"]:
        gap = round(sent["reached"] - sent["promised"])
        tiles.append(
            Tile(
                title=language.text("Delivered this quarter"),
                value=write_count(language, sent["reached"]),
                unit=language.text("of {n}", n=write_count(language, sent["promised"])),
                href="#volumes",
                foot=language.text("{n} short of the promise by now", n=write_count(language, -gap))
                if gap < 0
                else language.text("as promised by now"),
                direction=-1 if gap < 0 else 1,
                spark=build_sparkline([row["reached"] for row in history[:-1]]),
                spark_label=language.text("Leads delivered, finished quarters"),
                term="handoff",
            )
        )
    if (accepted := now.get("accepted by sales")) is not None and accepted["reached"] is not None:
        promised = accepted["promised"]
        tiles.append(
            Tile(
                title=language.text("Accepted by sales"),
                value=write_percent(language, accepted["reached"], 0),
                unit=""
                if promised is None
                else language.text("{share} promised", share=write_percent(language, promised, 0)),
                href="/team#returns",
                foot=language.text("of {n} this quarter", n=write_count(language, accepted["n"])),
                direction=None if promised is None else 1 if accepted["reached"] >= promised else -1,
                term="accept",
            )
        )
    return tiles


def _disagree_tile(app_state: AppState, owner: str | None, language: Language) -> Tile | None:
    """Leads on which points and score disagree."""
    worklist = app_state.loaded.worklist
    if not worklist.rows.has_points or app_state.loaded.model.bundle.by_points:
        return None
    hidden = find_unlisted_leads(app_state.store, app_state.loaded)
    count = worklist.page(WorklistQuery(owner=owner, disagree=True, hidden=hidden, size=1)).total
    return Tile(
        title=language.text("Points and score disagree"),
        value=write_count(language, count),
        unit=language.text("of {n}", n=write_count(language, count_open(app_state, owner))),
        href="/worklist?disagree=true",
        term="points",
    )


def _worth(app_state: AppState) -> Sequence[RuleRow]:
    """What the last run found each rule to be worth."""
    found = read_comparison(app_state)
    return () if found is None or found.repair is None else found.repair.worth


def _rules(worth: Sequence[RuleRow]) -> list[RuleRow]:
    """Rules out of line with outcomes, the worst kind first."""
    listed = [row for row in worth if row["verdict"] in _ORDER]
    return sorted(listed, key=lambda row: _ORDER.index(row["verdict"]))


def _rules_lede(language: Language, rules: Sequence[RuleRow], *, follows: bool) -> str:
    bad = sum(row["verdict"] in BAD_RULES for row in rules)
    whole = ""
    if not follows:
        whole = language.text(
            "The rubric as a whole does not follow outcomes: its points cannot be compared with what they would give."
        )
    if not rules:
        return whole or language.text("No rule is out of line with outcomes, as far as these data can tell.")
    counted = language.plural(
        "{n} rule gives points that outcomes contradict.",
        "{n} rules give points that outcomes contradict.",
        bad,
        n=write_count(language, bad),
    )
    return join_sentences((whole, counted))


def _volumes_lede(language: Language, rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows or rows[-1]["promised"] is None:
        return ""
    gap = int(rows[-1]["sent"] - rows[-1]["promised"])
    whole = write_count(language, rows[-1]["promised"])
    if gap < 0:
        return language.text(
            "{n} short of {whole} this quarter. The line is what was promised.",
            n=write_count(language, -gap),
            whole=whole,
        )
    return language.text("All {whole} of this quarter are delivered. The line is what was promised.", whole=whole)


def _lede(language: Language, ready: int, by_rubric: int | None, shown: int, reason: str) -> str:
    text = language.plural(
        "{n} lead is ready to hand off.", "{n} leads are ready to hand off.", ready, n=write_count(language, ready)
    )
    if reason or by_rubric is None or not shown:
        return text
    more = language.text(
        "Of the first {shown} the rubric would hand off {n}.",
        shown=write_count(language, shown),
        n=write_count(language, by_rubric),
    )
    return join_sentences((text, more))
