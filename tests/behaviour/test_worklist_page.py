"""The worklist's page: counts follow filters, addresses keep them, files are readable, views and undo work."""

import base64
import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.auth.api_keys import form_token
from serving.auth.dependencies import SESSION
from serving.pages.language import COOKIE
from serving.pages.worklist.saved_views import MOST_VIEWS
from tests.reference.serving import client_for, key_for, without_marks, worklist_of

HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def client(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path_factory.mktemp("state")) as found:
        yield found


def page(client: TestClient, path: str) -> str:
    return unescape(client.get(path, headers=HTML).text)


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found is not None
    return found.group(1)


def tabs_in(html: str) -> dict[str, int]:
    part = html.split('class="tabs"')[1].split("</nav>")[0]
    return {
        name.strip(): int(n.replace(",", "")) for name, n in re.findall(r'>([^<>]+) <span class="n">([\d,]+)', part)
    }


def leads_in(html: str) -> list[str]:
    return re.findall(r'<span class="who-cell"><a href="/leads/([^"?]+)', html.split("<tbody")[1].split("</tbody")[0])


@pytest.mark.parametrize("asked", ["", "&grade=A", "&stage=opportunity", "&unknown=budget", "&search=rio"])
def test_tabs_count_what_the_filters_leave(client: TestClient, asked: str) -> None:
    counts = tabs_in(page(client, f"/worklist?size=25{asked}"))
    for title, name in (("To hand off", "to_hand_off"), ("To work", "to_work"), ("Watching", "watching")):
        left = client.get(f"/v1/worklist?size=1&list={name}{asked}").json()["total"]
        assert counts[title] == left, title
    assert counts["All open"] == client.get(f"/v1/worklist?size=1{asked}").json()["total"]


def test_every_filter_offered_leaves_what_it_counts_and_keeps_the_others(client: TestClient) -> None:
    html = page(client, "/worklist?list=to_work&sort=value")
    menu = html.split('class="menu menu-wide"')[1].split("</details></div>")[0]
    offered = re.findall(r'href="(/worklist\?[^"]+)">[^<]+ <span class="push muted">([\d,]+)<', menu)
    assert len({re.sub(r"=.*", "", link.split("&")[-1]) for link, _ in offered}) >= 4
    for link, count in offered[::5]:
        assert "list=to_work" in link and "sort=value" in link
        left = client.get(link.replace("/worklist", "/v1/worklist") + "&size=1").json()["total"]
        assert left == int(count.replace(",", "")), link
    on = page(client, "/worklist?list=to_work&grade=A&unknown=budget")
    assert re.search(r'class="filter-on" href="/worklist\?list=to_work&unknown=budget">Fit A', on)
    assert re.search(r'class="filter-on" href="/worklist\?list=to_work&grade=A">Budget not known', on)


def test_a_card_knows_the_list_it_was_opened_from(client: TestClient) -> None:
    listed = leads_in(page(client, "/worklist?list=to_work&minimum=20"))
    html = page(client, f"/leads/{listed[1]}?list=to_work&minimum=20")
    assert f'href="/leads/{listed[0]}?list=to_work&minimum=20" rel="prev"' in html
    assert f'href="/leads/{listed[2]}?list=to_work&minimum=20" rel="next"' in html
    total = client.get("/v1/worklist?list=to_work&minimum=20&size=1").json()["total"]
    assert (
        '<a href="/worklist?list=to_work&minimum=20">Worklist, To work · Score from 20</a>' in html
        and f"2 of {total}" in html
    )


def test_words_find_leads_without_accents_and_closed_ones_too(client: TestClient) -> None:
    open_leads = client.get("/v1/worklist", params={"search": "RIO verde", "size": 500}).json()
    assert open_leads["total"] > 0
    assert all("Río Verde" in row["display"]["company"] for row in open_leads["rows"])
    html = page(client, "/worklist?search=rio+verde")
    assert "Also found, but over" in html
    closed = client.get("/v1/worklist", params={"search": "rio verde", "list": "closed"}).json()
    assert closed["total"] > 0 and all("Río Verde" in row["display"]["company"] for row in closed["rows"])


def test_headings_sort_and_turn_round(client: TestClient) -> None:
    names = [row["display"]["full_name"] for row in client.get("/v1/worklist?sort=name&size=50").json()["rows"]]
    assert names[0][0] == "A" and names == sorted(names, key=lambda name: name.translate(str.maketrans("łŁ", "lL")))
    waiting = [row["stage_days"] for row in client.get("/v1/worklist?sort=waiting&size=50").json()["rows"]]
    assert waiting == sorted(waiting, reverse=True)
    ahead = [row["lead_id"] for row in client.get("/v1/worklist?size=500").json()["rows"]]
    back = [row["lead_id"] for row in client.get("/v1/worklist?size=500&reverse=true").json()["rows"]]
    assert back == ahead[::-1]
    html = page(client, "/worklist")
    assert '<th scope="col" aria-sort="descending"><a href="/worklist?reverse=true">Score' in html
    assert 'aria-sort="ascending"><a href="/worklist">Score' in page(client, "/worklist?reverse=true")


def test_the_file_holds_what_is_shown_for_people(client: TestClient) -> None:
    answer = client.get("/worklist/file?grade=A")
    assert answer.headers["content-type"].startswith("text/csv") and answer.text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    listed = client.get("/v1/worklist?grade=A&size=500").json()["rows"]
    assert [row["Lead id"] for row in rows] == [row["lead_id"] for row in listed]
    first, known = rows[0], listed[0]
    assert (first["Name"], first["Company"]) == (known["display"]["full_name"], known["display"]["company"])
    assert (first["Owner"], first["Score"]) == (known["owner"], str(known["score"]))
    assert first["Chance in 100"] == str(round(100 * known["probability"]))
    assert not any(re.search(r"\d\.\d{3}", text) for text in first.values()), "figures are rounded"
    assert (
        first["Next step"]
        and first["What speaks for it"]
        and first["Budget"] in {"met", "not met", "indicated", "unknown"}
    )
    client.cookies.set(COOKIE, "pl")
    assert client.get("/worklist/file?grade=A").text.startswith("\ufeffNazwisko,Firma,")
    client.cookies.delete(COOKIE)
    closed = client.get("/worklist/file?list=closed").text.splitlines()
    assert closed[0].endswith("Name,Company,Owner,Outcome,Closed,Next step,Lead id") and len(closed) > 10


@pytest.mark.parametrize(
    ("code", "heading", "until"),
    [("en", "Back on", "rests until"), ("ko", "돌아오는 날", "쉬는 기한:"), ("pl", "Powrót", "odpoczywa do")],
)
def test_the_day_a_lead_is_back_on_is_told_as_that(client: TestClient, code: str, heading: str, until: str) -> None:
    resting = client.get("/v1/worklist?list=resting").json()["rows"][0]
    client.cookies.set(COOKIE, code)
    text = client.get("/worklist/file?list=resting").text.removeprefix("\ufeff")
    shown = page(client, "/worklist?list=resting")
    client.cookies.delete(COOKIE)
    row = next(csv.DictReader(io.StringIO(text)))
    assert row[heading] == resting["back_at"][:10] and until in row.values()
    assert re.search(rf'>{until}</span> <span class="muted">[^<]*\d', shown)


@pytest.mark.parametrize("path", ["/worklist?size=25", "/worklist?size=25&list=closed", "/accounts?sort=name"])
def test_a_page_beyond_the_last_is_the_last_one(client: TestClient, path: str) -> None:
    def linked(number: int) -> list[str]:
        rows = page(client, f"{path}&page={number}").split("<tbody")[1].split("</tbody")[0]
        return re.findall(r'href="(/(?:leads|accounts)/[^"?]+)', rows)

    pages = client.get(f"/v1{path}").json()["pages"]
    assert linked(pages + 1) == linked(pages) != linked(1), "the last page may have had one lead, put aside since"


def test_several_leads_are_put_aside_and_taken_back(client: TestClient) -> None:
    html = page(client, "/worklist?grade=B")
    chosen = leads_in(html)[:2]
    sent = {"token": token_of(html), "do": "snooze", "lead": chosen, "back": "/worklist?grade=B"}
    answer = client.post("/worklist/chosen", data=sent, follow_redirects=False)
    where, ids = answer.headers["location"], re.findall(r"&given=(\d+)", answer.headers["location"])
    assert where.startswith(f"/worklist?grade=B&saved=snooze&lead={chosen[0]}&lead={chosen[1]}&") and len(ids) == 2
    after = page(client, answer.headers["location"])
    assert "2 leads: put aside for a week" in after and not set(chosen) & set(leads_in(after))
    client.post(f"/v1/leads/{chosen[1]}/feedback", json={"verdict": "do_not_contact"})
    where = client.post("/worklist/chosen", data=sent, follow_redirects=False).headers["location"]
    assert "&left=1" in where
    after = page(client, where)
    assert "1 lead was left as it is. This lead must not be contacted" in after
    client.cookies.set(COOKIE, "pl")
    assert "1 lead pozostał bez zmian. Z tym leadem" in page(client, where)
    said = client.cookies["leadscore_left"]
    for forged in (base64.urlsafe_b64encode(b"Pay elsewhere.").decode(), f"{said}YQ==", "." * 4000):
        client.cookies.delete("leadscore_left")
        client.cookies.set("leadscore_left", forged)
        after = page(client, where)
        assert re.search(r"1 lead pozostał bez zmian\.\s*<", after) and "elsewhere" not in after
    client.cookies.delete(COOKIE)
    client.post(f"/v1/leads/{chosen[1]}/feedback", json={"verdict": "withdraw"})
    client.post(f"/v1/leads/{chosen[0]}/feedback", json={"verdict": "withdraw"})
    client.post("/worklist/chosen", data=sent | {"do": "withdraw", "undoes": ids})
    assert set(chosen) <= set(leads_in(page(client, "/worklist?grade=B")))
    file = client.post("/worklist/chosen", data=sent | {"do": "csv"}).text
    assert {row["Lead id"] for row in csv.DictReader(io.StringIO(file.removeprefix("\ufeff")))} == set(chosen)
    assert client.post("/worklist/chosen", data=sent | {"token": "x"}).status_code == 403
    nobody = client.post("/worklist/chosen", data=sent | {"lead": ["nobody"]})
    assert nobody.status_code == 422


def test_a_snoozed_lead_has_a_list_a_day_and_a_way_back(client: TestClient) -> None:
    html = page(client, "/worklist")
    name, before = leads_in(html)[0], tabs_in(html)
    sent = {"token": token_of(html), "lead": name, "do": "snooze", "back": "/worklist"}
    client.post("/worklist/chosen", data=sent, headers=HTML)
    tabs = tabs_in(page(client, "/worklist"))
    assert (tabs["Snoozed"], tabs["All open"]) == (before["Snoozed"] + 1, before["All open"] - 1)
    asleep = page(client, "/worklist?show=snoozed")
    assert leads_in(asleep) == [name] and 'aria-current="page">Snoozed' in asleep
    assert re.search(r"put aside until \d+ \w+", asleep) and "comes back by itself" in asleep
    assert tabs_in(asleep) == tabs, "the other tabs count as before"
    woken = re.search(rf'formaction="(/leads/{name}/feedback)" name="undoes" value="(\d+)"', asleep)
    assert woken is not None
    client.post(woken[1], data={"token": token_of(asleep), "undoes": woken[2], "lead": name}, headers=HTML)
    assert tabs_in(page(client, "/worklist")) == before
    assert "Nobody is put aside" in page(client, "/worklist?show=snoozed")
    assert "Nobody matches" in page(client, "/worklist?show=snoozed&grade=D")


def test_a_file_of_chosen_leads_needs_the_right_to_read_and_is_on_the_trail(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        html = page(client, "/worklist")
        chosen, app_state = leads_in(html)[:2], client.app.state.app_state  # type: ignore[attr-defined]
        token = form_token(client.cookies[SESSION], app_state.secret)
        sent = {"token": token, "do": "csv", "lead": [*chosen, "nobody"]}
        writer, both = key_for(client, "feedback"), key_for(client, "read", "feedback")
        assert client.post("/worklist/chosen", data=sent, headers=writer).status_code == 403
        assert client.post("/worklist/chosen", data=sent, headers=both).status_code == 200
        client.app.state.views.flush()  # type: ignore[attr-defined]
        seen = client.get("/v1/audit", headers=key_for(client, "admin")).json()
        shown = [row["detail"] for row in seen if row["action"] == "showed"]
        assert [one["leads"] for one in shown if one["route"] == "/worklist/chosen"] == [chosen]


def test_views_are_kept_by_name_and_forgotten(client: TestClient) -> None:
    token = token_of(page(client, "/worklist"))
    for k in range(MOST_VIEWS + 2):
        client.post("/worklist/views", data={"token": token, "name": f"view {k}", "query": f"?minimum={k + 1}"})
    html = page(client, "/worklist")
    kept = re.findall(r'<a href="/worklist(\?minimum=\d+)">(view \d+)</a>', html)
    assert len(kept) == MOST_VIEWS and kept[0] == (f"?minimum={MOST_VIEWS + 2}", f"view {MOST_VIEWS + 1}")
    client.post("/worklist/views", data={"token": token, "name": kept[0][1], "query": "?grade=A"})
    assert '<a href="/worklist?grade=A">view 9</a>' in page(client, "/worklist")
    client.post("/worklist/views", data={"token": token, "forget": kept[0][1]})
    assert kept[0][1] not in page(client, "/worklist")
    for name, query in (("away", "//evil.example"), (" ", "?grade=A"), ("long", f"?search={'x' * 400}")):
        sent = {"token": token, "name": name, "query": query}
        refused = client.post("/worklist/views", data=sent, headers=HTML)
        assert refused.status_code == 422 and "view" in refused.text
    assert "evil" not in page(client, "/worklist")
    client.cookies.set("leadscore_views", "!!")
    assert client.get("/worklist", headers=HTML).status_code == 200
    client.cookies.delete("leadscore_views")


def test_views_of_many_words_in_another_script_fit_the_cookie(client: TestClient) -> None:
    token = token_of(page(client, "/worklist"))
    for k in range(MOST_VIEWS):
        sent = {"token": token, "name": f"{k}{'번' * 39}", "query": f"?search={'x' * 280}{k}"}
        kept = client.post("/worklist/views", data=sent, follow_redirects=False).headers["set-cookie"]
        assert len(kept) <= 4096
    html = page(client, "/worklist")
    assert f"x{MOST_VIEWS - 1}" in html and "x6" in html and "x0" not in html, "the oldest make room"
    client.cookies.delete("leadscore_views")


def test_no_list_and_no_card_keeps_its_first_viewer_s_language(client: TestClient, tiny_demo: Any) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    for path in ("/worklist", f"/leads/{lead}", "/short"):
        english = without_marks(page(client, path))
        for code, script in (("ko", r"[가-힣]"), ("pl", r"[ąęłńśźż]")):
            client.cookies.set(COOKIE, code)
            told = page(client, path)
            client.cookies.delete(COOKIE)
            assert f'<html lang="{code}"' in told and re.search(script, told)
        assert "more often" in english or path != f"/leads/{lead}"
        assert without_marks(page(client, path)) == english, path


def test_old_addresses_lead_to_the_list_with_their_filters(client: TestClient) -> None:
    answer = client.get("/?state=mql&sort=value", headers=HTML)
    assert answer.url.path in ("/worklist", "/") and "state=mql" in str(answer.url)
