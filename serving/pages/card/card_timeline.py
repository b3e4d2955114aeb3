"""What happened with a lead, newest first, each with who it came from and where it was heard."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from features.schema.source import ActivityKind, Question
from models.explaining.language import Language
from models.explaining.plain.plain_reasons import say_answer
from models.explaining.wording.labels import capitalise, translate_label, translate_value
from serving.leads.contact_log.lead_notes import LoggedEntry, read_logged
from serving.leads.contact_log.log_kinds import LOGGED
from serving.pages.render import verdict_words
from serving.pages.worklist.worklist_record import stage_word
from serving.state.app_state import AppState
from serving.state.gather_rows import gather_rows
from serving.state.lead_data import to_records

SHOWN_ACTIVITIES = 60  # bounds the length of the page; what people wrote is always shown


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened: when, in words, by whom or from where, and its tone (lead, good, bad or none).

    Of what was logged here, ``note`` is what was written about it, and ``undo`` what takes it back: "activity" or
    "note", and an id. ``recorded`` are activities of which nobody wrote anything here: only the newest are shown.
    """

    at: pd.Timestamp
    text: str
    by: str
    tone: str = ""
    note: str = ""
    undo: tuple[str, int] | None = None
    recorded: bool = False


def build_events(
    app_state: AppState,
    lead_id: str,
    owner: str | None,
    said: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
    language: Language,
) -> list[Event]:
    """Activities, notes, answers and stages of a lead, and what sales said of it."""
    state = app_state.loaded
    code = state.find_lead(lead_id, owner)
    events = [_feedback_event(row, language) for row in said]
    events += [event for _, event in _recorded_events(app_state, code, frozenset((lead_id,)), language)]
    if not state.data.flat:
        questions = state.data.source.questions
        events += [_answer_event(answer, questions.get(answer["question"]), language) for answer in answers]
    return _newest(events)


def build_account_events(app_state: AppState, names: Mapping[str, str], language: Language) -> list[Event]:
    """Activities, notes and stages of the leads of one account, each with the name of whose it is.

    ``names`` are of the leads the caller may see.
    """
    if not names:
        return []
    code = app_state.loaded.data.code(next(iter(names)))  # stands for all of its account
    told = _recorded_events(app_state, code, frozenset(names), language)
    return _newest([replace(event, by=f"{names[lead]}, {event.by}", undo=None) for lead, event in told])


def _recorded_events(
    app_state: AppState, code: int, leads: frozenset[str], language: Language
) -> Iterator[tuple[str, Event]]:
    """What a lead's account has on record of some leads, each with whose it is."""
    data = app_state.loaded.data
    with app_state.store.reading() as session:
        logged = read_logged(session, leads)
        records = {} if data.flat else to_records(gather_rows(session, data, [code]).tables)
    here = {
        (entry.lead_id, entry.kind, pd.Timestamp(entry.known_at)): entry
        for entry in logged
        if entry.activity is not None
    }
    for entry in logged:
        if entry.activity is None:
            yield entry.lead_id, _note_event(entry, language)
    for row in records.get("activities", ()):
        if str(row["lead_id"]) in leads:
            found = here.get((str(row["lead_id"]), str(row["kind"]), pd.Timestamp(row["known_at"])))
            words = say_kind(language, data.source.activity_kinds, str(row["kind"]))
            yield str(row["lead_id"]), _activity_event(row, words, found, language)
    for row in records.get("stages", ()):
        if str(row["lead_id"]) in leads:
            yield str(row["lead_id"]), _stage_event(row, language)


def _newest(events: Sequence[Event]) -> list[Event]:
    known = [event for event in events if not pd.isna(event.at)]
    shown, recorded = [], 0
    for event in sorted(known, key=lambda event: event.at, reverse=True):
        recorded += event.recorded
        if not event.recorded or recorded <= SHOWN_ACTIVITIES:
            shown.append(event)
    return shown


def say_kind(language: Language, kinds: Mapping[str, ActivityKind], name: str) -> str:
    """A kind of activity in words: as the source labels it; one of our own as the form calls it; else its name."""
    declared = kinds.get(name)
    if declared is None and name in LOGGED:
        return language.text(LOGGED[name])
    label = declared.label if declared is not None and declared.label else name.replace("_", " ")
    return capitalise(translate_label(language, label))


def _activity_event(row: Mapping[str, Any], words: str, logged: LoggedEntry | None, language: Language) -> Event:
    actor = _text(row.get("actor")) or "lead"
    asset = _text(row.get("asset"))
    text = f"{words}: {translate_value(language, asset)}" if asset else words
    by = language.text({"lead": "the lead", "rep": "sales", "system": "sent by the system"}.get(actor, actor))
    if logged is not None and logged.author and actor == "rep":
        by = language.text("sales, {name}", name=logged.author)
    note = "" if logged is None else logged.note
    undo = None if logged is None or logged.activity is None or actor != "rep" else ("activity", logged.activity)
    return Event(
        at=pd.Timestamp(row["happened_at"]),
        text=text,
        by=by,
        tone="lead" if actor == "lead" else "",
        note=note,
        undo=undo,
        recorded=not note and undo is None,
    )


def _note_event(entry: LoggedEntry, language: Language) -> Event:
    by = language.text("sales, {name}", name=entry.author)
    undo = None if entry.note_id is None else ("note", entry.note_id)
    return Event(at=pd.Timestamp(entry.happened_at), text=language.text("Note"), by=by, note=entry.note, undo=undo)


def _stage_event(row: Mapping[str, Any], language: Language) -> Event:
    stage, reason = str(row["stage"]), _text(row.get("reason"))
    text = language.text("Stage: {stage}", stage=stage_word(language, stage))
    if reason:
        text += f" ({translate_value(language, reason)})"
    who = _text(row.get("author")) or _text(row.get("owner"))
    by = language.text("stage in the CRM, {name}", name=who) if who else language.text("stage in the CRM")
    tone = "good" if stage in ("won", "opportunity") else "bad" if stage in ("lost", "disqualified") else ""
    return Event(at=pd.Timestamp(row["entered_at"]), text=text, by=by, tone=tone)


def _answer_event(answer: Mapping[str, Any], question: Question | None, language: Language) -> Event:
    value = answer["value"]
    label = (question.label if question is not None else "") or answer["question"].replace("_", " ")
    if not value:
        text = language.text("{label}: withdrawn", label=capitalise(translate_label(language, label)))
    elif question is None:
        text = f"{capitalise(translate_label(language, label))}: {translate_value(language, value)}"
    else:
        text = say_stored_answer(language, question, label, value)
    if answer["corrected_by"] is not None:
        text = language.text("{text} (corrected since)", text=text)
    by = [language.text("answer")]
    by += [translate_value(language, answer["channel"])] if answer["channel"] else []
    by += [answer["author"]] if answer["author"] else []
    return Event(at=pd.Timestamp(answer["known_at"]), text=text, by=", ".join(by), tone="lead")


def say_stored_answer(language: Language, question: Question, label: str, value: str) -> str:
    """A stored answer as a sentence; numbers are stored as texts."""
    try:
        number = float(value) if str(question.type) == "number" else None
    except ValueError:
        number = None
    return say_answer(language, question, label, value if number is None else number)


def _feedback_event(row: Mapping[str, Any], language: Language) -> Event:
    text = capitalise(language.text(verdict_words(row["verdict"])))
    if row["reason"]:
        text += f": {language.text(str(row['reason']).replace('_', ' '))}"
    if row["note"]:
        text += f" – {row['note']}"
    if row.get("undone"):
        text = language.text("{text} (taken back)", text=text)
    tone = {"accept": "good", "reject": "bad", "do_not_contact": "bad"}.get(str(row["verdict"]), "")
    by = language.text("sales, {name}", name=row["author"]) if row["author"] else language.text("sales")
    return Event(at=pd.Timestamp(row["written_at"]), text=text, by=by, tone=tone)


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)
