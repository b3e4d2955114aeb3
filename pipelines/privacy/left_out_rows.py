"""Rows of people that ingest leaves out: forgotten ones, those past retention, those without the consent they take.

Every such row is counted by why it was left out; none goes to quarantine, which would keep it.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.assembly.flat_outcomes import are_numbered
from features.cohort.objections import OBJECTS, objecting_leads
from features.cohort.shared_rights import share_rights
from features.schema.people.privacy import Consent
from features.schema.source import Source
from pipelines.artifacts.counts_record import MatchedKeys
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.row_selection import keep_rows
from pipelines.ingest.shaping.canonical_shape import ShapedTable
from pipelines.workspace.people import register as people
from pipelines.workspace.people.addresses_in_texts import hide_in_frame
from pipelines.workspace.people.naming_columns import naming_columns
from pipelines.workspace.people.register import Mask, PeopleRegister

FORGOTTEN, OBJECTION, CONSENT, RETENTION = "forgotten", "objection", "consent", "retention"
_PROFILED = ("activities", "answers")  # what is only kept to profile somebody
GoneRows = dict[str, npt.NDArray[np.int64]]  # by table the numbers of the rows of its file


def leave_out_people(
    source: Source, raws: dict[str, RawTable], shapes: dict[str, ShapedTable], register: PeopleRegister
) -> GoneRows:
    """Drop rows of forgotten people and of missing consent, and mark the leads that object, by any record of theirs;
    changes both mappings.

    Returns the rows of forgotten people.
    """
    before = dict(shapes)
    if register.has_forgotten:
        _leave_out_forgotten(source, raws, shapes, register)
    forgotten = _gone(before, shapes)
    if register.has_objections:
        shapes["leads"] = _mark_objections(source, raws["leads"], shapes["leads"], register)
    if source.flat is not None:
        return forgotten
    leads = share_rights(shapes["leads"].frame, source)
    shapes["leads"] = replace(shapes["leads"], frame=leads)
    objecting = set(leads["lead_id"][objecting_leads(leads, source)].dropna().astype("str"))
    for table in _PROFILED if objecting else ():
        if table in shapes:
            own = shapes[table].frame["lead_id"].astype("str").isin(objecting)
            shapes[table] = _drop(shapes[table], own.to_numpy(dtype=np.bool_), OBJECTION)
    if source.privacy is not None and source.privacy.consent and "activities" in shapes:
        hit = rows_without_consent(shapes["activities"].frame, leads, source.privacy.consent)
        shapes["activities"] = _drop(shapes["activities"], hit, CONSENT)
    return forgotten


def _gone(before: Mapping[str, ShapedTable], after: Mapping[str, ShapedTable]) -> GoneRows:
    """Numbers of the rows that a table had and has no more."""
    return {
        table: shaped.rows[:0] if after[table] is shaped else shaped.rows[~np.isin(shaped.rows, after[table].rows)]
        for table, shaped in before.items()
    }


def id_column(source: Source, leads: pd.DataFrame) -> str | None:
    """The column of leads that holds their id, or the number of their row; None where there is none."""
    declared = None if source.flat is None else source.flat.lead_id
    name = declared or "lead_id"
    return name if name in leads else None


def rows_without_consent(activities: pd.DataFrame, leads: pd.DataFrame, consent: Mapping[str, Consent]) -> Mask:
    """Activities of a channel whose lead has not agreed to it."""
    hit = np.zeros(len(activities), dtype=np.bool_)
    if "channel" not in activities:
        return hit
    channel, lead = activities["channel"].astype("str").str.casefold(), activities["lead_id"].astype("str")
    for name, one in consent.items():
        agreed = leads["lead_id"].astype("str")[_agrees(leads, one)]
        hit |= ((channel == name.casefold()) & ~lead.isin(set(agreed))).to_numpy(dtype=np.bool_, na_value=False)
    return hit


def leave_out_posted(
    source: Source, posted: Mapping[str, pd.DataFrame], leads: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Rows posted to the server without those of leads that object, and of channels they have not agreed to."""
    kept = dict(posted)
    if source.flat is not None or "lead_id" not in leads:
        return kept
    objecting = set(leads["lead_id"][objecting_leads(leads, source)].dropna().astype("str"))
    for table in _PROFILED if objecting else ():
        kept[table] = kept[table][~kept[table]["lead_id"].astype("str").isin(objecting)].reset_index(drop=True)
    if source.privacy is not None and source.privacy.consent and len(kept["activities"]):
        hit = rows_without_consent(kept["activities"], leads, source.privacy.consent)
        kept["activities"] = kept["activities"][~hit].reset_index(drop=True)
    return kept


def hide_contacts_without_consent(leads: pd.DataFrame, source: Source) -> pd.DataFrame:
    """The leads without the contacts of channels they have not agreed to."""
    consent = {} if source.privacy is None else source.privacy.consent
    for one in consent.values():
        silent = ~_agrees(leads, one)
        for name in one.contacts:
            if name in leads and silent.any():
                leads = leads.assign(**{name: leads[name].mask(silent)})
    return leads


def _agrees(leads: pd.DataFrame, consent: Consent) -> Mask:
    if consent.column not in leads:
        return np.zeros(len(leads), dtype=np.bool_)
    return leads[consent.column].astype("boolean").fillna(False).to_numpy(dtype=np.bool_)


def leave_out_old(source: Source, shapes: dict[str, ShapedTable], moment: pd.Timestamp | None) -> GoneRows:
    """Drop rows past the declared retention, counted back from a moment; of a lead whose last row is too old, all of
    them. Returns what went.
    """
    retention, before = {} if source.privacy is None else source.privacy.retention, dict(shapes)
    if moment is None:
        return {}
    for table, old in rows_past_retention({n: s.frame for n, s in shapes.items()}, retention, moment).items():
        shapes[table] = _drop(shapes[table], old, RETENTION)
    return _gone(before, shapes)


def rows_past_retention(
    frames: Mapping[str, pd.DataFrame], retention: Mapping[str, int], cutoff: pd.Timestamp
) -> dict[str, Mask]:
    """By table which rows are past the days they may be kept; tables without such rows are left out."""
    found: dict[str, Mask] = {}
    if "leads" in retention:
        bound = cutoff - pd.Timedelta(days=retention["leads"])
        last = _last_known(frames)
        gone = set(last.index[(last < bound).to_numpy(dtype=np.bool_)])
        for table, frame in frames.items():
            if "lead_id" in frame and len(frame):
                found[table] = frame["lead_id"].astype("str").isin(gone).to_numpy(dtype=np.bool_)
    for table, days in retention.items():
        if table != "leads" and table in frames and len(frames[table]):
            bound = cutoff - pd.Timedelta(days=days)
            old = (frames[table]["known_at"] < bound).fillna(False).to_numpy(dtype=np.bool_)
            found[table] = found.get(table, np.zeros(len(old), dtype=np.bool_)) | old
    return {table: old for table, old in found.items() if old.any()}


def _last_known(frames: Mapping[str, pd.DataFrame]) -> pd.Series:
    """When the last row of each lead became known."""
    parts = []
    for frame in frames.values():
        if {"lead_id", "known_at"} <= set(frame.columns) and len(frame):
            parts.append(pd.DataFrame({"lead": frame["lead_id"].astype("str"), "at": frame["known_at"]}))
    rows = pd.concat(parts, ignore_index=True)
    return rows.groupby("lead")["at"].max()


def _leave_out_forgotten(
    source: Source, raws: dict[str, RawTable], shapes: dict[str, ShapedTable], register: PeopleRegister
) -> None:
    by_row = {table: _rows_with_address(source, table, raws[table], register) for table in shapes}
    leads, key = shapes["leads"], None if are_numbered(source) else id_column(source, shapes["leads"].frame)
    gone: set[str] = set()
    if key is not None:
        hit = register.find_leads(leads.frame[key]) | np.isin(leads.rows, by_row["leads"])
        gone = set(leads.frame[key][hit].dropna().astype("str"))
    for table, shaped in list(shapes.items()):
        raws[table] = _without_broken(raws[table], shaped, register)
        if table == "accounts":
            raws[table], shapes[table] = _blank_addresses(raws[table], shaped, register)
            shapes[table] = hide_mentions(source, shapes[table], register)
            raws[table] = _hide_in_raw(source, table, raws[table], register)
            continue
        hit = np.isin(shaped.rows, by_row[table])
        named_by = key if table == "leads" else "lead_id"
        if named_by is not None and named_by in shaped.frame:
            ids = shaped.frame[named_by]
            named = ids.astype("str").isin(gone).to_numpy(dtype=np.bool_) | register.find_leads(ids)
            if table == "outcomes":
                shaped, named = keep_deals_of_accounts(shaped, named, gone, register)
            hit = hit | named
        shapes[table] = hide_mentions(source, _drop(shaped, hit, FORGOTTEN), register)
        raws[table] = _hide_in_raw(source, table, raws[table], register)


def hide_mentions(source: Source, shaped: ShapedTable, register: PeopleRegister) -> ShapedTable:
    """A table whose rows about others mention no address of a forgotten person; those of colleagues stay."""
    frame, _ = hide_in_frame(shaped.frame, register.hide_addresses, naming_columns(source, [shaped.name]).staff)
    unreadable = [replace(item, texts=tuple(map(register.hide_addresses, item.texts))) for item in shaped.unreadable]
    return replace(shaped, frame=frame, unreadable=unreadable)


def _hide_in_raw(source: Source, table: str, raw: RawTable, register: PeopleRegister) -> RawTable:
    """The rows as they stood in the file, of which quarantine keeps those that break a rule."""
    frame, _ = hide_in_frame(raw.frame, register.hide_addresses, naming_columns(source, [table]).staff)
    return replace(raw, frame=frame)


def keep_deals_of_accounts(
    shaped: ShapedTable, named: Mask, gone: set[str], register: PeopleRegister
) -> tuple[ShapedTable, Mask]:
    """A company's deal stays without the person, unless it has no company or is the person's own row under its id."""
    frame = shaped.frame
    own = frame["opportunity_id"].astype("str").isin(gone).to_numpy(dtype=np.bool_)
    own = own | register.find_leads(frame["opportunity_id"])
    kept = named & ~own & ("account_id" in frame and frame["account_id"].notna().to_numpy(dtype=np.bool_))
    if not kept.any():
        return shaped, named
    return replace(shaped, frame=frame.assign(lead_id=frame["lead_id"].mask(kept))), named & ~kept


def _rows_with_address(
    source: Source, table: str, raw: RawTable, register: PeopleRegister, asks: str = FORGOTTEN
) -> np.ndarray:
    """Numbers of the rows in which an address that is meant stands as a cell of its own."""
    named = naming_columns(source, [table])
    hit = np.zeros(len(raw.frame), dtype=np.bool_)
    for header in raw.frame.columns:
        cells = raw.frame[header]
        if header not in named.staff and (cells.dtype == "object" or pd.api.types.is_string_dtype(cells)):
            hit |= register.find_addresses(cells, asks, personal=header in named.personal)
    return raw.rows[hit]


def _blank_addresses(raw: RawTable, shaped: ShapedTable, register: PeopleRegister) -> tuple[RawTable, ShapedTable]:
    """A company stays; the address of a person in its row goes."""
    return (
        replace(raw, frame=blank_cells(raw.frame, register)),
        replace(shaped, frame=blank_cells(shaped.frame, register)),
    )


def blank_cells(frame: pd.DataFrame, register: PeopleRegister) -> pd.DataFrame:
    """A frame in which cells that are a forgotten address are empty."""
    for name in frame.columns:
        cells = frame[name]
        if cells.dtype == "object" or pd.api.types.is_string_dtype(cells):
            hit = register.find_addresses(cells)
            frame = frame.assign(**{name: cells.mask(hit)}) if hit.any() else frame
    return frame


def _without_broken(raw: RawTable, shaped: ShapedTable, register: PeopleRegister) -> RawTable:
    """Rows that could not be split into columns, without those that speak of somebody who is forgotten."""
    kept = tuple(row for row in raw.broken if not register.names(str(row.raw)))
    if len(kept) == len(raw.broken):
        return raw
    gone = len(raw.broken) - len(kept)
    shaped.left_out += gone
    shaped.people[FORGOTTEN] = shaped.people.get(FORGOTTEN, 0) + gone
    return replace(raw, broken=kept)


def _mark_objections(source: Source, raw: RawTable, shaped: ShapedTable, register: PeopleRegister) -> ShapedTable:
    hit = np.zeros(len(shaped.frame), dtype=np.bool_)
    key = None if are_numbered(source) else id_column(source, shaped.frame)
    if key is not None:
        hit |= register.find_leads(shaped.frame[key], people.OBJECTS)
    hit |= np.isin(shaped.rows, _rows_with_address(source, "leads", raw, register, people.OBJECTS))
    return replace(shaped, frame=shaped.frame.assign(**{OBJECTS: pd.array(hit, dtype="boolean")}))


def _drop(shaped: ShapedTable, hit: Mask, why: str) -> ShapedTable:
    if not hit.any():
        return shaped
    counts = dict(shaped.people)
    counts[why] = counts.get(why, 0) + int(hit.sum())
    return replace(keep_rows(shaped, ~hit), people=counts)


def hide_in_keys(keys: Mapping[str, MatchedKeys], register: PeopleRegister) -> dict[str, MatchedKeys]:
    """Examples of matched ids without those of forgotten people."""
    if not register.has_forgotten:
        return dict(keys)
    return {
        column: match.model_copy(
            update={
                "examples": {
                    how: tuple(text for text in texts if not register.names(text))
                    for how, texts in match.examples.items()
                }
            }
        )
        for column, match in keys.items()
    }
