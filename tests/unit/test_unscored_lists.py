"""Lists without scores: what is over, the newest close first, and what rests, the first back first."""

import pandas as pd

from features.assembly.closed_leads import ClosedLead
from features.schema.source import Source
from models.standing.unscored_lists import list_closed, list_resting

NOW = pd.Timestamp("2025-06-30")
TABLES = {"leads": {}, "outcomes": {}, "stages": {}}
SOURCE = Source.model_validate({"name": "s", "kind": "relational", "tables": TABLES})
OWNERS = {"a": "ann", "b": "bo"}


def days_ago(days: float) -> pd.Timestamp:
    return NOW - pd.Timedelta(days=days)


def test_what_is_over_names_its_end_and_what_is_due() -> None:
    closed = {
        "a": ClosedLead("won", days_ago(100)),
        "b": ClosedLead("lost", days_ago(10)),
        "c": ClosedLead("disqualified", None),
    }
    found = list_closed(closed, OWNERS, NOW, None)
    assert found["lead_id"].tolist() == ["b", "a", "c"] and found["owner"].tolist() == ["bo", "ann", ""]
    assert found["lead_list"].tolist() == ["closed", "customers", "closed"]
    assert found["next_action"].tolist() == ["none", "expand", "none"] and pd.isna(found["closed_at"].iloc[2])


def test_what_rests_says_until_when() -> None:
    rows = [("a", "recycled", 5), ("b", "recycled", 20), ("c", "recycled", 31), ("d", "mql", 5)]
    stages = pd.DataFrame(
        [
            {"lead_id": lead, "stage": stage, "entered_at": days_ago(n), "known_at": days_ago(n)}
            for lead, stage, n in rows
        ]
    )
    found = list_resting({"stages": stages}, SOURCE, "abcd", OWNERS, NOW)
    assert found["lead_id"].tolist() == ["b", "a"] and set(found["lead_list"]) == {"resting"}
    assert found["back_at"].tolist() == [days_ago(-10), days_ago(-25)] and set(found["next_action"]) == {"wait"}
    assert not len(list_resting({"stages": stages}, SOURCE, "", OWNERS, NOW))
