"""Score the leads of a file: one row out per row in, in the same order, nothing dropped."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import features_at
from features.assembly.closed_leads import ClosedLead, closed_leads
from features.assembly.flat_matrix import flat_at
from features.cohort.cohort import cutoff_of
from features.errors import ContractError
from features.matrix import Matrix
from features.schema.canonical_tables import TABLES
from features.schema.source import Flat, Source
from models.bundle import Bundle
from models.judging.drift.trained_values import TrainedValues
from models.scoring import score
from pipelines.compute.engines import choose_builder
from pipelines.ingest.identity_files import read_merged_leads
from pipelines.scoring.file_answers import add_file_answers
from pipelines.scoring.find_lead import CHAMPION, find_bundle, find_framework, find_reading, parse_as_of, tables_if_any
from pipelines.scoring.leads_file import LeadsFile, read_leads_file
from pipelines.scoring.row_notes import describe_errors, hidden_features, note_unseen
from pipelines.scoring.shown_columns import order_for_people, read_and_name_leads, shown_columns
from pipelines.workspace.atomic_files import write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.csv_files import write_csv
from pipelines.workspace.table_files import empty_table

SUFFIXES = (".csv", ".parquet")
ERROR, NOTE = "error", "note"


@dataclass(frozen=True)
class ScoredFile:
    """What came out: one row per row of the file; ``error`` says why a row has no score, ``note`` what to mind.

    ``unseen`` is a line per column with values that training never saw.
    """

    frame: pd.DataFrame
    unused_columns: tuple[str, ...]
    missing_columns: tuple[str, ...]
    unseen: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ScoredFileCounts:
    """What scoring a file came to, as the command reports it."""

    input: str
    out: str
    rows: int
    scored: int
    errors: int
    notes: int
    unused_columns: list[str]
    missing_columns: list[str]
    unseen: list[str]
    reasons: list[str]


def score_file(
    context: Context,
    file: Path,
    out: Path,
    *,
    bundle: str = CHAMPION,
    framework: str | None = None,
    as_of: str | None = None,
) -> ScoredFileCounts:
    """Read, score and write; returns the counts.

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError, MissingColumnError
        about the file as a whole; nothing is written then.
    ContractError
        if ``out`` is neither .csv nor .parquet.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise ContractError(f"--out {out.name} must end in {' or '.join(SUFFIXES)}.")
    leads = read_leads_file(file, context.source, find_reading(context, bundle))
    found = score_leads(context, leads, bundle=bundle, framework=framework, as_of=as_of)
    write_scored(read_and_name_leads(context, found.frame), out)
    errors = int((found.frame[ERROR] != "").sum())
    return ScoredFileCounts(
        input=str(file),
        out=str(out),
        rows=len(found.frame),
        scored=len(found.frame) - errors,
        errors=errors,
        notes=int((found.frame[NOTE] != "").sum()),
        unused_columns=list(found.unused_columns),
        missing_columns=list(found.missing_columns),
        unseen=list(found.unseen),
        reasons=describe_errors(found.frame[ERROR].tolist()),
    )


def score_leads(
    context: Context,
    leads: LeadsFile,
    *,
    bundle: str = CHAMPION,
    framework: str | None = None,
    as_of: str | None = None,
    unknown: frozenset[str] = frozenset(),
) -> ScoredFile:
    """Score what was read from a file; what is known of a lead from the source's own tables is used too.

    Leads in ``unknown`` are scored as if the source did not have them: by what the file says alone.
    """
    model = find_bundle(context, bundle)
    named = leads.frame["lead_id"]
    leads = replace(leads, frame=leads.frame.assign(lead_id=_disguise(named, unknown)))
    merged = {} if context.source.kind == "flat" else read_merged_leads(context.paths)
    merged = {name: became for name, became in merged.items() if name not in unknown}
    closed = _closed_of_file(context, leads, merged, as_of)
    matrix, errors, when = rows_of_file(context, model, leads, merged, as_of, closed=closed)
    usable = np.array([not text for text in errors], dtype=bool)

    shown = find_framework(context, framework)
    scored = score(model, matrix.take(_places(matrix, usable)), shown, source=context.source, policy=context.policy)

    frame = scored.frame.set_index(np.flatnonzero(usable)).reindex(range(len(errors)))
    frame["lead_id"] = named.astype("object").to_numpy()
    frame["as_of"] = _moments(leads.frame["lead_id"], when, closed, merged)
    frame[ERROR] = errors
    frame[NOTE] = _notes(model, matrix, usable)
    trained = TrainedValues.of(model, hidden_features(model, context.source))
    rows = trained.unseen_per_row(scored.rows)
    frame[NOTE] = note_unseen(frame[NOTE].tolist(), rows, usable)
    if merged:
        frame[NOTE] = note_merged_leads(frame, merged)
    if closed:
        frame[NOTE] = _note_closed_leads(frame, closed, merged)
        over = usable & replace_merged_leads(frame["lead_id"], merged).isin(list(closed)).to_numpy(dtype=bool)
        frame.loc[over, ["next_action", "question"]] = ["none", ""]

    frame = _with_shown(_keep_whole_numbers(frame, scored.frame), leads, context)
    unseen = trained.describe(rows, scored.rows)
    return ScoredFile(frame, leads.undeclared_columns, leads.missing_columns, tuple(unseen))


def _with_shown(frame: pd.DataFrame, leads: LeadsFile, context: Context) -> pd.DataFrame:
    """The frame with what the file itself says of who the leads are, and the expected value where a win has one."""
    own = list(frame.columns)
    for name in shown_columns(context.source, "leads"):
        if name not in own and name in leads.frame and leads.frame[name].notna().any():
            frame[name] = leads.frame[name].to_numpy()
    value = context.source.capacity.value_per_win
    if value is not None and "expected_value" not in frame:
        frame["expected_value"] = (frame["probability"] * value).round(2)
    return order_for_people(frame, own)


def _closed_of_file(
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
    found = closed_leads(tables, source, parse_as_of(as_of, _latest(context, tables, frame)))
    return {name: found[name] for name in set(frame["lead_id"].dropna()) & set(found)}


def _closed_without_clocks(
    frame: pd.DataFrame, source: Source, flat: Flat, tables: Tables | None
) -> dict[str, ClosedLead]:
    """By the target in the file; a lead whose row says nothing is looked up, where leads have ids of their own."""
    ids, target = frame["lead_id"].astype("str"), flat.target.column
    known = closed_leads(tables, source, None) if tables is not None and flat.lead_id is not None else {}
    if target not in frame:
        return {name: known[name] for name in set(ids) & set(known)}
    silent = set(ids[frame[target].isna()])
    return {name: known[name] for name in silent & set(known)} | closed_leads({"leads": frame}, source, None)


def _moments(
    lead_id: pd.Series, when: pd.Timestamp | None, closed: Mapping[str, ClosedLead], merged: Mapping[str, str]
) -> pd.Series:
    """When each lead is seen: all at once, those that are over as they stood at their close; NaT without clocks."""
    if when is None:
        return pd.Series(pd.NaT, index=lead_id.index, dtype="datetime64[us]")
    names = replace_merged_leads(lead_id, merged).astype("object")
    moments = [closed[name].scored_at(when) if name in closed else when for name in names]
    return pd.Series(moments, index=lead_id.index, dtype="datetime64[us]")


def _note_closed_leads(frame: pd.DataFrame, closed: Mapping[str, ClosedLead], merged: Mapping[str, str]) -> list[str]:
    notes = []
    for name, note, error in zip(frame["lead_id"], frame[NOTE], frame[ERROR], strict=True):
        ended = closed.get(merged.get(name, name)) if isinstance(name, str) else None
        then = "" if ended is None or ended.at is None or error else "; the score is the one it had then"
        notes.append(note if ended is None else "; ".join(filter(None, (f"{ended.sentence}{then}", note))))
    return notes


def rows_of_file(
    context: Context,
    model: Bundle,
    leads: LeadsFile,
    merged: Mapping[str, str],
    as_of: str | None = None,
    *,
    closed: Mapping[str, ClosedLead] | None = None,
) -> tuple[Matrix, list[str], pd.Timestamp | None]:
    """Features of the file's rows; why a row cannot be scored, empty where it can; and the moment they are seen at.

    A flat matrix has every row of the file, a relational one those without an error. Leads that are ``closed`` are seen
    as they stood at their close.
    """
    errors: list[str] = leads.errors.astype("object").tolist()
    if context.source.kind == "flat":
        return flat_at(leads.frame, model.catalog, context.source), errors, None

    tables = tables_if_any(context) or {name: empty_table(contract) for name, contract in TABLES.items()}
    named = leads.frame.assign(lead_id=replace_merged_leads(leads.frame["lead_id"], merged))
    duplicate = leads.frame["lead_id"].isin(list(merged))
    frame = _fill_from_tables(named.assign(created_at=named["created_at"].mask(duplicate)), tables["leads"])

    when = parse_as_of(as_of, _latest(context, tables, frame))
    seen_at = _moments(frame["lead_id"], when, closed or {}, {})
    _relational_errors(frame, seen_at, errors, closed or {})
    told = leads.frame.assign(lead_id=frame["lead_id"]).drop(columns=list(leads.missing_columns), errors="ignore")
    new = seen_at.mask(frame["lead_id"].isin(list(closed or {})))
    tables = {**tables, "answers": add_file_answers(tables, told, new, context.source)}
    return _relational_matrix(context, model, tables, frame, errors, seen_at), errors, when


def _disguise(lead_id: pd.Series, unknown: frozenset[str]) -> pd.Series:
    """Ids under which nothing is on record, for the leads that count as unknown; no file can hold such an id."""
    if not unknown:
        return lead_id
    return lead_id.map(lambda name: f"\0{name}" if name in unknown else name, na_action="ignore").astype("str")


def _places(matrix: Matrix, usable: np.ndarray) -> np.ndarray:
    """Positions in the matrix of the usable rows: a flat matrix has every row, a relational one only these."""
    return np.flatnonzero(usable) if len(matrix) == len(usable) else np.arange(len(matrix))


def replace_merged_leads(lead_id: pd.Series, merged: Mapping[str, str]) -> pd.Series:
    """Leads that were merged away are scored as the leads they became."""
    return lead_id.map(lambda name: merged.get(name, name), na_action="ignore").astype("str") if merged else lead_id


def note_merged_leads(frame: pd.DataFrame, merged: Mapping[str, str]) -> list[str]:
    """The note of each row, with the lead it was scored as where its own was merged away."""
    return [
        "; ".join(filter(None, (note, f"scored as lead '{merged[name]}', its duplicate" if name in merged else "")))
        for name, note in zip(frame["lead_id"], frame[NOTE], strict=True)
    ]


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


def _latest(context: Context, tables: Tables, frame: pd.DataFrame) -> pd.Timestamp:
    """When to score at if nobody says: the data cut-off, or just after the newest lead of the file if that is later."""
    has_clock = any("known_at" in t and t["known_at"].notna().any() for t in tables.values())
    moments = [cutoff_of(tables, context.source)] if has_clock or context.source.data_cutoff else []
    newest = frame["created_at"].max()
    if not pd.isna(newest):
        moments.append(newest + pd.Timedelta(hours=context.source.cohort.settle_hours))
    return max(moments) if moments else pd.Timestamp.now("UTC").tz_localize(None).floor("s")


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
    context: Context, model: Bundle, tables: Tables, frame: pd.DataFrame, errors: list[str], seen_at: pd.Series
) -> Matrix:
    kept = [not text for text in errors]
    rows = frame[kept]
    others = tables["leads"][~tables["leads"]["lead_id"].isin(set(rows["lead_id"]))]
    leads = pd.concat([others, rows[list(others.columns)].astype(others.dtypes)], ignore_index=True)
    everything = {**tables, "leads": leads}
    names = rows["lead_id"].tolist()
    when = seen_at[kept].reset_index(drop=True)
    return features_at(everything, context.source, model.catalog, names, when, build=choose_builder(context.engine))


def _notes(model: Bundle, matrix: Matrix, usable: np.ndarray) -> list[str]:
    """What a reader should mind: leads older or younger than any the model was trained on."""
    oldest = model.age_days[1]
    age = matrix.keys["age_days"].to_numpy(dtype=np.float64)
    age = age if len(age) == len(usable) else _spread(age, usable)
    return [
        f"{days:.0f} days old, the oldest lead trained on was {oldest:.0f}: read the score with care"
        if ok and np.isfinite(days) and np.isfinite(oldest) and days > oldest + 1
        else ""
        for ok, days in zip(usable, age, strict=True)
    ]


def _spread(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    full = np.full(len(usable), np.nan)
    full[usable] = values
    return full


def _keep_whole_numbers(frame: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers stay whole where rows without a score lie between them."""
    whole = [name for name in like.columns if pd.api.types.is_integer_dtype(like[name].dtype)]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def write_scored(frame: pd.DataFrame, out: Path, *, marked: bool = True) -> None:
    """Write a scored frame as CSV (for people: see :mod:`pipelines.workspace.csv_files`) or Parquet (as it is), by its
    ending, atomically.
    """
    if out.suffix.lower() == ".parquet":
        write_parquet(out, frame)
    else:
        write_csv(out, frame, marked=marked)
