"""What tables an input holds: a file, folder, archive, workbook, database file or database URL."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.schema.table_source import Database, Location
from pipelines.ingest.errors import EmptyFileError, MissingFileError, UnreadableFileError
from pipelines.ingest.reading.file_parts import has_pattern, list_parts
from pipelines.ingest.reading.file_state import read_whole
from pipelines.ingest.reading.formats.database_files import as_file, is_database_file
from pipelines.ingest.reading.formats.parquet_files import PARQUET
from pipelines.ingest.reading.formats.workbooks import COMPOUND, list_sheets
from pipelines.ingest.reading.read_limits import limits_of
from pipelines.ingest.reading.table_names import PACKED_SUFFIXES, is_table_name
from pipelines.ingest.reading.unpacking import ZIP, check_members, is_workbook, unpack, zip_member, zip_names

_MOST_FILES = 5_000  # of a folder and those below it: an export has some dozens, and a disk as a whole is none


@dataclass(frozen=True)
class FoundTable:
    """A table of an input: what it is called there, and the location that reads it (paths as they were given)."""

    name: str
    location: Location


@dataclass(frozen=True)
class FoundInput:
    """The tables of an input, and what in it is none, each with the reason."""

    tables: tuple[FoundTable, ...]
    passed_over: tuple[tuple[str, str], ...] = ()


def is_database_address(given: str) -> bool:
    """Whether what was given is a database: a URL, or ``${NAME}`` of the environment.

    >>> is_database_address("postgresql://host/crm"), is_database_address("${CRM}"), is_database_address("crm.csv")
    (True, True, False)
    """
    return "://" in given or (given.startswith("${") and given.endswith("}"))


def list_tables(given: str | Path) -> FoundInput:
    """The tables of an input.

    Parameters
    ----------
    given : path of a file or folder, a pattern, a database URL without a password, or ``${NAME}`` of a variable that
        holds one with

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError, DatabaseError
        if it does not exist, is damaged, or holds no table.
    """
    if isinstance(given, str) and is_database_address(given):
        from pipelines.ingest.reading.formats.databases import list_database  # takes longer to load than most files

        found = [
            FoundTable(name, Location(database=Database(url=given, table=name, schema_name=schema)))
            for schema, name in list_database(given)
        ]
        listed = FoundInput(tuple(found))
    else:
        path = Path(given)
        listed = _list_folder(path, count(1)) if path.is_dir() else FoundInput(tuple(_list_file(path)))
    if not listed.tables:
        others = f" It holds: {', '.join(name for name, _ in listed.passed_over[:10])}." if listed.passed_over else ""
        raise EmptyFileError(f"{_shown(given)} holds no table.{others} Name a file, folder or database with tables.")
    return listed


def _shown(given: str | Path) -> str:
    return str(given)  # a URL with a password was refused before


def _list_folder(folder: Path, seen: Iterator[int]) -> FoundInput:
    if _is_one_table(folder):
        return FoundInput((FoundTable(folder.name, Location(file=str(folder))),))
    tables: list[FoundTable] = []
    others: list[tuple[str, str]] = []
    for path in sorted(folder.iterdir()):
        if next(seen) > _MOST_FILES:
            raise UnreadableFileError(
                f"{folder} lies among more than {_MOST_FILES:,} files and folders. Name the folder with the tables."
            )
        if path.name.startswith((".", "_", "~$")):
            continue
        if path.is_dir():
            inner = _list_folder(path, seen)
            tables += inner.tables
            others += [(f"{path.name}/{name}", why) for name, why in inner.passed_over]
            continue
        if not is_table_name(path.name) and path.suffix.lower() != ".zip":
            others.append((path.name, "not a table by its name"))
            continue
        try:
            tables += _list_file(path)
        except (UnreadableFileError, EmptyFileError, MissingFileError) as problem:
            others.append((path.name, str(problem)))
    return FoundInput(tuple(tables), tuple(others))


def _is_one_table(folder: Path) -> bool:
    """Whether a folder is a table in parts: folders named ``key=value``, or Parquet files of the same columns."""
    if any(path.is_dir() and "=" in path.name for path in folder.iterdir()):
        return True
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith((".", "_"))]
    if len(files) < 2 or any(path.suffix != ".parquet" for path in files):
        return False
    return len({_parquet_columns(path) for path in files}) == 1


def _parquet_columns(path: Path) -> tuple[str, ...]:
    try:
        return tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError):
        return ()


def _list_file(path: Path) -> Iterator[FoundTable]:
    """The tables of one file; what is damaged raises, with the file's name."""
    if has_pattern(str(path)) and not path.exists():
        list_parts(path)
        yield FoundTable(
            Path(str(path).replace("*", "")).stem.strip("-_. ") or path.parent.name, Location(file=str(path))
        )
        return
    content, _ = read_whole(path, limits_of())
    yield from _list_content(content, path, Location(file=str(path)), _stem(path.name), depth=2)


def _list_content(content: bytes, path: Path, location: Location, name: str, *, depth: int) -> Iterator[FoundTable]:
    """Tables of a file's bytes; members of archives are listed through ``depth`` archives."""
    what = f"{location.member} in {path.name}" if location.member else path.name
    if not content:
        raise EmptyFileError(f"{what} is empty (0 bytes). Export it again.")
    if content.startswith(ZIP) and not is_workbook(content):
        for member in zip_names(content, what=what):
            inner = f"{location.member}/{member}" if location.member else member
            if member.lower().endswith(".zip") and depth:
                packed = zip_member(content, member, what=what)
                yield from _list_content(
                    packed, path, location.model_copy(update={"member": inner}), name, depth=depth - 1
                )
            elif is_table_name(member):
                at = location.model_copy(update={"member": inner})
                yield from _list_content(zip_member(content, member, what=what), path, at, _stem(member), depth=0)
        return

    content = unpack(content, Location(file=location.file), what=what)
    if content.startswith(COMPOUND) or (content.startswith(ZIP) and is_workbook(content)):
        check_members(content, limits_of(), what=what)
        sheets = list_sheets(content, what=what)
        for sheet in sheets:
            yield FoundTable(sheet if len(sheets) > 1 else name, location.model_copy(update={"sheet": sheet}))
    elif is_database_file(content[:16]):
        from pipelines.ingest.reading.formats.databases import list_file_tables

        with as_file(content) as unpacked:
            tables = list_file_tables(unpacked, what=what)
        for table in tables:
            yield FoundTable(table, location.model_copy(update={"table": table}))
    elif content.startswith(PARQUET) or content.strip():
        yield FoundTable(name, location)


def _stem(name: str) -> str:
    """A file's name without folders, packing and suffix."""
    bare = Path(name)
    while bare.suffix.lower() in PACKED_SUFFIXES:
        bare = bare.with_suffix("")
    return bare.stem
