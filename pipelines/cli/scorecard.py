"""``leadscore scorecard``: the learned scorecard as text, as a page to print, as a rubric to adopt."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import DataDir, Debug, Json, Source
from pipelines.cli.output import Output, options

app = typer.Typer()


@app.command()
def scorecard(
    source: Source = "demo",
    data_dir: DataDir = "data",
    html: Annotated[str | None, typer.Option("--html", help="also write a printable page to this file")] = None,
    rubric: Annotated[str | None, typer.Option("--rubric", help="also write a rubric YAML to this file")] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show the learned scorecard of the last run: integer points on one page, and as a rubric to adopt."""
    context = options(source, data_dir).context()
    from pipelines.report.scorecard_page import html_of, page_of, rubric_of, text_of
    from pipelines.workspace.atomic_files import write_text

    found = page_of(context)
    written = []

    if html is not None:
        write_text(Path(html), html_of(context))
        written.append(f"page: {html}")

    if rubric is not None:
        proposal = rubric_of(context)
        write_text(Path(rubric), proposal.to_yaml())
        left = f" (cannot be written as rules: {', '.join(proposal.left_out)})" if proposal.left_out else ""
        written.append(f"rubric: {rubric}{left}")
    Output(json).show(found.record() | {"written": written}, "\n".join([text_of(found), *written]))
    return 0
