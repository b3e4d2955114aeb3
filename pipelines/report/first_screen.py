"""The report's first screen: does the model beat the rubric and for whom, which threshold, which rules, which leads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.schema.vocabulary import Verdict
from models.judging.handoff.policy_names import DIFFERENCES, Policy, pick_same_workload
from models.judging.handoff.precision_guarantee import write_promise
from pipelines.artifacts.comparison_record import ComparisonRecord, RepairRecord
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.report.comparison_tables import POINT_LABELS
from pipelines.report.marketing_section import BAD_RULES, follows_outcomes, pair_of, side_by_side

BEST_LEADS, NAMED_RULES = 5, 3
_FEWEST_SEGMENTS = 2  # one value of an attribute is everybody


@dataclass(frozen=True)
class Answer:
    """One reader's question, what to say first, and what stands behind it; ``section`` holds the figures."""

    question: str
    said: str
    lines: tuple[str, ...]
    section: str


def tone_of(summary: SummaryRecord) -> str:
    """Whether the first box is good news (empty), ``is-doubtful`` or ``is-bad``."""
    if not summary.bundle.hash:
        return "is-bad"
    return "" if summary.verdict == Verdict.OK and not summary.caution else "is-doubtful"


def answers(comparison: ComparisonRecord, summary: SummaryRecord) -> list[Answer]:
    """The questions that this run can answer, in the order of the readers who ask them."""
    found = [_against_rubric(comparison), _threshold(comparison), _rules(comparison.repair)]
    return [one for one in found if one is not None and (comparison.policies or summary.bundle.hash)]


def _against_rubric(comparison: ComparisonRecord) -> Answer | None:
    """Wins inside both lists at the same workload; nothing without a rubric to compare with."""
    pair = pick_same_workload({row["policy"] for row in comparison.policies})
    difference = next((row for row in comparison.differences if (row["first"], row["second"]) in _same(pair)), None)
    if difference is None or not comparison.sentences:
        return None
    low, high = difference["wins_ci"]
    if low is None or high is None:
        said = "Not known: too few leads to tell."
    elif low > 0:
        said = f"Yes: {difference['wins']:+d} wins inside a list of the same length."
    elif high < 0:
        said = f"No: {difference['wins']:+d} wins inside a list of the same length."
    else:
        said = "Not shown: the difference may be chance."
    where = _where(comparison)
    return Answer(
        f"Does the model beat the rubric, for {comparison.noun}?",
        said.replace("-", "−"),
        (comparison.sentences[0], *([where] if where else ())),
        "compare",
    )


def _same(pair: Sequence[Policy]) -> set[tuple[str, str]]:
    return {(str(first), str(second)) for first, second in DIFFERENCES if {first, second} == set(pair)}


def _where(comparison: ComparisonRecord) -> str:
    """For which values of the first declared attribute the model's list holds more wins than the rubric's."""
    pair = pair_of(comparison.policies)
    by_attribute: dict[str, list[Mapping[str, Any]]] = {}
    for row in comparison.by_segment:
        by_attribute.setdefault(row["attribute"], []).append(row)
    for attribute, rows in by_attribute.items():
        sides = [(one["name"], *(side["wins"] for side in one["sides"])) for one in side_by_side(rows, "segment", pair)]
        if len(sides) < _FEWEST_SEGMENTS or len(pair) < 2:
            continue
        ahead = [name for name, rubric, model in sides if model > rubric]
        behind = [_plain(name) for name, rubric, model in sides if model < rubric]
        text = f"By {_plain(attribute)}: more wins in {len(ahead)} of {len(sides)} groups"
        return text + (f", fewer among {', '.join(behind)} (small groups: by chance too)." if behind else ".")
    return ""


def _plain(name: str) -> str:
    """``c_level`` as ``c level``."""
    return str(name).replace("_", " ")


def _threshold(comparison: ComparisonRecord) -> Answer | None:
    """The named scores; what the promise lacks where no score keeps it, and what capacity allows."""
    promise, plan, scores = comparison.promise, comparison.plan, comparison.scores
    lines = [] if promise is None else [promise.sentence]
    lines += [] if plan is None else list(plan.sentences[:1])
    named = [] if scores is None else [(POINT_LABELS[point["name"]], point["score"]) for point in scores.points]
    if named:
        said = ", ".join(f"{score} to {label}" for label, score in named) + "."
    elif promise is None:
        return None
    elif promise.kept is None:
        said = f"No score keeps a promise of {write_promise(promise.promised)}; capacity sets the limit."
    else:
        said = f"At least {write_promise(promise.promised)} are won in the best {promise.kept['workload']:,}."
    return Answer("From which score on should leads be handed off?", said, tuple(lines), "capacity")


def _rules(repair: RepairRecord | None) -> Answer | None:
    """Rules that outcomes contradict, and those that deserve more."""
    if repair is None or not repair.worth:
        return None
    bad = [row for row in repair.worth if row["verdict"] in BAD_RULES]
    low = [row for row in repair.worth if row["verdict"] == "too few points"]
    unsure = [row for row in repair.worth if row["verdict"] == "cannot tell"]
    whole = "" if follows_outcomes(repair.worth) else "The rubric as a whole does not follow outcomes. "
    said = f"{whole}Outcomes contradict {_count(bad, 'rule')} of {len(repair.worth)}."
    lines = [row["sentence"] for row in (*bad, *low)[:NAMED_RULES]]
    if unsure:
        lines.append(f"Of {_count(unsure, 'rule')} these data cannot tell.")
    return Answer("Which rules of the rubric are wrong?", said, tuple(lines), "rules")


def _count(rows: Sequence[Any], what: str) -> str:
    return f"{len(rows) or 'no'} {what}{'' if len(rows) == 1 else 's'}"


def best_leads(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The first rows of the list."""
    return list(rows)[:BEST_LEADS]
