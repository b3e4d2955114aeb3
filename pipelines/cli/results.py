"""Commands that read a finished run: a lead's score, the comparison, the lifecycle."""

from typing import Annotated

import typer

from pipelines.cli.options import Csv, DataDir, Debug, Gate, Json, Params, Source, Tiny
from pipelines.cli.output import Output, options

app = typer.Typer()


@app.command()
def explain(
    lead_id: str,
    source: Source = "demo",
    data_dir: DataDir = "data",
    framework: Annotated[str | None, typer.Option("--framework", help="qualification framework")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="moment to explain at, ISO; default: data cut-off")
    ] = None,
    language: Annotated[str, typer.Option("--language", help="en, ko or pl")] = "en",
    rubric: Annotated[bool, typer.Option("--rubric", help="the rubric's ledger, rule by rule, instead")] = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """One lead's score, criterion by criterion; or its rubric points, rule by rule."""
    from pipelines.cli._explain import explain_command, ledger_command

    if rubric:
        return ledger_command(options(source, data_dir), lead_id, framework, as_of, language, Output(json))
    return explain_command(options(source, data_dir), lead_id, framework, as_of, language, Output(json))


@app.command()
def compare(
    source: Source = "demo", data_dir: DataDir = "data", csv: Csv = None, json: Json = False, debug: Debug = False
) -> int:
    """Rubric against model on the same test leads, from the last run."""
    from pipelines.cli.compare import compare_command

    return compare_command(options(source, data_dir), csv, Output(json))


@app.command()
def thresholds(
    source: Source = "demo",
    data_dir: DataDir = "data",
    promised: Annotated[
        float | None, typer.Option("--promise", help="precision to promise, e.g. 0.3; default: twice the base rate")
    ] = None,
    confidence: Annotated[float, typer.Option("--confidence", help="confidence of the promise")] = 0.9,
    params: Params = None,
    csv: Csv = None,
    gate: Gate = True,
    tiny: Tiny = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Rubric against model at equal workload, a threshold with a promise, capacity and the rubric's rules."""
    from pipelines.cli.compare import thresholds_command

    chosen = options(source, data_dir, tiny, params=params)
    return thresholds_command(chosen, promised, confidence, csv, Output(json), gate=gate)


@app.command()
def lifecycle(
    source: Source = "demo",
    data_dir: DataDir = "data",
    csv: Csv = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Funnel, service levels, volumes, capture tools and recycles, from the last run."""
    from pipelines.cli._lifecycle import lifecycle_command

    return lifecycle_command(options(source, data_dir), csv, Output(json))


@app.command()
def features(
    source: Source = "demo",
    data_dir: DataDir = "data",
    out: Annotated[str | None, typer.Option("--out", help="Markdown file to write the page to")] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Every feature in words, how long activities tell, and what the bot filter changes."""
    from pipelines.cli._features import features_command

    return features_command(options(source, data_dir), out, Output(json))
