"""What a kind of activity is called on a card, and which kinds a call, a mail or a meeting may be stored as."""

import pytest

from models.explaining.language import ENGLISH
from serving.leads.contact_log.log_kinds import name_contact
from serving.pages.card.card_timeline import say_kind

NO_CONTACTS = (
    *("page_visit", "website_visit", "contract_terminated", "email_bounced", "email_unsubscribed", "voicemail"),
    *("meeting_cancelled", "meeting_no_show", "call_to_action_click", "CallMissed", "Voice mail", "email-declined"),
    *("No answer to call", "meeting_booked", "termination", "recall", "mailing", "Anruf verpasst", "부재중전화"),
)
CONTACTS = {
    **dict.fromkeys(("rep_call", "Phone call", "callLogged", "Anruf", "outbound-call", "영업전화"), "call"),
    **dict.fromkeys(("rep_email", "E-Mail", "email_sent", "Correo", "이메일"), "mail"),
    **dict.fromkeys(("meeting", "Meetings held", "Termin", "Réunion", "Spotkanie", "미팅"), "meeting"),
}


@pytest.mark.parametrize("kind", NO_CONTACTS)
def test_what_is_no_contact_keeps_its_own_name_and_nothing_is_stored_as_it(kind: str) -> None:
    assert name_contact(kind) == ""
    assert say_kind(ENGLISH, {}, kind).lower() == kind.replace("_", " ").lower()


@pytest.mark.parametrize(("kind", "name"), CONTACTS.items())
def test_a_contact_is_recognised_by_whole_words_and_keeps_its_own_name(kind: str, name: str) -> None:
    assert name_contact(kind) == name
    assert say_kind(ENGLISH, {}, kind).lower() == kind.replace("_", " ").lower()


@pytest.mark.parametrize("name", ["call", "mail", "meeting"])
def test_only_kinds_of_the_forms_own_are_called_as_it_calls_them(name: str) -> None:
    assert say_kind(ENGLISH, {}, f"logged_{name}") == name.capitalize()


def test_a_name_of_two_contacts_is_in_doubt() -> None:
    assert name_contact("email after meeting") == ""
