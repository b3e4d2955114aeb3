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

    Files are compared by size, and those written since by hash; databases and folders are not looked into.
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
        if location is not None and path.is_file() and _differs(path, location, known.files.get(table, {}), read_at):
            names.append(path.name)
    names = list(dict.fromkeys(names))
    if not names:
        return ""
    return f"{', '.join(names)} {'was' if len(names) == 1 else 'were'} changed"


def _differs(path: Path, location: Location, known: Mapping[str, Any], read_at: int) -> bool:
    """Whether a file holds other bytes than those on record, which are the unpacked ones of one that is packed."""
    if "sha256" not in known:
        return False
    now, packed = path.stat(), location.member is not None or path.name.endswith(PACKED_SUFFIXES)
    if now.st_mtime_ns <= read_at and (packed or now.st_size == known.get("bytes")):
        return False
    try:
        content = unpack(read_whole(path, limits_of(location))[0], location, what=path.name)
    except TooLargeError:  # by today's limits; what was read was not
        return False
    except LeadScoreError:  # being written, or no longer what it was
        return True
    return hashlib.sha256(content).hexdigest() != known["sha256"]
