"""The only path from a matrix to scored leads: batch, file and single request alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Floats
from features.assembly.crm_facts import CrmFacts
from features.assembly.frameless_rows import FEW, PlainRows, Values, frame_of_values, row_of, rows_at
from features.catalog.feature import Catalog, FeatureType
from features.errors import BundleError
from features.matrix import Matrix
from features.schema.source import Label, Source
from features.schema.vocabulary import Dimension, Phase, Topic
from models.bundle import Bundle
from models.explaining.criterion_facts import explain_difference, group_by_criterion, list_facts, stated_answers
from models.explaining.evidence import Evidence, assess_clues, next_questions, question_for, read_clues, repeat_text
from models.explaining.framework import Framework
from models.explaining.language import ENGLISH, Language
from models.explaining.manual.manual_score import ManualRows, ManualScore
from models.explaining.manual.state_by_points import qualify_by_points
from models.explaining.missing_fields import name_missing_field
from models.explaining.points import (
    BASE,
    CLIP,
    Bars,
    bar_homes,
    compute_bars,
    score_of_log_odds,
    sum_by_group,
)
from models.explaining.qualification import TOPICS, PolicyInputs, Qualification, qualify, rows_raised_by
from models.explaining.qualification_policy import QualificationPolicy, default_qualification
from models.explaining.questions import QuestionValue, value_questions
from models.explaining.reasons import TOP, Reason, ReasonWriter, top_reasons
from models.field_effects import field_features, find_missing_fields
from models.interfaces import Contributions
from models.logistic import sigmoid
from models.standing.next_steps import Steps, place_leads
from models.standing.of_scored import standing_columns, standing_of
from models.standing.record import Standing

LETTERS = ("A", "B", "C", "D")
_GRADE_STEP = 0.5  # doublings of the odds between grades: B and C share the middle doubling, A and D lie beyond it
FILLED_BY = ("marketing", "the lead's owner")  # who may look a field up: whoever may give feedback
FILLED_WHERE = ("card", "api", "csv")
_NAME_LISTS = 64  # lists of dimensions whose sides are kept: one a set of components, so a few are in use
_ENGAGEMENT = tuple(str(dimension) for dimension in (Dimension.INTEREST, Dimension.INTENT, Dimension.USAGE))


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scored rows, aligned with the rows of the matrix.

    Parameters
    ----------
    columns : those of the public table :attr:`frame`, each shape (n,)
    contributions : additive parts of the calibrated log-odds
    bars : integer points of base, criteria, context and clip
    evidence : status per criterion of ``framework``
    log_odds : calibrated, shape (n,)
    rows : the feature values that were scored
    qualification, inputs : state and next action, and what the policy decided them on
    writer : finds the words of reasons in ``language``
    worth : by question, what its answer could change
    raising : by topic the rows whose state would be better if its evidence were met
    facts, steps : what people did with the leads, and where they stand by that; None where only features were given
    """

    columns: Mapping[str, npt.NDArray[Any]]
    contributions: Contributions
    bars: Bars
    evidence: dict[str, Evidence]
    log_odds: Floats
    bundle: Bundle
    framework: Framework
    source: Source | None
    rows: Values
    qualification: Qualification
    inputs: PolicyInputs
    policy: QualificationPolicy
    writer: ReasonWriter
    worth: Mapping[str, QuestionValue]
    raising: Mapping[Topic, Bools]
    language: Language = ENGLISH
    manual_rows: ManualRows | None = None
    facts: CrmFacts | None = None
    steps: Steps | None = None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The public table."""
        return pd.DataFrame(self.public_columns, index=pd.RangeIndex(len(self.rows)))

    @property
    def public_columns(self) -> dict[str, npt.NDArray[Any]]:
        """Columns of the public table: the model's, then the manual score's where there is a rubric."""
        return {**self.columns, **(self.manual.columns if self.manual is not None else {})}

    @cached_property
    def manual(self) -> ManualScore | None:
        """The rubric's points on the same rows; None without a rubric."""
        if self.manual_rows is None:
            return None
        return ManualScore.of(self.manual_rows, self.qualification.state, self._model_decides)

    @property
    def _model_decides(self) -> Bools | None:
        """Rows whose handoff a model still decides: of a lead that sales has nobody does, beside points no model."""
        if self.bundle.by_points:
            return np.zeros(len(self.rows), dtype=np.bool_)
        return None if self.steps is None else np.asarray(self.steps.phase == str(Phase.BEFORE_HANDOFF), dtype=np.bool_)

    @property
    def values(self) -> pd.DataFrame:
        """The feature values as a frame."""
        return frame_of_values(self.rows)

    def standing(self, row: int) -> Standing:
        """Where one lead stands."""
        return standing_of(self, row)

    def card(self, row: int) -> dict[str, Any]:
        """Everything a rep reads about one lead, JSON-ready."""
        card = _card(self, row)
        closed = None if self.facts is None else self.facts.closed[row]
        return card if closed is None else closed.mark(card)


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
    )
    return score_rows(bundle, rows, framework, source=source, policy=policy, language=language, beside=beside)


@dataclass(frozen=True)
class Rows:
    """What scoring reads of a matrix: feature values under a catalog, whose they are, and of when."""

    catalog: Catalog
    values: Values
    lead_id: npt.NDArray[Any]
    as_of: npt.NDArray[Any]


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
    )


def _name_missing_field(bundle: Bundle, values: Values, source: Source) -> npt.NDArray[Any]:
    """The field of each row's company that is worth looking up, shape (n,)."""
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


def _card(scored: Scored, row: int) -> dict[str, Any]:
    bundle, framework, language = scored.bundle, scored.framework, scored.language
    line = {name: values[row] for name, values in scored.columns.items()}
    values = row_of(scored.rows, row)

    reasons = scored.writer.reasons(values, scored.contributions.names, scored.contributions.values[row])
    unit = bundle.scale.points_per_log_odds
    by_bar = _reasons_by_bar(scored, reasons)
    points = dict(zip(scored.contributions.names, scored.contributions.values[row] * unit, strict=True))
    answers = stated_answers(values, scored.source, bundle.catalog, points, language)
    stated = group_by_criterion(answers, scored.source, framework)
    criteria: list[dict[str, Any]] = [
        {
            "id": name,
            "label": language.text(framework.label(name)),
            "points": int(line[f"points_{name}"]),
            "facts": list_facts(stated.get(name, ()), by_bar[name], unit, language),
        }
        | (_status(scored, name, row) if name in scored.evidence else {})
        for name in _shown_bars(scored)
    ]
    fields = _missing_fields(scored, row)
    for item in criteria:
        item["fields"] = [one for home, one in fields if home == item["id"]]
        if "status" in item:
            parts = (stated.get(item["id"], ()), by_bar[item["id"]])
            item["differs"] = explain_difference(item["status"], item["points"], *parts, unit, language)

    as_of = line["as_of"]
    return {
        "lead_id": str(line["lead_id"]),
        "as_of": None if pd.isna(as_of) else pd.Timestamp(as_of).isoformat(),
        "score": int(line["score"]),
        "probability": float(line["probability"]),
        "probability_low": float(line["probability_low"]),
        "probability_high": float(line["probability_high"]),
        "horizon_days": bundle.horizon_days,
        "grade": str(line["grade"]),
        "percentile": float(line["percentile"]),
        "state": str(line["state"]),
        "next_action": str(line["next_action"]),
        "question": str(line["question"]),
        **_question_worth(scored, row, str(line["question"])),
        "standing": scored.standing(row).record(),
        "closed": None,  # how the lead ended, which only the tables of its source tell
        "qualification": _qualification(scored, row, values),
        "framework": {"name": framework.name, "title": framework.title},
        "language": language.code,
        "points_base": int(line[f"points_{BASE}"]),
        "points_clip": int(line[f"points_{CLIP}"]),
        "criteria": criteria,
        "mode": "points" if bundle.by_points else "model",
        "manual": None if scored.manual is None else scored.manual.record(row, framework),
        "for": [r.text for r in islice((r for r in reasons if r.contribution > 0), TOP)],
        "against": [r.text for r in islice((r for r in reasons if r.contribution < 0), TOP)],
        "reference_probability": float(sigmoid(np.array([bundle.scale.reference_log_odds]))[0]),
        "scale_version": bundle.scale.version,
        "bundle_hash": bundle.hash,
    }


def _shown_bars(scored: Scored) -> tuple[str, ...]:
    """Criteria and context, and the segment's level where the model has segments."""
    return tuple(name for name in scored.bars.names if name not in (BASE, CLIP))


def _missing_fields(scored: Scored, row: int) -> list[tuple[str, dict[str, Any]]]:
    """Fields of the lead's company that could be looked up, each with its criterion; what could change most first."""
    found = []
    scale, score = scored.bundle.scale, int(scored.columns["score"][row])
    for one in find_missing_fields(scored.bundle, rows_at(scored.rows, row), scored.source):
        after = [int(then) for then in score_of_log_odds(one.log_odds[0], scale)]
        outcomes = [
            {"value": word, "share": round(float(share), 3), "score": then}
            for word, share, then in zip(one.values, one.share, after, strict=True)
        ]
        found.append(
            (
                scored.framework.criterion_of(one.feature.topic),
                {
                    "field": one.name,
                    "label": one.label,
                    "type": "number" if one.feature.type is FeatureType.NUMBER else "category",
                    "values": list(one.column.values),
                    "who": list(FILLED_BY),
                    "where": list(FILLED_WHERE),
                    "score_low": min(score, *after),
                    "score_high": max(score, *after),
                    "outcomes": outcomes,
                },
            )
        )
    return sorted(found, key=lambda item: item[1]["score_low"] - item[1]["score_high"])


def _question_worth(scored: Scored, row: int, text: str) -> dict[str, Any]:
    """By how many points the next question's answer typically moves the score (None: not known), and if it is felt.

    An answer is felt where it moves the score that is shown, may carry the lead over the reference, or would put it
    into a better state.
    """
    source = scored.source
    names = [] if source is None else [n for n, q in source.questions.items() if scored.language.text(q.text) == text]
    known = [name for name in names if name in scored.worth]
    if source is None or not known:
        return {"question_points": None, "question_felt": bool(text)}
    worth, topic = scored.worth[known[0]], source.questions[known[0]].topic
    raised = topic in scored.raising and bool(scored.raising[topic][row])
    felt = bool(worth.is_felt[row]) or raised
    return {"question_points": round(float(worth.spread[row]), 1), "question_felt": felt}


def _reasons_by_bar(scored: Scored, reasons: Sequence[Reason]) -> dict[str, list[Reason]]:
    """The reasons behind each criterion and context, largest first."""
    names = scored.contributions.names
    homes = bar_homes(scored.contributions, scored.bundle.catalog, scored.framework)
    home = dict(zip(names, homes, strict=True))
    found: dict[str, list[Reason]] = {name: [] for name in _shown_bars(scored)}
    for reason in reasons:
        found[home[reason.feature]].append(reason)
    return found


def _status(scored: Scored, criterion: str, row: int) -> dict[str, Any]:
    found = scored.evidence[criterion]
    status = str(found.status[row])
    age = float(found.age_days[row])
    question = question_for(criterion, scored.framework, scored.source)
    return {
        "status": status,
        "status_because": str(found.source_of[row]),
        "status_provenance": str(found.provenance[row]),
        "status_age_days": None if np.isnan(age) else round(age, 1),
        "question": "" if status in ("met", "not_met") else scored.language.text(question),
    }


def _qualification(scored: Scored, row: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """The rule behind the state, what one condition keeps the lead from, and how it fits the declared profile."""
    found, profile, catalog = scored.qualification, scored.policy.profile, scored.bundle.catalog
    wrong, unknown = profile.mismatches(values, catalog)
    return {
        "policy": scored.policy.name,
        "version": scored.policy.version,
        "rule": str(found.rule[row]),
        "team": str(found.team[row]),
        "programme": str(found.programme[row]),
        "reason": str(found.reason[row]),
        "temperature": str(found.temperature[row]),
        "near_state": str(found.near_state[row]),
        "near_lacks": str(found.near_lacks[row]),
        "persona": profile.persona_of(values, catalog),
        "mismatches": wrong,
        "profile_unknown": unknown,
    }
