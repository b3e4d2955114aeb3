"""Whose rows are meant: every lead that is this person, every address, and what else names them."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from features.cohort.identity_resolution import normal_email
from features.errors import ContractError, ExitStatus
from features.schema.source import Source
from features.schema.vocabulary import Role
from pipelines.ingest.identity_files import read_merged_leads
from pipelines.privacy.left_out_rows import id_column
from pipelines.snapshots.declared_exports import exports_of
from pipelines.snapshots.differences import KEY
from pipelines.snapshots.snapshot_store import history_of, read_changes, read_snapshots
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.register import plain_id

Found = dict[str, list[Any]]
_NAMES_SOMEBODY = 5  # letters: shorter personal values stand for too many other things to be looked for in texts
MOST_LEADS = 20  # of one address: beyond it it is no one person's


class UnknownPersonError(ContractError):
    """An id or address that nothing here holds."""

    code: ClassVar[str] = "LS075"
    exit_status: ClassVar[ExitStatus] = ExitStatus.CONTRACT


@dataclass(frozen=True)
class Person:
    """A person as the data know them.

    Parameters
    ----------
    lead_ids : every lead that is this person, those merged into another among them
    addresses : mail addresses in one spelling that are this person's alone
    texts : name, telephone and other personal values as they are written
    shared : addresses that other leads have too
    """

    lead_ids: frozenset[str]
    addresses: frozenset[str]
    texts: frozenset[str] = frozenset()
    shared: frozenset[str] = field(default_factory=frozenset)

    def is_lead(self, value: object) -> bool:
        """Whether a value is one of the ids."""
        return isinstance(value, str) and plain_id(value) in self.lead_ids

    def is_address(self, value: object) -> bool:
        """Whether a value is one of the addresses."""
        return isinstance(value, str) and "@" in value and normal_email(value) in self.addresses

    @property
    def spellings(self) -> list[str]:
        """The ids as they may stand somewhere; ``1000`` also as the ``1000.0`` that spreadsheets make of it."""
        return sorted({*self.lead_ids, *(f"{lead}.0" for lead in self.lead_ids if lead.isdigit())})


def lead_columns(source: Source, key: Collection[str] = ()) -> frozenset[str]:
    """Columns of a source's files that hold ids of leads; of snapshots ``KEY`` too, if their rows have such a key."""
    named = [table.columns["lead_id"] for table in source.tables.values() if "lead_id" in table.columns]
    headers = frozenset(header for column in named for header in column.headers("lead_id"))
    return headers | {KEY} if headers & set(key) else headers


def find_person(source: Source, paths: Paths, named: str, *, many: bool = False) -> Person:
    """The person behind a lead's id or a mail address.

    An address means every lead that has it. An id means this lead, those merged into it or that it was merged into,
    and their addresses, unless another lead has the address too.

    Raises
    ------
    UnknownPersonError : nothing here holds such an id or address
    ContractError : an address that over twenty leads have, unless ``many``
    """
    leads = _all_leads(source, paths)
    wanted = normal_email(named) if "@" in named else None
    merged = read_merged_leads(paths)
    if wanted is not None:
        ids = {str(lead) for lead, address in leads["address"] if address == wanted}
        ids |= {other for other, became in merged.items() if became in ids}
    else:
        ids = {plain_id(named)} & set(leads["ids"])
        ids |= {other for other, became in merged.items() if became in ids}
        ids |= {became for other, became in merged.items() if other in ids}
        ids |= {other for other, became in merged.items() if became in ids}
    if not ids:
        raise UnknownPersonError(
            f"nothing of source '{source.name}' is about '{named}': no lead, no snapshot and no row in quarantine. "
            "Check the id or address; a source's own files are read by the next ingest only."
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
    return Person(frozenset(ids), frozenset(alone), frozenset(texts), frozenset(own - alone))


def _all_leads(source: Source, paths: Paths) -> Found:
    """Ids, addresses and personal values of every lead in tables, tables before merging, snapshots and quarantine."""
    found: Found = {"ids": [], "address": [], "texts": []}
    columns = source.tables["leads"].columns
    personal = {name for name, column in columns.items() if column.role in (Role.PERSONAL, Role.SENSITIVE)}
    headers = {header: name for name, column in columns.items() for header in column.headers(name)}
    for file in (paths.ingest / "leads.parquet", paths.ingest / "unresolved" / "leads.parquet"):
        if file.exists():
            frame = read_parquet(file)
            key = id_column(source, frame)
            if key is None:
                key, frame = "row", frame.assign(row=[str(k) for k in range(1, len(frame) + 1)])
            _collect(found, frame, key, personal)
    record = read_snapshots(paths)
    for export in exports_of(source):
        history = history_of(record, export.name)
        if history is None or export.key_table != "leads":
            continue
        for part in read_changes(paths, export.name, list(history.snapshots)):
            shown = {header: headers.get(header, header) for header in part.columns if header != KEY}
            _collect(found, part, KEY, {header for header, name in shown.items() if name in personal})
    _collect_quarantined(found, paths, headers, personal)
    return found


def _collect_quarantined(found: Found, paths: Paths, headers: dict[str, str], personal: set[str]) -> None:
    """Leads that are in quarantine alone."""
    for folder in (paths.ingest, paths.refused):
        file = folder / "quarantined_rows.parquet"
        rows = read_parquet(file) if file.exists() else pd.DataFrame({"table": [], "raw": []})
        for raw in rows["raw"][(rows["table"] == "leads").to_numpy(dtype=bool)]:
            cells = _cells(str(raw))
            ids = [text for header, text in cells.items() if headers.get(header) == "lead_id"]
            if not ids:
                continue
            frame = pd.DataFrame([{name: text or None for name, text in cells.items()} | {KEY: ids[0]}])
            _collect(found, frame, KEY, {header for header, name in headers.items() if name in personal})


def _cells(raw: str) -> dict[str, str]:
    """A quarantined row by header; nothing where it could not be split into columns."""
    try:
        read = json.loads(raw)
    except ValueError:
        return {}
    return {str(name): str(text) for name, text in read.items()} if isinstance(read, dict) else {}


def _collect(found: Found, frame: pd.DataFrame, key: str, personal: set[str]) -> None:
    ids = frame[key].astype("str").map(plain_id, na_action="ignore")
    found["ids"] += ids.dropna().unique().tolist()
    for name in frame.columns:
        cells = frame[name]
        if name == key or name == "owner" or not (cells.dtype == "object" or pd.api.types.is_string_dtype(cells)):
            continue
        held = cells.dropna().astype("str")
        mails = held[held.str.contains("@", regex=False)]
        addresses = mails.map(normal_email).dropna()
        found["address"] += list(zip(ids[addresses.index], addresses, strict=True))
        if name in personal:
            found["texts"] += list(zip(ids[held.index], held, strict=True))
