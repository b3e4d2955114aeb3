"""One missing field of many companies as a file with one column to fill: handed out, and taken back filled."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from features.errors import LeadScoreError
from features.spreadsheet_cells import unguard_text
from models.explaining.missing_fields import fillable_columns
from pipelines.workspace.csv_files import csv_line
from serving.auth.api_keys import Caller
from serving.http.shown_leads import note_shown
from serving.leads.looked_up import store_field
from serving.problems import InvalidError
from serving.schemas import FieldGiven
from serving.state.app_state import AppState
from serving.state.worklist.worklist_query import PAGE_LIMIT, WorklistQuery
from serving.store.silenced_leads import find_silenced_leads
from serving.store.tables import FieldRow

MOST_ROWS = 500  # of one file: each is a write and a new score
LARGEST = 1 << 20  # bytes of a file with so few rows
_ENDING = "\r\n"
_NAMED = 20  # refused rows that an answer names
_SHOWN = ("company", "domain", "website", "name")  # of a company, so that it can be looked up


def export_missing(app_state: AppState, caller: Caller, field: str, limit: int) -> Iterator[str]:
    """Lines of a CSV: one open lead per company that lacks the field, best first, with an empty column to fill."""
    state = app_state.loaded
    known = {} if state.data.flat else fillable_columns(state.data.source)
    if field not in known:
        raise InvalidError(f"this field cannot be filled here; those that can: {', '.join(known) or 'none'}.")
    silenced, filled, told = find_silenced_leads(app_state.store), _filled(app_state, field), set[str]()
    shown = [name for name in state.worklist.rows.display if name in _SHOWN]
    # settled at once: paging over an order that moves meanwhile would leave companies out
    places = state.worklist.all_places(WorklistQuery(owner=caller.owner, hidden=silenced))

    def lines() -> Iterator[str]:
        yield csv_line(["lead_id", "account_id", *shown, field], _ENDING)
        for start in range(0, len(places), PAGE_LIMIT):
            for row in state.worklist.rows_at(places[start : start + PAGE_LIMIT]):
                if len(told) >= limit:
                    return
                account = int(state.data.account_of[state.data.code(str(row["lead_id"]))])
                name = "" if account < 0 else str(state.data.account_ids[account])
                if name and name not in filled and name not in told:
                    told.add(name)
                    note_shown(row["lead_id"])
                    yield csv_line([row["lead_id"], name, *(row["display"].get(c, "") for c in shown), ""], _ENDING)

    return lines()


def _filled(app_state: AppState, field: str) -> set[str]:
    """Companies of which the field is on record, in the data or looked up since."""
    accounts = app_state.loaded.data.tables["accounts"]
    last = accounts.sort_values("known_at", kind="stable", na_position="first")
    last = last.drop_duplicates("account_id", keep="last")
    filled = set(last.loc[last[field].notna(), "account_id"].astype("str"))
    with app_state.store.reading() as session:
        rows = session.execute(
            select(FieldRow.account_id, FieldRow.value).where(FieldRow.field == field).order_by(FieldRow.id)
        )
        for account, value in rows:
            (filled.add if value else filled.discard)(account)
    return filled


def import_field(app_state: AppState, caller: Caller, field: str, content: bytes) -> dict[str, Any]:
    """Store what a file says of a field: a column ``lead_id``, and the field's; empty cells say nothing.

    Raises
    ------
    InvalidError : it is no CSV in UTF-8 with these columns, or is too large
    """
    if len(content) > LARGEST:
        raise InvalidError(f"the file is larger than {LARGEST:,} bytes; send the columns lead_id and {field} alone.")
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        rows = list(reader)
        names = reader.fieldnames or []
    except (UnicodeDecodeError, csv.Error) as problem:
        raise InvalidError("this is not a CSV file in UTF-8; fill in the file that was handed out.") from problem
    if "lead_id" not in names or field not in names:
        found = ", ".join(names[:_NAMED]) or "none"
        raise InvalidError(f"the file needs the columns lead_id and {field}; it has {found}.")
    if len(rows) > MOST_ROWS:
        raise InvalidError(f"the file has {len(rows):,} rows; send at most {MOST_ROWS:,} at once.")

    stored, empty, refused = 0, 0, []
    for number, row in enumerate(rows, 2):
        value = unguard_text((row[field] or "").strip())
        if not value:
            empty += 1
            continue
        try:
            given = FieldGiven(field=field, value=value, channel="csv")
            store_field(app_state, caller, unguard_text((row["lead_id"] or "").strip()), given)
            stored += 1
        except (LeadScoreError, ValueError) as problem:
            text = problem.message if isinstance(problem, LeadScoreError) else "the value is too long."
            refused.append({"row": number, "problem": text})
    return {"rows": len(rows), "stored": stored, "empty": empty, "refused": len(refused), "problems": refused[:_NAMED]}
