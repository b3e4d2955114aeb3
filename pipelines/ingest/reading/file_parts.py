"""Tables that lie in several files: folders by date, and patterns such as ``events/*.csv``."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema.table_source import Location
from pipelines.ingest.errors import MissingFileError, UnreadableFileError
from pipelines.ingest.reading.formats.parquet_files import partition_values
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.reading.table_names import table_suffix
from pipelines.ingest.reading.unpacking import check_hash

_LAKES = (("_delta_log", "Delta Lake"), ("metadata", "Iceberg"), (".hoodie", "Hudi"))


@dataclass(frozen=True)
class FileParts:
    """The files of one table, in order of their paths, and the folder their paths start from."""

    files: tuple[Path, ...]
    root: Path


def has_pattern(text: str) -> bool:
    """Whether a path names several files by ``*``, ``?`` or ``[``."""
    return any(sign in text for sign in "*?[")


def list_parts(path: Path) -> FileParts | None:
    """The files of a folder or pattern; None if the path is a single file.

    Raises
    ------
    UnreadableFileError
        if a folder holds no table, tables of several formats, or a table format with a log of its own, of which the
        Parquet files alone are not the table.
    MissingFileError
        if a pattern fits no file.
    """
    if has_pattern(path.name) or has_pattern(str(path.parent)):
        if path.exists():
            return None
        root = path
        while has_pattern(str(root)):
            root = root.parent
        files = tuple(sorted(p for p in root.glob(str(path.relative_to(root))) if p.is_file() and _is_shown(p, root)))
        if not files:
            raise MissingFileError(f"no file fits {path}. Check the pattern.")
        return FileParts(files, root)
    return FileParts(_files_of(path), path) if path.is_dir() else None


def _files_of(folder: Path) -> tuple[Path, ...]:
    _refuse_lake(folder)
    try:
        files = sorted(p for p in folder.rglob("*") if p.is_file() and _is_shown(p, folder))
    except OSError as problem:
        raise UnreadableFileError(f"{folder} cannot be read: {problem.strerror}. Check its permissions.") from problem
    tables = tuple(p for p in files if table_suffix(p.name) is not None)
    kinds = sorted({str(table_suffix(p.name)) for p in tables})
    if not tables:
        raise UnreadableFileError(
            f"{folder} is a directory without a table in it ({len(files)} other files). Name a file, or a folder of "
            "Parquet or CSV files."
        )
    if len(kinds) > 1:
        raise UnreadableFileError(
            f"{folder} is a directory of files of several kinds ({', '.join(kinds)}). Name one file, or a pattern such "
            f"as {folder.name}/*{kinds[0]}."
        )
    return tables


def _refuse_lake(folder: Path) -> None:
    for inner, name in _LAKES:
        if (folder / inner).is_dir() and (inner != "metadata" or any((folder / inner).glob("*.metadata.json"))):
            raise UnreadableFileError(
                f"{folder} is a {name} table: its Parquet files hold deleted rows too. Export its current state as "
                "Parquet, or read it through a database that knows the format."
            )


def _is_shown(path: Path, root: Path) -> bool:
    """Whether no part of the path is hidden or a marker, as ``_SUCCESS`` and ``.crc`` files are."""
    return not any(part.startswith((".", "_", "~$")) for part in path.relative_to(root).parts)


def join_parts(
    raws: Sequence[RawTable], files: Sequence[Path], root: Path, location: Location, *, what: str
) -> RawTable:
    """One table of the files' rows, numbered through; what stands in folder names is a column.

    Columns that only some files have are missing in the others and told; files without a column in common are refused.
    """
    names = [file.relative_to(root).as_posix() for file in files]
    parts, partitions = [], set()
    for raw, file in zip(raws, files, strict=True):
        values = {k: v for k, v in partition_values(file, root).items() if k not in raw.frame}
        parts.append(
            raw.frame.assign(**{k: pd.Series(v, index=raw.frame.index, dtype="str") for k, v in values.items()})
        )
        partitions |= set(values)
        if not set(parts[-1].columns) & set(parts[0].columns):
            raise UnreadableFileError(
                f"{what}: {names[0]} and {names[len(parts) - 1]} have no column in common. Name the files of one table."
            )

    starts = np.cumsum([0, *(raw.read for raw in raws)])[:-1]
    partial = sorted({str(c) for part in parts for c in part if any(c not in other for other in parts)})
    notes = [f"{what}: {', '.join(partial)} stand in some of the {len(files)} files only."] if partial else []
    hashes = "".join(f"{name}\0{raw.form.get('sha256', '')}\n" for name, raw in zip(names, raws, strict=True))
    found = hashlib.sha256(hashes.encode()).hexdigest()
    check_hash(found, location, what=what)
    return RawTable(
        frame=pd.concat(parts, ignore_index=True),
        rows=np.concatenate([raw.rows + start for raw, start in zip(raws, starts, strict=True)]),
        broken=tuple(
            replace(row, row=row.row + int(start))
            for raw, start in zip(raws, starts, strict=True)
            for row in raw.broken
        ),
        form={**raws[0].form, "sha256": found, "bytes": sum(r.form.get("bytes", 0) for r in raws), "files": len(files)},
        files=tuple(state for raw in raws for state in raw.files),
        notes=tuple(dict.fromkeys([*notes, *(note for raw in raws for note in raw.notes)])),
        numbers=_join_numbers(raws, parts, starts),
        parts={name: int(start) for name, start in zip(names, starts, strict=True)} if len(names) > 1 else {},
        delimiters={name: raw.form.get("delimiter") for name, raw in zip(names, raws, strict=True)},
        partitions=frozenset(partitions),
    )


def _join_numbers(
    raws: Sequence[RawTable], parts: Sequence[pd.DataFrame], starts: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[np.int64]]:
    """Rows that hold numbers, by column; one that is typed in some of the files only becomes texts in them all."""
    found: dict[str, npt.NDArray[np.int64]] = {}
    for header in dict.fromkeys(str(name) for part in parts for name in part.columns):
        hit = [raw.rows[raw.are_numbers(header)] + start for raw, start in zip(raws, starts, strict=True)]
        rows = np.concatenate(hit)
        if rows.size:
            found[header] = rows
    return found
