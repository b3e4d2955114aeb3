"""Cohort and labels equal their plain definition, moment by moment, on outcomes full of edges."""

from typing import Any

import numpy as np
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from features.cohort.cohort import build_cohort
from features.cohort.labels import label
from features.point_in_time.microseconds import micros
from tests.reference.worlds import DAY, SOURCE, T0, frames, moment

MONDAY = T0 + 3 * DAY - 9 * 3600 * 1_000_000
WEEK = 7 * DAY
CUTOFF = MONDAY + 20 * WEEK
HORIZON, LAG, MAXIMUM_AGE = 30 * DAY, 3 * DAY, 120 * DAY

steps = st.sampled_from([0, 1, 2, 4, 5, 9])
shifts = st.sampled_from([-1, 0, 1, 30 * DAY, 30 * DAY + 1, 33 * DAY, DAY])


@st.composite
def outcomes(draw: st.DrawFn) -> dict[str, Any]:
    closed = MONDAY + draw(steps) * WEEK + draw(shifts)
    known = draw(st.sampled_from([closed, closed, closed + DAY, MONDAY + 9 * WEEK, closed + 33 * DAY]))
    names = st.sampled_from(["a", "b"])
    deal = draw(st.sampled_from(["o", "p"]))
    row = {"opportunity_id": deal, "lead_id": draw(names), "closed_at": closed, "known_at": known}
    return {**row, "won": draw(st.booleans()), "amount": 1.0}


def is_open(created: int, own: list[dict[str, Any]], at: int) -> bool:
    closed = any(row["closed_at"] <= at or row["known_at"] < at for row in own)
    return created < at and at - created <= MAXIMUM_AGE and not closed


def is_won(own: list[dict[str, Any]], closes: list[dict[str, Any]], at: int) -> bool:
    known = [row for row in closes if row["known_at"] < at + HORIZON + LAG]
    return any(
        row in known
        and row["won"]
        and at < row["closed_at"] <= at + HORIZON
        and not any(
            not other["won"]
            and other["opportunity_id"] == row["opportunity_id"]
            and other["closed_at"] > row["closed_at"]
            for other in known
        )
        for row in own
    )


@seed(20241008)
@settings(max_examples=60, deadline=None)
@given(st.lists(outcomes(), max_size=4), st.sampled_from([MONDAY - 1, MONDAY, MONDAY + 3 * DAY]))
def test_cohort_and_labels_equal_their_definition(closes: list[dict[str, Any]], created: int) -> None:
    leads = [{"lead_id": name, "created_at": created, "known_at": created} for name in ("a", "b")]
    world = {"accounts": [], "activities": [], "answers": [], "stages": [], "leads": leads, "outcomes": closes}
    tables = frames(world)
    keys = build_cohort(tables, SOURCE, moment(CUTOFF))
    found = label(keys, tables, SOURCE, moment(CUTOFF))
    expected = []
    for week in range(21):
        at = MONDAY + week * WEEK
        for name in ("a", "b"):
            own = [row for row in closes if row["lead_id"] == name]
            if is_open(created, own, at):
                matured = at + HORIZON + LAG <= CUTOFF
                expected.append((at, name, float(is_won(own, closes, at)) if matured else None))
    values = [None if np.isnan(v) else v for v in found["label"]]
    assert list(zip(micros(keys["as_of"]).tolist(), keys["lead_id"], values, strict=True)) == expected
