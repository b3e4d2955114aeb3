"""Questions worth asking: of one lead, and averaged over the open leads as a form's fields."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.errors import ContractError
from features.matrix import Matrix
from models.bundle import Bundle
from models.explaining.points import score_of_log_odds
from models.explaining.questions import contribution_of, plausible_outcomes, value_questions
from models.logistic import sigmoid
from pipelines.registry.matrix_for_bundle import matrix_for
from pipelines.scoring.find_lead import find_bundle, lead_matrix
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_open
from pipelines.workspace.people.objecting import without_objecting


@dataclass(frozen=True, kw_only=True)
class FormQuestion:
    """What asking a question would bring, averaged over the open leads.

    Parameters
    ----------
    silent : share of the open leads that have no answer
    gain : wins per 1,000 open leads, handed off or not at the reference odds
    spread, crossing : means over the silent leads: standard deviation of the score [points], chance to cross 50
    answered_rows : rows that taught what answers are worth
    """

    question: str
    text: str
    silent: float
    gain: float
    spread: float
    crossing: float
    answered_rows: int


@dataclass(frozen=True)
class PlausibleAnswer:
    """An answer a lead may give: how likely it is, and the score and probability after it."""

    answer: str
    share: float
    score: int
    probability: float


@dataclass(frozen=True, kw_only=True)
class LeadQuestion:
    """An unanswered question of one lead; ``gain``, ``spread`` and ``crossing`` as in :class:`FormQuestion`."""

    question: str
    text: str
    gain: float
    spread: float
    crossing: float
    answers: tuple[PlausibleAnswer, ...]


def form_questions(context: Context) -> list[FormQuestion]:
    """Questions by what asking them would bring, most useful first."""
    bundle = _bundle_that_asks(context)
    matrix = load_open_leads(context, bundle)
    if not len(matrix):
        raise ContractError(f"no lead of source '{context.source.name}' is open, so nothing tells what to ask.")
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
            FormQuestion(
                question=table.question,
                text=context.source.questions[table.question].text,
                silent=float(silent.mean()),
                gain=float(found.gain.mean() * 1000),
                spread=_mean(found.spread[silent]),
                crossing=_mean(found.crossing[silent]),
                answered_rows=table.answered,
            )
        )

    return sorted(rows, key=lambda row: (-row.gain, -row.spread, row.question))


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def _bundle_that_asks(context: Context) -> Bundle:
    """The bundle in use; ContractError where points score: what an answer is worth, only a model has learned."""
    bundle = find_bundle(context)
    if bundle.by_points:
        raise ContractError(
            "points score alone here: the rules of the rubric say what an answer is worth, and no model has learned "
            "it. 'leadscore rubric show' lists them."
        )
    return bundle


def load_open_leads(context: Context, bundle: Bundle) -> Matrix:
    """Matrix of the open leads as the bundle reads it, without people who object to profiling; ContractError where
    there is no table of answers.
    """
    require_answers(context)
    return matrix_for(context, bundle, without_objecting(context, load_open(context.paths.matrix)))


def require_answers(context: Context) -> None:
    """ContractError where there is no table of answers."""
    if context.source.kind == "flat":
        raise ContractError(
            f"source '{context.source.name}' has no table of answers, so no question is open. Map qualification "
            "answers to 'answers' in a relational source."
        )


def lead_questions(context: Context, lead_id: str, as_of: str | None = None) -> list[LeadQuestion]:
    """Unanswered questions of one lead: what each is worth, and the score after every plausible answer."""
    require_answers(context)
    bundle = _bundle_that_asks(context)
    return questions_of(context, bundle, lead_matrix(context, bundle.catalog, lead_id, as_of).values)


def questions_of(context: Context, bundle: Bundle, values: pd.DataFrame) -> list[LeadQuestion]:
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
            LeadQuestion(
                question=table.question,
                text=context.source.questions[table.question].text,
                gain=float(found.gain[0]),
                spread=float(found.spread[0]),
                crossing=float(found.crossing[0]),
                answers=tuple(
                    PlausibleAnswer(words, share, int(score_of_log_odds(np.array([z]), scale)[0]), _chance(bundle, z))
                    for words, share, z in plausible_outcomes(table, log_odds, own)
                ),
            )
        )

    return sorted(rows, key=lambda row: (-(row.gain + 1e-9 * row.spread), row.question))


def _chance(bundle: Bundle, log_odds: float) -> float:
    probability = sigmoid(np.array([log_odds]))
    return float(bundle.limits.apply(probability, probability, probability)[0][0])
