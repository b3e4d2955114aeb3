"""What an export of the list holds: a CRM's fields too say stage and list, where the source tells them."""

from datetime import timedelta
from pathlib import Path

import pytest

from serving.leads.feedback import find_unpinned_leads
from serving.lists.export import export_lines, fields_of
from serving.store.engine import open_store
from serving.store.tables import Feedback
from serving.store.wall_clock import wall_now

STAGED = ("lead_id", "score", "stage", "stage_days", "lead_list", "missing_seat", "state")


@pytest.mark.parametrize(("form", "wanted"), [("salesforce", "Leadscore_{}__c"), ("hubspot", "leadscore_{}")])
def test_a_crm_is_told_stage_and_list(form: str, wanted: str) -> None:
    with_stages = fields_of(form, (), STAGED, valued=False)  # type: ignore[arg-type]
    names = {"stage": "Stage", "lead_list": "List", "missing_seat": "Missing_Seat"}
    for column, name in names.items():
        assert with_stages[column] == wanted.format(name if form == "salesforce" else name.lower())
    without = fields_of(form, (), ("lead_id", "score", "state"), valued=False)  # type: ignore[arg-type]
    assert not set(names) & set(without) and set(without) == set(with_stages) - set(names)


def test_people_read_stage_list_and_seat_together() -> None:
    fields = list(fields_of("csv", ("company",), STAGED, valued=False))
    at = fields.index("stage")
    assert fields[at : at + 4] == ["stage", "stage_days", "lead_list", "missing_seat"]


def test_leads_without_a_score_are_exported_too() -> None:
    fields = fields_of("hubspot", (), STAGED, valued=False)
    row = {"lead_id": "a", "stage": "lost", "lead_list": "closed", "next_action": "none"}
    heading, line = export_lines([row], fields, None)
    assert dict(zip(heading.split(","), line.split(","), strict=True))["leadscore_list"] == "closed"


def test_a_state_that_is_pinned_moves_in_the_week_of_the_pin_alone() -> None:
    def moved(days: int, **values: object) -> bool:
        written = (wall_now() - timedelta(days=days)).isoformat()
        row = {"lead_id": "a", "score": 60, "state": "sql", **values}
        row["pinned"] = {"written_at": written, "state_by_rules": values.get("by_rules", "mql")}
        return len(list(export_lines([row], {"lead_id": "lead_id"}, None, lambda lead: (60, "mql")))) == 2

    assert moved(1) and not moved(30), "the second was told as SQL a week ago, too"
    assert moved(30, by_rules="iql") and moved(30, score=61), "what the rules say moves as of any lead"


def test_a_pin_that_ended_within_the_week_has_moved_its_lead(tmp_path: Path) -> None:
    store, now = open_store(None, tmp_path), wall_now()
    said = {"reason": "good_fit", "note": "", "author": "rep"}

    def pin(lead: str, days: float, until: float | None = None, state: str | None = "sql") -> Feedback:
        expires = None if until is None else now - timedelta(days=until)
        times = {"written_at": now - timedelta(days=days), "expires_at": expires}
        return Feedback(lead_id=lead, verdict="override", state=state, **times, **said)

    pins = [pin(name, 21) for name in ("stands", "withdrawn", "long_withdrawn", "pinned_anew")]
    pins += [pin("ran_out", 21, until=2), pin("long_over", 30, until=20), pin("runs", 21, until=-2)]
    pins += [
        pin("back_and_over", 30),
        pin("back_and_over", 20, state="mql"),
        pin("back", 30),
        pin("back", 20, state="mql"),
    ]
    pins += [pin("back_and_ran_out", 30, until=2), pin("back_and_ran_out", 20), pin("tried", 30), pin("tried", 4)]
    pins += [pin("next_action", 21, until=2, state=None), pin("pinned_anew", 1, state="mql"), pin("short", 3, until=1)]
    with store.writing() as session:
        session.add_all(pins)
        session.flush()
        by_lead = {name: [one for one in pins if one.lead_id == name] for name in {one.lead_id for one in pins}}
        withdrawn = [("withdrawn", 0, 1), ("long_withdrawn", 0, 14), ("long_over", 0, 1), ("back_and_over", 1, 15)]
        withdrawn += [("back_and_over", 0, 2), ("back", 1, 15), ("back_and_ran_out", 1, 15), ("tried", 1, 2)]
        for lead, at, days in withdrawn:
            taken = {"undoes": by_lead[lead][at].id, "written_at": now - timedelta(days=days)}
            session.add(Feedback(lead_id=lead, verdict="withdraw", **taken, **said))
    unpinned = find_unpinned_leads(store, now - timedelta(days=7))
    given_back = {"back_and_over", "back_and_ran_out", "tried"}  # "back" is pinned as it was a week ago
    assert unpinned == {"withdrawn", "pinned_anew", "ran_out", "short"} | given_back
    store.close()

    rows = [{"lead_id": name, "score": 60, "state": "mql", "pinned": None} for name in ("withdrawn", "never")]
    lines = list(export_lines(rows, {"lead_id": "lead_id"}, None, lambda lead: (60, "mql"), unpinned))
    assert [line.strip() for line in lines[1:]] == ["withdrawn"]
