"""Who is looked at when, and what counts as won: open leads, episodes, horizons, maturity, weights."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.assembly.build_matrix import matrix_of
from features.assembly.closed_leads import closed_leads
from features.catalog.build_catalog import build_catalog
from features.cohort.cohort import build_cohort, cutoff_of, keys_of, open_cohort, segment_of
from features.cohort.labels import label
from features.cohort.record_segments import segments_of_records
from features.errors import ContractError, DataError
from features.schema.source import Source
from pipelines.ingest.diagnosis.late_work import describe_late_work
from pipelines.ingest.diagnosis.silent_outcomes import describe_silent_outcomes
from pipelines.ingest.diagnosis.stage_disagreements import describe_disagreements
from pipelines.ingest.early_closes import describe_early_closes
from tests.reference.worlds import DAY, SOURCE, T0, World, did, empty_world, frames, lead, moment

MONDAY = T0 + 3 * DAY - 9 * 3600 * 1_000_000  # 2024-10-07 00:00 UTC


def source_with(**changes: Any) -> Source:
    raw = SOURCE.model_dump(by_alias=True)
    for key, value in changes.items():
        raw[key] = {**raw[key], **value}
    return Source.model_validate(raw)


def closed(world: World, name: str, at: int, *, won: bool, known: int | None = None, **more: Any) -> None:
    row = {"opportunity_id": f"o{len(world['outcomes'])}", "lead_id": name, "closed_at": at, "won": won}
    world["outcomes"].append({**row, "known_at": at if known is None else known, **more})


def entered(world: World, name: str, stage: str, at: int) -> None:
    world["stages"].append({"lead_id": name, "stage": stage, "entered_at": at, "known_at": at})


def cohort(world: World, source: Source = SOURCE, days: int = 60) -> pd.DataFrame:
    return build_cohort(frames(world), source, moment(MONDAY + days * DAY))


def weeks(keys: pd.DataFrame, name: str = "a") -> list[int]:
    """Mondays since MONDAY at which a lead is in the cohort."""
    times = keys.loc[keys["lead_id"] == name, "as_of"]
    return [round((t - moment(MONDAY)) / pd.Timedelta(days=7)) for t in times]


def labels(world: World, source: Source = SOURCE, cutoff_days: int = 200, as_of: int = MONDAY) -> pd.DataFrame:
    tables = frames(world)
    keys = keys_of(tables, source, [row["lead_id"] for row in world["leads"]], moment(as_of))
    return label(keys, tables, source, moment(MONDAY + cutoff_days * DAY))


@pytest.fixture
def world() -> World:
    made = empty_world()
    lead(made, "a", MONDAY - 1)
    return made


def test_open_leads_are_looked_at_every_monday(world: World) -> None:
    assert weeks(cohort(world)) == list(range(9))


def test_a_lead_created_at_the_moment_is_not_yet_there() -> None:
    world = empty_world()
    lead(world, "a", MONDAY)
    assert weeks(cohort(world))[0] == 1


def test_a_lead_leaves_when_it_closes(world: World) -> None:
    closed(world, "a", MONDAY + 14 * DAY, won=False)
    assert weeks(cohort(world)) == [0, 1]


def test_a_lead_leaves_with_age(world: World) -> None:
    assert weeks(cohort(world, days=300))[-1] == 17  # 120 days


def test_a_disqualified_lead_leaves(world: World) -> None:
    entered(world, "a", "disqualified", MONDAY + 8 * DAY)
    assert weeks(cohort(world)) == [0, 1]


def test_a_recycled_lead_comes_back_as_a_new_episode_after_its_cool_down(world: World) -> None:
    entered(world, "a", "recycled", MONDAY + 8 * DAY)
    keys = cohort(world)
    assert weeks(keys) == [0, 1, 6, 7, 8]  # 8 + 30 days: from day 42 on
    assert keys["episode"].tolist() == [0, 0, 1, 1, 1]
    assert keys["age_days"].iloc[2] == 4.0


def test_a_recycle_may_be_declared_to_change_nothing(world: World) -> None:
    entered(world, "a", "recycled", MONDAY + 8 * DAY)
    keys = cohort(world, source_with(label={"recycled": "same_episode"}))
    assert weeks(keys) == list(range(9))


def test_a_lost_lead_that_is_worked_again_is_a_new_episode_and_a_won_one_is_not(world: World) -> None:
    lead(world, "b", MONDAY - 1)
    for name, won in (("a", False), ("b", True)):
        closed(world, name, MONDAY + 8 * DAY, won=won)
        entered(world, name, "mql", MONDAY + 22 * DAY)
    keys = cohort(world)
    assert weeks(keys, "a") == [0, 1, 4, 5, 6, 7, 8]
    assert weeks(keys, "b") == [0, 1]
    assert keys.loc[keys["lead_id"] == "a", "episode"].tolist() == [0, 0, 1, 1, 1, 1, 1]


def reopened(world: World, *, again: str = "sql") -> None:
    """Lost on day 8, worked again on day 10."""
    entered(world, "a", "lost", MONDAY + 8 * DAY)
    entered(world, "a", again, MONDAY + 10 * DAY)


def open_at(world: World, day: int) -> list[str]:
    return open_cohort(frames(world), SOURCE, moment(MONDAY + day * DAY))["lead_id"].tolist()


def test_a_close_told_again_by_a_slower_feed_does_not_end_the_lead_that_was_reopened(world: World) -> None:
    reopened(world)
    before = cohort(world)
    closed(world, "a", MONDAY + 8 * DAY, won=False, known=MONDAY + 13 * DAY)
    pd.testing.assert_frame_equal(cohort(world), before)
    assert weeks(before) == [0, 1, *range(2, 9)] and open_at(world, 20) == ["a"]


def test_a_close_learned_of_late_ends_the_episode_it_happened_in(world: World) -> None:
    reopened(world)
    entered(world, "a", "lost", MONDAY + 22 * DAY)  # the second episode is over, too
    closed(world, "a", MONDAY + 5 * DAY, won=False, known=MONDAY + 23 * DAY)
    keys = cohort(world)
    assert weeks(keys) == [0, 2, 3] and keys["episode"].tolist() == [0, 1, 1] and open_at(world, 30) == []
    closed(world, "a", MONDAY + 16 * DAY, won=False, known=MONDAY + 24 * DAY)
    assert weeks(cohort(world)) == [0, 2]


def test_a_close_within_the_cool_down_of_a_recycle_still_ends_the_lead(world: World) -> None:
    entered(world, "a", "recycled", MONDAY + 8 * DAY)
    closed(world, "a", MONDAY + 7 * DAY, won=False, known=MONDAY + 13 * DAY)  # why it was recycled
    assert weeks(cohort(world)) == [0, 6, 7, 8] and open_at(world, 50) == ["a"]
    closed(world, "a", MONDAY + 20 * DAY, won=False)
    assert weeks(cohort(world)) == [0] and open_at(world, 50) == []


def test_a_recycle_told_late_lets_the_lead_that_was_reopened_stand(world: World) -> None:
    reopened(world)
    world["stages"].append(
        {"lead_id": "a", "stage": "recycled", "entered_at": MONDAY + 9 * DAY, "known_at": MONDAY + 13 * DAY}
    )
    assert weeks(cohort(world)) == list(range(9)) and open_at(world, 20) == ["a"]


def test_a_win_learned_of_late_ends_the_lead_whatever_reopened_it(world: World) -> None:
    reopened(world)
    closed(world, "a", MONDAY + 8 * DAY, won=True, known=MONDAY + 13 * DAY)
    assert weeks(cohort(world)) == [0, 1] and open_at(world, 13) == ["a"] and open_at(world, 20) == []


@pytest.mark.parametrize("over", [False, True])
def test_a_win_learned_of_late_ends_every_time_the_lead_was_open(world: World, over: bool) -> None:
    moved(world, "a", ("lost", 22), ("sql", 24), *([("lost", 29)] if over else []))
    assert weeks(cohort(world))[:4] == [0, 1, 2, 3]
    closed(world, "a", MONDAY + 8 * DAY, won=True, known=MONDAY + 30 * DAY)
    assert weeks(cohort(world)) == [0, 1], "no look after its own win"


def test_work_before_the_close_that_is_learned_of_after_it_reopens_nothing(world: World) -> None:
    closed(world, "a", MONDAY + 8 * DAY, won=False)
    late = {"lead_id": "a", "entered_at": MONDAY + int(7.5 * DAY), "known_at": MONDAY + 13 * DAY}
    world["stages"] += [{**late, "stage": "sql"}, {**late, "stage": "recycled"}]
    assert weeks(cohort(world)) == [0, 1] and open_at(world, 50) == []


def test_repeat_wins_keep_a_lead_open(world: World) -> None:
    closed(world, "a", MONDAY + 14 * DAY, won=True)
    assert weeks(cohort(world, source_with(label={"repeat_wins": True}))) == list(range(9))


def test_open_now_uses_only_what_was_known(world: World) -> None:
    closed(world, "a", MONDAY + 5 * DAY, won=False, known=MONDAY + 9 * DAY)
    tables = frames(world)
    assert len(open_cohort(tables, SOURCE, moment(MONDAY + 9 * DAY))) == 1
    assert len(open_cohort(tables, SOURCE, moment(MONDAY + 9 * DAY + 1))) == 0


def test_after_creation_looks_at_declared_ages(world: World) -> None:
    policy = source_with(cohort={"policy": "after_creation", "after_days": (0, 3)})
    ages = cohort(world, policy)["age_days"]
    assert ages.tolist() == pytest.approx([1 / 24, 3 + 1 / 24])


def test_stage_entries_are_looked_at_after_they_settle(world: World) -> None:
    entered(world, "a", "mql", MONDAY + DAY)
    entered(world, "a", "sal", MONDAY + 2 * DAY)
    keys = cohort(world, source_with(cohort={"policy": "stage_entry", "stages": ("mql",)}))
    assert keys["as_of"].tolist() == [moment(MONDAY + DAY) + pd.Timedelta(hours=1)]


def test_an_earlier_entry_that_is_told_later_is_not_the_first(world: World) -> None:
    first_only = source_with(cohort={"policy": "stage_entry", "stages": ("mql",), "first_only": True})
    entered(world, "a", "mql", MONDAY + 9 * DAY)
    before = cohort(world, first_only)
    entered(world, "a", "mql", MONDAY + 20 * DAY)
    late = {"lead_id": "a", "stage": "mql", "entered_at": MONDAY + 2 * DAY, "known_at": MONDAY + 40 * DAY}
    world["stages"].insert(0, late)
    pd.testing.assert_frame_equal(cohort(world, first_only), before)
    assert before["as_of"].tolist() == [moment(MONDAY + 9 * DAY) + pd.Timedelta(hours=1)]


@pytest.mark.parametrize(("at", "won"), [(30 * DAY, 1.0), (30 * DAY + 1, 0.0), (1, 1.0)])
def test_a_win_counts_within_the_horizon(world: World, at: int, won: float) -> None:
    closed(world, "a", MONDAY + at, won=True, amount=50.0)
    found = labels(world)
    assert found["label"].tolist() == [won]
    assert found["amount"].notna().tolist() == [won == 1.0]


def test_a_win_known_after_the_reporting_lag_never_changes_a_label(world: World) -> None:
    closed(world, "a", MONDAY + 5 * DAY, won=True, known=MONDAY + 33 * DAY)
    assert labels(world)["label"].tolist() == [0.0]


@pytest.mark.parametrize(("cutoff", "matured"), [(33, True), (32, False)])
def test_an_early_win_does_not_mature_a_row(world: World, cutoff: int, matured: bool) -> None:
    closed(world, "a", MONDAY + DAY, won=True)
    found = labels(world, cutoff_days=cutoff)
    assert found["matured"].tolist() == [matured]
    assert found["label"].isna().tolist() == [not matured]
    assert found["label_known_at"].tolist() == [moment(MONDAY + 33 * DAY)]


def test_a_win_must_be_kept(world: World) -> None:
    closed(world, "a", MONDAY + DAY, won=True)
    entered(world, "a", "disqualified", MONDAY + 8 * DAY)
    assert labels(world)["label"].tolist() == [1.0]
    assert labels(world, source_with(label={"kept_days": 10}))["label"].tolist() == [0.0]
    assert labels(world, source_with(label={"kept_days": 5}))["label"].tolist() == [1.0]


def test_another_opportunity_lost_does_not_reverse_a_win(world: World) -> None:
    closed(world, "a", MONDAY + DAY, won=True, opportunity_id="o")
    closed(world, "a", MONDAY + 8 * DAY, won=False, opportunity_id="p")
    assert labels(world, source_with(label={"kept_days": 10}))["label"].tolist() == [1.0]


def test_of_two_wins_of_one_moment_the_other_stands_when_one_is_taken_back(world: World) -> None:
    for deal, amount in (("o", 5.0), ("p", 7.0)):
        closed(world, "a", MONDAY + DAY, won=True, opportunity_id=deal, amount=amount)
    closed(world, "a", MONDAY + 3 * DAY, won=False, opportunity_id="o")
    found = labels(world)
    assert found["label"].tolist() == [1.0] and found["amount"].tolist() == [7.0]


def test_horizons_may_differ_by_segment(world: World) -> None:
    world["leads"][0]["industry"] = "tools"
    closed(world, "a", MONDAY + 40 * DAY, won=True)
    longer = source_with(label={"segment": "industry", "horizon_by_segment": {"tools": 60}})
    assert labels(world, longer)["label"].tolist() == [1.0]


@pytest.mark.parametrize("column", ["industry", "revenue", None])
def test_the_segment_of_a_record_is_that_of_the_tables(world: World, column: str | None) -> None:
    world["leads"][0] |= {"industry": "tools", "account_id": "A"}
    lead(world, "b", MONDAY - 1, account_id="B")
    lead(world, "c", MONDAY - 1, industry="toys")
    for known, revenue in ((None, 1.5), (MONDAY, 2.5), (MONDAY - DAY, 3.5)):
        world["accounts"].append({"account_id": "A", "known_at": known, "revenue": revenue})
    world["accounts"].append({"account_id": "B", "known_at": MONDAY, "revenue": 7.5})
    source = source_with(label={"segment": column})
    expected = [None if pd.isna(name) else name for name in segment_of(frames(world), source)]
    assert segments_of_records(world, source, ["a", "b", "c"]) == expected
    assert expected == {"industry": ["tools", None, "toys"], "revenue": ["1.5", "7.5", None], None: [None] * 3}[column]


@pytest.mark.parametrize(("credit", "won"), [("lead", [0, 0]), ("account", [1, 1]), ("first_lead_of_account", [1, 0])])
def test_a_win_of_an_account_is_credited_as_declared(world: World, credit: str, won: list[float]) -> None:
    world["leads"][0]["account_id"] = "A"
    lead(world, "b", MONDAY - 1, account_id="A")
    closed(world, None, MONDAY + DAY, won=True, account_id="A")  # type: ignore[arg-type]
    assert labels(world, source_with(label={"credit": credit}))["label"].tolist() == won


@pytest.mark.parametrize("credit", ["account", "first_lead_of_account"])
def test_a_deal_before_a_lead_came_neither_closes_it_nor_counts_for_it(world: World, credit: str) -> None:
    world["leads"][0]["account_id"] = "A"
    closed(world, None, MONDAY - 200 * DAY, won=True, account_id="A")  # type: ignore[arg-type]
    source = source_with(label={"credit": credit})
    assert weeks(cohort(world, source)) == list(range(9))
    assert list(open_cohort(frames(world), source, moment(MONDAY + 30 * DAY))["lead_id"]) == ["a"]
    assert labels(world, source)["label"].tolist() == [0.0]
    (told,) = describe_early_closes(frames(world), source)
    assert told.startswith("1 of 1 closes (1 won) lie before every lead of their account (e.g. account 'A'")

    lead(world, "b", MONDAY - 300 * DAY, account_id="A")  # who was there is credited
    assert weeks(cohort(world, source)) == list(range(9)) and not describe_early_closes(frames(world), source)
    assert labels(world, source, as_of=MONDAY - 210 * DAY)["label"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("credit", "won"), [("account", [1, 1]), ("first_lead_of_account", [0, 1])])
def test_the_lead_that_a_deal_names_is_credited_whatever_the_rule(world: World, credit: str, won: list[float]) -> None:
    world["leads"][0]["account_id"] = "A"
    lead(world, "b", MONDAY - 1, account_id="A")
    closed(world, "b", MONDAY + DAY, won=True, account_id="A")
    source = source_with(label={"credit": credit})
    assert labels(world, source)["label"].tolist() == won
    assert weeks(cohort(world, source), "b") == [0]

    world["outcomes"] = []
    closed(world, "b", MONDAY - DAY, won=True, account_id="A")  # two clocks that disagree
    (told,) = describe_early_closes(frames(world), source)
    assert told.startswith("warning: 1 of 1 closes (1 won) lie before the creation of their lead (e.g. lead 'b'")


def test_stages_tell_the_outcome_where_there_are_no_outcomes(world: World) -> None:
    entered(world, "a", "won", MONDAY + DAY)
    assert labels(world)["label"].tolist() == [1.0]
    assert weeks(cohort(world)) == [0]


def test_stages_close_a_lead_beside_outcomes_of_others_and_outcomes_decide(world: World) -> None:
    for name in ("b", "c"):
        lead(world, name, MONDAY - 1)
    moved(world, "a", ("won", 8))  # no outcome of its own: its stages count
    moved(world, "b", ("lost", 8))
    moved(world, "c", ("won", 8))
    closed(world, "c", MONDAY + 9 * DAY, won=False)
    assert [weeks(cohort(world), name) for name in "abc"] == [[0, 1], [0, 1], [0, 1]]
    assert labels(world)["label"].tolist() == [1.0, 0.0, 0.0]
    over = closed_leads(frames(world), SOURCE, moment(MONDAY + 30 * DAY))
    assert {name: one.outcome for name, one in over.items()} == {"a": "won", "b": "lost", "c": "lost"}
    told = describe_disagreements(frames(world), SOURCE)
    assert "1 leads are won by their last stage, but lost by their outcomes (e.g. 'c')" in told
    assert "1 leads are lost by their last stage, but without an outcome (e.g. 'b')" in told


def test_a_stage_of_a_win_decides_until_its_outcome_is_known_and_not_for_others_of_the_account(world: World) -> None:
    moved(world, "a", ("won", 8))
    closed(world, "a", MONDAY + 9 * DAY, won=False, known=MONDAY + 400 * DAY)
    assert labels(world)["label"].tolist() == [1.0]
    moved(world, "a", ("opportunity", 8.5))
    assert labels(world)["label"].tolist() == [0.0]  # the stage was left again
    world["stages"] = []
    moved(world, "a", ("won", 8))
    assert labels(world, source_with(label={"credit": "account"}))["label"].tolist() == [0.0]


def test_an_opportunity_may_be_the_outcome(world: World) -> None:
    entered(world, "a", "opportunity", MONDAY + DAY)
    assert labels(world, source_with(label={"outcome": "opportunity"}))["label"].tolist() == [1.0]
    world["stages"].clear()
    with pytest.raises(ContractError, match="no row of 'stages' enters stage 'opportunity'"):
        labels(world, source_with(label={"outcome": "opportunity"}))


@pytest.mark.parametrize("stage", ["sal", "sql", "opportunity"])
def test_acceptance_by_sales_may_be_the_outcome_and_is_only_where_declared(world: World, stage: str) -> None:
    accepted = source_with(label={"outcome": "accepted"})
    lead(world, "b", MONDAY - 1)
    entered(world, "a", stage, MONDAY + DAY)
    entered(world, "b", "mql", MONDAY + DAY)
    entered(world, "b", "recycled", MONDAY + 2 * DAY)
    assert labels(world, accepted)["label"].tolist() == [1.0, 0.0], "sent back by sales is not accepted"
    assert labels(world)["label"].tolist() == [0.0, 0.0], "verdicts are no labels unless declared"

    over = closed_leads(frames(world), accepted, moment(MONDAY + 3 * DAY))
    assert "accepted by sales on" in over["a"].sentence and over.get("b", over["a"]).outcome != "won"
    assert closed_leads(frames(world), source_with(), moment(MONDAY + 3 * DAY)).keys().isdisjoint({"a"})
    world["stages"].clear()
    with pytest.raises(ContractError, match="no row of 'stages' enters stage 'sal' or 'sql' or 'opportunity'"):
        labels(world, accepted)


def test_leads_may_be_left_out_as_declared(world: World) -> None:
    lead(world, "b", MONDAY - 1)
    entered(world, "a", "disqualified", MONDAY + DAY)
    did(world, "b", "call", MONDAY + DAY, actor="rep")
    assert labels(world)["excluded"].tolist() == [False, False]
    assert labels(world, source_with(label={"disqualified": "excluded"}))["excluded"].tolist() == [True, False]
    lead(world, "c", MONDAY - 1)
    assert labels(world, source_with(label={"never_worked": "excluded"}))["excluded"].tolist() == [False, False, True]


def test_work_learned_of_after_the_label_was_settled_changes_nothing(world: World) -> None:
    policy = source_with(label={"never_worked": "excluded"})
    lead(world, "b", MONDAY - 1)
    lead(world, "c", MONDAY - 1)
    settled = MONDAY + 33 * DAY
    did(world, "b", "call", MONDAY + 20 * DAY, settled - 1, actor="rep")
    before = labels(world, policy)
    assert before["excluded"].tolist() == [True, False, True]

    did(world, "a", "call", MONDAY + 20 * DAY, settled, actor="rep")
    world["stages"].append({"lead_id": "c", "stage": "sql", "entered_at": MONDAY + DAY, "known_at": settled + DAY})
    did(world, "b", "call", MONDAY + 5 * DAY, settled + DAY, actor="rep")  # earlier than the call that was known
    pd.testing.assert_frame_equal(labels(world, policy), before)
    did(world, "a", "call", MONDAY + 31 * DAY, actor="rep")  # after the horizon
    assert labels(world, policy)["excluded"].tolist() == [True, False, True]


def test_work_of_a_feed_that_was_loaded_late_is_told(world: World) -> None:
    loaded = MONDAY + 290 * DAY
    for week in range(40):
        name, begun = f"w{week}", MONDAY + 7 * week * DAY
        lead(world, name, begun - 1)
        did(world, name, "call", begun + 5 * DAY, loaded, actor="rep")
        closed(world, name, begun + 10 * DAY, won=week % 2 == 0)
    did(world, "a", "demo", MONDAY + 330 * DAY)
    world["leads"] = world["leads"][1:]
    policy = source_with(label={"never_worked": "excluded"})
    told = describe_late_work(frames(world), policy)
    assert told.startswith(
        "warning: 36 of 40 looks at leads that were worked and not won are left out as never worked (e.g. of lead 'w1')"
    )
    assert "what 'activities' tell" in told and "91% of what is learned from is won, 50% with them" in told
    assert "or declare never_worked: lost" in told and describe_late_work(frames(world), SOURCE) == ""
    matrix = matrix_of(frames(world), policy, build_catalog(policy), cutoff_of(frames(world), policy))
    assert round(float(matrix.label[matrix.matured].mean()), 2) == 0.91

    for row in world["activities"][2:]:
        row["known_at"] = row["happened_at"]
    told = describe_late_work(frames(world), policy)  # a call that was synced late now and then
    assert told.startswith("2 of 40 looks") and "51% of what is learned from is won, 50% with them" in told
    world["activities"][1]["known_at"] = world["activities"][1]["happened_at"]
    assert describe_late_work(frames(world), policy) == ""
    for row in world["activities"][:-1]:
        late = {"stage": "sql", "entered_at": row["happened_at"], "known_at": loaded}
        world["stages"].append({"lead_id": row["lead_id"], **late})
    assert describe_late_work(frames(world), policy) == "", "known by the calls"
    world["activities"] = world["activities"][-1:]
    assert "what 'stages' tell" in describe_late_work(frames(world), policy)


def test_rows_of_a_lead_weigh_one_together(world: World) -> None:
    lead(world, "b", MONDAY + 40 * DAY)
    tables, catalog = frames(world), build_catalog(SOURCE)
    matrix = matrix_of(tables, SOURCE, catalog, moment(MONDAY + 120 * DAY))
    by_lead = pd.Series(matrix.weight[matrix.matured]).groupby(matrix.keys["lead_id"][matrix.matured]).sum()
    assert by_lead.to_numpy() == pytest.approx(np.ones(2))
    assert matrix.keys["as_of"].is_monotonic_increasing


def test_the_cut_off_is_just_after_the_latest_thing_known(world: World) -> None:
    did(world, "a", "demo", MONDAY, MONDAY + 3 * DAY)
    assert cutoff_of(frames(world), SOURCE) == moment(MONDAY + 3 * DAY + 1)
    declared = SOURCE.model_copy(update={"data_cutoff": "2024-12-31T01:00:00+01:00"})
    assert cutoff_of(frames(world), declared) == pd.Timestamp("2024-12-31")
    with pytest.raises(DataError, match="no row with a known_at"):
        cutoff_of(frames(empty_world()), SOURCE)


def test_who_closed_on_the_last_day_of_the_data_is_not_listed_as_open(world: World) -> None:
    end_of_day = MONDAY + 3 * DAY - 1  # as a close without a time of day is known
    for name, won in (("b", True), ("c", False)):
        lead(world, name, MONDAY)
        closed(world, name, end_of_day, won=won)
    tables = frames(world)
    assert open_cohort(tables, SOURCE, cutoff_of(tables, SOURCE))["lead_id"].tolist() == ["a"]
    assert set(closed_leads(tables, SOURCE, cutoff_of(tables, SOURCE))) == {"b", "c"}


def test_an_unknown_lead_is_named(world: World) -> None:
    with pytest.raises(ContractError, match="1 of 2 leads are not in table 'leads' \\(zz\\)"):
        keys_of(frames(world), SOURCE, ["a", "zz"], moment(MONDAY))


def test_a_cohort_may_start_late_and_take_some_leads_only(world: World) -> None:
    lead(world, "b", MONDAY - 1, industry="Tools", employees=50.0)
    lead(world, "c", MONDAY - 1, industry="food", employees=50.0)
    start = moment(MONDAY + 21 * DAY)
    late = cohort(world, source_with(cohort={"from": start.isoformat()}))
    assert weeks(late) == [3, 4, 5, 6, 7, 8] and weeks(late, "b") == weeks(late)
    zoned = cohort(world, source_with(cohort={"from": (start + pd.Timedelta(hours=2)).isoformat() + "+02:00"}))
    assert weeks(zoned) == weeks(late)

    some = source_with(cohort={"where": {"industry": "tools", "employees": 50}})
    assert set(cohort(world, some)["lead_id"]) == {"b"}
    both = source_with(cohort={"where": {"industry": ["tools", "food"]}})
    assert set(cohort(world, both)["lead_id"]) == {"b", "c"}
    now = moment(MONDAY + 9 * DAY)
    assert open_cohort(frames(world), some, now)["lead_id"].tolist() == ["b"], "and only these are listed"
    assert len(open_cohort(frames(world), SOURCE, now)) == 3


def test_only_the_first_entry_of_a_stage_may_count(world: World) -> None:
    for day in (1, 8, 20):
        entered(world, "a", "mql", MONDAY + day * DAY)
    entered(world, "a", "sal", MONDAY + 9 * DAY)
    policy = {"policy": "stage_entry", "stages": ("mql", "sal"), "settle_hours": 2}
    every, first = (cohort(world, source_with(cohort={**policy, "first_only": only})) for only in (False, True))
    assert len(every) == 4
    assert first["as_of"].tolist() == [moment(MONDAY + d * DAY) + pd.Timedelta(hours=2) for d in (1, 9)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"where": {"colour": "red"}}, "leads do not declare"),
        ({"where": {"website": "a"}}, "edited after creation"),
        ({"from": "soon"}, "isoformat"),
        ({"first_only": True}, "belongs to policy stage_entry"),
        ({"where": {"industry": []}}, "at least 1 item"),
    ],
)
def test_a_cohort_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        source_with(cohort=changes)


def moved(world: World, name: str, *stages: tuple[str, float]) -> None:
    for stage, day in stages:
        entered(world, name, stage, MONDAY + int(day * DAY))


def test_a_win_taken_back_is_open_again_and_no_win(world: World) -> None:
    moved(world, "a", ("opportunity", 1), ("won", 8), ("opportunity", 8.2))
    assert weeks(cohort(world))[:5] == [0, 1, 2, 3, 4]
    assert labels(world)["label"].tolist() == [0.0]
    assert list(open_cohort(frames(world), SOURCE, moment(MONDAY + 30 * DAY))["lead_id"]) == ["a"]


def test_a_win_taken_back_and_won_again_is_won(world: World) -> None:
    moved(world, "a", ("won", 8), ("opportunity", 8.2), ("won", 15.5))
    assert weeks(cohort(world)) == [0, 1, 2]
    assert labels(world)["label"].tolist() == [1.0]


def test_a_win_that_ends_lost_is_neither_open_nor_won(world: World) -> None:
    moved(world, "a", ("won", 8), ("lost", 10))
    assert weeks(cohort(world)) == [0, 1]
    assert labels(world)["label"].tolist() == [0.0]


def test_a_win_left_after_the_declared_days_stands_and_stays_closed(world: World) -> None:
    moved(world, "a", ("won", 8), ("opportunity", 25))
    assert labels(world)["label"].tolist() == [0.0]
    strict = source_with(label={"taken_back_days": 10})
    assert weeks(cohort(world, strict)) == [0, 1]
    assert labels(world, strict)["label"].tolist() == [1.0]


def test_a_win_taken_back_after_its_label_was_settled_does_not_change_it(world: World) -> None:
    world["stages"] += [
        {"lead_id": "a", "stage": "won", "entered_at": MONDAY + 8 * DAY, "known_at": MONDAY + 8 * DAY},
        {"lead_id": "a", "stage": "opportunity", "entered_at": MONDAY + 9 * DAY, "known_at": MONDAY + 100 * DAY},
    ]
    assert labels(world)["label"].tolist() == [1.0]


def test_an_opportunity_won_and_then_lost_was_not_won(world: World) -> None:
    closed(world, "a", MONDAY + 8 * DAY, won=True, opportunity_id="o")
    closed(world, "a", MONDAY + 9 * DAY, won=False, opportunity_id="o")
    assert labels(world)["label"].tolist() == [0.0]
    moved(world, "a", ("opportunity", 20))
    assert weeks(cohort(world))[:4] == [0, 1, 3, 4]


def test_another_opportunity_lost_leaves_the_win_alone(world: World) -> None:
    closed(world, "a", MONDAY + 8 * DAY, won=True, opportunity_id="o")
    closed(world, "a", MONDAY + 9 * DAY, won=False, opportunity_id="p")
    assert labels(world)["label"].tolist() == [1.0]
    for credit in ("lead", "account", "first_lead_of_account"):
        world["leads"][0]["account_id"] = "A"
        world["outcomes"] = []
        closed(world, "a", MONDAY + 8 * DAY, won=True, opportunity_id="o", account_id="A")
        closed(world, "a", MONDAY + 9 * DAY, won=False, opportunity_id="o", account_id="A")
        assert labels(world, source_with(label={"credit": credit}))["label"].tolist() == [0.0]


def test_outcomes_that_end_before_everything_else_are_told(world: World) -> None:
    for week in range(40):
        name = f"w{week}"
        lead(world, name, MONDAY + week * 7 * DAY)
        did(world, name, "demo", MONDAY + (week + 1) * 7 * DAY)
        if week < 26:
            closed(world, name, MONDAY + (week * 7 + 3) * DAY, won=week % 3 == 0)
    told = describe_silent_outcomes(frames(world), SOURCE)
    assert told.startswith("warning: closes end on 2025-04-03, 102 days before the data cut-off (2025-07-14)")
    assert "Looks from 2025-03-04 to 2025-06-11 count as not won where nobody knows" in told
    assert "declare data_cutoff: '2025-04-04'" in told
    declared = SOURCE.model_copy(update={"data_cutoff": "2025-04-04"})
    assert describe_silent_outcomes(frames(world), declared) == ""

    for week in range(26, 40):  # stages go on telling what became of the leads
        entered(world, f"w{week}", "won" if week % 3 == 0 else "lost", MONDAY + (week * 7 + 3) * DAY)
    assert describe_silent_outcomes(frames(world), SOURCE) == ""
    by_account = source_with(label={"credit": "account"})  # deals of an account are told by outcomes alone
    assert describe_silent_outcomes(frames(world), by_account) == told
    world["outcomes"].clear()
    assert describe_silent_outcomes(frames(world), SOURCE) == ""
