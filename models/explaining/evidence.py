"""Evidence status per criterion, from declared rules alone; never from a model's sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.catalog import Catalog, Feature
from features.definition import Question, Source
from features.plain_rows import Values, number_block
from features.vocabulary import EvidenceStatus, Provenance
from models.explaining.framework import Framework, question_bank
from models.explaining.questions import Worth
from models.scorer import Floats

Bools = npt.NDArray[np.bool_]


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


def evidence(values: Values, catalog: Catalog, framework: Framework, source: Source | None) -> dict[str, Evidence]:
    """Evidence per criterion.

    The youngest valid answer that has a rule decides between met and not met; without one, a declared activity in
    its window makes the criterion indicated; otherwise it is unknown. Answers older than ``valid_for_days`` do not
    count.
    """
    return evidence_of(evidence_columns(values, catalog), len(values), catalog, framework, source)


def evidence_columns(values: Values, catalog: Catalog) -> dict[str, Floats]:
    """The inputs of all statuses, read once for any number of frameworks."""
    names = [feature.name for feature in catalog.of_family("evidence")]
    return dict(zip(names, number_block(values, names).T, strict=True))


def evidence_of(
    columns: Mapping[str, Floats], rows: int, catalog: Catalog, framework: Framework, source: Source | None
) -> dict[str, Evidence]:
    """:func:`evidence` from columns that were read already."""
    acts: dict[str, list[Feature]] = {name: [] for name in framework.ids}
    for feature in catalog.of_family("evidence"):
        if feature.unit == "count" and (home := framework.criterion_of(feature.topic)) in acts:
            acts[home].append(feature)
    asked: dict[str, list[tuple[str, Question]]] = {name: [] for name in framework.ids}
    for name, question in (source.questions if source is not None else {}).items():
        known = f"evidence_{name}_met" in columns and f"evidence_{name}_age" in columns
        if known and (home := framework.criterion_of(question.topic)) in asked:
            asked[home].append((name, question))
    nothing = np.full(rows, "", dtype=object)
    unknown = Evidence(
        np.full(rows, str(EvidenceStatus.UNKNOWN), dtype=object), nothing, np.full(rows, np.nan), nothing
    )
    return {
        name: _criterion(rows, acts[name], asked[name], columns) if acts[name] or asked[name] else unknown
        for name in framework.ids
    }


def _criterion(
    rows: int, acts: Sequence[Feature], asked: Sequence[tuple[str, Question]], columns: Mapping[str, Floats]
) -> Evidence:
    status = np.full(rows, str(EvidenceStatus.UNKNOWN), dtype=object)
    words = np.full(rows, "", dtype=object)
    age = np.full(rows, np.nan)
    provenance = np.full(rows, "", dtype=object)
    unknown = np.full(rows, True, dtype=np.bool_)
    for feature in acts:
        hit = (columns[feature.name] > 0) & unknown
        unknown &= ~hit
        status[hit] = str(EvidenceStatus.INDICATED)
        words[hit] = feature.label
        provenance[hit] = str(Provenance.INFERRED)
    youngest = np.full(rows, np.inf)
    for name, question in asked:
        met, old = columns[f"evidence_{name}_met"], columns[f"evidence_{name}_age"]
        valid = ~np.isnan(old) & (old <= (question.valid_for_days or np.inf)) & (old < youngest)
        youngest[valid] = old[valid]
        status[valid] = np.where(met[valid] > 0, str(EvidenceStatus.MET), str(EvidenceStatus.NOT_MET))
        words[valid] = f"{question.provenance}: {question.label or name.replace('_', ' ')}"
        provenance[valid] = str(question.provenance)
        age[valid] = old[valid]
    return Evidence(status, words, age, provenance)


def next_questions(
    statuses: dict[str, Evidence],
    framework: Framework,
    source: Source | None,
    worth: Mapping[str, Worth] | None = None,
) -> npt.NDArray[Any]:
    """Per row the question worth most among criteria that are unknown, then among those only indicated; else empty.

    Questions nothing is known about (and equal ones) follow the framework's order. A lead is asked the same whether
    it is scored alone or in a batch.
    """
    rows = len(next(iter(statuses.values())).status) if statuses else 0
    found = np.full(rows, "", dtype=object)
    asked = {criterion: _asked(criterion, framework, source, worth or {}, rows) for criterion in framework.ids}
    for wanted in (EvidenceStatus.UNKNOWN, EvidenceStatus.INDICATED):
        best = np.full(rows, -1.0)
        open_rows = found == ""
        for criterion, (texts, value) in asked.items():
            better = open_rows & (statuses[criterion].status == wanted) & (value > best) & (texts != "")
            found[better], best[better] = texts[better], value[better]
    return found


def _asked(
    criterion: str, framework: Framework, source: Source | None, worth: Mapping[str, Worth], rows: int
) -> tuple[npt.NDArray[Any], Floats]:
    """The question to ask about a criterion, and what it is worth, each shape (n,)."""
    texts = np.full(rows, question_for(criterion, framework, source), dtype=object)
    value = np.zeros(rows)
    for name, question in (source.questions if source is not None else {}).items():
        if name in worth and question.topic in framework.criteria[criterion].topics:
            better = worth[name].rank > value
            texts[better], value[better] = question.text, worth[name].rank[better]
    return texts, value


def question_for(criterion: str, framework: Framework, source: Source | None) -> str:
    """The source's own question on a criterion, or the bank's."""
    topics = framework.criteria[criterion].topics
    for question in (source.questions if source is not None else {}).values():
        if question.topic in topics:
            return question.text
    bank = question_bank()
    return next((bank[topic][0].text for topic in topics if topic in bank), "")
