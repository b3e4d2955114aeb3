"""Whose rows are meant: every lead that is this person, every address, and what else names them."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any, ClassVar

import pandas as pd

from features.assembly.flat_outcomes import are_numbered
from features.cohort.email_addresses import normal_email
from features.errors import ContractError, ExitStatus
from features.schema.source import Source
from features.schema.vocabulary import Role
from pipelines.ingest.identity_files import read_merged_leads
from pipelines.ingest.quarantine_files import QUARANTINED_ROWS
from pipelines.ingest.reading.formats.arrow_frames import arrow_to_frame
from pipelines.privacy.kept_tables import kept_tables, read_kept
from pipelines.privacy.left_out_rows import id_column
from pipelines.snapshots.declared_exports import exports_of
from pipelines.snapshots.differences import KEY
from pipelines.snapshots.snapshot_store import history_of, read_changes, read_snapshots
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.addresses_in_texts import HIDDEN, addresses_in, addresses_of, hide_addresses
from pipelines.workspace.people.coded_letters import holds_at
from pipelines.workspace.people.naming_columns import STAFF, naming_columns
from pipelines.workspace.people.register import is_long_id, is_number, plain_id

Found = dict[str, list[Any]]
_NAMES_SOMEBODY = 5  # letters: shorter personal values stand for too many other things to be looked for in texts
MOST_LEADS = 20  # of one address: beyond it it is no one person's


class UnknownPersonError(ContractError):
    """An id or address that nothing here holds."""

    code: ClassVar[str] = "LS075"
    exit_status: ClassVar[ExitStatus] = ExitStatus.CONTRACT


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person as the data know them.

    Parameters
    ----------
    lead_ids : every lead that is this person, those merged into another among them
    addresses : mail addresses in one spelling that are this person's alone
    texts : name, telephone and other personal values as they are written, that are this person's alone
    shared : addresses that other leads have too
    common : how many personal values other leads have too; they are not looked for
    by_name_alone : no table knows them: nothing but what they were named by is known
    numbered : the ids are numbers of rows, which stand for others in the next file and are no mark against a return
    in_texts : ids count wherever they stand; else only where ids of leads do, as a word may be anything's id
    """

    lead_ids: frozenset[str]
    addresses: frozenset[str]
    texts: frozenset[str] = frozenset()
    shared: frozenset[str] = field(default_factory=frozenset)
    common: int = 0
    by_name_alone: bool = False
    numbered: bool = False
    in_texts: bool = True

    def is_lead(self, value: object) -> bool:
        """Whether a value is one of the ids."""
        return isinstance(value, str) and plain_id(value) in self.lead_ids

    def is_named(self, value: object) -> bool:
        """Whether a value is one of the ids wherever it stands: one that no other number is likely to be."""
        return self.in_texts and self.is_lead(value) and is_long_id(value)

    def is_address(self, value: object, *, personal: bool = False) -> bool:
        """Whether a value is one of the addresses, or several of which one is; ``personal``: or mentions one first."""
        find = addresses_in if personal else addresses_of
        return isinstance(value, str) and any(address in self.addresses for address in find(value))

    def is_mentioned(self, value: object) -> bool:
        """Whether a text holds one of the addresses, wherever it stands."""
        return isinstance(value, str) and self.hide_addresses(value) != value

    def hide_addresses(self, text: str) -> str:
        """The text without the addresses."""
        return hide_addresses(text, self.addresses.__contains__) if self.addresses else text

    def blank(self, text: str) -> tuple[str, int]:
        """The text without what names them, digits alone too, as in files; in how many places it was."""
        named, count = (text, 0) if self.pattern is None else self.pattern.subn(HIDDEN, text)
        cleaned = self.hide_addresses(named)
        return cleaned, count + cleaned.count(HIDDEN) - named.count(HIDDEN)

    @property
    def marked_ids(self) -> frozenset[str]:
        """Ids under which they are told from others in whatever comes next."""
        return frozenset() if self.numbered else self.lead_ids

    @property
    def spellings(self) -> list[str]:
        """The ids as they may stand somewhere; ``1000`` also as the ``1000.0`` that spreadsheets make of it."""
        return sorted({*self.lead_ids, *(f"{lead}.0" for lead in self.lead_ids if lead.isdigit())})

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """Any of what names them as a word of its own: no part of another number, address or host; None: nothing."""
        return self._any_of({*filter(self.is_named, self.lead_ids), *self.addresses, *self.texts})

    def hide(self, text: str) -> str:
        """The text without what names them; ids of digits are looked for among words only: *10000-50000* is a range."""
        pattern = self.pattern if any(letter.isalpha() for letter in text) else self._pattern_without_numbers
        cleaned = self.hide_addresses(text)
        return cleaned if pattern is None else pattern.sub(HIDDEN, cleaned)

    @cached_property
    def _pattern_without_numbers(self) -> re.Pattern[str] | None:
        ids = {lead for lead in self.lead_ids if self.is_named(lead) and not is_number(lead)}
        return self._any_of({*ids, *self.addresses, *self.texts})

    def _any_of(self, plain: set[str]) -> re.Pattern[str] | None:
        words = sorted({*plain, *map(escape, plain)}, key=len, reverse=True)
        if not words:
            return None
        before = r"(?<![\w@])(?<!\w[.+-](?=[\w.+-]*@))"
        return re.compile(rf"{before}(?:{'|'.join(map(self._as_a_word, words))})(?![\w@])", re.IGNORECASE)

    def _as_a_word(self, word: str) -> str:
        """A number may stand beside a name, *1.Ann Lee*; an id or a number beside one is part of it, *12.10000*."""
        if "@" in word:
            return re.escape(word) + r"(?![.-]\w)"
        if not self.is_lead(word) and any(letter.isalpha() for letter in word):
            return re.escape(word)
        return r"(?<!\d\.)" + re.escape(word) + (r"(?:\.0+(?!\d))?" if word.isdigit() else "") + r"(?!\.\d)"


def person_by_name(source: Source, named: str) -> Person:
    """Who is nothing but an id or an address."""
    address = normal_email(named) if "@" in named else None
    addresses = frozenset({address} if address else ())  # which may be the lead's id, too
    ids = frozenset({plain_id(named)})
    return Person(lead_ids=ids, addresses=addresses, by_name_alone=True, numbered=are_numbered(source))


def find_person(
    source: Source,
    paths: Paths,
    named: str,
    *,
    many: bool = False,
    sent: Callable[[], Iterable[pd.DataFrame]] = tuple,
) -> Person:
    """The person behind a lead's id or a mail address.

    An address means every lead that has it. An id means this lead, those merged into it or that it was merged into,
    and their addresses, unless another lead has the address too. Where no table knows it, the leads that were ``sent``
    in are asked, of which only those count that no table knows: an upload does not say who somebody else is.

    Raises
    ------
    UnknownPersonError : nothing here holds such an id or address
    ContractError : an address that over twenty leads have, unless ``many``
    """
    leads = _all_leads(source, paths)
    wanted = normal_email(named) if "@" in named else None
    ids = _ids_of(leads, named, wanted, read_merged_leads(paths))
    if not ids:
        leads = _add_sent(leads, source, sent())
        ids = _ids_of(leads, named, wanted, {})
    if not ids:
        raise UnknownPersonError(
            f"nothing of source '{source.name}' is about '{named}': no lead, no snapshot, no row in quarantine and "
            "nothing in the server's store or uploads. Check the id or address; a source's own files are read by the "
            "next ingest only."
        )
    if len(ids) > MOST_LEADS and not many:
        raise ContractError(
            f"'{named}' stands for {len(ids):,} leads, which is no one person. Name their ids one by "
            "one; 'leadscore forget' takes --many if all of them are meant."
        )
    by_address: dict[str, set[str]] = {}
    for lead, address in leads["address"]:
        by_address.setdefault(address, set()).add(lead)
    own = {address for address, who in by_address.items() if who & ids}
    alone = {address for address in own if by_address[address] <= ids} | ({wanted} if wanted else set())
    texts = {text for lead, text in leads["texts"] if lead in ids and len(text) >= _NAMES_SOMEBODY}
    common = texts & {text for lead, text in leads["texts"] if lead not in ids}
    return Person(
        lead_ids=frozenset(ids),
        addresses=frozenset(alone),
        texts=frozenset(texts - common),
        shared=frozenset(own - alone),
        common=len(common),
        numbered=are_numbered(source),
    )


def _ids_of(leads: Found, named: str, wanted: str | None, merged: Mapping[str, str]) -> set[str]:
    """Ids of the leads that are meant, with those of the merges they are part of."""
    if wanted is not None:
        ids = {str(lead) for lead, address in leads["address"] if address == wanted}
        ids |= {lead for lead in set(leads["ids"]) if "@" in lead and normal_email(lead) == wanted}
        return ids | {other for other, became in merged.items() if became in ids}
    ids = {plain_id(named)} & set(leads["ids"])
    ids |= {other for other, became in merged.items() if became in ids}
    ids |= {became for other, became in merged.items() if other in ids}
    return ids | {other for other, became in merged.items() if became in ids}


def _add_sent(leads: Found, source: Source, frames: Iterable[pd.DataFrame]) -> Found:
    """The leads with those that were sent in and that no table knows."""
    columns, named, known = source.tables["leads"].columns, naming_columns(source, ["leads"]), set(leads["ids"])
    personal = {
        header
        for name, column in columns.items()
        if column.role in (Role.PERSONAL, Role.SENSITIVE)
        for header in column.headers(name)
    }
    found: Found = {name: list(values) for name, values in leads.items()}
    for frame in frames:
        for key in sorted({"lead_id", *named.leads} & set(map(str, frame.columns))):
            strange = ~frame[key].astype("str").map(plain_id, na_action="ignore").isin(known)
            _collect(found, frame[strange].reset_index(drop=True), key, personal, named.staff)
    return found


def _all_leads(source: Source, paths: Paths) -> Found:
    """Ids, addresses and personal values of every lead in tables, tables before merging, snapshots and quarantine."""
    found: Found = {"ids": [], "address": [], "texts": []}
    columns = source.tables["leads"].columns
    staff = naming_columns(source, ["leads"]).staff
    personal = {name for name, column in columns.items() if column.role in (Role.PERSONAL, Role.SENSITIVE)}
    headers = {header: name for name, column in columns.items() for header in column.headers(name)}
    for file in (paths.ingest / "leads.parquet", paths.ingest / "unresolved" / "leads.parquet"):
        if file.exists():
            frame = read_parquet(file)
            key = id_column(source, frame)
            if key is None:
                key, frame = "row", frame.assign(row=[str(k) for k in range(1, len(frame) + 1)])
            _collect(found, frame, key, personal, staff)
    _collect_kept(found, source, paths, headers, personal)
    record = read_snapshots(paths)
    for export in exports_of(source):
        history = history_of(record, export.name)
        if history is None or export.key_table != "leads":
            continue
        for part in read_changes(paths, export.name, list(history.snapshots)):
            shown = {header: headers.get(header, header) for header in part.columns if header != KEY}
            _collect(found, part, KEY, {header for header, name in shown.items() if name in personal}, staff)
    _collect_quarantined(found, paths, headers, personal, staff)
    return found


def _collect_kept(found: Found, source: Source, paths: Paths, headers: dict[str, str], personal: set[str]) -> None:
    """Leads of a database that are in the copy of its table alone: a watermark does not tell which rows are deleted."""
    named = naming_columns(source, ["leads"])
    for kept in kept_tables(source, paths):
        rows = read_kept(kept.file) if "leads" in kept.tables else None
        for key in sorted(named.leads & set(rows.schema.names)) if rows is not None else ():
            hidden = {header for header, name in headers.items() if name in personal}
            _collect(found, arrow_to_frame(rows), key, hidden, named.staff)


def _collect_quarantined(
    found: Found, paths: Paths, headers: dict[str, str], personal: set[str], staff: frozenset[str]
) -> None:
    """Leads that are in quarantine alone."""
    for folder in (paths.ingest, paths.refused):
        file = folder / QUARANTINED_ROWS
        rows = read_parquet(file) if file.exists() else pd.DataFrame({"table": [], "raw": []})
        for raw in rows["raw"][(rows["table"] == "leads").to_numpy(dtype=bool)]:
            cells = _cells(str(raw))
            ids = [text for header, text in cells.items() if headers.get(header) == "lead_id"]
            if not ids:
                continue
            frame = pd.DataFrame([{name: text or None for name, text in cells.items()} | {KEY: ids[0]}])
            _collect(found, frame, KEY, {header for header, name in headers.items() if name in personal}, staff)


def _cells(raw: str) -> dict[str, str]:
    """A quarantined row by header; nothing where it could not be split into columns."""
    try:
        read = json.loads(raw)
    except ValueError:
        return {}
    return {str(name): str(text) for name, text in read.items()} if isinstance(read, dict) else {}


def _collect(found: Found, frame: pd.DataFrame, key: str, personal: set[str], staff: frozenset[str]) -> None:
    ids = frame[key].astype("str").map(plain_id, na_action="ignore")
    found["ids"] += ids.dropna().unique().tolist()
    for name in frame.columns:
        cells = frame[name]
        texts = cells.dtype == "object" or pd.api.types.is_string_dtype(cells)
        if name == key or name in STAFF or name in staff or not texts:
            continue
        held = cells.dropna().astype("str")
        mails = held[held.map(holds_at)]
        # what a note mentions may be anybody's: it is no address of the lead, and no mark against its return
        addresses = mails.map(addresses_in if name in personal else addresses_of).explode().dropna()
        found["address"] += list(zip(ids[addresses.index], addresses, strict=True))
        if name in personal:
            found["texts"] += list(zip(ids[held.index], held, strict=True))
