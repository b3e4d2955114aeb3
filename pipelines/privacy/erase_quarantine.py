"""A person's own rows taken out of what says why rows were set apart, told by the rows as they stood in the file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.schema.source import Source
from pipelines.ingest.expectations import Rule
from pipelines.privacy.corrected_counts import QUARANTINE
from pipelines.privacy.erase_files import Erased, rows_of_person
from pipelines.privacy.person import Person
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.people.naming_columns import naming_columns

QUARANTINED_ROWS = "quarantined_rows.parquet"  # the rows as they stood in the file, by table and number
_REASONS = (QUARANTINE, "warnings.parquet")
_WHOLE = (str(Rule.FIELD_COUNT), str(Rule.OPEN_QUOTE))  # rules whose value is the row itself
_EXAMPLE = 100  # letters of a value that a reason shows


@dataclass(frozen=True)
class SetApart:
    """What went, and the texts under which rows of the person's were shown elsewhere."""

    erased: Erased | None = None
    shown: frozenset[str] = frozenset()


def erase_from_quarantine(folder: Path, source: Source, person: Person, *, dry_run: bool) -> SetApart:
    """Remove the reasons of the person's own rows; the rows themselves stay for now, as they say which these are."""
    file = folder / QUARANTINED_ROWS
    if not file.exists() or not (folder / QUARANTINE).exists():
        return SetApart()
    rows = read_parquet(file)
    own = rows[rows_of_person(rows, person, naming_columns(source))]
    keys = set(zip(own["table"].astype("str"), own["row"], strict=True))
    count, shown = 0, set[str]()
    for path in (folder / name for name in _REASONS):
        reasons = read_parquet(path) if path.exists() else rows[:0]
        hit = np.array([key in keys for key in zip(reasons["table"].astype("str"), reasons["row"], strict=True)], bool)
        if not hit.any():
            continue
        whole = reasons["value"][hit & reasons["rule"].isin(_WHOLE).to_numpy(dtype=bool)].astype("str")
        shown |= {part for text in whole if person.hide(text) != text for part in (text, text[:_EXAMPLE])}
        count += int(hit.sum())
        if not dry_run:
            write_parquet(path, reasons[~hit].reset_index(drop=True))
    return SetApart(Erased(folder / QUARANTINE, count, "rows removed") if count else None, frozenset(shown))
