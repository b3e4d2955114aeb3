"""``leadscore retrain``: from newly closed deals to a decision about the champion."""

from typing import Annotated

import typer

from features.errors import ContractError
from pipelines.cli.monitor import tell
from pipelines.cli.options import DataDir, Debug, Engine, Json, Params, Source, Tiny
from pipelines.cli.output import Output, options
from pipelines.cli.run import note_past_tables
from pipelines.workspace.paths import EngineName

app = typer.Typer()


@app.command()
def retrain(
    source: Source = "demo",
    data_dir: DataDir = "data",
    promote_if_better: Annotated[
        bool, typer.Option("--promote-if-better", help="make a challenger that is better beyond noise the champion")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="ISO time: leave out what became known from then on")
    ] = None,
    accept_feeds: Annotated[
        str | None, typer.Option("--accept-feeds", metavar="REASON", help="train although a feed looks broken")
    ] = None,
    alert: Annotated[
        bool, typer.Option("--alert", help="tell the receivers of LEADSCORE_ALERT_* what was decided, unless kept")
    ] = False,
    track: Annotated[bool, typer.Option("--track/--no-track", help="record run and decision in MLflow")] = True,
    engine: Engine = EngineName.MEMORY,
    params: Params = None,
    tiny: Tiny = False,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Take in what is new, train, judge challengers against the champion, decide; the exit status says what."""
    chosen = options(source, data_dir, tiny, engine, params)
    moment = _moment(as_of)
    context = chosen.context()
    from pipelines.cli.progress import StageProgress
    from pipelines.posted.noted_commands import noting_champion
    from pipelines.retraining.retrain_page import retrain_text
    from pipelines.retraining.retrain_record import Decision
    from pipelines.retraining.retrain_run import RetrainOptions
    from pipelines.retraining.retrain_run import retrain as run_retrain
    from pipelines.workspace.lock import only_writer
    from pipelines.workspace.params_file import load_gate, load_monitor

    asked = RetrainOptions(
        promote=promote_if_better,
        as_of=moment,
        accept_feeds=(accept_feeds or "").strip(),
        track=track,
        gate=load_gate(chosen.params),
        monitor=load_monitor(chosen.params),
    )
    output = Output(json)
    with noting_champion(context, output.note), only_writer(context.paths), StageProgress(8) as progress:
        record = run_retrain(context, asked, progress)
    page = context.paths.retrain / "page" / "retrain.html"
    output.show(record.record() | {"page": str(page)}, f"{retrain_text(record)}\nPage: {page}")
    note_past_tables(context, output)
    if record.untold:
        output.note(f"MLflow was not told of the decision: {record.untold} The next one tells it.")
    if alert and record.decision is not Decision.KEPT:
        subject = f"leadscore {record.source}: {record.decision}"
        tell(output, f"retrain.{record.decision.name.lower()}", subject, retrain_text(record))
    return record.status


def _moment(text: str | None):  # type: ignore[no-untyped-def]  # pandas is imported by those who need it
    if text is None:
        return None
    from pipelines.scoring.find_lead import read_as_of

    try:
        return read_as_of(text)
    except ContractError as problem:
        raise typer.BadParameter(str(problem)) from None
