"""What the columns of a source's files stand for, where it is asked whose a row is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from features.schema.source import Source
from features.schema.vocabulary import Role

STAFF = ("owner", "author", "actor")  # columns that name who works here: a colleague's address is no lead's


@dataclass(frozen=True)
class NamingColumns:
    """What the columns of a table stand for, where they have the headers of a source's files.

    Parameters
    ----------
    leads : columns that hold ids of leads, beside ``lead_id``
    staff : columns that name colleagues, whose addresses are no lead's
    personal : columns that say who somebody is, whose texts mention nobody else first
    quarantined : by table its columns of ids of leads, for rows of several tables
    """

    leads: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()
    quarantined: Mapping[str, frozenset[str]] = field(default_factory=dict)


def naming_columns(source: Source, tables: Collection[str] = ()) -> NamingColumns:
    """What the headers of some tables stand for (none named: of all).

    An id of a lead in one table may stand under the same header as something else's in another: ``id``.
    """
    named = {table: _lead_headers(source, table) for table in source.tables}
    chosen = [table for table in source.tables if not tables or table in tables]
    leads = frozenset(header for table in chosen for header in named[table])
    columns = [pair for table in chosen for pair in source.tables[table].columns.items()]
    staff = frozenset(h for name, column in columns if name in STAFF for h in (name, *column.headers(name)))
    personal = frozenset(
        header
        for name, column in columns
        if column.role in (Role.PERSONAL, Role.SENSITIVE)
        for header in (name, *column.headers(name))
    )
    return NamingColumns(
        leads=leads,
        staff=staff - leads,
        personal=personal - staff,
        quarantined=named,
    )


def _lead_headers(source: Source, table: str) -> frozenset[str]:
    name = (source.flat.lead_id if source.flat is not None else None) or "lead_id"
    column = source.tables[table].columns.get(name)
    return frozenset() if column is None else frozenset(column.headers(name))
