"""``leadscore snapshot``: dated exports kept as history, taken, listed and judged."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import DataDir, Debug, Json, Source
from pipelines.cli.output import Output, options

if TYPE_CHECKING:
    from pipelines.artifacts.snapshots_record import TakenSnapshot
    from pipelines.snapshots.history_status import ExportStatus

app = typer.Typer(help="Dated exports kept as history.", no_args_is_help=True)
SHOWN = 4  # columns of a snapshot's line; the JSON has all of them

Table = Annotated[
    str | None, typer.Option("--table", help="table of the export, where a source keeps snapshots of several files")
]


@app.command()
def add(
    exports: Annotated[
        list[str] | None,
        typer.Argument(
            help="exported files, or folders of them, taken in order of date; default: the declared file or database"
        ),
    ] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    table: Table = None,
    taken_at: Annotated[
        str | None,
        typer.Option("--taken-at", help="ISO time of the export; default: a date in its name, else asked for"),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            help="take it in spite of: older, replacement, fewer-columns, fewer-rows, other-ids, renamed-values, "
            "later-rows",
        ),
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Take exports as snapshots: each is compared with the one before and stored as its changes."""
    context = options(source, data_dir).context()
    from features.errors import ContractError
    from pipelines.snapshots.add_export import add_export, read_exports
    from pipelines.snapshots.declared_exports import choose_export, find_declared
    from pipelines.snapshots.export_checks import Oddity
    from pipelines.workspace.lock import only_writer

    output = Output(json)
    unknown = sorted(set(accept or []) - {str(oddity) for oddity in Oddity})
    if unknown:
        raise ContractError(f"--accept {unknown[0]}: unknown; allowed: {', '.join(Oddity)}.")
    accepted = [Oddity(name) for name in accept or []]

    export = choose_export(context.source, table)
    files = _files(exports) if exports else find_declared(export, context.source, context.paths)
    if taken_at is not None and len(files) > 1:
        raise ContractError(
            f"--taken-at is the moment of one export, but {len(files)} are given; put the dates into their names."
        )
    records: list[dict[str, Any]] = []
    with only_writer(context.paths):
        for read in read_exports(files, export, context.source, context.paths, taken_at):
            done = add_export(read, export, context.source, context.paths, accepted)
            records.append(done.snapshot.record() | {"export": export.name, "repeated": done.repeated})
            if not json:
                output.text(snapshot_line(done.snapshot, repeated=done.repeated))
    if json:
        output.record(records)
    return 0


def _files(exports: Sequence[str]) -> list[Path]:
    """The files named, and those in the folders named; hidden ones are left alone."""
    files: list[Path] = []
    for name in exports:
        path = Path(name)
        inside = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
        files += [file for file in inside if not file.name.startswith(".")] if path.is_dir() else inside
    return list(dict.fromkeys(files))


@app.command()
def status(source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False) -> int:
    """Say how much history the snapshots hold, since when training may use each column, and what is still needed."""
    context = options(source, data_dir).context()
    from pipelines.snapshots.declared_exports import choose_export
    from pipelines.snapshots.history_status import describe_history

    found = describe_history(context.source, context.paths)
    if not found:
        choose_export(context.source, None)  # says how snapshots are declared
    output = Output(json)
    output.show([asdict(one) for one in found], "\n".join(status_text(one) for one in found))
    if not json:
        for one in found:
            rows = [
                [c.header, _place(c.table, c.column), _moment(c.since), f"{c.changes:,}", c.note] for c in one.columns
            ]
            if rows:
                output.table(
                    f"Columns of {one.export}", ["column", "declared as", "used from (UTC)", "changes", ""], rows
                )
    return 0


@app.command("list")
def list_snapshots(
    source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False
) -> int:
    """List the snapshots taken, oldest first: when, how that was found, rows, and what each changed."""
    context = options(source, data_dir).context()
    from pipelines.snapshots.snapshot_store import read_snapshots

    record = read_snapshots(context.paths)
    lines = [
        f"{export}: {snapshot_line(snapshot)}"
        for export, history in record.exports.items()
        for snapshot in history.snapshots
    ]
    Output(json).show(record.record(), "\n".join(lines) or "no snapshot was taken yet: leadscore snapshot add EXPORT")
    return 0


def snapshot_line(snapshot: "TakenSnapshot", *, repeated: bool = False) -> str:
    """One snapshot: when and how that is known, rows, what changed in which columns, rows left out."""
    head = f"{snapshot.taken_at[:19]} UTC ({snapshot.found}), {snapshot.file}: {snapshot.rows:,} rows"
    if repeated:
        return f"{head}; taken before, nothing changed"
    counts = {
        "new": snapshot.new,
        "changed": snapshot.changed,
        "vanished": snapshot.vanished,
        "returned": snapshot.returned,
        "corrected": snapshot.corrected,
    }
    parts = [f"{count:,} {word}" for word, count in counts.items() if count] or ["no change"]
    columns = sorted(snapshot.by_column.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"{name} {count:,}" for name, count in columns[:SHOWN]]
    shown += [f"{len(columns) - SHOWN} more columns"] if len(columns) > SHOWN else []
    text = f"{head}; {', '.join(parts)}" + (f" ({', '.join(shown)})" if shown else "")
    left = [f"{count:,} {why}" for why, count in snapshot.left_out.items()]
    text += f"; left out: {', '.join(left)}" if left else ""
    return text + (f"; accepted: {', '.join(snapshot.accepted)}" if snapshot.accepted else "")


def status_text(status: "ExportStatus") -> str:
    """How much history there is, what it holds, and what is still needed to learn from it alone."""
    if status.first is None or status.newest is None:
        return f"{status.export}: no snapshot was taken yet. Take the first: leadscore snapshot add EXPORT"
    lines = [
        f"{', '.join(status.tables)}: {status.snapshots} snapshot{'s' if status.snapshots != 1 else ''} from "
        f"{status.first[:10]} to {status.newest[:10]}, {status.weeks:g} weeks, longest gap "
        f"{status.longest_gap_days:g} days; {status.rows:,} rows now",
        f"  since the first: {status.new:,} new, {status.changed:,} changed, {status.vanished:,} vanished, "
        f"{status.returned:,} returned, {status.corrected:,} corrected",
    ]
    if status.weeks_missing:
        lines.append(
            f"  to learn and test on looks at snapshots alone takes about {status.weeks_needed} weeks of them; "
            f"{status.weeks_missing} are missing, one a week is enough until {status.enough_on}. Until then older "
            "looks train along, and see these columns as missing."
        )
    else:
        lines.append(
            f"  enough to learn and test on looks at snapshots alone ({status.weeks_needed} weeks): declare cohort: "
            f'{{from: "{status.first[:10]}"}} to leave out those before the first.'
        )
    return "\n".join(lines)


def _moment(since: str) -> str:
    return since[:16].replace("T", " ") if since[:1].isdigit() else since


def _place(table: str, column: str) -> str:
    return f"{table}.{column}" if table else "-"
