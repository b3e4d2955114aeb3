"""Liveness, readiness and metrics."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serving.auth.dependencies import AppStateDep

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Alive, and what is wrong if anything is")
async def healthz(request: Request, app_state: AppStateDep) -> dict[str, Any]:
    """Status ``degraded``: the server still serves, for the reason in ``problem``: another model than the chosen one,
    a store or a disk that cannot be written to, rows of the store that are left out because they are damaged, data
    older than declared, a lock that is held for too long.
    """
    found = await request.app.state.health.recent()
    store = found.store
    still_serves = "The last champion still serves." if app_state.registry_problem and app_state.ready else ""
    problem = " ".join(
        dict.fromkeys(filter(None, [app_state.problem, app_state.registry_problem, still_serves, *found.problems]))
    )

    body: dict[str, Any] = {"status": "ok" if store and not problem else "degraded", "store": store}
    if problem:
        body["problem"] = problem

    if app_state.ready:
        state = app_state.loaded
        body |= {
            "source": state.model.source.name,
            "synthetic": state.model.source.synthetic,
            "bundle_hash": state.model.bundle.hash,
            "leads": len(state.worklist),
            "data_cutoff": None if state.data.cutoff is None else state.data.cutoff.isoformat(),
            "clock": "wall" if app_state.clock.real else "data",
        }
    return body


@router.get("/readyz", summary="Ready to score")
async def readyz(request: Request, app_state: AppStateDep) -> Response:
    """200 once a model is loaded and the store answers, else 503; it never waits for a writer."""
    ready = app_state.ready and (await request.app.state.health.recent()).store
    return JSONResponse({"ready": ready}, status_code=200 if ready else 503)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
def metrics(request: Request, app_state: AppStateDep) -> Response:
    """Requests, times, leads scored, readiness, and rows of the store that are left out."""
    request.app.state.metrics.damaged_rows(app_state.store.damaged.counts)
    request.app.state.metrics.ready.set(int(app_state.ready))
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
