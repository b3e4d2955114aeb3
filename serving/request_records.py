"""From a request's raw rows to canonical records: columns that are not declared are listed and left out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from features.cohort.email_addresses import ADDRESS_DERIVATIONS
from features.kernel.column_reader import all_micros, micros_of, number_of
from features.point_in_time.visibility import is_known
from features.schema.canonical_tables import TABLES
from features.schema.columns import Column, fold_value
from features.schema.source import Source
from features.schema.vocabulary import Actor, ColumnType, Role, Stage, WhenKnown
from serving.problems import InvalidError
from serving.schemas import LeadRows, ManyRows, RowsRead
from serving.state.lead_data import Records

CHILDREN = ("activities", "answers", "stages", "outcomes")
_EPOCH = datetime(1970, 1, 1)
_FARTHEST = 8e15  # microseconds from the epoch, 253 years: timestamps beyond are typing errors
_LEAD = str(Actor.LEAD)
_NAMED = 20  # undeclared kinds, questions and stages that an answer lists, each; the rest are counted


def read_records(body: LeadRows, source: Source, lead_id: str) -> tuple[Records, list[str]]:
    """Records of one lead, its rows carrying its id, and the columns that are not declared."""
    lead = {**body.lead, "lead_id": lead_id}
    account = lead.get("account_id") or (body.accounts[0].get("account_id") if body.accounts else None)
    if account is not None:
        lead["account_id"] = account
    made: Records = {"leads": [lead, *({"account_id": account, **row} for row in body.colleagues)]}
    made["accounts"] = [{"account_id": account, **row} for row in body.accounts]
    for name in CHILDREN:
        made[name] = _rows_of_leads(getattr(body, name), lead_id if name != "outcomes" or account is None else None)
    return _keep_declared(made, source)


@dataclass(frozen=True)
class ManyRead:
    """Records of many leads, the columns that are not declared, and per lead sent why its rows cannot be read, '' where
    they can.
    """

    records: Records
    ignored: list[str]
    errors: list[str]


def read_many_records(body: ManyRows, source: Source) -> ManyRead:
    """Records of many leads; a value that cannot be read is an error of the leads that it is about.

    Raises
    ------
    InvalidError : a row belongs to no lead, or a row of an account that names none cannot be read
    """
    made: Records = {"leads": [dict(row) for row in body.leads], "accounts": [dict(row) for row in body.accounts]}
    for name in CHILDREN:
        made[name] = _rows_of_leads(getattr(body, name), None)
        lost = sum("lead_id" not in row for row in made[name]) if name != "outcomes" else 0
        if lost:
            raise InvalidError(f"{lost} rows of '{name}' have no lead_id; send one with each row.")
    faults = _Faults({}, {}, {})
    for name in made:
        faults.take(name, getattr(body, name))
    records, ignored = _keep_declared(made, source, faults)
    return ManyRead(records, ignored, faults.of_leads(body.leads))


@dataclass(frozen=True)
class _Faults:
    """Why rows cannot be read: of leads by place in what was sent, of accounts and of answers by id."""

    rows: dict[int, str]
    accounts: dict[str, str]
    leads: dict[str, str]

    def note(self, table: str, place: int, row: Mapping[str, Any], problem: InvalidError) -> None:
        why = problem.message.removesuffix(".")
        if table == "leads":
            self.rows.setdefault(place, why)
        elif table == "answers":
            self.leads[str(row["lead_id"])] = why
        elif row.get("account_id") is None:
            raise problem
        else:
            self.accounts[str(row["account_id"])] = why

    def take(self, table: str, rows: Sequence[Any]) -> None:
        """Note the rows that did not fit the schema."""
        for row in rows.unfit if isinstance(rows, RowsRead) else ():
            if table == "leads":
                self.rows[row.place] = row.why
            elif table != "accounts" and "lead_id" in row.whom:
                self.leads[row.whom["lead_id"]] = row.why
            elif "account_id" in row.whom:
                self.accounts[row.whom["account_id"]] = row.why

    def of_leads(self, leads: Sequence[Mapping[str, Any]]) -> list[str]:
        return [
            self.rows.get(place)
            or self.leads.get(str(lead.get("lead_id")))
            or self.accounts.get(str(lead.get("account_id")))
            or ""
            for place, lead in enumerate(leads)
        ]


def _rows_of_leads(rows: Sequence[Any], lead_id: str | None) -> list[dict[str, Any]]:
    """Rows without what was sent as null; those that name no lead get ``lead_id``."""
    found = [{n: v for n, v in row.items() if v is not None} if None in row.values() else row for row in rows]
    if lead_id is not None:
        for row in found:
            row.setdefault("lead_id", lead_id)
    return found


def _keep_declared(made: Records, source: Source, faults: _Faults | None = None) -> tuple[Records, list[str]]:
    """Only canonical and declared columns, read as declared; the others by name, sorted.

    What cannot be read is noted in ``faults``, which rows of other leads outlive; without, it is an InvalidError.
    """
    ignored: set[str] = set()
    for table in ("leads", "accounts"):
        columns = source.tables[table].columns if table in source.tables else {}
        allowed = {*TABLES[table].names, *(n for n, c in columns.items() if c.role is not Role.IGNORE)}
        derived = {name: column for name, column in columns.items() if column.derive is not None}
        for place, row in enumerate(made[table]):
            if derived:
                _derive(row, derived, columns)
            if not row.keys() <= allowed:
                for name in row.keys() - allowed:
                    ignored.add(f"{table}.{name}")
                    del row[name]
            try:
                _read_row(row, columns, table)
            except InvalidError as problem:
                if faults is None:
                    raise
                faults.note(table, place, row, problem)
    if faults is not None and faults.accounts:
        made["accounts"] = [row for row in made["accounts"] if str(row.get("account_id")) not in faults.accounts]
    _check_ranges(made["answers"], source, faults)
    return made, sorted(ignored) + _undeclared_values(made, source)


def _read_row(row: dict[str, Any], columns: Mapping[str, Column], table: str) -> None:
    """Read the values of a row where it stands."""
    for name, value in row.items():
        if value is not None and name in columns:
            row[name] = _read_value(value, columns[name], table, name)
    for name in ("created_at", "known_at"):
        if row.get(name) is not None:
            row[name] = _read_timestamp(row[name], table, name)


def _check_ranges(answers: Sequence[Mapping[str, Any]], source: Source, faults: _Faults | None) -> None:
    """InvalidError for a number that is no possible answer: 99 on a scale from 0 to 10 is a typing error."""
    bounded = {name: question for name, question in source.questions.items() if question.range_words}
    for place, row in enumerate(answers if bounded else ()):
        question = bounded.get(row["question"])
        number = math.nan if question is None else number_of(row.get("value"))
        if question is not None and not math.isnan(number) and not question.holds(number):
            problem = InvalidError(f"answers.{row['question']} takes a number {question.range_words}.")
            if faults is None:
                raise problem
            faults.note("answers", place, row, problem)


def _derive(row: dict[str, Any], derived: Mapping[str, Column], columns: Mapping[str, Column]) -> None:
    """Fill what ingest derives from an address, where the address was sent and the derived column was not."""
    for name, column in derived.items():
        address = next(
            (
                row[other]
                for other, declared in columns.items()
                if declared.derive is None and other in row and declared.headers(other) == column.headers(name)
            ),
            None,
        )
        if name not in row and isinstance(address, str):
            row[name] = ADDRESS_DERIVATIONS[str(column.derive)](address)


def _undeclared_values(made: Mapping[str, Sequence[Mapping[str, Any]]], source: Source) -> list[str]:
    """Kinds of activity, questions and stages that are not declared: their rows have no part in the score.

    Calls of reps and mails of systems need no declaration: they are on record for the service levels.
    """
    known, found = _known_words(source), []
    for table, column in (("activities", "kind"), ("answers", "question"), ("stages", "stage")):
        said = {row[column] for row in made.get(table, ()) if row.get("actor", _LEAD) == _LEAD}
        others = sorted(said - known[table])
        found += [f"{table}.{column}={name}" for name in others[:_NAMED]]
        if len(others) > _NAMED:
            found.append(f"{table}.{column}: {len(others) - _NAMED} more")
    return found


def _known_words(source: Source) -> dict[str, set[str]]:
    """Kinds, questions and stages that are declared, by table."""
    history = {
        name
        for table in source.tables.values()
        for name, column in table.columns.items()
        if column.when_known in (WhenKnown.HISTORY, WhenKnown.SNAPSHOTS)
    }
    return {
        "activities": set(source.activity_kinds),
        "answers": {*source.questions, *history},
        "stages": {str(stage) for stage in Stage},
    }


def find_undeclared_kind(kind: str, actor: str, source: Source) -> list[str]:
    """The kind of one activity as ``ignored`` lists it, empty where it is declared."""
    return _undeclared_values({"activities": [{"kind": kind, "actor": actor}]}, source)


def _read_value(value: Any, column: Column, table: str, name: str) -> Any:
    """A value as ingest would have read it: mapped, a number or a timestamp; InvalidError if it is not valid."""
    if column.map:
        value = column.map.get(str(value), value)
    if isinstance(value, str) and (not value.strip() or value in column.missing):
        return None
    if column.type is ColumnType.NUMBER and not isinstance(value, bool) and math.isnan(number_of(value)):
        raise InvalidError(f"{table}.{name} is declared as a number; the value sent is not a number.")
    if column.type is ColumnType.BOOLEAN and isinstance(value, str):
        return _read_boolean(value, column, table, name)
    if column.type is ColumnType.TIMESTAMP:
        return _read_timestamp(value, table, name)
    return value


def _read_boolean(text: str, column: Column, table: str, name: str) -> Any:
    """Yes or no in the declared words, or in those that features read."""
    word = fold_value(text)
    for words, truth in ((column.true_values, True), (column.false_values, False)):
        if word in map(fold_value, words):
            return truth
    if not math.isnan(number_of(text)):
        return text
    # imported here: a start needs none of it, nor do rows that say yes or no
    from pipelines.ingest.values.number_form import NO_VALUE

    if text.strip().lower() in NO_VALUE:
        return None
    raise InvalidError(f"{table}.{name} is declared as yes or no; the value sent is neither, write true or false.")


def _read_timestamp(value: Any, table: str, name: str) -> datetime:
    micros = micros_of(value) if isinstance(value, str | datetime) else None
    if micros is None or abs(micros) >= _FARTHEST:
        raise InvalidError(
            f"{table}.{name} is not a valid timestamp between 1716 and 2223; write it as 2026-03-31T09:00:00Z."
        )
    return _EPOCH + timedelta(microseconds=micros)


def count_not_yet_known(records: Records, as_of: datetime) -> int:
    """How many rows were not known strictly before ``as_of``: they have no part in the score."""
    else_from = {name: TABLES[name]["known_at"].default_from for name in CHILDREN}
    rows = [row.get("known_at") or row.get(else_from[name] or "") for name in CHILDREN for row in records.get(name, ())]
    known_at = all_micros(rows)
    return int((~is_known(known_at, micros_of(as_of))).sum()) if rows else 0
