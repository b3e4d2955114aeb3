"""What the team page shows: promises kept month by month, queues per owner, who waits, capacity and returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.errors import LeadScoreError
from models.explaining.language import Language
from pipelines.artifacts.comparison_record import CrewRow
from pipelines.diagnostics.promises_by_month import KeptMap, KeptPromise, promises_by_month
from serving.leads.feedback import find_hidden_leads
from serving.lists.team_queues import OverdueLeads, OwnerQueues, count_queues, list_overdue, list_untouched
from serving.pages.charts.columns import ColumnChart, build_columns, volume_figures
from serving.pages.home.lead_lines import describe_leads
from serving.pages.home.parts import PlainNote, Tile, compare_counts, join_sentences, of_all_owners
from serving.pages.home.shared_tiles import overdue_tile, promise_tile, sent_tile
from serving.pages.worklist.worklist_addresses import WorklistAddress
from serving.pages.written_values import write_count, write_percent
from serving.results.lifecycle_now import lifecycle_now
from serving.results.run_results import find_other_compared, read_comparison
from serving.results.trends_beside import begin_weekly_trends
from serving.state.app_state import AppState

_WAITING, _UNTOUCHED, _QUARTERS = 10, 8, 8


@dataclass(frozen=True, kw_only=True)
class TeamPage:
    """What the page prints; parts that this source cannot show are None or empty, and ``notes`` say why.

    ``scoped``: the page is of one owner's leads, so what is of all says so. ``other`` is the hash of the bundle
    that the test figures are of, where it is not the one in use.
    """

    lede: str
    tiles: tuple[Tile, ...]
    notes: tuple[PlainNote, ...]
    kept: KeptMap
    kept_lede: str
    queues: OwnerQueues
    most_overdue: int
    late: OverdueLeads
    untouched: Sequence[dict[str, Any]]
    crews: Sequence[CrewRow]
    reps: int | None
    volumes: ColumnChart | None
    volume_rows: Sequence[Mapping[str, Any]]
    agreement: Sequence[Mapping[str, Any]]
    returns: Sequence[Mapping[str, Any]]
    returned: int
    recycled: Sequence[Mapping[str, Any]]
    sla: Sequence[Mapping[str, Any]]
    funnel: Sequence[Mapping[str, Any]]
    sentences: Sequence[str]
    counting: bool
    scoped: bool
    counted_at: datetime | None
    other: str


def build_team_page(app_state: AppState, owner: str | None, language: Language) -> TeamPage:
    """Everything on the page, of one owner's leads or of all; without stages the queues alone."""
    found, counted_at = _lifecycle(app_state)
    measured = bool(found and found["funnel"])
    trends = begin_weekly_trends(app_state, find_hidden_leads(app_state.store, app_state.loaded.data))
    late = list_overdue(app_state, owner, _WAITING) if measured else OverdueLeads([], 0)
    queues = count_queues(app_state, owner)
    queues.rows.sort(key=lambda row: (-row["overdue"], -row["open"]))
    kept = promises_by_month(found["sla_by_month"], found["sla"]).last() if measured else KeptMap((), ())
    comparison = read_comparison(app_state)
    plan = None if comparison is None else comparison.plan
    volumes = list(found["volumes"])[-_QUARTERS:] if measured else []
    returns = list(found["returns"]) if measured else []

    open_leads = sum(row["open"] for row in queues.rows)
    weeks = () if trends.value is None or owner is not None else trends.value.weeks
    tiles = (
        _open_tile(language, owner, open_leads, [week.open_leads for week in weeks]),
        overdue_tile(language, late.leads, open_leads, [week.overdue for week in weeks], "#waiting")
        if measured
        else None,
        *(of_all_owners(_promise_tile(language, promise), owner) for promise in _asked_first(kept)),
        of_all_owners(sent_tile(language, trends), owner),
    )
    return TeamPage(
        lede=_lede(language, late, queues, measured),
        tiles=tuple(tile for tile in tiles if tile is not None)[:5],
        notes=() if measured else (_without_stages(language),),
        kept=kept,
        kept_lede=_kept_lede(language, kept),
        queues=queues,
        most_overdue=max((row["overdue"] for row in queues.rows), default=0),
        late=late,
        untouched=describe_leads(app_state, list_untouched(app_state, owner, _UNTOUCHED), language),
        crews=() if plan is None else plan.table,
        reps=None if comparison is None or comparison.capacity is None else comparison.capacity.reps,
        volumes=build_columns(volume_figures(volumes)),
        volume_rows=volumes,
        agreement=_agreement(app_state),
        returns=returns,
        returned=sum(int(row["leads"]) for row in returns),
        recycled=list(found["recycled"]) if measured else [],
        sla=list(found["sla"]) if measured else [],
        funnel=list(found["funnel"]) if measured else [],
        sentences=list(found["sentences"]) if measured else [],
        counting=trends.underway,
        scoped=owner is not None,
        counted_at=counted_at,
        other=find_other_compared(app_state),
    )


def _lifecycle(app_state: AppState) -> tuple[dict[str, Any], datetime | None]:
    """Its record, and when it was counted where not now; empty where the source has no stages to measure."""
    try:
        now = lifecycle_now(app_state)
    except LeadScoreError:
        return {}, None
    return now.record, now.counted_at


def _agreement(app_state: AppState) -> list[Mapping[str, Any]]:
    """What sales said beside what the score said, and what became of it, as the report tells it."""
    from pipelines.artifacts.lifecycle_record import LifecycleRecord
    from serving.state.result_cache import file_stamp

    paths = app_state.paths
    if not LifecycleRecord.exists(paths):
        return []
    stamp = file_stamp(LifecycleRecord.path(paths))
    found = app_state.results.get("lifecycle file", stamp, lambda: LifecycleRecord.read_if_any(paths))
    return [] if found is None else list(found.agreement)


def _without_stages(language: Language) -> PlainNote:
    text = language.text(
        "This source has no history of stages: promises, returns and handoffs cannot be shown, only who has which open "
        "leads. Export the stage history of the CRM and load it to see them."
    )
    return PlainNote(text)


def _asked_first(kept: KeptMap) -> list[KeptPromise]:
    """The two promises that managers look at first: the first touch, and the one kept worst."""
    first = [one for one in kept.promises if one.what == "first touch"][:1]
    others = [one for one in kept.promises if one not in first and one.latest is not None]
    worst = sorted(others, key=lambda one: one.latest.attained if one.latest else 1.0)
    return [*first, *worst[: 2 - len(first)]]


def promise_name(language: Language, promise: KeptPromise) -> str:
    """The promise in words: what is done within how many hours, and in which stage."""
    stage = promise.stage.upper() if len(promise.stage) == 3 else language.text(promise.stage)
    what = language.text("First call") if promise.what == "first touch" else language.text("Next step")
    return f"{what}, {stage}"


def _promise_tile(language: Language, promise: KeptPromise) -> Tile | None:
    title = language.text("{promise}, in time", promise=promise_name(language, promise))
    return promise_tile(language, promise, title, "#kept")


def _open_tile(language: Language, owner: str | None, open_leads: int, weeks: Sequence[int]) -> Tile:
    """Open leads of an owner (None: of all) that are not put aside; of ``weeks`` before, the last is now."""
    move = compare_counts(language, [*weeks[:-1], open_leads] if weeks else [], more_is_better=True)
    return Tile(
        title=language.text("Open leads"),
        value=write_count(language, open_leads),
        href=WorklistAddress({}).link(owner=owner),
        foot=move.foot,
        direction=None if move.direction is None else 0,
        arrow=move.arrow,
        spark=move.spark,
        spark_label=language.text("Open leads, last eight weeks"),
    )


def _lede(language: Language, late: OverdueLeads, queues: OwnerQueues, measured: bool) -> str:
    if not measured:
        return language.text("Who has which open leads.")
    if not late.leads:
        return language.text("No lead has waited longer than promised.")
    text = language.plural(
        "{n} lead waits longer than promised.",
        "{n} leads wait longer than promised.",
        late.leads,
        n=write_count(language, late.leads),
    )
    owners = [row for row in queues.rows if row["overdue"] and row["owner"]]
    if len(owners) < 3:
        return text
    share = sum(row["overdue"] for row in owners[:2]) / sum(row["overdue"] for row in queues.rows)
    more = language.text(
        "{share} of the broken promises are with {first} and {second}.",
        share=write_percent(language, share, 0),
        first=owners[0]["owner"],
        second=owners[1]["owner"],
    )
    return join_sentences((text, more))


def _kept_lede(language: Language, kept: KeptMap) -> str:
    """Which promise is kept worst, over the months shown."""
    shares = []
    for promise in kept.promises:
        cells = [cell for cell in promise.cells if cell is not None]
        judged = sum(cell.judged for cell in cells)
        if judged:
            shares.append(
                (sum(cell.attained * cell.judged for cell in cells) / judged, promise_name(language, promise))
            )
    text = language.text("Of 100 leads, how many were served in time.")
    if not shares:
        return text
    worst, name = min(shares)
    more = language.text("The weakest is {promise}: {share}.", promise=name, share=write_percent(language, worst, 0))
    return join_sentences((text, more))
