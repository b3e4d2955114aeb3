"""Leads of a short list in words, as the worklist says them."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.explaining.language import Language
from serving.pages.worklist.worklist_addresses import WorklistAddress
from serving.pages.worklist.worklist_record import describe_rows
from serving.state.app_state import AppState


def describe_leads(app_state: AppState, rows: Sequence[Mapping[str, Any]], language: Language) -> list[dict[str, Any]]:
    """Rows of the worklist with next step, best reason and where they stand; each keeps what the row knew."""
    filled = [
        {"rank": rank, "expected_value": None, "feedback": None, "pinned": None, **row}
        for rank, row in enumerate(rows, 1)
    ]
    described = describe_rows(app_state, filled, WorklistAddress({}), app_state.framework(None), language)
    return [{**row, **said} for row, said in zip(rows, described, strict=True)]
