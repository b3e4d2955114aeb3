"""Tables that were read before: all of one ingest, and whether what they were read from is still the same."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.array_types import Tables
from features.errors import LeadScoreError
from features.schema.table_source import Location
from pipelines.artifacts.counts_record import CountsRecord, hash_declaration
from pipelines.ingest.errors import TooLargeError
from pipelines.ingest.reading.fetch import get_data
from pipelines.ingest.reading.file_parts import FileParts, list_parts
from pipelines.ingest.reading.file_state import read_whole
from pipelines.ingest.reading.read_limits import limits_of
from pipelines.ingest.reading.table_names import PACKED_SUFFIXES
from pipelines.ingest.reading.unpacking import unpack
from pipelines.workspace.context import Context
from pipelines.workspace.lock import BusyError
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

_TRIES = 5  # an ingest takes longer than reading its tables: more than two in a row is a loop that writes


class StaleTablesWarning(UserWarning):
    """Files or declaration of a source were changed since its tables were read."""


def load_last_tables(paths: Paths) -> Tables:
    """All canonical tables of one ingest, read again where another process wrote the next one meanwhile.

    Raises
    ------
    BusyError : each time anew
    """
    for _ in range(_TRIES):
        before = paths.ingest.stat().st_ino
        tables = load_tables(paths)
        if paths.ingest.stat().st_ino == before:  # an ingest takes the place of the folder as a whole
            return tables
    raise BusyError(f"source '{paths.source}' in {paths.data_dir} is written again and again. Wait for it.")


def what_changed(context: Context) -> str:
    """What is another than when the source was read last, in words; empty where nothing is known to be.

    Files, of folders and patterns too, are compared by number and size, and those written or put there since by hash.
    Databases, dated exports and rows posted to the server are not looked into.
    """
    if not CountsRecord.exists(context.paths):
        return ""
    known = CountsRecord.read(context.paths)
    if known.declaration and known.declaration != hash_declaration(context.source):
        return f"{context.source_path.name} was changed"
    if context.source.generator is not None:
        return ""
    try:
        paths = get_data(context.source, context.paths, download=False)
    except LeadScoreError:  # moved or taken away: the tables are what is left of them
        return ""
    read_at = CountsRecord.path(context.paths).stat().st_mtime_ns
    names = []
    for table, path in paths.items():
        location = context.source.tables[table].location
        if location is not None and _differs(path, location, known.files.get(table, {}), read_at):
            names.append(path.name)
    names = list(dict.fromkeys(names))
    if not names:
        return ""
    return f"{', '.join(names)} {'was' if len(names) == 1 else 'were'} changed"


def _differs(path: Path, location: Location, known: Mapping[str, Any], read_at: int) -> bool:
    """Whether files hold other bytes than those on record, which are the unpacked ones of what is packed."""
    if "sha256" not in known:
        return False
    try:
        parts = list_parts(path)
        files = (path,) if parts is None else parts.files
        found = [file.stat() for file in files]
        # a file moved here keeps the time it was written, but not that of its entry
        written = any(max(now.st_mtime_ns, now.st_ctime_ns) > read_at for now in found)
        packed = location.member is not None or any(file.name.endswith((".zip", *PACKED_SUFFIXES)) for file in files)
        same_size = packed or sum(now.st_size for now in found) == known.get("bytes")
        if len(files) != known.get("files", 1):
            return True
        if not written and same_size:
            return False
        return _hash_of(path, parts, location) != known["sha256"]
    except TooLargeError:  # by today's limits; what was read was not
        return False
    except (LeadScoreError, OSError):  # being written, taken away, or no longer what it was
        return True


def _hash_of(path: Path, parts: FileParts | None, location: Location) -> str:
    """As ingest writes it down: of a file's unpacked bytes, or of the names and hashes of its parts."""
    if parts is None:
        content = unpack(read_whole(path, limits_of(location))[0], location, what=path.name)
        return hashlib.sha256(content).hexdigest()
    single = location.model_copy(update={"sha256": None})
    named = [(file.relative_to(parts.root).as_posix(), _hash_of(file, None, single)) for file in parts.files]
    return hashlib.sha256("".join(f"{name}\0{found}\n" for name, found in named).encode()).hexdigest()
