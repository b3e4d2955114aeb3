"""The card's page: what to do first, words before figures, and every state of a lead that looks it."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.schema.load_source import parse_source
from pipelines.scoring.shown_columns import hide_contacts
from serving.pages.card.card_charts import build_fall, build_history
from serving.pages.language import COOKIE, page_language
from serving.pages.written_values import write_in_hundred
from tests.reference.serving import client_for, worklist_of

HTML = {"accept": "text/html"}


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def page(client: TestClient, path: str) -> str:
    return unescape(client.get(path, headers=HTML).text)


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found is not None
    return found.group(1)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_first_screen_says_what_to_do_why_and_what_is_unknown(client: TestClient, tiny_demo: Any) -> None:
    for lead in worklist_of(tiny_demo)["lead_id"].iloc[:4]:
        card = client.get(f"/v1/leads/{lead}").json()
        html = page(client, f"/leads/{lead}")
        first = html.split('id="now"')[1].split('<div class="grid')[0]
        assert f'href="tel:{card["display"]["phone"].replace(" ", "")}"' in first
        assert f'href="mailto:{card["display"]["email"]}"' in first
        reasons = card["plain"]["for"][:2]
        assert all(one["says"] in first and one["compares"] in first for one in reasons)
        assert first.count('class="is-against"') <= 1
        figures = re.findall(r"\d[\d,.]*", words(first))
        assert len(figures) < 40, figures
        assert "other leads)" not in first, "counts stand behind a fold"
        for row in card["criteria"]:
            assert all(fact["text"] in html for fact in row["facts"])


def test_an_answer_says_what_it_did_and_is_undone(client: TestClient, tiny_demo: Any) -> None:
    frame = worklist_of(tiny_demo)
    lead = str(frame[frame["status_authority"] == "unknown"]["lead_id"].iloc[0])
    before = client.get(f"/v1/leads/{lead}").json()
    html = page(client, f"/leads/{lead}?list=to_work")
    back = f"/leads/{lead}?list=to_work"
    sent = {"token": token_of(html), "question": "decision_role", "value": "decides", "back": back}
    where = client.post(f"/leads/{lead}/answers", data=sent, follow_redirects=False).headers["location"]
    assert where.startswith(back + "&saved=answer&answer=") and f"was={before['score']}" in where
    after = client.get(f"/v1/leads/{lead}").json()["score"]
    told = page(client, where)
    expected = f"from {before['score']} to {after}." if after != before["score"] else f"stays {after}."
    assert f"The score {'went ' if after != before['score'] else ''}{expected}" in words(told)
    assert "Takes the decision." in told and "local" in told
    toast = told.split('class="toast')[1].split("</form>")[0]
    undo = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', toast))
    assert undo["status"] == "dont_know" and undo["corrects"]
    undone = words(unescape(client.post(f"/leads/{lead}/answers", data=undo, headers=HTML).text))
    assert client.get(f"/v1/leads/{lead}").json()["score"] == before["score"]
    assert f"Taken back. The score is {before['score']}." in undone and "Saved." not in undone


def test_an_impossible_answer_is_refused_in_words(client: TestClient, tiny_demo: Any) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    html = page(client, f"/leads/{lead}")
    assert 'type="number" step="any" inputmode="decimal" min="0.0" max="10.0"' in html
    sent = {"token": token_of(html), "question": "pain", "value": "99"}
    refused = client.post(f"/leads/{lead}/answers", data=sent, headers=HTML)
    assert refused.status_code == 422 and "10" in words(refused.text).split("That did not work")[1]
    client.cookies.set(COOKIE, "pl")
    polish = client.post(f"/leads/{lead}/answers", data=sent, headers=HTML).text
    assert "Nie dało się tego wykonać." in polish


def test_closed_silenced_and_returned_leads_look_it(client: TestClient, tiny_demo: Any) -> None:
    won = client.get("/v1/worklist", params={"list": "customers", "size": 1}).json()["rows"][0]["lead_id"]
    html = page(client, f"/leads/{won}")
    assert "Closed: won on " in html and "It is over" in html and "Do this now" not in html
    assert 'class="score-xl is-closed"' in html and 'class="ask"' not in html and 'href="tel:' not in html

    lead, other = (str(name) for name in worklist_of(tiny_demo)["lead_id"].iloc[:2])
    token = token_of(page(client, f"/leads/{lead}"))
    client.post(f"/leads/{lead}/feedback", data={"token": token, "verdict": "do_not_contact"})
    html = page(client, f"/leads/{lead}")
    assert "Do not contact this lead." in html and "Phone and mail are hidden." in html
    assert "tel:" not in html and "mailto:" not in html and 'class="ask"' not in html and 'id="return"' not in html
    client.post(f"/leads/{lead}/feedback", data={"token": token, "verdict": "withdraw"})
    assert "tel:" in page(client, f"/leads/{lead}")

    client.post(f"/leads/{other}/feedback", data={"token": token, "verdict": "reject", "reason": "no_budget"})
    html = page(client, f"/leads/{other}")
    assert any(
        part.startswith(' role="status"') and "<b>Returned" in part for part in html.split('class="note is-watch"')
    )
    assert 'class="now is-over"' in html


def test_a_silenced_lead_shows_no_column_and_no_value_that_reaches_it(client: TestClient, tiny_demo: Any) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    data = client.app.state.app_state.loaded.data
    data.tables["leads"] = data.tables["leads"].assign(record_url="+49 30 1234567", owner="ann@example.com")
    before = client.get(f"/v1/leads/{lead}").json()["display"]
    assert {"email", "phone", "record_url"} <= set(before)
    client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "do_not_contact"})
    shown = client.get(f"/v1/leads/{lead}").json()["display"]
    assert set(before) - set(shown) == {"email", "phone", "record_url"}, "names, company and owner stay"
    assert "1234567" not in page(client, f"/leads/{lead}")


TOY = """
name: toy
kind: relational
tables:
  leads: {location: {file: leads.csv}, columns: {lead_id: {}, created_at: {}}}
  outcomes: {location: {file: outcomes.csv}, columns: {opportunity_id: {}, lead_id: {}, closed_at: {}, won: {}}}
"""
CONTACTS = (
    "mail mail_work email fax phone_2 mobile_no telefon telefonnummer tel tel_2 whatsapp sms handy linkedin contact"
)


def test_contacts_are_hidden_by_declaration_by_name_and_by_value() -> None:
    kept = {
        "full_name": "Ann Lee",
        "company": "Firma",
        "stelle": "a",
        "retail": "b",
        "hotel": "c",
        "since": "2026-03-31",
    }
    roles = dict.fromkeys((*CONTACTS.split(), *kept, "note"), "display")
    roles |= dict.fromkeys(("linkedin", "contact", "full_name"), "personal")
    columns = ", ".join(f"{name}: {{role: {role}}}" for name, role in roles.items())
    source = parse_source(TOY.replace("lead_id: {}", f"lead_id: {{}}, {columns}", 1))
    hidden = dict.fromkeys(CONTACTS.split(), "x")
    for value in ("write to ann@example.com", "+49 (30) 1234567", "030/1234567", "555-010-0199"):
        assert hide_contacts(kept | hidden | {"note": value}, source) == kept
    assert hide_contacts({"owner": "rep@example.com"}, source), "who has the lead is no way to reach it"


def test_the_bars_add_up_on_one_axis() -> None:
    english = page_language("en")
    rows = [{"id": "need", "label": "Need", "points": 30}, {"id": "context", "label": "Context", "points": -70}]
    fall = build_fall({"points_base": -20, "points_clip": 10, "criteria": rows}, english)
    assert [row.points for row in fall.rows] == [50, -20, 30, -70, 10, 0]
    assert all(0 <= row.left <= 100 and row.left + row.width <= 100.7 for row in fall.rows)
    for row, following in zip(fall.rows[1:], fall.rows[2:-1], strict=False):
        assert row.end in (following.left, round(following.left + following.width, 2))
    assert fall.rows[0].label == "Start" and fall.rows[1].label == "All leads on average"


@pytest.mark.parametrize("code", ["en", "ko", "pl"])
def test_the_history_has_an_axis_and_says_what_it_shows(code: str) -> None:
    language = page_language(code)
    weekly = [{"as_of": f"2026-06-{day:02}T00:00:00", "score": score} for day, score in ((1, 48), (8, 69), (15, 66))]
    reference = (50, write_in_hundred(language, 0.25))
    chart = build_history(weekly, language, reference)
    assert chart is not None and build_history(weekly[:1], language, reference) is None
    assert [text for _, text in chart.ticks_y] == ["45", "60", "75"] and len(chart.dots) == 3
    assert chart.dots[0][0] == 0.0 and chart.dots[-1][0] == 100.0 and chart.mark is not None
    said = {"en": "50: 25 in 100", "ko": "50: 100건 중 25건", "pl": "50: 25 na 100"}
    assert chart.mark[1] == said[code], "which leads are hot the policy says, and not by a score of 50"
    assert all(str(row["score"]) in chart.said for row in weekly) and "69" in chart.finding
