"""What is taken back is what the button stands beside; what ran out is not said any more."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from serving.store.tables import Feedback, IdempotencyRecord, StageRow
from serving.store.wall_clock import wall_now
from tests.reference.serving import client_for, worklist_of

HTML = {"accept": "text/html"}


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


@pytest.fixture
def lead(tiny_demo: Any) -> str:
    return str(worklist_of(tiny_demo)["lead_id"].iloc[0])


def page(client: TestClient, path: str) -> str:
    return unescape(client.get(path, headers=HTML).text)


def token_of(html: str) -> str:
    return re.findall(r'name="token" value="([^"]+)"', html)[0]


def say(client: TestClient, lead: str, verdict: str, **more: Any) -> int:
    answer = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": verdict, **more})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def card(client: TestClient, lead: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/leads/{lead}").json()
    return found


def test_a_key_that_an_older_server_kept_is_that_of_the_same_request(client: TestClient, lead: str) -> None:
    """It knew no ``undoes``."""
    said = {"verdict": "accept", "reason": "", "note": "", "expires_at": None, "state": None, "next_action": None}
    keys = {"idempotency-key": "k" * 16}
    path = f"/v1/leads/{lead}/feedback"
    first = client.post(path, json={"verdict": "accept"}, headers=keys).json()
    asked = json.dumps({"lead": lead, **said}, sort_keys=True)
    with client.app.state.app_state.store.writing() as session:
        kept = session.scalars(select(IdempotencyRecord)).one()
        kept.request_hash = hashlib.sha256(asked.encode()).hexdigest()
    again = client.post(path, json={"verdict": "accept"}, headers=keys)
    assert (again.status_code, again.json()) == (201, first)
    other = client.post(path, json={"verdict": "withdraw", "undoes": first["id"]}, headers=keys)
    assert other.status_code == 409, "another request"


def note_with(html: str, text: str) -> str:
    """The note of a card that says something, with its button."""
    return next(part for part in html.split('<div class="note')[1:] if text in part.split("</form>")[0])


def button_in(part: str) -> str:
    return re.findall(r'name="undoes" value="(\d+)"', part)[0]


def run_out(client: TestClient, said: int) -> None:
    """Let a feedback have run out an hour ago."""
    with client.app.state.app_state.store.writing() as session:  # type: ignore[attr-defined]
        ended = wall_now() - timedelta(hours=1)
        session.execute(update(Feedback).where(Feedback.id == said).values(expires_at=ended))


def test_a_note_s_button_takes_back_that_note_and_the_rest_stands(client: TestClient, lead: str) -> None:
    pinned = say(client, lead, "override", reason="good_fit", state="iql")
    accepted = say(client, lead, "accept")
    html = page(client, f"/leads/{lead}")
    assert button_in(note_with(html, "pinned the state IQL")) == str(pinned)
    assert button_in(note_with(html, "Accepted.")) == str(accepted)

    sent = {"token": token_of(html), "undoes": str(pinned)}
    client.post(f"/leads/{lead}/feedback", data=sent, headers=HTML)
    after = card(client, lead)
    assert after["pinned"] is None and after["feedback"]["id"] == accepted
    assert "Accepted." in page(client, f"/leads/{lead}")
    again = client.post(f"/leads/{lead}/feedback", data=sent, headers=HTML)
    assert again.status_code == 409 and card(client, lead)["feedback"]["id"] == accepted


def test_undo_takes_back_what_was_just_said_and_nothing_that_was_said_since(client: TestClient, lead: str) -> None:
    token = token_of(page(client, f"/leads/{lead}"))
    sent = {"token": token, "verdict": "snooze", "back": f"/leads/{lead}"}
    told = client.post(f"/leads/{lead}/feedback", data=sent, follow_redirects=False).headers["location"]
    since = say(client, lead, "reject", reason="no_budget")  # somebody else, while the first one looks at the page
    mine = button_in(page(client, told).split('class="toast')[1].split("</form>")[0])
    client.post(f"/leads/{lead}/feedback", data={"token": token, "undoes": mine})
    stands = {row["id"]: row["undone"] for row in card(client, lead)["said"]}
    assert not stands[since] and stands[int(mine)]
    assert 'name="undoes"' not in page(client, told).split('class="toast')[1].split("</div>")[0]


def test_what_is_undone_is_named_by_its_id_and_must_stand(client: TestClient, tiny_demo: Any, lead: str) -> None:
    other = str(worklist_of(tiny_demo)["lead_id"].iloc[1])
    pinned, accepted = say(client, lead, "override", reason="good_fit", state="iql"), say(client, lead, "accept")
    path = f"/v1/leads/{lead}/feedback"
    undone = say(client, lead, "withdraw", undoes=pinned)
    refused = [
        (client.post(path, json={"verdict": "withdraw", "undoes": pinned}), 409, "taken back before"),
        (client.post(path, json={"verdict": "withdraw", "undoes": undone}), 422, "no such feedback"),
        (client.post(path, json={"verdict": "withdraw", "undoes": 999}), 422, "no such feedback"),
        (client.post(path, json={"verdict": "snooze", "undoes": accepted}), 422, "only a withdraw"),
        (
            client.post(f"/v1/leads/{other}/feedback", json={"verdict": "withdraw", "undoes": accepted}),
            *(422, "no such feedback"),
        ),
    ]
    for answer, status, words in refused:
        assert answer.status_code == status and words in answer.json()["detail"], answer.text
    assert card(client, lead)["feedback"]["id"] == accepted
    say(client, lead, "withdraw")
    assert card(client, lead)["feedback"] is None


def test_several_leads_are_taken_back_by_what_was_said_of_each(client: TestClient) -> None:
    html = page(client, "/worklist")
    chosen = re.findall(r'name="lead" value="([^"]+)"', html)[:2]
    sent = {"token": token_of(html), "do": "snooze", "lead": chosen}
    told = page(client, client.post("/worklist/chosen", data=sent, follow_redirects=False).headers["location"])
    since = say(client, chosen[0], "accept")
    toast = told.split('class="toast')[1].split("</form>")[0]
    ids = re.findall(r'name="undoes" value="(\d+)"', toast)
    assert re.findall(r'name="lead" value="([^"]+)"', toast) == chosen and len(ids) == 2
    client.post("/worklist/chosen", data=sent | {"do": "withdraw", "undoes": ids})
    assert card(client, chosen[0])["feedback"]["id"] == since and card(client, chosen[1])["feedback"] is None
    bare = client.post("/worklist/chosen", data=sent | {"do": "withdraw"}, headers={"accept": "application/json"})
    assert bare.status_code == 422 and "one feedback of each lead" in bare.text


def test_a_correction_that_is_undone_brings_back_what_it_corrected(client: TestClient, tiny_demo: Any) -> None:
    frame = worklist_of(tiny_demo)
    lead = str(frame[frame["status_need"] == "unknown"]["lead_id"].iloc[0])
    path = f"/v1/leads/{lead}/answers"
    first = {"question": "pain", "value": 7, "channel": "meeting"}
    right = client.post(path, json=first).json()
    corrected = {"token": token_of(page(client, f"/leads/{lead}")), "question": "pain", "value": "9"}
    corrected |= {"corrects": str(right["answer"])}
    told = client.post(f"/leads/{lead}/answers", data=corrected, follow_redirects=False).headers["location"]
    toast = page(client, told).split('class="toast')[1].split("</form>")[0]
    undo = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', toast))
    client.post(f"/leads/{lead}/answers", data=undo)
    rows = [row for row in client.get(path).json() if row["question"] == "pain"]
    assert (rows[0]["value"], rows[0]["channel"], rows[0]["in_force"]) == ("7", "meeting", True)
    assert card(client, lead)["score"] == right["card"]["score"]


def test_what_ran_out_is_not_said_any_more(client: TestClient, lead: str) -> None:
    say(client, lead, "accept")
    said = say(client, lead, "snooze")
    assert "Put aside until" in page(client, f"/leads/{lead}") and card(client, lead)["feedback"]["id"] == said
    run_out(client, said)
    html = page(client, f"/leads/{lead}")
    assert "Put aside until" not in html and "Do this now" in html and 'class="now is-over"' not in html
    listed = client.get("/v1/worklist", params={"search": lead}).json()["rows"]
    assert listed[0]["feedback"] is None, "as with pins, what ran out brings nothing older back"
    assert card(client, lead)["feedback"] is None and card(client, lead)["said"][0]["id"] == said


def test_a_pinned_lead_that_is_put_aside_looks_it(client: TestClient, lead: str) -> None:
    snoozed = say(client, lead, "snooze")
    say(client, lead, "override", reason="good_fit", state="sql")
    html = page(client, f"/leads/{lead}")
    assert "Put aside until" in html and "pinned the state SQL" in html and "Do this now" not in html
    asleep = client.get("/v1/worklist", params={"show": "snoozed"}).json()["rows"]
    assert [(row["lead_id"], row["feedback"]["id"]) for row in asleep] == [(lead, snoozed)]
    listed = page(client, "/worklist?show=snoozed")
    woken = re.findall(r'formaction="([^"]+)" name="undoes" value="(\d+)"', listed)[0]
    client.post(woken[0], data={"token": token_of(listed), "undoes": woken[1]})
    after = card(client, lead)
    assert after["feedback"] is None and after["state"] == "sql" and after["pinned"]["state_pinned"] == "sql"


def test_a_pin_says_whether_it_is_of_the_state_or_of_the_next_step(client: TestClient, lead: str) -> None:
    before = card(client, lead)
    say(client, lead, "override", reason="good_fit", next_action="enrich")
    html = page(client, f"/leads/{lead}")
    assert "pinned the next step “Look up what is missing” (good fit) until " in html and "pinned the state" not in html
    say(client, lead, "override", reason="good_fit", state="lead")
    html = page(client, f"/leads/{lead}")
    assert "pinned the state Lead (good fit)" in html and "LEAD" not in html
    assert f"by the rules it would be {before['state'].upper()}" in html and "pinned, too" not in html
    say(client, lead, "override", reason="good_fit")
    assert "The next step is pinned, too." in page(client, f"/leads/{lead}")


def test_nobody_is_contacted_until_that_is_taken_back(client: TestClient, lead: str) -> None:
    ends = {"verdict": "do_not_contact", "expires_at": "2199-01-01T00:00:00"}
    refused = client.post(f"/v1/leads/{lead}/feedback", json=ends)
    assert refused.status_code == 422 and "until it is taken back" in refused.json()["detail"]
    said = say(client, lead, "do_not_contact")
    run_out(client, said)  # as an earlier version stored it
    rows = client.get("/v1/worklist", params={"search": lead, "show": "all"}).json()["rows"]
    assert rows[0]["feedback"]["id"] == said and card(client, lead)["feedback"]["id"] == said
    assert card(client, lead)["silenced"]["id"] == said


def test_a_lead_that_sales_ended_says_who_and_why_and_can_be_reopened(client: TestClient, lead: str) -> None:
    before = card(client, lead)
    said = say(client, lead, "reject", reason="no_need", note="bought <elsewhere>")
    assert card(client, lead)["closed"]["outcome"] == "disqualified"
    shown = client.get(f"/leads/{lead}", headers=HTML).text
    note = shown.split('role="status"')[1].split("</form>")[0]
    assert "Closed: disqualified" in note and "No need." in note and "Said by" in note
    assert "<q>bought &lt;elsewhere&gt;</q>" in note and button_in(note) == str(said)
    client.post(f"/leads/{lead}/feedback", data={"token": token_of(shown), "undoes": said}, headers=HTML)
    after = card(client, lead)
    assert (after["closed"], after["score"], after["state"]) == (None, before["score"], before["state"])


def test_a_lead_that_the_crm_ended_has_nothing_to_take_back(client: TestClient) -> None:
    ended = client.get("/v1/worklist", params={"list": "closed"}).json()["rows"][0]
    html = page(client, f"/leads/{ended['lead_id']}")
    assert f"Closed: {ended['outcome']}" in html and 'name="undoes"' not in html


def test_what_sales_said_before_is_not_what_the_crm_ended_a_lead_by(client: TestClient, lead: str) -> None:
    say(client, lead, "reject", reason="bad_timing")
    state = client.app.state.app_state  # type: ignore[attr-defined]
    with state.store.writing() as session:
        at = state.clock.next_known_at()
        entry = StageRow(lead_id=lead, stage="disqualified", owner="crm", reason=None, author="crm", feedback_id=None)
        entry.entered_at = entry.known_at = at
        session.add(entry)
    shown = page(client, f"/leads/{lead}")
    note = shown.split("Closed: disqualified")[1].split("<section")[0]
    assert "Said by" not in note and 'name="undoes"' not in note
    assert card(client, lead)["ended_by"] is None


def test_who_ended_a_lead_stands_on_its_card_whatever_is_said_later(client: TestClient, lead: str) -> None:
    said = say(client, lead, "reject", reason="no_need")
    refused = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "snooze"})
    assert refused.status_code == 409 and "nothing to put aside" in refused.json()["detail"]
    say(client, lead, "do_not_contact")
    assert card(client, lead)["ended_by"]["id"] == said
    assert f'name="undoes" value="{said}"' in page(client, f"/leads/{lead}")


def test_a_lead_is_put_aside_until_a_day_and_comes_back_with_its_note(client: TestClient, lead: str) -> None:
    path, html = f"/leads/{lead}/feedback", page(client, f"/leads/{lead}")
    today = wall_now().date()
    first, usual = today + timedelta(days=1), today + timedelta(days=7)
    assert f'name="until" required min="{first}" max="2200-12-31" value="{usual}"' in html
    sent = {"token": token_of(html), "verdict": "snooze", "note": "after the board", "back": f"/leads/{lead}"}
    begun = f"has begun already (UTC); choose {first} or"
    for day, words in ((today, begun), ("soon", "not a day"), ("2206-01-15", "not a day")):
        refused = client.post(path, data=sent | {"until": str(day)}, headers=HTML)
        assert refused.status_code == 422 and words in refused.text
    day = today + timedelta(days=40)
    told = page(client, client.post(path, data=sent | {"until": str(day)}, follow_redirects=False).headers["location"])
    said = card(client, lead)["feedback"]
    assert said["expires_at"] == f"{day}T00:00:00" and card(client, lead)["snooze_ended"] is None
    assert told.count(f"Put aside until {day.day} ") == 2 and "<q>after the board</q>" in told
    assert "after the board" in page(client, "/worklist?show=snoozed") and lead not in page(client, "/worklist")

    run_out(client, said["id"])
    assert "after the board" not in page(client, "/worklist?show=snoozed")
    row = page(client, "/worklist").split(f'href="/leads/{lead}')[1].split("</th>")[0]
    assert "back since" in row and "after the board" in row
    back = page(client, f"/leads/{lead}")
    assert "Back on the list since" in back and "<q>after the board</q>" in back and "Do this now" in back
    assert card(client, lead)["snooze_ended"]["id"] == said["id"]
    accepted = say(client, lead, "accept")
    assert "Back on the list since" not in page(client, f"/leads/{lead}"), "it was worked"
    say(client, lead, "withdraw", undoes=accepted)
    assert "Back on the list since" in page(client, f"/leads/{lead}")
