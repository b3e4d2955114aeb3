"""What an export of the list holds: a CRM's fields too say stage and list, where the source tells them."""

from datetime import timedelta

import pytest

from serving.lists.export import export_lines, fields_of
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
