"""CSV files for people: safe in a spreadsheet, numbers as a person writes them, and read back as they were."""

import csv
import io
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.spreadsheet_cells import guard_text
from pipelines.workspace.atomic_files import write_bytes

MARK = "\ufeff"  # tells a spreadsheet that the file is UTF-8; needed only where a letter is not plain ASCII
_REASON = re.compile(r"reason_\d+")
_DECIMALS = 4  # a probability of 0.1234 is told no more exactly by further digits, its interval is far wider
_DIGITS = 3  # of numbers too small for that
_LARGEST_PLAIN = 1e15  # from here on a number has more digits than a float holds, and is left in powers of ten


def write_csv(path: Path, frame: pd.DataFrame, *, marked: bool = True) -> None:
    """Write a frame as CSV, atomically; ``marked``: with a byte order mark where a spreadsheet needs it."""
    text = csv_text(frame)
    write_bytes(path, (mark_text(text) if marked else text).encode("utf-8"))


def csv_text(frame: pd.DataFrame) -> str:
    """A frame as CSV text, the columns' names first.

    The signs that reasons begin with (columns ``reason_1`` and so on) are written as words.
    """
    shown = frame.astype("object")
    for position, name in enumerate(shown.columns):
        if _REASON.fullmatch(str(name)):
            shown.isetitem(position, [reason_text(value) for value in shown.iloc[:, position]])
    lines = [csv_line(map(str, shown.columns))]
    lines += [csv_line(row) for row in shown.itertuples(index=False, name=None)]
    return "".join(lines)


def reason_text(reason: Any) -> str:
    """A reason whose sign is a word: a leading + or - would be read as a formula.

    >>> reason_text("+ 3 page views"), reason_text("- no answer"), reason_text(None)
    ('for: 3 page views', 'against: no answer', '')
    """
    text = reason if isinstance(reason, str) else ""
    for sign, word in (("+ ", "for"), ("- ", "against")):
        if text.startswith(sign):
            return f"{word}: {text.removeprefix(sign)}"
    return text


def mark_text(text: str) -> str:
    """A text with a byte order mark if it holds more than plain ASCII."""
    return text if text.isascii() else MARK + text


def csv_line(cells: Iterable[Any], ending: str = "\n") -> str:
    """One line of a CSV file."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=ending).writerow([cell_text(cell) for cell in cells])
    return buffer.getvalue()


def cell_text(value: Any) -> str:
    """A value as a cell: texts guarded, numbers short, moments in ISO form, lists with semicolons, nothing for missing.

    >>> cell_text("=1"), cell_text(0.12345678), cell_text(3.0), cell_text(True), cell_text(["a", "b"]), cell_text(None)
    ("'=1", '0.1235', '3', 'true', 'a; b', '')
    """
    if isinstance(value, str):
        return guard_text(value.replace("\x00", ""))
    if isinstance(value, list | tuple):
        return guard_text("; ".join(str(part) for part in value).replace("\x00", ""))
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return number_text(float(value))
    if isinstance(value, pd.Timestamp):
        return value.isoformat(timespec="seconds")
    return guard_text(str(value))


def number_text(number: float) -> str:
    """A number as a person writes it: no more than four decimals, three digits where it is smaller; never ``1e-05``.

    >>> number_text(0.5476190476), number_text(12345.678), number_text(0.0000123456), number_text(-2.0)
    ('0.5476', '12345.678', '0.0000123', '-2')
    """
    if math.isnan(number):
        return ""
    if math.isinf(number) or abs(number) >= _LARGEST_PLAIN:
        return repr(number)
    decimals = _DECIMALS
    if 0 < abs(number) < 10.0 ** (_DIGITS - 1 - _DECIMALS):
        decimals = min(_DIGITS - 1 - math.floor(math.log10(abs(number))), 320)
    text = f"{number:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
