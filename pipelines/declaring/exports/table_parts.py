"""Files that are one table in parts: exports by month or by page, told by their columns and names."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from features.schema.table_source import Location
from pipelines.declaring.words.header_words import subjects_of
from pipelines.ingest.reading.file_parts import has_pattern, list_parts
from pipelines.ingest.reading.header_row import header_key

ALIKE = 0.6  # share of all columns that files of one name must have in common: one renamed of five leaves 4 of 6
_LEAST_COLUMNS = 3  # fewer are shared by lists of anything


def parts_pattern(names: Sequence[str], headers: Sequence[Iterable[str]], locations: Sequence[Location]) -> str | None:
    """The pattern that fits these files and no other, if they are parts of one table; else None.

    Parameters
    ----------
    names : of the tables
    headers : of the tables
    locations : where they lie; only plain files of one folder can be read as parts
    """
    if len(names) < 2 or not are_alike(names, headers):
        return None
    files = [Path(one.file) for one in locations]
    plain = all(one == Location(file=one.file) for one in locations)
    if not plain or len({file.parent for file in files}) > 1 or any(has_pattern(str(file)) for file in files):
        return None

    texts = [file.name for file in files]
    head, tail = _shared_start(texts), _shared_start([text[::-1] for text in texts])[::-1]
    tail = tail[max(len(head) + len(tail) - min(map(len, texts)), 0) :]
    if not Path(f"x{tail}").suffix:
        return None
    pattern = files[0].parent / f"{head.rstrip('0123456789')}*{tail.lstrip('0123456789')}"
    found = list_parts(pattern)
    return str(pattern) if found is not None and set(found.files) == set(files) else None


def are_alike(names: Sequence[str], headers: Sequence[Iterable[str]]) -> bool:
    """Whether tables hold the same things: the same columns, or nearly the same under names that differ in numbers.

    >>> are_alike(["deals-01", "deals-02"], [["id", "won", "size", "a"], ["id", "won", "size", "a"]])
    True
    >>> are_alike(["leads", "contacts"], [["id", "name", "mail"], ["id", "name", "mail"]])
    False
    """
    columns = [{header_key(name) for name in one} for one in headers]
    every, shared = set.union(*columns), set.intersection(*columns)
    if len(shared) < _LEAST_COLUMNS or len({subjects_of(name) for name in names}) > 1:
        return False
    numbered = len({re.sub(r"\d+", "0", name) for name in names}) == 1
    return shared == every or (numbered and len(shared) >= ALIKE * len(every))


def _shared_start(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length]
