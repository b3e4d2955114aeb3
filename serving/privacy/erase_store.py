"""A person taken out of the server's store and its uploads; the audit trail stays a chain (:mod:`.redact_trail`)."""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from features.schema.source import Source
from pipelines.privacy.elsewhere import Place
from pipelines.privacy.erase_files import CANONICAL, files_below
from pipelines.privacy.person import Person
from pipelines.workspace.people.naming_columns import NamingColumns, naming_columns
from pipelines.workspace.people.register import FORGOTTEN, PeopleRegister, is_long_id, is_number, plain_id
from serving.privacy.sent_files import sent_file_holds
from serving.store.audit_trail import record_action
from serving.store.damaged_rows import WHOLE, reading_any_text
from serving.store.engine import Store
from serving.store.named_people import TEXTS, Declared, declared_values, hide_everywhere, is_declared_value
from serving.store.redact_trail import redact_entries
from serving.store.tables import (
    ActivityRow,
    AnswerRow,
    AuditRow,
    ExportedLead,
    Feedback,
    FieldRow,
    IdempotencyRecord,
    KeptLine,
    KeptList,
    NoteRow,
    OutboxMessage,
    ScoreRow,
    StageRow,
    Upload,
    Webhook,
    WithdrawnActivity,
)
from serving.store.trail_links import ALIAS, SHOWED
from serving.store.wall_clock import wall_now

_POSTED = (AnswerRow, StageRow, ActivityRow, WithdrawnActivity, NoteRow)
OF_LEADS: tuple[Any, ...] = (ScoreRow, Feedback, *_POSTED, ExportedLead, KeptLine)
_WRITTEN = (
    "note",
    "reason",
    "value",
    "asset",
    "channel",
    "kind",
    "url",
)  # keys under which a document holds what somebody typed
_SHOWN_DAYS, _SHOWN_AROUND = timedelta(days=7), timedelta(hours=1)
_AT_ONCE = 500  # ids of a statement
_WHERE = "serving: "
_OTHER_NAMES = ("became", "merged")  # of keys under which a lead stands
_LEAD_IN_PATH = "{lead_id}"  # in the route of a view: its subject is what the path names
_NOT_OF_LEADS = ("webhook.", "key.", "rubric.", "threshold.", "model.", "first_run.", "signed.")  # their subjects


def erase_from_store(
    store: Store,
    uploads: Path,
    person: Person,
    mark: str,
    *,
    dry_run: bool,
    source: Source | None = None,
    actor: str = "forget",
) -> list[Place]:
    """Remove every row of the person's, or count them; one transaction, with an entry that says that it happened.

    Rows of looked-up values are about the company and stay, without the lead whose card they were looked up for.

    Parameters
    ----------
    source : what the headers of uploaded files stand for, and which values are declared, so that they name nobody
    """
    places: list[Place] = []
    columns = CANONICAL if source is None else naming_columns(source, ["leads"])
    if not dry_run:
        _overwrite_deleted(store)
    with store.writing() as session:
        ids = person.spellings
        for table in OF_LEADS:
            count = _remove_rows(session, table, ids, dry_run=dry_run)
            places += [Place(_WHERE + table.__tablename__, count, "rows removed")] if count else []
        if not dry_run:
            session.execute(delete(KeptList))  # copies of scores, which the next start works out without the person
        blanked = _count(session, FieldRow, ids)
        if blanked:
            if not dry_run:
                session.execute(update(FieldRow).where(FieldRow.lead_id.in_(ids)).values(lead_id=""))
            places.append(Place(_WHERE + FieldRow.__tablename__, blanked, "cells emptied"))
        places += _hide_in_texts(session, person, declared_values(source), dry_run=dry_run)
        for table, column in ((OutboxMessage, OutboxMessage.payload), (IdempotencyRecord, IdempotencyRecord.answer)):
            places += _remove_documents(session, table, column, person, dry_run=dry_run)
        places += _end_webhooks(session, person, dry_run=dry_run)
        places += _remove_uploads(session, uploads, person, columns, dry_run=dry_run)
        redacted = redact_entries(session, lambda entry: speaks_of(entry, person), mark, dry_run=dry_run)
        places += [Place(_WHERE + "audit", redacted, "entries blanked")] if redacted else []
        if not dry_run:
            counts = {place.where.removeprefix(_WHERE): place.count for place in places}
            record_action(session, actor, "person.forgotten", f"forgotten:{mark}", {"removed": counts})
    if not dry_run:
        _give_back_space(store)
    return places


def sweep_forgotten(store: Store, uploads: Path, register: PeopleRegister, source: Source | None = None) -> int:
    """Remove what a running server wrote about people in the moment in which they were forgotten.

    The register holds hashes alone, so every lead that the store speaks of is asked for, and every word of its texts.
    Returns how many leads were found.
    """
    if not register.has_forgotten:
        return 0
    hide_everywhere(store, register, source)
    with store.reading() as session, reading_any_text(session.connection()):
        asked = [select(table.lead_id).distinct().execution_options(**{WHOLE: True}) for table in OF_LEADS]
        named = {str(lead) for one in asked for lead in session.scalars(one)}
        left = {plain_id(lead) for lead in named if FORGOTTEN in register.asks_of(lead)}
        left |= _find_in_trail(session, register)
    found = 0
    for lead in left:
        person, mark = Person(lead_ids=frozenset({lead}), addresses=frozenset()), register.find_mark(lead)[:16]
        found_any = erase_from_store(store, uploads, person, mark, dry_run=True, source=source)
        if found_any:  # else it would be told at every start that somebody was forgotten
            erase_from_store(store, uploads, person, mark, dry_run=False, source=source)
            found += 1
    return found


def _find_in_trail(session: Session, register: PeopleRegister) -> set[str]:
    """Leads that are forgotten and that entries of the trail are about; an account or a webhook may have the number."""
    subjects = session.scalars(select(AuditRow.subject).where(AuditRow.subject.not_like(f"{ALIAS}%")).distinct()).all()
    found = set[str]()
    for subject in subjects:
        words = {subject, *subject.split(" ")}
        leads = {plain_id(word) for word in words if FORGOTTEN in register.asks_of(word)} - found
        rows = session.scalars(select(AuditRow).where(AuditRow.subject == subject)).all() if leads else []
        entries = [{"action": row.action, "subject": row.subject, "detail": row.detail} for row in rows]
        persons = {lead: Person(lead_ids=frozenset({lead}), addresses=frozenset()) for lead in leads}
        found |= {lead for lead, person in persons.items() if any(speaks_of(entry, person) for entry in entries)}
    return found | _find_shown(session, register)


def _find_shown(session: Session, register: PeopleRegister) -> set[str]:
    """Leads that are forgotten and that a server wrote to have shown while that was done; it loads its tables anew soon
    after, so this is looked for around the moment, and not in all that was ever shown.
    """
    moments = [datetime.fromisoformat(entry["at"]) for entry in register.entries.values() if entry["asks"] == FORGOTTEN]
    days = [moment.astimezone(UTC).replace(tzinfo=None) for moment in moments]
    recent = [day for day in days if day > wall_now() - _SHOWN_DAYS]
    if not recent:
        return set()
    around = AuditRow.at.between(min(recent) - _SHOWN_AROUND, max(recent) + _SHOWN_AROUND)
    details = session.scalars(select(AuditRow.detail).where(AuditRow.action == SHOWED, around))
    shown = {lead for detail in details for lead in detail.get("leads", ())}
    return {plain_id(lead) for lead in shown if FORGOTTEN in register.asks_of(lead)}


def _count(session: Session, table: Any, ids: list[str]) -> int:
    parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
    counted = (select(func.count()).select_from(table).where(table.lead_id.in_(part)) for part in parts)
    # a damaged row is theirs by its lead, whatever else it holds
    return sum(session.scalar(asked.execution_options(**{WHOLE: True})) or 0 for asked in counted)


def _remove_rows(session: Session, table: Any, ids: list[str], *, dry_run: bool) -> int:
    count = _count(session, table, ids)
    for start in range(0, len(ids) if count and not dry_run else 0, _AT_ONCE):
        session.execute(delete(table).where(table.lead_id.in_(ids[start : start + _AT_ONCE])))
    return count


def _hide_in_texts(session: Session, person: Person, declared: Declared, *, dry_run: bool) -> list[Place]:
    """Texts about others that name the person, as whole words in any case; values that only look so stay."""
    places = []
    described = {text.casefold() for text in person.texts}
    for table, names in TEXTS:
        hidden = 0
        for column in (getattr(table, name) for name in names):
            of, known = declared.get(table, (None, {})) if column.key in ("value", "kind") else (None, {})
            keys = [column] if of is None else [of, column]
            others = [column != ""]
            if table is not FieldRow:  # whose rows stay without the lead, whatever they say of the person
                others.append(table.lead_id.not_in(person.spellings))
            counted = select(*keys, func.count()).where(*others).group_by(*keys)
            for *asked, said, rows in session.execute(counted).all():
                if column is FieldRow.value and said.casefold() in described:
                    continue  # a town of theirs, say: here it describes a company, as in the table of accounts
                cleaned = person.hide(said)
                if cleaned == said or any(is_declared_value(known.get(name), said) for name in asked):
                    continue
                hidden += rows
                if not dry_run:
                    same = [key == value for key, value in zip(keys, (*asked, said), strict=True)]
                    session.execute(update(table).where(*same, *others).values({column: cleaned}))
        what = "notes on others" if "note" in names else "texts about others"
        places += [Place(f"{_WHERE}{table.__tablename__}, {what}", hidden, "places blanked")] if hidden else []
    return places


def _end_webhooks(session: Session, person: Person, *, dry_run: bool) -> list[Place]:
    """Webhooks whose address names the person: without it there is nowhere to send to, so they are over."""
    found = [hook for hook in session.scalars(select(Webhook)) if person.hide(hook.url) != hook.url]
    for hook in found if not dry_run else ():
        session.execute(delete(OutboxMessage).where(OutboxMessage.webhook_id == hook.id))
        hook.url, hook.active = person.hide(hook.url), False
    return [Place(f"{_WHERE}webhooks, addresses", len(found), "ended, addresses blanked")] if found else []


def _remove_documents(session: Session, table: Any, column: Any, person: Person, *, dry_run: bool) -> list[Place]:
    """Rows whose JSON speaks of the person."""
    keys = list(table.__table__.primary_key.columns)
    held = session.execute(select(*keys, column))
    answers = table is IdempotencyRecord  # with whole cards, which tell values of fields and questions in any place
    found = [row for row in held if holds_value(row[-1], person) or (answers and _names_in_text([*row], person))]
    for row in found if not dry_run else ():
        session.execute(delete(table).where(*(key == value for key, value in zip(keys, row[:-1], strict=True))))
    return [Place(_WHERE + table.__tablename__, len(found), "rows removed")] if found else []


def holds_value(document: Any, person: Person, named: str = "") -> bool:
    """Whether a value of a JSON document is an id, an address or a personal value.

    ``named`` is the key it stands under. Any text may be as short as an id of few digits, and any amount the same
    digits: such a one counts only where a lead is named.
    """
    if isinstance(document, dict):
        keys = any(_is_surely(key, person) or (person.is_lead(key) and _is_of_lead(named)) for key in document)
        return keys or any(holds_value(part, person, str(key)) for key, part in document.items())
    if isinstance(document, list):
        return any(holds_value(part, person, named) for part in document)
    if person.is_lead(document):
        surely = "lead" in named or named in _OTHER_NAMES
        return _is_surely(document, person) or (_is_of_lead(named) if person.in_texts else surely)
    if named in _WRITTEN and isinstance(document, str) and person.hide(document) != document:
        return True
    return person.is_mentioned(document) or document in person.texts


def _names_in_text(document: Any, person: Person) -> bool:
    """Whether any text of a JSON document names the person, as whole words in any case."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        return any(_names_in_text(part, person) for part in document)
    return isinstance(document, str) and person.blank(document)[1] > 0


def _is_of_lead(key: str) -> bool:
    return "lead" in key or key in (*_OTHER_NAMES, "id", "subject")


def _is_surely(value: str, person: Person) -> bool:
    """Whether a value is an id wherever it stands: digits alone are an amount, a page or another thing's number."""
    return person.is_named(value) and not is_number(value)


def speaks_of(entry: Mapping[str, Any], person: Person) -> bool:
    """Whether an entry of the audit trail, with action, subject and detail, is about the person."""
    subject = str(entry["subject"])
    words = {subject, *subject.split(" ")}
    of_others = str(entry["action"]).startswith(_NOT_OF_LEADS)
    if of_others:
        words = {word for word in words if is_long_id(word)}
    if of_others or _LEAD_IN_PATH not in entry["detail"].get("route", _LEAD_IN_PATH):
        words = {word for word in words if not is_number(word)}
    return any(person.is_lead(w) or person.is_address(w) for w in words) or holds_value(entry["detail"], person)


def _remove_uploads(
    session: Session, uploads: Path, person: Person, columns: NamingColumns, *, dry_run: bool
) -> list[Place]:
    """Uploads that hold the person, with all their files: a file somebody sent is taken back as a whole."""
    numbers = [folder.name for folder in uploads.iterdir() if folder.is_dir()] if uploads.is_dir() else []
    found = [
        number
        for number in numbers
        if any(sent_file_holds(file, person, columns) for file in files_below(uploads / number))
    ]
    if found and not dry_run:
        for start in range(0, len(found), _AT_ONCE):
            session.execute(delete(Upload).where(Upload.id.in_(found[start : start + _AT_ONCE])))
        for number in found:
            shutil.rmtree(uploads / number, ignore_errors=True)
    return [Place(_WHERE + "uploads", len(found), "files removed")] if found else []


def _overwrite_deleted(store: Store) -> None:
    """SQLite leaves deleted rows readable in the file unless it is told to overwrite them."""
    if store.engine.dialect.name == "sqlite":
        with store.engine.connect() as connection:
            connection.execute(text("PRAGMA secure_delete=ON")).close()


def _give_back_space(store: Store) -> None:
    """What the write-ahead log still holds goes into the file, and the log is emptied, as far as readers allow."""
    if store.engine.dialect.name == "sqlite":
        with store.engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).close()
