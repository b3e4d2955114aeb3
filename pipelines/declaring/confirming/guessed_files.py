"""Files of a first run looked at: what was guessed about them, and the declaration made of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from features.schema.vocabulary import ColumnType
from pipelines.declaring.column_inference import Guess
from pipelines.declaring.column_lines import may_tell_of_people
from pipelines.declaring.confirming.guess_record import GuessedColumn, GuessedFiles, GuessedTable, StatusValue, Why
from pipelines.declaring.corrections.file_corrections import NOTHING_SAID, FileCorrections
from pipelines.declaring.deal_clocks import closed_headers
from pipelines.declaring.exports.open_export import declare_alone, init_export, seen_beside
from pipelines.declaring.file_facts import FileFacts, ambiguous_dates
from pipelines.declaring.starter_declaration import read_facts
from pipelines.declaring.status_column import MOST_VALUES, StatusColumn

EDIT_MARK = "# TO EDIT: "
_LOOKED_AT = 20_000  # dates of a column, for the ways they are written
_FEW = 3  # examples of a column
_MOST_COLUMNS = 300  # listed; a wider file is declared whole and shown in part


def guess_files(files: Sequence[Path], out: Path, data_dir: Path, said: FileCorrections = NOTHING_SAID) -> GuessedFiles:
    """What one file, or several, seem to hold, and their declaration as it would be written to ``out``.

    Raises
    ------
    DataError and its kinds : a file cannot be read, or what was said does not fit it
    """
    if len(files) == 1 and seen_beside(files[0]):
        facts, question = read_facts(files[0], said)
        text = declare_alone(facts, question, out, data_dir)
        return _of_one(facts, text, yaml.safe_load(text))
    text = init_export([str(file) for file in files], out, data_dir, said=said)
    declared: dict[str, Any] = yaml.safe_load(text)
    tables = tuple(
        GuessedTable(name=table, file=str((keys or {}).get("location", {}).get("file", "")))
        for table, keys in (declared.get("tables") or {}).items()
    )
    return GuessedFiles(
        kind="several", name=str(declared["name"]), declaration=text, edits=_edits_in(text), tables=tables
    )


def _edits_in(text: str) -> tuple[str, ...]:
    return tuple(line.removeprefix(EDIT_MARK) for line in text.splitlines() if line.startswith(EDIT_MARK))


def _of_one(facts: FileFacts, text: str, declared: Mapping[str, Any]) -> GuessedFiles:
    status, clocks = facts.status, facts.clocks
    deals = declared.get("opportunities")
    columns = deals["columns"] if deals else declared["tables"]["leads"]["columns"]
    keys = {facts.lead_id, facts.created, *((clocks.closed) if clocks else ())}
    keys.add(None if status is None else status.header)
    times = tuple(h for h, guess in facts.guesses.items() if guess.type is ColumnType.TIMESTAMP)
    said = facts.said
    closed = clocks.closed if clocks is not None else closed_headers(facts.guesses)
    return GuessedFiles(
        kind="deals" if deals else "flat",
        name=str(declared["name"]),
        declaration=text,
        edits=_edits_in(text),
        rows=len(facts.frame),
        broken=len(facts.raw.broken),
        status=None if status is None else status.header,
        values=() if status is None else _values(status),
        won=0 if status is None else status.rows(status.meanings["won"]),
        lost=0 if status is None else status.rows((*status.lost, *status.disqualified)),
        open=0 if status is None else status.rows(status.open),
        lead_id=facts.lead_id,
        created=facts.created,
        closed=closed if said.closed is None else said.closed,
        ambiguous={h: _example(facts, h) for h in ambiguous_dates(facts.frame, facts.guesses)},
        mixed={h: pair for h in times if (pair := two_ways_of_writing(facts.frame[h])) is not None},
        horizon_days=None if clocks is None else clocks.horizon.days,
        horizon_share=None if clocks is None else clocks.horizon.share,
        columns=tuple(
            _column(guess, _declared_of(facts.names[header], columns), header in keys)
            for header, guess in list(facts.guesses.items())[:_MOST_COLUMNS]
        ),
        status_choices=tuple(
            h for h, guess in facts.guesses.items() if 2 <= guess.distinct + len(guess.missing) <= MOST_VALUES
        ),
        id_choices=tuple(h for h, guess in facts.guesses.items() if 2 * guess.distinct >= len(facts.frame)),
        time_choices=times,
    )


def two_ways_of_writing(dates: pd.Series) -> tuple[str, str] | None:
    """An example of each of the two commonest ways in which a column writes its days; None where there is one way.

    >>> two_ways_of_writing(pd.Series(["2025-02-14", "2025-02-15 10:30", "13.01.2025"]))
    ('2025-02-14', '13.01.2025')
    """
    days = dates.dropna().astype("str").head(_LOOKED_AT).str.split(r"[ T]\d", n=1, regex=True).str[0]
    shapes = days.str.replace(r"\d+", "9", regex=True).str.replace(r"[^\W\d_]+", "a", regex=True)
    common = shapes.value_counts().index[:2]
    if len(common) < 2:
        return None
    return str(days[shapes == common[0]].iloc[0]), str(days[shapes == common[1]].iloc[0])


def _values(status: StatusColumn) -> tuple[StatusValue, ...]:
    """Values in the order of their rows, an empty cell last."""
    by_value = {value: standing for standing, values in status.meanings.items() for value in values}
    listed = [StatusValue(value=v, rows=n, means=by_value.get(v, "")) for v, n in status.counts.items()]
    if status.blank:
        listed.append(StatusValue(value="", rows=status.blank, means="open" if "" in status.open else ""))
    return tuple(listed)


def _example(facts: FileFacts, header: str) -> str:
    return str(facts.frame[header].dropna().iloc[0])


def _declared_of(name: str, columns: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return columns.get(name)


def _column(guess: Guess, declared: Mapping[str, Any] | None, key: bool) -> GuessedColumn:
    keys = {"role": "display"} if declared is None else declared  # owner and amount stand beside the columns
    role = "key" if key else str(keys.get("role", "feature"))
    use = {"feature": "learn", "display": "show", "personal": "person", "ignore": "leave_out"}.get(role, role)
    hidden = use in ("person", "sensitive") or may_tell_of_people(guess)
    return GuessedColumn(
        header=guess.header,
        type=str(keys.get("type", guess.type)),
        use=use,
        why=_why(guess, keys) if use in ("leave_out", "show") else "",
        examples=() if hidden else guess.examples[:_FEW],
        hidden=hidden,
        filled=guess.filled,
    )


def _why(guess: Guess, keys: Mapping[str, Any]) -> Why:
    because = str(keys.get("excluded_because", ""))
    if keys.get("when_known") == "overwritten" or guess.today:
        return "today"
    if guess.distinct <= 1:
        return "one_value"
    if "follows from" in because or "tells the outcome" in because:
        return "conversion" if "converted" in because else "outcome"
    if "rounded" in because:
        return "rounded"
    if because and because != "left out by hand":
        return "after"
    if keys.get("role") != "display":
        return ""
    if keys.get("type") == "id":
        return "id"
    if guess.type is ColumnType.TIMESTAMP:
        return "time"
    return "amount" if guess.type is ColumnType.NUMBER else "name"
