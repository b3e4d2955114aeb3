"""Evidence status per criterion, from declared rules alone; never from a model's sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.array_types import Bools, Floats
from features.assembly.frameless_rows import Values, number_block
from features.catalog.feature import Catalog, Feature
from features.schema.source import Question, Source
from features.schema.vocabulary import EvidenceStatus, Provenance, Topic
from models.explaining.framework import Framework, question_bank
from models.explaining.questions import QuestionValue

_UNKNOWN, _INDICATED = str(EvidenceStatus.UNKNOWN), str(EvidenceStatus.INDICATED)
_MET, _NOT_MET = str(EvidenceStatus.MET), str(EvidenceStatus.NOT_MET)


@dataclass(frozen=True)
class Evidence:
    """Statuses of one criterion over rows.

    Parameters
    ----------
    status : shape (n,), texts of :class:`EvidenceStatus`
    source_of : shape (n,), what the status rests on in words, empty if unknown
    age_days : shape (n,), age of the answer that decides, NaN otherwise
    provenance : shape (n,), texts of :class:`Provenance`, empty if unknown; what only an act indicates is inferred
    """

    status: npt.NDArray[Any]
    source_of: npt.NDArray[Any]
    age_days: Floats
    provenance: npt.NDArray[Any]


def assess_evidence(
    values: Values, catalog: Catalog, framework: Framework, source: Source | None
) -> dict[str, Evidence]:
    """Evidence per criterion.

    The youngest valid answer that has a rule decides between met and not met; without one, a declared activity in
    its window makes the criterion indicated; otherwise it is unknown. Answers older than ``valid_for_days`` do not
    count.
    """
    return assess_clues(read_clues(values, catalog, source), framework)


@dataclass(frozen=True)
class Act:
    """A declared activity and the rows it was seen in, shape (n,)."""

    feature: Feature
    seen: Bools


@dataclass(frozen=True)
class Reply:
    """A question with a rule, and the rows with a valid answer: whether it meets the rule, and its age, shape (n,)."""

    name: str
    question: Question
    met: Bools
    age_days: Floats
    valid: Bools


@dataclass(frozen=True)
class Clues:
    """What all statuses rest on; acts and replies that no row shows are left out."""

    rows: int
    acts: tuple[Act, ...]
    replies: tuple[Reply, ...]


def read_clues(values: Values, catalog: Catalog, source: Source | None) -> Clues:
    """The clues of rows, read once for all frameworks."""
    features = catalog.of_family("evidence")
    names = [feature.name for feature in features]
    columns = dict(zip(names, number_block(values, names).T, strict=True))
    acts = [Act(feature, columns[feature.name] > 0) for feature in features if feature.unit == "count"]
    replies = []
    for name, question in (source.questions if source is not None else {}).items():
        met, age = columns.get(f"evidence_{name}_met"), columns.get(f"evidence_{name}_age")
        if met is not None and age is not None:
            valid = ~np.isnan(age) & (age <= (question.valid_for_days or np.inf))
            replies.append(Reply(name, question, met > 0, age, valid))
    shown = tuple(act for act in acts if act.seen.any())
    return Clues(len(values), shown, tuple(reply for reply in replies if reply.valid.any()))


def assess_clues(clues: Clues, framework: Framework) -> dict[str, Evidence]:
    """:func:`assess_evidence` from clues that were read already."""
    rows = clues.rows
    acts: dict[str, list[Act]] = {name: [] for name in framework.ids}
    for act in clues.acts:
        if (home := framework.criterion_of(act.feature.topic)) in acts:
            acts[home].append(act)
    replies: dict[str, list[Reply]] = {name: [] for name in framework.ids}
    for reply in clues.replies:
        if (home := framework.criterion_of(reply.question.topic)) in replies:
            replies[home].append(reply)

    nothing = repeat_text(rows, "")
    unknown = Evidence(repeat_text(rows, _UNKNOWN), nothing, np.full(rows, np.nan), nothing)
    return {
        name: _assess_criterion(rows, acts[name], replies[name]) if acts[name] or replies[name] else unknown
        for name in framework.ids
    }


def repeat_text(rows: int, text: str) -> npt.NDArray[Any]:
    """One text for every row; for a single row this takes a third of the time of np.full."""
    return np.array([text] * rows, dtype=object)


def _assess_criterion(rows: int, acts: Sequence[Act], replies: Sequence[Reply]) -> Evidence:
    """Evidence of one criterion: acts indicate, the youngest valid reply decides."""
    status, words, provenance = repeat_text(rows, _UNKNOWN), repeat_text(rows, ""), repeat_text(rows, "")
    age = np.full(rows, np.nan)

    unknown = np.ones(rows, dtype=np.bool_)
    for act in acts:
        hit = act.seen & unknown
        unknown &= ~hit
        status[hit] = _INDICATED
        words[hit] = act.feature.label
        provenance[hit] = str(Provenance.INFERRED)

    youngest = np.full(rows, np.inf)
    for reply in replies:
        question, valid = reply.question, reply.valid & (reply.age_days < youngest)
        youngest[valid] = reply.age_days[valid]
        status[valid] = np.where(reply.met[valid], _MET, _NOT_MET)
        words[valid] = f"{question.provenance}: {question.label or reply.name.replace('_', ' ')}"
        provenance[valid] = str(question.provenance)
        age[valid] = reply.age_days[valid]
    return Evidence(status, words, age, provenance)


def next_questions(
    statuses: dict[str, Evidence],
    framework: Framework,
    source: Source | None,
    worth: Mapping[str, QuestionValue] | None = None,
    raising: Mapping[Topic, Bools] | None = None,
    to_ask: Bools | None = None,
) -> npt.NDArray[Any]:
    """Per row the question worth most among criteria that are unknown, then among those only indicated; else empty.

    Questions nothing is known about (and equal ones) follow the framework's order. A question is not asked next where
    every answer would leave score, decision and state as they are, unless the policy says to ask. A lead is asked the
    same whether it is scored alone or in a batch.

    Parameters
    ----------
    raising : by topic the rows whose state would be better if it were met; None: not known, every question counts
    to_ask : rows whose next action is to ask
    """
    rows = len(next(iter(statuses.values())).status) if statuses else 0
    found = repeat_text(rows, "")
    for wanted in (_UNKNOWN, _INDICATED):
        best = np.full(rows, -1.0)
        open_rows = found == ""
        if not open_rows.any():
            break
        for criterion in framework.ids:
            right = open_rows & (statuses[criterion].status == wanted)
            if not right.any():
                continue
            texts, value, idle = _question_and_value(criterion, framework, source, worth or {}, rows)
            if raising is None:
                idle[:] = False
            for topic in framework.criteria[criterion].topics:
                idle &= ~(raising or {}).get(topic, np.zeros(rows, dtype=np.bool_))
            better = right & (value > best) & (texts != "") & ~idle
            found[better], best[better] = texts[better], value[better]
    if to_ask is not None and (still := to_ask & (found == "")).any():
        found[still] = next_questions(statuses, framework, source, worth)[still]
    return found


def _question_and_value(
    criterion: str, framework: Framework, source: Source | None, worth: Mapping[str, QuestionValue], rows: int
) -> tuple[npt.NDArray[Any], Floats, Bools]:
    """The question to ask about a criterion, its value, and whether no answer to it is felt; each shape (n,)."""
    texts = repeat_text(rows, question_for(criterion, framework, source))
    value = np.zeros(rows)
    felt = np.zeros(rows, dtype=np.bool_)
    known = False
    for name, question in (source.questions if source is not None else {}).items():
        if name in worth and question.topic in framework.criteria[criterion].topics:
            better = worth[name].rank > value
            texts[better], value[better] = question.text, worth[name].rank[better]
            felt |= worth[name].is_felt
            known = True
    return texts, value, ~felt if known else np.zeros(rows, dtype=np.bool_)


def question_for(criterion: str, framework: Framework, source: Source | None) -> str:
    """The source's own question on a criterion, or the bank's."""
    topics = framework.criteria[criterion].topics
    for question in (source.questions if source is not None else {}).values():
        if question.topic in topics:
            return question.text
    bank = question_bank()
    return next((bank[topic][0].text for topic in topics if topic in bank), "")
