"""Scored leads: the public table of many, and the card of one, JSON-ready."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Floats
from features.assembly.crm_facts import CrmFacts
from features.assembly.frameless_rows import Values, frame_of_values, row_of, rows_at
from features.catalog.feature import FeatureType
from features.schema.source import Source
from features.schema.vocabulary import Phase, Topic
from models.bundle import Bundle
from models.explaining.criterion_facts import explain_difference, group_by_criterion, list_facts, stated_answers
from models.explaining.evidence import Evidence, question_for
from models.explaining.framework import Framework
from models.explaining.language import ENGLISH, Language
from models.explaining.manual.manual_score import ManualRows, ManualScore
from models.explaining.plain.plain_reasons import PlainReason, choose_reasons, unmet_answers
from models.explaining.points import BASE, CLIP, Bars, bar_homes, score_of_log_odds
from models.explaining.qualification import PolicyInputs, Qualification
from models.explaining.qualification_policy import QualificationPolicy
from models.explaining.questions import QuestionValue
from models.explaining.reasons import TOP, Reason, ReasonWriter
from models.field_effects import find_missing_fields
from models.interfaces import Contributions
from models.logistic import sigmoid
from models.standing.next_steps import Steps
from models.standing.of_scored import standing_of
from models.standing.record import Standing

PLAIN_REASONS = 3  # of either side in plain words
FILLED_BY = ("marketing", "the lead's owner")  # who may look a field up: whoever may give feedback


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
    segment : by which a lead's horizon is told, shape (n,); None: all have the common one
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
    segment: npt.NDArray[Any] | None = None

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
        let_go = np.asarray(self.qualification.next_action == "disqualify", dtype=np.bool_)
        return ManualScore.of(self.manual_rows, self.qualification.state, self._model_decides, let_go)

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

    def plain_reasons(self, row: int, *, helps: bool, count: int) -> list[PlainReason]:
        """The largest reasons of one lead in plain words."""
        names, parts = self.contributions.names, self.contributions.values[row]
        reasons = self.writer.reasons(row_of(self.rows, row), names, parts)
        unit = self.bundle.scale.points_per_log_odds
        return choose_reasons(reasons, self.source, unit, helps=helps, count=count)

    def unmet_answers(self, row: int) -> list[str]:
        """What was said that keeps a criterion from being met, the youngest first."""
        return unmet_answers(row_of(self.rows, row), self.source, self.bundle.catalog, self.language)

    def card(self, row: int) -> dict[str, Any]:
        """Everything a rep reads about one lead, JSON-ready."""
        card = _card(self, row)
        closed = None if self.facts is None else self.facts.closed[row]
        return card if closed is None else closed.mark(card)


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
        "horizon_days": bundle.horizon_of(None if scored.segment is None else scored.segment[row]),
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
        "unmet_answers": scored.unmet_answers(row),
        "plain": {
            side: [found.record() for found in scored.plain_reasons(row, helps=helps, count=PLAIN_REASONS)]
            for side, helps in (("for", True), ("against", False))
        },
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
    """Fields of lead and company that could be looked up, each with its criterion; what could change most first."""
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
                    "where": list(one.where),
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
