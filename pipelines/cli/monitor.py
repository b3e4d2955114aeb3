"""``leadscore monitor``: whether what is scored now still looks like what the champion was trained on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import DataDir, Debug, Json, Params, Source
from pipelines.cli.output import Output, options
from pipelines.cli.run import note_outdated

if TYPE_CHECKING:
    from pipelines.artifacts.monitor_record import MonitorRecord

app = typer.Typer()
SHOWN = 10  # features listed; the JSON has all of them


@app.command()
def monitor(
    source: Source = "demo",
    data_dir: DataDir = "data",
    input_file: Annotated[
        str | None, typer.Option("--input", help="leads to check; default: open leads of the last matrix")
    ] = None,
    alert: Annotated[
        bool, typer.Option("--alert", help="tell the receivers of LEADSCORE_ALERT_* where action is needed")
    ] = False,
    params: Params = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Compare what is scored now with what the champion was trained on; exit status 24 if action is needed."""
    chosen = options(source, data_dir, params=params)
    context = chosen.context()

    from features.errors import ExitStatus
    from models.judging.drift.monitor_findings import Level
    from pipelines.diagnostics.monitor import monitor as look
    from pipelines.diagnostics.monitored_file import seen_in_file
    from pipelines.workspace.params_file import load_gate, load_monitor

    output = Output(json)
    note_outdated(context, output)
    seen = None if input_file is None else seen_in_file(context, Path(input_file))
    record = look(context, load_monitor(chosen.params), seen, gate=load_gate(chosen.params))
    record.write(context.paths.monitor.parent)
    output.show(record.record(), monitor_text(record))
    if not json and record.features:
        rows = [[_short(dict(row)[name]) for name in COLUMNS] for row in record.features[:SHOWN]]
        output.table("Features that moved most", list(COLUMNS.values()), rows)
    if alert and record.verdict == Level.ACT:
        tell(output, "monitor.act", f"leadscore {record.source}: {record.headline}", monitor_text(record))
    return int(ExitStatus.ACT) if record.verdict == Level.ACT else 0


def tell(output: Output, event: str, subject: str, text: str) -> None:
    """Send an alert; what cannot be sent is said beside the output and changes no exit status."""
    from pipelines.alerts.alert_settings import load_alerts
    from pipelines.alerts.send_alert import send_alert

    settings = load_alerts()
    if not settings.anybody:
        output.note("Nobody is told: set LEADSCORE_ALERT_WEBHOOK, or LEADSCORE_ALERT_SMTP and LEADSCORE_ALERT_MAIL_TO.")
    for problem in send_alert(settings, event, subject, text, {}):
        output.note(problem)


COLUMNS = {
    "label": "feature",
    "psi": "PSI",
    "noise": "by chance up to",
    "standing": "standing",
    "weight": "weight",
    "before": "trained on",
    "after": "now",
}


def monitor_text(record: "MonitorRecord") -> str:
    """The record in words: verdict, every finding, what to do next."""
    seen = f"{record.leads:,} {record.what}" + (f" as of {record.as_of[:10]}" if record.as_of else "")
    through = f", trained through {record.trained_through[:10]}" if record.trained_through else ""
    lines = [f"Champion {record.bundle[:12]}{through}; {seen}", record.headline]
    for finding in record.findings:
        lines.append(f"  {finding.check}: {finding.level}. {finding.sentence}")
        if finding.next:
            lines.append(f"    next: {finding.next}")
    if record.retrain is not None:
        lines.append(f"  retrain: {record.retrain.verdict}. {record.retrain.sentence}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
