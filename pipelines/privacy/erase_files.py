"""A person taken out of files whatever their form: tables, JSON, pages, pictures of single leads."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.privacy.hidden_mentions import hide_in_arrow
from pipelines.privacy.person import Person
from pipelines.workspace.atomic_files import read_json, write_bytes, write_json, write_parquet
from pipelines.workspace.left_overs import is_half_written
from pipelines.workspace.people.addresses_in_texts import hide_in_frame
from pipelines.workspace.people.coded_letters import holds_at
from pipelines.workspace.people.naming_columns import STAFF, NamingColumns
from pipelines.workspace.people.register import Mask, is_long_id, plain_id

ID_COLUMNS = ("lead_id", "became", "best_lead", "lead")
_TEXTS = (".html", ".txt", ".md", ".csv", ".jsonl")
_HEAD = 4096  # bytes that show whether every other one is zero
_FOREIGN = re.compile(r"[\udc80-\udcff]")  # bytes that are no UTF-8, as Python keeps them
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f\udc80-\udcff]")
_GROUP = "lead:"
CANONICAL = NamingColumns()


@dataclass(frozen=True)
class Erased:
    """What was taken out of a file, or would be: rows, or places in a text."""

    file: Path
    count: int
    how: str  # rows or fingerprints removed, places blanked, file removed, rows made nobody's


def files_below(folder: Path, *, skip: tuple[str, ...] = ()) -> Iterator[Path]:
    """Files of a folder that may hold rows; folders that are skipped by name are not entered, nor half-written ones."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name in skip or path.is_symlink() or is_half_written(path):
            continue
        if path.is_dir():
            yield from files_below(path, skip=skip)
        else:
            yield path


def erase_from_file(
    path: Path, person: Person, *, alias: str, dry_run: bool, columns: NamingColumns = CANONICAL
) -> Erased | None:
    """Take the person out of one file; None where the file does not hold them.

    Parameters
    ----------
    alias : number under which rows of figures stay that must keep their place
    columns : what the headers of a table's rows stand for, where they are those of the source's files
    """
    if path.suffix == ".parquet":
        return _erase_from_parquet(path, person, alias=alias, dry_run=dry_run, columns=columns)
    if path.suffix == ".json":
        return _erase_from_json(path, person, dry_run=dry_run)
    if path.suffix in (".csv", ".tsv"):
        return _erase_from_rows(path, person, dry_run=dry_run, columns=columns)
    if path.suffix in _TEXTS:
        return _erase_from_text(path, person, dry_run=dry_run)
    return None


def holds_person(path: Path, person: Person) -> bool:
    """Whether a file's text holds an id, an address or a personal value; short ids are not looked for."""
    return any(person.blank(one.text)[1] for one in _read_texts(path.read_bytes()))


def text_of_bytes(content: bytes) -> str:
    """A text in UTF-8, or in UTF-16 as spreadsheets write it; what is neither keeps its ASCII letters."""
    return _read_texts(content)[0].text.removeprefix("\ufeff")


@dataclass(frozen=True)
class _Text:
    """Bytes as a text in an encoding; what is no letter there, and a half one at the end, comes back as it was."""

    text: str
    codec: str
    rest: bytes = b""

    @classmethod
    def of(cls, content: bytes, codec: str) -> "_Text":
        whole = len(content) // 2 * 2 if codec.startswith("utf-16") else len(content)
        return cls(content[:whole].decode(codec, _KEEPS[codec]), codec, content[whole:])

    def to_bytes(self, text: str) -> bytes:
        """Another text in the same encoding."""
        return text.encode(self.codec, _KEEPS[self.codec]) + self.rest


_KEEPS = {
    "utf-8": "surrogateescape",
    "utf-16-le": "surrogatepass",
    "utf-16-be": "surrogatepass",
    "latin-1": "strict",
}


def _read_texts(content: bytes) -> list[_Text]:
    """Bytes as a text; twice where parts of it are in UTF-8 and others in a code page, what most of it is in first."""
    head = content[:_HEAD]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [_Text.of(content, "utf-16-le" if content.startswith(b"\xff") else "utf-16-be")]
    if head.count(0) * 3 > len(head) and not content.startswith((b"PAR1", b"PK")):
        return [_Text.of(content, "utf-16-be" if head[:1] == b"\0" else "utf-16-le")]
    found = _Text.of(content, "utf-8")
    foreign = len(_FOREIGN.findall(found.text))
    if not foreign:
        return [found]
    letters = len(_BEYOND_ASCII.findall(found.text))
    both = [found, _Text.of(content, "latin-1")]
    return both[1:] if not letters else both if letters >= foreign else both[::-1]


def rows_of_person(frame: pd.DataFrame, person: Person, columns: NamingColumns = CANONICAL) -> Mask:
    """Rows that are the person's: their id where ids stand, or their address as a cell of its own."""
    hit = np.zeros(len(frame), dtype=np.bool_)
    for name in frame.columns:
        cells = frame[name]
        if name in ("lead_id", "became") or name in columns.leads:
            hit |= _map(cells.astype("str"), lambda text: person.is_lead(text) or person.is_address(text))
            continue
        if not (cells.dtype == "object" or pd.api.types.is_string_dtype(cells)):
            continue
        if name == "raw":
            hit |= _raw_rows(frame, person, columns)
        elif name not in STAFF and name not in columns.staff:
            hit |= _map(cells, _is_address_in(name in columns.personal, person))
    if {"column", "value"} <= set(frame.columns):
        hit |= (frame["column"].astype("str") == "lead_id").to_numpy() & _map(frame["value"], person.is_lead)
    return hit


def _is_address_in(personal: bool, person: Person) -> Callable[[object], bool]:
    return lambda value: person.is_address(value, personal=personal)


def _raw_rows(frame: pd.DataFrame, person: Person, columns: NamingColumns) -> Mask:
    """Rows as they stood in files, of one table or of the one that each names."""
    tables = frame["table"].astype("str") if "table" in frame else pd.Series("", index=frame.index)
    hit = np.zeros(len(frame), dtype=np.bool_)
    for table in tables.unique():
        own = (tables == table).to_numpy(dtype=np.bool_)
        named = columns.quarantined.get(table, columns.leads)
        hit[own] = _map(frame["raw"][own], lambda text, named=named: _raw_is_of(text, person, named, columns))
    return hit


def _erase_from_parquet(
    path: Path, person: Person, *, alias: str, dry_run: bool, columns: NamingColumns
) -> Erased | None:
    frame = pd.read_parquet(path)
    if path.name.endswith("_keys.parquet"):
        return _make_nobodys(path, frame, person, alias=alias, dry_run=dry_run)
    hit = rows_of_person(frame, person, columns)
    if path.name == "outcomes.parquet":
        changed, hit, blanked = keep_deals(frame, hit, person)
    elif path.name in ("accounts.parquet", "expansion.parquet"):
        changed, hit, blanked = _blank_cells(frame, person)
    else:
        return erase_rows(path, hit, person, dry_run=dry_run, columns=columns)
    skip = {*STAFF, *columns.staff}
    changed, hidden = hide_in_frame(changed[~hit].reset_index(drop=True), person.hide_addresses, skip)
    if not hit.any() and not blanked and not hidden:
        return None
    if not dry_run:
        write_parquet(path, changed)
    how = "rows removed" if hit.any() else "cells emptied" if blanked else "places blanked"
    return Erased(path, int(hit.sum()) + blanked + hidden, how)


def erase_rows(
    path: Path, hit: Mask, person: Person, *, dry_run: bool, columns: NamingColumns = CANONICAL
) -> Erased | None:
    """Take these rows out of a Parquet file and the addresses out of the others; its types stay, and what it says of
    itself.
    """
    rows = pq.read_table(path).filter(pa.array(~hit))
    rows, hidden = hide_in_arrow(rows, person.hide_addresses, {*STAFF, *columns.staff})
    if not hit.any() and not hidden:
        return None
    if not dry_run:
        buffer = pa.BufferOutputStream()
        pq.write_table(rows, buffer)
        write_bytes(path, buffer.getvalue().to_pybytes())
    return Erased(path, int(hit.sum()) + hidden, "rows removed" if hit.any() else "places blanked")


def _make_nobodys(path: Path, frame: pd.DataFrame, person: Person, *, alias: str, dry_run: bool) -> Erased | None:
    """Rows of a matrix keep their place, which models were judged on, under a number that stands for nobody."""
    hit = _map(frame["lead_id"], person.is_lead)
    if not hit.any():
        return None
    if not dry_run:
        alone = hit & frame["group"].astype("str").str.startswith(_GROUP).to_numpy(dtype=np.bool_)
        group = frame["group"].mask(alone, _GROUP + alias)
        write_parquet(path, frame.assign(lead_id=frame["lead_id"].mask(hit, alias), group=group))
    return Erased(path, int(hit.sum()), "rows made nobody's")


def keep_deals(frame: pd.DataFrame, hit: Mask, person: Person) -> tuple[pd.DataFrame, Mask, int]:
    """A company's deals stay without the person, as ingest keeps them.

    Of the rows that are hit: the frame without the person, rows that go, how many stay.
    """
    kept = hit & frame["account_id"].notna().to_numpy() & ~_map(frame["opportunity_id"], person.is_lead)
    return frame.assign(lead_id=frame["lead_id"].mask(kept)), hit & ~kept, int(kept.sum())


def _blank_cells(frame: pd.DataFrame, person: Person) -> tuple[pd.DataFrame, Mask, int]:
    """A company's row stays; cells that name the person are emptied."""
    count = 0
    for name in frame.columns:
        cells = frame[name]
        if not (cells.dtype == "object" or pd.api.types.is_string_dtype(cells)):
            continue
        meant = _map(cells, person.is_lead if name in ID_COLUMNS else person.is_address)
        count += int(meant.sum())
        frame = frame.assign(**{name: cells.mask(meant)}) if meant.any() else frame
    return frame, np.zeros(len(frame), dtype=np.bool_), count


def _raw_is_of(text: str, person: Person, leads: frozenset[str], columns: NamingColumns) -> bool:
    """Whether a row as it stood in the file is the person's: one of its cells is their id or address."""
    try:
        cells = json.loads(text)
    except ValueError:
        cells = text
    if not isinstance(cells, dict):
        parts = [part.strip().strip("\"'") for part in re.split(r"[,;|\t\n]", str(cells))]
        return any(person.is_address(part) or (person.in_texts and person.is_lead(part)) for part in parts)
    plain = {header.strip().casefold() for header in leads}
    there = any(str(header).strip().casefold() in plain for header in cells)
    for header, value in cells.items():
        named = str(header).strip().casefold() in plain if there else person.in_texts and _names_lead(str(header))
        if person.is_named(value) or (person.is_lead(value) and named):
            return True
        staff = header in columns.staff or header in STAFF
        if not staff and person.is_address(value, personal=header in columns.personal):
            return True
    return False


def _names_lead(header: str) -> bool:
    return "id" in re.split(r"[^a-z]+", header.casefold()) or header.casefold().replace("_", "").endswith("id")


def _erase_from_json(path: Path, person: Person, *, dry_run: bool) -> Erased | None:
    content = read_json(path)
    counted = [0]
    cleaned = _clean(content, person, counted)
    if not counted[0]:
        return None
    if not dry_run:
        write_json(path, {} if cleaned is _DROP else cleaned)
    return Erased(path, counted[0], "places removed")


_DROP = object()


def _clean(value: Any, person: Person, counted: list[int]) -> Any:
    """A JSON value without the person: records and list entries that are theirs go, texts that name them are hidden."""
    if isinstance(value, dict):
        if any(person.is_lead(value.get(name)) for name in ("lead_id", "lead")):
            counted[0] += 1
            return _DROP
        made: dict[str, Any] = {}
        for key, part in value.items():
            if person.is_named(key):
                counted[0] += 1
                continue
            if key in ID_COLUMNS and person.is_lead(part):
                counted[0] += 1
                made[key] = None
                continue
            cleaned = _clean(part, person, counted)
            made[key] = None if cleaned is _DROP else cleaned
        return made
    if isinstance(value, list):
        cleaned = [_clean(part, person, counted) for part in value]
        return [part for part in cleaned if part is not _DROP]
    if isinstance(value, str):
        if person.is_named(value) or person.is_address(value):
            counted[0] += 1
            return _DROP
        value, count = person.blank(value)
        counted[0] += count
    return value


def _erase_from_rows(path: Path, person: Person, *, dry_run: bool, columns: NamingColumns) -> Erased | None:
    """Rows of a text table that are the person's go; in the others they are blanked, the other bytes as they were.

    Their id makes a row theirs where ids of leads stand: elsewhere it may be an amount.
    """
    read = _read_texts(path.read_bytes())[0]
    lines = list(io.StringIO(read.text, newline=""))
    sign = max(",;\t", key=(lines or [""])[0].count)
    reader = csv.reader(lines, delimiter=sign)
    of_leads: list[bool] = []
    names: list[str] = []
    kept: list[str] = []
    gone = begun = 0
    try:
        for cells in reader:
            ids = [cell for cell, named in zip(cells, of_leads, strict=False) if named]
            theirs = any(map(person.is_lead, ids)) or _has_address(cells, names, person, columns)
            kept += [] if theirs else lines[begun : reader.line_num]
            gone, begun = gone + theirs, reader.line_num
            if not of_leads:
                names = [cell.strip("\ufeff\"' ") for cell in cells]
                of_leads = _hold_leads(names, person, columns)
    except csv.Error:
        return _erase_from_text(path, person, dry_run=dry_run)
    if gone and not dry_run:
        write_bytes(path, read.to_bytes("".join(kept)))
    blanked = _erase_from_text(path, person, dry_run=dry_run)
    if not gone:
        return blanked
    return Erased(path, gone, "rows removed")


def _has_address(cells: Sequence[str], names: Sequence[str], person: Person, columns: NamingColumns) -> bool:
    """Whether a cell of a row is an address, but for those of colleagues."""
    return any(
        person.is_address(cell, personal=name in columns.personal)
        for cell, name in zip_longest(cells, names)
        if cell is not None and holds_at(cell) and name not in STAFF and name not in columns.staff
    )


def _hold_leads(names: Sequence[str], person: Person, columns: NamingColumns) -> list[bool]:
    """Which columns of a text table hold ids of leads: those known to, else those that say so."""
    known = [name in ("lead_id", "became") or name in columns.leads for name in names]
    return known if any(known) else [person.in_texts and _names_lead(name) for name in names]


def _erase_from_text(path: Path, person: Person, *, dry_run: bool) -> Erased | None:
    content, count = path.read_bytes(), 0
    for codec in [one.codec for one in _read_texts(content)]:
        read = _Text.of(content, codec)
        cleaned, found = person.blank(read.text)
        content, count = read.to_bytes(cleaned), count + found
    if not count:
        return None
    if not dry_run:
        write_bytes(path, content)
    return Erased(path, count, "places blanked")


def _map(values: pd.Series, meant: Any) -> Mask:
    codes, texts = pd.factorize(values.astype("object"))
    hit = np.array([bool(meant(text)) for text in texts] or [False], dtype=np.bool_)
    return np.where(codes >= 0, hit[np.maximum(codes, 0)], False).astype(np.bool_)


def short_ids(person: Person) -> list[str]:
    """Ids too short to be found in running text."""
    return sorted(name for name in person.lead_ids if not is_long_id(plain_id(name)))
