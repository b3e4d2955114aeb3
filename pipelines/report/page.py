"""The report: one offline HTML file from what the stages left on disk."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from features.catalog.feature import Catalog
from features.catalog.reference import feature_records
from models.logistic import sigmoid
from pipelines.diagnostics.activity_diagnostics import engagement_of
from pipelines.registry.test_warnings import caution_of
from pipelines.report.charts.chart_records import OWN_COLOURS
from pipelines.report.charts.plotly_figures import plotly_figure
from pipelines.report.charts.run_charts import charts_of
from pipelines.report.drift_section import drift_view
from pipelines.report.formatting import FILTERS
from pipelines.report.lifecycle_section import lifecycle_view
from pipelines.report.marketing_section import marketing_of
from pipelines.report.qualification_section import profile_view, qualification_view
from pipelines.report.scorecard_page import section_of
from pipelines.report.text import answer, excluded, headline, limits
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.context import Context

WORKLIST_ROWS, SWAP_ROWS = 25, 16
_NOTHING_COMPARED: dict[str, Any] = dict.fromkeys(
    ("policies", "sentences", "notes", "calibration_by_segment"), ()
) | dict.fromkeys(("promise", "plan", "repair"), None)
_LINKS = ("record_url", "crm_url", "url", "link")


def render(context: Context, summary: Mapping[str, Any]) -> str:
    """The whole page."""
    return str(_template().render(**view(context, summary), plotly=_plotly()))


def view(context: Context, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the template shows."""
    paths, source = context.paths, context.source
    counts = read_json(paths.ingest / "counts.json")
    matrix = read_json(paths.matrix / "verdict.json")
    audit = read_json(paths.audit / "audit.json")
    backtest = read_json(paths.backtest / "backtest.json")
    evaluation = read_json(paths.evaluate / "evaluation.json")
    comparison = _NOTHING_COMPARED | read_json(paths.thresholds / "comparison.json")
    train = read_json(paths.train / "train.json")
    cards = read_json(paths.score / "cards.json")
    drawn = {chart.name: chart for chart in charts_of(context)}
    winner = summary["winner"]["name"]
    chosen = summary["test"].get(winner) if summary["bundle"]["hash"] else None
    found = {
        "title": source.title or source.name,
        "summary": summary,
        "headline": headline(summary, evaluation),
        "answer": answer(summary, evaluation, comparison),
        "counts": counts,
        "has_validation": (paths.validate / "validation.html").exists(),
        "excluded": excluded(source),
        "split": matrix["split"] or {},
        "backtest": backtest,
        "shows_random": any(r.get("random_log_loss") is not None for r in summary["candidates"]),
        "evaluation": evaluation,
        "recorded": evaluation.get("recorded") or {},
        "differences": evaluation.get("differences", {}),
        "accounts": _accounts(evaluation),
        "shift": train.get("shift"),
        "prior_shift": train.get("prior_shift"),
        "chosen": chosen,
        "chosen_handoffs": next((r["handoffs_at_capacity"] for r in summary["test"].values()), 0),
        "manual": summary["test"].get("rubric"),
        "comparison": comparison,
        "marketing": marketing_of(comparison, context.source.capacity.currency),
        "swap": _swap(context),
        "lifecycle": lifecycle_view(paths),
        "qualification": qualification_view(paths),
        "profile": profile_view(paths),
        "scorecard": section_of(context),
        "exploration": read_json(paths.score / "exploration.json"),
        "committees": read_json(paths.score / "accounts.json"),
        "scored": read_json(paths.score / "score.json"),
        "worklist": _worklist(context),
        "caution": _caution(context, summary),
        "cards": cards,
        "clipped": any(card["points_clip"] for card in cards),
        "framework": context.framework,
        "engagement": engagement_of(context.paths),
        "fidelity": evaluation.get("fidelity") or {"truth": {}, "seeds": None},
        "drift": drift_view(context),
        "features": feature_records(Catalog.from_records(read_json(paths.matrix / "matrix.json")["catalog"])),
        "limits": limits(source, counts, audit),
        "run": _run(context, summary, train),
        "charts": drawn,
        "own_colours": dict(OWN_COLOURS),
        "specs": {name: plotly_figure(chart) for name, chart in drawn.items()},
        "version": version("leadscore"),
    }
    return found | {"sections": _sections(found)}


def _sections(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    shown = [
        ("data", "Data", True),
        ("audit", "Audit", True),
        ("candidates", "Candidates", True),
        ("test", "Test", bool(found["summary"]["test"])),
        ("compare", "Rubric v model", bool(found["comparison"].get("policies"))),
        ("capacity", "Threshold, capacity", bool(found["comparison"].get("policies"))),
        ("rules", "Rubric's rules", bool(found["comparison"].get("repair"))),
        ("scorecard", "Scorecard", bool(found["scorecard"])),
        ("lifecycle", "Lifecycle", bool(found["lifecycle"])),
        ("qualification", "Qualification", bool(found["qualification"])),
        ("profile", "Ideal customer", bool(found["profile"])),
        ("worklist", "Worklist", bool(found["worklist"]["rows"])),
        ("cards", "Lead cards", bool(found["worklist"]["rows"])),
        ("accounts", "Accounts", bool(found["committees"])),
        ("drivers", "What moves scores", bool(found["worklist"]["rows"])),
        ("drift", "Drift", bool(found["drift"])),
        ("fidelity", "Fidelity", any(found["fidelity"][name] for name in ("truth", "seeds"))),
        ("engagement", "Activities", any(found["engagement"].values())),
        ("features", "Features", True),
        ("limits", "Limits", True),
        ("run", "Run", True),
    ]
    return [(id_, name) for id_, name, is_there in shown if is_there]


def _accounts(evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Seen and new accounts apart, where both exist."""
    found = evaluation.get("accounts")
    return found if found and all(found[side]["auc"] is not None for side in ("seen", "unseen")) else None


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


def _caution(context: Context, summary: Mapping[str, Any]) -> str:
    """What is said against the bundle that ranked the list: the live one, or the twin of this run on test rows."""
    scored = read_json(context.paths.score / "score.json")
    if scored.get("kind") != "open leads":
        return str(summary["caution"])
    return caution_of(context.paths, str(scored["bundle"]))


def _worklist(context: Context) -> dict[str, Any]:
    frame = read_parquet(context.paths.score / "worklist.parquet").head(WORKLIST_ROWS)
    link = next((name for name in _LINKS if name in frame), None)
    urls = frame[link].astype("str") if link else pd.Series("", index=frame.index, dtype="str")
    frame = frame.assign(link=urls.where(urls.str.match(r"^https?://", na=False), ""))
    return {"rows": _records(frame), "owner": "owner" in frame and bool(frame["owner"].notna().any())}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain records, missing as None."""
    plain = frame.astype(object)
    return [{str(k): v for k, v in row.items()} for row in plain.where(plain.notna(), None).to_dict(orient="records")]


def _run(context: Context, summary: Mapping[str, Any], train: Mapping[str, Any]) -> list[tuple[str, str]]:
    bundle = summary["bundle"]
    settings = ", ".join(f"{name} {value}" for name, value in context.settings.model_dump().items())
    seconds = ", ".join(f"{stage} {value:.1f} s" for stage, value in summary["seconds"].items())
    return [
        ("Bundle", bundle["hash"] or "none"),
        ("Evaluated twin", train.get("twin_hash") or "none"),
        ("Declaration", context.declaration_hash),
        ("Settings", settings),
        ("Features", str(bundle["features"])),
        ("Time per stage", seconds or "not measured: stages ran one by one"),
    ]


@cache
def _plotly() -> Any:
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pipelines.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template("report.html.j2")
