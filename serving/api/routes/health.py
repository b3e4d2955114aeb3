"""Is it alive, is it ready, what does it measure."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serving.auth.dependencies import DeskOf

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Alive, and what is wrong if something is")
def healthz(desk: DeskOf) -> dict[str, Any]:
    """Status ``degraded`` means: it serves on, but with the model it had, for the reason in ``problem``."""
    store = desk.store.alive()
    serves_on = "The last champion serves on." if desk.registry_problem and desk.ready else ""
    problem = " ".join(dict.fromkeys(filter(None, [desk.problem, desk.registry_problem, serves_on])))
    body: dict[str, Any] = {"status": "ok" if store and not problem else "degraded", "store": store}
    if problem:
        body["problem"] = problem
    if desk.ready:
        state = desk.state
        body |= {
            "source": state.model.source.name,
            "synthetic": state.model.source.synthetic,
            "bundle_hash": state.model.bundle.hash,
            "leads": len(state.worklist),
            "data_cutoff": None if state.data.cutoff is None else state.data.cutoff.isoformat(),
            "clock": "wall" if desk.clock.real else "data",
        }
    return body


@router.get("/readyz", summary="Ready to score")
def readyz(desk: DeskOf) -> Response:
    """200 once a model is loaded and the store answers, else 503."""
    ready = desk.ready and desk.store.alive()
    return JSONResponse({"ready": ready}, status_code=200 if ready else 503)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
def metrics(request: Request, desk: DeskOf) -> Response:
    """Requests, times, leads scored and readiness."""
    request.app.state.metrics.ready.set(int(desk.ready))
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
