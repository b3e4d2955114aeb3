"""Tables of the store, for SQLite and PostgreSQL alike; timestamps are naive UTC."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, DateTime, Float, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# without it, SQLite gives the highest id out again once its row is gone: webhooks and exports tell rows by their ids
_NEVER_AGAIN = {"sqlite_autoincrement": True}


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, datetime: DateTime, str: Text}  # noqa: RUF012


class ApiKey(Base):
    """An API key: only its hash is stored; ``prefix`` is how people recognise it."""

    __tablename__ = "api_keys"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    prefix: Mapped[str] = mapped_column(String(16))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    scopes: Mapped[list[str]]
    owner: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class WebSession(Base):
    """A signed-in browser; the cookie's hash is stored, not the cookie.

    Of a person who came through a provider: the mapped ``groups``, and when the provider last confirmed them.
    """

    __tablename__ = "sessions"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[int | None] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[str]]
    owner: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    groups: Mapped[list[str] | None]
    confirmed_at: Mapped[datetime | None]


class SpentState(Base):
    """A sign-in through the provider that came back; kept until its cookie would have expired."""

    __tablename__ = "spent_states"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime]


class ScoreRow(Base):
    """A score as it was served; ``line`` is the row of a scored file."""

    __tablename__ = "scores"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    lead_id: Mapped[str] = mapped_column(String(200))
    as_of: Mapped[datetime | None]
    written_at: Mapped[datetime]
    score: Mapped[int] = mapped_column(Integer)
    log_odds: Mapped[float] = mapped_column(Float)
    probability: Mapped[float] = mapped_column(Float)
    state: Mapped[str] = mapped_column(String(40))
    framework: Mapped[str] = mapped_column(String(64))
    bundle_hash: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(20))
    line: Mapped[dict[str, Any]]
    __table_args__ = (Index("scores_by_lead", "lead_id", "id"), _NEVER_AGAIN)


class KeptLine(Base):
    """The row of the list of a lead that a load scored again: ``under`` what, and what was ``known`` of it then."""

    __tablename__ = "kept_lines"
    lead_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    under: Mapped[str] = mapped_column(String(64))
    known: Mapped[str]
    written_at: Mapped[datetime]
    line: Mapped[dict[str, Any]]


class KeptList(Base):
    """The list that a load scored because the batch's was of another model, as Parquet: ``under`` what."""

    __tablename__ = "kept_lists"
    under: Mapped[str] = mapped_column(String(64), primary_key=True)
    written_at: Mapped[datetime]
    rows: Mapped[bytes] = mapped_column(LargeBinary)


class Feedback(Base):
    """What sales said about a lead: accept, reject, override, snooze, do_not_contact, or withdraw (``undoes`` one).

    ``written_at`` is the wall clock, ``known_at`` the data's; ``state`` and ``next_action`` are what an override pins.
    """

    __tablename__ = "feedback"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    lead_id: Mapped[str] = mapped_column(String(200), index=True)
    verdict: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(60))
    note: Mapped[str]
    author: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    score: Mapped[int | None] = mapped_column(Integer)
    bundle_hash: Mapped[str | None] = mapped_column(String(64))
    known_at: Mapped[datetime | None]
    state: Mapped[str | None] = mapped_column(String(40))
    next_action: Mapped[str | None] = mapped_column(String(40))
    undoes: Mapped[int | None] = mapped_column(Integer)


class AnswerRow(Base):
    """An answer given through the server; an empty value withdraws the last one, ``corrects`` names a wrong one."""

    __tablename__ = "answers"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    lead_id: Mapped[str] = mapped_column(String(200), index=True)
    question: Mapped[str] = mapped_column(String(64))
    value: Mapped[str]
    channel: Mapped[str] = mapped_column(String(60))
    author: Mapped[str] = mapped_column(String(200))
    happened_at: Mapped[datetime]
    known_at: Mapped[datetime]
    corrects: Mapped[int | None] = mapped_column(Integer)


class StageRow(Base):
    """A stage that a lead entered by what sales said on the card; ``feedback_id`` names what was said."""

    __tablename__ = "stages"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    lead_id: Mapped[str] = mapped_column(String(200), index=True)
    stage: Mapped[str] = mapped_column(String(40))
    entered_at: Mapped[datetime]
    known_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(String(60))
    author: Mapped[str] = mapped_column(String(200))
    feedback_id: Mapped[int | None] = mapped_column(Integer)


class FieldRow(Base):
    """A value of a lead's company that somebody looked up; an empty one withdraws the last."""

    __tablename__ = "field_values"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    account_id: Mapped[str] = mapped_column(String(200), index=True)
    lead_id: Mapped[str] = mapped_column(String(200))
    field: Mapped[str] = mapped_column(String(64))
    value: Mapped[str]
    channel: Mapped[str] = mapped_column(String(60))
    author: Mapped[str] = mapped_column(String(200))
    known_at: Mapped[datetime]


class ActivityRow(Base):
    """An activity posted to the server, ``author`` by whom; a repeated ``activity_id`` is the same activity."""

    __tablename__ = "activities"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    activity_id: Mapped[str] = mapped_column(String(200))
    lead_id: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(120))
    actor: Mapped[str] = mapped_column(String(20))
    asset: Mapped[str | None]
    channel: Mapped[str | None] = mapped_column(String(120))
    value: Mapped[float | None] = mapped_column(Float)
    happened_at: Mapped[datetime]
    known_at: Mapped[datetime]
    author: Mapped[str | None] = mapped_column(String(200))
    __table_args__ = (UniqueConstraint("lead_id", "activity_id", name="activities_once"), _NEVER_AGAIN)


class WithdrawnActivity(Base):
    """A posted activity that was taken back: its row is gone, an ingest before that may have taken it along."""

    __tablename__ = "withdrawn_activities"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    lead_id: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(120))
    known_at: Mapped[datetime]
    author: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime]


class NoteRow(Base):
    """What somebody wrote down about a lead: people read it, nothing counts it. ``activity`` is what it is about."""

    __tablename__ = "notes"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    lead_id: Mapped[str] = mapped_column(String(200), index=True)
    activity: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str]
    author: Mapped[str] = mapped_column(String(200))
    happened_at: Mapped[datetime]
    known_at: Mapped[datetime]


class ExportedLead(Base):
    """A lead as an export of a name last held it: ``mark`` shows whether it changed, ``number`` is the export's."""

    __tablename__ = "handed_over"
    ledger: Mapped[str] = mapped_column(String(300), primary_key=True)
    lead_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    mark: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(40))
    number: Mapped[int] = mapped_column(Integer)


class ExportCount(Base):
    """How many exports there were under a name, including repeated and empty ones."""

    __tablename__ = "ledgers"
    ledger: Mapped[str] = mapped_column(String(300), primary_key=True)
    exports: Mapped[int] = mapped_column(Integer)


class AuditRow(Base):
    """Who saw or did what, and when; no personal data except the names of those who acted.

    ``chain`` is a hash over the entry and the one before it; :mod:`serving.store.audit_trail` alone adds entries.
    ``salt`` keeps whom an entry is about from being guessed by that hash; it goes where the entry is blanked.
    """

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(200))
    detail: Mapped[dict[str, Any]]
    chain: Mapped[str] = mapped_column(String(64), server_default="")
    salt: Mapped[str] = mapped_column(String(32), server_default="")


class Webhook(Base):
    """An address that receives events, each message signed with its secret."""

    __tablename__ = "webhooks"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    url: Mapped[str]
    secret: Mapped[str] = mapped_column(String(80))
    events: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime]


class OutboxMessage(Base):
    """Messages to webhooks, written in the transaction that changed the state."""

    __tablename__ = "outbox"
    __table_args__ = _NEVER_AGAIN
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    webhook_id: Mapped[int] = mapped_column(Integer)
    event: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(Integer)
    delivered_at: Mapped[datetime | None]
    last_error: Mapped[str]


class IdempotencyRecord(Base):
    """Answers to requests that carried an idempotency key."""

    __tablename__ = "idempotency"
    caller: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Upload(Base):
    """A file of leads to score; progress counts rows. While it is scored, ``taken_by`` names the server that does."""

    __tablename__ = "uploads"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    caller: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20))
    suffix: Mapped[str] = mapped_column(String(10))
    framework: Mapped[str | None] = mapped_column(String(64))
    rows: Mapped[int | None] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    error: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(200))
    taken_by: Mapped[str | None] = mapped_column(String(200))
    taken_until: Mapped[datetime | None]
