"""The report of the last run, as the file it is."""

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from serving.auth.dependencies import AppStateDep, Reader
from serving.first_run.attempt import Step
from serving.first_run.first_run import FirstRun
from serving.problems import NotFoundError, ScopeError

# It draws its charts with scripts of its own, so it is shown without any right on this server: no cookie, no request.
_POLICY = (
    "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; frame-ancestors 'none'"
)
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/report")
def report_page(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """What the last run found out, leads of all owners by name among it."""
    if caller.owner is not None:
        raise ScopeError("the report names leads of all owners; ask somebody who may see them all.")
    paths = app_state.paths
    if not app_state.ready:
        first_run: FirstRun = request.app.state.first_run
        attempt = first_run.attempt()
        if attempt is not None and attempt.step is Step.DONE and attempt.source:
            paths = type(paths)(paths.data_dir, attempt.source)
    file = paths.reports / "report.html"
    if not file.exists():
        raise NotFoundError("no run has written a report yet.")
    return FileResponse(file, media_type="text/html", headers={"content-security-policy": _POLICY})
