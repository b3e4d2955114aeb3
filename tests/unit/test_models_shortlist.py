"""One answer short: every lead and answer on the list does qualify it, and nobody is forgotten."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.explaining.qualification import RANK, qualify
from models.explaining.qualification_policy import QualificationPolicy, parse_qualification
from models.explaining.questions import contribution_of, plausible_outcomes
from models.one_answer_short import COLUMNS, meets, shortlist
from models.scored_leads import Scored
from models.scoring import score
from pipelines.scoring.find_lead import find_bundle
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.matrix_files import load_matrix
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]
AUTHORITY = """
name: test
rules:
  - {id: decides, state: sql, met: [authority], score_from: 1, then: {action: hand_off}}
disqualify:
  - {reason: poor, refused: [budget, need]}
"""
MIXED = """
name: test
rules:
  - {id: sure, state: sql, met_at_least: 3, none_refused: true, score_from: HIGH, then: {action: hand_off}}
  - {id: fits, state: mql, points_from: {fit: 2}, then: {action: ask}}
  - {id: likely, state: iql, score_from: MIDDLE, then: {action: ask}}
"""


def scored_of(run: TinyRun, policy: QualificationPolicy | None, rows: int | None = None) -> Scored:
    """Open leads scored, all or some, first those whose pain nobody asked about: here that answer moves scores most."""
    context, bundle = run.context, find_bundle(run.context)
    matrix = load_matrix(context.paths.matrix, "open")
    if rows is not None:
        unasked = matrix.values["evidence_pain_age"].isna().to_numpy()
        matrix = matrix.take(np.argsort(~unasked, kind="stable")[:rows])
    return score(bundle, matrix, context.framework, source=context.source, policy=policy)


def reachable(text: str, run: TinyRun) -> str:
    """The policy with thresholds that some leads of the run have passed and others have not."""
    high, middle = np.quantile(scored_of(run, None, 80).columns["score"], [0.9, 0.7])
    return text.replace("HIGH", f"{high:.0f}").replace("MIDDLE", f"{middle:.0f}")


def by_hand(scored: Scored, row: int) -> dict[str, tuple[int, float]]:
    """Per open question the best rank an answer leads to, and the chance of it: one lead, one answer at a time."""
    assert scored.source is not None
    found = {}
    for name, question in scored.source.questions.items():
        age = scored.values[f"evidence_{name}_age"].iloc[row]
        if not (np.isnan(age) or age > (question.valid_for_days or np.inf)):
            continue
        table = next((t for t in scored.bundle.questions if t.question == name), None)
        own = 0.0 if table is None else float(contribution_of(scored.contributions, table.feature)[row])
        answers = [] if table is None else plausible_outcomes(table, scored.log_odds[row], own)
        ranks: dict[int, float] = {}
        for word, share, z in answers or [(question.met[0], np.nan, scored.log_odds[row])]:
            moved = (z - scored.log_odds[row]) * scored.bundle.scale.points_per_log_odds * np.isnan(age)
            standing = scored.inputs
            statuses = {topic: replace(e, status=e.status[[row]]) for topic, e in standing.statuses.items()}
            topic = str(question.topic)
            statuses[topic] = replace(
                statuses[topic], status=np.array(["met" if meets(question, word) else "not_met"], dtype=object)
            )
            points = {d: p[[row]] for d, p in standing.points.items()}
            points[question.dimension] = points[question.dimension] + moved
            total = np.rint(np.clip(scored.bars.exact[[row]] + moved, 0, 100)).astype(np.int64)
            then = qualify(
                replace(standing, score=total, points=points, statuses=statuses, excluded=None, missing_field=None),
                scored.policy,
            )
            rank = RANK[then.state[0]]
            ranks[rank] = ranks.get(rank, 0.0) + share
        found[name] = max(ranks), ranks[max(ranks)]
    return found


@pytest.mark.parametrize("text", [AUTHORITY, MIXED])
def test_the_list_is_what_trying_every_answer_by_hand_gives(tiny_demo: TinyRun, text: str) -> None:
    scored = scored_of(tiny_demo, parse_qualification(reachable(text, tiny_demo)), 80)
    listed = shortlist(scored).set_index("lead_id")
    ids = scored.columns["lead_id"].tolist()
    for row, lead in enumerate(ids):
        now = RANK[scored.qualification.state[row]]
        better = {name: merit for name, merit in by_hand(scored, row).items() if merit[0] > now}
        if not better or scored.qualification.next_action[row] == "disqualify":
            assert lead not in listed.index
            continue
        line = listed.loc[lead]
        assert (RANK[line["next_state"]], pytest.approx(line["chance"])) == max(better.values())
        assert better[line["question"]] == max(better.values())
    assert 0 < len(listed) < 80


def test_the_answer_that_is_missing_is_named_with_its_chance(tiny_demo: TinyRun) -> None:
    scored = scored_of(tiny_demo, parse_qualification(AUTHORITY))
    listed = shortlist(scored)
    assert tuple(listed.columns) == COLUMNS
    assert set(listed["question"]) == {"decision_role"} and set(listed["criterion"]) == {"authority"}
    assert set(listed["answers"]) == {("decides",)}
    assert listed["chance"].between(0.01, 0.99).all() and listed["chance"].is_monotonic_decreasing
    status = pd.Series(scored.inputs.statuses["authority"].status, index=scored.columns["lead_id"])
    assert set(status[listed["lead_id"]]) <= {"unknown", "indicated"}


def test_a_lead_is_listed_the_same_alone_and_in_a_batch(tiny_demo: TinyRun) -> None:
    listed = shortlist(scored_of(tiny_demo, None)).set_index("lead_id")
    context = tiny_demo.context
    matrix = load_matrix(context.paths.matrix, "open")
    ids = matrix.keys["lead_id"].tolist()
    for lead in (*listed.index[:3], *[name for name in ids if name not in listed.index][:3]):
        alone = matrix.take(np.array([ids.index(lead)]))
        found = shortlist(score(find_bundle(context), alone, context.framework, source=context.source))
        assert len(found) == (lead in listed.index)
        if len(found):
            assert found.iloc[0].drop("lead_id").to_dict() == listed.loc[lead].to_dict()


def test_an_answer_meets_a_criterion_as_the_statuses_say(tiny_demo: TinyRun) -> None:
    scored = scored_of(tiny_demo, None)
    assert scored.source is not None
    for name, question in scored.source.questions.items():
        given = scored.values[f"answer_{name}"]
        said = given.dropna().map(lambda v: f"{v:g}" if isinstance(v, float) else str(v))
        flags = scored.values[f"evidence_{name}_met"][given.notna()] > 0
        assert [meets(question, word) for word in said] == flags.tolist()
    assert meets(scored.source.questions["pain"], "6 to 8") and not meets(scored.source.questions["pain"], "5 to 8")


def test_without_declared_questions_nobody_is_listed(tiny_demo: TinyRun) -> None:
    assert shortlist(replace(scored_of(tiny_demo, None), source=None)).empty


def test_the_command_lists_filters_and_writes(cli: Cli, tiny_demo: TinyRun, tmp_path: Path) -> None:
    status, out, err = cli("shortlist", "--csv", str(tmp_path), *tiny_demo.args)
    assert (status, err) == (0, "") and "One answer short" in out
    written = pd.read_csv(tmp_path / "shortlist.csv")
    assert {"owner"} <= set(written.columns) - set(COLUMNS)  # who the leads are stands right behind their ids
    assert tuple(name for name in written.columns if name in COLUMNS) == COLUMNS
    record = read_json(tiny_demo.context.paths.score / "qualification.json")
    assert record["short_total"] == len(written) > 0
    assert [row["lead_id"] for row in record["short"]] == written["lead_id"].tolist()[:15]
    assert "One answer short" in tiny_demo.page.read_text(encoding="utf-8")
    status, _, err = cli("shortlist", "--state", "champion", *tiny_demo.args)
    assert status != 0 and "choose" in err
