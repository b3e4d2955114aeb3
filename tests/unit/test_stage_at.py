"""The CRM stage at a moment: against a slow walk over the entries, and the record built on it."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from features.assembly.stage_at import stages_at
from features.kernel.column_reader import FrameRows
from features.point_in_time.microseconds import NEVER, micros
from features.schema.source import Label
from features.schema.vocabulary import LeadList, Phase, Stage
from models.standing.record import Standing

ORDER = [str(stage) for stage in Stage]
SALES, BACK = ("sal", "sql", "opportunity"), ("lead", "iql", "mql", "pql", "recycled")


def table(*rows):
    frame = pd.DataFrame(rows, columns=["lead_id", "stage", "entered_at", "known_at", "owner"])
    for name in ("entered_at", "known_at"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    return frame.assign(reason=None)


def asked(stages, *looks):
    when = micros(pd.DatetimeIndex(pd.to_datetime([at for _, at in looks])))
    return stages_at(FrameRows(stages), [lead for lead, _ in looks], when)


def by_walking(stages, lead, as_of):
    """Stage, since and handoff, by replaying every entry in the order it became known."""
    own = stages[(stages["lead_id"] == lead) & (stages["known_at"] < as_of)].copy()
    own["place"] = [ORDER.index(name) for name in own["stage"]]
    own = own.sort_values(["known_at", "entered_at", "place"], kind="stable")
    now, since, handed = None, None, None
    for row in own.itertuples():
        if now is None or (row.entered_at, row.place) >= (now.entered_at, now.place):
            before, now = now, row
            since = since if before is not None and before.stage == row.stage else row.entered_at
            if row.stage in BACK:
                handed = None
            elif row.stage in SALES and handed is None:
                handed = row.entered_at
    return ("", None, None) if now is None else (now.stage, since, handed)


def test_agrees_with_a_walk_over_the_entries():
    rng = np.random.default_rng(3)
    n = 400
    entered = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 60, n), unit="D")
    stages = table(
        *zip(
            rng.choice(list("abcdefgh"), n),
            rng.choice(ORDER, n),
            entered,
            entered + pd.to_timedelta(rng.choice([0, 0, 0, 5], n), unit="D"),
            rng.choice(["ann", "bob"], n),
            strict=True,
        )
    )
    looks = [(lead, pd.Timestamp("2025-01-01") + pd.Timedelta(days=int(d))) for lead in "abcdefghz" for d in range(70)]
    found = asked(stages, *looks)
    for k, (lead, at) in enumerate(looks):
        stage, since, handed = by_walking(stages, lead, at)
        assert found.stage[k] == stage
        for values, wanted in ((found.since, since), (found.handed_over, handed)):
            assert values[k] == (NEVER if wanted is None else micros(pd.DatetimeIndex([wanted]))[0])


def test_an_entry_counts_once_it_is_known_and_not_before():
    stages = table(("a", "mql", "2025-01-01", "2025-01-01", "ann"), ("a", "sal", "2025-01-05", "2025-01-09", "bob"))
    found = asked(stages, ("a", "2025-01-01"), ("a", "2025-01-09"), ("a", "2025-01-10"), ("nobody", "2025-01-10"))
    assert found.stage.tolist() == ["", "mql", "sal", ""]
    assert found.owner.tolist() == ["", "ann", "bob", ""]


def test_what_is_learned_of_late_does_not_undo_what_came_after_it():
    stages = table(("a", "sql", "2025-02-01", "2025-02-01", "ann"), ("a", "mql", "2025-01-01", "2025-03-01", "ann"))
    assert asked(stages, ("a", "2025-04-01")).stage.tolist() == ["sql"]


def test_phases_follow_the_stage_and_a_recycled_lead_cools_down():
    stages = table(
        ("r", "recycled", "2025-01-01", "2025-01-01", ""),
        ("o", "opportunity", "2025-01-01", "2025-01-01", ""),
        ("w", "won", "2025-01-01", "2025-01-01", ""),
        ("d", "disqualified", "2025-01-01", "2025-01-01", ""),
    )
    looks = [("r", "2025-01-10"), ("r", "2025-02-10"), *((name, "2025-01-10") for name in ("o", "w", "d", "new"))]
    found = asked(stages, *looks)
    as_of = micros(pd.DatetimeIndex(pd.to_datetime([at for _, at in looks])))
    assert found.phases(as_of, Label(recycle_cool_down_days=30)).tolist() == [
        "cooling_down",
        "before_handoff",
        "with_sales",
        "customer",
        "closed",
        "before_handoff",
    ]


@pytest.mark.parametrize("phase", list(Phase))
def test_the_record_is_json_and_says_whether_anything_can_still_come_of_it(phase):
    standing = Standing(
        lead_id="a",
        stage="sal",
        stage_since=datetime(2025, 1, 1),
        stage_days=3.5,
        stage_owner="ann",
        phase=phase,
        handed_over_at=None,
        outcome="",
        closed_at=None,
        state="mql",
        rule="worth_a_call",
        lead_list=LeadList.TO_WORK,
        next_action="first_call",
        team="sales",
        programme="",
        why="",
    )
    record = standing.record()
    assert (record["phase"], record["lead_list"]) == (str(phase), "to_work")
    assert record["stage_since"] == "2025-01-01T00:00:00"
    assert standing.is_open == (phase not in (Phase.CLOSED, Phase.CUSTOMER))


def test_a_recycled_lead_is_back_once_its_rest_is_over_whatever_is_done_meanwhile():
    stages = table(
        ("a", "recycled", "2025-01-01", "2025-01-01", ""),
        ("a", "sql", "2025-01-05", "2025-01-05", ""),
        ("b", "recycled", "2025-01-01", "2025-01-01", ""),
        ("b", "recycled", "2025-01-20", "2025-01-20", ""),
        ("c", "recycled", "2025-01-01", "2025-01-01", ""),
        ("c", "lost", "2025-01-05", "2025-01-05", ""),
    )
    looks = [("a", "2025-01-10"), ("b", "2025-01-10"), ("b", "2025-02-10"), ("c", "2025-01-10"), ("new", "2025-01-10")]
    found = asked(stages, *looks)

    def back(label: Label) -> list[str | None]:
        days = (None if at == NEVER else str(np.datetime64(int(at), "us"))[:10] for at in found.back_at(label))
        return list(days)

    assert back(Label()) == ["2025-01-31", "2025-01-31", "2025-02-19", None, None]
    assert back(Label(recycled="same_episode")) == [None, "2025-01-31", "2025-02-19", None, None]
