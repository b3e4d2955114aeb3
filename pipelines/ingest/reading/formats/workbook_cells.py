"""The cells of a workbook as JSON, read in a process of its own: a damaged workbook may end the process that reads it.

The reader of workbooks makes room for a whole sheet at once and gives up the process, not the call, when a damaged file
asks for more memory than there is. Run by its path, with the workbook on standard input; it imports nothing of ours.
"""

import datetime
import io
import json
import resource
import sys
from typing import Any

import python_calamine as calamine

MOST_MEMORY = 8 << 30  # bytes a workbook may take; a sheet as large as Excel allows takes less


def main() -> None:
    """Write the sheets asked for: the one named in ``sheet``, else all visible ones; of each at most ``rows`` rows."""
    asked = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    try:
        found = _read(sys.stdin.buffer.read(), asked["sheet"], asked["rows"])
    except calamine.PasswordError:
        found = {"locked": True}
    except Exception as problem:
        found = {"error": str(problem)[:300] or type(problem).__name__}
    sys.stdout.write(json.dumps(found))


def _read(content: bytes, wanted: str | None, rows: int | None) -> dict[str, Any]:
    with calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
        kinds = (calamine.SheetTypeEnum.WorkSheet, calamine.SheetVisibleEnum.Visible)
        seen = [sheet.name for sheet in book.sheets_metadata if (sheet.typ, sheet.visible) == kinds]
        names = [wanted] if wanted is not None else seen or list(book.sheet_names)
        sheets = [_sheet(book.get_sheet_by_name(name), rows) for name in names if name in book.sheet_names]
        return {"names": list(book.sheet_names), "sheets": sheets}


def _sheet(sheet: Any, rows: int | None) -> dict[str, Any]:
    top, left = sheet.start or (0, 0)
    merged = [[[a[0] - top, a[1] - left], [b[0] - top, b[1] - left]] for a, b in sheet.merged_cell_ranges or ()]
    found = sheet.to_python(skip_empty_area=True, nrows=rows)
    cells = [[_cell(value) for value in row] if any(value != "" for value in row) else [] for row in found]
    return {"name": sheet.name, "cells": cells, "merged": merged}


def _cell(value: Any) -> Any:
    """A cell as JSON holds it: moments and dates as a pair of their kind and ISO text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime.datetime):
        return ["moment", value.isoformat(sep=" ")]
    return ["date", value.isoformat()] if isinstance(value, datetime.date) else str(value)


if __name__ == "__main__":
    main()
