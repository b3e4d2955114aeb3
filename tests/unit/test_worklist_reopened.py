"""Who is on a list again once the verdict that ended them was taken back: nobody whom no list would have."""

from pathlib import Path

import pandas as pd

from features.cohort.objections import OBJECTS
from features.schema.source import Source
from serving.state.lead_data import LeadData
from serving.state.loading.build_worklist import find_reopened
from serving.store.engine import open_store
from serving.store.tables import Feedback, StageRow
from tests.reference.worlds import DAY, SOURCE, T0, empty_world, frames, lead, moment

RETAIL = Source.model_validate(SOURCE.model_dump(by_alias=True) | {"cohort": {"where": {"industry": ["retail"]}}})
SAID = {"reason": "no_need", "note": "", "author": "rep"}


def test_a_verdict_taken_back_lists_nobody_outside_the_cohort_and_nobody_who_objects(tmp_path: Path) -> None:
    world, then, store = empty_world(), moment(T0 + 5 * DAY).to_pydatetime(), open_store(None, tmp_path)
    industries = {
        "open": "Retail",
        "rests": "retail",
        "objects": "retail",
        "objects_resting": "retail",
        "other": "bank",
    }
    for k, (name, industry) in enumerate(industries.items(), 1):
        lead(world, name, T0, industry=industry)
        if "rest" in name:
            recycled = {"stage": "recycled", "entered_at": T0 + 4 * DAY, "known_at": T0 + 4 * DAY}
            world["stages"].append({"lead_id": name, **recycled})
        ended = {"stage": "disqualified", "entered_at": T0 + 5 * DAY, "known_at": T0 + 5 * DAY}
        world["stages"].append({"lead_id": name, **ended})
        with store.writing() as session:
            session.add(Feedback(id=k, lead_id=name, verdict="reject", written_at=then, **SAID))
            session.add(Feedback(id=100 + k, lead_id=name, verdict="withdraw", written_at=then, undoes=k, **SAID))
            entry = {"stage": "disqualified", "entered_at": then, "known_at": then, "author": "rep"}
            session.add(StageRow(lead_id=name, feedback_id=k, **entry))
    tables = frames(world)
    tables["leads"][OBJECTS] = pd.Series([name.startswith("objects") for name in industries], dtype="boolean")
    data = LeadData(tables, RETAIL)
    assert set(data.closed_now) == set(industries), "by the data each of them is over"

    assert set(data.lead_ids[find_reopened(store, data)]) == {"open", "rests"}
    assert {name for name in industries if data.is_chosen(data.code(name))} == {"open", "rests"}
    store.close()
