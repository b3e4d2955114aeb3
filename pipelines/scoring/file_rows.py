"""Rows of a file as the model sees them: filled from the source's tables, each as of its own moment."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import features_at
from features.assembly.closed_leads import ClosedLead, closed_leads
from features.assembly.flat_matrix import flat_at
from features.assembly.flat_outcomes import are_row_numbers
from features.catalog.feature import Catalog
from features.cohort.cohort import cutoff_of
from features.cohort.objections import WHY_NO_SCORE, objecting_leads
from features.matrix import Matrix
from features.schema.canonical_tables import TABLES
from features.schema.source import Flat, Source
from pipelines.compute.engines import choose_builder
from pipelines.ingest.data_cutoff import FAR_DAYS
from pipelines.ingest.identity_files import read_merged_leads
from pipelines.scoring.file_answers import add_file_answers
from pipelines.scoring.find_lead import parse_as_of, tables_if_any
from pipelines.scoring.leads_file import LeadsFile
from pipelines.workspace.context import Context
from pipelines.workspace.people.naming_columns import naming_columns
from pipelines.workspace.people.objecting import objecting_here
from pipelines.workspace.people.register import OBJECTS as OBJECTING
from pipelines.workspace.people.register import WHY_FORGOTTEN, read_register
from pipelines.workspace.table_files import empty_table

DISGUISE = "\0"  # before an id under which nothing is to be found; no file can hold it


def rows_of_file(
    context: Context,
    catalog: Catalog,
    leads: LeadsFile,
    merged: Mapping[str, str],
    as_of: str | None = None,
    *,
    closed: Mapping[str, ClosedLead] | None = None,
) -> tuple[Matrix, list[str], pd.Timestamp | None]:
    """Features of the file's rows by a catalog; why a row cannot be scored, empty where it can; when they are seen.

    A flat matrix has every row of the file, a relational one those without an error. Leads that are ``closed`` are seen
    as they stood at their close.
    """
    errors: list[str] = leads.errors.astype("object").tolist()
    _note_refusals(context, leads.frame, errors)
    if context.source.kind == "flat":
        return flat_at(leads.frame, catalog, context.source), errors, None

    tables = tables_if_any(context) or {name: empty_table(contract) for name, contract in TABLES.items()}
    named = leads.frame.assign(lead_id=replace_merged_leads(leads.frame["lead_id"], merged))
    duplicate = leads.frame["lead_id"].isin(list(merged))
    frame = _fill_from_tables(named.assign(created_at=named["created_at"].mask(duplicate)), tables["leads"])

    when = parse_as_of(as_of, _latest(context, tables, frame[(leads.errors == "").to_numpy(dtype=bool)]))
    seen_at = moments_of(frame["lead_id"], when, closed or {}, {})
    if as_of is None:
        _note_still_to_come(frame["created_at"], _newest_possible(context, tables), errors)
    _relational_errors(frame, seen_at, errors, closed or {})
    told = leads.frame.assign(lead_id=frame["lead_id"]).drop(columns=list(leads.missing_columns), errors="ignore")
    new = seen_at.mask(frame["lead_id"].isin(list(closed or {})))
    tables = {**tables, "answers": add_file_answers(tables, told, new, context.source)}
    return _relational_matrix(context, catalog, tables, frame, errors, seen_at), errors, when


def _note_refusals(context: Context, frame: pd.DataFrame, errors: list[str]) -> None:
    """Rows of people who are forgotten or object to profiling get no score, whoever asks and in whatever file."""
    register = read_register(context.paths.root)
    ids = frame["lead_id"] if "lead_id" in frame else pd.Series(pd.NA, index=frame.index)
    ids = ids.astype("str").str.removeprefix(DISGUISE)
    if context.source.kind != "flat":  # all that were merged: those of others, too, whom the caller knows nothing of
        ids = replace_merged_leads(ids, read_merged_leads(context.paths)).astype("str")
    ids = ids.mask(are_row_numbers(ids, context.source))
    object_ = objecting_leads(frame, context.source)
    object_ = object_ | ids.astype("str").isin(objecting_here(context)).to_numpy(dtype=bool)
    object_ = object_ | register.find_leads(ids, OBJECTING)
    forgotten = register.find_leads(ids)
    columns = naming_columns(context.source, ["leads"])
    for name in frame.columns if register.entries else ():
        texts = frame[name].dtype == "object" or pd.api.types.is_string_dtype(frame[name])
        if texts and name not in columns.staff:
            personal = name in columns.personal
            forgotten = forgotten | register.find_addresses(frame[name], personal=personal)
            object_ = object_ | register.find_addresses(frame[name], OBJECTING, personal=personal)
    for row in np.flatnonzero(forgotten | object_):
        # first of all reasons: by it whoever writes the rows leaves out what they say of the person
        errors[int(row)] = WHY_FORGOTTEN if forgotten[row] else errors[int(row)] or WHY_NO_SCORE


def _relational_errors(
    frame: pd.DataFrame, seen_at: pd.Series, errors: list[str], closed: Mapping[str, ClosedLead]
) -> None:
    first: dict[str, int] = {}
    for row, (lead_id, created, when) in enumerate(zip(frame["lead_id"], frame["created_at"], seen_at, strict=True)):
        if errors[row]:
            continue

        if pd.isna(lead_id):
            errors[row] = "lead_id is missing"
        elif lead_id in first:
            errors[row] = f"lead_id '{lead_id}' already appears in row {first[lead_id] + 1}; it is scored there"
        elif lead_id in closed and not pd.isna(created) and created >= when:
            errors[row] = f"{closed[lead_id].sentence}; it closed no later than it was created, so it was never open"
        elif not pd.isna(created) and created >= when:
            errors[row] = f"created_at {created:%Y-%m-%dT%H:%M} is not before as_of {when:%Y-%m-%dT%H:%M}"

        if not errors[row]:
            first[lead_id] = row


def _relational_matrix(
    context: Context, catalog: Catalog, tables: Tables, frame: pd.DataFrame, errors: list[str], seen_at: pd.Series
) -> Matrix:
    kept = [not text for text in errors]
    rows = frame[kept]
    others = tables["leads"][~tables["leads"]["lead_id"].isin(set(rows["lead_id"]))]
    leads = pd.concat([others, rows[list(others.columns)].astype(others.dtypes)], ignore_index=True)
    everything = {**tables, "leads": leads}
    names = rows["lead_id"].tolist()
    when = seen_at[kept].reset_index(drop=True)
    return features_at(everything, context.source, catalog, names, when, build=choose_builder(context.engine))


def _fill_from_tables(frame: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Rows of the file; what it leaves open is taken from the same lead in the source's tables."""
    at_home = known.drop_duplicates("lead_id").set_index("lead_id")
    filled = frame.copy()

    for name in at_home.columns:
        from_home = frame["lead_id"].map(at_home[name]) if len(at_home) else None
        if name not in filled:
            filled[name] = pd.Series(pd.NA, index=frame.index, dtype=at_home[name].dtype)
        if from_home is not None:
            filled[name] = filled[name].where(filled[name].notna(), from_home.astype(at_home[name].dtype))
    return filled


def replace_merged_leads(lead_id: pd.Series, merged: Mapping[str, str]) -> pd.Series:
    """Leads that were merged away are scored as the leads they became."""
    return lead_id.map(lambda name: merged.get(name, name), na_action="ignore").astype("str") if merged else lead_id


def closed_leads_of_file(
    context: Context, leads: LeadsFile, merged: Mapping[str, str], as_of: str | None
) -> dict[str, ClosedLead]:
    """Leads of the file that are over: by the source's tables; without clocks by the file's own target first."""
    source, tables = context.source, tables_if_any(context)
    if source.flat is not None:
        return _closed_without_clocks(leads.frame, source, source.flat, tables)
    if tables is None:
        return {}
    frame = _fill_from_tables(
        leads.frame.assign(lead_id=replace_merged_leads(leads.frame["lead_id"], merged)), tables["leads"]
    )
    sound = frame[(leads.errors == "").to_numpy(dtype=bool)]
    found = closed_leads(tables, source, parse_as_of(as_of, _latest(context, tables, sound)))
    return {name: found[name] for name in set(frame["lead_id"].dropna()) & set(found)}


def _closed_without_clocks(
    frame: pd.DataFrame, source: Source, flat: Flat, tables: Tables | None
) -> dict[str, ClosedLead]:
    """By the target in the file; a lead whose row says nothing is looked up."""
    ids, target = frame["lead_id"].astype("str"), flat.target.column
    known = closed_leads(tables, source, None) if tables is not None else {}
    if target not in frame:
        return {name: known[name] for name in set(ids) & set(known)}
    silent = set(ids[frame[target].isna()])
    return {name: known[name] for name in silent & set(known)} | closed_leads({"leads": frame}, source, None)


def moments_of(
    lead_id: pd.Series, when: pd.Timestamp | None, closed: Mapping[str, ClosedLead], merged: Mapping[str, str]
) -> pd.Series:
    """When each lead is seen: all at once, those that are over as they stood at their close; NaT without clocks."""
    if when is None:
        return pd.Series(pd.NaT, index=lead_id.index, dtype="datetime64[us]")
    names = replace_merged_leads(lead_id, merged).astype("object")
    moments = [closed[name].scored_at(when) if name in closed else when for name in names]
    return pd.Series(moments, index=lead_id.index, dtype="datetime64[us]")


def _latest(context: Context, tables: Tables, frame: pd.DataFrame) -> pd.Timestamp:
    """When to score at if nobody says: the data cut-off, or just after the newest lead of the file if that is later.

    A lead that is still to come is a slip of the keyboard, and moves nobody else's score.
    """
    cutoff, created = _cutoff(context, tables), frame["created_at"]
    moments = [] if cutoff is None else [cutoff]
    newest = created[created <= _newest_possible(context, tables)].max()
    if not pd.isna(newest):
        moments.append(newest + pd.Timedelta(hours=context.source.cohort.settle_hours))
    return max(moments) if moments else pd.Timestamp.now("UTC").tz_localize(None).floor("s")


def _cutoff(context: Context, tables: Tables) -> pd.Timestamp | None:
    """The data cut-off; None where nothing was ingested and none is declared."""
    has_clock = any("known_at" in t and t["known_at"].notna().any() for t in tables.values())
    return cutoff_of(tables, context.source) if has_clock or context.source.data_cutoff else None


def _newest_possible(context: Context, tables: Tables) -> pd.Timestamp:
    """Until when a lead can have come in: tomorrow, as clocks and zones differ, or the data cut-off if later."""
    tomorrow = pd.Timestamp.now("UTC").tz_localize(None).floor("h") + pd.Timedelta(days=1)
    cutoff = _cutoff(context, tables)
    return tomorrow if cutoff is None else max(tomorrow, cutoff)


def _note_still_to_come(created: pd.Series, newest: pd.Timestamp, errors: list[str]) -> None:
    for row in np.flatnonzero((created > newest).fillna(False).to_numpy(dtype=bool)):
        still = (
            f"created_at {created.iloc[row]:%Y-%m-%dT%H:%M} is still to come; correct the date, or name a later as_of"
        )
        errors[int(row)] = errors[int(row)] or still


def describe_late_moment(context: Context, when: pd.Timestamp | None) -> str:
    """A warning where leads of a file are scored long after the data cut-off; empty where they are not."""
    tables = tables_if_any(context)
    cutoff = None if tables is None or when is None else _cutoff(context, tables)
    if cutoff is None or when is None or when - cutoff <= pd.Timedelta(days=FAR_DAYS):
        return ""
    return (
        f"All rows are scored as of {when:%Y-%m-%d}, just after the newest lead of the file, but the tables "
        f"end {(when - cutoff).days:,} days before, on {cutoff:%Y-%m-%d}: what happened since is missing, and leads "
        "look that much older and quieter. Ingest a newer export first, or correct the date of that lead."
    )
