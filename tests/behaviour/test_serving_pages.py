"""The pages speak the reader's language."""

import json
import re
from collections.abc import Iterator
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote_plus

import pytest
from babel.messages.pofile import read_po
from starlette.testclient import TestClient

from features.errors import FetchError
from models.explaining.language import load_language
from models.judging.lifecycle.sales_feedback import THIRDS
from pipelines.workspace.storage_errors import StorageError
from serving.pages import tables
from serving.pages.charts.waterfall import build_waterfall
from serving.pages.language import COOKIE, page_language
from serving.pages.render import STATUS_WORDS, to_words, verdict_words
from serving.pages.shell import GROUPS
from serving.pages.thresholds.threshold_routes import POLICY_WORDS
from serving.schemas import FeedbackGiven
from tests.reference.serving import client_for, worklist_of

TEMPLATES = files("serving.pages") / "templates"
PAGES = Path(str(files("serving.pages")))
SAME_WORDS = {"Start", "Segment", "Lead", "Model", "API", "Auto"}
MARKED = re.compile(r'_\("((?:[^"\\]|\\.)*)"')
COUNTED = re.compile(r'plural\("((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"')


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def token_in(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found is not None
    return found.group(1)


def page(client: TestClient, path: str) -> str:
    return str(client.get(path, headers={"accept": "text/html"}).text)


def said() -> set[str]:
    """Every text of the pages that is marked, and the words that come from lists of ours."""
    written = "\n".join(entry.read_text(encoding="utf-8") for entry in sorted(Path(str(TEMPLATES)).rglob("*.html")))
    found = set(MARKED.findall(written))
    given = FeedbackGiven.model_fields
    found |= {verdict_words(verdict) for verdict in get_args(given["verdict"].annotation)}
    found |= {to_words(reason) for reason in get_args(given["reason"].annotation) if reason}
    card = {"score": 50, "points_base": 0, "points_clip": 1, "criteria": []}
    found |= {bar.label for bar in build_waterfall(card).bars} | set(STATUS_WORDS.values()) | set(POLICY_WORDS.values())
    found |= {field.title for table in tables.ALL for field in table}
    found |= {name for group in GROUPS for name in (group.title, *(page.title for page in group.pages))}
    return found - {"withdraw"}


@pytest.mark.parametrize("code", ["ko", "pl"])
def test_every_marked_text_is_translated_with_the_same_places(code: str) -> None:
    language = page_language(code)
    texts = said()
    assert len(texts) > 250
    for text in texts:
        told = language.text(text)
        assert sorted(re.findall(r"{\w+}", told)) == sorted(re.findall(r"{\w+}", text)), text
        assert told != text or text in SAME_WORDS, text


def test_no_translation_is_left_of_a_text_that_is_gone() -> None:
    rooms = [Path(str(files(room))) for room in ("serving", "models", "pipelines", "features")]
    paths = [path for room in (*rooms, rooms[0].parent / "data") for path in room.rglob("*")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in paths if path.suffix in {".py", ".html", ".js"})
    code = re.sub(r'"\s*\n\s*f?"', "", code)  # texts over several lines
    written = {text.replace('\\"', '"') for text in re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)}
    written |= set(re.findall(r"'([^'\n]*)'", code))
    declared = "\n".join(path.read_text(encoding="utf-8") for path in paths if path.suffix == ".yaml")
    written |= {text.strip().strip("\"'") for text in re.findall(r"[:\[,]([^:\[\],{}\n]+)", declared)}
    written |= {text.strip().strip("\"'") for text in re.findall(r": ([^:\n]+)", declared)}
    written |= {to_words(text) for text in written} | said()
    written |= {f"{decision}, {third}" for decision in ("accepted", "returned") for third in THIRDS}
    for code_of in ("ko", "pl"):
        ids = {text if isinstance(text, str) else text[0] for text in page_catalog(code_of)}
        assert sorted(ids - written) == []


def page_catalog(code: str) -> list[Any]:
    with (PAGES / f"messages/{code}.po").open("rb") as file:
        return [message.id for message in read_po(file, locale=code) if message.id]


def test_every_counted_text_has_all_its_forms() -> None:
    written = "\n".join(entry.read_text(encoding="utf-8") for entry in sorted(Path(str(TEMPLATES)).rglob("*.html")))
    written += "\n".join(entry.read_text(encoding="utf-8") for entry in sorted(PAGES.rglob("*.py")))
    pairs = {tuple(found) for found in COUNTED.findall(written)}
    assert len(pairs) >= 4
    for one, many in pairs:
        for code in ("ko", "pl"):
            told = {page_language(code).catalog.ngettext(one, many, n) for n in (1, 2, 5)}
            assert many not in told and len(told - {one}) >= (1 if code == "ko" else 2), (code, one)


def test_a_reader_s_choice_is_kept_and_leads_back(reader: TestClient, tiny_demo: Any) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    token = token_in(page(reader, "/"))
    answer = reader.post(
        "/language", data={"token": token, "code": "pl", "back": f"/leads/{lead}"}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/leads/{lead}")
    assert reader.cookies[COOKIE] == "pl"
    polish = page(reader, f"/leads/{lead}")
    assert '<html lang="pl">' in polish and "Z czego składa się wynik" in polish
    assert "Decyzyjność" in page(reader, "/worklist")
    reason = reader.get(f"/v1/leads/{lead}", params={"language": "pl"}).json()["for"][0]
    assert reason in polish.replace("&#39;", "'").replace("&gt;", ">").replace("&lt;", "<")


def test_the_list_shows_the_card_s_first_reason_in_every_language(reader: TestClient, tiny_demo: Any) -> None:
    reader.cookies.set(COOKIE, "ko")
    html = page(reader, "/?size=3")
    for lead in worklist_of(tiny_demo)["lead_id"].iloc[:3]:
        card = reader.get(f"/v1/leads/{lead}", params={"language": "ko"}).json()
        english = reader.get(f"/v1/leads/{lead}").json()
        assert card["score"] == english["score"] and card["points_base"] == english["points_base"]
        assert unescape(html).count(card["plain"]["for"][0]["says"]) >= 1
    reasons = re.findall(r'<td class="why" role="cell">(.*?)</td>', html)
    assert len(reasons) == 3 and all(re.search(r"[가-힣]", text) for text in reasons)


def test_what_nobody_may_choose_is_refused(reader: TestClient) -> None:
    token = token_in(page(reader, "/"))
    assert reader.post("/language", data={"token": "x", "code": "pl"}).status_code == 403
    assert reader.post("/language", data={"token": token, "code": "xx"}).status_code == 422
    away = reader.post("/language", data={"token": token, "code": "pl", "back": "//elsewhere"}, follow_redirects=False)
    assert away.headers["location"] == "/"
    reader.cookies.clear()
    reader.cookies.set(COOKIE, "../../etc")
    assert '<html lang="en">' in page(reader, "/")
    problem = reader.post("/v1/score", json={"lead": {}, "language": "xx"}).json()
    assert "known: en, ko, pl" in problem["detail"]


def test_a_raw_lead_is_explained_in_the_language_asked_for(reader: TestClient) -> None:
    body = {"lead": {"lead_id": "a"}, "as_of": "2026-01-01T00:00:00Z"}
    korean = reader.post("/v1/score", json=body | {"language": "ko"}).json()
    english = reader.post("/v1/score", json=body).json()
    assert korean["score"] == english["score"]
    assert korean["criteria"][0]["label"] == load_language("ko").text("Budget") == "예산"


def test_the_server_s_own_language_is_a_setting(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path, language="pl") as client:
        assert "Lista do pracy" in page(client, "/")


def test_segments_offered_are_segments_that_filter(reader: TestClient) -> None:
    html = page(reader, "/worklist")
    offered = re.findall(r'href="/worklist\?segment=([^"&]+)">[^<]+ <span class="push muted">([\d,]+)<', html)
    assert offered
    for address, count in offered[:5]:
        some = reader.get("/v1/worklist", params={"segment": unquote_plus(address)}).json()
        assert some["total"] == int(count.replace(",", ""))
        assert 0 < some["total"] < reader.get("/v1/worklist").json()["total"]


def test_a_page_never_keeps_its_first_viewer_s_language(reader: TestClient) -> None:
    before = reader.get("/v1/shortlist", params={"limit": 50}).json()
    reader.cookies.set(COOKIE, "pl")
    polish = page(reader, "/short")
    reader.cookies.delete(COOKIE)
    assert reader.get("/v1/shortlist", params={"limit": 50}).json() == before
    english = page(reader, "/short")
    heading, said = "One answer short", page_language("pl").text("One answer short")
    assert said != heading and said in polish and heading not in polish and heading in english


def test_one_answer_short_says_what_to_ask(reader: TestClient) -> None:
    html = page(reader, "/short")
    rows = reader.get("/v1/shortlist", params={"limit": 50}).json()
    listed = rows["rows"]
    assert listed
    assert html.count('<tr role="row">') == len(listed)
    for row in listed[:3]:
        assert f'href="/leads/{row["lead_id"]}"' in html and row["text"] in unescape(html)


def test_the_card_says_what_changed_in_a_week(reader: TestClient, tiny_demo: Any) -> None:
    for lead in worklist_of(tiny_demo)["lead_id"].iloc[:10]:
        found = reader.get(f"/v1/leads/{lead}/change")
        html = page(reader, f"/leads/{lead}")
        assert ("What changed in a week" in html) == (found.status_code == 200)
        if found.status_code == 200:
            told = found.json()
            assert f"From {told['score_before']} to {told['score_after']}." in html
            assert sum(told["points"].values()) == told["score_after"] - told["score_before"]


@pytest.mark.parametrize(
    ("problem", "status", "plain"),
    [(StorageError("the disk is full."), 507, "could not store"), (FetchError("no answer."), 502, "did not answer")],
)
def test_what_is_no_fault_of_an_entry_does_not_send_people_to_check_it(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: int, plain: str
) -> None:
    def fail(*args: Any, **named: Any) -> None:
        raise problem

    monkeypatch.setattr("serving.pages.accounts.account_routes.list_accounts", fail)
    answer = reader.get("/accounts", headers={"accept": "text/html"})
    assert answer.status_code == status and plain in answer.text and "Check what was entered" not in answer.text


def test_not_knowing_is_an_answer_that_withdraws_the_one_before(client: TestClient, tiny_demo: Any) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    token = token_in(page(client, f"/leads/{lead}"))
    for data, status in (({"value": "decides"}, "met"), ({"status": "dont_know"}, "unknown")):
        sent = {"token": token, "question": "decision_role", **data}
        answer = client.post(f"/leads/{lead}/answers", data=sent, follow_redirects=False)
        assert answer.status_code == 303
        rows = client.get(f"/v1/leads/{lead}").json()["criteria"]
        assert next(row["status"] for row in rows if row["id"] == "authority") in (status, "indicated")
    assert client.post(f"/leads/{lead}/answers", data={"token": token, "question": "decision_role"}).status_code == 422


def test_team_lists_open_leads_that_wait_too_long(reader: TestClient, tiny_demo: Any) -> None:
    from serving.lists.team_queues import list_overdue

    found = list_overdue(reader.app.state.app_state, None, 10)
    html = page(reader, "/team")
    assert found.total >= len(found.rows) > 0
    for row in found.rows:
        assert row["waited_hours"] > row["promised_hours"]
        assert f'href="/leads/{row["lead_id"]}"' in html
    names = set(worklist_of(tiny_demo)["lead_id"])
    assert {row["lead_id"] for row in found.rows} <= names
    owner = found.rows[0]["owner"]
    mine = list_overdue(reader.app.state.app_state, owner, limit=1000).rows
    assert mine and {row["owner"] for row in mine} == {owner}


def test_the_list_says_what_a_lead_is_worth(reader: TestClient) -> None:
    html = page(reader, "/?sort=value")
    assert "Expected value" in html and 'aria-sort="descending" class="num value"' in html
    first = re.search(r'<td class="num value" role="cell"><span class="who-cell"><b>€([\d,]+)</b>', html)
    assert first is not None
    value = reader.get("/v1/thresholds").json()["capacity"]["value_per_win"]
    row = reader.get("/v1/worklist", params={"sort": "value", "size": 1}).json()["rows"][0]
    assert abs(float(first.group(1).replace(",", "")) - row["probability"] * value * row["worth"]) <= 0.5
    reader.cookies.set(COOKIE, "pl")
    assert f"<b>{first.group(1).replace(',', chr(160))}\xa0€</b>" in page(reader, "/worklist?sort=value")


def test_what_was_said_against_the_model_stands_on_every_page_that_ranks(tiny_copy: Any, tmp_path: Path) -> None:
    """A later run that is not promoted leaves the words with the bundle that scores; a damaged file is said."""
    cautions = tiny_copy.context.paths.cautions
    with client_for(tiny_copy, tmp_path) as client:
        scores = client.app.state.app_state.loaded.model.bundle.hash
        lead = worklist_of(tiny_copy)["lead_id"].iloc[0]
        pages = ("/", f"/leads/{lead}", "/model")
        cautions.write_text(json.dumps({scores: "the ranking <has> turned round", "another": "not this one"}))
        for path in pages:
            html = page(client, path)
            assert "the ranking &lt;has&gt; turned round" in html and "not this one" not in html, path
        cautions.write_text(json.dumps({scores: "", "another": "not this one"}))
        assert not any("Before you work this list:" in page(client, path) for path in pages)
        cautions.write_text("{")
        assert all("cautions.json is damaged" in page(client, path) for path in pages)
