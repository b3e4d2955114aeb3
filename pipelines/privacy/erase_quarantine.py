"""A person's own rows taken out of what says why rows were set apart, told by the rows as they stood in the file.

What was shown of a row is told by its reasons, and whose a reason is by the row: they go in this order, after all that
is told by them, so that whoever comes after a kill still knows what the killed one looked for.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from features.schema.source import Source
from pipelines.ingest.expectations import Rule
from pipelines.ingest.quarantine import shape_of_text
from pipelines.ingest.quarantine_files import QUARANTINE, QUARANTINED_ROWS, WARNINGS
from pipelines.privacy.erase_files import Erased, erase_from_file, erase_rows, rows_of_person
from pipelines.privacy.person import Person
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.people.naming_columns import NamingColumns, naming_columns
from pipelines.workspace.people.register import Mask

_REASONS = (QUARANTINE, WARNINGS)
SET_APART = (*_REASONS, QUARANTINED_ROWS)  # in the order in which a person goes from them
_WHOLE = (str(Rule.FIELD_COUNT), str(Rule.OPEN_QUOTE))  # rules whose value is the row itself
_EXAMPLE = 100  # letters of a value that a reason shows
_FEWEST_LETTERS = 5  # of a row; a shorter text stands for too many other things


def texts_shown(folder: Path, source: Source, person: Person) -> frozenset[str]:
    """The texts under which rows of the person's that could not be split are shown elsewhere."""
    shown, columns = set[str](), naming_columns(source)
    for path in (folder / name for name in _REASONS if (folder / name).exists()):
        reasons = read_parquet(path)
        whole = _own_reasons(folder, reasons, person, columns) & reasons["rule"].isin(_WHOLE).to_numpy(dtype=np.bool_)
        texts = reasons["value"][whole].astype("str")
        shown |= {part for text in texts if _names(text, person) for part in (text, text[:_EXAMPLE])}
    return frozenset(shown)


def _names(row: str, person: Person) -> bool:
    """Whether a row that is theirs may be looked for: not one that was masked, nor one that is no more than a word."""
    return row != shape_of_text(row) and len(row) >= _FEWEST_LETTERS and not person.is_lead(row)


def erase_from_quarantine(folder: Path, source: Source, person: Person, *, alias: str, dry_run: bool) -> list[Erased]:
    """Remove the reasons of the person's own rows, then the rows; of whatever is told by either the turn is before."""
    found, columns = list[Erased | None](), naming_columns(source)
    for path in (folder / name for name in _REASONS if (folder / name).exists()):
        reasons = read_parquet(path)
        hit = _own_reasons(folder, reasons, person, columns) | rows_of_person(reasons, person, columns)
        found.append(erase_rows(path, hit, person, dry_run=dry_run, columns=columns))
    if (folder / QUARANTINED_ROWS).exists():
        found.append(erase_from_file(folder / QUARANTINED_ROWS, person, alias=alias, dry_run=dry_run, columns=columns))
    return [one for one in found if one is not None]


def _own_reasons(folder: Path, reasons: pd.DataFrame, person: Person, columns: NamingColumns) -> Mask:
    """Which reasons are of a row that is the person's."""
    if not (folder / QUARANTINED_ROWS).exists():
        return np.zeros(len(reasons), dtype=np.bool_)
    rows = read_parquet(folder / QUARANTINED_ROWS)
    own = rows[rows_of_person(rows, person, columns)]
    keys = set(zip(own["table"].astype("str"), own["row"], strict=True))
    return np.array([key in keys for key in zip(reasons["table"].astype("str"), reasons["row"], strict=True)], np.bool_)
