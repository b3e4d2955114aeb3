"""Scores of the worklist written into a table of a database: only what changed, a transaction per batch.

A row is a lead. ``row_hash`` covers what people act on; a row whose hash is the same is left alone, so ``as_of`` and
``written_at`` say since when it stands. Killed at any moment, the table holds whole batches, and the next call writes
the rest.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from features.errors import ContractError
from pipelines.artifacts.score_record import OPEN_LEADS, ScoreRecord
from pipelines.ingest.errors import DatabaseError
from pipelines.ingest.reading.formats.database_address import Address, resolve_address
from pipelines.scoring.shown_feedback import lay_pins, meanings_in
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.people.objecting import objecting_here
from pipelines.workspace.people.register import read_register
from pipelines.workspace.standing_feedback import SILENCED
from pipelines.workspace.table_files import records_of

TABLE = "leadscore_scores"
BATCH = 1_000  # rows of one transaction
_TEXTS = ("grade", "state", "stage", "lead_list", "next_action", "question", "reason_1", "reason_2", "reason_3")
_NUMBERS = ("probability", "probability_low", "probability_high")
_DIGITS = 4  # of a probability: what moves behind them changes nobody's work
_DIALECTS: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a write-back came to, in rows."""

    table: str
    new: int
    changed: int
    unchanged: int
    no_longer_listed: int
    removed: int

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        names = ("table", "new", "changed", "unchanged", "no_longer_listed", "removed")
        return {name: getattr(self, name) for name in names}

    @property
    def sentence(self) -> str:
        """For a console."""
        removed = f", {self.removed:,} removed (forgotten, or object to profiling)" if self.removed else ""
        return (
            f"{self.table}: {self.new:,} new, {self.changed:,} changed, {self.unchanged:,} unchanged, "
            f"{self.no_longer_listed:,} no longer listed{removed}"
        )


def scores_table(name: str) -> sa.Table:
    """The table that is written, made where there is none."""
    columns: list[sa.Column[Any]] = [
        sa.Column("lead_id", sa.String(200), primary_key=True),
        sa.Column("as_of", sa.DateTime),
    ]
    columns += [sa.Column("score", sa.Integer), *(sa.Column(column, sa.Float) for column in _NUMBERS)]
    columns += [sa.Column(column, sa.Text) for column in _TEXTS]
    columns += [sa.Column("listed", sa.Boolean), sa.Column("bundle_hash", sa.String(64))]
    columns += [sa.Column("row_hash", sa.String(64)), sa.Column("written_at", sa.DateTime)]
    return sa.Table(name, sa.MetaData(), *columns)


def write_scores(context: Context, to: str, name: str = TABLE) -> Written:
    """Write the worklist of the last run; leads that are not on it any more stay, with ``listed`` false.

    What sales pinned of a lead is written as people are shown it. Leads of people who are forgotten or object to
    profiling are removed; those nobody may contact have no advice.

    Parameters
    ----------
    to : ``${NAME}`` or NAME of an environment variable with a URL, or a URL without a password

    Raises
    ------
    DatabaseError : it cannot be reached or refuses, said without any secret
    ContractError : the last run scored no leads or closed ones, or the database is of another kind
    """
    listed = read_parquet(context.paths.score / "worklist.parquet")
    if "lead_id" not in listed:
        raise ContractError("the last run scored no leads, so there is nothing to write.")
    record = ScoreRecord.read(context.paths)
    if record.kind != OPEN_LEADS:  # whoever reads the table would call people who are won or lost
        raise ContractError(
            f"{context.source.where('flat', 'target')}: the last run scored closed rows, those of the test block, as "
            "nothing tells which rows are open. They are no list and were not written. Name the values of open leads "
            "('open' beside 'won' and 'lost') and run again, or score a file of them: leadscore score --input FILE."
        )
    address = resolve_address(to)
    if address.url.get_backend_name() not in _DIALECTS:
        raise ContractError(f"scores are written to {' or '.join(_DIALECTS)}, not to {address.shown}.")
    meanings = meanings_in(context, by_points=record.mode == "points")
    rows = {row["lead_id"]: row for row in _rows(lay_pins(listed, meanings))}
    table, engine = scores_table(name), sa.create_engine(address.url)
    problem: Exception | None = None
    try:
        with engine.begin() as connection:
            table.metadata.create_all(connection, checkfirst=True)
        return _write(engine, table, rows, context)
    except (SQLAlchemyError, OSError) as caught:
        problem = caught
    finally:
        engine.dispose()
    raise _told(problem, name, address)


def _told(problem: Exception, name: str, address: Address) -> DatabaseError:
    """What the database said, without its secrets and without the chain that holds them."""
    first = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
    said = address.hide(first)
    return DatabaseError(f"{name} of {address.shown} cannot be written: {said}. Check the address and what you may do.")


def _rows(listed: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows of the table, their hashes with them."""
    for row in records_of(listed):
        made: dict[str, Any] = {"lead_id": str(row["lead_id"]), "score": int(row["score"]), "listed": True}
        made |= {name: None if row.get(name) is None else round(float(row[name]), _DIGITS) for name in _NUMBERS}
        made |= {name: None if row.get(name) is None else str(row[name]) for name in _TEXTS}
        if row.get(SILENCED):
            made |= {"next_action": "none", "question": ""}
        made["bundle_hash"] = str(row["bundle_hash"])
        made["row_hash"] = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
        as_of = row.get("as_of")
        yield made | {"as_of": None if as_of is None else pd.Timestamp(as_of).to_pydatetime(warn=False)}


def _write(engine: sa.Engine, table: sa.Table, rows: Mapping[str, dict[str, Any]], context: Context) -> Written:
    with engine.connect() as connection:
        known = {
            str(lead): (str(mark), bool(listed))
            for lead, mark, listed in connection.execute(sa.select(table.c.lead_id, table.c.row_hash, table.c.listed))
        }
    register = read_register(context.paths.root)
    objecting = objecting_here(context)

    def must_go(lead: str) -> bool:
        return lead in objecting or bool(register.entries and register.asks_of(lead))

    removed = [lead for lead in known if must_go(lead)]
    rows = {lead: row for lead, row in rows.items() if not must_go(lead)}  # a list older than what they asked for
    away = {*rows, *removed}
    gone = [lead for lead, (_, listed) in known.items() if listed and lead not in away]
    changed = [lead for lead, row in rows.items() if known.get(lead, ("", True))[0] != row["row_hash"]]
    now = datetime.now(UTC).replace(tzinfo=None)

    insert = _DIALECTS[engine.dialect.name]
    for batch in split_batches(changed):
        asked = insert(table).values([rows[lead] | {"written_at": now} for lead in batch])
        new = {column.name: asked.excluded[column.name] for column in table.columns if not column.primary_key}
        with engine.begin() as connection:
            connection.execute(asked.on_conflict_do_update(index_elements=["lead_id"], set_=new))
    for batch in split_batches(gone):
        with engine.begin() as connection:
            left = {"listed": False, "row_hash": "", "written_at": now}
            connection.execute(sa.update(table).where(table.c.lead_id.in_(batch)).values(**left))
    for batch in split_batches(removed):
        with engine.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.lead_id.in_(batch)))
    fresh = sum(lead not in known for lead in changed)
    return Written(
        table=table.name,
        new=fresh,
        changed=len(changed) - fresh,
        unchanged=len(rows) - len(changed),
        no_longer_listed=len(gone),
        removed=len(removed),
    )


def split_batches(leads: Sequence[str]) -> Iterator[list[str]]:
    """The leads in the lists that are each written in one transaction."""
    for start in range(0, len(leads), BATCH):
        yield list(leads[start : start + BATCH])
