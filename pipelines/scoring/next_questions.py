"""Questions worth asking: of one lead, and averaged over the open leads as a form's fields."""

from typing import Any

import numpy as np
import pandas as pd

from features.errors import ContractError
from features.matrix import Matrix
from models.bundle import Bundle
from models.explaining.questions import contribution_of, plausible_outcomes, value_questions
from models.logistic import sigmoid
from pipelines.scoring.find_lead import find_bundle, lead_matrix
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix


def form_questions(context: Context) -> list[dict[str, Any]]:
    """Questions by what asking them would bring, averaged over the open leads; most first.

    ``silent`` leads have no answer; ``gain`` is per 1,000 open leads handed off or not at the reference odds, in wins;
    ``spread`` in points and ``crossing`` are means over the silent ones.
    """
    bundle, matrix = find_bundle(context), open_rows(context)
    worth = value_questions(
        bundle.questions,
        matrix.values,
        bundle.contributions(matrix.values),
        bundle.scale.reference_log_odds,
        bundle.scale.points_per_log_odds,
    )

    rows = []
    for table in bundle.questions:
        silent = matrix.values[table.feature].isna().to_numpy()
        found = worth[table.question]
        rows.append(
            {
                "question": table.question,
                "text": context.source.questions[table.question].text,
                "silent": float(silent.mean()),
                "gain": float(found.gain.mean() * 1000),
                "spread": _mean(found.spread[silent]),
                "crossing": _mean(found.crossing[silent]),
                "answered_rows": table.answered,
            }
        )

    return sorted(rows, key=lambda row: (-row["gain"], -row["spread"], row["question"]))


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def open_rows(context: Context) -> Matrix:
    """Matrix of the open leads; ContractError where there is no table of answers."""
    if context.source.kind == "flat":
        raise ContractError(
            f"source '{context.source.name}' has no table of answers, so no question is open. Map qualification "
            "answers to 'answers' in a relational source."
        )
    return load_matrix(context.paths.matrix, "open")


def lead_questions(context: Context, lead_id: str, as_of: str | None = None) -> list[dict[str, Any]]:
    """Unanswered questions of one lead: what each is worth, and the score after every plausible answer."""
    open_rows(context)
    bundle = find_bundle(context)
    return questions_of(context, bundle, lead_matrix(context, bundle.catalog, lead_id, as_of).values)


def questions_of(context: Context, bundle: Bundle, values: pd.DataFrame) -> list[dict[str, Any]]:
    """The same for one row of feature values."""
    parts = bundle.contributions(values)
    log_odds = float(parts.values[0].sum() + parts.base)
    scale = bundle.scale

    worth = value_questions(bundle.questions, values, parts, scale.reference_log_odds, scale.points_per_log_odds)

    rows = []
    for table in bundle.questions:
        if not table.has_effect or not values[table.feature].isna().iloc[0]:
            continue

        found = worth[table.question]
        own = float(contribution_of(parts, table.feature)[0])
        rows.append(
            {
                "question": table.question,
                "text": context.source.questions[table.question].text,
                "gain": float(found.gain[0]),
                "spread": float(found.spread[0]),
                "crossing": float(found.crossing[0]),
                "answers": [
                    {"answer": words, "share": share, "score": _points(bundle, z), "probability": _chance(z)}
                    for words, share, z in plausible_outcomes(table, log_odds, own)
                ],
            }
        )

    return sorted(rows, key=lambda row: (-(row["gain"] + 1e-9 * row["spread"]), row["question"]))


def _points(bundle: Bundle, log_odds: float) -> int:
    exact = 50 + bundle.scale.points_per_log_odds * (log_odds - bundle.scale.reference_log_odds)
    return int(np.rint(np.clip(exact, 0, 100)))


def _chance(log_odds: float) -> float:
    return float(sigmoid(np.array([log_odds]))[0])
