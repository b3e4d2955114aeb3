"""An account as one owner sees it: no id of another owner's lead, under whatever name it stands."""

import pytest

from serving.accounts.account_record import without_lead_of_others


@pytest.mark.parametrize(
    ("deal", "lead", "told"),
    [
        ("D3", "D3", (None, None)),
        ("D7", "D3", (None, None)),  # a record of deal and lead that was merged into another's lead
        ("D8", "D3", (None, "D8")),  # a deal's own number
        ("D7", "D1", ("D1", "D7")),
        ("D7", None, (None, "D7")),
    ],
)
def test_a_deal_names_no_lead_of_others_nor_a_record_that_was_merged_into_one(
    deal: str, lead: str | None, told: tuple[str | None, str | None]
) -> None:
    found = without_lead_of_others({"opportunity_id": deal, "lead_id": lead, "won": True}, {"D1"}, {"D7": "D3"})
    assert (found["lead_id"], found["opportunity_id"]) == told and found["won"]
