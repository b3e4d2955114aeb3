"""People are told from their texts by one judgement, and towns, companies, titles, dates and amounts are not people."""

import pytest

from features.schema.people.people_texts import PeopleIn, holds_contact, nameable, people_in, speaks_of_people

TOWNS = """New York, Los Angeles, San Francisco, Las Vegas, Salt Lake City, Fort Worth, El Paso, Santa Clara,
Bad Homburg, Sankt Gallen, Cape Town, Hong Kong, Kuala Lumpur, Buenos Aires, Rio de Janeiro, Sao
Paulo, Den Haag, Tel Aviv, Abu Dhabi"""
COMPANIES = """Deutsche Bahn, Goldman Sachs, Wells Fargo, General Electric, Hugo Boss, Deutsche Telekom, Procter
Gamble, British Airways, Air France, Robert Bosch, Johnson Controls, Google Ads, Acme Corp, Swiss
Re, Credit Suisse"""
TITLES = """Sales Manager, Software Development, Head of Sales, Chief Executive Officer, Marketing Director,
Data Scientist, Product Owner, Human Resources, Vice President, Managing Director, Business Analyst,
Account Executive, Team Lead"""
CHOICES = (
    "Less than 3 months, Already have a solution, Trade Fair, Web Form, Partner Network, United States, South Korea"
)
PEOPLE = """Anna Schmidt, Peter Kowalski, Marta Nowak, John Smith, Li Wei, Priya Sharma, Ahmed Hassan, Tom
O'Neil, Maria von Berg, Jean-Paul Martin, Yuki Tanaka, Olga Petrova, Sven Larsson, Kim Lee"""
PLAIN = (
    "Lead Source",
    "Industry",
    "City",
    "Segment",
    "field_7",
    "Referred By",
    "Client",
    "Introduced by",
    "Kunde",
    "Person",
)
OF_PERSONS = ("Betreuer", "Owner", "Rep", "Contact Person", "Angelegt von", "Created By", "Opiekun", "Créé par")
OF_ANYTHING = ("Client", "Person", "Decision Maker", "Referred By", "Introduced", "Introduced By", "Empfohlen von")


def listed(text: str) -> list[str]:
    return [" ".join(one.split()) for one in text.split(",")]


@pytest.mark.parametrize("header", PLAIN)
@pytest.mark.parametrize("values", [TOWNS, COMPANIES, TITLES, CHOICES], ids=["towns", "companies", "titles", "choices"])
def test_things_are_not_taken_for_people(header: str, values: str) -> None:
    assert people_in(header, listed(values)) is PeopleIn.NOBODY
    kept = nameable(header, listed(values))
    if header in PLAIN[:5]:
        assert all(kept)
    assert sum(kept) >= len(kept) - 2  # Hugo Boss and Robert Bosch, as whoever brings a lead in


@pytest.mark.parametrize("header", [*OF_PERSONS, *OF_ANYTHING, "field_7", "Reached"])
def test_a_column_of_names_is_told_whatever_it_is_called(header: str) -> None:
    assert people_in(header, listed(PEOPLE)) is PeopleIn.NAMES
    turned = [", ".join(reversed(name.split(" ", 1))) for name in listed(PEOPLE)]
    assert people_in(header, turned) is PeopleIn.NAMES
    assert not any(nameable(header, listed(PEOPLE)))


def test_names_without_letters_in_two_sizes_need_a_header() -> None:
    names = ["김민수", "이서연", "박지훈", "최유진"]
    assert people_in("담당자", names) is PeopleIn.NAMES and people_in("업종", names) is PeopleIn.NOBODY


@pytest.mark.parametrize(
    "header", [*OF_PERSONS, *OF_ANYTHING, "Notes", "Bemerkung", "Decision maker name", "담당자", "紹介者"]
)
def test_headers_that_speak_of_people(header: str) -> None:
    assert speaks_of_people(header)


@pytest.mark.parametrize(
    "header",
    [
        "Country",
        "Owner ID",
        "Client Country",
        "Contacts count",
        "Product interest",
        "Repeat buyer type",
        "Current software",
    ],
)
def test_headers_that_do_not(header: str) -> None:
    assert not speaks_of_people(header)


@pytest.mark.parametrize(
    "text",
    [
        "anna.schmidt@corp.com", "Anna <a@b.co.kr>; Tom", "+49 170 1234567", "0170 1234567", "(030) 1234567",
        "555-123-4567", "010-1234-5678", "+1 (555) 010-9999", "call 030/1234567, after noon", "01012345678",
    ],
)  # fmt: skip
def test_addresses_and_numbers(text: str) -> None:
    assert holds_contact(text)
    assert nameable("source", ["Web", text]) == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "0 - 50000", "01/02/2024 10:30", "2024-01-02 - 2024-05-06", "+10000", "1,000,000 - 5,000,000",
        "0-1000000",
        "100-249", "1001-5000",
        "0.12345678", "ISO 9001:2015", "@work", "CRM @ Fair", "1.5e10", "50000+", "2024", "Q1/2024",
    ],
)  # fmt: skip
def test_dates_amounts_and_bands_are_none(text: str) -> None:
    assert not holds_contact(text)


def test_a_note_that_names_somebody_is_one_about_people() -> None:
    notes = ["spoke with Peter Lindgren about pricing", "call back", "wants a demo in June", "left a message for Anna"]
    assert people_in("Notes", notes) is PeopleIn.NOTES
    assert nameable("Notes", notes) == [False, True, True, False]
    assert people_in("Notes", ["call back", "wants a demo in June", "no budget this year"]) is PeopleIn.NOBODY


def test_one_name_among_sources_is_left_out_alone() -> None:
    assert nameable("Referred By", ["Google Ads", "Trade Fair", "Peter Kowalski"]) == [True, True, False]
