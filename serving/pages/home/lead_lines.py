"""Leads of a short list in words, as the worklist says them."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.explaining.language import Language
from serving.leads.feedback import find_overrides, pin, pins_of
from serving.pages.worklist.worklist_addresses import WorklistAddress
from serving.pages.worklist.worklist_record import describe_rows
from serving.state.app_state import AppState


def describe_leads(app_state: AppState, rows: Sequence[Mapping[str, Any]], language: Language) -> list[dict[str, Any]]:
    """Rows of the worklist with next step, best reason and where they stand, as sales pinned them; each keeps what the
    row knew.
    """
    overrides = find_overrides(app_state.store, [str(row["lead_id"]) for row in rows])
    pins = pins_of(overrides, app_state.loaded.model)
    filled = [
        pin(
            {"rank": rank, "expected_value": None, "feedback": None, "snooze_ended": None, **row},
            overrides.get(str(row["lead_id"])),
            pins,
        )
        for rank, row in enumerate(rows, 1)
    ]
    described = describe_rows(app_state, filled, WorklistAddress({}), app_state.framework(None), language)
    return [{**row, **said} for row, said in zip(rows, described, strict=True)]
