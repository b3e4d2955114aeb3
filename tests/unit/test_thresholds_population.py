"""Comparisons speak of leads that sales does not have yet, and every figure says whose it is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import LeadScoreError
from features.point_in_time.microseconds import micros
from features.schema.load_source import parse_source
from features.schema.source import Capacity, Source
from features.schema.vocabulary import Stage
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.population_figures import rank_population
from models.judging.handoff.compare_policies import compare_policies
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.policy_names import Policy
from models.judging.handoff.population import NO_STAGES, population_of
from models.judging.handoff.recorded_baselines import actual_handoff, next_looks
from models.judging.handoff.replay import JudgedRows
from models.judging.handoff.workload_curve import SnapshotCapacity
from tests.reference.toy import toy_matrix

DECLARED: dict[str, Any] = {"name": "s", "kind": "relational", "tables": {"leads": {}, "outcomes": {}, "stages": {}}}
SOURCE = Source.model_validate(DECLARED)
FIRST = pd.Timestamp("2025-01-06")


def stages(*rows: tuple[str, str, int]) -> dict[str, pd.DataFrame]:
    """Entries so many days after the first look."""
    frame = pd.DataFrame(rows, columns=["lead_id", "stage", "entered_at"])
    at = FIRST + pd.to_timedelta(frame["entered_at"], unit="D")
    return {"stages": frame.assign(entered_at=at.astype("datetime64[us]"), known_at=at.astype("datetime64[us]"))}


def keys(*looks: tuple[str, int]) -> pd.DataFrame:
    at = [FIRST + pd.Timedelta(days=day) for _, day in looks]
    return pd.DataFrame({"lead_id": [name for name, _ in looks], "as_of": pd.Series(at, dtype="datetime64[us]")})


LOOKS = keys(("a", 0), ("a", 7), ("a", 14), ("b", 0), ("r", 7), ("r", 60), ("w", 14), ("n", 0))
HISTORY = stages(
    ("a", "mql", -1),
    ("a", "sal", 7),
    ("b", "opportunity", -5),
    ("r", "sql", -5),
    ("r", "recycled", 5),
    ("w", "sql", 1),
    ("w", "won", 5),
)


def test_by_default_leads_with_sales_are_left_out_from_the_look_that_knows_on() -> None:
    found = population_of(SOURCE, HISTORY, LOOKS, np.ones(8))
    assert found.kept.tolist() == [True, True, False, False, False, True, False, True]
    assert (found.name, found.noun) == ("before_handoff", "leads not yet with sales")
    assert "4 of 8 test rows" in found.sentence
    assert (found.with_sales == ~found.kept).all() and "the model says" in found.sentence
    alone = population_of(SOURCE, HISTORY, LOOKS, np.ones(8), by_model=False)
    assert "4 of 8 matured rows" in alone.sentence and "model" not in alone.sentence
    assert "of the test" not in population_of(SOURCE, HISTORY, LOOKS, np.zeros(8), by_model=False).sentence


@pytest.mark.parametrize("declared", [None, "before_handoff", "all"])
def test_what_is_declared_holds_and_nobody_won_means_all_rows_said(declared: str | None) -> None:
    asked = {} if declared is None else {"comparison": {"population": declared}}
    source = Source.model_validate(DECLARED | asked)
    nobody = population_of(source, HISTORY, LOOKS, np.zeros(8))
    assert nobody.kept.all() == (declared != "before_handoff")
    assert population_of(source, HISTORY, LOOKS, np.ones(8)).kept.all() == (declared == "all")
    assert "all rows" in nobody.sentence or declared == "before_handoff"


def test_without_stages_that_tell_all_rows_are_compared_and_that_is_said() -> None:
    marketing_only = stages(("a", "mql", -1), ("b", "iql", -3))
    found = population_of(SOURCE, marketing_only, LOOKS, np.ones(8))
    assert found.kept.all() and not found.with_sales.any() and found.sentence == NO_STAGES
    assert found.noun == "leads"


def test_a_population_by_stages_needs_stages() -> None:
    text = (
        "name: s\nkind: relational\ncomparison: {population: before_handoff}\n"
        "tables:\n  leads: {location: {file: a.csv}, columns: {lead_id: {}, created_at: {}}}\n"
        "  outcomes: {location: {file: o.csv}, columns: {opportunity_id: {}, lead_id: {}, closed_at: {}, won: {}}}\n"
    )
    with pytest.raises(LeadScoreError, match=r"line 3: comparison.population: before_handoff is read from the table"):
        parse_source(text)


def test_sentences_and_record_say_whose_figures_they_are() -> None:
    matrix = toy_matrix(300, seed=2)
    judge = ScoredPolicy("model", np.arange(300.0))
    rubric = ScoredPolicy("rubric", -np.arange(300.0), handed_off=np.arange(300) < 40, threshold=1.0)
    at = SnapshotCapacity(Capacity())
    found = compare_policies(
        judge, rubric, JudgedRows.of(matrix, "leads not yet with sales"), capacity=at, resampling=Resampling(50)
    )
    assert all(
        "leads not yet with sales" in text for text in found.sentences if " of " in text and "precision" not in text
    )
    assert found.record()["noun"] == "leads not yet with sales"
    plain = compare_policies(judge, rubric, JudgedRows.of(matrix), capacity=at, resampling=Resampling(50))
    assert "of all leads to sales" in plain.sentences[-1]


@pytest.mark.parametrize(("cost", "offered"), [(5e-324, False), (1.0, False), (900.0, True)])
def test_a_policy_that_hands_off_nearly_everybody_is_not_offered(cost: float, offered: bool) -> None:
    matrix = toy_matrix(300, seed=2)
    chance = np.linspace(0.05, 0.95, 300)
    judge = ScoredPolicy("model", chance, probability=chance)
    money = SnapshotCapacity(Capacity(cost_per_handoff=cost, value_per_win=1000.0))
    found = compare_policies(judge, None, JudgedRows.of(matrix), capacity=money, resampling=Resampling(50))
    assert (Policy.MODEL_VALUE in {row.policy for row in found.policies}) == offered
    assert any("the limit is capacity" in note for note in found.notes) == (not offered)


def test_a_handoff_that_came_is_the_last_look_before_it() -> None:
    looks = keys(("a", 0), ("a", 7), ("b", 0))
    table = stages(("a", "sal", 10), ("b", "sal", 30))["stages"]
    assert handed(table, looks) == [False, False, False]
    assert handed(table, looks, until=[7, 14, 7]) == [False, True, False]


def handed(table: pd.DataFrame, looks: pd.DataFrame, until: list[int] | None = None) -> list[bool]:
    """Which looks hand off; ``until`` in days after the first look."""
    ends = None if until is None else micros(FIRST + pd.to_timedelta(pd.Series(until), unit="D"))
    mask = actual_handoff(table, Stage.SAL, looks, until=ends).handed_off
    assert mask is not None
    return [bool(one) for one in mask]


def test_a_handoff_before_a_lead_was_recycled_is_none_to_come() -> None:
    looks = keys(("r", 60), ("s", 60))
    table = stages(("r", "sal", 1), ("s", "sal", 1), ("s", "sal", 63))["stages"]
    assert handed(table, looks, until=[67, 67]) == [False, True]


def test_of_leads_looked_at_on_days_of_their_own_each_waits_for_its_next_look() -> None:
    """Looks 0, 3, 7, 14 and 30 days after creation; no week says when the next one comes."""
    days = (0, 3, 7, 14, 30)
    looks = keys(*((name, day) for name in "abc" for day in days))
    table = stages(("a", "sal", 5), ("b", "sal", 25), ("c", "sal", 100))["stages"]
    last = micros(looks["as_of"] + pd.Timedelta(days=90))
    until = next_looks(looks, looks, last)
    mask = actual_handoff(table, Stage.SAL, looks, until=until).handed_off
    assert mask is not None
    by_look = {
        (name, day): bool(one) for (name, day), one in zip(((n, d) for n in "abc" for d in days), mask, strict=True)
    }
    assert {look for look, came in by_look.items() if came} == {("a", 3), ("b", 14), ("c", 30)}
    part = looks[(looks["as_of"] <= FIRST + pd.Timedelta(days=14)).to_numpy()].reset_index(drop=True)
    ends = next_looks(part, looks, last[(looks["as_of"] <= FIRST + pd.Timedelta(days=14)).to_numpy()])
    assert ends.max() == micros(looks["as_of"]).max(), "looks outside the judged rows are looks, too"


@pytest.mark.parametrize("horizon", [2, 10, 90])
def test_every_handoff_is_one_from_the_last_look_before_it(horizon: int) -> None:
    """Held against a slow oracle; of a short horizon many handoffs come after it and before the next look."""
    rng = np.random.default_rng(horizon)
    names = [f"L{k}" for k in range(60)]
    seen = {name: sorted(rng.choice(40, size=rng.integers(1, 6), replace=False).tolist()) for name in names}
    entered = {name: int(rng.integers(0, 60)) for name in names}
    looks = keys(*((name, day) for name in names for day in seen[name]))
    table = stages(*((name, "sal", day) for name, day in entered.items()))["stages"]
    until = next_looks(looks, looks, micros(looks["as_of"] + pd.Timedelta(days=horizon)))
    mask = actual_handoff(table, Stage.SAL, looks, until=until).handed_off
    assert mask is not None
    found = {(name, (at - FIRST).days) for name, at in zip(looks["lead_id"][mask], looks["as_of"][mask], strict=True)}
    wanted = set()
    for name, day in entered.items():
        before = [look for look in seen[name] if look <= day]
        if before and (before[-1] != seen[name][-1] or day < before[-1] + horizon):
            wanted.add((name, before[-1]))
    assert found == wanted and len(wanted) > 10


def test_each_part_has_its_own_base_rate_and_order() -> None:
    matrix = toy_matrix(100, seed=4)
    label = np.r_[np.ones(10), np.zeros(40), np.ones(25), np.zeros(25)]
    test = replace(matrix, label=label)
    score = np.r_[np.arange(50.0)[::-1], np.zeros(50)]
    first = rank_population("first", test, np.arange(100) < 50, {"model": score})
    assert (first["rows"], first["won"], first["base_rate"], first["model_auc"]) == (50, 10, 0.2, 1.0)
    assert first["model_best_tenth"] == 1.0
    rest = rank_population("rest", test, np.arange(100) >= 50, {"model": score})
    assert (rest["base_rate"], rest["model_auc"]) == (0.5, 0.5)
    rows = np.random.default_rng(4).permutation(100)
    for name, kept in (
        ("first", np.arange(100) < 50),
        ("rest", np.arange(100) >= 50),
        ("all", np.ones(100, dtype=bool)),
    ):
        there = rank_population(name, test, kept, {"model": score, "rubric": np.round(score / 20)})
        moved = rank_population(
            name, test.take(rows), kept[rows], {"model": score[rows], "rubric": np.round(score[rows] / 20)}
        )
        assert moved == pytest.approx(there, nan_ok=True), "the order of the file decides nothing"
    nobody = rank_population("nobody", test, np.zeros(100, dtype=bool), {"model": score})
    assert nobody["base_rate"] is None and nobody["model_auc"] is None
