"""Headers of a table of texts: which row they stand in, and which of them is meant by a declared name.

Works on rows of texts, so that delimited files and sheets of a workbook find their header by one rule.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipelines.ingest.errors import UnreadableFileError, list_names

SEARCHED_ROWS = 50  # report exports carry a dozen lines of titles and filters; a header further down is declared
_VALUE = re.compile(  # numbers, dates and times of day: what bodies hold and headers do not
    r"^[+-]?[.,'\s\u00a0\u202f%€$£¥]*\d[\d.,'\s\u00a0\u202f%€$£¥]*$|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d:\d\d"
)
# what whole cells of a body are and names of columns are not; a name of a column is no longer than the longest address
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
_DAY = re.compile(
    r"(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{2,4})\.?(?:[ T]\d\d?:\d\d[\d:.]*(?:Z|[+-][\d:]+)?)?"
)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_LONGEST_ADDRESS, _SAMPLE = 254, 20
_SHOWN_TITLE = 60  # characters of a title line in a message


@dataclass(frozen=True)
class HeaderRow:
    """Where the header stands.

    Parameters
    ----------
    position : index of the row among the rows given
    titles : what stands above it, one text per row that is not empty
    """

    position: int
    titles: tuple[str, ...] = ()

    def in_words(self) -> str:
        """What was passed over, as a sentence; empty where the header is the first row."""
        if not self.titles:
            return ""
        shown = ", ".join(f"'{title[:_SHOWN_TITLE]}'" for title in self.titles[:3])
        more = f" and {len(self.titles) - 3} more" if len(self.titles) > 3 else ""
        return f"{len(self.titles)} lines above the header were passed over: {shown}{more}."


def clean_header(text: str) -> str:
    r"""A header without what nobody sees: zero-width signs, byte order marks, doubled and non-breaking blanks.

    >>> clean_header("\ufeffLead\u00a0 source\u200b")
    'Lead source'
    """
    visible = (
        " " if c.isspace() else "" if unicodedata.category(c) in ("Cf", "Cc") else c
        for c in unicodedata.normalize("NFC", text)
    )
    return " ".join("".join(visible).split())


def header_key(text: str) -> str:
    """What two headers share that differ in case, width of letters or blanks only."""
    return unicodedata.normalize("NFKC", clean_header(text)).casefold()


def match_headers(wanted: Iterable[str], found: Sequence[str]) -> Mapping[str, str]:
    """Declared headers to the file's: the same text, else the one that differs only in case, width or blanks.

    A declared header that two columns could be meant by is left out, as is one that no column fits.
    """
    names = list(dict.fromkeys(wanted))
    exact = {name: name for name in names if name in set(found)}
    rest: dict[str, list[str]] = {}
    for name in found:
        if name not in exact:
            rest.setdefault(header_key(name), []).append(name)

    kin: dict[str, list[str]] = {}
    for name in names:
        if name not in exact:
            kin.setdefault(header_key(name), []).append(name)
    near = {group[0]: rest[key][0] for key, group in kin.items() if len(group) == 1 and len(rest.get(key, ())) == 1}
    return exact | near


def header_names(cells: Sequence[str], *, what: str) -> list[str]:
    """Names of the columns: cleaned, ``column_N`` where the cell is empty.

    Raises
    ------
    UnreadableFileError
        if two columns have one name.
    """
    header = [clean_header(cell) or f"column_{i}" for i, cell in enumerate(cells, 1)]
    twice = sorted({name for name, times in Counter(header).items() if times > 1})
    if twice:
        raise UnreadableFileError(
            f"{what}: column {list_names(twice, quoted=True)} appears twice in the header; rename one."
        )
    return header


def find_header_row(rows: Sequence[Sequence[str]], expected: Iterable[str] = ()) -> HeaderRow:
    """The row of the header among the first rows of a file.

    The row that holds the most headers the declaration speaks of; without one, the first row, unless it fills so few
    cells of the table's width that it is a title, and a row below looks like a header: each cell filled, none twice,
    none a number or a date.

    >>> find_header_row([["Lead report"], ["Printed 2025-01-01"], ["id", "city"], ["1", "Bonn"], ["2", "Lodz"]])
    HeaderRow(position=2, titles=('Lead report', 'Printed 2025-01-01'))
    """
    looked = [list(row) for row in rows[:SEARCHED_ROWS]]
    if not looked:
        return HeaderRow(0)
    known = {header_key(name) for name in expected}
    hits = [sum(header_key(cell) in known for cell in row if cell.strip()) for row in looked]
    first = next((i for i, row in enumerate(looked) if any(cell.strip() for cell in row)), 0)

    best = max(range(len(looked)), key=lambda i: (hits[i], -i))
    if hits[best] > hits[first] and (hits[best] > 1 or len(known) == 1):
        return _at(looked, best)
    return _at(looked, first if hits[first] else _below_titles(looked, first))


def check_header_row(rows: Sequence[Sequence[str]], position: int, expected: Iterable[str] = (), *, what: str) -> None:
    """That a header was found: a row of the body in its place would be lost, and its values be names of columns.

    Parameters
    ----------
    rows : the first rows of the file, the header at ``position`` among them
    expected : headers the declaration speaks of; a row that holds one of them is the header

    Raises
    ------
    UnreadableFileError
        if the row holds an address, a date, or numbers that are not counted on, above more of their kind.
    """
    if not 0 <= position < len(rows):
        return
    known = {header_key(name) for name in expected}
    cells, below = [cell.strip() for cell in rows[position]], rows[position + 1 : position + 1 + _SAMPLE]
    if any(header_key(cell) in known for cell in cells if cell):
        return
    numbers = _above_their_kind(cells, below, _NUMBER)
    for kind, found in (
        ("an address", _above_their_kind(cells, below, _ADDRESS)),
        ("a date", _above_their_kind(cells, below, _DAY)),
        ("a number", [] if _count_on([cells[k] for k in numbers]) else numbers),
    ):
        if found:  # without the value: it may be somebody's address
            places = ", ".join(str(k + 1) for k in found[:5])
            line = "the first line" if position == 0 else f"line {position + 1}"
            raise UnreadableFileError(
                f"{what}: {line} looks like a row, not a header: column {places} holds {kind} there as in the lines "
                "below. Export the file with its header, or write a line with the names of the columns above it; if "
                f"it is the header, declare 'csv.skip_lines: {position}'."
            )


def _above_their_kind(cells: Sequence[str], below: Sequence[Sequence[str]], kind: re.Pattern[str]) -> list[int]:
    """Positions of cells of a kind whose column below is mostly of that kind, too."""
    found = []
    for k, cell in enumerate(cells):
        if len(cell) <= _LONGEST_ADDRESS and kind.fullmatch(cell):
            filled = [text for row in below if k < len(row) and (text := row[k].strip())]
            alike = sum(len(text) <= _LONGEST_ADDRESS and bool(kind.fullmatch(text)) for text in filled)
            found += [k] if alike > len(filled) / 2 else []
    return found


def _count_on(numbers: Sequence[str]) -> bool:
    """Whether numbers may be names of columns: years, months or sizes in their order, or a single one.

    >>> _count_on(["2023", "2024"]), _count_on(["10", "50", "100"]), _count_on(["1001", "9"])
    (True, True, False)
    """
    values = [float(number.replace(",", ".")) for number in numbers]
    steps = {b - a for a, b in pairwise(values)}
    if len(values) < 2 or all(1900 <= value <= 2100 for value in values):
        return True
    one_way = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    return one_way and (len(values) > 2 or abs(steps.pop()) == 1)


def _below_titles(looked: Sequence[Sequence[str]], first: int) -> int:
    """The first row that looks like a header, where the first row of all is a title; else the first row."""
    filled = [sum(bool(cell.strip()) for cell in row) for row in looked]
    usual = _usual_width(filled[first:])
    is_title = filled[first] <= usual / 2 and bool(looked[first][0].strip() or filled[first] == 1)
    if not is_title or usual < 2:
        return first

    for i in range(first + 1, len(looked) - 1):
        if filled[i] < max(2, 0.8 * usual):  # a header may leave a column or two unnamed, a title fills one or two
            continue
        cells = [clean_header(cell) for cell in looked[i] if cell.strip()]
        if len(set(cells)) < len(cells) or any(_VALUE.search(cell) for cell in cells):
            return first
        below = looked[i + 1 : i + 21]
        differs = any(
            sum(bool(_VALUE.search(row[k])) for row in below if k < len(row) and row[k].strip()) > len(below) / 2
            for k in range(len(looked[i]))
        )
        return i if differs or usual > 2 else first
    return first


def _usual_width(filled: Sequence[int]) -> int:
    """The number of cells that most rows fill; of two as frequent the larger."""
    counts = Counter(n for n in filled if n)
    return max(counts, key=lambda n: (counts[n] * (1 if n > 1 else 0.5), n), default=0)


def _at(looked: Sequence[Sequence[str]], position: int) -> HeaderRow:
    above = (" ".join(cell.strip() for cell in row if cell.strip()) for row in looked[:position])
    return HeaderRow(position, tuple(clean_header(text) for text in above if text))
