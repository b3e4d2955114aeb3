"""One piece short: leads that a single answer, or one field looked up, could qualify; what to ask or to look up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from features.catalog.feature import Catalog
from features.schema.source import Question
from features.schema.vocabulary import EvidenceStatus, LeadList, Topic
from models.explaining.evidence import Evidence
from models.explaining.points import HIGHEST, LOWEST
from models.explaining.qualification import RANK, PolicyInputs, rank_by_rules
from models.explaining.questions import AnswerTable, lowest_of
from models.field_effects import find_missing_fields
from models.scored_leads import Scored

COLUMNS = (
    "lead_id",
    "score",
    "state",
    "next_state",
    "criterion",
    "question",
    "text",
    "answers",
    "chance",
    "score_then",
    "kind",
)
QUESTION, FIELD = "question", "field"
LOOK_UP = "Look up: {field}"
BY_POINTS = (
    "the rubric's points score alone, and its thresholds decide the states: what an answer would change there is told "
    "by the rubric's rules, not by this list."
)
_NAMES = {rank: name for name, rank in RANK.items()}


@dataclass(frozen=True, kw_only=True)
class _QuestionEffect:
    """What one question, or one field looked up, could do for some rows.

    Parameters
    ----------
    kind : whether it is asked or looked up
    text, topic : the question, or what to look up; and what it speaks of
    words : shape (answers,), possible answers
    rows : shape (k,), positions of the leads it is open for
    rank : shape (k,), of the best state an answer leads to
    leads : shape (k, answers), whether an answer leads there
    chance : shape (k,), of such an answer, NaN if nothing is known of how leads answer
    score : shape (k,), after the likeliest such answer
    """

    name: str
    kind: str
    text: str
    topic: Topic
    words: tuple[str, ...]
    rows: Ints
    rank: Ints
    leads: Bools
    chance: Floats
    score: Ints

    def merit(self, k: int) -> tuple[int, float]:
        """What the better of two questions for the same lead has more of."""
        return int(self.rank[k]), float(np.nan_to_num(self.chance[k]))


def shortlist(scored: Scored) -> pd.DataFrame:
    """Rows that a single answer or field would put into a better state, :data:`COLUMNS`; nearest to a deal first.

    Every open question (never answered, or its answer has expired) is tried with every answer that leads of the same
    standing gave: the criterion becomes met or not met, the score moves by what the answer is worth among them, and
    the policy's rules are asked again. A field of the company that is missing is tried with the values it plausibly
    has. ``chance`` is the share of similar leads whose answer would do, NaN where too few have answered. Leads the
    policy lets go are left out, and those that sales has: they are past the handoff. Nobody is listed where points
    score alone, as no rule of the policy decides a state there. A row is the same whether scored alone or in a batch.
    """
    if scored.source is None or scored.bundle.by_points:
        return pd.DataFrame(columns=list(COLUMNS))

    now = rank_by_rules(scored.inputs, scored.policy)
    best: dict[int, tuple[_QuestionEffect, int]] = {}
    tried = [_try_answers(scored, name, question, now) for name, question in scored.source.questions.items()]
    for asked in [*tried, *_try_fields(scored, now)]:
        for k in np.flatnonzero(asked.rank > now[asked.rows]).tolist():
            row = int(asked.rows[k])
            if scored.steps is not None and scored.steps.lead_list[row] == LeadList.TO_WORK:
                continue
            if row not in best or asked.merit(k) > best[row][0].merit(best[row][1]):
                best[row] = asked, k

    records = [_record(scored, row, asked, k) for row, (asked, k) in best.items()]
    order = {row: (*(-part for part in asked.merit(k)), -scored.log_odds[row]) for row, (asked, k) in best.items()}
    ranked = sorted(zip(order.values(), records, strict=True), key=lambda item: (*item[0], item[1][0]))
    return pd.DataFrame([record for _, record in ranked], columns=list(COLUMNS))


def _record(scored: Scored, row: int, asked: _QuestionEffect, k: int) -> tuple[Any, ...]:
    return (
        str(scored.columns["lead_id"][row]),
        int(scored.columns["score"][row]),
        str(scored.columns["state"][row]),
        _NAMES[int(asked.rank[k])],
        scored.framework.criterion_of(asked.topic),
        asked.name,
        asked.text,
        tuple(word for word, does in zip(asked.words, asked.leads[k], strict=True) if does),
        float(asked.chance[k]),
        int(asked.score[k]),
        asked.kind,
    )


def _try_answers(scored: Scored, name: str, question: Question, now: Ints) -> _QuestionEffect:
    """Every answer to a question, tried on the rows it is open for and which could still rise."""
    table = next((table for table in scored.bundle.questions if table.question == name), None)
    words = table.values if table is not None else _deciding_answer(question)
    silent, expired = _open_rows(scored, name, question)
    highest = max(RANK[str(rule.state)] for rule in scored.policy.rules)
    wanted = (silent | expired) & (now < highest) & (scored.qualification.next_action != "disqualify")
    rows = np.flatnonzero(wanted) if words else np.empty(0, dtype=np.int64)

    shape = len(rows), max(len(words), 1)
    share, effect = _plausible(scored, table, rows, shape, silent)
    rank, score = np.zeros((2, *shape), dtype=np.int64)
    for k, then in enumerate(_inputs_after_answers(scored, question, table, rows, words, effect) if len(rows) else ()):
        rank[:, k], score[:, k] = rank_by_rules(then, scored.policy), then.score

    chance = np.full(shape, np.nan) if table is None else share
    asked = (name, QUESTION, scored.language.text(question.text), question.topic)
    return _effect_of(asked, words, rows, rank, score, chance)


def _try_fields(scored: Scored, now: Ints) -> Iterator[_QuestionEffect]:
    """Every plausible value of a missing field, tried on the rows that lack it and could still rise."""
    highest = max(RANK[str(rule.state)] for rule in scored.policy.rules)
    wanted = (now < highest) & (scored.qualification.next_action != "disqualify")
    unit = scored.bundle.scale.points_per_log_odds
    for field in find_missing_fields(scored.bundle, scored.rows, scored.source):
        open_rows = wanted[field.rows]
        rows, log_odds = field.rows[open_rows], field.log_odds[open_rows]
        moved = (log_odds - scored.log_odds[rows, None]) * unit
        rank, score = np.zeros((2, *moved.shape), dtype=np.int64)
        statuses = {topic: _take_rows(found, rows) for topic, found in scored.inputs.statuses.items()}
        points = {dimension: found[rows] for dimension, found in scored.inputs.points.items()}
        home = field.feature.dimension
        for k in range(moved.shape[1]):
            exact = np.clip(scored.bars.exact[rows] + moved[:, k], LOWEST, HIGHEST)
            there = {**points, home: points.get(home, np.zeros(len(rows))) + moved[:, k]}
            then = PolicyInputs(score=np.rint(exact).astype(np.int64), points=there, statuses=statuses)
            rank[:, k], score[:, k] = rank_by_rules(then, scored.policy), then.score
        text = scored.language.text(LOOK_UP, field=field.label)
        told = (field.name, FIELD, text, field.feature.topic)
        yield _effect_of(told, field.values, rows, rank, score, np.tile(field.share, (len(rows), 1)))


def _effect_of(
    asked: tuple[str, str, str, Topic], words: tuple[str, ...], rows: Ints, rank: Ints, score: Ints, share: Floats
) -> _QuestionEffect:
    """The effect of a question or field (name, kind, text, topic): the best state any of ``words`` leads to.

    Parameters
    ----------
    rank, score, share : shape (rows, words); share NaN where nothing is known of how leads answer
    """
    top = rank.max(axis=1) if rank.size else np.zeros(len(rows), dtype=np.int64)
    leads = rank == top[:, None]
    known = ~np.isnan(share).any()
    likeliest = np.argmax(np.where(leads, share if known else 1.0, -1.0), axis=1)
    chance = np.where(leads, share, 0.0).sum(axis=1) if known else np.full(len(rows), np.nan)
    name, kind, text, topic = asked
    return _QuestionEffect(
        name=name,
        kind=kind,
        text=text,
        topic=topic,
        words=words,
        rows=rows,
        rank=top,
        leads=leads,
        chance=chance,
        score=score[np.arange(len(rows)), likeliest],
    )


def _open_rows(scored: Scored, name: str, question: Question) -> tuple[Bools, Bools]:
    """Rows that never answered, and rows whose answer has expired."""
    column = _age_column(scored.bundle.catalog, name)
    if column is None:
        nobody = np.zeros(len(scored.values), dtype=np.bool_)
        return nobody, nobody
    age = scored.values[column].to_numpy(dtype=np.float64)
    return np.isnan(age), age > (question.valid_for_days or np.inf)


def _age_column(catalog: Catalog, name: str) -> str | None:
    """The column with the age of a question's answer, None where the catalog has none."""
    wanted = f"evidence_{name}_age"
    return wanted if wanted in catalog.names else None


def _deciding_answer(question: Question) -> tuple[str, ...]:
    """The answer that meets the criterion, where nothing is known of how leads answer."""
    if question.met:
        return (" or ".join(question.met),)
    return () if question.met_minimum is None else (f"{question.met_minimum:g} or more",)


def _plausible(
    scored: Scored, table: AnswerTable | None, rows: Ints, shape: tuple[int, int], silent: Bools
) -> tuple[Floats, Floats]:
    """Share and effect (log-odds) of every answer, each of ``shape``; where one has expired, no score moves."""
    if table is None or not len(rows):
        return np.ones(shape), np.zeros(shape)
    band = table.bands(scored.log_odds, scored.contributions)[rows]
    return table.share[band], table.effect[band] * silent[rows, None]


def _inputs_after_answers(
    scored: Scored, question: Question, table: AnswerTable | None, rows: Ints, words: Sequence[str], effect: Floats
) -> Iterator[PolicyInputs]:
    """What the policy would look at after each answer."""
    inputs, unit = scored.inputs, scored.bundle.scale.points_per_log_odds
    statuses = {topic: _take_rows(found, rows) for topic, found in inputs.statuses.items()}
    points = {dimension: found[rows] for dimension, found in inputs.points.items()}
    exact = scored.bars.exact[rows]
    home = question.dimension if table is None else scored.bundle.catalog[table.feature].dimension
    judged = bool(question.met) or question.met_minimum is not None

    for k, word in enumerate(words):
        moved = effect[:, k] * unit
        score = np.rint(np.clip(exact + moved, LOWEST, HIGHEST)).astype(np.int64)
        after = dict(statuses)
        if judged and str(question.topic) in after:
            status = EvidenceStatus.MET if table is None or meets(question, word) else EvidenceStatus.NOT_MET
            old = after[str(question.topic)]
            after[str(question.topic)] = replace(old, status=np.full(len(rows), str(status), dtype=object))
        there = {**points, home: points.get(home, np.zeros(len(rows))) + moved}
        yield PolicyInputs(score=score, points=there, statuses=after)


def _take_rows(found: Evidence, rows: Ints) -> Evidence:
    """The evidence of some rows."""
    return Evidence(found.status[rows], found.source_of[rows], found.age_days[rows], found.provenance[rows])


def meets(question: Question, answer: str) -> bool:
    """Whether an answer, in the words of an :class:`AnswerTable`, meets the criterion; a range must do so whole."""
    if question.met:
        return answer in question.met
    return question.met_minimum is not None and lowest_of(answer) >= question.met_minimum
