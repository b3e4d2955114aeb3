"""The weeks behind a manager's figures: every one holds seven days, the newest as well."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pipelines.diagnostics.weekly_trends import weekly_trends
from tests.reference.worlds import DAY, SOURCE, T0, empty_world, frames, lead, moment

MIDNIGHT = T0 // DAY * DAY


@pytest.mark.parametrize("cutoff", [MIDNIGHT, MIDNIGHT + 9 * 3600 * 1_000_000])
def test_a_handoff_at_midnight_of_each_day_makes_seven_a_week(cutoff: int) -> None:
    """Stages that tell the day alone, and a cut-off at midnight: what is entered then is of the week that begins."""
    world, weeks = empty_world(), 3
    for day in range(1, 7 * (weeks + 1)):
        entered = MIDNIGHT - day * DAY if cutoff == MIDNIGHT else MIDNIGHT - (day - 1) * DAY
        lead(world, f"L{day}", entered - DAY)
        world["stages"].append(
            {"lead_id": f"L{day}", "stage": "mql", "entered_at": entered, "known_at": entered, "owner": "ann"}
        )
    context: Any = SimpleNamespace(source=SOURCE, source_path=Path("little.yaml"))
    found = weekly_trends(context, frames(world), moment(cutoff), weeks)
    assert [week.sent for week in found.weeks] == [7] * weeks
    assert [week.until for week in found.weeks] == [moment(cutoff) - pd.Timedelta(days=7 * k) for k in (2, 1, 0)]
