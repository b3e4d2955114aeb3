"""The only path from a matrix to scored leads: batch, file and single request alike."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from features.array_types import Floats
from features.assembly.crm_facts import CrmFacts
from features.assembly.frameless_rows import FEW, PlainRows, Values
from features.catalog.feature import Catalog
from features.errors import BundleError
from features.matrix import Matrix
from features.schema.source import Label, Source
from features.schema.vocabulary import Dimension
from models.bundle import Bundle
from models.explaining.evidence import assess_clues, next_questions, read_clues, repeat_text
from models.explaining.framework import Framework
from models.explaining.language import ENGLISH, Language
from models.explaining.manual.manual_score import ManualRows
from models.explaining.manual.state_by_points import qualify_by_points
from models.explaining.missing_fields import name_missing_field
from models.explaining.points import compute_bars, sum_by_group
from models.explaining.qualification import TOPICS, PolicyInputs, qualify, rows_raised_by
from models.explaining.qualification_policy import QualificationPolicy, default_qualification
from models.explaining.questions import value_questions
from models.explaining.reasons import TOP, top_reasons
from models.field_effects import field_features
from models.interfaces import Contributions
from models.scored_leads import Scored
from models.standing.next_steps import place_leads
from models.standing.of_scored import standing_columns

LETTERS = ("A", "B", "C", "D")
_GRADE_STEP = 0.5  # doublings of the odds between grades: B and C share the middle doubling, A and D lie beyond it
_NAME_LISTS = 64  # lists of dimensions whose sides are kept: one a set of components, so a few are in use
_ENGAGEMENT = tuple(str(dimension) for dimension in (Dimension.INTEREST, Dimension.INTENT, Dimension.USAGE))


@dataclass(frozen=True)
class Beside:
    """What is known of the rows beside their features, aligned with them.

    Parameters
    ----------
    facts : what people did with the leads: with them next actions follow the CRM stage; without, leads count as not yet
        handed over
    manual : the rubric in force with what its rules read, where it is another than the bundle was trained beside
    """

    facts: CrmFacts | None = None
    manual: ManualRows | None = None


NOTHING_BESIDE = Beside()


def score(
    bundle: Bundle,
    matrix: Matrix,
    framework: Framework,
    *,
    source: Source | None = None,
    policy: QualificationPolicy | None = None,
    language: Language = ENGLISH,
    beside: Beside = NOTHING_BESIDE,
) -> Scored:
    """Score and explain every row of a matrix; states follow the qualification policy (default: the shipped one).

    Sentences and questions are in ``language``; ids (states, statuses, actions) never change with it. ``beside`` holds
    what is known beside the features.

    Raises
    ------
    BundleError : the matrix was built from another catalog than the bundle's
    """
    rows = Rows(
        matrix.catalog,
        PlainRows.of(matrix.values, matrix.catalog) if len(matrix) <= FEW else matrix.values,
        matrix.keys["lead_id"].to_numpy(dtype=object),
        matrix.keys["as_of"].to_numpy(),
        matrix.keys["segment"].to_numpy(dtype=object),
    )
    return score_rows(bundle, rows, framework, source=source, policy=policy, language=language, beside=beside)


@dataclass(frozen=True)
class Rows:
    """What scoring reads of a matrix: feature values under a catalog, whose they are, of when, and of which segment."""

    catalog: Catalog
    values: Values
    lead_id: npt.NDArray[Any]
    as_of: npt.NDArray[Any]
    segment: npt.NDArray[Any] | None = None


def score_rows(
    bundle: Bundle,
    rows: Rows,
    framework: Framework,
    *,
    source: Source | None = None,
    policy: QualificationPolicy | None = None,
    language: Language = ENGLISH,
    beside: Beside = NOTHING_BESIDE,
) -> Scored:
    """:func:`score` of rows that never were a matrix, as those of one request."""
    if rows.catalog.hash != bundle.catalog.hash:
        raise BundleError(
            f"the matrix follows catalog {rows.catalog.hash[:12]}, the bundle {bundle.catalog.hash[:12]}: the source "
            "declaration changed since training. Train again, or score with the declaration used in training."
        )

    values = rows.values
    raw, contributions = bundle.explain(values)
    log_odds = bundle.calibration.apply(raw)
    probability, low, high = bundle.chances(raw, bundle.level_variance(values))
    shown = compute_bars(contributions, bundle.catalog, framework, bundle.scale)

    clues = read_clues(values, bundle.catalog, source)
    statuses = assess_clues(clues, framework)

    policy = policy or default_qualification()
    policy.profile.check(bundle.catalog)
    inputs = PolicyInputs(
        score=shown.score,
        points=_points_by_dimension(contributions, bundle),
        statuses=assess_clues(clues, TOPICS),
        excluded=policy.profile.exclusion_reasons(values),
        missing_field=None if source is None else _name_missing_field(bundle, values, source),
    )
    qualification = qualify(inputs, policy)
    if bundle.by_points and bundle.rubric is not None:
        qualification = qualify_by_points(qualification, bundle.rubric.ledger(values), policy)

    writer = bundle.reason_writer(language)
    reasons = np.array(top_reasons(writer, contributions, values), dtype=object).reshape(len(values), TOP)
    scale = bundle.scale
    worth = value_questions(
        bundle.questions, values, contributions, scale.reference_log_odds, scale.points_per_log_odds
    )

    judged = {q.topic for q in source.questions.values() if q.met or q.met_minimum is not None} if source else set()
    raising = {} if bundle.by_points else rows_raised_by(inputs, policy, sorted(judged))  # there the rubric decides
    fit, engagement = (side * _grade_unit(bundle) for side in _sum_by_side(contributions, bundle))
    asked = next_questions(statuses, framework, source, worth, raising, qualification.next_action == "ask")
    columns: dict[str, Any] = {
        "lead_id": rows.lead_id,
        "as_of": rows.as_of,
        "score": shown.score,
        "probability": probability,
        "probability_low": low,
        "probability_high": high,
        "grade": _grade(fit, engagement),
    }
    columns |= {f"points_{name}": shown.points[:, k] for k, name in enumerate(shown.names)}
    columns |= {f"status_{name}": found.status for name, found in statuses.items()}
    columns |= {f"reason_{k + 1}": reasons[:, k] for k in range(TOP)}
    question, steps, facts = asked, None, beside.facts
    if facts is not None:
        label = Label() if source is None else source.label
        question = np.where([end is None for end in facts.closed], question, "").astype(object)
        qualification, steps = place_leads(qualification, facts, question, policy, label)
    columns |= {
        "question": _translate(question, language),
        "state": qualification.state,
        "next_action": qualification.next_action,
        "percentile": bundle.percentile(log_odds),
        "scale_version": repeat_text(len(values), bundle.scale.version),
        "bundle_hash": repeat_text(len(values), bundle.hash),
    }
    if facts is not None and steps is not None and source is not None and source.flat is None:
        columns |= standing_columns(facts, steps)

    return Scored(
        columns=columns,
        contributions=contributions,
        bars=shown,
        evidence=statuses,
        log_odds=log_odds,
        bundle=bundle,
        framework=framework,
        source=source,
        rows=values,
        qualification=qualification,
        inputs=inputs,
        policy=policy,
        writer=writer,
        worth=worth,
        raising=raising,
        language=language,
        manual_rows=beside.manual or _rows_of_own_rubric(bundle, values),
        facts=facts,
        steps=steps,
        segment=rows.segment,
    )


def _name_missing_field(bundle: Bundle, values: Values, source: Source) -> npt.NDArray[Any]:
    """The field of each row that is worth looking up, shape (n,)."""
    return name_missing_field(values, field_features(bundle.catalog, source), bundle.facts)


def _rows_of_own_rubric(bundle: Bundle, values: Values) -> ManualRows | None:
    """The rubric the bundle was trained beside; its rules are among the features."""
    return None if bundle.rubric is None else ManualRows(bundle.rubric.rubric, values)


def _translate(texts: npt.NDArray[Any], language: Language) -> npt.NDArray[Any]:
    """Texts in a language, shape (n,); each different one is looked up once."""
    if language is ENGLISH:
        return texts
    found = {text: language.text(text) for text in set(texts.tolist())}
    return np.array([found[text] for text in texts.tolist()], dtype=object)


def _points_by_dimension(contributions: Contributions, bundle: Bundle) -> dict[Dimension, Floats]:
    """Points of each dimension, each shape (n,); features of no dimension count as fit."""
    groups = bundle.dimensions(contributions.names)
    summed = sum_by_group(contributions, groups, tuple(str(d) for d in Dimension)) * bundle.scale.points_per_log_odds
    return {d: summed[:, k] for k, d in enumerate(Dimension)}


def _sum_by_side(contributions: Contributions, bundle: Bundle) -> tuple[Floats, Floats]:
    """Contributions of fit and of engagement, log-odds, each shape (n,)."""
    groups = _sides(bundle.dimensions(contributions.names))
    summed = sum_by_group(contributions, groups, ("fit", "engagement"))
    return summed[:, 0], summed[:, 1]


@lru_cache(maxsize=_NAME_LISTS)
def _sides(dimensions: tuple[str, ...]) -> tuple[str, ...]:
    """The side of the grade that each dimension belongs to: fit (letter) or engagement (number)."""
    return tuple("engagement" if dimension in _ENGAGEMENT else "fit" for dimension in dimensions)


def _grade_unit(bundle: Bundle) -> float:
    """What a side's sum is graded in: log-odds; where points score, ten of them count as a doubling of the odds."""
    return float(bundle.scale.points_per_log_odds * np.log(2.0) / 10.0) if bundle.by_points else 1.0


def _grade(fit: Floats, engagement: Floats) -> npt.NDArray[Any]:
    """Fit letter A-D and engagement number 1-4: half a doubling of the odds apart, B and C meet at 0."""
    step = _GRADE_STEP * np.log(2.0)
    edges = np.array([-step, 0.0, step])
    letter = np.array(LETTERS, dtype=object)[3 - np.searchsorted(edges, fit, side="right")]
    number = (4 - np.searchsorted(edges, engagement, side="right")).astype(str).astype(object)
    return np.asarray(letter + number, dtype=object)
