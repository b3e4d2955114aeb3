"""The worklist as a file for a CRM or a spreadsheet; no cell of it can run as a formula."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import Any, Literal

from pipelines.workspace.csv_files import MARK, csv_line, reason_text
from serving.http.shown_leads import note_shown
from serving.store.wall_clock import wall_now

Form = Literal["csv", "spreadsheet", "salesforce", "hubspot"]
_ENDING = "\r\n"
_IN_MEMORY = 8 * 2**20  # bytes; larger files go to disk
WEEK = timedelta(days=7)
_CHUNK = 2**16  # bytes handed on at once
_CRM_FIELDS: Mapping[str, Mapping[str, str]] = {
    "salesforce": {
        "lead_id": "Leadscore_Lead_Id__c", "score": "Leadscore_Score__c", "probability": "Leadscore_Probability__c",
        "grade": "Leadscore_Grade__c", "state": "Leadscore_State__c", "next_action": "Leadscore_Next_Action__c",
        "question": "Leadscore_Question__c", "reason_1": "Leadscore_Reason_1__c", "reason_2": "Leadscore_Reason_2__c",
        "as_of": "Leadscore_As_Of__c", "manual_points": "Leadscore_Manual_Points__c",
        "manual_state": "Leadscore_Manual_State__c", "disagree": "Leadscore_Disagree__c",
        "stage": "Leadscore_Stage__c", "lead_list": "Leadscore_List__c", "missing_seat": "Leadscore_Missing_Seat__c",
    },
    "hubspot": {
        "lead_id": "leadscore_lead_id", "score": "leadscore_score", "probability": "leadscore_probability",
        "grade": "leadscore_grade", "state": "leadscore_state", "next_action": "leadscore_next_action",
        "question": "leadscore_question", "reason_1": "leadscore_reason_1", "reason_2": "leadscore_reason_2",
        "as_of": "leadscore_as_of", "manual_points": "leadscore_manual_points",
        "manual_state": "leadscore_manual_state", "disagree": "leadscore_disagree",
        "stage": "leadscore_stage", "lead_list": "leadscore_list", "missing_seat": "leadscore_missing_seat",
    },
}  # fmt: skip
_READ_FIRST = (
    *("owner", "score", "probability", "probability_low", "probability_high", "grade", "state", "next_action"),
    *(
        "stage",
        "stage_days",
        "lead_list",
        "missing_seat",
        "expected_value",
        "question",
        "reason_1",
        "reason_2",
        "reason_3",
    ),
)
_MANUAL = ("manual_points", "manual_state", "manual_handoff", "disagree", "manual_version")
_OF_STAGES = ("stage", "stage_days", "lead_list", "missing_seat")
_READ_LAST = ("percentile", "as_of", "scale_version", "bundle_hash")
STATES = ("lead", "iql", "mql", "pql", "sal", "sql")


def _with_zone(text: Any) -> str:
    """A timestamp as CRMs import it: with its zone, as they would assume the importing user's."""
    return f"{text}Z" if text else ""


def fields_of(form: Form, display: Iterable[str], columns: Iterable[str], *, valued: bool) -> Mapping[str, str]:
    """What a file holds, each with its heading, the upsert key first.

    Parameters
    ----------
    form : a CRM's fields, or all that people read: names, company, score, reasons, points and status per criterion
    display : columns that are shown of a lead
    columns : those of the scored list
    valued : whether it is known what a win is worth
    """
    columns = list(columns)
    if form in _CRM_FIELDS:
        asked = (*_MANUAL, *_OF_STAGES)
        return {name: field for name, field in _CRM_FIELDS[form].items() if name in columns or name not in asked}
    first = [name for name in _READ_FIRST if valued or name != "expected_value"]
    first = [name for name in first if name in columns or name not in _OF_STAGES]
    criteria = [name for name in columns if name.startswith(("points_", "status_"))]
    manual = [name for name in _MANUAL if name in columns]
    fixed = ["lead_id", *first, *manual, *criteria, *_READ_LAST]
    shown = [name for name in display if name not in fixed]
    return {name: name for name in ("lead_id", *shown, *fixed[1:])}


def export_lines(
    rows: Iterable[Mapping[str, Any]],
    fields: Mapping[str, str],
    from_state: str | None,
    last_week: Callable[[str], tuple[int, str] | None] | None = None,
    unpinned: Collection[str] = (),
) -> Iterator[str]:
    """Lines of the file; only leads from a state up, and only those whose score or state are others than ``last_week``
    has them by the rules, if it is given. It has nothing of new leads: they have moved onto the list. So have those
    ``unpinned`` since: what they were told as was the pinned state.
    """
    week_ago = wall_now() - WEEK
    yield format_heading(fields)
    for row in rows:
        if state_rank(row.get("state")) < state_rank(from_state):
            continue
        lead = str(row["lead_id"])
        told = None if last_week is None or lead in unpinned else last_week(lead)
        if told is not None and told == (row["score"], _compared_state(row, week_ago)):
            continue
        note_shown(lead)
        yield format_line(row, fields)


def _compared_state(row: Mapping[str, Any], week_ago: datetime) -> str:
    """The state to hold against that of a week ago by the rules: what was pinned before then was shown then, too."""
    pinned = row.get("pinned")
    if pinned is None or datetime.fromisoformat(pinned["written_at"]) > week_ago:
        return str(row["state"])
    return str(pinned["state_by_rules"])


def iterate_marked(lines: Iterable[str]) -> Iterator[bytes]:
    """The bytes of a file for a spreadsheet: a byte order mark before it if a line holds more than plain ASCII."""
    plain = True
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        for line in lines:
            plain = plain and line.isascii()
            file.write(line.encode())
        file.seek(0)
        if not plain:
            yield MARK.encode()
        while chunk := file.read(_CHUNK):
            yield chunk


def state_rank(state: str | None) -> int:
    """How close a state is to a deal, from 0; other states count as the first.

    >>> state_rank("mql") > state_rank("iql") > state_rank(None)
    True
    """
    return STATES.index(state) if state in STATES else 0


def format_heading(fields: Mapping[str, str]) -> str:
    """The file's first line."""
    return csv_line(fields.values(), _ENDING)


def format_line(row: Mapping[str, Any], fields: Mapping[str, str]) -> str:
    """The line of one lead."""
    record = {
        **row.get("display", {}),
        **row,
        "as_of": _with_zone(row.get("as_of")),
        **{name: reason_text(row.get(name)) for name in ("reason_1", "reason_2", "reason_3")},
    }
    return csv_line((record.get(name) for name in fields), _ENDING)
