"""The report: one offline HTML file from what the stages left on disk."""

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from features.catalog.reference import feature_records
from models.logistic import sigmoid
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.backtest_record import BacktestRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.counts_record import CountsRecord, ValidationRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord, SeenAndUnseen
from pipelines.artifacts.score_record import (
    OPEN_LEADS,
    AccountsRecord,
    ExplorationRecord,
    ScoreRecord,
    read_cards,
)
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.artifacts.verdict_record import MatrixVerdict
from pipelines.diagnostics.activity_diagnostics import engagement_of
from pipelines.ingest.diagnosis.reasons_in_words import describe_quarantine
from pipelines.ingest.notes_in_words import split_notes
from pipelines.ingest.reference_matching import describe_matches
from pipelines.ingest.undeclared_kinds import declaration_block, describe_undeclared_kinds
from pipelines.registry.cautions import caution_of
from pipelines.report.charts.chart_records import OWN_COLOURS
from pipelines.report.charts.plotly_figures import plotly_figure
from pipelines.report.charts.run_charts import charts_of
from pipelines.report.comparison_tables import POINT_LABELS
from pipelines.report.drift_section import drift_view
from pipelines.report.first_screen import answers, best_leads, tone_of
from pipelines.report.lifecycle_section import lifecycle_view
from pipelines.report.marketing_section import marketing_of
from pipelines.report.page_templates import open_template
from pipelines.report.qualification_section import profile_view, qualification_view
from pipelines.report.report_sections import group_sections
from pipelines.report.scorecard_page import section_of
from pipelines.report.text import answer, basis, describe_own, headline, limits, list_excluded
from pipelines.scoring.shown_feedback import meanings_in, show_feedback
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_catalog

WORKLIST_ROWS, SWAP_ROWS = 25, 16
_LINKS = ("record_url", "crm_url", "url", "link")


def render(context: Context, summary: SummaryRecord) -> str:
    """The whole page."""
    template = open_template("pipelines.report", "report.html.j2")
    return str(template.render(**view(context, summary), plotly=_plotly(), tokens=_tokens()))


def view(context: Context, summary: SummaryRecord) -> dict[str, Any]:
    """Everything the template shows."""
    paths, source = context.paths, context.source
    counts, matrix, audit = CountsRecord.read(paths), MatrixVerdict.read(paths), AuditRecord.read(paths)
    backtest, evaluation = BacktestRecord.read(paths), EvaluationRecord.read(paths)
    comparison, train = ComparisonRecord.read(paths), TrainRecord.read(paths)
    scored, cards = ScoreRecord.read(paths), read_cards(paths)
    drawn = {chart.name: chart for chart in charts_of(context)}

    ingest_warnings, ingest_notes = split_notes(counts)
    found: dict[str, Any] = {
        "title": source.title or source.name,
        "summary": summary,
        "headline": headline(summary, evaluation),
        "tone": tone_of(summary),
        "answer": answer(summary, evaluation),
        "basis": basis(summary, evaluation),
        "answers": answers(comparison, summary),
        "counts": counts,
        "quarantine_reasons": describe_quarantine(counts.reasons),
        "key_matches": describe_matches(counts.keys),
        "ingest_warnings": ingest_warnings,
        "ingest_notes": ingest_notes,
        "kinds_warning": describe_undeclared_kinds(counts.undeclared_kinds),
        "kinds_block": declaration_block(counts.undeclared_kinds),
        "has_validation": (paths.validate / "validation.html").exists(),
        "expectations": ValidationRecord.read(paths) if ValidationRecord.exists(paths) else None,
        "excluded": list_excluded(source),
        "split": matrix.split,
        "backtest": backtest,
        "shows_random": any(row.get("random_log_loss") is not None for row in summary.candidates),
        "evaluation": evaluation,
        "accounts": _accounts(evaluation),
        "own_candidates": describe_own(evaluation),
        "train": train,
        "chosen": summary.test.get(summary.winner.name or "") if summary.bundle.hash else None,
        "chosen_handoffs": next((row["handoffs_at_capacity"] for row in summary.test.values()), 0),
        "manual": summary.test.get("rubric"),
        "comparison": comparison,
        "point_labels": POINT_LABELS,
        "marketing": marketing_of(comparison, source.capacity.currency),
        "swap": _swap(context),
        "lifecycle": lifecycle_view(paths),
        "qualification": qualification_view(paths),
        "profile": profile_view(paths),
        "scorecard": section_of(context),
        "exploration": ExplorationRecord.read_if_any(paths),
        "committees": AccountsRecord.read_if_any(paths),
        "scored": scored,
        "worklist": _worklist(context, scored.mode),
        "caution": _caution(context, summary, scored),
        "cards": cards,
        "clipped": any(card["points_clip"] for card in cards),
        "framework": context.framework,
        "engagement": engagement_of(paths),
        "fidelity": evaluation.fidelity,
        "drift": drift_view(context),
        "features": feature_records(load_catalog(paths.matrix)),
        "limits": limits(source, counts, audit),
        "run": _run(context, summary, train),
        "charts": drawn,
        "own_colours": dict(OWN_COLOURS),
        "specs": {name: plotly_figure(chart) for name, chart in drawn.items()},
        "version": version("leadscore"),
    }
    return found | {"groups": group_sections(found), "best": best_leads(found["worklist"]["rows"])}


def _accounts(evaluation: EvaluationRecord) -> SeenAndUnseen | None:
    """Seen and new accounts apart, where both exist."""
    found = evaluation.accounts
    return None if found is None or found.seen.auc is None or found.unseen.auc is None else found


def _swap(context: Context) -> dict[str, Any]:
    frame = read_parquet(context.paths.thresholds / "swap_set.parquet")
    if not len(frame) or context.rubric is None:
        return {"rows": []}
    by_model = frame["side"] == "model only"
    shown = pd.concat([frame[by_model].head(SWAP_ROWS // 2), frame[~by_model].head(SWAP_ROWS // 2)])
    shown = shown.assign(probability=sigmoid(shown["model_log_odds"].to_numpy(dtype=np.float64)))
    return {
        "rows": _records(shown),
        "model": int(by_model.sum()),
        "rubric": int((~by_model).sum()),
        "model_won": int(frame.loc[by_model, "won"].sum()),
        "rubric_won": int(frame.loc[~by_model, "won"].sum()),
    }


def _caution(context: Context, summary: SummaryRecord, scored: ScoreRecord) -> str:
    """What is said against the bundle that ranked the list: the live one, or the twin of this run on test rows."""
    if scored.kind != OPEN_LEADS or scored.bundle is None:
        return summary.caution
    return caution_of(context.paths, scored.bundle)


def _worklist(context: Context, mode: str) -> dict[str, Any]:
    listed = read_parquet(context.paths.score / "worklist.parquet")
    frame = show_feedback(listed, meanings_in(context, by_points=mode == "points")).head(WORKLIST_ROWS)
    link = next((name for name in _LINKS if name in frame), None)
    urls = frame[link].astype("str") if link else pd.Series("", index=frame.index, dtype="str")
    frame = frame.assign(link=urls.where(urls.str.match(r"^https?://", na=False), ""))
    return {"rows": _records(frame), "owner": "owner" in frame and bool(frame["owner"].notna().any())}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain records, missing as None."""
    plain = frame.astype(object)
    return [{str(k): v for k, v in row.items()} for row in plain.where(plain.notna(), None).to_dict(orient="records")]


def _run(context: Context, summary: SummaryRecord, train: TrainRecord) -> list[tuple[str, str]]:
    settings = ", ".join(f"{name} {value}" for name, value in context.settings.model_dump().items())
    seconds = ", ".join(f"{stage} {value:.1f} s" for stage, value in summary.seconds.items())
    return [
        ("Bundle", summary.bundle.hash or "none"),
        ("Evaluated twin", train.twin_hash or "none"),
        ("Declaration", context.declaration_hash),
        ("Settings", settings),
        ("Features", str(summary.bundle.features)),
        ("Time per stage", seconds or "not measured: stages ran one by one"),
    ]


@cache
def _plotly() -> Any:
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())  # noqa: S704  the script of the installed package


@cache
def _tokens() -> Any:
    """Colours, sizes and type of the pages, which the report shares."""
    from markupsafe import Markup

    return Markup((files("pipelines.report") / "theme" / "tokens.css").read_text(encoding="utf-8"))  # noqa: S704  ours
