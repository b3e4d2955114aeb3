"""The rubric page without scripts: built by form, tried, adopted; what is wrong is said where it is wrong."""

import io
import json
import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.rubric.csv_format import from_csv
from features.rubric.load import load_rubric
from serving.pages.language import COOKIE
from tests.reference.open_files import open_to_others
from tests.reference.serving import client_for, key_for

HTML = {"accept": "text/html"}
DEMO = Path(__file__).parents[2] / "data" / "rubrics" / "demo.yaml"


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def page(client: TestClient, path: str = "/rubric", **headers: str) -> str:
    return str(client.get(path, headers=HTML | headers).text)


def send(client: TestClient, path: str, headers: dict[str, str] | None = None, **boxes: str) -> Any:
    token = re.search(r'name="token" value="([^"]+)"', page(client, "/rubric", **(headers or {})))
    assert token is not None
    return client.post(path, data={"token": token.group(1), **boxes}, headers=HTML | (headers or {}))


def upload(client: TestClient, content: bytes, name: str = "rubric.csv", headers: dict[str, str] | None = None) -> Any:
    token = re.search(r'name="token" value="([^"]+)"', page(client, **(headers or {})))
    assert token is not None
    files = {"file": (name, io.BytesIO(content), "text/csv")}
    return client.post("/rubric/upload", data={"token": token.group(1)}, files=files, headers=HTML | (headers or {}))


def tried(client: TestClient) -> str:
    """The page once the draft was tried."""
    until = time.monotonic() + 60
    while "data-underway" in (html := page(client)):
        assert time.monotonic() < until, "the draft was never tried"
        time.sleep(0.1)
    return html


def boxes_of(html: str) -> dict[str, str]:
    form = html.split('id="rules"')[1].split("</form>")[0]
    found = re.findall(r'<input[^>]* name="((?:p|cap|line)\.[^"]+)" value="([^"]*)"', form)
    return {unescape(name): value for name, value in found}


def test_the_rubric_in_use_stands_with_the_reports_verdicts(client: TestClient) -> None:
    repair = client.get("/v1/thresholds").json()["repair"]
    html = page(client)
    rows = dict(re.findall(r'<tr role="row" id="rule-(\w+)">(.*?)</tr>', html, re.S))
    assert set(rows) == {row["rule"] for row in repair["worth"]}
    for row in repair["worth"]:
        assert row["verdict"] in rows[row["rule"]]
        leads = f"{round(row['leads']):,}"
        assert f">{leads}<" in rows[row["rule"]]
    boxes = boxes_of(html)
    assert boxes["p.demo_request.0"] == "25" and boxes["line.mql"] == "45" and boxes["cap.fit.low"] == "-30"


def test_page_and_home_count_the_same_rules_against_outcomes(tiny_copy: Any, tmp_path: Path) -> None:
    file = tiny_copy.context.paths.thresholds / "comparison.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    worth = record["repair"]["worth"]
    for row, verdict in zip(worth, ("too many points", "wrong way", "worth nothing"), strict=False):
        row["verdict"] = verdict
    for row in worth[3:]:
        row["verdict"] = "in line"
    file.write_text(json.dumps(record), encoding="utf-8")
    with client_for(tiny_copy, tmp_path) as client:
        assert f"3 of {len(worth)} rules give points that outcomes do not bear out, 0 give" in page(client)
        assert "3 rules give points that outcomes contradict" in page(client, "/?role=marketer")


def test_page_and_home_say_that_a_rubric_does_not_follow_outcomes(tiny_copy: Any, tmp_path: Path) -> None:
    file = tiny_copy.context.paths.thresholds / "comparison.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    for row in record["repair"]["worth"]:
        row |= {"verdict": "cannot tell", "deserved": None, "deserved_low": None, "deserved_high": None}
        row["log_odds"] = -0.5
    file.write_text(json.dumps(record), encoding="utf-8")
    with client_for(tiny_copy, tmp_path) as client:
        for path in ("/rubric", "/?role=marketer"):
            html = page(client, path)
            assert "The rubric as a whole does not follow outcomes" in html
            assert "contradict none" not in html and "No rule is out of line" not in html


def test_a_rubric_is_built_from_nothing_tried_and_adopted_by_forms(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client_for(tiny_copy, tmp_path) as client:
        assert "A draft has begun" in send(client, "/rubric/draft", how="empty").text
        assert (tmp_path / "rubric_drafts").is_dir() and open_to_others(tmp_path / "rubric_drafts") == {}
        fields = page(client, "/rubric/rule")
        assert "Job title" in fields and "Stated pain" in fields and "Demo requests" in fields
        assert "Created at" not in fields and "Contract" not in fields, "keys and leaks are no fields"
        form = page(client, "/rubric/rule?field=answer.budget")
        values = re.findall(r'name="(v\d+)-text" value="([^"]+)"', form)
        listed = {unescape(text): key for key, text in values}
        sent = {f"{key}-text": text for text, key in listed.items()}
        answer = send(client, "/rubric/rule", field="answer.budget", **sent, **{listed[">50k"]: "20"})
        assert "The rule is in the draft" in answer.text and "Stated budget" in answer.text
        answer = send(client, "/rubric/rule", field="activity.demo_request", points="25", within_days="90")
        assert "Once, within 90 days" in answer.text
        numbers = {"r0-from": "50", "r0-below": "1000", "r0": "10", "r1-from": "1000", "r1": "15"}
        assert "50 to below 1,000" in send(client, "/rubric/rule", field="account.employees", **numbers).text
        send(client, "/rubric/rule", field="lead.job_title", **{"t0-text": "chief", "t0": "15"})

        boxes = boxes_of(page(client)) | {"line.mql": "25"}
        assert "Saved in the draft" in send(client, "/rubric/points", do="saved", **boxes).text
        html = tried(client)
        assert "Wins inside the list" in html and "Model" in html
        compared = client.post("/v1/rubric/compare", json={"rubric": yaml_of(client)}).json()
        own = {row["policy"]: row for row in compared["policies"]}["draft_own_threshold"]
        assert f"{own['workload']:,} handed off, {own['wins']:,} won" in html

        refused = send(client, "/rubric/adopt", reason=" ", since="2026-01-05")
        assert refused.status_code == 422 and refused.text.count("Say in a sentence why") == 2
        assert 'id="adopt" popover data-again' in refused.text and 'value="2026-01-05"' in refused.text
        client.cookies.set(COOKIE, "pl")
        refused = send(client, "/rubric/adopt", reason="zgoda wszystkich", since="2999-01-05")
        assert refused.status_code == 422 and "leży w przyszłości" in refused.text
        assert 'value="zgoda wszystkich"' in refused.text and 'value="2999-01-05"' in refused.text
        client.cookies.delete(COOKIE)

        first, second = [name for name in boxes_of(page(client)) if name.startswith("p.")][:2]
        refused = send(client, "/rubric/points", do=f"remove:{second.split('.')[1]}", **{first: "many", second: "x"})
        assert refused.status_code == 422 and 'value="many"' in refused.text and "1 box needs" in refused.text
        assert second in boxes_of(page(client)), "nothing was saved, and what was typed is told"
        state, before = client.app.state.app_state, client.get("/v1/rubric").json()["active"]["version"]
        with monkeypatch.context() as patched:
            patched.setattr(state, "refresh", lambda: None)
            late = send(client, "/rubric/adopt", reason="simpler and agreed")
            assert "until then the rubric before holds" in late.text
            assert 'id="loading" aria-busy="true"' in late.text and "/static/late.js" in late.text
            assert client.get("/v1/rubric").json()["active"]["version"] == before
            patched.setattr(state, "problem", "a file may not be read")
            held = page(client, "/rubric?done=adopted")
            assert "could not load it" in held and 'id="loading">' in held, "there is nothing to look for again"
        state.refresh()
        done = client.get("/rubric?done=adopted", headers=HTML)
        assert "The draft is the rubric in use now" in done.text and "simpler and agreed" in done.text
        found = client.get("/v1/rubric").json()
        assert found["active"]["version"] == "2" and found["active"]["rules"] == 4
        assert "budget" in found["yaml"] and "25" in found["yaml"]
        again = send(client, "/rubric/adopt", reason="twice")
        assert again.status_code == 404
        back = send(client, "/rubric/draft", how="demo 1").text
        assert "Rules, draft 3" in back and 'id="rule-downloads"' in back, "a version before as a draft"


def yaml_of(client: TestClient, **headers: str) -> str:
    from features.rubric.yaml_format import rubric_yaml

    text = client.get("/rubric.csv?of=draft", headers=headers).content.decode("utf-8-sig")
    return rubric_yaml(from_csv(text))


def test_changes_are_kept_named_and_taken_back(client: TestClient) -> None:
    boxes = boxes_of(page(client))
    html = send(client, "/rubric/points", do="saved", **(boxes | {"p.downloads.0": "0", "line.mql": "50"})).text
    assert "2 changes" in html and "was +10" in html and "+10 to 0" in html and "45 to 50" in html
    assert boxes_of(page(client))["p.downloads.0"] == "0", "kept on the server"
    kept, active = from_csv(client.get("/rubric.csv?of=draft").content.decode("utf-8-sig")), load_rubric(DEMO)
    assert [rule.id for rule in kept.rules] == [rule.id for rule in active.rules]
    assert list(kept.groups) == list(active.groups)
    assert list(kept.rule("seniority").patterns) == list(active.rule("seniority").patterns), (
        "the first that fits counts"
    )
    assert list(kept.rule("stated_budget").values) == list(active.rule("stated_budget").values)
    html = send(client, "/rubric/points", do="undo:downloads", **boxes_of(html)).text
    assert boxes_of(html)["p.downloads.0"] == "10" and "1 change." in html
    html = send(client, "/rubric/points", do="remove:trial", **boxes_of(html)).text
    assert 'id="rule-trial"' not in html and "removed" in html
    html = send(client, "/rubric/discard").text
    assert 'id="rule-trial"' in html and boxes_of(html)["line.mql"] == "45"


def test_what_is_wrong_is_said_at_its_box_and_nothing_is_lost(client: TestClient) -> None:
    boxes = boxes_of(page(client)) | {"p.downloads.0": "1e9", "line.mql": "", "p.pricing.0": "7"}
    answer = send(client, "/rubric/points", do="saved", **boxes)
    assert answer.status_code == 422 and 'id="p.downloads.0-e"' in answer.text
    assert "1,000,000,000 is above 1,000. Type a number from −1,000 to 1,000." in answer.text
    assert boxes_of(answer.text)["p.pricing.0"] == "7", "what was typed stands"
    assert boxes_of(page(client))["p.pricing.0"] == "5", "and nothing was saved"

    gone = page(client, "/rubric/rule?field=lead.shoe_size")
    assert "no field &#39;lead.shoe_size&#39;" in gone and "Job title" in gone
    answer = send(client, "/rubric/rule", field="lead.contract_number", v0="5")
    assert answer.status_code == 422 and "no field" in answer.text
    answer = send(client, "/rubric/rule", field="activity.trial_start")
    assert answer.status_code == 422 and "No points are given yet" in answer.text
    wrong = {"points": "many", "within_days": "0", "decay": "half", "cap": "5", "floor": "9"}
    answer = send(client, "/rubric/rule", field="activity.trial_start", **wrong)
    for text in (
        "&#39;many&#39; is not a number",
        "0 is below 1",
        "Type after how many days",
        "lowest points are above",
    ):
        assert text in answer.text, text
    overlap = {"r0-from": "1", "r0-below": "50", "r0": "1", "r1-from": "10", "r1": "2", "r2-from": "9", "r2-below": "3"}
    answer = send(client, "/rubric/rule", field="account.employees", **(overlap | {"r2": "1"}))
    assert "The range ends before it begins" in answer.text


def test_files_of_something_else_are_refused_in_words(client: TestClient) -> None:
    for content, words in (
        (b"name,email\nAnn,ann@example.com\n", "This is no rubric: its columns are name, email."),
        (b"PK\x03\x04 and so on", "This is a workbook"),
        (b"\xd0\xcf\x11\xe0 old workbook", "This is a workbook"),
        (b"  \n", "This file is empty"),
        (b"x" * 300_000, "larger than any rubric"),
        (b"\x00\x01\x02", "This is no rubric"),
    ):
        answer = upload(client, content)
        assert answer.status_code == 422 and words in unescape(answer.text), words
    csv = client.get("/rubric.csv").content.decode("utf-8-sig")
    assert from_csv(csv) == load_rubric(DEMO)
    for change, words in (
        (("activity,demo_request", "activity,dance"), "activity kind 'dance' is not declared"),
        ((",25,", ",1e9,"), "out of range"),
        (("lead,job_title", "lead,shoe_size"), "column 'shoe_size' is not declared"),
    ):
        assert change[0] in csv, change
        answer = upload(client, csv.replace(*change).encode())
        assert answer.status_code == 422 and words in unescape(answer.text), words
    assert "The file is the draft now" in upload(client, csv.replace(",25,", ",30,").encode()).text
    assert boxes_of(page(client))["p.demo_request.0"] == "30"
    assert client.get("/rubric.csv?of=nobody%209").status_code == 404


def test_readers_keep_drafts_of_their_own_and_adopt_nothing(client: TestClient) -> None:
    reader, admin = key_for(client, "read"), key_for(client, "admin", "read")
    html = page(client, **reader)
    assert client.post("/rubric/draft", data={"token": "x", "how": "empty"}, headers=HTML | reader).status_code == 403
    before = boxes_of(html)
    boxes = before | {"p.trial.0": "1"}
    html = send(client, "/rubric/points", reader, do="saved", **boxes).text
    assert "An administrator adopts it" in html and 'popovertarget="adopt"' not in html
    assert boxes_of(page(client, **reader))["p.trial.0"] == "1"
    assert boxes_of(page(client, **admin)) == before, "another key of one name has a draft of its own"
    assert send(client, "/rubric/adopt", reader, reason="mine").status_code == 403
    slow = {"t0-text": "/(a+)+$/", "t0": "5"}
    refused = send(client, "/rubric/rule", reader, field="lead.job_title", **slow)
    assert refused.status_code == 422 and "administrator" in refused.text
    assert "The rule is in the draft" in send(client, "/rubric/rule", admin, field="lead.job_title", **slow).text


def test_new_regular_expressions_come_from_administrators_alone(client: TestClient) -> None:
    reader, admin = key_for(client, "read"), key_for(client, "admin", "read")
    csv = client.get("/rubric.csv", headers=reader).content.decode("utf-8-sig")
    assert r"/\bmanager\b/" in csv
    slow = csv.replace(r"/\bmanager\b/", "/(a+)+$/").encode()
    refused = upload(client, slow, headers=reader)
    assert refused.status_code == 422 and "only an administrator may try it" in refused.text
    assert "The file is the draft now" in upload(client, csv.encode(), headers=reader).text
    assert "The file is the draft now" in upload(client, slow, headers=admin).text

    rule = {"field": "lead.job_title", "t0-text": "/(b+)+$/", "t0": "5", "group": "engagement"}
    assert "engagement" not in csv, "a group that the draft does not have yet"
    refused = send(client, "/rubric/rule", reader, **rule)
    assert refused.status_code == 422 and "only an administrator may try it" in refused.text


def test_owners_are_named_their_own_leads_only(client: TestClient, tiny_demo: Any) -> None:
    owner = str(client.get("/v1/worklist", params={"size": 1}).json()["rows"][0]["owner"])
    mine = key_for(client, "read", owner=owner)
    boxes = boxes_of(page(client, **mine)) | {"line.mql": "20"}
    send(client, "/rubric/points", mine, do="saved", **boxes)
    until = time.monotonic() + 60
    while "data-underway" in (html := page(client, **mine)) and time.monotonic() < until:
        time.sleep(0.1)
    data = client.app.state.app_state.loaded.data  # type: ignore[attr-defined]
    named = re.findall(r'href="/leads/([^"]+)"', html)
    assert all(data.owner(data.code(lead)) == owner for lead in named)
    draft, every = {"rubric": yaml_of(client, **mine)}, key_for(client, "read")
    found, of_mine = (client.post("/v1/rubric/compare", json=draft, headers=who).json() for who in (every, mine))
    assert found["sides"] == of_mine["sides"] and len(found["moves"]) > len(of_mine["moves"])
    assert found["sides"]["enters"]["leads"] == sum(row["side"] == "enters" for row in found["moves"])
    entered = found["sides"]["enters"]
    assert f"{entered['leads']:,}, {entered['won']:,} won" in html and "only yours are named" in html


def typed_into(html: str, **typed: str) -> dict[str, str]:
    """All that a page's form sends: its boxes with what was typed, and what each showed."""
    form = html.split('id="rules"')[1].split("</form>")[0]
    was = re.findall(r'<input type="hidden" name="(was\.[^"]+)" value="([^"]*)">', form)
    assert {unescape(name) for name, _ in was} == {f"was.{name}" for name in boxes_of(html)}
    return boxes_of(html) | {unescape(name): value for name, value in was} | typed


def test_a_form_older_than_the_draft_changes_only_what_was_typed(tiny_copy: Any, tmp_path: Path) -> None:
    with client_for(tiny_copy, tmp_path) as client:
        ann, bob = (key_for(client, "admin") for _ in range(2))
        first, second, of_bob = page(client, **ann), page(client, **ann), page(client, **bob)
        send(client, "/rubric/points", ann, do="saved", **typed_into(first, **{"p.downloads.0": "3", "line.mql": "50"}))
        html = send(client, "/rubric/points", ann, do="saved", **typed_into(second, **{"p.trial.0": "7"})).text
        kept = boxes_of(html)
        assert (kept["p.downloads.0"], kept["line.mql"], kept["p.trial.0"]) == ("3", "50", "7"), "of two tabs"

        typed = typed_into(first, **{"p.downloads.0": "many", "p.trial.0": "8"})
        refused = send(client, "/rubric/points", ann, do="saved", **typed)
        again = boxes_of(refused.text)
        assert refused.status_code == 422 and (again["p.downloads.0"], again["p.trial.0"]) == ("many", "8")
        assert again["line.mql"] == "50", "what nobody typed is what is kept"

        assert "is the rubric in use now" in send(client, "/rubric/adopt", ann, reason="first").text
        cap = next(name for name in boxes_of(of_bob) if name.startswith("cap.") and name.endswith(".high"))
        typed = typed_into(of_bob, **{"p.demo_request.0": "26", cap: "99"})
        kept = boxes_of(send(client, "/rubric/points", bob, do="saved", **typed).text)
        assert (kept["p.demo_request.0"], kept[cap]) == ("26", "99")
        assert (kept["p.downloads.0"], kept["line.mql"], kept["p.trial.0"]) == ("3", "50", "7"), "adopted meanwhile"
        low = cap.removesuffix("high") + "low"
        assert kept[low] == boxes_of(of_bob)[low], "the other end stays"


def test_of_two_drafts_of_one_number_both_can_be_adopted_one_after_the_other(tiny_copy: Any, tmp_path: Path) -> None:
    with client_for(tiny_copy, tmp_path) as client:
        ann, bob = (key_for(client, "admin") for _ in range(2))
        for who, points in ((ann, "26"), (bob, "27")):
            sent = boxes_of(page(client, **who)) | {"p.demo_request.0": points}
            assert "Rules, draft 2" in send(client, "/rubric/points", who, do="saved", **sent).text
        assert "has changed since" not in page(client, **bob)
        assert "is the rubric in use now" in send(client, "/rubric/adopt", ann, reason="first").text

        unseen = send(client, "/rubric/adopt", bob, reason="second", replaces="demo 1")
        assert unseen.status_code == 422 and "the rubric in force is &#39;demo 2&#39; by now" in unseen.text
        assert 'name="replaces" value="demo 2"' in unseen.text, "asked again, against what is in force"
        text = client.get("/v1/rubric", headers=bob).json()["yaml"].replace("version: '2'", "version: '9'")
        asked = {"rubric": text, "reason": "by a script", "replaces": "demo 1"}
        refused = client.post("/v1/rubric", json=asked, headers=bob)
        assert (refused.status_code, refused.json()["code"]) == (409, "LS024")
        assert client.get("/v1/rubric", headers=bob).json()["active"]["version"] == "2"

        late = page(client, **bob)
        assert "Rules, draft 3" in late and "The rubric in use has changed since you began this draft." in late
        assert "It was demo 1 and is demo 2 now" in late
        sent = boxes_of(late) | {"p.demo_request.0": "28"}
        assert "It was demo 1 and is demo 2 now" in send(client, "/rubric/points", bob, do="saved", **sent).text
        assert "is the rubric in use now" in send(client, "/rubric/adopt", bob, reason="second", replaces="demo 2").text
        listed = client.get("/v1/rubric", headers=bob).json()["versions"]
        assert [row["version"] for row in listed] == ["3", "2", "1"]


def test_a_rubric_that_the_server_has_not_loaded_can_be_followed_by_the_next(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client_for(tiny_copy, tmp_path) as client:
        state = client.app.state.app_state  # type: ignore[attr-defined]
        monkeypatch.setattr(state, "refresh", lambda: None)

        def draft(points: str) -> tuple[str, str]:
            html = send(
                client, "/rubric/points", do="saved", **boxes_of(page(client)) | {"p.demo_request.0": points}
            ).text
            return html, re.findall(r'name="replaces" value="([^"]*)"', html)[0]

        for version, points in (("2", "26"), ("3", "27")):
            html, replaces = draft(points)
            assert f"Rules, draft {version}" in html and replaces == f"demo {int(version) - 1}"
            adopted = send(client, "/rubric/adopt", reason="why", replaces=replaces)
            assert adopted.status_code == 200 and "until then the rubric before holds" in adopted.text
        html, _ = draft("28")
        assert "Version 3 was adopted, which this server has not loaded yet" in html
        unseen = send(client, "/rubric/adopt", reason="why", replaces="demo 1")
        assert unseen.status_code == 422 and 'name="replaces" value="demo 3"' in unseen.text
        assert client.get("/v1/rubric").json()["active"]["version"] == "1"
        assert state.load() and client.get("/v1/rubric").json()["active"]["version"] == "3"


def test_a_draft_begins_from_what_outcomes_taught(client: TestClient) -> None:
    html = send(client, "/rubric/draft", how="outcomes").text
    assert "Rules, draft 2" in html and len(boxes_of(html)) > 5
    html = tried(client)
    assert "Draft against the rubric in use" in html
