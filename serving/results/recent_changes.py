"""What happened lately: stages that leads entered, and what people said to the server, the newest first.

All of it by one clock, the data's: when a row became known. On old data the wall clock is months ahead of it.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import select

from features.schema.vocabulary import Stage
from pipelines.scoring.shown_columns import company_name, person_name
from serving.state.app_state import AppState
from serving.state.gather_rows import UndoneStages, find_undone_stages, without_stages
from serving.state.kept_views import KeptView
from serving.state.lead_data import LeadData
from serving.store.tables import AnswerRow, Feedback, StageRow

DAY, WEEK = timedelta(days=1), timedelta(days=7)
_FEW = 5  # events of a day; with fewer the week is told
_TOLD = (Stage.WON, Stage.LOST, Stage.RECYCLED, Stage.DISQUALIFIED, Stage.OPPORTUNITY, Stage.SQL, Stage.SAL, Stage.MQL)
_RANK = {str(stage): rank for rank, stage in enumerate(_TOLD)}
ANSWER = "answer"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One event of one lead; ``what`` is a stage, ``answer`` or what sales said; ``by`` who, where it is known.

    Of an answer ``question`` is its name and ``detail`` its value as stored.
    """

    at: datetime
    lead_id: str
    name: str
    company: str
    what: str
    detail: str = ""
    question: str = ""
    by: str = ""
    amount: float | None = None


@dataclass(frozen=True)
class RecentChanges:
    """What became known after ``since``, the newest first; ``counts`` by what it is, also of what is not listed."""

    since: datetime
    counts: dict[str, int]
    rows: tuple[Change, ...]


def find_recent_changes(app_state: AppState, owner: str | None, limit: int = 8) -> RecentChanges | None:
    """Since a day before the data's cut-off, or a week where a day holds little; None without clocks."""
    state = app_state.loaded
    if state.data.flat or state.data.cutoff is None:
        return None
    end = pd.Timestamp(state.data.cutoff).to_pydatetime(warn=False)
    for span in (DAY, WEEK):
        entered, said = _stages(app_state, owner, end - span, limit), list(_said(app_state, owner, end - span))
        if sum(entered.counts.values()) + len(said) >= _FEW or span == WEEK:
            break
    counts = Counter(what for _, _, what, _ in said)
    counts.update(entered.counts)
    told = [*said, *entered.first]
    told.sort(key=lambda one: (one[0], one[1]), reverse=True)
    told = sorted(told, key=lambda one: _RANK.get(one[2], -1))[:limit]
    told.sort(key=lambda one: (one[0], one[1]), reverse=True)
    amounts = _amounts(app_state, {lead for _, lead, what, _ in told if what == Stage.WON})
    rows = tuple(_change(app_state, at, lead, what, extra, amounts) for at, lead, what, extra in told)
    return RecentChanges(end - span, dict(counts), rows)


Event = tuple[datetime, str, str, dict[str, str]]


@dataclass(frozen=True)
class _Entered:
    """Stages of the data that leads entered: by stage how many, and those that are told before the others."""

    counts: dict[str, int]
    first: tuple[Event, ...]


def _stages(app_state: AppState, owner: str | None, since: datetime, limit: int) -> _Entered:
    """Kept while the data are in use, of each owner: they are as many as the data are large."""
    state = app_state.loaded
    with app_state.store.reading() as session:
        undone = find_undone_stages(session)
    key = ("stages entered", owner, since, limit, undone)
    found: _Entered = state.keep(KeptView(key, lambda: _find_stages(state.data, owner, since, limit, undone)))
    return found


def _find_stages(data: LeadData, owner: str | None, since: datetime, limit: int, undone: UndoneStages) -> _Entered:
    stages = data.tables.get("stages")
    if stages is None or not len(stages):
        return _Entered({}, ())
    recent = without_stages(stages[(stages["known_at"] > since).to_numpy(dtype=bool)], undone)
    recent = recent[recent["stage"].isin([str(stage) for stage in _TOLD]).to_numpy(dtype=bool)]
    codes = data.codes(recent["lead_id"])
    recent = recent[(codes >= 0) & data.shown_to(owner)[codes]]
    counts = {str(stage): int(count) for stage, count in recent["stage"].value_counts().items()}
    chosen = recent.assign(rank=recent["stage"].map(_RANK)).sort_values(
        ["rank", "known_at", "lead_id"], ascending=[True, False, False], kind="stable"
    )
    return _Entered(counts, tuple(map(_event_of, chosen.head(limit).to_dict(orient="records"))))


def _event_of(row: Mapping[Hashable, Any]) -> Event:
    extra = {"detail": "" if pd.isna(row["reason"]) else str(row["reason"])}
    return pd.Timestamp(row["known_at"]).to_pydatetime(warn=False), str(row["lead_id"]), str(row["stage"]), extra


def _said(app_state: AppState, owner: str | None, since: datetime) -> Iterator[Event]:
    """Answers and feedback that people gave on this server and have not taken back; without verdicts whose stage is in
    the data by now, where it is told.
    """
    data = app_state.loaded.data
    corrected = select(AnswerRow.corrects).where(AnswerRow.corrects.is_not(None))
    undone = select(Feedback.undoes).where(Feedback.undoes.is_not(None))
    given = (AnswerRow.known_at > since, AnswerRow.value != "", AnswerRow.id.not_in(corrected))
    stands = (Feedback.known_at > since, Feedback.undoes.is_(None), Feedback.id.not_in(undone))
    with app_state.store.reading() as session:
        answers = session.scalars(select(AnswerRow).where(*given)).all()
        said = session.scalars(select(Feedback).where(*stands)).all()
        entered = session.scalars(select(StageRow).where(StageRow.feedback_id.in_([one.id for one in said]))).all()
    told = _find_in_data(data, entered)
    for answer in answers:
        if _is_seen(data, answer.lead_id, owner):
            extra = {"question": answer.question, "detail": answer.value, "by": answer.author}
            yield answer.known_at, answer.lead_id, ANSWER, extra
    for one in said:
        if one.id not in told and _is_seen(data, one.lead_id, owner):
            at = one.known_at or since  # never empty here: an empty one is not after anything
            yield at, one.lead_id, one.verdict, {"detail": one.reason or "", "by": one.author}


def _find_in_data(data: LeadData, entered: Iterable[StageRow]) -> set[int | None]:
    """The verdicts by which leads entered a stage that an ingest has taken over into the data."""
    stages, posted = data.tables.get("stages"), list(entered)
    if stages is None or not posted:
        return set()
    own = stages[stages["lead_id"].isin([row.lead_id for row in posted]).to_numpy(dtype=bool)]
    held = set(zip(own["lead_id"].astype("str"), own["stage"].astype("str"), own["entered_at"], strict=True))
    return {row.feedback_id for row in posted if (row.lead_id, row.stage, pd.Timestamp(row.entered_at)) in held}


def _is_seen(data: Any, lead_id: str, owner: str | None) -> bool:
    code = data.code(lead_id)
    return bool(code >= 0 and data.is_shown_to(code, owner))


def _amounts(app_state: AppState, leads: set[str]) -> dict[str, float]:
    """Amounts of the wins of some leads, where the outcomes name both."""
    outcomes = app_state.loaded.data.tables.get("outcomes")
    if not leads or outcomes is None or not {"lead_id", "amount"} <= set(outcomes):
        return {}
    own = outcomes[(outcomes["lead_id"].astype("str").isin(leads) & outcomes["amount"].notna()).to_numpy(dtype=bool)]
    return {str(lead): float(amount) for lead, amount in zip(own["lead_id"], own["amount"], strict=True)}


def _change(
    app_state: AppState, at: datetime, lead: str, what: str, extra: dict[str, str], amounts: dict[str, float]
) -> Change:
    data = app_state.loaded.data
    shown = data.display(data.code(lead))
    return Change(
        at=at,
        lead_id=lead,
        name=person_name(shown) or lead,
        company=company_name(shown),
        what=what,
        detail=extra.get("detail", ""),
        question=extra.get("question", ""),
        by=extra.get("by", ""),
        amount=amounts.get(lead) if what == Stage.WON else None,
    )
