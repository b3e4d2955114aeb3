"""Rows of each file against those of the last ingest: a file that is still being written, or was cut off, has fewer."""

from collections.abc import Mapping

from features.errors import LeadScoreError
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.errors import FewerRowsError
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

ASKED = "fewer_rows.json"  # below ``refused``: table to hash of the file that was refused for its few rows
_LEAST_ROWS = 50  # of the last ingest: below it half of them is soon said
_LEAST_SHARE = 0.5  # of the rows of the last ingest; exports shrink by clean-ups, but not by half from one to the next


def check_rows_against_last(paths: Paths, raws: Mapping[str, RawTable]) -> list[str]:
    """Notes on files with fewer rows than the last ingest read of the same name.

    With fewer than half the rows a file is refused once; what it was is kept, and the same bytes are taken the next
    time, as nobody writes them any more.

    Raises
    ------
    FewerRowsError
        naming table, file, both counts and what to do.
    """
    try:
        last = CountsRecord.read(paths)
    except LeadScoreError:
        return []  # the first ingest, or one of an older version

    shrunk = {table: n for table, raw in raws.items() if (n := _shrunk(table, raw, last)) is not None}
    asked: dict[str, str] = read_json(paths.refused / ASKED) if (paths.refused / ASKED).exists() else {}
    few = {t: n for t, n in shrunk.items() if _rows_of_file(raws[t]) < _LEAST_SHARE * n}
    new = {table: str(raws[table].form.get("sha256", "")) for table in few}
    if any(asked.get(table) != digest for table, digest in new.items()):
        write_json(paths.refused / ASKED, new)
        found = "; ".join(_in_words(raws, few))
        raise FewerRowsError(
            f"{found}. An export that is still being written, or was cut off, looks like that. Nothing was kept; the "
            "last ingest stays. Export again if it is not complete; if it is, run the same command again: the same "
            "file is then taken."
        )
    some = {table: n for table, n in shrunk.items() if table not in few}
    return [*(f"warning: {said}." for said in _in_words(raws, few)), *(f"{said}." for said in _in_words(raws, some))]


def _shrunk(table: str, raw: RawTable, last: CountsRecord) -> int | None:
    """Rows of the last ingest, if the same file has fewer now."""
    if not raw.files or table not in last.rows or last.files.get(table, {}).get("file") != raw.form.get("file"):
        return None
    before = last.files[table].get("rows")
    return before if before is not None and before >= _LEAST_ROWS and _rows_of_file(raw) < before else None


def _rows_of_file(raw: RawTable) -> int:
    """Rows of the whole file: of those the table has its share only where the file holds several tables or is wide."""
    return int(raw.form.get("rows", raw.read))


def _in_words(raws: Mapping[str, RawTable], shrunk: Mapping[str, int]) -> list[str]:
    """A sentence for each file, naming the tables it holds."""
    tables: dict[tuple[str, int, int], list[str]] = {}
    for table, before in shrunk.items():
        raw = raws[table]
        tables.setdefault((str(raw.form.get("file")), _rows_of_file(raw), before), []).append(table)
    return [
        f"{', '.join(names)}: {file} has {rows:,} rows, and had {before:,} at the last ingest"
        for (file, rows, before), names in tables.items()
    ]
