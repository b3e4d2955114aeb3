"""Commands beyond a card: what to ask, what changed, an account's contacts, frameworks on one's own leads."""

from typing import Annotated

import typer

from pipelines.cli.options import Csv, DataDir, Debug, Json, Source
from pipelines.cli.output import Output, options

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
    from pipelines.cli._questions import questions_command

    return questions_command(options(source, data_dir), lead_id, as_of, Output(json))


@app.command()
def shortlist(
    source: Source = "demo",
    data_dir: DataDir = "data",
    state: Annotated[str | None, typer.Option("--state", help="only leads that would reach it, e.g. sql")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="leads to print")] = 20,
    csv: Csv = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Open leads one answer short of qualifying, which answer it is, and what to ask."""
    from pipelines.cli._questions import shortlist_command

    return shortlist_command(options(source, data_dir), state, limit, csv, Output(json))


@app.command()
def change(
    lead_id: str,
    since: Annotated[str, typer.Option("--since", help="moment to compare with, ISO")],
    until: Annotated[str | None, typer.Option("--until", help="default: data cut-off")] = None,
    bundle: Annotated[
        str, typer.Option("--bundle-before", help="bundle that scored then: directory or hash; default: champion")
    ] = "champion",
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """What moved a lead's score: new data, time alone, another model."""
    from pipelines.cli._change import change_command

    return change_command(options(source, data_dir), lead_id, since, until, bundle, Output(json))


@app.command()
def account(
    account_id: Annotated[str, typer.Argument(help="account as named in the source")],
    framework: Annotated[str | None, typer.Option("--framework", help="qualification framework")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="moment, ISO; default: data cut-off")] = None,
    source: Source = "demo",
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """An account's contacts by criteria, where they disagree, and who is believed."""
    from pipelines.cli._account import account_command

    return account_command(options(source, data_dir), account_id, framework, as_of, Output(json))


@app.command()
def frameworks(
    source: Annotated[str | None, typer.Option("--source", help="source that was run, for shares of its leads")] = None,
    data_dir: DataDir = "data",
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Qualification frameworks that ship, their trade-offs, and how much of each is unknown on your own leads."""
    from pipelines.cli._account import frameworks_command

    return frameworks_command(None if source is None else options(source, data_dir), Output(json))
