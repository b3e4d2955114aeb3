"""Report: ``summary.json`` and ``report.html``, always written; the model card where there is a model; for DVC the ten
figures and the curves.
"""

import time
from collections.abc import Mapping
from typing import Any

from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.registry.cautions import keep_caution
from pipelines.report.charts.curves import curves_of
from pipelines.report.model_card.card import to_html, to_markdown
from pipelines.report.model_card.sections import model_card_of
from pipelines.report.page import render
from pipelines.report.summary_json import summarise
from pipelines.workspace.atomic_files import stage_dir, write_json, write_text
from pipelines.workspace.context import Context


def run_report(context: Context, seconds: Mapping[str, float] | None = None) -> SummaryRecord:
    """Write the report from what the other stages left; returns the summary."""
    started = time.perf_counter()
    known = dict(seconds or {})
    summary = summarise(context, known)
    if summary.bundle.hash:
        keep_caution(context.paths, summary.bundle.hash, summary.caution)

    page, card = render(context, summary), model_card_of(context, summary)
    taken = known | {"report": round(time.perf_counter() - started, 2)}
    summary = summary.model_copy(update={"seconds": taken})
    with stage_dir(context.paths.reports) as folder:
        summary.write(folder)
        write_text(folder / "report.html", page)
        write_json(folder / "metrics.json", nest(summary.headline()))
        for name, rows in curves_of(context).items():
            write_json(folder / "plots" / f"{name}.json", rows)
        if card is not None:
            write_text(folder / "model_card.md", to_markdown(card))
            write_text(folder / "model_card.html", to_html(card))
        StageVerdict.of({"verdict": summary.verdict, "verdict_text": summary.verdict_text}).write(folder)
    return summary


def nest(figures: Mapping[str, float]) -> dict[str, Any]:
    """Figures by their parts: ``test.auc`` as ``auc`` in ``test``.

    >>> nest({"base_rate": 0.1, "test.auc": 0.8, "test.n": 90.0})
    {'base_rate': 0.1, 'test': {'auc': 0.8, 'n': 90.0}}
    """
    found: dict[str, Any] = {}
    for name, value in figures.items():
        group, _, rest = name.rpartition(".")
        (found.setdefault(group, {}) if group else found)[rest] = value
    return found
