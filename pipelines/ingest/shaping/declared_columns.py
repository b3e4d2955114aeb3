"""Columns of a table as its declaration names them: which are read, under which headers, as which type."""

from features.schema.canonical_tables import TABLES
from features.schema.columns import Column
from features.schema.source import Source
from features.schema.table_source import WIDE_DATE, WIDE_STAGE
from features.schema.vocabulary import ColumnType, Role

# ids of another type are the texts of its values, 1001.0 of a number: what people posted stands under them
_AS_WRITTEN = (None, ColumnType.CATEGORY, ColumnType.TEXT, ColumnType.ID)


def read_columns(source: Source, table: str) -> dict[str, Column]:
    """Columns of a table that are read: the declared ones without the ignored, and those ``flat`` speaks of."""
    declared = source.tables[table].columns if table in source.tables else {}
    columns = {name: column for name, column in declared.items() if column.role is not Role.IGNORE}
    if source.flat is not None and table == "leads":
        flat = source.flat
        for name in (flat.target.column, flat.order, flat.group, flat.lead_id):
            if name is not None and name not in ("row", "identical_inputs") and name not in columns:
                columns[name] = declared.get(name, Column(role=Role.DISPLAY))
    return columns


def type_of(source: Source, table: str, name: str) -> ColumnType:
    """Type a column is read as: the contract's, else the declared one, else category; an id where it names leads."""
    if source.flat is not None and name == source.flat.target.column:
        return ColumnType.CATEGORY
    contract = TABLES[table]
    column = read_columns(source, table).get(name)
    declared = None if column is None else column.type
    # what rows are sorted by is a time or a number: as texts 1000 stands before 999
    names_leads = source.flat is not None and name == source.flat.lead_id and name != source.flat.order
    if names_leads and declared in _AS_WRITTEN:
        return ColumnType.ID
    if name in contract.names and (source.kind != "flat" or declared is None):
        return contract[name].type
    return declared or ColumnType.CATEGORY


def names_who_or_when(source: Source, table: str, name: str) -> bool:
    """Whether a column names records, people or moments, so that what means no value there is no value.

    Else all rows with 'NULL' were of one account, of one owner, or of one group.
    """
    named = source.flat is not None and name in (source.flat.group, source.flat.lead_id)
    return named or name == "owner" or type_of(source, table, name) in (ColumnType.ID, ColumnType.TIMESTAMP)


def declared_headers(source: Source, table: str) -> list[str]:
    """Headers the declaration speaks of for a table, for others read from the same file, and as ids to refer by."""
    mine = source.tables[table]
    alike = {
        name: other
        for name, other in source.tables.items()
        if other is mine or (other.location is not None and other.location == mine.location)
    }
    spoken = [header for one in alike.values() for name, c in one.columns.items() for header in c.headers(name)]
    spoken = [header for header in spoken if header not in (WIDE_STAGE, WIDE_DATE)]
    headers = dict.fromkeys([*spoken, *(header for name in alike for header in headers_that_select(source, name))])
    made = {header for one in alike.values() for header in one.flags}
    return [header for header in headers if header not in made]


def headers_that_select(source: Source, table: str) -> list[str]:
    """Headers beside the columns: those that say which rows are a table's, date its stages, or are referred by."""
    declared = source.tables[table]
    wide = [header for stage in declared.wide.values() for header in stage.headers]
    flags = [header for values in declared.flags.values() for named in values.values() for header in named]
    return [*declared.rows, *wide, *flags, *_headers_referred_by(source, table)]


def _headers_referred_by(source: Source, table: str) -> list[str]:
    """Headers of a table's file by which other tables refer to its rows (``through``)."""
    return [
        header
        for other, declared in source.tables.items()
        for known in TABLES[other].columns
        if known.references is not None and known.references.split(".")[0] == table and known.name in declared.columns
        for header in declared.columns[known.name].through
    ]
