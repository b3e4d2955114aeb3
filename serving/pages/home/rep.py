"""A rep's home: my day, one lead after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from features.errors import LeadScoreError
from features.schema.vocabulary import LeadList
from models.explaining.language import Language
from serving.leads.feedback import find_overrides, find_unlisted_leads, pins_of
from serving.lists.shown_worklist import find_new_since
from serving.lists.team_queues import HotLeads, count_overdue, find_hot_leads
from serving.pages.home.lead_lines import describe_leads
from serving.pages.home.parts import PlainNote, Tile, join_sentences, say_no_call, say_overdue
from serving.pages.home.told_changes import tell_changes
from serving.pages.written_values import write_count
from serving.results.recent_changes import RecentChanges
from serving.results.run_results import why_points
from serving.state.app_state import AppState
from serving.state.worklist.worklist_query import WorklistQuery

_ROWS = 8


@dataclass(frozen=True, kw_only=True)
class RepHome:
    """What the page prints; ``owners`` to choose from where the caller sees everybody's leads."""

    lede: str
    owner: str | None
    owners: Sequence[str]
    tiles: tuple[Tile, ...]
    rows: Sequence[dict[str, Any]]
    list_name: str
    changes: RecentChanges | None
    notes: tuple[PlainNote, ...]


def build_rep_home(app_state: AppState, owner: str | None, owners: Sequence[str], language: Language) -> RepHome:
    """The day of one owner, or of everybody."""
    state = app_state.loaded
    hidden = find_unlisted_leads(app_state.store, state)
    pins = pins_of(find_overrides(app_state.store), state.model)
    everybody = WorklistQuery(owner=owner, size=_ROWS, hidden=hidden, pins=pins)
    query = replace(everybody, lead_list=str(LeadList.TO_WORK))
    query = query if state.worklist.count(query) else everybody
    rows = describe_leads(app_state, state.worklist.page(query).rows, language)
    chosen = owner if owners else None  # who sees but their own leads names nobody

    late, hot = _late(app_state, owner), find_hot_leads(app_state, owner)
    tiles = [
        Tile(
            title=language.text("To work"),
            value=write_count(language, state.worklist.count(query)),
            href=_address("/worklist", list=query.lead_list, owner=chosen),
            term="lists",
        )
        if query.lead_list
        else Tile(
            title=language.text("Open leads"),
            value=write_count(language, state.worklist.count(query)),
            href=_address("/worklist", owner=chosen),
        ),
        _late_tile(language, late, _address("/team", owner=chosen) + "#waiting"),
        Tile(
            title=language.text("Hot, not called yet"),
            value=write_count(language, hot.untouched),
            unit=language.text("of {n} hot", n=write_count(language, hot.total)),
            href=_address("/worklist", owner=chosen),
            foot=language.text("no act of a rep on record"),
            term="hot",
        )
        if not state.data.flat and hot.total
        else None,
        _new_tile(app_state, everybody, _address("/worklist", show="new", owner=chosen), language),
    ]
    reason = why_points(app_state)
    points = language.text("The points of the rubric order this list; no model scores here.")
    return RepHome(
        lede=_lede(language, rows, late, hot),
        owner=owner,
        owners=owners,
        tiles=tuple(tile for tile in tiles if tile is not None),
        rows=rows,
        list_name=query.lead_list,
        changes=tell_changes(app_state, owner, language, limit=6),
        notes=(PlainNote(points, "watch", "/help/rep", language.text("What that means")),) if reason else (),
    )


def _address(path: str, **query: str | None) -> str:
    """A page's address, without what is empty."""
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{asked}" if asked else path


def _late(app_state: AppState, owner: str | None) -> int | None:
    """Leads that wait longer than promised; None without stages."""
    try:
        return count_overdue(app_state, owner)
    except LeadScoreError:
        return None


def _late_tile(language: Language, late: int | None, href: str) -> Tile | None:
    if late is None:
        return None
    return Tile(
        title=language.text("Waiting too long"),
        value=write_count(language, late),
        href=href,
        foot=language.text("longer than promised"),
        term="promise",
    )


def _new_tile(app_state: AppState, everybody: WorklistQuery, href: str, language: Language) -> Tile | None:
    """Leads on the list created within the last day of the clock; None without clocks."""
    since = find_new_since(app_state.clock)
    if since is None:
        return None
    count = app_state.loaded.worklist.count(replace(everybody, since=since))
    return Tile(title=language.text("New since yesterday"), value=write_count(language, count), href=href)


def _lede(language: Language, rows: Sequence[dict[str, Any]], late: int | None, hot: HotLeads) -> str:
    """Where to begin."""
    if not rows:
        return language.text("No open leads here.")
    parts = [language.text("Begin at the top: the list is in the order in which leads are likely to be won.")]
    if hot.untouched:
        parts.append(say_no_call(language, hot.untouched))
    if late:
        parts.append(say_overdue(language, late))
    return join_sentences(parts)
