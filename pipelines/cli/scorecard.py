"""``leadscore scorecard`` and ``model-card``: the last run's model on a page, to read, print, hand on or adopt."""

from pathlib import Path
from typing import Annotated

import typer

from features.errors import DataError
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


@app.command("model-card")
def model_card(
    source: Source = "demo",
    data_dir: DataDir = "data",
    out: Annotated[str | None, typer.Option("--out", help="also write it to this file: .md or .html")] = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Show the model card of the last run: data, period, metrics with intervals, for whom it holds, limits."""
    context = options(source, data_dir).context()
    from pipelines.artifacts.summary_record import SummaryRecord
    from pipelines.report.model_card.card import to_html, to_markdown
    from pipelines.report.model_card.sections import model_card_of
    from pipelines.workspace.atomic_files import write_text

    if out is not None and Path(out).suffix not in (".md", ".html"):
        raise typer.BadParameter(
            f"{out}: a model card is written as .md or .html; name the file so", param_hint="--out"
        )
    found = model_card_of(context, SummaryRecord.read(context.paths))
    if found is None:
        raise DataError(
            f"the last run of source '{context.source.name}' made no model, so there is no card; "
            "its report says why (leadscore report)."
        )
    written = []
    if out is not None:
        write_text(Path(out), to_html(found) if out.endswith(".html") else to_markdown(found))
        written.append(f"written: {out}")
    Output(json).show(found.record() | {"written": written}, "\n".join([to_markdown(found).rstrip(), *written]))
    return 0
