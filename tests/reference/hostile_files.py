"""Files that people really send and files that nobody should: one per seed, from a small honest export.

Every seed makes the same file again.
"""

import bz2
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

HEADER = ["number", "created", "job", "age", "budget", "asked", "note", "y"]
JOBS = ("boss", "clerk", "student")
ODD_NUMBERS = (
    *("1e308", "-1.797E308", "1e400", "inf", "-Infinity", "nan", "--5", "1,2,3", "1.2.3", "٣٤", "½", "0x1F", "1_000"),
    *(
        "9" * 400,
        "-0",
        "1e-400",
        "5 €",
        "(12)",
        "12-",
        "1'000.5",
        "2.872",
        "1,234",
        "#N/A",
        "#DIV/0!",
        "１２",
        "+",
        ".",
    ),
)
ODD_DATES = (
    *("0001-01-01", "9999-12-31", "1900-01-00", "31/02/2025", "2025-13-01", "0", "1e400", "253402300800000", "24:00"),
    *("2024-02-29 25:61", "12/31/99", "99999999", "2025-03-30 02:30", "0000-00-00", "-1", "45299.375", "8 janv. 2024"),
    *("2024-01-08 오전 9:00", "2024-01-08T09:00:00+99:00", "2024-W01-1", "20240108", "1e10", "9" * 30, "١٢/٠٣/٢٠٢٤"),
)
ODD_BOOLEANS = ("ja", "nein", "TRUE ", "2", "on", "☑", "wahr", "0.5", "yes/no", "-")
ODD_TEXTS = (
    *(
        "=1+1",
        "@SUM(A1)",
        "+49 30",
        "-2+3",
        "\t=1",
        "'=1",
        "＝cmd",
        "a;=b",
        "\u202egnp.exe",
        "\u200b",
        "e\u0301" * 50,
        "👩‍👩‍👧‍👦",
    ),
    *(
        "\u2028line",
        "\x0b",
        "\x0c",
        "\x1c",
        "\x85",
        "NULL",
        "None",
        "<script>",
        "'; DROP TABLE leads;--",
        "\ufeff",
        "ﷺ" * 20,
    ),
    *("\ud7ff\ue000", "\U0010ffff", "İıſ", "{{7*7}}", "%s%n", "../../etc/passwd", " ", "\u00a0", "nan", "true"),
)
ODD_HEADERS = (
    "",
    " ",
    "y",
    "Age",
    "age ",
    "\u200bage",
    "ＡＧＥ",
    "=age",
    "age\nage",
    "number",
    "column_3",
    "unnamed: 0",
    "ąę",
    "1",
)

Rows = list[list[str]]


@dataclass(frozen=True)
class HostileFile:
    """One file: its name, its bytes, what was done to it, and how many rows it certainly holds."""

    name: str
    content: bytes
    damage: tuple[str, ...]
    rows: int | None


@dataclass
class _Sheet:
    """An export on its way to bytes."""

    rng: np.random.Generator
    header: list[str]
    rows: Rows
    delimiter: str = ","
    certain: bool = True

    def pick(self, values: tuple[str, ...]) -> str:
        return values[int(self.rng.integers(len(values)))]

    def some(self, share: float = 0.2) -> list[int]:
        return [k for k in range(len(self.rows)) if self.rng.random() < share]

    def cells(self, column: int, values: tuple[str, ...], share: float) -> None:
        for k in self.some(share):
            if column < len(self.rows[k]):
                self.rows[k][column] = self.pick(values)


def honest_rows(rng: np.random.Generator, count: int) -> Rows:
    """Rows of an honest export with a signal in it."""
    start = pd.Timestamp("2024-01-08 09:00")
    rows = []
    for k in range(count):
        job, age, budget = JOBS[int(rng.integers(3))], int(rng.integers(20, 70)), float(rng.integers(1, 90)) / 2
        won = rng.random() < 1 / (1 + np.exp(1.2 - 1.2 * (job == "boss") - 0.03 * (age - 45)))
        moment = f"{start + pd.Timedelta(hours=7 * k):%Y-%m-%d %H:%M}"
        asked = "yes" if rng.random() < 0.5 else "no"
        rows.append([f"K{k:04}", moment, job, str(age), f"{budget:g}", asked, "plain", "yes" if won else "no"])
    return rows


def hostile_file(seed: int) -> HostileFile:
    """The file of a seed."""
    rng = np.random.default_rng(seed)
    sheet = _Sheet(
        rng, list(HEADER), honest_rows(rng, int(rng.integers(1, 60))), str(rng.choice([",", ";", "\t", "|"]))
    )
    names = list(rng.choice(list(_ON_ROWS), size=int(rng.integers(0, 4)), replace=False))
    for name in names:
        _ON_ROWS[str(name)](sheet)

    if {"ragged rows", "lines inside"} <= set(map(str, names)):
        sheet.certain = False  # the lines of a row that does not fit the header are counted one by one
    found = HostileFile(
        "leads.csv", _to_bytes(sheet), tuple(map(str, names)), len(sheet.rows) if sheet.certain else None
    )
    for name in rng.choice(list(_ON_BYTES), size=int(rng.integers(0, 3)), replace=False):
        found = replace(
            found, content=_ON_BYTES[str(name)](found.content, rng), damage=(*found.damage, str(name)), rows=None
        )
    if rng.random() < 0.25:
        name = str(rng.choice(list(_PACKED)))
        suffix, content = _PACKED[name](sheet, found.content, rng)
        found = HostileFile(f"leads{suffix}", content, (*found.damage, name), None)
    return found


def _to_bytes(sheet: _Sheet) -> bytes:
    def cell(text: str) -> str:
        special = any(c in text for c in (sheet.delimiter, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if special else text

    lines = [sheet.delimiter.join(map(cell, row)) for row in (sheet.header, *sheet.rows)]
    return ("\n".join(lines) + "\n").encode("utf-8", errors="surrogatepass")


def _ragged(sheet: _Sheet) -> None:
    for k in sheet.some():
        sheet.rows[k] = (
            sheet.rows[k][: int(sheet.rng.integers(1, 8))] if sheet.rng.random() < 0.5 else [*sheet.rows[k], "x"]
        )


def _odd_header(sheet: _Sheet) -> None:
    for _ in range(int(sheet.rng.integers(1, 4)) if sheet.header else 0):
        sheet.header[int(sheet.rng.integers(len(sheet.header)))] = sheet.pick(ODD_HEADERS)
    sheet.certain = False


def _no_header(sheet: _Sheet) -> None:
    sheet.header, sheet.certain = (sheet.rows[0] if sheet.rows else []), False


def _titles(sheet: _Sheet) -> None:
    sheet.rows[:0] = [list(sheet.header)]
    sheet.header, sheet.certain = ["Report of", "", "2024"], False


def _giant_field(sheet: _Sheet) -> None:
    if sheet.rows and len(sheet.rows[0]) > 6:
        sheet.rows[0][6] = "x" * int(sheet.rng.choice([70_000, 140_000, 1_000_000]))


def _many_columns(sheet: _Sheet) -> None:
    more = int(sheet.rng.choice([60, 250], p=[0.8, 0.2]))  # each column costs a guess and a rule
    sheet.rows = sheet.rows[:3]
    sheet.header += [f"extra {k}" for k in range(more)]
    sheet.rows = [[*row, *["1"] * more] for row in sheet.rows]


def _lines_inside(sheet: _Sheet) -> None:
    for k in sheet.some():
        sheet.rows[k][-2:-1] = ['first\nsecond "line"\r\nthird']


def _repeated(sheet: _Sheet) -> None:
    sheet.rows += [list(row) for row in sheet.rows[: int(sheet.rng.integers(1, 9))]]


def _blank_column(sheet: _Sheet) -> None:
    column = int(sheet.rng.integers(len(HEADER)))
    for row in sheet.rows:
        row[column : column + 1] = [""] if column < len(row) else []
    sheet.certain = False


def _nothing(sheet: _Sheet) -> None:
    sheet.rows, sheet.certain = [], False


def _swapped(sheet: _Sheet) -> None:
    order = sheet.rng.permutation(len(HEADER))
    sheet.header = [sheet.header[k] if k < len(sheet.header) else "z" for k in order]


def _cells(column: int, values: tuple[str, ...]) -> Callable[[_Sheet], None]:
    def damage(sheet: _Sheet) -> None:
        sheet.cells(column, values, float(sheet.rng.choice([0.05, 0.4, 1.0])))
        sheet.certain = sheet.certain and column != 6  # some odd texts are line ends to some readers

    return damage


_ON_ROWS: dict[str, Callable[[_Sheet], None]] = {
    "ragged rows": _ragged,
    "odd header": _odd_header,
    "no header": _no_header,
    "titles": _titles,
    "giant field": _giant_field,
    "many columns": _many_columns,
    "lines inside": _lines_inside,
    "repeated rows": _repeated,
    "blank column": _blank_column,
    "no rows": _nothing,
    "swapped columns": _swapped,
    "odd ids": _cells(0, ("1.23457E+17", "000123", "1000.0", "", "K0001", "=K1", "\u200bK1", "123456789012345678901")),
    "odd dates": _cells(1, ODD_DATES),
    "odd jobs": _cells(2, ODD_TEXTS[:20]),
    "odd ages": _cells(3, ODD_NUMBERS),
    "odd budgets": _cells(4, ODD_NUMBERS),
    "odd booleans": _cells(5, ODD_BOOLEANS),
    "odd texts": _cells(6, ODD_TEXTS),
    "odd targets": _cells(7, ("Yes", "nein", "", "won", "NO ", "1", "¿?")),
}

Bytes = Callable[[bytes, np.random.Generator], bytes]


def _insert(content: bytes, piece: bytes, rng: np.random.Generator, times: int = 3) -> bytes:
    for _ in range(int(rng.integers(1, times + 1))):
        at = int(rng.integers(len(content) + 1))
        content = content[:at] + piece + content[at:]
    return content


def _line_ends(content: bytes, rng: np.random.Generator) -> bytes:
    ends = [b"\n", b"\r\n", b"\r", b"\n\n", b"\r\r\n"]
    return b"".join(line + ends[int(rng.integers(len(ends)))] for line in content.split(b"\n"))


def _mixed_encodings(content: bytes, rng: np.random.Generator) -> bytes:
    odd = [
        "Müller".encode("latin-1"),
        "김민수".encode("cp949"),
        "Łódź".encode("cp1250"),
        "東京".encode("shift-jis"),
        b"\xff\xfe",
    ]
    lines = content.split(b"\n")
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(lines)))
        lines[at] = lines[at].replace(b"plain", odd[int(rng.integers(len(odd)))])
    return b"\n".join(lines)


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(content)
    for _ in range(int(rng.integers(1, 30)) if found else 0):
        found[int(rng.integers(len(found)))] = int(rng.integers(256))
    return bytes(found)


def _recode(encoding: str) -> Bytes:
    return lambda content, rng: content.decode("utf-8", errors="replace").encode(encoding, errors="replace")


_ON_BYTES: dict[str, Bytes] = {
    "broken quotes": lambda content, rng: _insert(content, b'"', rng),
    "NULs": lambda content, rng: _insert(content, b"\x00", rng),
    "line ends": _line_ends,
    "mixed encodings": _mixed_encodings,
    "flipped bytes": _flip,
    "cut": lambda content, rng: content[: int(rng.integers(len(content) + 1))],
    "UTF-16": _recode("utf-16"),
    "UTF-16 without a mark": _recode("utf-16-le"),
    "UTF-32": _recode("utf-32"),
    "EBCDIC": _recode("cp037"),
    "two marks": lambda content, rng: b"\xef\xbb\xbf\xef\xbb\xbf" + content,
    "end of file": lambda content, rng: content + b"\x1a",
    "sep line": lambda content, rng: b"sep=" + bytes([int(rng.choice(list(b";,|x")))]) + b"\r\n" + content,
    "blank lines": lambda content, rng: _insert(content, b"\n \n\n", rng),
    "nothing at all": lambda content, rng: [b"", b"\n", b"\xef\xbb\xbf", b" \t\n", b"\x00", b","][int(rng.integers(6))],
}

Pack = Callable[[_Sheet, bytes, np.random.Generator], tuple[str, bytes]]


def _cut_short(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(4, max(len(content), 5)))] if rng.random() < 0.6 else content


def _zip(sheet: _Sheet, content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for k in range(int(rng.integers(0, 3))):
            archive.writestr(str(rng.choice(["leads.csv", "../up.csv", "a/b.txt", "x.zip"])) + "." * k, content)
    return ".zip", _cut_short(packed.getvalue(), rng)


def _frame(sheet: _Sheet) -> pd.DataFrame:
    width = len(sheet.header)
    names = [f"{name}" if sheet.header.index(name) == k else f"{name}.{k}" for k, name in enumerate(sheet.header)]
    return pd.DataFrame([(row + [""] * width)[:width] for row in sheet.rows], columns=names, dtype="str")


def _parquet(sheet: _Sheet, content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    frame = _frame(sheet).iloc[:, :12]
    if "age" in frame and rng.random() < 0.7:
        odd = [[1, 2], {"a": 1}, b"\xff", None, "7"]
        choice = int(rng.integers(6))
        if choice == 0:
            frame["age"] = [odd[0]] * len(frame)
        elif choice == 1:
            frame["age"] = [odd[1]] * len(frame)
        elif choice == 2:
            frame["age"] = [odd[2]] * len(frame)
        elif choice == 3:
            frame["age"] = pd.to_timedelta(range(len(frame)), unit="h")
        elif choice == 4:
            frame["age"] = pd.Series(pd.date_range("2024-01-01", periods=len(frame), tz="Asia/Seoul"))
        else:
            frame["age"] = pd.Series([float("inf")] * len(frame))
    packed = io.BytesIO()
    frame.to_parquet(packed, index=False)
    return ".parquet", _cut_short(packed.getvalue(), rng)


def _workbook(sheet: _Sheet, content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    from openpyxl import Workbook

    book = Workbook()
    page = book.active
    assert page is not None
    page.title = "Leads"
    for k in range(int(rng.integers(0, 3))):
        page.append([f"Title {k}"])
    clean = ["".join(c for c in name if c.isprintable()) for name in sheet.header[:30]]
    page.append(clean)
    for row in sheet.rows:
        page.append(["".join(c for c in text[:30_000] if c.isprintable()) for text in row[:30]])
    if rng.random() < 0.3:
        book.create_sheet("Empty")
    packed = io.BytesIO()
    book.save(packed)
    return ".xlsx", _cut_short(packed.getvalue(), rng)


def _json_lines(sheet: _Sheet, content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    lines = [json.dumps(dict(zip(sheet.header, row, strict=False))) for row in sheet.rows]
    for k in range(len(lines)):
        if rng.random() < 0.1:
            lines[k] = str(rng.choice(["{", "[1, 2]", "null", '{"age": NaN}', '{"age": {"a": 1}}', lines[k][:-3], "7"]))
    return ".jsonl", "\n".join(lines).encode()


_PACKED: dict[str, Pack] = {
    "gzip": lambda sheet, content, rng: (".csv.gz", _cut_short(gzip.compress(content, mtime=0), rng)),
    "bz2": lambda sheet, content, rng: (".csv.bz2", _cut_short(bz2.compress(content), rng)),
    "zip": _zip,
    "Parquet": _parquet,
    "workbook": _workbook,
    "JSON lines": _json_lines,
    "named a workbook": lambda sheet, content, rng: (".xlsx", content),
    "named Parquet": lambda sheet, content, rng: (".parquet", content),
    "old workbook": lambda sheet, content, rng: (".xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + content[:600]),
    "HTML": lambda sheet, content, rng: (".xls", b"<html><table><tr><td>number</td></tr></table></html>"),
    "a database": lambda sheet, content, rng: (".db", b"SQLite format 3\x00" + content[:200]),
    "a document": lambda sheet, content, rng: (".csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + content),
}
