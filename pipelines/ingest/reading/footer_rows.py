"""What spreadsheets and reports write below the rows of a table: sums, a notice, who made it. None of it is a row."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pipelines.ingest.reading.raw_table import RawTable

SEARCHED_ROWS = 30  # a report's footer has a dozen lines
_USUAL = 200  # rows by which the number of filled cells of a row is judged
_LEAST_CELLS = 3  # a narrower table has rows that look like a footer
_SUM_FILLS = 0.7  # of the cells that a row usually fills: a sum has no name, date and status
_SHOWN = 60  # characters of a line in the note
# English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Nordic, Czech, Hungarian, Turkish, Russian,
# Korean, Japanese, Chinese
_SUM = re.compile(
    r"(grand |sub|over ?all )?totals?|sums?|"
    r"gesamt(summe|betrag)?|(zwischen)?summe|total(en?|e|es|is|aux)?( g[eé]n[eé]ral)?|"
    r"somme|suma|soma|somma|totaal|razem|[lł][aą]cznie|og[oó][lł]em|totalt|summa|celkem|[oö]sszesen|toplam|"
    r"итого|всего|합계|총계|소계|合計|総計|小計|总计|合计|小计",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"[\s:=.,\d()\[\]]+|\b(records?|rows?|items?|eintr[aä]ge|zeilen|lignes?|filas|wierszy)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class _Line:
    """A row from the end of a table: its filled cells, and where it is among the rows or the broken ones."""

    cells: tuple[str, ...]
    place: int
    broken: bool


def pass_over_footer(raw: RawTable, *, what: str) -> RawTable:
    """The table without what stands below its rows, which a note names; row numbers stay as they are.

    A footer is a line of sums ("Total" in its first filled cell, and fewer cells than rows have) or a sentence alone in
    its row, with whatever is below it. A single word alone in a row may be an id, and stays a row.
    """
    width = len(raw.frame.columns)
    usual = float(raw.frame.head(_USUAL).astype("str").apply(_filled).sum(axis=1).median()) if len(raw.frame) else 0.0
    if width < _LEAST_CELLS or usual < _LEAST_CELLS:
        return raw

    lines = _last_lines(raw)
    kinds = [_kind(line, usual) for line in lines]
    first = next((i for i in range(len(lines)) if _is_all_footer(kinds[i:])), len(lines))
    below = lines[first:]
    if not below or sum(not line.broken for line in below) == len(raw.frame):
        return raw
    gone = [line.place for line in below if not line.broken]
    out = {line.place for line in below if line.broken}
    keep = np.ones(len(raw.frame), dtype=np.bool_)
    keep[gone] = False
    texts = [" ".join(line.cells) for line in below if line.cells]
    return replace(
        raw,
        frame=raw.frame[keep].reset_index(drop=True),
        rows=raw.rows[keep],
        broken=tuple(row for i, row in enumerate(raw.broken) if i not in out),
        notes=(*raw.notes, f"{what}: {_in_words(texts)}"),
    )


def _in_words(texts: Sequence[str]) -> str:
    shown = ", ".join(f"'{text[:_SHOWN]}'" for text in texts[:3])
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    lines = "1 line below the rows was" if len(texts) == 1 else f"{len(texts)} lines below the rows were"
    return f"{lines} passed over, as sums and notices are: {shown}{more}."


def _filled(column: pd.Series) -> pd.Series:
    return ~column.str.strip().isin(["", "nan", "None", "<NA>"])


def _last_lines(raw: RawTable) -> list[_Line]:
    start = max(len(raw.frame) - SEARCHED_ROWS, 0)
    numbered = [
        (int(raw.rows[i]), _Line(_texts(raw.frame.iloc[i].tolist()), i, broken=False))
        for i in range(start, len(raw.frame))
    ]
    first = numbered[0][0] if numbered else 0
    delimiter = str(raw.form.get("delimiter") or "\t")
    numbered += [
        (row.row, _Line(_texts(_cells_of(row.raw, delimiter)), i, broken=True))
        for i, row in enumerate(raw.broken)
        if row.row > first and row.rule == "field_count"
    ]
    return [line for _, line in sorted(numbered, key=lambda pair: pair[0])][-SEARCHED_ROWS:]


def _cells_of(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return text.split(delimiter)


def _texts(cells: Sequence[object]) -> tuple[str, ...]:
    return tuple(text for cell in cells if isinstance(cell, str) and (text := cell.strip().strip('"').strip()))


def _kind(line: _Line, usual: float) -> str:
    """``sum``, ``notice``, ``word`` (a word or unfit line, which alone proves nothing), ``blank``, or "" for a row."""
    cells = line.cells
    if not cells:
        return "blank"
    if len(cells) <= _SUM_FILLS * usual and _SUM.fullmatch(_COUNT.sub(" ", cells[0]).strip()):
        return "sum"
    if len(cells) > 1:
        return "word" if line.broken else ""
    return "notice" if len(cells[0].split()) > 1 else "word"


def _is_all_footer(kinds: Sequence[str]) -> bool:
    """Whether these last lines are a footer: none is a row, and words and unfit lines stand only below sums."""
    summed = False
    for kind in kinds:
        if not kind or (kind == "word" and not summed):
            return False
        summed |= kind == "sum"
    return any(kind != "blank" for kind in kinds)
