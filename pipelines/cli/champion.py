"""Commands about bundles: which one scores."""

from typing import Annotated

import typer

from pipelines.cli.options import DataDir, Debug, Json, Params, Source
from pipelines.cli.output import Output, options

app = typer.Typer()


@app.command()
def champion(
    pull: Annotated[
        bool, typer.Option("--pull", help="first fetch what the alias 'champion' names on MLFLOW_TRACKING_URI")
    ] = False,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Which bundle scores."""
    from pipelines.cli._registry import champion_command

    return champion_command(options(source, data_dir), Output(json), pull=pull)


@app.command()
def promote(
    source: Source = "demo",
    data_dir: DataDir = "data",
    bundle: Annotated[
        str | None, typer.Option("--bundle", help="hash of a kept bundle; default: the last trained")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="ask the gate, move nothing")] = False,
    force: Annotated[bool, typer.Option("--force", help="promote whatever the gate says; needs --reason")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="why the gate is overruled; is recorded")] = None,
    params: Params = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Make a bundle the champion, if the gate lets it: not worse on rows later than both models, audit clean."""
    from pipelines.cli._promote import promote_command

    return promote_command(options(source, data_dir, params=params), bundle, check, force, reason, Output(json))


@app.command()
def rollback(source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False) -> int:
    """Make the bundle before the champion the champion again."""
    from pipelines.cli._registry import rollback_command

    return rollback_command(options(source, data_dir), Output(json))
