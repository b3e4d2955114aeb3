"""A commented starter declaration for one file: guesses a person corrects."""

from pathlib import Path

import pandas as pd

from features.kernel.column_reader import FALSE_TEXTS, TRUE_TEXTS
from features.schema.table_source import Location
from pipelines.declaring.column_lines import explain_once
from pipelines.declaring.column_names import name_source
from pipelines.declaring.column_values import texts_of_table
from pipelines.declaring.corrections.corrected_status import correct_status
from pipelines.declaring.corrections.file_corrections import NOTHING_SAID, FileCorrections
from pipelines.declaring.deal_clocks import explain_misfit
from pipelines.declaring.file_facts import FileFacts, find_facts
from pipelines.declaring.starter_deals import deal_lines
from pipelines.declaring.starter_flat import flat_lines
from pipelines.declaring.status_column import StatusColumn, explain_missing_status, find_status
from pipelines.declaring.uncertain_encoding import read_likeliest
from pipelines.declaring.words.status_flags import StatusFlags
from pipelines.declaring.yaml_text import join_lines, quote_yaml


def read_facts(path: Path, said: FileCorrections = NOTHING_SAID) -> tuple[FileFacts, str]:
    """Facts of a file, guessed unless ``said``, and what a person has to look at first; "" if nothing.

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError
        naming the file.
    DataError
        what was said does not fit the file.
    """
    raw, question = read_likeliest(Location(file=path.name), path)
    frame = texts_of_table(raw)
    return find_facts(path, raw, frame, correct_status(frame, find_status(frame), said), said), question


def declare_facts(facts: FileFacts, question: str = "") -> str:
    """Text of the starter declaration of a file: with clocks where it says when deals came in and closed, else flat.

    Every guess is open to correction and stands with its evidence; what must be edited before the first run is listed
    at the top.
    """
    if facts.clocks is not None and facts.status is not None and facts.lead_id is not None:
        body = deal_lines(facts, facts.clocks, facts.status, facts.lead_id)
    else:
        body = flat_lines(facts)
    return join_lines([*_head(facts, question), *explain_once(body)])


def _head(facts: FileFacts, question: str) -> list[str]:
    path, raw, frame, status = facts.path, facts.raw, facts.frame, facts.status

    lines = [
        f"# Starter declaration for {path.name}: {len(frame):,} rows, {len(frame.columns)} columns.",
        "# Everything here is a guess: correct it, save it beside the file, run leadscore run --source THIS.yaml",
        "# Every key is explained in docs/sources.md.",
    ]
    lines += [f"# {note}" for note in raw.notes]
    if raw.broken:
        lines.append(
            f"# {len(raw.broken)} rows do not fit the header (first: row {raw.broken[0].row}); they go to quarantine."
        )
    repeats = facts.repeats
    if repeats is not None and repeats.alike:
        lines.append(
            f"# {repeats.alike:,} rows repeat another word for word: each counts once, the others go to quarantine."
        )
    edits = [*([question] if question else []), *find_edits(status, frame), *_edit_clocks(facts), *_edit_repeats(facts)]
    edits += _edit_young_rows(facts)
    lines += [f"# TO EDIT: {text}" for text in edits] or ["# Nothing has to be edited before the first run."]
    if status is not None and status.flags is not None:
        lines.append(_flags_in_words(status.flags))
    if status is not None:
        won, closed = status.rows(status.meanings["won"]), int(status.is_won(frame).notna().sum())
        still = status.rows(status.open)
        lines.append(
            f"# {won / max(closed, 1):.1%} of {closed:,} rows with an outcome are won; "
            + (f"{still:,} rows are open: they are scored and listed." if still else "no row is open.")
        )

    kind = "flat" if facts.clocks is None else "relational"
    return [*lines, f"name: {name_source(path.stem, 'leads')}", f"kind: {kind}", f"title: {quote_yaml(path.stem)}", ""]


def _flags_in_words(flags: StatusFlags) -> str:
    against = f"; {flags.contradictions:,} rows contradict themselves: to quarantine" if flags.contradictions else ""
    named = ", ".join(map(repr, flags.headers))
    return f"# No single column says how deals stand: {named} do together{against}. Rows with none set are open."


def find_edits(status: StatusColumn | None, frame: pd.DataFrame) -> list[str]:
    """What a person has to say before the first run, because the file does not."""
    if status is None:
        half = explain_missing_status(frame)
        return [half or "no column looks like a target with values such as won and lost: name it under flat.target."]
    found = []
    if status.unplaced:
        shown = ", ".join(f"{quote_yaml(v)} ({status.counts[v]:,} rows)" for v in status.unplaced)
        found.append(
            f"'{status.header}' has values whose meaning is not clear: {shown}. Put each under won, lost, disqualified "
            "or open; until then these rows go to quarantine."
        )
    if status.unclear_blanks:
        found.append(
            f"'{status.header}' is empty in {status.unclear_blanks:,} rows. If that means open, add \"\" to open; "
            "until then these rows go to quarantine."
        )
    return found


def _edit_clocks(facts: FileFacts) -> list[str]:
    """Dates that contradict each other: with them the file would have clocks."""
    if facts.clocks is not None or facts.status is None or facts.lead_id is None:
        return []
    why = explain_misfit(facts.frame, facts.guesses, facts.status)
    if "before" not in why and "two ways" not in why:
        return []
    return [f"{why}. Until the dates are right the file is declared without clocks."]


def _edit_young_rows(facts: FileFacts) -> list[str]:
    """A flag whose no may also mean not yet: with a creation and no close, nothing tells open rows from lost ones."""
    status, created = facts.status, facts.created
    if status is None or facts.clocks is not None or created is None or status.open:
        return []
    if not {str(value).lower() for value in status.counts} <= TRUE_TEXTS | FALSE_TEXTS:
        return []
    no = ", ".join(status.lost)
    return [
        f"'{no}' of '{status.header}' counts as lost, though rows that came in lately ('{created}') may be open still: "
        "they would teach as lost and never be listed. Name a column that tells the two apart, or leave out young "
        "rows; if every row is decided, nothing is to be done."
    ]


def _edit_repeats(facts: FileFacts) -> list[str]:
    """Ids whose rows contradict each other: the file cannot say which of them holds today."""
    repeats = facts.repeats
    if repeats is None or not repeats.ids or facts.newest is not None:
        return []
    return [
        f"{repeats.ids:,} ids of '{facts.lead_id}' stand on several rows, which differ in "
        f"{', '.join(repeats.differing[:4])}: attributes are taken from the first row and every close counts, so "
        "that a deal opened again looks closed. Keep the newest row of each instead; exports of several days are put "
        "together by leadscore snapshot add, one by one."
    ]
