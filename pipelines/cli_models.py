"""Commands about bundles: which one scores."""

from typing import Annotated

import typer

from pipelines.cli_options import DataDir, Debug, Json, Source
from pipelines.cli_shared import Output, options

app = typer.Typer()


@app.command()
def champion(source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False) -> int:
    """Which bundle scores."""
    from pipelines.cli_registry import champion_command

    return champion_command(options(source, data_dir), Output(json))


@app.command()
def promote(
    source: Source = "demo",
    data_dir: DataDir = "data",
    bundle: Annotated[
        str | None, typer.Option("--bundle", help="hash of a kept bundle; default: the last trained")
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Make a bundle the champion."""
    from pipelines.cli_registry import promote_command

    return promote_command(options(source, data_dir), bundle, Output(json))


@app.command()
def rollback(source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False) -> int:
    """Make the bundle before the champion the champion again."""
    from pipelines.cli_registry import rollback_command

    return rollback_command(options(source, data_dir), Output(json))
