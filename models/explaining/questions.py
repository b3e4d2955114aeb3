"""Which question to ask next: what its answer could tell; the mere fact of having answered is held fixed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from features.assembly.frameless_rows import Values, missing_in
from features.catalog.feature import Catalog, Feature, FeatureType
from features.schema.operations import AnswerValue
from features.schema.people.people_texts import nameable_levels
from models.encoding.linear_encoder import weighted_quantiles
from models.encoding.round_edges import edge_words
from models.interfaces import Contributions
from models.logistic import sigmoid

BANDS = 5  # of standing, at most: similar leads give similar answers (docs/adr/0012)
LEAST_ROWS = 40  # answered rows a band rests on; fewer rows make fewer bands, and below it no table is made
STEPS = 5  # classes of a number: quintiles
MOST_ANSWERS = 20  # classes of words; rarer answers are one class, which bounds the table and what is asked of one lead
OTHER = "another answer"
_ROUNDING = 1e-12  # a gain that rounding alone can make counts as none
_SPREAD_WEIGHT = 1e-9  # of the spread beside the gain: it orders questions of equal gain and nothing else
LEAST_POINTS = 1.0  # scores are whole points: what moves one by less than a point is not worth a question
SHRINK = 20.0  # rows of overall behaviour mixed into every band: half as many as the smallest band has


@dataclass(frozen=True, kw_only=True)
class AnswerTable:
    """Answers that training leads of each standing gave to a question, and what each was worth.

    Parameters
    ----------
    edges : shape (bands - 1,), log-odds without the answer's own part
    values : answers, in words
    share : shape (bands, values), rows sum to 1
    effect : shape (bands, values), log-odds against the mean answer of the band: share-weighted rows sum to 0
    answered : rows behind it
    """

    question: str
    feature: str
    edges: Floats
    values: tuple[str, ...]
    share: Floats
    effect: Floats
    answered: int

    def state(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "question": self.question,
            "feature": self.feature,
            "edges": self.edges.tolist(),
            "values": list(self.values),
            "share": self.share.tolist(),
            "effect": self.effect.tolist(),
            "answered": self.answered,
        }

    @property
    def has_effect(self) -> bool:
        """Whether the model uses the answer."""
        return bool(self.effect.any())

    def bands(self, log_odds: Floats, contributions: Contributions) -> Ints:
        """Band of every row by its log-odds without the answer's own part, shape (n,)."""
        return np.searchsorted(self.edges, log_odds - contribution_of(contributions, self.feature), side="right")

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "AnswerTable":
        """The table of a state."""
        arrays = {name: np.asarray(state[name], dtype=np.float64) for name in ("edges", "share", "effect")}
        return cls(
            question=state["question"],
            feature=state["feature"],
            values=tuple(state["values"]),
            answered=state["answered"],
            **arrays,
        )


@dataclass(frozen=True)
class QuestionValue:
    """Value of asking, each shape (n,); 0 where the question is answered.

    Parameters
    ----------
    gain : expected gain of the decision at the reference odds [probability of a win, per lead]
    spread : standard deviation of the score over plausible answers [points]
    crossing : chance that the answer moves the lead over the reference
    """

    gain: Floats
    spread: Floats
    crossing: Floats

    @property
    def is_felt(self) -> Bools:
        """Whether an answer could change the score that is shown, or the decision, shape (n,)."""
        return (self.spread >= LEAST_POINTS) | (self.crossing > 0)

    @property
    def rank(self) -> Floats:
        """What questions are ordered by: the gain, then the spread."""
        return self.gain + _SPREAD_WEIGHT * self.spread


def contribution_of(contributions: Contributions, feature: str) -> Floats:
    """A feature's contribution, shape (n,); zeros where the model does not know it."""
    if feature not in contributions.names:
        return np.zeros(len(contributions.values))
    return np.asarray(contributions.values[:, contributions.names.index(feature)])


def asked_features(catalog: Catalog) -> list[tuple[Feature, str]]:
    """Features that hold the answer to a question, with the question: what tables are made of."""
    return [(f, f.params.question) for f in catalog if f.family == "answers" and isinstance(f.params, AnswerValue)]


def build_answer_tables(
    catalog: Catalog, values: pd.DataFrame, weight: Floats, contributions: Contributions
) -> tuple[AnswerTable, ...]:
    """Tables of every question enough rows answer, from matured training rows; effects are 0 where none is learned.

    Parameters
    ----------
    contributions : calibrated, of the same rows
    """
    log_odds = contributions.values.sum(axis=1) + contributions.base
    found = []
    for feature, question in asked_features(catalog):
        part, column = contribution_of(contributions, feature.name), values[feature.name]
        known = column.notna().to_numpy()
        if known.sum() < LEAST_ROWS:
            continue

        words, codes = _classify_answers(column[known], feature.type)
        edges, share, effect = _tabulate(codes, len(words), part[known], (log_odds - part)[known], weight[known])
        found.append(
            AnswerTable(
                question=question,
                feature=feature.name,
                edges=edges,
                values=words,
                share=share,
                effect=effect,
                answered=int(known.sum()),
            )
        )
    return tuple(found)


def _classify_answers(column: pd.Series, kind: FeatureType) -> tuple[tuple[str, ...], Ints]:
    """Words of the different answers, and which of them each row gave."""
    if kind is FeatureType.CATEGORY:
        texts = column.astype("str")
        order = texts.value_counts().sort_index().sort_values(ascending=False, kind="stable").index.tolist()
        frequent = nameable_levels(column.name, order)[:MOST_ANSWERS]
        codes, levels = pd.factorize(texts.where(texts.isin(frequent), OTHER), sort=True)
        return tuple(str(level) for level in levels), codes.astype(np.int64)

    numbers = column.to_numpy(dtype=np.float64)
    edges = np.unique(np.quantile(numbers, np.arange(1, STEPS) / STEPS))
    codes = np.searchsorted(edges, numbers, side="right").astype(np.int64)
    used, codes = np.unique(codes, return_inverse=True)
    ends = [float(end(numbers[codes == code])) for code in range(len(used)) for end in (np.min, np.max)]
    cuts = edge_words(ends)
    words = [low if low == high else f"{low} to {high}" for low, high in zip(cuts[::2], cuts[1::2], strict=True)]
    return tuple(words), codes.astype(np.int64)


def lowest_of(words: str) -> float:
    """Lowest number of a class of numbers in words.

    >>> lowest_of("6 to 8"), lowest_of("7"), lowest_of("1,200 to 5,000")
    (6.0, 7.0, 1200.0)
    """
    return float(words.split(" to ", 1)[0].replace(",", ""))


def _tabulate(codes: Ints, width: int, part: Floats, rest: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Edges of the bands, and per band the share and the effect of each of ``width`` answers.

    Parameters
    ----------
    codes : shape (n,), the answer of each row
    part, rest : shape (n,), log-odds by the answer itself and by everything else
    """
    bands = int(np.clip(len(codes) // LEAST_ROWS, 1, BANDS))
    edges = np.unique(weighted_quantiles(rest, weight, np.arange(1, bands) / bands)) if bands > 1 else np.empty(0)
    band = np.searchsorted(edges, rest, side="right")
    cell = band * width + codes
    cells = (len(edges) + 1) * width

    rows = np.bincount(cell, minlength=cells).reshape(-1, width).astype(np.float64)
    worth = np.bincount(cell, weights=part, minlength=cells).reshape(-1, width)
    overall = np.bincount(codes, minlength=width) / len(codes)
    mean = np.bincount(codes, weights=part, minlength=width) / np.maximum(np.bincount(codes, minlength=width), 1)

    share = (rows + SHRINK * overall) / (rows.sum(axis=1, keepdims=True) + SHRINK)
    effect = (worth + SHRINK * overall * mean) / (rows + SHRINK * overall)
    return edges, share, effect - (share * effect).sum(axis=1, keepdims=True)


def value_questions(
    tables: Sequence[AnswerTable],
    values: Values,
    contributions: Contributions,
    reference_log_odds: float,
    points_per_log_odds: float,
) -> dict[str, QuestionValue]:
    """Value of every question for every row.

    The answer's effect is that of similar training leads (same standing without it); a row's value depends on
    nothing but the row and the bundle.
    """
    log_odds = contributions.values.sum(axis=1) + contributions.base
    found = {}
    for table in tables:
        open_row = missing_in(values, table.feature)
        if not open_row.any():
            found[table.question] = QuestionValue(*(np.zeros(len(open_row)) for _ in range(3)))
            continue
        band = table.bands(log_odds, contributions)
        effect = table.effect[band] * open_row[:, None]
        found[table.question] = _value_question(
            table.share[band], effect, log_odds, reference_log_odds, points_per_log_odds
        )
    return found


def _value_question(share: Floats, effect: Floats, log_odds: Floats, reference: float, unit: float) -> QuestionValue:
    """Value of one question from the share and effect of its answers, each shape (n, answers)."""
    after = log_odds[:, None] + effect
    border = float(sigmoid(np.array([reference]))[0])
    chance = sigmoid(after)
    mean = (share * chance).sum(axis=1)
    gain = (share * np.maximum(chance - border, 0.0)).sum(axis=1) - np.maximum(mean - border, 0.0)
    crossed = (after >= reference) != (log_odds >= reference)[:, None]
    spread = np.sqrt((share * effect**2).sum(axis=1)) * unit
    return QuestionValue(np.where(gain > _ROUNDING, gain, 0.0), spread, (share * crossed).sum(axis=1))


def plausible_outcomes(table: AnswerTable, log_odds: float, own: float) -> list[tuple[str, float, float]]:
    """Plausible answers of one lead: words, share, log-odds after each; likeliest first."""
    band = int(np.searchsorted(table.edges, log_odds - own, side="right"))
    rows = zip(table.values, table.share[band].tolist(), (log_odds + table.effect[band]).tolist(), strict=True)
    return sorted(rows, key=lambda row: (-row[1], row[0]))
