"""Sections of the report in the order of their readers: each with its finding, above what folds away."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.artifacts.audit_record import FindingRecord
from pipelines.artifacts.evaluation_record import FidelityRecord
from pipelines.artifacts.score_record import OPEN_LEADS, ScoreRecord
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.report.formatting import capital


@dataclass(frozen=True, kw_only=True)
class Section:
    """``id`` names the template, ``finding`` is said in one sentence, ``fold`` says what folds away below it.

    ``name`` stands in the table of contents, where the title is too long for it.
    """

    id: str
    title: str
    finding: str = ""
    fold: str = "Figures"
    name: str = ""


@dataclass(frozen=True)
class SectionGroup:
    """Sections of one kind of reader."""

    title: str
    sections: tuple[Section, ...]


def group_sections(found: Mapping[str, Any]) -> list[SectionGroup]:
    """Groups with what there is to show, from everything the template shows."""
    groups = (
        ("For sales: whom to call", _sales(found)),
        ("For marketing: rubric, threshold, rules", _marketing(found)),
        ("For managers: where leads stop and promises break", _managers(found)),
        ("For data scientists: how it was made and judged", _science(found)),
    )
    kept = [SectionGroup(title, tuple(one for one, is_there in listed if is_there)) for title, listed in groups]
    return [group for group in kept if group.sections]


Listed = Iterable[tuple[Section, bool]]


def _sales(found: Mapping[str, Any]) -> Listed:
    scored, rows = found["scored"], found["worklist"]["rows"]
    who = "open leads" if scored.kind == OPEN_LEADS else "test rows"
    listed = Section(
        id="worklist",
        title="Worklist" if scored.kind == OPEN_LEADS else "Scored test rows",
        finding=f"{scored.listed:,} {who}, best first.",
        fold=f"The first {len(rows)}",
    )
    yield listed, bool(rows)

    cards = Section(
        id="cards",
        title="Lead cards",
        finding="What the score of one lead is made of, what is unknown, and what to ask.",
        fold=f"{len(found['cards'])} cards",
    )
    yield cards, bool(rows)
    yield Section(id="accounts", title="Accounts"), found["committees"] is not None


def _marketing(found: Mapping[str, Any]) -> Listed:
    comparison, marketing, profile = found["comparison"], found["marketing"], found["profile"]
    judges = {row["by"] for row in comparison.policies}
    with_model = "model" in judges or not judges
    title = "Rubric against model" if found["manual"] else "The model's list"
    compared = Section(
        id="compare",
        title=title if with_model else "The rubric's list",
        finding=next(iter(marketing["lines"]), ""),
        fold="Every policy, and who swaps" if with_model else "Every policy",
    )
    yield compared, bool(comparison.policies)

    promise = "" if comparison.promise is None else comparison.promise.sentence
    threshold = Section(id="capacity", title="Threshold and capacity", finding=promise, name="Threshold")
    yield threshold, bool(comparison.policies)

    rules = Section(id="rules", title="The rubric's rules", finding=marketing["rules_line"], fold="Rule by rule")
    yield rules, comparison.repair is not None

    card = "What a rubric in whole points would be that outcomes bear out."
    yield Section(id="scorecard", title="Scorecard", finding=card, fold="The card"), found["scorecard"] is not None
    yield Section(id="profile", title="Ideal customer", finding=profile["line"] if profile else ""), bool(profile)


def _managers(found: Mapping[str, Any]) -> Listed:
    lifecycle = found["lifecycle"]
    said = " ".join((*lifecycle["sentences"][:1], lifecycle["waste"])).strip() if lifecycle else ""
    yield Section(id="lifecycle", title="Lifecycle", finding=said), bool(lifecycle)

    policy = Section(id="qualification", title="Qualification", fold="Policy, states, near misses")
    yield policy, bool(found["qualification"])


def _science(found: Mapping[str, Any]) -> Listed:
    summary, drift, fidelity, engagement = (found[name] for name in ("summary", "drift", "fidelity", "engagement"))
    yield Section(id="data", title="Data", finding=_data_line(summary)), True
    yield Section(id="audit", title="Leak audit", finding=_audit_line(summary.audit), name="Audit"), True
    yield Section(id="candidates", title="Candidates", finding=capital(summary.winner.why)), True
    tested = next(iter(found["basis"][1:]), "")
    yield Section(id="test", title="Test", finding=tested), bool(summary.test)

    drivers = Section(id="drivers", title="What moves scores", finding=_drivers_line(found["scored"]))
    yield drivers, bool(found["worklist"]["rows"])
    yield Section(id="drift", title="Drift", finding="" if drift is None else drift.headline), drift is not None

    true = Section(id="fidelity", title="Are the explanations true?", finding=_seeds_line(fidelity), name="Fidelity")
    yield true, fidelity is not None and bool(fidelity.truth or fidelity.seeds)

    bots = engagement.get("bots") or {}
    yield Section(id="engagement", title="Activities", finding=bots.get("sentence", "")), any(engagement.values())

    features = f"{len(found['features'])} features, generated from the declaration."
    yield Section(id="features", title="Features", finding=features, fold="All of them"), True
    limits = f"{len(found['limits'])} things that these data cannot show."
    yield Section(id="limits", title="What cannot be verified", finding=limits, fold="Which", name="Limits"), True
    yield Section(id="run", title="This run", fold="Hashes, settings, seconds", name="Run"), True


def _seeds_line(fidelity: FidelityRecord | None) -> str:
    if fidelity is None or not fidelity.seeds:
        return ""
    return f"Trained again with another seed, the first reason stays in {fidelity.seeds.same_first:.0%} of rows."


def _data_line(summary: SummaryRecord) -> str:
    """How many rows were read, and how many of them are in quarantine."""
    read = sum(row.read for row in summary.rows.values())
    bad = sum(row.quarantined for row in summary.rows.values())
    people = sum(row.for_people for row in summary.rows.values())
    apart = sum(row.set_apart for row in summary.rows.values()) > people
    kept = "kept" + (", of another table or a repeat" if apart else "")
    kept += ", left out for the sake of somebody it speaks of," if people else ""
    return (
        f"{read:,} rows read, {bad:,} of them in quarantine. Every row read is {kept} or in quarantine; none is lost."
    )


def _audit_line(findings: Iterable[FindingRecord]) -> str:
    """Findings by weight."""
    counts: dict[str, int] = {}
    for one in findings:
        name = "accepted leak" if one.severity == "leak" and one.accepted else one.severity
        counts[name] = counts.get(name, 0) + 1
    named = [
        f"{counts[name]} {name}{'' if counts[name] == 1 else 's'}"
        for name in ("leak", "accepted leak", "suspect", "note")
        if name in counts
    ]
    return f"{', '.join(named)}." if named else "No column carries the outcome, as far as the checks can see."


def _drivers_line(scored: ScoreRecord) -> str:
    """The criteria that move scores most."""
    if scored.importance is None or not scored.importance.criterion:
        return ""
    ordered = sorted(scored.importance.criterion, key=lambda row: -float(row["points"]))
    return f"Most points come from {', '.join(str(row['label']) for row in ordered[:3])}."
