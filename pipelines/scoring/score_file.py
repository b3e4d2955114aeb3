"""Score the leads of a file: one row out per row in, in the same order, nothing dropped."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from features.array_types import Bools
from features.assembly.closed_leads import ClosedLead
from features.assembly.crm_facts import Closes, CrmFacts
from features.assembly.flat_outcomes import are_row_numbers
from features.assembly.rule_values import rules_catalog
from features.errors import ContractError
from features.matrix import Matrix
from features.point_in_time.microseconds import micros
from models.accounts.needed_seats import with_missing_seats
from models.explaining.manual.manual_score import ManualRows
from models.judging.drift.trained_values import TrainedValues
from models.scoring import Beside, score
from pipelines.ingest.identity_files import read_merged_leads
from pipelines.scoring.file_rows import (
    DISGUISE,
    closed_leads_of_file,
    describe_late_moment,
    moments_of,
    replace_merged_leads,
    rows_of_file,
)
from pipelines.scoring.find_lead import CHAMPION, find_bundle, find_framework, find_reading, tables_if_any
from pipelines.scoring.leads_file import LeadsFile, read_leads_file
from pipelines.scoring.row_notes import (
    ERROR,
    NOTE,
    describe_errors,
    hidden_features,
    note_ages,
    note_closed_leads,
    note_merged_leads,
    note_unseen,
)
from pipelines.scoring.shown_columns import order_for_people, read_and_name_leads, shown_columns
from pipelines.scoring.shown_feedback import mark_scored, meanings_in
from pipelines.workspace.atomic_files import write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.csv_files import write_csv
from pipelines.workspace.people.addresses_in_texts import HIDDEN, hide_in_frame
from pipelines.workspace.people.naming_columns import naming_columns
from pipelines.workspace.people.register import WHY_FORGOTTEN, read_register
from pipelines.workspace.standing_feedback import StandingFeedback, read_standing_feedback

SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class ScoredFile:
    """What came out: one row per row of the file; ``error`` says why a row has no score, ``note`` what to mind.

    ``unseen`` is a line per column with values that training never saw, ``late`` a warning where the newest lead moves
    all others long past the data cut-off.
    """

    frame: pd.DataFrame
    unused_columns: tuple[str, ...]
    missing_columns: tuple[str, ...]
    unseen: tuple[str, ...]
    late: str = ""


@dataclass(frozen=True)
class OffRecord:
    """Leads and accounts, by id, that count as if the source did not have them."""

    leads: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()


NOTHING = OffRecord()


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
    late: str


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
    write_scored(read_and_name_leads(context, found.frame, elsewhere=True), out)
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
        late=found.late,
    )


def score_leads(
    context: Context,
    leads: LeadsFile,
    *,
    bundle: str = CHAMPION,
    framework: str | None = None,
    as_of: str | None = None,
    unknown: OffRecord = NOTHING,
    said: StandingFeedback | None = None,
) -> ScoredFile:
    """Score what was read from a file; what is known of a lead from the source's own tables is used too.

    ``said`` is what sales said and stands now; None: as the last ingest read it. What is ``unknown`` is scored by what
    the file says alone.
    """
    model = find_bundle(context, bundle)
    given, named = leads, leads.frame["lead_id"]
    numbered = are_row_numbers(named, context.source)
    leads = replace(leads, frame=_disguise(leads.frame, unknown, numbered))
    merged = {} if context.source.kind == "flat" else read_merged_leads(context.paths)
    merged = {name: became for name, became in merged.items() if name not in unknown.leads}
    closed = closed_leads_of_file(context, leads, merged, as_of)
    matrix, errors, when = rows_of_file(context, model.catalog, leads, merged, as_of, closed=closed)
    usable = np.array([not text for text in errors], dtype=bool)
    places = _places(matrix, usable)

    manual, rubric = None, context.newer_rubric(model)
    if rubric is not None:
        rules = rules_catalog(context.source, rubric)
        others = rows_of_file(context, rules, leads, merged, as_of, closed=closed)[0]
        manual = ManualRows(rubric, others.values.iloc[places].reset_index(drop=True))

    seen = matrix.take(places)
    facts = None if when is None else _facts_of(context, seen, when, closed)
    scored = score(
        model,
        seen,
        find_framework(context, framework),
        source=context.source,
        policy=context.policy,
        beside=Beside(facts, manual),
    )

    frame = scored.frame.set_index(np.flatnonzero(usable)).reindex(range(len(errors)))
    gone = np.array([text == WHY_FORGOTTEN for text in errors], dtype=bool)
    frame["lead_id"] = named.astype("object").mask(gone & ~numbered, HIDDEN).to_numpy()
    frame["as_of"] = moments_of(leads.frame["lead_id"], when, closed, merged)
    frame[ERROR] = errors
    frame[NOTE] = note_ages(model, matrix, usable)
    trained = TrainedValues.of(model, hidden_features(model, context.source))
    rows = trained.unseen_per_row(scored.rows)
    frame[NOTE] = note_unseen(frame[NOTE].tolist(), rows, usable)
    if merged:
        frame[NOTE] = note_merged_leads(frame, merged)
    if closed:
        looked_up = leads.frame["lead_id"]
        frame[NOTE] = note_closed_leads(frame.assign(lead_id=looked_up.to_numpy()), closed, merged)
        if facts is None:  # without clocks there is no day on which anything is due again
            over = usable & replace_merged_leads(looked_up, merged).isin(list(closed)).to_numpy(dtype=bool)
            frame.loc[over, ["next_action", "question"]] = ["none", ""]
    said = read_standing_feedback(context.paths) if said is None else said
    pinned = {lead: pin for lead, pin in said.pinned.items() if lead not in unknown.leads}
    said = replace(said, pinned=pinned)  # that somebody may not be contacted holds for whoever asks
    meanings = meanings_in(context, by_points=model.by_points)
    spoken_of = replace_merged_leads(frame["lead_id"].mask(numbered), merged)
    frame = mark_scored(said, meanings, frame, spoken_of, closed)

    frame = _with_shown(_keep_whole_numbers(frame, scored.frame), given, context)
    unseen = trained.describe(rows, scored.rows)
    late = describe_late_moment(context, when) if as_of is None else ""
    return ScoredFile(frame, leads.undeclared_columns, leads.missing_columns, tuple(unseen), late)


def _facts_of(context: Context, matrix: Matrix, when: pd.Timestamp, closed: Mapping[str, ClosedLead]) -> CrmFacts:
    """What people did with the leads of the file until the moment asked for, as far as the source's tables know."""
    keys = matrix.keys
    lead_ids = keys["lead_id"].to_numpy(dtype=object)
    tables = tables_if_any(context) or {}
    facts = CrmFacts.of(tables, context.source, lead_ids, micros(keys["as_of"]), Closes(when, closed))
    return with_missing_seats(facts, tables, context.source, lead_ids, context.accounts_policy)


def _with_shown(frame: pd.DataFrame, leads: LeadsFile, context: Context) -> pd.DataFrame:
    """The frame with what the file itself says of who the leads are, and the expected value where a win has one.

    Whoever is forgotten is mentioned nowhere in it, and nothing of their row is.
    """
    own, register = list(frame.columns), read_register(context.paths.root)
    shown = [name for name in shown_columns(context.source, "leads") if name not in own and name in leads.frame]
    staff = naming_columns(context.source, ["leads"]).staff
    said, _ = hide_in_frame(leads.frame[shown], register.hide_addresses, staff)
    gone = frame[ERROR].eq(WHY_FORGOTTEN).to_numpy(dtype=bool)
    for name in shown:
        cells = said[name].mask(gone)
        if cells.notna().any():
            frame[name] = cells.to_numpy()
    frame[ERROR] = [register.hide_addresses(text) for text in frame[ERROR]]
    value = context.source.capacity.value_per_win
    if value is not None and "expected_value" not in frame:
        frame["expected_value"] = (frame["probability"] * value).round(2)
    return order_for_people(frame, own)


def _disguise(frame: pd.DataFrame, unknown: OffRecord, numbered: Bools) -> pd.DataFrame:
    """Ids under which nothing is on record, for leads and accounts that count as unknown, and for rows that are
    ``numbered`` alone, as what is on record of a number is another lead's; no file can hold such an id.

    Rows of one account stay rows of one account.
    """
    foreign = frame["lead_id"].isin(list(unknown.leads))
    hidden = {"lead_id": foreign | numbered}
    if "account_id" in frame:
        hidden["account_id"] = foreign | frame["account_id"].isin(list(unknown.accounts))
    for name, hit in hidden.items():
        hit &= frame[name].notna()
        if hit.any():
            frame = frame.assign(**{name: frame[name].mask(hit, DISGUISE + frame[name].astype("str")).astype("str")})
    return frame


def _places(matrix: Matrix, usable: np.ndarray) -> np.ndarray:
    """Positions in the matrix of the usable rows: a flat matrix has every row, a relational one only these."""
    return np.flatnonzero(usable) if len(matrix) == len(usable) else np.arange(len(matrix))


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
