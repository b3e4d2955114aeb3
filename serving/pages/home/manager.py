"""The manager's home: what needs attention today, where leads stop, and how far the score can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from features.errors import LeadScoreError
from models.explaining.language import Language
from pipelines.diagnostics.promises_by_month import KeptPromise, promises_by_month
from pipelines.diagnostics.score_trust import trust_of
from serving.leads.feedback import find_hidden_leads
from serving.lists.team_queues import HotLeads, count_open, count_overdue, find_hot_leads, most_overdue
from serving.pages.charts.columns import ColumnChart, Figure, build_columns
from serving.pages.home.lead_lines import describe_leads
from serving.pages.home.parts import (
    PlainNote,
    Tile,
    compare_counts,
    join_sentences,
    of_all_owners,
    say_no_call,
    say_overdue,
    write_trust,
)
from serving.pages.home.shared_tiles import overdue_tile, promise_tile, sent_tile, wins_tile
from serving.pages.home.told_changes import tell_changes
from serving.pages.written_values import form_of, write_count, write_day, write_decimal, write_hours, write_percent
from serving.results.hot_weeks import HotWeeks, find_hot_weeks
from serving.results.lifecycle_now import lifecycle_now
from serving.results.recent_changes import RecentChanges
from serving.results.run_results import why_points
from serving.results.score_bands import ScoreBand, allowed_none, find_other_judged, read_evaluation, score_bands
from serving.results.trends_beside import begin_weekly_trends
from serving.state.app_state import AppState

_FIRST_TOUCH = "first touch"


@dataclass(frozen=True, kw_only=True)
class ManagerHome:
    """What the page prints; parts that this source cannot show are None or empty, and ``notes`` say why.

    ``scoped``: the page is of one owner's leads, so what is of all says so.
    """

    lede: str
    tiles: tuple[Tile, ...]
    trust: PlainNote
    notes: tuple[PlainNote, ...]
    hot: HotLeads | None
    changes: RecentChanges | None
    funnel: Sequence[Mapping[str, Any]]
    funnel_lede: str
    leak: str
    bands: ColumnChart | None
    band_rows: Sequence[ScoreBand]
    bands_lede: str
    counting: bool
    scoped: bool
    counted_at: datetime | None


def build_manager_home(app_state: AppState, owner: str | None, language: Language) -> ManagerHome:
    """Everything on the page, of one owner's leads or of all."""
    found, missing, counted_at = _lifecycle(app_state, language)
    by_points = why_points(app_state)
    trends = begin_weekly_trends(app_state, find_hidden_leads(app_state.store, app_state.loaded.data))
    hot = _hot(app_state, owner, language)
    late = count_overdue(app_state, owner) if found else None
    funnel = list(found["funnel"]) if found else []
    bands = score_bands(app_state)
    weeks = () if trends.value is None or owner is not None else trends.value.weeks
    overdue = [week.overdue for week in weeks]
    tiles = (
        _hot_tile(language, hot, find_hot_weeks(app_state) if owner is None else None),
        None if late is None else overdue_tile(language, late, count_open(app_state, owner), overdue, "/team#waiting"),
        of_all_owners(_kept_tile(language, found), owner),
        of_all_owners(sent_tile(language, trends), owner),
        of_all_owners(wins_tile(app_state, language), owner),
    )
    leak = _leak(funnel)
    return ManagerHome(
        lede=_lede(language, hot, late, most_overdue(app_state) if late and owner is None else ("", 0)),
        tiles=tuple(tile for tile in tiles if tile is not None),
        trust=write_trust(language, trust_of(found_test))
        if (found_test := read_evaluation(app_state)) and not by_points
        else no_model_note(language, by_points, find_other_judged(app_state), none_allowed=allowed_none(app_state)),
        notes=missing,
        hot=hot,
        changes=tell_changes(app_state, owner, language),
        funnel=funnel,
        funnel_lede=_funnel_lede(language, leak),
        leak="" if leak is None else str(leak["stage"]),
        bands=build_columns(_band_figures(bands)),
        band_rows=bands,
        bands_lede=_bands_lede(language, bands),
        counting=trends.underway,
        scoped=owner is not None,
        counted_at=counted_at,
    )


def no_model_note(language: Language, reason: str, judged: str = "", *, none_allowed: bool = False) -> PlainNote:
    """Where points order the list, nothing was tested, or the last run tested another bundle (``judged``) or none."""
    if reason:
        text = language.text(
            "No model scores here: the points of the rubric order the list, and nobody has tested how far they can be "
            "trusted."
        )
        return PlainNote(text, "watch", "/rubric", language.text("Judge the rules"))
    if judged:
        text = language.text(
            "The last run tested {bundle}, which it trained and which is not in use; these leads are scored by the "
            "model before it.",
            bundle=judged[:12],
        )
        return PlainNote(text, "watch", "/model", language.text("Both models"))
    if none_allowed:
        text = language.text(
            "The last run allowed no model; the model before it scores on, and was tested when it was trained."
        )
        return PlainNote(text, "watch", "/model")
    return PlainNote(
        language.text("Nobody knows yet how far the score can be trusted: no test was made."), "", "/model"
    )


def _lifecycle(
    app_state: AppState, language: Language
) -> tuple[dict[str, Any], tuple[PlainNote, ...], datetime | None]:
    """The lifecycle, and when it was counted where not now; or what its absence hides, in words."""
    try:
        now = lifecycle_now(app_state)
    except LeadScoreError:
        now = None
    if now is not None and now.record["funnel"]:
        return now.record, (), now.counted_at
    text = language.text(
        "This source has no history of stages: where leads stop, which promises were kept and who was handed off "
        "cannot be shown. Export the stage history of the CRM and load it to see them."
    )
    return {}, (PlainNote(text),), None


def _hot(app_state: AppState, owner: str | None, language: Language) -> HotLeads | None:
    """Hot leads in words; None where no activities say what reps did."""
    data = app_state.loaded.data
    if data.flat or not len(data.tables.get("activities", ())):
        return None
    found = find_hot_leads(app_state, owner)
    return replace(found, rows=describe_leads(app_state, found.rows, language))


def _lede(language: Language, hot: HotLeads | None, late: int | None, behind: tuple[str, int]) -> str:
    """Who waits for a call, who waits too long, and with whom most of these are."""
    parts = []
    if hot is not None and hot.untouched:
        parts.append(say_no_call(language, hot.untouched))
    elif hot is not None:
        parts.append(language.text("Every hot lead has had a call."))
    if late:
        parts.append(say_overdue(language, late))
    name, count = behind
    if name:
        parts.append(language.text("Most of these are with {name}: {n}.", name=name, n=write_count(language, count)))
    if late is None and not parts:
        return language.text("What can be known without stages and clocks.")
    return join_sentences(parts) or language.text("Nothing is overdue.")


def _hot_tile(language: Language, hot: HotLeads | None, weeks: HotWeeks | None) -> Tile | None:
    """``weeks`` before as they were counted then, None for one owner's leads, whose counts are not kept."""
    if hot is None:
        return None
    counts = [] if weeks is None else [*weeks.untouched, hot.untouched]
    move = compare_counts(language, counts, more_is_better=False)
    return Tile(
        title=language.text("Hot, not called yet"),
        value=write_count(language, hot.untouched),
        unit=language.text("of {n} hot", n=write_count(language, hot.total)),
        href="#untouched",
        foot=move.foot or _uncounted(language, weeks),
        direction=move.direction,
        arrow=move.arrow,
        spark=move.spark,
        spark_label=_hot_weeks_label(language, counts.count(None)),
        term="hot",
    )


def _uncounted(language: Language, weeks: HotWeeks | None) -> str:
    """Why nothing is compared."""
    if weeks is None:
        return language.text("no act of a rep on record")
    if not weeks.readable:
        return language.text("the counts of the weeks before cannot be read")
    if weeks.since is None:
        return language.text("not counted in the weeks before")
    if weeks.untouched.count(None) == len(weeks.untouched):
        return language.text("counted since {day}, no week to compare yet", day=write_day(language, weeks.since))
    return language.text("not counted a week ago")


def _hot_weeks_label(language: Language, missing: int) -> str:
    if not missing:
        return language.text("Hot leads not called, last eight weeks")
    return language.plural(
        "Hot leads not called, last eight weeks; {n} week was not counted",
        "Hot leads not called, last eight weeks; {n} weeks were not counted",
        missing,
        n=write_count(language, missing),
    )


def _kept_tile(language: Language, found: Mapping[str, Any]) -> Tile | None:
    """The promise of the first touch, else the first one there is."""
    promise = first_promise(found)
    if promise is None:
        return None
    first, hours = promise.what == _FIRST_TOUCH, promise.promised_hours
    if hours is None:
        title = language.text("First call" if first else "Next step")
    else:
        one, many = (
            ("First call within {hours} hour", "First call within {hours} hours")
            if first
            else ("Next step within {hours} hour", "Next step within {hours} hours")
        )
        title = language.plural(one, many, form_of(hours), hours=write_hours(language, hours))
    return promise_tile(language, promise, title, "/team#kept")


def first_promise(found: Mapping[str, Any]) -> KeptPromise | None:
    """The promise that managers ask for first: the first touch."""
    if not found:
        return None
    promises = promises_by_month(found["sla_by_month"], found["sla"]).last().promises
    ordered = sorted(promises, key=lambda one: one.what != _FIRST_TOUCH)
    return next(iter(ordered), None)


def _leak(funnel: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The stage that fewest go on from."""
    known = [row for row in funnel if row["went_further"] is not None]
    return min(known, key=lambda row: float(row["went_further"]), default=None) if len(known) > 1 else None


def _funnel_lede(language: Language, leak: Mapping[str, Any] | None) -> str:
    if leak is None:
        return ""
    stage = str(leak["stage"])
    name = stage.upper() if len(stage) == 3 else language.text(stage)
    text = language.text(
        "Fewest go on from {stage}: {share} do, and {n} are there now.",
        stage=name,
        share=write_percent(language, leak["went_further"], 0),
        n=write_count(language, leak["in_it_now"]),
    )
    if leak["median_days"] is None:
        return text
    days = round(leak["median_days"])
    longer = language.plural(
        "Half of those who left it had been there longer than {days} day.",
        "Half of those who left it had been there longer than {days} days.",
        days,
        days=write_count(language, days),
    )
    return join_sentences((text, longer))


def _band_figures(bands: Sequence[ScoreBand]) -> list[Figure]:
    scale = 100.0
    return [
        Figure(
            name=str(band.score),
            value=scale * band.won,
            low=None if band.low is None else scale * band.low,
            high=None if band.high is None else scale * band.high,
            strong=band is bands[-1],
        )
        for band in bands
    ]


def _bands_lede(language: Language, bands: Sequence[ScoreBand]) -> str:
    """Whether the win rate rises with the score, by its lowest and highest group."""
    if len(bands) < 2:
        return ""
    low, high = bands[0], bands[-1]
    texts = {
        "low": write_decimal(language, 100 * low.won, 0 if low.won >= 0.1 else 1),
        "high": write_decimal(language, 100 * high.won, 0 if high.won >= 0.1 else 1),
    }
    rising = low.high is not None and high.low is not None and high.low > low.high
    template = (
        "Yes: of 100 leads with the lowest scores {low} were won, of 100 with the highest {high}."
        if rising
        else "Not clearly: of 100 leads with the lowest scores {low} were won, of 100 with the highest {high}."
    )
    return language.text(template, **texts)
