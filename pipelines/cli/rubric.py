"""``leadscore rubric``: convert a rubric to CSV and back, and replay one on past leads before it is used."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import DataDir, Debug, Json, Source
from pipelines.cli.output import Output, options

app = typer.Typer(help="Convert a rubric to CSV and back; replay one on past leads.", no_args_is_help=True)
File = Annotated[str, typer.Argument(help="a rubric, .yaml or .csv")]


@app.command()
def convert(
    file: File,
    out: Annotated[str, typer.Option("--out", help="file to write, .csv or .yaml")],
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Rewrite a rubric as CSV for a spreadsheet, or a CSV as YAML; nothing is lost either way."""
    from pipelines.rubrics.rubric_files import read_rubric, write_rubric

    rubric = read_rubric(Path(file))
    write_rubric(rubric, Path(out))
    found = {"rubric": rubric.name, "rules": len(rubric.rules), "written": out}
    Output(json).show(found, f"{rubric.name}: {len(rubric.rules)} rules written to {out}")
    return 0


@app.command(name="try")
def try_(
    file: File, source: Source = "demo", data_dir: DataDir = "data", json: Json = False, debug: Debug = False
) -> int:
    """Replay a rubric on past leads, beside the model of the last run if there is one; nothing is saved."""
    context = options(source, data_dir).context()
    from pipelines.report.comparison_tables import HEADS, policy_rows
    from pipelines.rubrics.rubric_backtest import try_rubric
    from pipelines.rubrics.rubric_files import read_rubric

    rubric = read_rubric(Path(file), context.source)
    record = try_rubric(context, rubric)
    output = Output(json)

    if json:
        output.record(record)
        return 0

    for sentence in record["sentences"]:
        output.text(sentence)
    output.table(f"{rubric.name} on {context.source.name}", HEADS, policy_rows(record["policies"]))
    return 0
