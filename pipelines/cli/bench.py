"""``leadscore bench``: how fast a finished run is, and how good it is compared with its peers."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from features.errors import ExitStatus
from pipelines.cli.options import DataDir, Debug, Engine, Json, Params, Source, Tiny
from pipelines.cli.output import Output, options
from pipelines.workspace.paths import EngineName

if TYPE_CHECKING:
    from models.benchmarking.peer_benchmark import PeerResult

app = typer.Typer(help="How fast and how good a source's model is on this machine.")


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    source: Source = "demo",
    data_dir: DataDir = "data",
    rows: Annotated[int, typer.Option("--rows", help="rows to predict and explain", min=100)] = 20_000,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Measure how fast features, scores and explanations of a finished run are on this machine."""
    if context.invoked_subcommand is not None:
        return 0
    opened = options(source, data_dir).context()
    from pipelines.diagnostics.throughput import measure_throughput

    found = asdict(measure_throughput(opened, rows))
    lines = [
        f"{name.replace('_', ' '):<26}{value:>14,.1f}" for name, value in found.items() if isinstance(value, float)
    ]
    head = f"Source {found['source']}, {found['winner']} of {found['features']} features, {found['rows']:,} rows"
    Output(json).show(found, "\n".join([head, *lines]))
    return 0


@app.command()
def quality(
    source: Source = "demo",
    data_dir: DataDir = "data",
    block: Annotated[
        Literal["dev", "test", "splits"],
        typer.Option(
            "--block",
            help="development rows; the test block (a counted look); splits of all rows, if those have no order",
        ),
    ] = "dev",
    repeats: Annotated[
        int, typer.Option("--repeats", help="development blocks, or splits, to judge", min=1, max=50)
    ] = 3,
    params: Params = None,
    tiny: Tiny = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Compare our recipe with plain models on the same splits, with paired intervals (default: development rows)."""
    context = options(source, data_dir, tiny, params=params).context()
    from pipelines.diagnostics.peer_benchmark import benchmark_peers

    found = benchmark_peers(
        context, block, repeats=repeats, notify=lambda name: typer.echo(f"fitting {name}", err=True)
    )
    output = Output(json)
    if json:
        output.record(asdict(found))
        return 0

    for line in found.warnings():
        output.text(line)
    title = f"{found.source}{' (synthetic)' if found.synthetic else ''}, {block} rows"
    columns = ("model", "AUC", "log loss", "above ours", "90% interval", "seconds")
    output.table(title, columns, [_cells(row) for row in found.models])
    for line in found.notes():
        output.text(line)
    return 0


@app.command()
def scale(
    leads: Annotated[int, typer.Option("--leads", help="leads of the synthetic market", min=1_000)] = 1_000_000,
    events: Annotated[int, typer.Option("--events", help="events per lead", min=1)] = 50,
    folder: Annotated[
        str, typer.Option("--folder", help="where everything is written; a billion events take a terabyte")
    ] = "data/scale",
    extrapolate: Annotated[
        int, typer.Option("--extrapolate", help="events for which the figures are extrapolated", min=1)
    ] = 1_000_000_000,
    engine: Engine = EngineName.MEMORY,
    tiny: Tiny = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Rehearse every stage, from files to the worklist, on a large synthetic market: seconds, memory, disk."""
    from pipelines.diagnostics.scale_rehearsal import FOOT, ScaleSize, rehearse

    found = rehearse(
        Path(folder), ScaleSize(leads, events), engine=engine, tiny=tiny, notify=lambda line: typer.echo(line, err=True)
    )
    further = found.extrapolate(extrapolate)
    output = Output(json)
    if json:
        stages = [{"stage": name, "hours": hours, "gib": gib} for name, hours, gib in further]
        output.record(found.record() | {"extrapolated": {"events": extrapolate, "stages": stages}})
        return 0 if found.finished else int(ExitStatus.INTERNAL)

    size = f"{found.size.leads:,} leads, {found.size.events:,} events (synthetic), {found.processors} processors"
    columns = ("stage", "seconds", "of processor", "memory, MiB", "disk, MiB", "status")
    rows = [(c.stage, c.seconds, c.processor_seconds, c.peak_mib, c.disk_mib, c.status) for c in found.costs]
    output.table(size, columns, [[f"{cell:,}" if not isinstance(cell, str) else cell for cell in row] for row in rows])
    title = f"{extrapolate:,} events, if memory and time grow in proportion, but for the time of fits on thinned rows"
    if further:
        output.table(title, ("stage", "hours", "memory, GiB"), [(n, f"{h:,.2f}", f"{g:,.1f}") for n, h, g in further])
    else:
        output.text(f"Nothing is extrapolated from {FOOT.events:,} events or fewer: give more --leads or --events.")
    for cost in found.costs:
        output.text(f"{cost.stage} on a cluster: {cost.where}")
    return 0 if found.finished else int(ExitStatus.INTERNAL)


def _cells(row: "PeerResult") -> tuple[str, ...]:
    low, high = row.above_ours_ci
    span = "" if low is None else f"{low:+.4f} to {high:+.4f}"
    seconds = "" if row.seconds is None else f"{row.seconds:.1f}"
    return row.name, f"{row.auc:.3f}", f"{row.log_loss:.4f}", f"{row.above_ours:+.4f}", span, seconds
