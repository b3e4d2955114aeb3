"""A person taken out of the server's store and its uploads; the audit trail stays a chain (:mod:`.redact_trail`)."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from pipelines.privacy.erase_files import files_below, holds_person, rows_of_person
from pipelines.privacy.forget import Place
from pipelines.privacy.person import Person
from pipelines.workspace.people.register import HIDDEN, PeopleRegister, plain_id
from serving.store.audit_trail import record_action
from serving.store.engine import Store
from serving.store.redact_trail import ALIAS, redact_entries
from serving.store.tables import (
    ActivityRow,
    AnswerRow,
    AuditRow,
    ExportedLead,
    Feedback,
    FieldRow,
    IdempotencyRecord,
    OutboxMessage,
    ScoreRow,
    StageRow,
    Upload,
)

OF_LEADS: tuple[Any, ...] = (ScoreRow, Feedback, AnswerRow, StageRow, ActivityRow, ExportedLead)
_AT_ONCE = 500  # ids of a statement
_WHERE = "serving: "


def erase_from_store(store: Store, uploads: Path, person: Person, mark: str, *, dry_run: bool) -> list[Place]:
    """Remove every row of the person's, or count them; one transaction, with an entry that says that it happened.

    Rows of looked-up values are about the company and stay, without the lead whose card they were looked up for.
    """
    places: list[Place] = []
    if not dry_run:
        _overwrite_deleted(store)
    with store.writing() as session:
        ids = person.spellings
        for table in OF_LEADS:
            count = _remove_rows(session, table, ids, dry_run=dry_run)
            places += [Place(_WHERE + table.__tablename__, count, "rows removed")] if count else []
        blanked = _count(session, FieldRow, ids)
        if blanked:
            if not dry_run:
                session.execute(update(FieldRow).where(FieldRow.lead_id.in_(ids)).values(lead_id=""))
            places.append(Place(_WHERE + FieldRow.__tablename__, blanked, "cells emptied"))
        places += _hide_in_notes(session, person, dry_run=dry_run)
        for table, column in ((OutboxMessage, OutboxMessage.payload), (IdempotencyRecord, IdempotencyRecord.answer)):
            places += _remove_documents(session, table, column, person, dry_run=dry_run)
        places += _remove_uploads(session, uploads, person, dry_run=dry_run)
        redacted = redact_entries(
            session, lambda entry: speaks_of(str(entry["subject"]), entry["detail"], person), mark, dry_run=dry_run
        )
        places += [Place(_WHERE + "audit", redacted, "entries blanked")] if redacted else []
        if not dry_run:
            counts = {place.where.removeprefix(_WHERE): place.count for place in places}
            record_action(session, "forget", "person.forgotten", f"forgotten:{mark}", {"removed": counts})
    if not dry_run:
        _give_back_space(store)
    return places


def sweep_forgotten(store: Store, uploads: Path, register: PeopleRegister) -> int:
    """Remove what a running server wrote about people in the moment in which they were forgotten.

    The register holds hashes alone, so every lead that the store speaks of is asked for. Returns how many were found.
    """
    if not register.has_forgotten:
        return 0
    with store.reading() as session:
        named = {str(lead) for table in OF_LEADS for lead in session.scalars(select(table.lead_id).distinct())}
        seen = session.scalars(select(AuditRow.subject).where(AuditRow.subject.not_like(f"{ALIAS}%")).distinct())
        named |= {word for subject in seen for word in subject.split(" ")}
    left = [lead for lead in named if "forgotten" in register.asks_of(lead)]
    for lead in left:
        person = Person(frozenset({plain_id(lead)}), frozenset())
        erase_from_store(store, uploads, person, register.hash_lead(lead)[:16], dry_run=False)
    return len(left)


def _count(session: Session, table: Any, ids: list[str]) -> int:
    parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
    counted = (select(func.count()).select_from(table).where(table.lead_id.in_(part)) for part in parts)
    return sum(session.scalar(asked) or 0 for asked in counted)


def _remove_rows(session: Session, table: Any, ids: list[str], *, dry_run: bool) -> int:
    count = _count(session, table, ids)
    for start in range(0, len(ids) if count and not dry_run else 0, _AT_ONCE):
        session.execute(delete(table).where(table.lead_id.in_(ids[start : start + _AT_ONCE])))
    return count


def _hide_in_notes(session: Session, person: Person, *, dry_run: bool) -> list[Place]:
    """Notes about others that name the person."""
    hidden = 0
    for row in session.scalars(select(Feedback).where(Feedback.note != "")):
        cleaned = row.note
        for word in sorted({*person.addresses, *person.texts}, key=len, reverse=True):
            cleaned = cleaned.replace(word, HIDDEN)
        if cleaned != row.note:
            hidden += 1
            if not dry_run:
                row.note = cleaned
    return [Place(f"{_WHERE}{Feedback.__tablename__}, notes on others", hidden, "places blanked")] if hidden else []


def _remove_documents(session: Session, table: Any, column: Any, person: Person, *, dry_run: bool) -> list[Place]:
    """Rows whose JSON speaks of the person."""
    keys = list(table.__table__.primary_key.columns)
    found = [row for row in session.execute(select(*keys, column)) if holds_value(row[-1], person)]
    for row in found if not dry_run else ():
        session.execute(delete(table).where(*(key == value for key, value in zip(keys, row[:-1], strict=True))))
    return [Place(_WHERE + table.__tablename__, len(found), "rows removed")] if found else []


def holds_value(document: Any, person: Person) -> bool:
    """Whether a value of a JSON document is an id, an address or a personal value."""
    if isinstance(document, dict):
        return any(holds_value(part, person) for part in document.values()) or any(map(person.is_lead, document))
    if isinstance(document, list):
        return any(holds_value(part, person) for part in document)
    return person.is_lead(document) or person.is_address(document) or document in person.texts


def speaks_of(subject: str, detail: Any, person: Person) -> bool:
    """Whether an entry of the audit trail is about the person."""
    known = any(person.is_lead(word) or person.is_address(word) for word in (subject, *subject.split(" ")))
    return known or holds_value(detail, person)


def _remove_uploads(session: Session, uploads: Path, person: Person, *, dry_run: bool) -> list[Place]:
    """Uploads that hold the person, with all their files: a file somebody sent is taken back as a whole."""
    numbers = [folder.name for folder in uploads.iterdir() if folder.is_dir()] if uploads.is_dir() else []
    found = [number for number in numbers if any(_file_holds(file, person) for file in files_below(uploads / number))]
    if found and not dry_run:
        for start in range(0, len(found), _AT_ONCE):
            session.execute(delete(Upload).where(Upload.id.in_(found[start : start + _AT_ONCE])))
        for number in found:
            shutil.rmtree(uploads / number, ignore_errors=True)
    return [Place(_WHERE + "uploads", len(found), "files removed")] if found else []


def _file_holds(file: Path, person: Person) -> bool:
    if file.suffix == ".parquet":
        import pandas as pd

        try:
            return bool(rows_of_person(pd.read_parquet(file), person).any())
        except (OSError, ValueError):
            return False
    return holds_person(file, person) or _cells_hold(file, person)


def _cells_hold(file: Path, person: Person) -> bool:
    """Whether a cell of a text file is an id: short ones are not found in running text."""
    content = file.read_text(encoding="utf-8", errors="replace")
    cells: Iterable[str] = (cell.strip("\"' ") for line in content.splitlines() for cell in line.split(","))
    return any(person.is_lead(cell) for cell in cells)


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
