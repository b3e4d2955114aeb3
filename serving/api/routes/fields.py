"""Missing fields of companies: a file with one column to fill, handed out and taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, UploadFile
from fastapi.responses import StreamingResponse

from serving.api.openapi import CSV
from serving.auth.dependencies import AppStateDep, ReadingWriter, Writer
from serving.leads.field_file import LARGEST, MOST_ROWS, export_missing, import_field

router = APIRouter(prefix="/v1/fields", tags=["writes"])
FieldName = Annotated[str, Path(max_length=64, description="column of the accounts, for example 'employees'")]


@router.get(
    "/{field}",
    summary="Open leads whose company lacks a field, as CSV with one column to fill",
    response_class=StreamingResponse,
    responses=CSV,
)
def get_missing(
    field: FieldName,
    app_state: AppStateDep,
    caller: ReadingWriter,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = MOST_ROWS,
) -> StreamingResponse:
    """One lead per company, the best first; fill the last column and send the file back."""
    headers = {"content-disposition": f'attachment; filename="{field}.csv"'}
    return StreamingResponse(
        export_missing(app_state, caller, field, limit), media_type="text/csv; charset=utf-8", headers=headers
    )


@router.post("/{field}", status_code=201, summary="Values of a field, as CSV with the columns lead_id and the field's")
def post_values(field: FieldName, file: UploadFile, app_state: AppStateDep, caller: Writer) -> dict[str, Any]:
    """Each value is stored as one given on a card; empty cells say nothing, and rows that are refused are named."""
    return import_field(app_state, caller, field, file.file.read(LARGEST + 1))
