"""What happened is logged on the card: by whom, when, undone in one click; people read notes and no model does."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from pipelines.posted.posted_store import read_posted
from pipelines.run import run_stage
from pipelines.workspace.standing_feedback import find_leads_spoken_of
from serving.auth.api_keys import form_token, start_session
from serving.auth.dependencies import SESSION
from serving.leads.contact_log.log_kinds import find_log_kinds
from serving.leads.retention import apply_retention
from serving.lists.team_queues import find_hot_leads, find_touched, list_untouched
from serving.pages.language import COOKIE
from serving.state.gather_rows import gather_all_rows
from serving.store.tables import ActivityRow, AuditRow, NoteRow, WithdrawnActivity
from serving.store.wall_clock import wall_now
from tests.reference.serving import client_for, key_for, worklist_of
from tests.reference.tiny_run import TinyRun

HTML = {"accept": "text/html"}
TEXT = "Wants to see it again.\nBring the price list <b>of</b> 2027."


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


@pytest.fixture
def lead(client: TestClient) -> str:
    """The best lead that no rep has touched."""
    return str(list_untouched(app_of(client), None)[0]["lead_id"])


def app_of(client: TestClient) -> Any:
    return client.app.state.app_state  # type: ignore[attr-defined]


def page(client: TestClient, path: str) -> str:
    return unescape(client.get(path, headers=HTML).text)


def hidden(part: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', part))


def form_of(client: TestClient, lead: str) -> dict[str, str]:
    """What the form sends as it comes, without JavaScript: its hidden fields, and the time it shows."""
    html = client.get(f"/leads/{lead}", headers=HTML).text
    part = html.split('<dialog class="pop dialog" id="log"')[1].split("</dialog>")[0]
    when = re.findall(r'id="l-when"[^>]* value="([^"]+)"', part)[0]
    kind = re.findall(r'name="kind" value="([^"]+)" checked', part)[0]
    return {**hidden(part), "when": when, "kind": kind, "note": ""}


def log(client: TestClient, lead: str, **changed: str) -> str:
    """The page that the form leads to."""
    answer = client.post(f"/leads/{lead}/log", data=form_of(client, lead) | changed, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def toast_of(html: str) -> str:
    return html.split('class="toast')[1].split("data-dismiss")[0]


def undo(client: TestClient, lead: str, told: str) -> str:
    toast = toast_of(client.get(told, headers=HTML).text)
    name, value = re.findall(r'name="(activity|note)" value="(\d+)"', toast)[0]
    sent = hidden(toast) | {name: value}
    return unescape(client.post(f"/leads/{lead}/log/undo", data=sent, headers=HTML).text)


def count(client: TestClient, table: Any) -> int:
    with app_of(client).store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def score_of(client: TestClient, lead: str) -> tuple[Any, ...]:
    card = client.get(f"/v1/leads/{lead}").json()
    return card["score"], round(card["probability"], 9), [row["points"] for row in card["criteria"]]


def test_a_call_is_logged_with_a_note_shown_with_its_author_and_undone(client: TestClient, lead: str) -> None:
    before = page(client, f"/leads/{lead}")
    told = log(client, lead, note=TEXT.replace("\n", "\r\n"), back=f"/leads/{lead}?list=to_work")
    assert told.startswith(f"/leads/{lead}?list=to_work&saved=logged&logged=") and "price" not in told
    html = client.get(told, headers=HTML).text
    assert "Logged." in toast_of(html)
    event = html.split('<ol class="timeline">')[1].split("</li>")[0]
    assert "<p>Rep call</p>" in event and "<p>sales, local</p>" in event
    assert '<p class="noted">Wants to see it again.\nBring the price list &lt;b&gt;of&lt;/b&gt; 2027.</p>' in event
    with app_of(client).store.reading() as session:
        row, note = session.scalars(select(ActivityRow)).one(), session.scalars(select(NoteRow)).one()
    assert (row.kind, row.actor, row.author, row.happened_at) == ("rep_call", "rep", "local", row.known_at)
    assert (note.note, note.activity, note.author) == (TEXT, row.id, "local")

    after = undo(client, lead, told)
    assert "Taken back." in toast_of(after)
    assert (count(client, ActivityRow), count(client, NoteRow), count(client, WithdrawnActivity)) == (0, 0, 1)
    timeline = after.split('<ol class="timeline">')[1].split("</ol>")[0]
    assert timeline == before.split('<ol class="timeline">')[1].split("</ol>")[0]
    again = client.post(f"/leads/{lead}/log/undo", data={"token": form_of(client, lead)["token"], "activity": "1"})
    assert again.status_code == 404 and "taken back before" in again.text


def test_a_note_alone_is_no_activity_and_is_undone_from_what_happened(client: TestClient, lead: str) -> None:
    assert "a note needs a text" in refuse(client, lead, kind="note")
    touched, score = find_touched(app_of(client)).tolist(), score_of(client, lead)
    log(client, lead, kind="note", note=TEXT)
    assert find_touched(app_of(client)).tolist() == touched and score_of(client, lead) == score
    assert count(client, ActivityRow) == 0
    event = client.get(f"/leads/{lead}", headers=HTML).text.split('<ol class="timeline">')[1].split("</li>")[0]
    assert "<p>Note</p>" in event and "sales, local" in event and "Take back" in event
    name, value = re.findall(r'name="(activity|note)" value="(\d+)"', event)[0]
    client.post(f"/leads/{lead}/log/undo", data=hidden(event) | {name: value})
    assert count(client, NoteRow) == 0 and "Wants to see" not in page(client, f"/leads/{lead}")


@pytest.mark.parametrize("kind", ["call", "note"])
def test_an_undo_that_is_sent_twice_takes_back_once_and_says_so_twice(client: TestClient, lead: str, kind: str) -> None:
    log(client, lead, kind=kind, note=TEXT)
    event = client.get(f"/leads/{lead}", headers=HTML).text.split('<ol class="timeline">')[1].split("</li>")[0]
    name, value = re.findall(r'name="(activity|note)" value="(\d+)"', event)[0]
    sent, path = hidden(event) | {name: value}, f"/leads/{lead}/log/undo"
    first, second = (client.post(path, data=sent, follow_redirects=False) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303), second.text
    assert "saved=withdraw" in first.headers["location"] == second.headers["location"]
    assert (count(client, NoteRow), count(client, WithdrawnActivity)) == (0, int(kind == "call"))


def test_what_people_wrote_stays_on_the_card_of_a_lead_that_did_much_since(client: TestClient, lead: str) -> None:
    log(client, lead, kind="note", note="a note of long ago")
    log(client, lead, kind="mail")
    client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept", "note": "worth a try"})
    with app_of(client).store.writing() as session:
        now = session.scalars(select(NoteRow)).one().known_at
        for k in range(1, 62):
            view = {"kind": "page_view", "actor": "lead", "asset": f"page {k}", "activity_id": f"view-{k}"}
            at = now + timedelta(minutes=k)
            session.add(ActivityRow(lead_id=lead, happened_at=at, known_at=at, **view))
    events = client.get(f"/leads/{lead}", headers=HTML).text.split('<ol class="timeline">', 1)[1]
    assert "page 61<" in events and "page 2<" in events and "page 1<" not in events
    assert "a note of long ago" in events and "<p>Rep email</p>" in events and "worth a try" in events


def refuse(client: TestClient, lead: str, **changed: str) -> str:
    answer = client.post(f"/leads/{lead}/log", data=form_of(client, lead) | changed, headers=HTML)
    assert answer.status_code == 422, answer.text
    return unescape(re.sub(r"<[^>]+>", "", answer.text))


def test_nothing_is_logged_that_has_not_happened_or_is_no_kind_or_has_no_end(client: TestClient, lead: str) -> None:
    now = app_of(client).clock.now()
    ahead = max(now, wall_now()) + timedelta(minutes=2)
    assert "has not happened yet" in refuse(client, lead, when=f"{ahead:%Y-%m-%dT%H:%M}")
    assert "not a time" in refuse(client, lead, when="soon")
    assert "choose one from the list" in refuse(client, lead, kind="rep_call")
    assert "at most 2000 characters" in refuse(client, lead, note="x" * 2001)
    assert "cannot be stored" in refuse(client, lead, note="a\x00b")
    assert (count(client, ActivityRow), count(client, NoteRow)) == (0, 0)
    log(client, lead, when=f"{now - timedelta(days=2):%Y-%m-%dT%H:%M}", kind="meeting", note="\r\n".join(["x"] * 1000))
    with app_of(client).store.reading() as session:
        row = session.scalars(select(ActivityRow)).one()
    assert row.happened_at <= now - timedelta(days=2) < row.known_at, "told late, and known from then on"


def test_a_call_of_today_is_taken_though_the_data_end_earlier_and_said_not_to_score(
    client: TestClient, lead: str
) -> None:
    clock, score = app_of(client).clock, score_of(client, lead)
    assert not clock.real, "the demo's data end long before today"
    today = wall_now().replace(second=0, microsecond=0)
    told = log(client, lead, kind="call", when=f"{today:%Y-%m-%dT%H:%M}")
    toast = toast_of(client.get(told, headers=HTML).text)
    assert "lists count it, scores do not." in toast and "Undo" in toast
    with app_of(client).store.reading() as session:
        assert session.scalars(select(ActivityRow)).one().happened_at == today
    at = app_of(client).loaded.worklist.rows.position.get_loc(lead)
    assert find_touched(app_of(client))[at] and score_of(client, lead) == score
    told = log(client, lead, kind="mail", when=f"{clock.now() - timedelta(days=1):%Y-%m-%dT%H:%M}")
    assert "scores do not" not in toast_of(client.get(told, headers=HTML).text)


def test_a_form_that_is_sent_twice_is_stored_once(client: TestClient, lead: str) -> None:
    sent = form_of(client, lead) | {"kind": "mail", "note": "sent the offer"}
    first, second = (client.post(f"/leads/{lead}/log", data=sent, follow_redirects=False) for _ in range(2))
    assert "Logged." in toast_of(client.get(first.headers["location"], headers=HTML).text)
    again = client.get(second.headers["location"], headers=HTML).text
    assert "This was logged already." in toast_of(again) and "Logged." not in toast_of(again)
    assert (count(client, ActivityRow), count(client, NoteRow)) == (1, 1)
    undo(client, lead, second.headers["location"])
    assert (count(client, ActivityRow), count(client, NoteRow)) == (0, 0)


@pytest.mark.parametrize("kind", ["call", "note"])
def test_a_form_sent_again_after_it_was_taken_back_is_stored_anew(client: TestClient, lead: str, kind: str) -> None:
    sent, table = form_of(client, lead) | {"kind": kind, "note": "talked"}, NoteRow if kind == "note" else ActivityRow
    for _ in range(3):
        told = client.post(f"/leads/{lead}/log", data=sent, follow_redirects=False).headers["location"]
        assert "Logged." in toast_of(client.get(told, headers=HTML).text) and count(client, table) == 1
        repeated = client.post(f"/leads/{lead}/log", data=sent, headers=HTML)
        assert "This was logged already." in toast_of(repeated.text) and count(client, table) == 1
        undo(client, lead, told)
        assert count(client, table) == 0


def test_a_lead_nobody_may_contact_takes_notes_alone(client: TestClient, lead: str) -> None:
    client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "do_not_contact"})
    part = client.get(f"/leads/{lead}", headers=HTML).text.split('id="log"')[1].split("</dialog>")[0]
    assert hidden(part)["kind"] == "note" and 'type="radio"' not in part


def test_the_form_speaks_korean_and_polish(client: TestClient, lead: str) -> None:
    for code, words in (("ko", ("있었던 일 기록", "통화", "메모")), ("pl", ("Zapisz, co się wydarzyło", "Spotkanie"))):
        client.cookies.set(COOKIE, code)
        part = page(client, f"/leads/{lead}").split('id="log"')[1].split("</dialog>")[0]
        assert all(word in part for word in words)
        assert "Log" not in re.sub(r"<[^>]+>", " ", part)


def test_touched_is_one_truth_for_lists_advice_service_levels_and_the_batch(tiny_copy: TinyRun) -> None:
    paths = tiny_copy.context.paths
    with client_for(tiny_copy, paths.root / "serving") as client:
        app, hot = app_of(client), find_hot_leads(app_of(client), None)
        lead = str(hot.rows[0]["lead_id"]) if hot.rows else str(list_untouched(app, None)[0]["lead_id"])
        at = app.loaded.worklist.rows.position.get_loc(lead)
        score = score_of(client, lead)
        told = log(client, lead, kind="call")
        assert score_of(client, lead) == score, "what sales does is no engagement of the lead"
        assert find_touched(app)[at] and lead not in [row["lead_id"] for row in list_untouched(app, None, 200)]
        assert find_hot_leads(app, None).untouched == hot.untouched - bool(hot.rows)
        with app.store.reading() as session:
            acts = gather_all_rows(session, app.loaded.data).tables["activities"]
        assert ((acts["lead_id"] == lead) & (acts["actor"] == "rep")).sum() == 1, "service levels read it"
        run_stage(tiny_copy.context, "ingest")
        assert lead in find_leads_spoken_of(paths), "the next batch counts it, though it waits for an export"
        undo(client, lead, told)
        assert not find_touched(app)[at] and find_hot_leads(app, None).untouched == hot.untouched
        run_stage(tiny_copy.context, "ingest")
        assert lead not in find_leads_spoken_of(paths)


def last_of_account(client: TestClient, lead: str) -> str | None:
    """When anything happened last at a lead's company, on the list of accounts."""
    account = app_of(client).loaded.data.account_id_of(lead)
    rows = client.get("/v1/accounts", params={"search": account}).json()["rows"]
    return next(row["last"] for row in rows if row["account_id"] == account)


def test_an_activity_that_ingest_took_along_counts_no_more_once_it_is_taken_back(tiny_copy: TinyRun) -> None:
    paths = tiny_copy.context.paths
    with client_for(tiny_copy, paths.root / "serving") as client:
        account_of = app_of(client).loaded.data.account_id_of
        lead = next(str(row["lead_id"]) for row in list_untouched(app_of(client), None) if account_of(row["lead_id"]))
        before = last_of_account(client, lead)
        log(client, lead, kind="call", note="reached")
        cutoff = pd.Timestamp(app_of(client).loaded.data.cutoff)
        with app_of(client).store.writing() as session:
            then = cutoff - pd.Timedelta("1s")
            session.execute(update(ActivityRow).values(happened_at=then, known_at=then))
            session.execute(update(NoteRow).values(happened_at=then, known_at=then))
    run_stage(tiny_copy.context, "ingest")
    held = pd.read_parquet(paths.ingest / "activities.parquet")
    assert ((held["lead_id"] == lead) & (held["actor"] == "rep")).sum() == 1
    with client_for(tiny_copy, paths.root / "serving") as client:
        event = client.get(f"/leads/{lead}", headers=HTML).text.split('<p class="noted">reached</p>')[0]
        assert event.rsplit("<li", 1)[1].count("<p>Rep call</p>") == 1, "its note and its author stay beside it"
        assert lead not in [row["lead_id"] for row in list_untouched(app_of(client), None)]
        assert last_of_account(client, lead) == then.isoformat() != before
        assert client.delete(f"/v1/leads/{lead}/activities/1").status_code == 200
        assert last_of_account(client, lead) == before
        assert lead in [row["lead_id"] for row in list_untouched(app_of(client), None)]
        assert "<p>Rep call</p>" not in client.get(f"/leads/{lead}", headers=HTML).text.split('class="timeline"')[1]
    assert len(read_posted(paths).tables["activities"]) == 0
    run_stage(tiny_copy.context, "ingest")
    held = pd.read_parquet(paths.ingest / "activities.parquet")
    assert not ((held["lead_id"] == lead) & (held["actor"] == "rep")).any()


def test_what_is_logged_after_another_was_taken_back_and_a_load_counts(client: TestClient, lead: str) -> None:
    """On the data's clock a load begins at the cut-off again: the mark of then swallowed what was logged next."""
    acted = {"kind": "demo_request", "actor": "lead"}
    before = score_of(client, lead)
    posted = client.post(f"/v1/leads/{lead}/activities", json=acted).json()["activity"]
    after = score_of(client, lead)
    assert client.delete(f"/v1/leads/{lead}/activities/{posted}").status_code == 200
    assert after != before == score_of(client, lead)
    assert app_of(client).load() is not None
    assert client.post(f"/v1/leads/{lead}/activities", json={**acted, "note": "this time"}).status_code == 201
    assert score_of(client, lead) == after
    event = client.get(f"/leads/{lead}", headers=HTML).text.split('<p class="noted">this time</p>')[0]
    assert "<p>demo request" in event.rsplit("<li", 1)[1].lower(), "its note stands beside it"
    with app_of(client).store.writing() as session:
        row, gone = session.scalars(select(ActivityRow)).one(), session.scalars(select(WithdrawnActivity)).one()
        assert row.known_at > gone.known_at, "no ingest takes one for the other"
        gone.known_at = row.known_at  # as an earlier version left it
    with app_of(client).store.reading() as session:
        acts = gather_all_rows(session, app_of(client).loaded.data).tables["activities"]
    assert (acts["known_at"] == row.known_at).sum() == 1
    assert app_of(client).load() is not None and score_of(client, lead) == after


def test_the_api_takes_notes_with_the_same_checks(client: TestClient, tiny_demo: Any, lead: str) -> None:
    frame = worklist_of(tiny_demo)
    owner = str(frame.set_index("lead_id")["owner"][lead])
    theirs = str(frame[frame["owner"] != owner]["lead_id"].iloc[0])
    key = key_for(client, "read", "feedback", owner=owner)
    again = key | {"idempotency-key": "note-1"}
    first, second = (client.post(f"/v1/leads/{lead}/notes", json={"note": TEXT}, headers=again) for _ in range(2))
    assert first.status_code == 201 and first.json() == second.json()
    reused = client.post(f"/v1/leads/{lead}/notes", json={"note": "other"}, headers=again)
    assert reused.status_code == 409
    call = {"kind": "rep_call", "actor": "rep", "note": "left a message"}
    posted = client.post(f"/v1/leads/{lead}/activities", json=call, headers=key).json()
    assert posted["untrained"] == [] and "left a message" not in json.dumps(posted)
    listed = client.get(f"/v1/leads/{lead}/notes", headers=key).json()
    assert [(row["note"], row["activity"], row["author"]) for row in listed] == [
        ("left a message", posted["activity"], "tester"),
        (TEXT, None, "tester"),
    ]
    for note in ("", "  \n ", "x" * 2001, "a\x07b", None):
        assert client.post(f"/v1/leads/{lead}/notes", json={"note": note}, headers=key).status_code == 422
    for method, path in (("post", "notes"), ("get", "notes"), ("delete", "notes/1"), ("delete", "activities/1")):
        sent = {"json": {"note": "x"}} if method == "post" else {}
        refused = getattr(client, method)(f"/v1/leads/{theirs}/{path}", headers=key, **sent)
        assert refused.status_code == 404, (method, path)
    reader = key_for(client, "read")
    assert client.post(f"/v1/leads/{lead}/notes", json={"note": "x"}, headers=reader).status_code == 403
    assert client.delete(f"/v1/leads/{lead}/notes/{first.json()['note']}", headers=key).status_code == 200
    assert client.delete(f"/v1/leads/{lead}/notes/{first.json()['note']}", headers=key).status_code == 404
    other = str(frame[(frame["owner"] == owner) & (frame["lead_id"] != lead)]["lead_id"].iloc[0])
    wrong = client.delete(f"/v1/leads/{other}/activities/{posted['activity']}", headers=key)
    assert wrong.status_code == 404, "not of this lead"


def test_the_trail_says_who_did_it_and_never_what_was_written(client: TestClient, lead: str) -> None:
    undo(client, lead, log(client, lead, note=TEXT))
    log(client, lead, kind="note", note=TEXT)
    with app_of(client).store.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.subject == lead).order_by(AuditRow.id)).all()
        told = [(row.action, row.actor) for row in rows if row.action != "saw"]
        everything = json.dumps([row.detail for row in session.scalars(select(AuditRow))])
    assert told == [("activity", "local"), ("activity.withdrawn", "local"), ("note", "local")]
    assert "price list" not in everything


def test_a_signed_in_rep_sees_and_logs_on_their_own_leads_alone(client: TestClient, tiny_demo: Any, lead: str) -> None:
    frame = worklist_of(tiny_demo)
    owner = str(frame.set_index("lead_id")["owner"][lead])
    theirs = str(frame[frame["owner"] != owner]["lead_id"].iloc[0])
    posted = client.post(f"/v1/leads/{theirs}/activities", json={"kind": "rep_call", "actor": "rep"}).json()
    token = key_for(client, "read", "feedback", owner=owner)["authorization"].removeprefix("Bearer ")
    cookie = start_session(app_of(client).store, token, 1.0)
    assert cookie is not None
    client.cookies.set(SESSION, cookie)
    sent = {"token": form_token(cookie, app_of(client).secret), "kind": "call", "note": "x"}
    assert client.post(f"/leads/{theirs}/log", data=sent).status_code == 404
    back = {"token": sent["token"], "activity": str(posted["activity"])}
    assert client.post(f"/leads/{theirs}/log/undo", data=back).status_code == 404
    assert client.post(f"/leads/{lead}/log/undo", data=back).status_code == 404, "not of this lead"
    log(client, lead)
    assert "sales, tester" in page(client, f"/leads/{lead}")
    assert client.post(f"/leads/{lead}/log", data=sent | {"token": "forged"}).status_code == 403


def test_notes_are_told_to_the_person_and_forgotten_with_them(
    tiny_copy: TinyRun, cli: Callable[..., tuple[int, str, str]]
) -> None:
    run, paths = tiny_copy, tiny_copy.context.paths
    frame = worklist_of(run)
    lead, other = (str(name) for name in frame["lead_id"].iloc[:2])
    mail = str(pd.read_parquet(paths.ingest / "leads.parquet").set_index("lead_id")["email"][lead])
    with client_for(run, paths.root / "serving") as client:
        log(client, lead, kind="call", note="said the budget is secret")
        log(client, lead, kind="note", note="a note of its own")
        log(client, other, kind="note", note=f"knows {mail} well")
    out = run.folder / "told.md"
    status, _, problem = cli("subject", lead, "--out", str(out), *run.args)
    assert status == 0, problem
    held = json.loads(out.with_suffix(".json").read_text())["posted"]
    assert [row["note"] for row in held["notes"]] == ["said the budget is secret", "a note of its own"]
    assert held["activities"][0]["author"] == "local" and "the budget is secret" in out.read_text()

    status, said, problem = cli("forget", lead, *run.args)
    assert status == 0, problem
    assert "serving: notes" in said and "notes on others" in said
    kept = b"".join(file.read_bytes() for file in (paths.root / "serving").glob("store.sqlite*"))
    assert b"budget is secret" not in kept and b"note of its own" not in kept and mail.encode() not in kept
    assert b"well" in kept, "what was written about another lead stays, without the address"


def test_notes_go_with_what_was_posted_once_they_are_too_old(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path, posted_days=30.0) as client:
        lead = str(list_untouched(app_of(client), None)[0]["lead_id"])
        log(client, lead, kind="note", note="old")
        log(client, lead, kind="note", note="new")
        with app_of(client).store.writing() as session:
            old = app_of(client).clock.now() - timedelta(days=31)
            session.execute(update(NoteRow).where(NoteRow.note == "old").values(known_at=old))
        assert apply_retention(app_of(client))["notes"] == 1
        assert [row["note"] for row in client.get(f"/v1/leads/{lead}/notes").json()] == ["new"]


def test_what_is_logged_has_a_kind_that_training_saw_or_one_that_no_feature_reads(
    tiny_copy: TinyRun, tmp_path: Path
) -> None:
    """A declared kind of which sales never logged one in training would count as what leads did."""
    with client_for(tiny_copy, tmp_path / "a") as client:
        app = app_of(client)
        found = {one.name: one.kind for one in find_log_kinds(app)}
        assert found == {"call": "rep_call", "mail": "rep_email", "meeting": "logged_meeting"}
        source, acts = app.loaded.data.source, app.loaded.data.tables["activities"]
        kinds = source.activity_kinds
        both = kinds["webinar"].model_copy(update={"actors": ("lead", "rep"), "label": "meetings and demos"})
        changed = dict(kinds) | {"meeting": both, "rep_call": both.model_copy(update={"label": "calls by sales"})}
        object.__setattr__(source, "activity_kinds", changed)
        moved = acts["kind"].astype("str").where(acts["kind"] != "webinar", "meeting")
        app.loaded.data.tables["activities"] = acts.assign(kind=moved)
        app.loaded.data.stamp = (*app.loaded.data.stamp, 1)

        found = {one.name: (one.kind, one.label) for one in find_log_kinds(app)}
        assert found["meeting"] == ("logged_meeting", ""), "leads met, sales never logged one"
        assert found["call"] == ("rep_call", "calls by sales"), "training saw such calls, so they count as there"
        lead = str(list_untouched(app, None)[0]["lead_id"])
        html = client.get(f"/leads/{lead}", headers=HTML).text.split('id="log"')[1].split("</dialog>")[0]
        assert "Calls by sales" in html and "Meeting</label>" in html
        told = client.post(f"/v1/leads/{lead}/activities", json={"kind": "meeting", "actor": "rep"}).json()
        assert told["untrained"] == ["activities.kind=meeting by rep"]
        told = client.post(f"/v1/leads/{lead}/activities", json={"kind": "meeting", "actor": "lead"}).json()
        assert told["untrained"] == []

        other = moved.replace({"rep_call": "meeting_no_show", "rep_email": "voicemail"})
        app.loaded.data.tables["activities"] = acts.assign(kind=other)
        app.loaded.data.stamp = (*app.loaded.data.stamp, 2)
        own = {name: f"logged_{name}" for name in ("call", "mail", "meeting")}
        assert {one.name: one.kind for one in find_log_kinds(app)} == own, "no contact is stored as one that failed"
