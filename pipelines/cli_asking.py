"""Commands about one lead beyond its card: what to ask, what changed."""

from typing import Annotated

import typer

from pipelines.cli_options import DataDir, Debug, Json, Source
from pipelines.cli_shared import Output, options

app = typer.Typer()


@app.command()
def questions(
    lead_id: Annotated[str | None, typer.Argument(help="lead to ask; default: what a form should ask")] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    as_of: Annotated[str | None, typer.Option("--as-of", help="moment to ask at, ISO; default: data cut-off")] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Which question to ask next, by what its answer could change."""
    from pipelines.cli_questions import questions_command

    return questions_command(options(source, data_dir), lead_id, as_of, Output(json))
