"""Upload a file of leads, watch its progress, fetch the scored file."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import FileResponse

from serving.api.problem_details import request_id_of
from serving.api.routes.writes import Key
from serving.auth.dependencies import AppStateDep, Scorer
from serving.leads import uploads
from serving.logs import logger
from serving.schemas import Short

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])


@router.post("", status_code=202, summary="Score the leads of a CSV or Parquet file")
def post_upload(
    request: Request,
    file: UploadFile,
    app_state: AppStateDep,
    caller: Scorer,
    framework: Annotated[Short | None, Form()] = None,
    key: Key = None,
) -> dict[str, Any]:
    """Laid out like the source's own file of leads; one row out per row in, nothing dropped."""
    accepted = uploads.accept_upload(app_state, caller, file.filename or "", file.file, framework, key)
    request.state.view_subjects = (accepted["id"],)
    logger().info("upload accepted", request_id=request_id_of(request), upload=accepted["id"])
    return accepted


@router.get("/{number}", summary="Progress of an upload")
def get_upload(number: str, app_state: AppStateDep, caller: Scorer) -> dict[str, Any]:
    """Status waiting, scoring, done or failed; of a scored file, why rows have no score, new values, a late moment."""
    return uploads.upload_progress(app_state, uploads.find_upload(app_state, caller, number))


@router.get("/{number}/result", summary="The scored file", response_class=FileResponse)
def get_result(number: str, app_state: AppStateDep, caller: Scorer) -> FileResponse:
    """In the format it was sent in."""
    row = uploads.find_upload(app_state, caller, number)
    file = uploads.result_file(app_state, row)
    uploads.note_scored_leads(app_state, file)
    return FileResponse(file, filename=f"scored{row.suffix}")
