"""The list of leads that a single answer would qualify, a tab of the worklist."""

from typing import Any

import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from models.explaining.language import Language
from models.explaining.wording.labels import capitalise, translate_label, translate_value
from models.one_answer_short import FIELD, LOOK_UP
from pipelines.scoring.shown_columns import company_name, person_name
from serving.auth.dependencies import AppStateDep, Reader
from serving.lists.one_answer_short import CONSIDERED, awaits_shortlist, shortlist_leads
from serving.lists.shown_worklist import limit_query
from serving.pages.language import language_of
from serving.pages.render import render_counting, render_page
from serving.pages.worklist.worklist_addresses import WorklistAddress
from serving.pages.worklist.worklist_record import SHORT_LIST, list_tabs, shade_of, stage_word
from serving.problems import InvalidError
from serving.state.worklist.worklist_query import WorklistQuery

_SHORT_ROWS = 50  # of the page; the API gives more
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/short")
def short_page(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Leads that one answer would qualify, and what to ask them."""
    if awaits_shortlist(app_state):
        return render_counting(request, caller, "One answer short")
    state, language, refused = app_state.loaded, language_of(request), ""
    rows: list[dict[str, Any]] = []
    total = 0
    try:
        found = shortlist_leads(app_state, caller.owner, None, _SHORT_ROWS)
        codes = state.data.codes(pd.Index([row["lead_id"] for row in found.rows], dtype="str")).tolist()
        shown = state.data.displays(codes)
        rows = [_describe(row, display, language) for row, display in zip(found.rows, shown, strict=True)]
        total = found.total
    except InvalidError as problem:
        refused = problem.message

    query = limit_query(app_state, WorklistQuery(lead_list=SHORT_LIST), caller, "open")
    return render_page(
        request,
        "worklist/short.html",
        caller,
        tabs=list_tabs(app_state, query, WorklistAddress({}), language),
        rows=rows,
        total=total,
        refused=refused,
        considered=CONSIDERED,
    )


def _describe(row: dict[str, Any], display: dict[str, str], language: Language) -> dict[str, Any]:
    """A row in the reader's language; a copy, as the rows themselves are kept in English."""
    text = language.text(row["text"])
    if row["kind"] == FIELD:
        label = row["text"].removeprefix(LOOK_UP.format(field=""))
        text = language.text(LOOK_UP, field=translate_label(language, label))
    return row | {
        "text": text,
        "name": person_name(display) or row["lead_id"],
        "company": company_name(display),
        "shade": shade_of(row["score"]),
        "state_word": stage_word(language, row["state"]),
        "next_word": stage_word(language, row["next_state"]),
        "answer_words": [capitalise(translate_value(language, str(answer))) for answer in row["answers"]],
    }
