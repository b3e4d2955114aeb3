"""Report: ``summary.json`` and ``report.html``, always written, whatever the verdict."""

import time
from collections.abc import Mapping

from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.registry.cautions import keep_caution
from pipelines.report.page import render
from pipelines.report.summary_json import summarise
from pipelines.workspace.atomic_files import stage_dir, write_text
from pipelines.workspace.context import Context


def run_report(context: Context, seconds: Mapping[str, float] | None = None) -> SummaryRecord:
    """Write the report from what the other stages left; returns the summary."""
    started = time.perf_counter()
    known = dict(seconds or {})
    summary = summarise(context, known)
    if summary.bundle.hash:
        keep_caution(context.paths, summary.bundle.hash, summary.caution)

    page = render(context, summary)
    taken = known | {"report": round(time.perf_counter() - started, 2)}
    summary = summary.model_copy(update={"seconds": taken})
    with stage_dir(context.paths.reports) as folder:
        summary.write(folder)
        write_text(folder / "report.html", page)
        StageVerdict.of({"verdict": summary.verdict, "verdict_text": summary.verdict_text}).write(folder)
    return summary
