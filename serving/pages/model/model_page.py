"""The route of the model page."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from models.explaining.language import Language
from models.judging.evaluation.trust import TrustLevel
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.diagnostics.score_trust import trust_of
from pipelines.registry.champion import read_champion
from pipelines.workspace.params_file import DEFAULT as PARAMS
from serving.auth.dependencies import AppStateDep, Reader
from serving.pages.home.parts import write_trust
from serving.pages.language import language_of
from serving.pages.model.calibration_chart import draw_calibration
from serving.pages.model.model_summary import summarise_model
from serving.pages.model.moved_features import count_moved, find_warning, list_moved, nothing_moved, order_checks
from serving.pages.render import render_page
from serving.pages.written_values import write_horizon
from serving.results import promotion, run_results
from serving.results.drift import begin_drift
from serving.results.score_bands import read_evaluation
from serving.scopes import Scope
from serving.state.app_state import AppState
from serving.state.result_cache import BesideResult, file_stamp

HASH = r"^[0-9a-f]{8,64}$"
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/model")
def model_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    asked: Annotated[str | None, Query(pattern=HASH)] = None,
) -> Response:
    """Is it good, does it still hold, which versions are there; for administrators what the gate says of one.

    ``pending`` where the champion is not what scores here: with many leads it is loaded beside the requests.
    """
    found, admin = run_results.describe_model(app_state), caller.may(Scope.ADMIN)
    evaluation: dict[str, Any] = found["evaluation"] or {}
    drift = begin_drift(app_state)
    moved = drift.value or {"findings": [], "features": [], "headline": ""}
    findings, features = moved["findings"], moved["features"]
    language, by_points = language_of(request), run_results.why_points(app_state)
    champion = found["champion"] if app_state.settings.follows_pointer else None
    pending = champion is not None and champion["hash"] != found["bundle"]["hash"]
    return render_page(
        request,
        "model/page.html",
        caller,
        found=found,
        horizon=write_horizon(language, app_state.loaded.model.bundle.horizons),
        admin=admin,
        summary=summarise_model(app_state, found),
        by_points=by_points,
        doubt=_doubt(app_state, language),
        chart=draw_calibration(evaluation.get("reliability") or []),
        drift=drift,
        moved=list_moved(features, language),
        moved_count=count_moved(features),
        feature_count=len(features),
        checks=order_checks(findings),
        warning=find_warning(findings),
        unmoved=nothing_moved(findings) and not by_points,  # points were not trained
        folds=build_fold_rows(found["backtest"] or {}),
        gate=_begin_gate(app_state, asked) if admin and asked is not None else None,
        churn=_begin_churn(app_state, asked, caller.owner) if admin and asked is not None else None,
        last_churn=promotion.find_churn(app_state, None, caller.owner),
        asked=asked,
        pending=pending,
    )


def _doubt(app_state: AppState, language: Language) -> str:
    """What the test says of the score in use where one should not simply sort by it; else empty."""
    evaluation = read_evaluation(app_state)
    trust = None if evaluation is None else trust_of(evaluation)
    if trust is None or trust.level in (TrustLevel.SORT, TrustLevel.UNTESTED):
        return ""
    return write_trust(language, trust).text


def _begin_gate(app_state: AppState, asked: str) -> BesideResult[Any]:
    stamp = (asked, _stamp(app_state))
    return app_state.results.begin("gate of the page", stamp, lambda: promotion.ask_gate(app_state, asked))


def _begin_churn(app_state: AppState, asked: str, owner: str | None) -> BesideResult[dict[str, Any]]:
    stamp = (asked, owner, _stamp(app_state))
    return app_state.results.begin("churn of the page", stamp, lambda: promotion.find_churn(app_state, asked, owner))


def _stamp(app_state: AppState) -> tuple[Any, ...]:
    """What gate and moves depend on: what one could not answer, it is asked again once one of these is mended."""
    paths, champion = app_state.paths, read_champion(app_state.paths)
    files = (paths.matrix / "matrix.json", paths.matrix / "open.json", AuditRecord.path(paths), PARAMS)
    return champion and champion.hash, app_state.loaded.data.stamp, file_stamp(*files)


def build_fold_rows(backtest: dict[str, Any]) -> list[dict[str, Any]]:
    """The rolling blocks, each with the log loss of the winner and of the base rate on it."""
    losses = {
        row["name"]: {block["block"]: block["log_loss"] for block in row.get("blocks", [])}
        for row in backtest.get("candidates", [])
    }
    winner = losses.get(str(backtest.get("winner")), {})
    return [
        row | {"log_loss": winner.get(row["name"]), "rate_log_loss": losses.get("rate", {}).get(row["name"])}
        for row in backtest.get("folds", [])
    ]
