"""``retrain.html``: the record of a retrain as one offline page."""

from typing import Any

from pipelines.report.page_templates import open_template
from pipelines.retraining.retrain_record import RetrainRecord
from pipelines.workspace.atomic_files import stage_dir, write_text
from pipelines.workspace.paths import Paths

_MOVERS = 25


def write_page(paths: Paths, record: RetrainRecord) -> None:
    """Write ``retrain/page/``: the record as JSON and as a page, both or neither."""
    with stage_dir(paths.retrain / "page") as folder:
        record.write(folder)
        write_text(folder / "retrain.html", render_page(record))


def render_page(record: RetrainRecord) -> str:
    """The page of a record."""
    moves: Any = None if record.churn is None else record.churn.get("churn")
    movers = [] if moves is None else moves["movers"][:_MOVERS]
    return str(open_template("pipelines.retraining", "retrain.html.j2").render(page=record, moves=moves, movers=movers))


def retrain_text(record: RetrainRecord) -> str:
    """The record for a terminal."""
    lines = [*filter(None, [record.ended]), *record.new.sentences, ""]
    lines += [f"  {one['check']}: {one['level']}. {one['sentence']}" for one in record.moved]
    for one in record.challengers:
        lines.append(
            f"challenger {one.hash[:12]} ({one.what}, trained through {one.trained_through}): {one.gate['verdict']}"
        )
        lines += [f"  {check['sentence']}" for check in one.gate["checks"]]
    if record.churn is not None:
        lines.append(f"who moves: {record.churn['sentence']}")
    if record.aging is not None:
        lines.append(f"cadence: {record.aging.sentence}")
    lines += ["", f"{str(record.decision).capitalize()} (exit status {record.status}). {record.sentence}"]
    return "\n".join([*lines, *filter(None, [record.next])])
