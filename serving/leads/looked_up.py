"""Fields of a company that people look up: which may be filled on a card, and storing a value."""

import math
from typing import Any

from sqlalchemy.orm import Session

from features.kernel.column_reader import number_of, text_of
from features.schema.columns import Column
from features.schema.vocabulary import ColumnType
from models.explaining.missing_fields import fillable_columns
from serving.auth.api_keys import Caller
from serving.leads.rescoring import lock_name, rescore
from serving.leads.writes import run_once
from serving.problems import InvalidError
from serving.schemas import FieldGiven
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.store.audit_trail import record_action
from serving.store.engine import hold_lock
from serving.store.tables import FieldRow

_MOST_MATES = 50  # other open leads of the company that are scored again at once; the rest with the next load


def store_field(
    app_state: AppState, caller: Caller, lead_id: str, body: FieldGiven, key: str | None = None
) -> dict[str, Any]:
    """Store a value that was looked up and rescore its lead at once; it counts for all leads of the company."""
    state = app_state.loaded
    code = state.find_lead(lead_id, caller.owner)
    value, author = _value_to_store(body, _find_column(state, body.field)), caller.sign(body.author)
    account = int(state.data.account_of[code])
    if account < 0:
        raise InvalidError("this lead belongs to no company on record; fill the company in the CRM.")

    def work(session: Session) -> dict[str, Any]:
        hold_lock(session, lock_name(state, code))  # so that known_at follows the order of writing
        row = FieldRow(account_id=str(state.data.account_ids[account]), lead_id=lead_id, field=body.field, value=value)
        row.channel, row.author = body.channel, author
        row.known_at = app_state.clock.next_known_at()
        session.add(row)

        channel = app_state.people.register.hide_in_text(body.channel, numbers=True)
        detail = {"field": body.field, "channel": channel}
        record_action(session, caller.name, "field", lead_id, detail)
        session.flush()
        mates = [mate for mate in state.data.leads_of_account(row.account_id) if mate != lead_id]
        listed = [mate for mate in mates if state.worklist.line(mate) is not None][:_MOST_MATES]
        for mate in listed:
            rescore(app_state, session, state, state.data.code(mate), "field", added=False)
        return {"field": row.id} | rescore(app_state, session, state, code, "field")

    filled = run_once(app_state, caller, key, {"lead": lead_id, **body.model_dump()}, work)
    return {name: value for name, value in filled.items() if name != "lines"}  # as an older version kept them


def _find_column(state: LoadedState, name: str) -> Column:
    known = {} if state.data.flat else fillable_columns(state.data.source)
    if name not in known:
        raise InvalidError(f"this field cannot be filled here; those that can: {', '.join(known) or 'none'}.")
    return known[name]


def _value_to_store(body: FieldGiven, column: Column) -> str:
    """The value as a text, checked as ingest checks the column; empty withdraws the last one."""
    value = text_of(body.value)
    if value is None or not value.strip():
        return ""
    value = column.map.get(value, value)
    if column.values and value not in column.values:
        raise InvalidError(f"this field takes {', '.join(column.values)}.")
    if column.type in (ColumnType.NUMBER, ColumnType.BOOLEAN):
        number = number_of(value)
        low, high = column.minimum, column.maximum
        possible = math.isfinite(number) and (low is None or number >= low) and (high is None or number <= high)
        if not possible or (column.type is ColumnType.NUMBER and isinstance(body.value, bool)):
            words = ["a number" if column.type is ColumnType.NUMBER else "yes or no"]
            words += [] if low is None else [f"from {low:g}"]
            words += [] if high is None else [f"to {high:g}"]
            raise InvalidError(f"this field takes {' '.join(words)}.")
    return value
