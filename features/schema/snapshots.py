"""Which tables and columns of a source come from dated exports, and what may not be declared of them."""

from collections.abc import Iterator

from features.schema.columns import Column
from features.schema.source import Source
from features.schema.table_source import Snapshots
from features.schema.vocabulary import ColumnType, Role, WhenKnown

KEPT_TABLES = ("leads", "accounts", "outcomes", "stages")  # states of things; events keep their own clocks
CHANNEL = "snapshot"  # of answers that snapshots gave
DATED = (WhenKnown.KNOWN_AT, WhenKnown.SNAPSHOTS)  # accounts have a row per change of such columns
_ANSWERED = (WhenKnown.HISTORY, WhenKnown.SNAPSHOTS)


def snapshots_of(source: Source, table: str) -> Snapshots | None:
    """How a table's exports become its history; None where it is read from one file."""
    declared = source.tables.get(table)
    return None if declared is None or declared.location is None else declared.location.snapshots


def snapshot_columns(source: Source) -> dict[str, Column]:
    """Leads' columns whose history the exports are: each becomes a question of ``answers``."""
    leads = source.tables.get("leads")
    columns = {} if leads is None else leads.columns
    return {
        name: column
        for name, column in columns.items()
        if column.when_known is WhenKnown.SNAPSHOTS and column.role is not Role.IGNORE
    }


def is_read_from_answers(table: str, column: Column) -> bool:
    """Whether the values of a column are answers: a mapped history, or that of snapshots.

    Accounts have a row per snapshot, so theirs stay columns.
    """
    if table == "accounts" and column.when_known is WhenKnown.SNAPSHOTS:
        return False
    return column.when_known in _ANSWERED


def find_snapshot_problems(source: Source) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys that ask of snapshots what they cannot give, each with what to do instead."""
    for table, declared in source.tables.items():
        kept = snapshots_of(source, table) is not None
        place: tuple[str, ...] = ("tables", table, "location", "snapshots")
        if kept and source.kind == "flat":
            yield place, "snapshots are a history, which needs clocks: declare kind: relational with created_at."
        elif kept and table not in KEPT_TABLES:
            yield place, f"'{table}' are events with clocks of their own; snapshots are for {', '.join(KEPT_TABLES)}."

        database = declared.location.database if declared.location is not None else None
        if kept and database is not None and (database.watermark or database.newer_than):
            yield place, "a snapshot needs the whole table; leave 'watermark' and 'newer_than' out."

        for name, column in declared.columns.items():
            if column.when_known is not WhenKnown.SNAPSHOTS:
                continue
            place = ("tables", table, "columns", name, "when_known")
            if not kept:
                yield place, f"no snapshots are kept of '{table}': add 'snapshots: true' to its location."
            elif table not in ("leads", "accounts"):
                yield place, f"a row of '{table}' has its own clock; leave 'when_known' out."
            elif column.title:
                yield place, "a job title is read at creation; leave 'title' or 'when_known' out."
            elif column.type is ColumnType.ID:
                yield place, "an id names the row and has no history; leave 'when_known' out."

    segment = source.label.segment
    if segment in snapshot_columns(source):
        text = "is overwritten, so a lead's segment would be today's; name a column that stays as it was at creation."
        yield ("label", "segment"), f"'{segment}' {text}"
    elif segment is not None and _begins_empty(source, segment):
        yield (
            ("label", "segment"),
            f"'{segment}' of accounts has no value before the first snapshot, so their leads would have no segment and "
            "the default horizon; leave its 'when_known' out: the value that was seen first then counts.",
        )


def _begins_empty(source: Source, segment: str) -> bool:
    """Whether a segment is an account's column that is missing in the row known always, which tells it."""
    leads, accounts = source.tables.get("leads"), source.tables.get("accounts")
    if accounts is None or (leads is not None and segment in leads.columns) or snapshots_of(source, "accounts") is None:
        return False
    column = accounts.columns.get(segment)
    return column is not None and column.when_known in DATED and not have_own_clock(source)


def have_own_clock(source: Source) -> bool:
    """Whether accounts date their changes themselves: ``known_at`` is declared, and their file is an export of its own.

    In a file of deals that clock is the deal's, so a row known always comes before those of the snapshots.
    """
    accounts = source.tables.get("accounts")
    if accounts is None or accounts.location is None or "known_at" not in accounts.columns:
        return False
    file = accounts.location.model_dump_json()
    rows = [source.tables[name].location for name in ("leads", "outcomes") if name in source.tables]
    return all(location is None or location.model_dump_json() != file for location in rows)
