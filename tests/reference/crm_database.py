"""A synthetic CRM in PostgreSQL that grows as time goes on: the tables of the demo, as of a moment that moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import sqlalchemy as sa
import yaml

from pipelines.synth.write import generate_demo
from pipelines.workspace.find_declarations import find_source

SCHEMA, VARIABLE = "crm", "CRM_DB"
CLOCKS: Mapping[str, str] = {
    "leads": "Created Date",
    "accounts": "Known At",
    "activities": "Logged",
    "answers": "Recorded",
    "stages": "Entered",
    "outcomes": "Booked",
}
GROWING = ("activities", "answers")  # rows are added and never edited: they have a number that grows
MOMENTS = ("Created Date", "Known At", "Happened", "Logged", "Given", "Recorded", "Entered", "Closed", "Booked")
_LEAKS = ("Contract Number", "Current Stage", "Total Touches")  # of the export's last day: no database has them before
_NUMBERS = ("Employees", "Minutes", "Amount")


@dataclass
class CrmDatabase:
    """The rows of a market, and the database that holds those known so far.

    Parameters
    ----------
    url : of an empty PostgreSQL database
    frames : every table with all rows there will ever be, in order of their clock
    until : rows known before this moment are in the database
    held_back : rows that should be there, and that a broken feed did not deliver
    """

    url: str
    frames: dict[str, pd.DataFrame]
    until: pd.Timestamp = field(default_factory=lambda: pd.Timestamp("1970-01-01", tz="UTC"))
    held_back: dict[str, pd.DataFrame] = field(default_factory=dict)

    def create(self) -> None:
        """Empty tables."""
        statements = [f"CREATE SCHEMA {SCHEMA}"]
        for name, frame in self.frames.items():
            columns = [f'"{column}" {_type(column)}' for column in frame]
            number = ["row_no bigserial PRIMARY KEY"] if name in GROWING else []
            statements.append(f"CREATE TABLE {SCHEMA}.{name} ({', '.join(number + columns)})")
        self.change(*statements)

    def change(self, *statements: str) -> None:
        """Run statements in one transaction."""
        with psycopg.connect(self._plain) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def advance(self, to: pd.Timestamp, stopped: Mapping[str, pd.Timestamp] | None = None) -> None:
        """Add what became known up to a moment; of ``stopped`` tables only what was known before theirs."""
        for name, frame in self.frames.items():
            known = frame[CLOCKS[name]]
            new = frame[(known >= self.until) & (known < to)]
            if stopped is not None and name in stopped:
                late = new[CLOCKS[name]] >= stopped[name]
                self.held_back[name] = new[late]
                new = new[~late]
            self._add(name, new)
        self.until = to

    def deliver(self) -> None:
        """Add the rows that were held back: late, with the clocks they had."""
        for name, frame in self.held_back.items():
            self._add(name, frame)
        self.held_back.clear()

    @property
    def _plain(self) -> str:
        return sa.make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)

    def _add(self, name: str, frame: pd.DataFrame) -> None:
        rows = frame.astype(object).where(frame.notna(), None)
        columns = ", ".join(f'"{column}"' for column in frame)
        with psycopg.connect(self._plain) as connection, connection.cursor() as cursor:
            copied = cursor.copy(f"COPY {SCHEMA}.{name} ({columns}) FROM STDIN".encode())
            with copied as copy:
                for row in rows.itertuples(index=False, name=None):
                    copy.write_row(row)


def make_frames(seed: int, leads: int, months: int, weeks_back: int) -> dict[str, pd.DataFrame]:
    """The demo's tables, typed as a database types them, so many weeks earlier; rows without a clock are left out."""
    back, made = pd.Timedelta(weeks=weeks_back), generate_demo(seed, leads, months).tables
    found = {}
    for name, raw in made.items():
        frame = raw.drop(columns=[column for column in _LEAKS if column in raw]).astype("str").replace({"": None})
        for column in frame:
            if column in MOMENTS:
                frame[column] = pd.to_datetime(frame[column], utc=True, errors="coerce") - back
            elif column in _NUMBERS:
                frame[column] = pd.to_numeric(frame[column], errors="coerce")
        frame = frame[frame[CLOCKS[name]].notna()]
        found[name] = frame.sort_values(CLOCKS[name], kind="stable", ignore_index=True)
    return found


def write_declaration(path: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """The demo's declaration, read from the database; ``changes``: by column of leads, its declaration."""
    document = yaml.safe_load(find_source("demo").read_text(encoding="utf-8"))
    for key in ("generator", "data_cutoff"):
        del document[key]
    document |= {"name": path.stem, "title": "Synthetic CRM in a database"}
    for name, table in document["tables"].items():
        place: dict[str, Any] = {"url": VARIABLE, "schema": SCHEMA, "table": name}
        table["location"] = {"database": place | ({"watermark": "row_no"} if name in GROWING else {})}
    leads = document["tables"]["leads"]["columns"]
    for column in ("contract_number", "current_stage", "total_touches"):
        del leads[column]
    for column, declared in (changes or {}).items():
        leads[column] |= declared
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _type(column: str) -> str:
    if column in MOMENTS:
        return "timestamptz"
    return "double precision" if column in _NUMBERS else "text"


def leads_won(database: CrmDatabase) -> Sequence[str]:
    """Ids of the leads that the database says were won."""
    outcomes = database.frames["outcomes"]
    known = outcomes[(outcomes["Won"] == "yes") & (outcomes["Booked"] < database.until)]
    return [str(lead) for lead in known["Lead ID"].dropna().unique()]
