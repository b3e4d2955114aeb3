"""Qualification's part of the report: the policy drawn, states and near misses, the profile against outcomes."""

from collections.abc import Iterable, Mapping
from typing import Any

from models.explaining.qualification_policy import QualificationPolicy, rule_words
from pipelines.artifacts.lifecycle_record import ProfileRecord
from pipelines.artifacts.score_record import QualificationRecord
from pipelines.workspace.paths import Paths


def qualification_view(paths: Paths) -> dict[str, Any]:
    """What the section shows; empty without a scored list."""
    record = QualificationRecord.read_if_any(paths)
    if record is None:
        return {}
    policy = QualificationPolicy.model_validate(record.policy)
    states = list(dict.fromkeys(name for week in record.weeks for name in week["states"]))
    told = {name: getattr(record, name) for name in ("lists", "steps", "stage_and_state")}  # empty without stages
    return (
        told
        | record.content()
        | {
            "title": f"{policy.name.replace('_', ' ')}, version {policy.version}",
            "since": None if policy.effective_from is None else policy.effective_from.isoformat(),
            "agreed": ", ".join(policy.agreed_by),
            "flow": flow(policy),
            "state_names": states,
            "versions": len({week["version"] for week in record.weeks}),
        }
    )


def flow(policy: QualificationPolicy) -> list[dict[str, str]]:
    """The policy as steps asked one after the other; the last is what is left."""
    steps = [
        {
            "asks": rule_words(rule),
            "rule": rule.id.replace("_", " "),
            "state": str(rule.state).upper(),
            "then": _then(rule.then.action, rule.then.team, rule.then.programme),
        }
        for rule in policy.rules
    ]
    rest = policy.otherwise
    steps.append(
        {
            "asks": "",
            "rule": "",
            "state": "LEAD",
            "then": f"acts at all: {_then(rest.interested.action, rest.interested.team, rest.interested.programme)}; "
            f"does not: {_then(rest.quiet.action, rest.quiet.team, rest.quiet.programme)}",
        }
    )
    return steps


def _then(action: str, team: str, programme: str) -> str:
    text = action.replace("_", " ")
    text += f", {team}" if team else ""
    return text + (f" ({programme})" if programme else "")


def profile_view(paths: Paths) -> dict[str, Any]:
    """The declared profile and every attribute against outcomes; empty without matured leads."""
    record = ProfileRecord.read_if_any(paths)
    if record is None or not record.attributes:
        return {}
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for row in record.attributes:
        grouped.setdefault(row["attribute"], []).append(row)
    return record.content() | {
        "line": profile_line(record.declared),
        "best": list_clearest(record.attributes, "more often won"),
        "worst": list_clearest(record.attributes, "less often won"),
        "grouped": list(grouped.items()),
    }


def profile_line(declared: Iterable[Mapping[str, Any]]) -> str:
    """Whether outcomes bear out what the profile declares, part by part."""
    rows = [row for row in declared if row["value"] not in ("anything else", "not all of it", "(none)")]
    asked = [row for row in rows if row["attribute"].startswith("ideal ")]
    if not asked:
        return "No ideal customer is declared: write a 'profile' into the qualification policy to have it judged."
    borne = [row["attribute"] for row in asked if row["verdict"] == "more often won"]
    text = f"Of {len(asked)} parts of the declared ideal customer, {len(borne)} win more often than the rest"
    text += f" ({', '.join(borne)})." if borne else "."
    out = [row for row in rows if row["attribute"].startswith("excluded")]
    kept = [row["attribute"].removeprefix("excluded: ") for row in out if row["verdict"] != "less often won"]
    return text + (f" Not borne out by outcomes: the exclusion of {', '.join(kept)}." if kept else "")


def list_clearest(rows: Iterable[Mapping[str, Any]], verdict: str) -> str:
    """The five clearest values of a verdict, in words."""
    found = [row for row in rows if row["verdict"] == verdict]
    clearest = sorted(found, key=lambda row: -abs(row["share_of_won"] - row["share_of_rest"]))[:5]
    return ", ".join(
        f"{r['attribute']} {r['value'].replace('_', ' ')} ({r['rate']:.0%} of {r['leads']:,})" for r in clearest
    )
