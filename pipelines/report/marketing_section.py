"""Marketing's part of the report: the answer in its first lines, policies by month and segment, the rubric's rules."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.judging.handoff.policy_names import Policy, pick_same_workload, policy_label
from pipelines.artifacts.comparison_record import ComparisonRecord, RepairRecord

FIRST_LINES = 5
BAD_RULES = ("wrong way", "worth nothing", "too many points")


def marketing_of(comparison: ComparisonRecord, currency: str = "") -> dict[str, Any]:
    """What the sections on policies, capacity and rules show."""
    policies = comparison.policies
    pair = pair_of(policies)
    segments: dict[str, list[Mapping[str, Any]]] = {}
    for row in comparison.by_segment:
        segments.setdefault(row["attribute"], []).append(row)
    return {
        "lines": lines_of(comparison),
        "has_revenue": any(row["revenue"] is not None for row in policies),
        "has_net": any(row.get("net") is not None for row in policies),
        "has_days": any(row["days_to_handoff"] is not None for row in policies),
        "unit": f", {currency}" if currency else "",
        "pair": [policy_label(name) for name in pair],
        "months": side_by_side(comparison.by_month, "month", pair),
        "segments": [(name, side_by_side(rows, "segment", pair)) for name, rows in segments.items()],
        "rules_line": rules_line(comparison.repair),
        "proposed": proposed_line(policies),
    }


def lines_of(comparison: ComparisonRecord) -> list[str]:
    """At most five lines: wins inside both lists at the same workload (the rubric first where it is better), the other
    workloads, the promise, and the share handed off against the share won.
    """
    sentences = list(comparison.sentences)
    last = [] if comparison.promise is None else [comparison.promise.sentence]
    if len(sentences) > 1:
        last.append(sentences.pop())
    return [*sentences[: FIRST_LINES - len(last)], *last]


def pair_of(policies: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The two policies that are set side by side: those of the same workload."""
    return pick_same_workload({row["policy"] for row in policies})


def side_by_side(rows: Iterable[Mapping[str, Any]], what: str, pair: Sequence[str]) -> list[dict[str, Any]]:
    """Per month or segment the figures of both policies; nothing handed off is nothing, not missing."""
    nothing = {"workload": 0, "wins": 0, "precision": None}
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[what], {})[row["policy"]] = row
    return [
        {"name": name, "sides": [sides.get(policy, nothing) for policy in pair]}
        for name, sides in found.items()
        if any(policy in sides for policy in pair)
    ]


def rules_line(repair: RepairRecord | None) -> str:
    """Which rules are out of line with outcomes, in one sentence."""
    if repair is None:
        return ""
    rules = repair.worth
    whole = "" if follows_outcomes(rules) else "The rubric as a whole does not follow outcomes. "
    bad = [f"'{r['label']}' ({r['verdict']})" for r in rules if r["verdict"] in BAD_RULES]
    low = [f"'{r['label']}'" for r in rules if r["verdict"] == "too few points"]
    text = f"{whole}Of {len(rules)} rules {len(bad)} give points that outcomes do not bear out"
    text += f": {', '.join(bad)}." if bad else "."
    return text + (f" Worth more than they give: {', '.join(low)}." if low else "")


def follows_outcomes(rules: Iterable[Mapping[str, Any]]) -> bool:
    """Whether more points go with more wins at all; where not, no judged rule has points that outcomes would give."""
    return all(row["deserved"] is not None for row in rules if row["log_odds"] is not None)


def proposed_line(policies: Iterable[Mapping[str, Any]]) -> str:
    """What the learned scorecard, written as a rubric, would have held at capacity."""
    found = {row["policy"]: row for row in policies}
    if Policy.PROPOSED_RUBRIC not in found or Policy.RUBRIC_CAPACITY not in found:
        return ""
    new, old = found[Policy.PROPOSED_RUBRIC], found[Policy.RUBRIC_CAPACITY]
    return (
        "The learned scorecard written as a rubric is in thresholds/proposed_rubric.yaml. At capacity "
        f"its list of {new['workload']:,} leads held {new['wins']} wins, the present rubric's list of "
        f"{old['workload']:,} held {old['wins']}."
    )
