"""Somebody who asks to be forgotten goes from what the tables no longer show, and nobody else's rows are touched."""

import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from features.schema.load_source import load_source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.privacy.erase_files import rows_of_person
from pipelines.privacy.person import Person
from pipelines.run import run_stage
from pipelines.snapshots.snapshot_store import write_part
from pipelines.stages.ingest import ingest
from pipelines.workspace.atomic_files import write_json
from pipelines.workspace.context import open_context
from pipelines.workspace.left_overs import process_mark
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.naming_columns import NamingColumns
from pipelines.workspace.people.register import FORGOTTEN, add_to_register, read_register
from serving.auth.api_keys import create_key, list_keys
from serving.auth.keys_remembered import asks_for_keys
from serving.first_run.carried_state import carry_state
from serving.privacy.erase_store import OF_LEADS, erase_from_store, sweep_forgotten
from serving.store.audit_trail import record_action
from serving.store.engine import Store, open_store
from serving.store.named_people import hide_as_written
from serving.store.tables import (
    ActivityRow,
    AnswerRow,
    AuditRow,
    Feedback,
    FieldRow,
    IdempotencyRecord,
    NoteRow,
    ScoreRow,
    Upload,
    Webhook,
)
from serving.store.trail_check import verify_trail
from tests.reference.file_texts import text_of

Cli = Callable[..., tuple[int, str, str]]
SOURCE = """
name: few
kind: relational
data_cutoff: "2026-06-01"
tables:
  leads:
    location: {file: leads.csv}
    columns:
      lead_id: {from: Id}
      created_at: {from: Created}
      mail: {from: Mail, role: personal}
      name: {from: Name, role: personal}
      phone: {from: Phone, role: personal}
      size: {from: Size, type: number, when_known: at_creation}
  outcomes:
    location: {file: outcomes.csv}
    columns: {opportunity_id: {}, lead_id: {}, closed_at: {}, won: {}}
"""
ANN = "1,2026-03-01,ann@x.example,Ann Alone,+49 170 1,5\n"
LEADS = "Id,Created,Mail,Name,Phone,Size\n" + ANN + "2,2026-03-02,ben@x.example,Ben Brook,+49 170 2,1\n"
OUTCOMES = "opportunity_id,lead_id,closed_at,won\nd2,2,2026-04-03,false\n"
EARLY = datetime(2026, 5, 20)
WORDS = ("ann@x", "Ann Alone", "+49 170 1")


def declare(folder: Path, name: str) -> Paths:
    (folder / f"{name}.yaml").write_text(SOURCE.replace("name: few", f"name: {name}"), encoding="utf-8")
    (folder / "leads.csv").write_text(LEADS, encoding="utf-8")
    (folder / "outcomes.csv").write_text(OUTCOMES, encoding="utf-8")
    paths = Paths(folder / "data", name)
    read(paths)
    return paths


def read(paths: Paths) -> CountsRecord:
    return ingest(load_source(paths.data_dir.parent / f"{paths.source}.yaml"), paths)


def args(paths: Paths) -> tuple[str, ...]:
    return ("--source", str(paths.data_dir.parent / f"{paths.source}.yaml"), "--data-dir", str(paths.data_dir))


def files_with(folder: Path, word: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and word in text_of(path)]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return declare(tmp_path, "few")


def fill(store: Store) -> None:
    """What a server holds of leads 1 and 2, and of webhook 1."""
    with store.writing() as session:
        for lead in ("1", "2"):
            given: dict[str, Any] = {"lead_id": lead, "author": "rep", "known_at": EARLY}
            session.add(AnswerRow(**given, question="pain", value="1", channel="call", happened_at=EARLY))
            said = {"verdict": "accept", "reason": "", "note": "met Ann Alone"}
            session.add(Feedback(**given, **said, written_at=EARLY))
            score = {"score": 50, "log_odds": 0.0, "probability": 0.5, "state": "watch", "framework": "f"}
            session.add(
                ScoreRow(
                    lead_id=lead, written_at=EARLY, bundle_hash="b", origin="card", line={"lead_id": lead}, **score
                )
            )
            answer = {"lead_id": lead, "value": "1"}
            session.add(IdempotencyRecord(caller="c", key=f"k{lead}", request_hash="h", answer=answer, at=EARLY))
            record_action(session, "rep", "answer", lead, {"question": "pain"})
        record_action(session, "admin", "webhook.added", "1", {"url": "https://x.example"})


def rows_of(store: Store, lead: str) -> int:
    with store.reading() as session:
        return sum(len(session.scalars(select(table.lead_id).where(table.lead_id == lead)).all()) for table in OF_LEADS)


def upload(store: Store, folder: Path, number: str, content: bytes, suffix: str = ".csv") -> None:
    (folder / number).mkdir(parents=True)
    (folder / number / f"input{suffix}").write_bytes(content)
    row = Upload(id=number, caller="c", status="done", suffix=suffix, done=1, failed=0, error="", created_at=EARLY)
    with store.writing() as session:
        session.add(row)


def leave_the_crm(paths: Paths) -> None:
    (paths.data_dir.parent / "leads.csv").write_text(LEADS.replace(ANN, ""), encoding="utf-8")
    read(paths)


@pytest.mark.parametrize("named", ["1", "Ann@X.example"])
def test_who_went_from_the_crm_is_told_and_forgotten_by_what_the_server_holds(
    paths: Paths, cli: Cli, named: str
) -> None:
    store = open_store(None, paths.root / "serving")
    fill(store)
    sent = LEADS.replace("Ann Alone", "Ann Alone of old")
    upload(store, paths.root / "serving" / "uploads", "a", sent.encode("utf-16"))
    leave_the_crm(paths)
    out = paths.data_dir.parent / "told.md"
    status, said, problem = cli("subject", named, "--out", str(out), *args(paths))
    assert status == 0 and "store.sqlite" in problem, problem
    told = json.loads(out.with_suffix(".json").read_text())
    assert told["leads"] == ["1"] and told["served_scores"] and told["posted"]["answers"]
    assert told["posted"]["uploads"] == [
        dict(zip(LEADS.splitlines()[0].split(","), sent.splitlines()[1].split(","), strict=True))
    ]
    assert [entry["action"] for entry in told["seen_and_changed"]] == ["answer"]  # webhook 1 is no lead

    status, said, problem = cli("forget", named, *args(paths))
    assert status == 0 and "serving: answers" in said and "serving: uploads" in said, problem
    assert rows_of(store, "1") == 0 and rows_of(store, "2") == 3
    with store.reading() as session:
        assert [row.key for row in session.scalars(select(IdempotencyRecord))] == ["k2"]
        subjects = session.scalars(select(AuditRow.subject).where(AuditRow.action.in_(("answer", "webhook.added"))))
        assert sorted(text.split(":")[0] for text in subjects) == ["1", "2", "forgotten"]
    assert verify_trail(store).intact and not (paths.root / "serving" / "uploads" / "a").exists()
    assert cli("forget", named, *args(paths))[0] == 12  # nothing is held any more
    (paths.data_dir.parent / "leads.csv").write_text(LEADS, encoding="utf-8")
    assert read(paths).rows["leads"].people == {"forgotten": 1}  # nor comes back


def test_by_name_alone_what_else_names_them_is_said_to_be_unknown(paths: Paths, cli: Cli) -> None:
    fill(open_store(None, paths.root / "serving"))
    leave_the_crm(paths)
    status, said, _ = cli("forget", "1", *args(paths))
    assert status == 0 and "other ids and addresses of theirs are not known" in " ".join(said.split())
    assert cli("object", "2", *args(paths))[0] == 0
    status, _, problem = cli("object", "3", *args(paths))
    assert status == 12 and "LS075" in problem


def test_a_store_of_another_source_is_left_alone_and_said_to_be(
    paths: Paths, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'theirs.sqlite'}"
    theirs = open_store(url, tmp_path)
    fill(theirs)
    monkeypatch.setenv("LEADSCORE_SERVE_STORE_URL", url)
    assert any("LEADSCORE_SERVE_SOURCE is not set" in note for note in read(paths).notes)
    status, said, _ = cli("forget", "1", "--dry-run", *args(paths))
    assert status == 0 and "no server's store was looked at" in said and "LEADSCORE_SERVE_SOURCE=few" in said
    out = tmp_path / "told.md"
    assert cli("subject", "1", "--out", str(out), *args(paths))[0] == 0
    assert "posted" not in json.loads(out.with_suffix(".json").read_text())

    monkeypatch.setenv("LEADSCORE_SERVE_SOURCE", "other")
    assert not any("LEADSCORE_SERVE" in note for note in read(paths).notes)  # said on purpose
    assert cli("forget", "1", *args(paths))[0] == 0
    assert rows_of(theirs, "1") == 3

    status, said, _ = cli("forget", "2", "--store-url", url, *args(paths))
    assert status == 0 and "theirs.sqlite" in said and rows_of(theirs, "2") == 0 and rows_of(theirs, "1") == 3
    monkeypatch.setenv("LEADSCORE_SERVE_SOURCE", str(tmp_path / "few.yaml"))
    assert cli("forget", "1", *args(paths))[0] == 0  # of this source: found there, though no table knows them
    assert rows_of(theirs, "1") == 0


def test_a_key_is_made_where_the_server_of_the_source_looks(
    paths: Paths, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSCORE_SERVE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("LEADSCORE_SERVE_SOURCE", "few")
    assert cli("keys", "create", "ann", "--scope", "read", *args(paths))[0] == 0
    assert (tmp_path / "state" / "store.sqlite").exists() and not (paths.root / "serving").exists()
    monkeypatch.setenv("LEADSCORE_SERVE_SOURCE", "other")
    status, _, problem = cli("keys", "create", "ann", "--scope", "read", *args(paths))
    assert status == 0 and "names 'other'" in problem and (paths.root / "serving" / "store.sqlite").exists()


def as_parquet(text: str) -> bytes:
    out = io.BytesIO()
    pd.read_csv(io.StringIO(text)).to_parquet(out)
    return out.getvalue()


def test_uploads_go_that_hold_them_in_any_form_and_no_other(paths: Paths, cli: Cli) -> None:
    store, folder = open_store(None, paths.root / "serving"), paths.root / "serving" / "uploads"
    ids = "Id,Created,Size\n1,2026-03-01,5\n9,2026-03-01,7\n"
    others = ids.replace("\n1,", "\n8,").replace(",5", ",1")  # a size of 1 is no lead 1
    holding = {
        "semicolons": ids.replace(",", ";").encode(),
        "tabs": ids.replace(",", "\t").encode("utf-16"),
        "name": "Id;Name\n7;Ann Alone\n".encode("utf-16"),
        "broken": (others + "x,1,y,z,too,many\n").encode(),
    }
    for name, content in holding.items():
        upload(store, folder, name, content)
    upload(store, folder, "crm", as_parquet(ids), ".parquet")
    upload(store, folder, "phone", as_parquet("Id,Tel\n7,+49 170 1\n"), ".parquet")
    upload(store, folder, "note", as_parquet(others.replace(",7", ",see ann@x.example")), ".parquet")
    upload(store, folder, "others", others.encode())
    upload(store, folder, "theirs", as_parquet(others), ".parquet")
    assert cli("forget", "1", *args(paths))[0] == 0
    assert sorted(path.name for path in folder.iterdir()) == ["others", "theirs"]
    with store.reading() as session:
        assert sorted(session.scalars(select(Upload.id))) == ["others", "theirs"]


def test_an_upload_that_cannot_be_read_goes_and_one_with_empty_cells_stays(paths: Paths, cli: Cli) -> None:
    store, folder = open_store(None, paths.root / "serving"), paths.root / "serving" / "uploads"
    flags, empty = io.BytesIO(), io.BytesIO()
    pd.DataFrame({"Id": ["8", "9"], "Free": [True, None]}).to_parquet(flags)
    pd.DataFrame({"Id": pd.Series([], dtype="str")}).to_parquet(empty)
    upload(store, folder, "flags", flags.getvalue(), ".parquet")
    upload(store, folder, "empty", empty.getvalue(), ".parquet")
    upload(store, folder, "damaged", flags.getvalue()[:-20], ".parquet")
    status, said, problem = cli("forget", "1", *args(paths))
    assert status == 0, problem
    assert "serving: uploads 1 files removed" in " ".join(said.split())
    assert sorted(path.name for path in folder.iterdir()) == ["empty", "flags"]


def test_rows_of_the_store_that_are_damaged_keep_nobody_from_being_told_or_forgotten(paths: Paths, cli: Cli) -> None:
    store = open_store(None, paths.root / "serving")
    fill(store)
    with store.writing() as session:
        for lead in ("1", "2"):
            session.add(NoteRow(lead_id=lead, note="n", author="rep", happened_at=EARLY, known_at=EARLY))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE notes SET note = CAST(x'fffe41' AS TEXT)")
        connection.exec_driver_sql("UPDATE answers SET known_at = 'zzz' WHERE lead_id = '1'")
        connection.exec_driver_sql("UPDATE idempotency SET answer = '{bad' WHERE key = 'k2'")
    out = paths.data_dir.parent / "told.html"
    for command in (("subject", "1", "--out", str(out)), ("forget", "1", "--dry-run"), ("forget", "1")):
        status, said, problem = cli(*command, *args(paths))
        assert status == 0, problem
        assert "1 in answers, 1 in idempotency, 2 in notes" in " ".join((said + problem).split())
    assert rows_of(store, "1") == 0
    register = read_register(paths.root)
    assert (
        sweep_forgotten(
            store,
            paths.root / "serving" / "uploads",
            register,
            load_source(paths.data_dir.parent / f"{paths.source}.yaml"),
        )
        == 0
    )
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT lead_id FROM notes").all() == [("2",)]
        assert connection.exec_driver_sql("SELECT key FROM idempotency").all() == [("k2",)]
    store.close()


def test_files_loaded_in_the_browser_are_taken_back_or_named(paths: Paths, cli: Cli) -> None:
    root = paths.data_dir / "first-run"
    for number, text in (("left", LEADS), ("made", LEADS), ("nobody", LEADS.replace(ANN, ""))):
        (root / number).mkdir(parents=True)
        (root / number / "leads.csv").write_text(text, encoding="utf-8")
    (root / "made" / "declaration.yaml").write_text(SOURCE.replace("name: few", "name: made"), encoding="utf-8")
    (paths.data_dir / "made" / "ingest").mkdir(parents=True)
    write_json(root / "attempt.json", {"number": "left", "step": "confirming"})
    status, said, problem = cli("forget", "1", *args(paths))
    assert status == 0, problem
    assert sorted(path.name for path in root.iterdir()) == ["made", "nobody"]
    told = " ".join(said.split())
    assert "first-run/left 1 files removed" in told
    assert f"{root / 'made' / 'leads.csv'} (loaded in the browser, source 'made') holds them" in told


def test_texts_about_others_lose_whole_words_in_any_case(paths: Paths, cli: Cli) -> None:
    store = open_store(None, paths.root / "serving")
    said = {
        "Joann Alones and ANN ALONE, ann alone.": "Joann Alones and [forgotten], [forgotten].",
        "told Ann@X.example and jo.ann@x.example": "told [forgotten] and jo.ann@x.example",
        "ten of 1, +49 170 12 and +49 170 1": "ten of 1, +49 170 12 and [forgotten]",
    }
    about: dict[str, Any] = {"lead_id": "2", "author": "rep", "known_at": EARLY}
    with store.writing() as session:
        for k, text in enumerate(said):
            session.add(NoteRow(**about, note=text, happened_at=EARLY))
            session.add(Feedback(**about, verdict="accept", reason="", note=text, written_at=EARLY))
            session.add(AnswerRow(**about, question="pain", value=text, channel=text, happened_at=EARLY))
            acted = {"activity_id": str(k), "kind": text, "actor": "lead", "asset": text, "channel": text}
            session.add(ActivityRow(**about, **acted, happened_at=EARLY))
            session.add(FieldRow(account_id="a", **about, field="size", value=text, channel=text))
    columns = (NoteRow.note, Feedback.note, AnswerRow.value, AnswerRow.channel, ActivityRow.asset, ActivityRow.channel)
    columns = (*columns, ActivityRow.kind)
    for dry_run, left in ((True, list(said)), (False, list(said.values()))):
        status, told, _ = cli("forget", "1", *["--dry-run"] * dry_run, *args(paths))
        assert status == 0 and "serving: answers, texts about others 6 places" in " ".join(told.split())
        with store.reading() as session:
            for column in (*columns, FieldRow.value, FieldRow.channel):
                assert session.scalars(select(column)).all() == left, column


def test_a_webhook_whose_address_names_them_ends_and_no_other(paths: Paths, cli: Cli) -> None:
    store, (named, other) = (
        open_store(None, paths.root / "serving"),
        ("https://x.example/?m=ann@x.example", "https://y"),
    )
    given: dict[str, Any] = {"secret": "s", "events": ["score"], "active": True, "created_at": EARLY}
    with store.writing() as session:
        session.add_all([Webhook(**given, url=url) for url in (named, other)])
    for dry_run, left in (
        (True, [(named, True), (other, True)]),
        (False, [(named[:-13] + "[forgotten]", False), (other, True)]),
    ):
        status, told, problem = cli("forget", "1", *["--dry-run"] * dry_run, *args(paths))
        assert status == 0 and "serving: webhooks, addresses 1 ended" in " ".join(told.split()), problem
        with store.reading() as session:
            hooks = session.execute(select(Webhook.url, Webhook.active).order_by(Webhook.id)).all()
        assert [tuple(hook) for hook in hooks] == left
    store.close()


def test_amounts_towns_and_declared_values_of_others_stay_though_they_are_written_like_the_person(
    tmp_path: Path,
) -> None:
    declared = """
  accounts:
    location: {file: accounts.csv}
    columns: {account_id: {}, town: {when_known: overwritten}, size: {when_known: overwritten, values: [50000 or more]}}
  answers:
    location: {file: answers.csv}
    columns: {lead_id: {}, question: {}, value: {}, known_at: {}}
questions:
  budget: {topic: metrics, type: number, text: "How much?", met_minimum: 50000}
  range: {topic: metrics, text: "How much?", values: [10000 to 50000], met: [50000 or more]}
  who: {topic: champion, text: "Who decides?"}
"""
    (tmp_path / "few.yaml").write_text(SOURCE + declared, encoding="utf-8")
    source, store = load_source(tmp_path / "few.yaml"), open_store(None, tmp_path)
    person = Person(lead_ids=frozenset({"50000"}), addresses=frozenset(), texts=frozenset({"Springfield", "+49 170 1"}))
    answers = [("budget", "50000"), ("range", "10000 to 50000"), ("range", "50000 or more"), ("gone", "10000-50000")]
    told = [("who", "Springfield"), ("gone", "+49 170 1"), ("who", "see 50000")]
    fields = [("town", "Springfield"), ("size", "50000 or more"), ("size", "50000")]
    about: dict[str, Any] = {"author": "rep", "known_at": EARLY, "channel": "card"}
    with store.writing() as session:
        for name, value in answers + told:
            session.add(AnswerRow(**about, lead_id="2", question=name, value=value, happened_at=EARLY))
        for name, value in [*fields, ("town", "as 50000 says")]:
            session.add(FieldRow(**about, lead_id="2", account_id="a", field=name, value=value))
    for dry_run in (True, False):
        places = erase_from_store(store, tmp_path / "uploads", person, "0123", dry_run=dry_run, source=source)
        assert {place.where: place.count for place in places} == {
            "serving: answers, texts about others": 3,
            "serving: field_values, texts about others": 1,
        }
    with store.reading() as session:
        left = session.scalars(select(AnswerRow.value).order_by(AnswerRow.id)).all()
        assert left == [value for _, value in answers] + ["[forgotten]", "[forgotten]", "see [forgotten]"]
        left = session.scalars(select(FieldRow.value).order_by(FieldRow.id)).all()
        assert left == [value for _, value in fields] + ["as [forgotten] says"]
    store.close()


def test_kept_answers_of_the_server_hold_no_text_that_names_them(paths: Paths, cli: Cli) -> None:
    store = open_store(None, paths.root / "serving")
    texts = {"met": "met ann alone.", "called": "called +49 170 1", "other": "met Joann Alones", "none": ""}
    with store.writing() as session:
        for key, text in texts.items():
            answer = {"id": 1, "lead_id": "2", "verdict": "accept", "note": text}
            session.add(IdempotencyRecord(caller="c", key=key, request_hash="h", answer=answer, at=EARLY))
        card = {"answer": 1, "card": {"lead_id": "2", "unseen": ["pain: asked Ann Alone"]}}
        session.add(IdempotencyRecord(caller="c", key="card", request_hash="h", answer=card, at=EARLY))
        session.add(IdempotencyRecord(caller="c", key="to Ann@x.example", request_hash="h", answer={}, at=EARLY))
        record_action(session, "ann", "threshold.set", "60", {"reason": "Ann Alone asked for it"})
        record_action(session, "ann", "threshold.set", "61", {"reason": "Joann Alones asked for it"})
    for dry_run, left in ((True, {*texts, "card", "to Ann@x.example"}), (False, {"other", "none"})):
        status, told, _ = cli("forget", "1", *["--dry-run"] * dry_run, *args(paths))
        assert status == 0 and "serving: idempotency 4 rows removed" in " ".join(told.split())
        with store.reading() as session:
            assert set(session.scalars(select(IdempotencyRecord.key))) == left
            reasons = str(session.scalars(select(AuditRow.detail)).all())
        assert ("Ann Alone asked" in reasons) == dry_run and "Joann Alones asked" in reasons


def test_an_adopted_rubric_that_names_them_is_named_each_time(paths: Paths, cli: Cli) -> None:
    file = paths.rubrics / "0123456789abcdef.yaml"
    file.parent.mkdir()
    file.write_text("title: agreed with ann@x.example\n")
    for more in ((), ("--dry-run",)):
        status, said, problem = cli("forget", "ann@x.example", *more, *args(paths))
        assert status == 0 and f"{file.name}, an adopted rubric, names them" in said, problem
    file.unlink()
    assert cli("forget", "ann@x.example", "--dry-run", *args(paths))[0] == 12


def test_a_rehearsal_counts_texts_of_looked_up_fields_as_the_run_does(paths: Paths, cli: Cli) -> None:
    store = open_store(None, paths.root / "serving")
    with store.writing() as session:
        for lead in ("1", "2"):
            given: dict[str, Any] = {"lead_id": lead, "author": "rep", "known_at": EARLY}
            session.add(FieldRow(account_id="a", **given, field="size", value="asked Ann Alone", channel="card"))
    for dry_run in (True, False):
        status, told, _ = cli("forget", "1", *["--dry-run"] * dry_run, *args(paths))
        assert status == 0 and "serving: field_values, texts about others 2 places" in " ".join(told.split()), told
    with store.reading() as session:
        assert session.scalars(select(FieldRow.value)).all() == ["asked [forgotten]"] * 2


def test_a_name_that_others_have_is_not_looked_for_and_this_is_said(paths: Paths, cli: Cli) -> None:
    (paths.data_dir.parent / "leads.csv").write_text(LEADS.replace("Ben Brook", "Ann Alone"), encoding="utf-8")
    read(paths)
    store = open_store(None, paths.root / "serving")
    fill(store)
    status, said, _ = cli("forget", "1", *args(paths))
    assert status == 0 and "1 name(s), telephone(s) or other personal values" in " ".join(said.split())
    with store.reading() as session:
        assert session.scalars(select(Feedback.note)).all() == ["met Ann Alone"]


def test_where_an_address_stands_for_the_lead_it_is_theirs_and_a_colleague_s_is_not() -> None:
    rows = pd.DataFrame({"contact": ["ann@x.example", "2", "1", "3"], "Rep": ["", "", "", "ann@x.example"]})
    ann = Person(lead_ids=frozenset({"1"}), addresses=frozenset({"ann@x.example"}))
    columns = NamingColumns(frozenset({"contact"}), frozenset({"Rep"}))
    assert rows_of_person(rows, ann, columns).tolist() == [True, False, True, False]


def test_a_row_in_quarantine_is_theirs_by_the_column_of_its_own_table() -> None:
    cells = [("leads", {"Id": "1"}), ("activities", {"Id": "1", "Lead": "2"}), ("activities", {"Id": "7", "Lead": "1"})]
    rows = pd.DataFrame([{"table": table, "row": 1, "raw": json.dumps(raw)} for table, raw in cells])
    named = {"leads": frozenset({"Id"}), "activities": frozenset({"Lead"})}
    ann = Person(lead_ids=frozenset({"1"}), addresses=frozenset())
    assert rows_of_person(rows, ann, NamingColumns(quarantined=named)).tolist() == [True, False, True]


def test_a_source_of_which_everything_is_past_its_retention_is_read(paths: Paths) -> None:
    declaration = paths.data_dir.parent / "few.yaml"
    declaration.write_text(declaration.read_text() + "privacy: {retention: {leads: 10}}\n", encoding="utf-8")
    assert read(paths).rows["leads"].people == {"retention": 2}


def test_rows_of_a_text_table_go_as_a_whole(paths: Paths, cli: Cli) -> None:
    (paths.data_dir.parent / "leads.csv").write_text(LEADS.replace("Ben Brook", "Ann Alone"), encoding="utf-8")
    read(paths)  # a name that another has, too
    file = paths.root / "scored.csv"
    file.write_text('lead_id,name,why\n1,Ann Alone,"two\nlines"\n2,Ann Alone,1\n3,,call +49 170 1\n', encoding="utf-8")
    assert cli("forget", "1", *args(paths))[0] == 0
    assert file.read_text(encoding="utf-8") == "lead_id,name,why\n2,Ann Alone,1\n3,,call [forgotten]\n"


def test_a_row_of_a_text_table_is_theirs_by_the_column_of_ids_and_other_bytes_stay(paths: Paths, cli: Cli) -> None:
    file = paths.data_dir.parent / "leads.csv"
    file.write_text(LEADS.replace("\n1,", "\n12345,"), encoding="utf-8")
    read(paths)
    texts = {
        "scored.csv": "lead_id,amount,why\n12345,5,a\n2,12345,b\n3,0.12345,12345.5\n4,12345.0,see 12345.\n",
        "western.csv": "lead_id;name\r\n2;Jörg Köhler…\r\n12345;Ann\r\n3;by Jo.ann@x.example\r\n",
        "wide.csv": "lead_id\tname\n12345\tAnn\n2\tJörg\n3\tann@x.example.org\n",
        "staff.csv": "owner,lead_id,contact\nann@x.example,2,\nben@x.example,3,ann@x.example\n",
    }
    codecs = {"western.csv": "cp1252", "wide.csv": "utf-16"}
    for name, text in texts.items():
        (paths.root / name).write_bytes(text.encode(codecs.get(name, "utf-8")))
    assert cli("forget", "12345", *args(paths))[0] == 0
    left = {name: (paths.root / name).read_bytes().decode(codecs.get(name, "utf-8")) for name in texts}
    hidden = "2,[forgotten],b\n3,0.12345,12345.5\n4,[forgotten],see [forgotten].\n"
    assert left["scored.csv"] == "lead_id,amount,why\n" + hidden
    assert left["western.csv"] == texts["western.csv"].replace("12345;Ann\r\n", "")
    assert left["wide.csv"] == texts["wide.csv"].replace("12345\tAnn\n", "")
    assert left["staff.csv"] == "owner,lead_id,contact\n[forgotten],2,\n"


def test_a_name_is_found_whatever_stands_beside_it_and_a_damaged_text_keeps_its_bytes(paths: Paths, cli: Cli) -> None:
    named = LEADS.replace("Ann Alone", "Ännchen Müller").replace("\n1,", "\n12345,")
    (paths.data_dir.parent / "leads.csv").write_text(named, encoding="utf-8")
    read(paths)
    lines = "1.Ännchen Müller\n12.03.Ännchen Müller\nÄnnchen Müller.5\n7.12345 12345.5 jo.ann@x.example Łódź\n"
    hidden = "1.[forgotten]\n12.03.[forgotten]\n[forgotten].5\n7.12345 12345.5 jo.ann@x.example Łódź\n"
    western, half = "Ännchen Müller, Köln\n".encode("cp1252"), "[forgotten], Köln\n".encode("cp1252")
    texts = {
        "whole.txt": (lines.encode(), hidden.encode()),
        "damaged.txt": (lines.encode() + b"\xff\n", hidden.encode() + b"\xff\n"),
        "mixed.txt": (lines.encode() + western, hidden.encode() + half),
        "western.txt": (western, half),
        "odd.txt": (lines.encode("utf-16-le") + b"\x00\xd8\n", hidden.encode("utf-16-le") + b"\x00\xd8\n"),
        "damaged.csv": (b"lead_id,why\n12345,a\n2,\xff by " + "Müller; Ännchen Müller\n".encode(),
                        b"lead_id,why\n2,\xff by " + "Müller; [forgotten]\n".encode()),
    }  # fmt: skip
    for name, (before, _) in texts.items():
        (paths.root / name).write_bytes(before)
    assert cli("forget", "12345", *args(paths))[0] == 0
    for name, (_, left) in texts.items():
        assert (paths.root / name).read_bytes() == left, name


def test_what_is_no_lead_s_id_is_refused_whatever_holds_the_word(paths: Paths, cli: Cli) -> None:
    report = paths.root / "report.html"
    report.write_text("<p>A00123 with a share of 0.10000, 10000 rows</p>", encoding="utf-8")
    write_json(paths.root / "figures.json", {"account_id": "A00123", "rows": "10000", "best": {"10000": 1}})
    (paths.root / "figures.csv").write_text("account_id,amount\nA00123,10000\n", encoding="utf-8")
    store = open_store(None, paths.root / "serving")
    sent = {"lead_id": "2", "account_id": "A00123", "value": "10000"}
    with store.writing() as session:
        session.add(IdempotencyRecord(caller="c", key="k", request_hash="h", answer=sent, at=EARLY))
    upload(store, paths.root / "serving" / "uploads", "a", b"Id,Size,Firm\n2,10000,A00123\n")
    before = {path: path.read_bytes() for path in paths.root.rglob("*") if path.is_file() and "store" not in path.name}
    for named in ("A00123", "10000"):
        for command in (("forget", named), ("forget", named, "--dry-run"), ("object", named)):
            status, _, problem = cli(*command, *args(paths))
            assert status == 12 and "LS075" in problem, command
    assert {path: path.read_bytes() for path in before} == before and not (paths.root / "privacy").exists()

    (paths.root / "scored.csv").write_text("lead_id,amount\n10000,7\n2,8\n", encoding="utf-8")
    assert cli("forget", "10000", *args(paths))[0] == 0  # a lead's, once one is known to have been
    assert "10000" not in (paths.root / "scored.csv").read_text(encoding="utf-8")
    assert report.read_text(encoding="utf-8") == "<p>A00123 with a share of 0.10000, [forgotten] rows</p>"


def test_every_address_of_a_cell_is_theirs_and_one_that_a_note_mentions_is_not(paths: Paths, cli: Cli) -> None:
    file, declaration = paths.data_dir.parent / "leads.csv", paths.data_dir.parent / "few.yaml"
    declaration.write_text(SOURCE.replace("{from: Phone, role: personal}", "{from: Phone, role: display}"))
    noted = ANN.replace("+49 170 1", "knows dora@x.example").replace("ann@x", "old@x.example; ann@x")
    file.write_text(LEADS.replace(ANN, noted), encoding="utf-8")
    read(paths)
    assert cli("forget", "Ann@x.example", *args(paths))[0] == 0
    file.write_text(LEADS.replace(ANN, "7,2026-03-01,dora@x.example,Dora,,5\n8,2026-03-01,old@x.example,,,5\n"))
    assert read(paths).rows["leads"].people == {"forgotten": 1}
    assert pd.read_parquet(paths.ingest / "leads.parquet")["lead_id"].tolist() == ["7", "2"]


def test_a_row_of_another_stays_without_the_address_that_it_mentions(paths: Paths, cli: Cli) -> None:
    file, declaration = paths.data_dir.parent / "leads.csv", paths.data_dir.parent / "few.yaml"
    declaration.write_text(SOURCE.replace("{from: Phone, role: personal}", "{from: Phone, role: display}"))
    noted = LEADS.replace("+49 170 2", "sent by Ann@x.example").replace("+49 170 1", "ask for Ann")
    file.write_text(noted + "3,2026-13-02,fay@x.example,Fay,via ann@x.example,1\n", encoding="utf-8")
    read(paths)
    (paths.root / "scored.csv").write_text("lead_id,why\n2,told ann@x.example\n", encoding="utf-8")
    told = paths.data_dir.parent / "ann.html"
    assert cli("subject", "1", "--out", str(told), *args(paths))[0] == 0
    assert "Ann Alone" in told.read_text() and "Ben Brook" not in told.read_text()
    status, said, problem = cli("forget", "1", *args(paths))
    assert status == 0 and "places blanked" in said, problem
    for _ in range(2):
        leads = pd.read_parquet(paths.ingest / "leads.parquet").set_index("lead_id")
        assert leads["phone"].to_dict() == {"2": "sent by [forgotten]"}
        rows = pd.read_parquet(paths.ingest / "quarantined_rows.parquet")["raw"]
        assert len(rows) == 1 and "via [forgotten]" in rows.iloc[0]
        read(paths)
    assert (paths.root / "scored.csv").read_text(encoding="utf-8") == "lead_id,why\n2,told [forgotten]\n"


NUMBERED = """
name: numbered
kind: flat
flat:
  target: {column: won, won: ["1"], lost: ["0"]}
tables:
  leads:
    location: {file: numbered.csv}
    columns:
      mail: {from: Mail, role: personal}
      size: {from: Size, type: number}
      won: {from: Won}
"""
ROWS = ("ann@x.example,5,1", "ben@x.example,6,0", "cleo@x.example,7,1", ",8,0")


def test_the_number_of_a_row_is_no_mark_as_it_is_another_s_in_the_next_file(tmp_path: Path, cli: Cli) -> None:
    def write(*rows: str) -> None:
        (tmp_path / "numbered.csv").write_text("\n".join(["Mail,Size,Won", *rows, ""]), encoding="utf-8")

    def mails() -> list[str]:
        return pd.read_parquet(paths.ingest / "leads.parquet")["mail"].fillna("").tolist()

    (tmp_path / "numbered.yaml").write_text(NUMBERED, encoding="utf-8")
    write(*ROWS)
    paths = Paths(tmp_path / "data", "numbered")
    read(paths)
    store, folder = open_store(None, paths.root / "serving"), paths.root / "serving" / "uploads"
    upload(store, folder, "others", b"lead_id,Mail,Size\n2,dora@x.example,5\n")
    status, said, problem = cli("forget", "ben@x.example", *args(paths))
    assert status == 0 and "rows of this source are only numbered" in " ".join(said.split()), problem
    assert mails() == ["ann@x.example", "cleo@x.example", ""] and (folder / "others").exists()
    write(*ROWS[:1], *ROWS[2:])
    assert read(paths).rows["leads"].people == {} and mails() == ["ann@x.example", "cleo@x.example", ""]
    write(*ROWS)
    assert read(paths).rows["leads"].people == {"forgotten": 1}  # by the address
    status, _, problem = cli("object", "4", *args(paths))
    assert status == 12 and "only numbered" in problem
    with store.writing() as session:
        session.add(
            AnswerRow(
                lead_id="99",
                author="rep",
                known_at=EARLY,
                question="pain",
                value="1",
                channel="call",
                happened_at=EARLY,
            )
        )
    status, _, problem = cli("object", "99", *args(paths))  # by what the server holds, no table
    assert status == 12 and "only numbered" in problem


def test_what_killed_commands_left_half_written_goes_and_what_a_running_one_writes_stays(
    paths: Paths, cli: Cli
) -> None:
    left, root = [], paths.root
    tracked = paths.data_dir / "mlartifacts" / "few" / "1"
    for place in (root / ".moving.json.part.999999999-1.ab", tracked / ".page.html.part.999999999-1.ab"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{{{ANN}")
        left.append(place)
    for place in (root / ".ingest.new.999999999-1.ab", root / ".ingest.old"):
        place.mkdir()
        (place / "leads.parquet").write_text(ANN)  # cut off: no table
        left.append(place)
    part = write_part(paths, "leads", pd.Timestamp(EARLY), pd.DataFrame({"Id": ["1"]}))
    left.append(paths.snapshots / "leads" / part)
    running = root / f".moving.json.part.{process_mark()}.ab"
    running.write_text("{")

    status, said, problem = cli("forget", "1", "--dry-run", *args(paths))
    assert status == 0, problem
    assert all(place.exists() and str(place.relative_to(paths.data_dir)) in said for place in left)
    assert "half written" in said and "named by no snapshot" in said and running.name not in said
    assert cli("forget", "1", *args(paths))[0] == 0
    assert running.exists() and not [place for place in left if place.exists()]


ASKED = """
  accounts:
    location: {file: accounts.csv}
    columns: {account_id: {}, site: {type: category, when_known: at_creation}}
questions:
  pain: {text: Why so, topic: need, type: category, values: [deal 10023 or more, other]}
  seats: {text: How many, topic: need, type: number}
activity_kinds: {deal 10023 seen: {dimension: interest, topic: interest, label: visits}}
"""


def test_a_number_beside_words_is_hidden_in_whatever_is_written_later(tmp_path: Path) -> None:
    (tmp_path / "asked.yaml").write_text(SOURCE + ASKED, encoding="utf-8")
    source = load_source(tmp_path / "asked.yaml")
    store, register = open_store(None, tmp_path), add_to_register(tmp_path, FORGOTTEN, ["10023"], [])
    given: dict[str, Any] = {"author": "rep", "known_at": EARLY}
    said, channel = "spoke with 10023 Ann", "call of 10023 Ann"

    def write(session: Session) -> None:
        for question, value in (("other", said), ("pain", "deal 10023 or more"), ("seats", "10023")):
            asked = {"question": question, "value": value, "channel": channel, "happened_at": EARLY}
            session.add(AnswerRow(**given, **asked, lead_id="2"))
        kept = {"activity_id": "a", "actor": "rep", "happened_at": EARLY}
        session.add(ActivityRow(**given, **kept, lead_id="2", kind=said, asset=said, channel=channel))
        session.add(ActivityRow(**given, **kept, lead_id="3", kind="deal 10023 seen"))
        session.add(FieldRow(**given, account_id="A", lead_id="2", field="site", value=said, channel=channel))

    for written in ("by a server that knows of it", "in that moment"):
        with store.writing() as session:
            session.execute(delete(ActivityRow))
            session.execute(delete(AnswerRow))
            session.execute(delete(FieldRow))
            if written != "in that moment":
                hide_as_written(session, register, source)
            write(session)
        if written == "in that moment":
            sweep_forgotten(store, tmp_path / "uploads", register, source)
        with store.reading() as session:
            answers = session.scalars(select(AnswerRow.value).order_by(AnswerRow.id)).all()
            acted = select(ActivityRow.kind, ActivityRow.asset, ActivityRow.channel).order_by(ActivityRow.lead_id)
            (kind, *others), (declared, *_) = session.execute(acted).all()
            others += [*session.execute(select(FieldRow.value, FieldRow.channel)).one()]
        assert answers == ["spoke with [forgotten] Ann", "deal 10023 or more", "10023"], written
        assert others == ["spoke with [forgotten] Ann", "call of [forgotten] Ann"] * 2, written
        assert (kind, declared) == ("spoke with [forgotten] Ann", "deal 10023 seen"), written
    store.close()


def test_a_server_has_the_keys_of_the_source_it_goes_on_with(tmp_path: Path) -> None:
    """What lies there may be a store of a server that had none."""
    first, other = open_store(None, tmp_path / "first"), open_store(None, tmp_path / "other")
    carry_state(first, tmp_path / "first", tmp_path / "other")
    assert not asks_for_keys(other, tmp_path / "other"), "nobody needed one"
    create_key(first, "ann", ["read"])
    carry_state(first, tmp_path / "first", tmp_path / "other")
    assert list_keys(other) == [] and asks_for_keys(other, tmp_path / "other")
    for store in (first, other):
        store.close()


def test_all_of_a_broken_row_goes_with_a_short_id(tmp_path: Path, cli: Cli) -> None:
    plain = SOURCE.replace("role: personal", "role: display")
    (tmp_path / "few.yaml").write_text(plain, encoding="utf-8")
    broken = "1042,2026-03-03,lee@x.example,Lee,,3\n1042,Ann Lee,+48 600 100 200,Acme,x,y,z\n"
    (tmp_path / "leads.csv").write_text(LEADS + broken + "1043\n", encoding="utf-8")
    (tmp_path / "outcomes.csv").write_text(OUTCOMES, encoding="utf-8")
    paths = Paths(tmp_path / "data", "few")
    context = open_context(str(tmp_path / "few.yaml"), paths.data_dir)
    run_stage(context, "ingest")
    run_stage(context, "validate")
    assert {path.suffix for path in files_with(paths.data_dir, "600 100 200")} >= {".html", ".json", ".parquet"}
    assert cli("forget", "1042", *args(paths))[0] == 0
    assert files_with(paths.data_dir, "600 100 200") == [] == files_with(paths.data_dir, "Ann Lee")
    assert files_with(paths.ingest, "1043"), "the next row is another's"


def test_who_asks_what_is_held_is_told_of_lists_without_the_others_on_them(paths: Paths, cli: Cli) -> None:
    store = open_store(None, paths.root / "serving")
    with store.writing() as session:
        record_action(session, "ben", "showed", "", {"route": "/v1/worklist", "leads": ["2", "1", "another"]})
        record_action(session, "ben", "showed", "", {"route": "/v1/worklist", "leads": ["2"]})
    out = paths.data_dir / "ann.md"
    assert cli("subject", "1", "--out", str(out), *args(paths))[0] == 0
    told = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert [row["detail"] for row in told["seen_and_changed"]] == [{"route": "/v1/worklist", "leads": ["1"]}]
    store.close()
