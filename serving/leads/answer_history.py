"""All answers on record about a lead, the source's own and those given here, each with its author."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import select

from features.schema.source import Question
from models.explaining.framework import Framework
from serving.state.app_state import AppState
from serving.state.gather_rows import gather_rows
from serving.state.lead_data import rows_of
from serving.store.tables import AnswerRow


def list_answers(app_state: AppState, lead_id: str, owner: str | None) -> list[dict[str, Any]]:
    """Answers of a lead, newest first; an empty value withdrew the one before.

    ``id`` and ``corrects`` are of answers given here, ``corrected_by`` is the id of the one that took its place, and
    ``in_force`` marks the last one to each question.
    """
    state = app_state.loaded
    code = state.find_lead(lead_id, owner)
    if state.data.flat:
        return []
    with app_state.store.reading() as session:
        rows = rows_of(gather_rows(session, state.data, [code]).tables["answers"])
        given = session.scalars(select(AnswerRow).where(AnswerRow.lead_id == lead_id)).all()

    by_moment = {(row.question, pd.Timestamp(row.known_at)): row for row in given}
    corrected = {row.corrects: row.id for row in given if row.corrects is not None}
    own = [row for row in rows if str(row["lead_id"]) == lead_id and not pd.isna(row["known_at"])]
    own.sort(key=lambda row: row["known_at"], reverse=True)

    found: list[dict[str, Any]] = []
    told: set[str] = set()
    for row in own:
        question, posted = str(row["question"]), by_moment.get((str(row["question"]), pd.Timestamp(row["known_at"])))
        found.append(
            {
                "id": None if posted is None else posted.id,
                "question": question,
                "value": _text(row["value"]),
                "author": _text(row.get("author")),
                "channel": _text(row.get("channel")),
                "known_at": pd.Timestamp(row["known_at"]).isoformat(),
                "corrects": None if posted is None else posted.corrects,
                "corrected_by": None if posted is None else corrected.get(posted.id),
                "in_force": question not in told,
            }
        )
        told.add(question)
    return found


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def group_answers(
    answers: Sequence[dict[str, Any]], questions: Mapping[str, Question], framework: Framework
) -> dict[str, list[dict[str, Any]]]:
    """Questions answered so far by criterion, each with its answers, newest first, and what it takes; ``answers`` as
    :func:`list_answers` lists them.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in answers:
        if row["question"] in questions:
            rows.setdefault(row["question"], []).append(row)

    found: dict[str, list[dict[str, Any]]] = {}
    for name, given in rows.items():
        question = questions[name]
        one: dict[str, Any] = {
            "question": name,
            "label": question.label or name.replace("_", " "),
            "type": str(question.type),
        }
        one |= {"values": list(question.values), "minimum": question.minimum, "maximum": question.maximum}
        found.setdefault(framework.criterion_of(question.topic), []).append(one | {"rows": given})
    return found
