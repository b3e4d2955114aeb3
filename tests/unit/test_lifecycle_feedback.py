"""What sales said is set against the score of that time; unknown decisions and later scores are left out."""

import numpy as np
import pandas as pd
import pytest

from models.judging.handoff.replay import snapshot_starts
from models.judging.lifecycle.sales_feedback import (
    ACCEPTED,
    RETURNED,
    SCORE_RIGHT,
    THIRDS,
    UNDECIDED,
    agreement,
    disagreements,
    return_reasons,
    sales_decisions,
    scored_decisions,
    who_was_right,
)
from models.judging.lifecycle.service_levels import stage_entries
from pipelines.artifacts.lifecycle_record import LifecycleRecord
from pipelines.diagnostics.promises_by_month import promises_by_month
from pipelines.report.lifecycle_section import waste_line
from tests.reference.partial_records import partial_record
from tests.unit.test_lifecycle_figures import at, figures, policy, world

DAY = pd.Timedelta(days=1)
WEEK = pd.Timestamp("2025-01-06")


def said() -> pd.DataFrame:
    return sales_decisions(stage_entries(world()["stages"], pd.Timestamp("2025-06-01")), policy())


def judged() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Six leads on two Mondays; lead k has probability k / 10, on the second Monday (10 - k) / 10."""
    leads = [f"L{k}" for k in range(6)]
    keys = pd.DataFrame({"lead_id": leads * 2, "group": leads * 2, "as_of": [WEEK] * 6 + [WEEK + 7 * DAY] * 6})
    keys["as_of"] = keys["as_of"].astype("datetime64[us]")
    probability = np.r_[np.arange(6) / 10, (10 - np.arange(6)) / 10]
    return keys, probability, np.zeros(12)


def decided(lead: str, when: pd.Timestamp, decision: str = RETURNED) -> pd.DataFrame:
    frame = pd.DataFrame({"lead_id": [lead], "sent_at": [when], "decided_at": [when]})
    return frame.astype({"decided_at": "datetime64[us]"}).assign(decision=decision, reason="timing")


def test_acceptance_return_and_silence_are_told_apart_with_the_reason_given() -> None:
    found = said()
    assert found.groupby("decision").size().to_dict() == {ACCEPTED: 4, RETURNED: 1}
    row = found[found["decision"] == RETURNED].iloc[0]
    assert (row["lead_id"], row["reason"], row["decided_at"]) == ("L4", "no budget", at(48))
    assert return_reasons(found).values.tolist() == [["no budget", 1]]
    assert "L5" not in set(found["lead_id"]), "sent, and nothing said yet"


def test_the_score_is_the_last_before_the_decision_and_not_a_stale_one() -> None:
    keys, probability, label = judged()
    for when, expected in ((WEEK, None), (WEEK + DAY, 0.2), (WEEK + 7 * DAY, 0.2), (WEEK + 8 * DAY, 0.8)):
        found = scored_decisions(decided("L2", when), keys, probability, label)
        assert found["probability"].tolist() == ([] if expected is None else [expected])
    assert not len(scored_decisions(decided("L2", WEEK + 40 * DAY), keys, probability, label))


@pytest.mark.parametrize(("lead", "decision", "listed"), [("L5", RETURNED, True), ("L0", RETURNED, False)])
def test_disagreement_is_a_return_of_the_best_third_or_an_acceptance_of_the_last(
    lead: str, decision: str, listed: bool
) -> None:
    keys, probability, label = judged()
    found = scored_decisions(decided(lead, WEEK + DAY, decision), keys, probability, label)
    assert found["third"].tolist() == [THIRDS[2 if lead == "L5" else 0]]
    assert (len(disagreements(found)) == 1) is listed
    other = found.assign(decision=ACCEPTED)
    assert (len(disagreements(other)) == 1) is not listed
    table = agreement(found).set_index("sales_and_score")
    assert table["n"].sum() == 1 and table.loc[f"returned, {THIRDS[2 if lead == 'L5' else 0]}", "n"] == 1


def test_levels_by_month_add_up_to_the_levels_and_small_months_are_not_shown() -> None:
    found = figures()
    months = found.sla_by_month.groupby(["stage", "what"])[["judged", "met"]].sum()
    whole = found.sla.set_index(["stage", "what"])
    assert months.loc[("mql", "next step"), "met"] == whole.loc[("mql", "next step"), "met"]
    assert months.loc[("mql", "next step"), "judged"] == 6, "the one of February is alone and left out"
    record = found.record()
    shown = promises_by_month(record["sla_by_month"], record["sla"])
    assert [(one.stage, one.what) for one in shown.promises] == [("mql", "next step"), ("mql", "first touch")]
    assert shown.months == ("2025-01",)
    cell = shown.promises[0].cells[0]
    assert cell is not None and cell.attained == pytest.approx(4 / 6)


def test_worked_and_never_worked_are_shown_apart_and_waste_is_counted() -> None:
    found = figures()
    assert found.worked.set_index("leads")["n"].to_dict() == {"worked": 5, "never worked": 4}
    assert "decisions" not in found.record(), "they name leads"
    assert waste_line(partial_record(LifecycleRecord, found.record())) == (
        "4 of 6 leads that were sent to sales were not qualified so far (67%); the youngest of them may still be."
    )
    assert "returned 1 (20%)" in found.sentences[1]


def test_who_was_right_is_told_by_what_became_of_the_leads() -> None:
    rows = [(RETURNED, THIRDS[2], "timing", "north", 1.0)] * 12 + [(RETURNED, THIRDS[2], "budget", "south", 0.0)] * 12
    rows += [(ACCEPTED, THIRDS[0], "", "north", 0.0)] * 30 + [(ACCEPTED, THIRDS[1], "", "north", 0.0)] * 30
    names = ["decision", "third", "reason", "team", "won"]
    apart = pd.DataFrame(rows, columns=names).assign(group=range(len(rows)))
    found = who_was_right(apart, 5).set_index(["what", "group"])
    returned, accepted = "returned though in the upper third", "accepted though in the lower third"
    assert found["base"].iloc[0] == pytest.approx(12 / 84)
    assert found.loc[(returned, "reason: timing"), "right"] == SCORE_RIGHT
    assert found.loc[(returned, "team: south"), "n"] == 12
    assert found.loc[(returned, "all"), "right"] == SCORE_RIGHT
    assert found.loc[(accepted, "all"), ["n", "right"]].tolist() == [30, SCORE_RIGHT]
    small = who_was_right(apart, 13)
    assert set(small["group"]) == {"all", "team: north", "reason: (no reason)"}
    none = who_was_right(apart[-30:], 5)
    assert none[["group", "n", "right"]].values.tolist() == [["all", 0, UNDECIDED]] * 2


def test_three_accounts_do_not_tell_who_was_right() -> None:
    rows = [(RETURNED, THIRDS[2], "timing", "north", float(k < 12), k // 6) for k in range(18)]
    rows += [(ACCEPTED, THIRDS[1], "", "north", float(k % 8 == 0), 100 + k) for k in range(60)]
    frame = pd.DataFrame(rows, columns=["decision", "third", "reason", "team", "won", "group"])
    assert who_was_right(frame, 5).iloc[0]["right"] == UNDECIDED
    assert who_was_right(frame.assign(group=range(len(frame))), 5).iloc[0]["right"] == SCORE_RIGHT


def test_a_group_is_held_against_the_others_and_those_are_not_exact() -> None:
    """11 of 20 returned leads won, and 7 of the 20 others: the rate of all is known no better than that of 40."""
    rows = [(RETURNED, THIRDS[2], "timing", "north", float(k < 11)) for k in range(20)]
    rows += [(ACCEPTED, THIRDS[1], "", "north", float(k < 7)) for k in range(20)]
    frame = pd.DataFrame(rows, columns=["decision", "third", "reason", "team", "won"]).assign(group=range(40))
    assert who_was_right(frame, 5).iloc[0]["right"] == UNDECIDED
    alone = who_was_right(frame[:20], 5).iloc[0]
    assert alone["right"] == UNDECIDED and alone["n"] == 20, "no others to hold it against"


def test_a_lead_that_was_sent_twice_counts_once_with_what_was_said_first() -> None:
    keys, probability, label = judged()
    twice = pd.concat([decided("L5", WEEK + DAY), decided("L5", WEEK + 8 * DAY, ACCEPTED)], ignore_index=True)
    found = scored_decisions(twice, keys, probability, label)
    assert found["decision"].tolist() == [RETURNED] and found["probability"].tolist() == [0.5]


def test_leads_looked_at_at_moments_of_their_own_are_ranked_within_their_week() -> None:
    """Off the calendar grid every moment has one lead, which would be the best of its moment whatever its score."""
    keys, probability, label = judged()
    own = keys.assign(as_of=keys["as_of"] + pd.to_timedelta(np.arange(12), unit="h").as_unit("us"))
    week = snapshot_starts(own["as_of"], None)
    for lead, third in (("L0", 0), ("L3", 1), ("L5", 2)):
        found = scored_decisions(decided(lead, WEEK + 2 * DAY), own, probability, label, week)
        assert found["third"].tolist() == [THIRDS[third]]


def test_fewer_than_three_leads_have_no_thirds() -> None:
    keys, probability, label = judged()
    for leads, told in ((["L4", "L5"], 0), (["L3", "L4", "L5"], 1)):
        part = keys["lead_id"].isin(leads).to_numpy()
        few = scored_decisions(
            decided("L5", WEEK + DAY), keys[part].reset_index(drop=True), probability[part], label[part]
        )
        assert len(few) == told
