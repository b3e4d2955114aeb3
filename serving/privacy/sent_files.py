"""Files of leads that somebody sent: whether they hold a person, and which leads they tell of."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from features.schema.table_source import Location
from pipelines.privacy.erase_files import files_below, holds_person, rows_of_person, text_of_bytes
from pipelines.privacy.person import Person
from pipelines.workspace.people.naming_columns import NamingColumns

if TYPE_CHECKING:
    from pipelines.ingest.reading.raw_table import RawTable

_PACKED = (".parquet", ".xlsx", ".zip", ".gz")  # whose bytes are no text
_TABLES = (".csv", ".tsv", ".txt", ".jsonl", *_PACKED)


def sent_file_holds(file: Path, person: Person, columns: NamingColumns) -> bool:
    """Whether a file holds a person: their id where ids of leads stand, an address, a name, a telephone.

    A table is read as the source's own files are, whatever its encoding, delimiter or packing. Numbers of rows are
    those of another file. One that is packed and cannot be read is taken to hold everybody: nobody can tell.
    """
    person = replace(person, lead_ids=person.marked_ids)
    if file.suffix != ".parquet" and holds_person(file, person):
        return True
    if file.suffix not in _TABLES:
        return False
    raw = _read(file)
    if raw is None:
        return file.suffix in _PACKED or _cell_is_lead(text_of_bytes(file.read_bytes()), person)
    if rows_of_person(raw.frame, person, with_ids(raw.frame, columns)).any():
        return True
    if any(_cell_is_lead(str(row.raw), person) for row in raw.broken):
        return True
    texts = (raw.frame[name].dropna().astype("str").unique() for name in raw.frame.columns)
    return any(text in person.texts or person.is_mentioned(text) for held in texts for text in held)


def read_sent_leads(folder: Path) -> Iterator[pd.DataFrame]:
    """Rows of every file of uploads that was sent and can be read."""
    for file in files_below(folder):
        raw = _read(file) if file.stem == "input" else None
        if raw is not None:
            yield raw.frame


def _read(file: Path) -> "RawTable | None":
    # imported with the first file: the readers are a twentieth of the server's start
    from pipelines.ingest.errors import EmptyFileError
    from pipelines.ingest.reading.file_adapters import read_file
    from pipelines.ingest.reading.raw_table import RawTable, number_rows

    try:
        return read_file(file, Location(file=file.name))
    except EmptyFileError:
        nothing = RawTable(frame=pd.DataFrame(), rows=number_rows(0), broken=(), form={})
        return nothing if file.suffix in _PACKED else None
    except Exception:  # whatever it was that a reader failed with: nobody else is kept from being forgotten
        return None


def with_ids(frame: pd.DataFrame, columns: NamingColumns) -> NamingColumns:
    """The columns of ids by what a file calls them: a header may differ in case and blanks."""
    plain = {header.strip().casefold() for header in (*columns.leads, "lead_id")}
    found = frozenset(str(name) for name in frame.columns if str(name).strip().casefold() in plain)
    return replace(columns, leads=columns.leads | found)


def _cell_is_lead(text: str, person: Person) -> bool:
    """Whether a cell of lines that are no table is an id: which column it stands in is not known."""
    if not person.in_texts:
        return False
    for sign in ",;\t|":
        text = text.replace(sign, "\n")
    return any(person.is_lead(cell.strip("\"' ")) for cell in text.splitlines())
