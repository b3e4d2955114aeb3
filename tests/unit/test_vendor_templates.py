"""Templates of vendors: every file of them is well formed, and their headings are known however they are written."""

import pytest

from features.errors import SourceError
from features.schema.vocabulary import Stage
from pipelines.declaring.words.header_words import Meaning, meanings_of
from pipelines.declaring.words.status_words import place_statuses, stage_of
from pipelines.declaring.words.vendor_template import (
    fold_header,
    load_template,
    parse_template,
    recognise_table,
    template_names,
)
from pipelines.declaring.words.vendor_words import VendorWords, speaking

NAMES = ("dynamics", "hubspot", "marketo", "mautic", "odoo", "pipedrive", "posthog", "salesforce", "zoho")


def test_all_templates_are_found_and_wrong_names_are_told() -> None:
    assert set(NAMES) <= set(template_names())
    with pytest.raises(SourceError, match=r"no template 'hubspoot'.*hubspot"):
        load_template("hubspoot")
    with pytest.raises(SourceError, match="line 2"):
        parse_template("name: x\ntitle: [1]\n")


@pytest.mark.parametrize("name", NAMES)
def test_a_template_contradicts_itself_nowhere(name: str) -> None:
    template = load_template(name)
    said: dict[str, str] = {}
    for meaning, words in template.status.model_dump().items():
        for word in words:
            assert said.setdefault(fold_header(word), meaning) == meaning, f"{word} is {said[fold_header(word)]} too"
    for table in template.tables:
        roles: dict[str, str] = {}
        for role in ("display", "personal", "overwritten", "afterwards", "ignored"):
            for header in getattr(table, role):
                assert roles.setdefault(fold_header(header), role) == role, f"{table.title}: {header} has two roles"
        for attribute in table.attributes.values():
            assert not {fold_header(h) for h in attribute.headers} & set(roles), f"{table.title}: {attribute.label}"
        assert all(table.fields[field] for field in table.recognised_by)


@pytest.mark.parametrize(
    ("vendor", "title", "headers"),
    [
        (
            "hubspot",
            "deals",
            ["Datensatz-ID", "Dealname", "Deal-Phase", "Erstellungsdatum", "Abschlussdatum", "Betrag"],
        ),
        ("hubspot", "deals", ["레코드 ID", "거래 단계", "생성 날짜", "종료 날짜", "금액"]),
        ("hubspot", "contacts", ["Record ID", "First Name", "Lead Status", "Create Date", "Lifecycle Stage"]),
        ("hubspot", "companies", ["Record ID", "Company name", "Number of Employees", "Create Date"]),
        ("salesforce", "opportunities", ["OPPORTUNITY ID", " Stage", "Created\u00a0Date", "Close Date"]),
        ("salesforce", "leads", ["Id", "FirstName", "Status", "CreatedDate", "ConvertedOpportunityId"]),
        ("salesforce", "lead history", ["LeadId", "Field", "OldValue", "NewValue", "CreatedDate"]),
        (
            "dynamics",
            "opportunities",
            ["(Nicht ändern) Verkaufschance", "Status", "Tats. Abschlussdatum"],
        ),
        ("dynamics", "leads", ["leadid", "statecode", "createdon", "leadsourcecode", "companyname"]),
        ("pipedrive", "deals", ["ID", "Title", "Status", "Deal created", "Won time", "Lost time", "Value"]),
        ("odoo", "leads and opportunities", ["id", "stage_id/name", "create_date", "date_closed", "won_status"]),
        ("zoho", "leads", ["Record Id", "Lead_Status", "Created_Time", "Company"]),
    ],
)
def test_headings_are_known_in_the_vendor_s_languages_and_forms(vendor: str, title: str, headers: list[str]) -> None:
    found = recognise_table(load_template(vendor), headers)
    assert found is not None and found.vendor.title == title
    assert recognise_table(load_template(vendor), ["a", "b"]) is None


def test_a_vendor_s_words_come_before_guesses_and_only_while_they_are_spoken() -> None:
    headers = ["Record ID", "Deal Stage", "Create Date", "Last Activity Date"]
    before = meanings_of("Last Activity Date")
    with speaking(VendorWords(load_template("hubspot")), [headers]):
        assert meanings_of("Last Activity Date") == frozenset()
        assert meanings_of("Deal Stage") == {Meaning.STATUS}
        assert stage_of("Bad Timing") is Stage.DISQUALIFIED and stage_of("성사됨") is Stage.WON
        assert place_statuses(["Bad Timing", "Zurich"]) == {
            "won": (),
            "lost": (),
            "disqualified": ("Bad Timing",),
            "open": (),
            None: ("Zurich",),
        }
    assert meanings_of("Last Activity Date") == before and stage_of("Bad Timing") is None
