"""A lead that is over says so, and how; one that was opened again does not."""

from typing import Any

import pandas as pd
import pytest

from features.assembly.closed_leads import ClosedLead, closed_ids_at, closed_leads
from features.assembly.flat_matrix import flat_matrix, flat_open
from features.errors import DataError
from features.schema.source import Source
from models.judging.lifecycle.figures import measure_lifecycle
from models.judging.lifecycle.policy import parse_policy
from tests.reference.worlds import DAY, SOURCE, T0, World, empty_world, frames, lead, moment


def closed(world: World, at: int, *, won: bool, known: int | None = None, deal: str = "o") -> None:
    row = {"opportunity_id": deal, "lead_id": "a", "closed_at": at, "won": won}
    world["outcomes"].append({**row, "known_at": at if known is None else known})


def entered(world: World, *stages: tuple[str, float]) -> None:
    for stage, day in stages:
        at = T0 + int(day * DAY)
        world["stages"].append({"lead_id": "a", "stage": stage, "entered_at": at, "known_at": at})


@pytest.fixture
def world() -> World:
    made = empty_world()
    lead(made, "a", T0)
    lead(made, "b", T0)
    return made


def ended(world: World, day: float, source: Source = SOURCE) -> dict[str, ClosedLead]:
    return closed_leads(frames(world), source, moment(T0 + int(day * DAY)))


def test_a_won_lead_is_over_once_that_is_known(world: World) -> None:
    closed(world, T0 + 5 * DAY, won=True, known=T0 + 7 * DAY)
    assert ended(world, 6) == {}
    assert ended(world, 8) == {"a": ClosedLead("won", moment(T0 + 5 * DAY))}


def test_how_it_ended_is_the_last_close_that_stands(world: World) -> None:
    entered(world, ("disqualified", 3))
    assert ended(world, 4)["a"].outcome == "disqualified"
    entered(world, ("opportunity", 5), ("lost", 9))
    assert ended(world, 6) == {}
    assert ended(world, 10)["a"] == ClosedLead("lost", moment(T0 + 9 * DAY))
    world["stages"] = []
    entered(world, ("won", 3), ("opportunity", 3.2))
    assert ended(world, 4) == {}
    entered(world, ("lost", 6))
    assert ended(world, 7)["a"].outcome == "lost"


def test_a_close_of_an_earlier_time_that_is_told_late_does_not_say_how_it_ended(world: World) -> None:
    late = {"lead_id": "a", "stage": "disqualified", "entered_at": T0 + 3 * DAY, "known_at": T0 + 20 * DAY}
    entered(world, ("lost", 3), ("sql", 5), ("lost", 9))
    world["stages"].append(late)
    assert ended(world, 21)["a"] == ClosedLead("lost", moment(T0 + 9 * DAY))
    closed(world, T0 + 3 * DAY, won=False)  # the first time by an outcome, the second by its stage alone
    assert ended(world, 21)["a"] == ClosedLead("lost", moment(T0 + 9 * DAY))
    late["entered_at"] = T0 + 9 * DAY
    assert ended(world, 21)["a"] == ClosedLead("disqualified", moment(T0 + 9 * DAY))
    closed(world, T0 + 4 * DAY, won=True, known=T0 + 22 * DAY)
    assert ended(world, 23)["a"].outcome == "won", "whenever it happened"


def test_a_close_within_the_cool_down_says_how_it_ended(world: World) -> None:
    entered(world, ("recycled", 3), ("lost", 7))  # it would be open again from day 33 on
    assert ended(world, 8)["a"] == ClosedLead("lost", moment(T0 + 7 * DAY))


@pytest.mark.parametrize(("outcome", "reached_on"), [("opportunity", 5), ("accepted", 3)])
def test_a_loss_after_what_counts_as_won_is_told_with_its_own_day(world: World, outcome: str, reached_on: int) -> None:
    reached = SOURCE.model_copy(update={"label": SOURCE.label.model_copy(update={"outcome": outcome})})
    entered(world, ("sal", 3), ("opportunity", 5))
    closed(world, T0 + 25 * DAY, won=False)
    over = ended(world, 30, reached)
    assert over["a"].sentence == f"lost on {moment(T0 + 25 * DAY):%Y-%m-%d}, not open any more"
    scored_at = over["a"].scored_at(moment(T0 + 30 * DAY))
    assert scored_at == moment(T0 + reached_on * DAY), "its score is of when it was open last"
    assert over["a"].score_sentence == f"the score is of {scored_at:%Y-%m-%d}, when it was last open"

    policy = parse_policy("name: p\nstages:\n  opportunity: {owner: sales}\n")
    row = measure_lifecycle(frames(world), policy, moment(T0 + 40 * DAY), None, over).stages.iloc[0]
    assert row["median_days"] == pytest.approx(20.0), "from the opportunity to its loss"


def test_a_win_after_a_loss_is_told_with_its_own_day(world: World) -> None:
    closed(world, T0 + 5 * DAY, won=False)
    closed(world, T0 + 8 * DAY, won=True, deal="p")
    assert ended(world, 9)["a"] == ClosedLead("won", moment(T0 + 8 * DAY), open_until=moment(T0 + 5 * DAY))
    assert ended(world, 9)["a"].scored_at(moment(T0 + 9 * DAY)) == moment(T0 + 5 * DAY)


def test_a_lead_lost_twice_was_lost_the_first_time(world: World) -> None:
    closed(world, T0 + 5 * DAY, won=False)
    closed(world, T0 + 8 * DAY, won=False, deal="p")
    assert ended(world, 9)["a"] == ClosedLead("lost", moment(T0 + 5 * DAY))


@pytest.mark.parametrize("between", ["lost", "disqualified"])
def test_a_lead_disqualified_twice_was_so_the_first_time_whatever_is_told_between(world: World, between: str) -> None:
    entered(world, ("lost", 3), ("disqualified", 3), (between, 4), ("disqualified", 5))  # days without a time of day
    assert ended(world, 6)["a"] == ClosedLead("disqualified", moment(T0 + 3 * DAY))
    world["stages"] = []
    entered(world, ("lost", 3), ("disqualified", 5))
    assert ended(world, 6)["a"].sentence.startswith(f"disqualified on {moment(T0 + 5 * DAY):%Y-%m-%d}")
    entered(world, ("sql", 7), ("disqualified", 9), ("lost", 11), ("disqualified", 12))
    assert ended(world, 13)["a"] == ClosedLead("disqualified", moment(T0 + 9 * DAY)), "of the time it was open last"


def test_several_moments_at_once_say_what_each_says_alone(world: World) -> None:
    entered(world, ("disqualified", 3), ("opportunity", 5), ("lost", 9))
    closed(world, T0 + 12 * DAY, won=True, known=T0 + 14 * DAY)
    when = [moment(T0 + day * DAY) for day in range(1, 16)]
    alone = [set(closed_leads(frames(world), SOURCE, at)) for at in when]
    assert closed_ids_at(frames(world), SOURCE, when) == alone
    assert {len(found) for found in alone} == {0, 1}


def test_a_card_of_a_closed_lead_asks_for_nothing(world: World) -> None:
    card: dict[str, Any] = {"question": "?", "next_action": "hand_off", "criteria": [{"question": "?"}, {"id": "x"}]}
    marked = ClosedLead("won", pd.Timestamp("2024-01-28")).mark(card)
    assert marked["question"] == "" and marked["next_action"] == "none"
    assert marked["criteria"] == [{"question": ""}, {"id": "x"}]
    assert marked["closed"]["text"] == "won on 2024-01-28, not open any more"
    assert ClosedLead("lost", None).sentence == "lost, not open any more"


FLAT: dict[str, Any] = {
    "name": "f",
    "kind": "flat",
    "flat": {
        "target": {"column": "s", "won": ["Won"], "lost": ["Lost"], "disqualified": ["Junk"], "open": ["New", ""]},
        "lead_id": "key",
        "order": "row",
    },
    "tables": {"leads": {"columns": {"key": {"type": "id", "role": "display"}, "n": {"type": "number"}, "s": {}}}},
}
ROWS = pd.DataFrame(
    {
        "key": pd.Series(list("vwxyz"), dtype="str"),
        "lead_id": pd.Series(list("vwxyz"), dtype="str"),
        "n": [1.0, 2.0, 3.0, 4.0, 5.0],
        "s": pd.Series(["Won", "Lost", "Junk", "new", None], dtype="str"),
    }
)


def test_open_rows_of_a_flat_file_are_listed_and_never_learned_from() -> None:
    source = Source.model_validate(FLAT)
    past, now = flat_matrix(ROWS, source), flat_open(ROWS, source)
    assert past.keys["lead_id"].tolist() == ["v", "w", "x"] and past.label.tolist() == [1.0, 0.0, 0.0]
    assert now is not None and now.keys["lead_id"].tolist() == ["y", "z"] and now.values["n"].tolist() == [4.0, 5.0]
    assert {name: c.outcome for name, c in closed_leads({"leads": ROWS}, source, None).items()} == {
        "v": "won",
        "w": "lost",
        "x": "disqualified",
    }


def test_disqualified_rows_count_as_declared() -> None:
    left_out = Source.model_validate(FLAT | {"label": {"disqualified": "excluded"}})
    assert flat_matrix(ROWS, left_out).keys["lead_id"].tolist() == ["v", "w"]
    assert flat_open(ROWS, left_out) is not None


def test_a_value_nobody_declared_is_named() -> None:
    strange = ROWS.assign(s=pd.Series(["Won", "Lost", "Maybe", "new", None], dtype="str"))
    with pytest.raises(DataError, match=r"neither won \(Won\) nor lost \(Lost\), e.g. Maybe in row 3"):
        flat_matrix(strange, Source.model_validate(FLAT))
