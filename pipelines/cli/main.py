"""The command line. Heavy libraries are imported by the commands that need them, never here."""

import os
import re
import sys
from contextlib import suppress
from importlib.metadata import entry_points
from typing import Annotated, NoReturn

import typer

from features.errors import ExitStatus, LeadScoreError
from pipelines.cli import bench, champion, leads, monitor, results, rubric, scorecard, snapshot, threshold, worklist
from pipelines.cli.accounts import commands as account_commands
from pipelines.cli.closing import retrain_command
from pipelines.cli.options import DataDir, Debug, Engine, Gate, Json, Params, Source, Tiny
from pipelines.cli.output import DEBUG_FLAG, Output, options
from pipelines.stages.stage_table import STAGES, TRACK
from pipelines.workspace.hidden_passwords import print_without_passwords
from pipelines.workspace.paths import EngineName
from pipelines.workspace.private_files import private_umask

app = typer.Typer(
    name="leadscore",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
data_app = typer.Typer(help="Public data sets that sources declare.", no_args_is_help=True)
app.add_typer(data_app, name="data")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        Output(False).text(version("leadscore"))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version")
    ] = False,
) -> None:
    """Predictive lead scoring: train on your won and lost leads, explain every score, compare with your rubric."""


def main() -> NoReturn:
    """Entry point: user errors are one message and their own exit status, never a traceback, nor a password."""
    before = _count_interruptions()
    try:
        _run_command()
    except SystemExit as done:
        if _count_interruptions() > before:  # Python would wait for threads of MLflow, which wait for a server
            _end_process(done.code)
        raise


def _count_interruptions() -> int:
    patience = sys.modules.get("pipelines.tracking.mlflow_patience")
    return 0 if patience is None else int(patience.count_interruptions())


def _end_process(status: object) -> NoReturn:
    """End at once, with all that was written."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


def _run_command() -> NoReturn:
    sys.excepthook = print_without_passwords
    if any("\0" in word for word in sys.argv):  # from a program: no shell can write one
        Output(False).usage(ValueError("an argument holds a zero byte, which no name can."))
        sys.exit(int(ExitStatus.USAGE))
    try:
        with private_umask():
            status = app(standalone_mode=False)
    except LeadScoreError as error:
        if DEBUG_FLAG in sys.argv:
            raise
        Output("--json" in sys.argv).error(error)
        sys.exit(int(error.exit_status))
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        if DEBUG_FLAG in sys.argv:
            raise
        from pipelines.workspace.storage_errors import place_error_of, storage_error_of

        usage, storage = getattr(error, "format_message", None), storage_error_of(error) or place_error_of(error)
        if isinstance(error, UnicodeError) and re.search("[\ud800-\udfff]", "".join(sys.argv)):
            Output(False).usage(ValueError("an argument holds bytes that are no UTF-8; write it in UTF-8."))
            sys.exit(int(ExitStatus.USAGE))
        if usage is not None:
            Output(False).usage(error)
            sys.exit(int(ExitStatus.USAGE))
        if storage is not None:
            Output("--json" in sys.argv).error(storage)
            sys.exit(int(storage.exit_status))
        Output("--json" in sys.argv).crash(error)
        sys.exit(int(ExitStatus.INTERNAL))

    sys.exit(status if isinstance(status, int) else 0)


@app.command()
def run(
    source: Source = "demo",
    data_dir: DataDir = "data",
    engine: Engine = EngineName.MEMORY,
    params: Params = None,
    track: Annotated[bool, typer.Option("--track/--no-track", help="record the run in MLflow")] = True,
    tiny: Tiny = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Run everything on one source, from ingest to report. The exit status says what the run may claim."""
    from pipelines.cli.run import run_command

    return run_command(options(source, data_dir, tiny, engine, params), Output(json), track=track)


def _stage(name: str, doc: str) -> None:
    def command(
        source: Source = "demo",
        data_dir: DataDir = "data",
        params: Params = None,
        gate: Gate = True,
        tiny: Tiny = False,
        json: Json = False,
        debug: Debug = False,
    ) -> int:
        from pipelines.cli.run import stage_command

        return stage_command(name, options(source, data_dir, tiny, params=params), Output(json), gate=gate)

    command.__doc__ = doc
    app.command(name)(command)


for _name in ("ingest", "audit", "backtest", "train", "register", "evaluate", "report", TRACK):
    _stage(_name, STAGES[_name].purpose)


@app.command(help=STAGES["validate"].purpose)
def validate(
    source: Source = "demo",
    data_dir: DataDir = "data",
    data_docs: Annotated[
        bool, typer.Option("--data-docs", help="build Data Docs of all stored results; nothing in them is fetched")
    ] = False,
    params: Params = None,
    gate: Gate = True,
    tiny: Tiny = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """The stage ``validate``, and the pages of what it found."""
    from pipelines.cli.run import validate_command

    return validate_command(options(source, data_dir, tiny, params=params), Output(json), docs=data_docs, gate=gate)


@app.command(help=STAGES["matrix"].purpose)
def matrix(
    source: Source = "demo",
    data_dir: DataDir = "data",
    engine: Engine = EngineName.MEMORY,
    params: Params = None,
    gate: Gate = True,
    tiny: Tiny = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """The stage ``matrix``, which takes an engine."""
    from pipelines.cli.run import stage_command

    return stage_command("matrix", options(source, data_dir, tiny, engine, params), Output(json), gate=gate)


@app.command(help=STAGES["score"].purpose)
def score(
    source: Source = "demo",
    data_dir: DataDir = "data",
    input_file: Annotated[str | None, typer.Option("--input", help="CSV or Parquet of leads to score")] = None,
    out: Annotated[
        str | None, typer.Option("--out", help="scored file, .csv or .parquet; default: INPUT, ending .scored.csv")
    ] = None,
    bundle: Annotated[
        str, typer.Option("--bundle", help="'champion', the beginning of a kept bundle's hash, or a directory")
    ] = "champion",
    framework: Annotated[str | None, typer.Option("--framework", help="qualification framework")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            help="ISO timestamp; default: data cut-off, or just after the file's newest lead if that is later",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="database to write the scores to: variable with its URL, or a URL without password"),
    ] = None,
    to_table: Annotated[str, typer.Option("--to-table", help="table that --to writes")] = "leadscore_scores",
    engine: Engine = EngineName.MEMORY,
    params: Params = None,
    gate: Gate = True,
    tiny: Tiny = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """The stage ``score``; with ``--input``, a file of leads instead."""
    from pipelines.cli.run import score_file_command, stage_command

    of_a_file = out is not None or as_of is not None or framework is not None or bundle != "champion"
    if of_a_file and (input_file is None or to is not None):
        raise typer.BadParameter(
            "--out, --bundle, --framework and --as-of go with --input FILE, the leads to score into a file. Without it "
            "the open leads are scored as the champion does; 'leadscore worklist --out FILE' writes their list."
        )
    chosen = options(source, data_dir, tiny, engine, params)
    if to is not None:
        from pipelines.cli.run import score_to_command

        return score_to_command(chosen, to, to_table, input_file, Output(json))
    if input_file is None:
        return stage_command("score", chosen, Output(json), gate=gate)
    return score_file_command(chosen, input_file, out, bundle, framework, as_of, Output(json))


@app.command()
def init(
    inputs: Annotated[
        list[str],
        typer.Argument(help="export: file or files, folder, zip, workbook, database file or URL", metavar="INPUT..."),
    ],
    out: Annotated[str | None, typer.Option("--out", help="YAML to write; default: standard output")] = None,
    template: Annotated[
        str | None,
        typer.Option("--template", help="whose export it is, e.g. hubspot"),
    ] = None,
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Write a commented starter declaration for an export: its tables, how they refer to each other, types, clocks."""
    from pipelines.cli.run import init_command

    return init_command(inputs, out, data_dir, template, Output(json))


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="source whose public data to fetch")],
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Fetch a source's public data and check their hash."""
    from pipelines.cli.run import data_get_command

    return data_get_command(options(name, data_dir), Output(json))


app.add_typer(results.app)
app.add_typer(leads.app)
app.add_typer(account_commands.app)
app.add_typer(champion.app)
app.add_typer(monitor.app)
app.add_typer(retrain_command.app)
app.add_typer(bench.app, name="bench")
app.add_typer(scorecard.app)
app.add_typer(rubric.app, name="rubric")
app.add_typer(threshold.app, name="threshold")
app.add_typer(snapshot.app, name="snapshot")
app.add_typer(worklist.app)
for _commands in entry_points(group="leadscore.commands"):  # what is installed above the pipelines: the server's
    app.add_typer(_commands.load())
