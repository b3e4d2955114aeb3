"""What people send is read in a time that follows its length: one that repeats itself takes no longer than others."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.cohort.email_addresses import domain_of, is_free_mail, normal_email, tag_of
from models.explaining.language import load_language
from models.explaining.wording.labels import translate_condition, translate_label, translate_value
from pipelines.declaring.words.status_words import guess_standing
from pipelines.ingest.reading.header_row import find_header_row
from pipelines.scoring.shown_columns import is_contact
from pipelines.workspace.hidden_passwords import hide_passwords
from pipelines.workspace.people.addresses_in_texts import addresses_in, addresses_of, hide_addresses

LONG = 100_000  # a step for every pair of letters would be 5 billion for each text: the test would take hours
POLISH = load_language("pl")
PIECES = (
    "a",
    "@",
    "a@",
    "@a",
    ".",
    "@.",
    "a.",
    " ",
    "a ",
    "<",
    "<a",
    "1",
    "1 ",
    "(",
    ":",
    "://",
    "a:/",
    "://a:",
    "'",
    "완",
    "%",
    "%25",
    "%40",
    "a%2540",
    "&",
    "&amp;",
    "&#0",
    "&#64;",
    "=40",
)
READERS: dict[str, Callable[[str], object]] = {
    "normal_email": normal_email,
    "tag_of": tag_of,
    "domain_of": domain_of,
    "is_free_mail": is_free_mail,
    "addresses_of": addresses_of,
    "addresses_in": addresses_in,
    "hide_addresses": lambda text: hide_addresses(text, "a@b.example".__eq__),
    "find_header_row": lambda text: find_header_row([["Report", ""], [text, "b"], ["1", "2"], ["1", "2"]]),
    "guess_standing": guess_standing,
    "is_contact": is_contact,
    "hide_passwords": lambda text: hide_passwords(text, {}),
    "translate_label": lambda text: translate_label(POLISH, text),
    "translate_condition": lambda text: translate_condition(POLISH, text),
    "translate_value": lambda text: translate_value(POLISH, text),
}


@pytest.mark.parametrize("name", READERS)
def test_a_long_text_is_read_to_its_end(name: str) -> None:
    for piece in PIECES:
        text = piece * (LONG // len(piece))
        for end in ("", "x y@"):
            READERS[name](f"{text}{end}")
    for words in (" about ", "수주 완료 ", " in 1", " is ", "; the ideal customer has "):
        READERS[name](f"x{words * (LONG // len(words))}甲")


def test_a_status_is_read_in_one_way() -> None:
    assert guess_standing("수주 완료") == "won"
    assert guess_standing("수주" + " aa" * 25 + "甲") is None, "two readings of each blank would be 2 ** 75 of all"


ADDRESS = re.compile(r"([^\s<>@:,;]+)@([^\s<>@,;]+\.[^\s<>@,;]+)")
TEXTS = st.text(alphabet="aB.@+ <>:,;\n-", max_size=14)


@given(text=TEXTS)
def test_an_address_is_what_stands_around_its_at(text: str) -> None:
    found, tagged = ADDRESS.search(text), re.search(r"([^\s<>@:,;]+)@", text)
    name = "" if found is None else found[1].lower().partition("+")[0]
    assert normal_email(text) == (None if found is None or not name else f"{name}@{found[2].lower().rstrip('.')}")
    assert tag_of(text) == ("" if tagged is None else tagged[1].lower().partition("+")[2])
    whole = re.search(r"[^@\s]+@[^@\s]+\.[^@\s]+", text)
    assert is_contact(text) is (whole is not None)
