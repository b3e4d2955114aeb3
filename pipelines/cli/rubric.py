"""``leadscore rubric``: a rubric as CSV and back, and a rubric tried on the past before anybody uses it."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import DataDir, Debug, Json, Source
from pipelines.cli.output import Output, options

app = typer.Typer(help="A rubric as CSV and back, and tried on the past.", no_args_is_help=True)
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
    """Replay a rubric on the past, beside the model of the last run if it trained one; nothing of it is kept."""
    context = options(source, data_dir).context()
    from pipelines.report.comparison_tables import HEADS, policy_rows
    from pipelines.rubrics.rubric_files import read_rubric, tried

    rubric = read_rubric(Path(file), context.source)
    record = tried(context, rubric)
    output = Output(json)
    if json:
        output.record(record)
        return 0
    for sentence in record["sentences"]:
        output.text(sentence)
    output.table(f"{rubric.name} on {context.source.name}", HEADS, policy_rows(record))
    return 0
