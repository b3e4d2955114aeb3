"""The column of the outcome as a person named it, with what its values mean."""

from dataclasses import replace

import pandas as pd

from features.errors import DataError
from pipelines.declaring.corrections.file_corrections import FileCorrections
from pipelines.declaring.status_column import MOST_VALUES, StatusColumn, place_answers
from pipelines.declaring.words.status_vocabulary import STANDINGS
from pipelines.declaring.words.status_words import place_statuses


def correct_status(
    frame: pd.DataFrame, guessed: StatusColumn | None, corrections: FileCorrections
) -> StatusColumn | None:
    """The guessed column, unless another one is named; its values mean what was said of them.

    Raises
    ------
    DataError : the named column does not exist, or has too many values to be an outcome
    """
    named = corrections.status
    found = guessed
    if named is not None and (guessed is None or guessed.header != named):
        found = status_of(frame, named) if named else None
    if found is None or corrections.meanings is None:
        return found
    said = corrections.meanings
    values = [*found.counts, *([""] if found.blank else [])]
    meanings = {standing: tuple(v for v in values if said.get(v) == standing) for standing in STANDINGS}
    unplaced = tuple(value for value in found.counts if said.get(value) not in STANDINGS)
    return replace(found, meanings=meanings, unplaced=unplaced)


def status_of(frame: pd.DataFrame, header: str) -> StatusColumn:
    """A column as an outcome, its values placed by their words.

    Raises
    ------
    DataError : there is no such column, or it has too many values
    """
    if header not in frame:
        raise DataError(f"the file has no column '{header}'. Choose one of its own.")
    counts = frame[header].value_counts()
    if not 2 <= len(counts) <= MOST_VALUES:
        raise DataError(
            f"'{header}' has {len(counts):,} different values; an outcome has 2 to {MOST_VALUES}. Choose another "
            "column."
        )
    values = [str(value) for value in counts.index]
    placed = place_statuses(values)
    answers = place_answers(values)
    meanings = {
        standing: answers[standing] if standing in answers and not placed[standing] else placed[standing]
        for standing in STANDINGS
    }
    known = {value for some in meanings.values() for value in some}
    return StatusColumn(
        header=header,
        meanings=meanings,
        unplaced=tuple(value for value in values if value not in known),
        counts={str(value): int(n) for value, n in counts.items()},
        blank=int(frame[header].isna().sum()),
    )
