"""What the columns of a source's files stand for, where it is asked whose a row is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from features.schema.source import Source
from pipelines.privacy.left_out_rows import STAFF
from pipelines.snapshots.differences import KEY


@dataclass(frozen=True)
class NamingColumns:
    """What the columns of a table stand for, where they have the headers of a source's files.

    Parameters
    ----------
    leads : columns that hold ids of leads, beside ``lead_id``
    staff : columns that name colleagues, whose addresses are no lead's
    quarantined : by table its columns of ids of leads, for rows of several tables
    """

    leads: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    quarantined: Mapping[str, frozenset[str]] = field(default_factory=dict)


def naming_columns(source: Source, tables: Collection[str] = (), key: Collection[str] = ()) -> NamingColumns:
    """What the headers of some tables stand for (none named: of all).

    An id of a lead in one table may stand under the same header as something else's in another: ``id``. Of snapshots
    ``KEY`` holds ids of leads too, if their rows have such a ``key``.
    """
    named = {table: _lead_headers(source, table) for table in source.tables}
    chosen = [table for table in source.tables if not tables or table in tables]
    leads = frozenset(header for table in chosen for header in named[table])
    staff = frozenset(
        header
        for table in chosen
        for name, column in source.tables[table].columns.items()
        if name in STAFF
        for header in (name, *column.headers(name))
    )
    return NamingColumns(leads | {KEY} if leads & set(key) else leads, staff - leads, named)


def _lead_headers(source: Source, table: str) -> frozenset[str]:
    name = (source.flat.lead_id if source.flat is not None else None) or "lead_id"
    column = source.tables[table].columns.get(name)
    return frozenset() if column is None else frozenset(column.headers(name))
