"""Tiles that several pages show."""

from collections.abc import Sequence

from models.explaining.language import Language
from models.judging.handoff.policy_names import Policy
from pipelines.diagnostics.promises_by_month import KeptPromise
from pipelines.diagnostics.weekly_trends import WeeklyTrends
from serving.pages.charts.sparkline import build_sparkline
from serving.pages.home.parts import Tile, compare_counts, compare_shares, write_month
from serving.pages.written_values import write_count, write_percent
from serving.results.run_results import find_other_compared, read_comparison
from serving.state.app_state import AppState
from serving.state.result_cache import BesideResult


def overdue_tile(language: Language, late: int, open_leads: int, weeks: Sequence[int], href: str) -> Tile:
    """Leads that wait longer than promised, of how many open ones; ``weeks`` before, empty where none are known."""
    move = compare_counts(language, [*weeks[:-1], late] if weeks else [], more_is_better=False)
    return Tile(
        title=language.text("Waiting too long"),
        value=write_count(language, late),
        unit=language.text("of {n}", n=write_count(language, open_leads)),
        href=href,
        foot=move.foot,
        direction=move.direction,
        arrow=move.arrow,
        spark=move.spark,
        spark_label=language.text("Leads waiting too long, last eight weeks"),
        term="promise",
    )


def promise_tile(language: Language, promise: KeptPromise | None, title: str, href: str) -> Tile | None:
    """How often a promise was kept in its newest month, against the one before."""
    if promise is None or promise.latest is None:
        return None
    move = compare_shares(language, [None if cell is None else cell.attained for cell in promise.cells])
    return Tile(
        title=title,
        value=write_percent(language, promise.latest.attained, 0),
        unit=write_month(language, promise.latest.month),
        href=href,
        foot=move.foot,
        direction=move.direction,
        arrow=move.arrow,
        spark=move.spark,
        spark_label=language.text("Share in time, last twelve months"),
        term="promise",
    )


def sent_tile(language: Language, trends: BesideResult[WeeklyTrends]) -> Tile | None:
    """Leads sent to sales in the last seven days against the places there are."""
    if trends.problem:
        return None
    title = language.text("Handed off in a week")
    if trends.value is None:
        return Tile(title=title, value="…", foot=language.text("being counted"), term="handoff")
    weeks, places = trends.value.weeks, trends.value.places
    sent = weeks[-1].sent
    free = None if places is None else places - sent
    if free is None:
        foot, direction = "", None
    elif free >= 0:
        foot = language.plural("{n} place free", "{n} places free", free, n=write_count(language, free))
        direction = None
    else:
        foot = language.text("{n} more than places", n=write_count(language, -free))
        direction = -1
    return Tile(
        title=title,
        value=write_count(language, sent),
        unit="" if places is None else language.text("of {n}", n=write_count(language, places)),
        href="/worklist?list=to_hand_off",
        foot=foot,
        direction=direction,
        spark=build_sparkline([week.sent for week in weeks]),
        spark_label=language.text("Leads handed off a week, last eight weeks"),
        term="handoff",
    )


def wins_tile(app_state: AppState, language: Language) -> Tile | None:
    """Wins inside the model's list at capacity, beside the rubric's; named where the model is not the one in use."""
    found = read_comparison(app_state)
    rows = {} if found is None else {row["policy"]: row for row in found.policies}
    own = rows.get(Policy.MODEL_CAPACITY) or rows.get(Policy.RUBRIC_CAPACITY)
    if found is None or own is None:
        return None
    rubric = rows.get(Policy.RUBRIC_CAPACITY)
    months = [row["wins"] for row in found.by_month if row["policy"] == own["policy"]]
    foot = language.text("on past weeks")
    if rubric is not None and own is not rubric:
        foot = language.text("rubric: {n}, on past weeks", n=write_count(language, rubric["wins"]))
    other = find_other_compared(app_state)
    if other and own is not rubric:
        foot = language.text("of {bundle}, trained last and not in use", bundle=other[:12])
    return Tile(
        title=language.text("Wins inside the list"),
        value=write_count(language, own["wins"]),
        unit=language.text("of {n}", n=write_count(language, found.winnable)),
        href="/thresholds",
        foot=foot,
        spark=build_sparkline(months),
        spark_label=language.text("Wins inside the list, month by month"),
        term="wins_inside",
    )
