"""A person is told all that is held, may object, and is kept no longer than declared."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from features.cohort.objections import OBJECTS
from models.bundle import load_bundle
from models.explaining.language import load_language
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.snapshots_record import ExportHistory, SnapshotsRecord, TakenSnapshot
from pipelines.privacy.person import Person
from pipelines.run import run_stage
from pipelines.snapshots.snapshot_store import write_part, write_record
from pipelines.stages.matrix import build
from pipelines.workspace.atomic_files import write_parquet
from pipelines.workspace.context import open_context
from pipelines.workspace.matrix_files import load_chop, load_matrix
from serving.privacy.erase_store import speaks_of
from serving.privacy.subject_words import WORDS
from tests.reference.challengers import keep, rescaled
from tests.reference.serving import client_for
from tests.reference.tiny_run import SETTINGS, TinyRun

Cli = Callable[..., tuple[int, str, str]]


def first_lead(run: TinyRun) -> str:
    return str(pd.read_parquet(run.context.paths.score / "worklist.parquet")["lead_id"].iloc[0])


def test_a_person_is_told_what_is_held_and_how_they_were_scored(tiny_copy: TinyRun, cli: Cli) -> None:
    run, lead = tiny_copy, first_lead(tiny_copy)
    with client_for(run, run.context.paths.root / "serving") as client:
        client.post(f"/v1/leads/{lead}/answers", json={"question": "budget", "value": ">50k", "author": "u.diallo"})
        client.get(f"/v1/leads/{lead}")
    out = run.folder / "told.html"
    status, said, problem = cli("subject", lead, "--out", str(out), *run.args)
    assert status == 0, problem
    found = json.loads(out.with_suffix(".json").read_text())
    own = pd.read_parquet(run.context.paths.ingest / "activities.parquet")
    assert len(found["tables"]["activities"]) == int((own["lead_id"] == lead).sum())
    assert found["tables"]["leads"][0]["email"] in found["addresses"]
    score = found["scores"][0]
    assert score["score"] is not None and score["for"] and score["stage"]
    assert found["served_scores"] and found["posted"]["answers"][0]["author"] == "u.diallo"
    assert {"answer", "saw"} <= {entry["action"] for entry in found["seen_and_changed"]}
    assert found["model"]["bundle"] and found["rights"]["objects_to_profiling"] is False
    page = out.read_text()
    assert score["for"][0].split(" (")[0] in page and WORDS["en"]["rights"] in page and "<script" not in page
    assert oct(out.stat().st_mode)[-3:] == "600"
    assert f"{len(found['leads'])} leads" in said


def test_a_person_is_told_their_rows_and_nobody_elses(tiny_copy: TinyRun, cli: Cli) -> None:
    """Keys of snapshots are ids of leads only where leads are kept; ids may stand as spreadsheets leave them."""
    run, paths, lead = tiny_copy, tiny_copy.context.paths, first_lead(tiny_copy)
    deals = pd.DataFrame({"snapshot:key": [lead, "D1"], "Deal ID": [lead, "D1"], "Lead ID": ["another", lead]})
    histories = {}
    for export, key, rows in (
        ("outcomes", "Deal ID", deals),
        ("leads", "Lead ID", pd.DataFrame({"snapshot:key": [lead, "another"], "Lead ID": [lead, "another"]})),
    ):
        taken: dict[str, Any] = dict.fromkeys(("new", "changed", "vanished", "returned", "corrected"), 0)
        taken |= {"taken_at": "2026-01-01", "found": "", "file": "", "sha256": "", "rows": 2, "by_column": {}}
        taken |= {"columns": (), "left_out": {}, "part": write_part(paths, export, pd.Timestamp("2026-01-01"), rows)}
        histories[export] = ExportHistory(key=(key,), snapshots=(TakenSnapshot(**taken),))
    write_record(paths, SnapshotsRecord(exports=histories))
    quarantined = pd.DataFrame({"table": ["leads"], "row": [1], "raw": [json.dumps({"Lead ID": lead})]})
    write_parquet(paths.refused / "quarantined_rows.parquet", quarantined)
    out = run.folder / "told.md"
    status, _, problem = cli("subject", lead, "--out", str(out), *run.args)
    assert status == 0, problem
    held = json.loads(out.with_suffix(".json").read_text())["tables"]
    assert [row["Deal ID"] for row in held["snapshots of outcomes"]] == ["D1"]
    assert [row["Lead ID"] for row in held["snapshots of leads"]] == [lead]
    assert len(held["quarantine"]) == 1


def test_the_store_is_asked_for_ids_as_spreadsheets_leave_them() -> None:
    person = Person(lead_ids=frozenset({"1000", "L7"}), addresses=frozenset())
    assert person.spellings == ["1000", "1000.0", "L7"]

    def speaks(subject: str, detail: dict[str, Any], action: str = "saw") -> bool:
        return speaks_of({"action": action, "subject": subject, "detail": detail}, person)

    assert speaks("1000.0", {}) and speaks("L8 1000.0", {})
    assert not speaks("L8", {"reason": "text"}) and speaks("L8", {"leads": ["L7"]})
    assert not speaks("L7", {}, "webhook.added") and not speaks("L8", {"value": "L7"})  # other things' numbers


def test_a_number_in_the_trail_is_an_id_only_where_ids_of_leads_stand() -> None:
    person = Person(lead_ids=frozenset({"50000"}), addresses=frozenset())

    def speaks(subject: str, detail: dict[str, Any], action: str = "saw") -> bool:
        return speaks_of({"action": action, "subject": subject, "detail": detail}, person)

    assert speaks("50000", {"route": "/leads/{lead_id}"}) and speaks("7", {"asked": {"lead_id": "50000"}})
    assert (
        speaks("7", {"leads": ["50000"]}) and speaks("7", {"merged": "50000"}) and speaks("7", {"leads": {"50000": 1}})
    )
    assert speaks("60", {"reason": "lead 50000 was missed"}, "threshold.set")
    assert not speaks("50000", {"route": "/accounts/{account_id}"}) and not speaks("50000", {}, "webhook.replayed")
    assert not speaks("7", {"note": 50000}, "note.withdrawn") and not speaks("7", {"asked": {"page": "50000"}})
    assert not speaks("60", {"reason": "50000"}, "threshold.set") and not speaks("7", {"sizes": {"50000": 2}})


@pytest.mark.parametrize("language", ["ko", "pl"])
def test_the_answer_is_written_in_their_language(tiny_demo: TinyRun, tmp_path: Path, cli: Cli, language: str) -> None:
    out = tmp_path / "told.md"
    assert cli("subject", first_lead(tiny_demo), "--out", str(out), "--language", language, *tiny_demo.args)[0] == 0
    said = out.read_text(encoding="utf-8")
    assert f"# {WORDS[language]['title']}" in said and WORDS[language]["automated"] in said
    rows = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))["model"]["rows"]
    assert rows > 1000 and load_language(language).number(rows) in said


def test_every_language_says_everything() -> None:
    places = {name: {word for word in ("{date}", "{ids}", "{score}", "{chance}", "{days}", "{why}", "{count}")
                     if word in text} for name, text in WORDS["en"].items()}  # fmt: skip
    for words in WORDS.values():
        assert set(words) == set(WORDS["en"])
        for name, text in words.items():
            assert all(place in text for place in places[name]), name


def test_whoever_objects_is_listed_without_a_score(tiny_copy: TinyRun, cli: Cli) -> None:
    run, paths, lead = tiny_copy, tiny_copy.context.paths, first_lead(tiny_copy)
    with client_for(run, paths.root / "serving") as client:
        assert client.get(f"/v1/leads/{lead}").status_code == 200
        status, said, problem = cli("object", lead, *run.args)
        assert status == 0 and "without a score" in said, problem
        client.app.state.background.watch()
        refused = client.get(f"/v1/leads/{lead}")
        assert refused.status_code == 422 and "objects to being profiled" in refused.json()["detail"]
        listed = client.get("/v1/worklist?size=200")
        assert listed.status_code == 200, listed.text
        assert lead not in [row["lead_id"] for row in listed.json()["rows"]]
        account = pd.read_parquet(paths.ingest / "leads.parquet").set_index("lead_id")["account_id"][lead]
        if not pd.isna(account):
            assert lead not in json.dumps(client.get(f"/v1/accounts/{account}").json())

    assert cli("explain", lead, *run.args)[0] == 12
    status, said, _ = cli("worklist", "--objecting", "--json", *run.args)
    assert [row["lead_id"] for row in json.loads(said)] == [lead]
    assert lead not in cli("worklist", "--json", "--limit", "5000", *run.args)[1]
    counts = CountsRecord.read(paths)
    assert counts.rows["activities"].people["objection"] > 0
    assert all(row.read == row.kept + row.quarantined + row.set_apart for row in counts.rows.values())

    build(open_context(str(run.source), run.data_dir, SETTINGS))
    for name in ("matrix", "open"):
        assert lead not in set(load_matrix(paths.matrix, name).keys["lead_id"]), name
    rows = pd.read_csv(paths.raw / "leads.csv", dtype=str, keep_default_na=False)
    rows[rows["Lead ID"] == lead].to_csv(run.folder / "one.csv", index=False)
    scored = run.folder / "scored.csv"
    assert cli("score", "--input", str(run.folder / "one.csv"), "--out", str(scored), *run.args)[0] == 0
    assert "objects to being profiled" in pd.read_csv(scored)["error"].iloc[0]

    assert cli("object", lead, "--withdraw", *run.args)[0] == 0
    assert not pd.read_parquet(paths.ingest / "leads.parquet")[OBJECTS].any()
    assert cli("explain", lead, *run.args)[0] == 0


def test_whoever_objects_is_short_of_no_answer_before_the_matrix_is_built_again(tiny_copy: TinyRun, cli: Cli) -> None:
    lead, *others = [row["lead_id"] for row in json.loads(cli("shortlist", "--json", *tiny_copy.args)[1])]
    assert cli("object", lead, *tiny_copy.args)[0] == 0
    status, said, _ = cli("shortlist", "--json", *tiny_copy.args)
    assert (status, [row["lead_id"] for row in json.loads(said)]) == (0, others)


def test_whoever_objects_teaches_nothing_before_the_matrix_is_built_again(tiny_copy: TinyRun, cli: Cli) -> None:
    paths = tiny_copy.context.paths
    matrix, train = load_matrix(paths.matrix), load_chop(paths.matrix).final.train
    names = matrix.keys["lead_id"]
    lead = str(names.iloc[train].value_counts().index[0])
    theirs = names.eq(lead).to_numpy()
    assert cli("object", lead, *tiny_copy.args)[0] == 0
    for stage in ("train", "backtest"):
        status, said, problem = cli(stage, "--tiny", "--no-gate", *tiny_copy.args)
        assert status == 0 and "left out: 1 leads of people who object, or are forgotten, since" in said, problem

    rows = {name: load_bundle(paths.train / name).meta["rows"] for name in ("bundle", "twin")}
    assert rows == {"bundle": int((matrix.matured & ~theirs).sum()), "twin": int((~theirs[train]).sum())}
    judged = pd.read_parquet(paths.backtest / "rolling.parquet")["row"]
    assert len(judged) and not set(np.flatnonzero(theirs)) & set(judged), "by their places in the matrix as it is"


def test_whoever_objects_is_not_named_among_those_who_move(tiny_copy: TinyRun, tmp_path: Path, cli: Cli) -> None:
    trained = load_bundle(tiny_copy.context.paths.train / "bundle")
    other = keep(tiny_copy, rescaled(trained), tmp_path / "other")
    asked = ("promote", "--bundle", other, "--check", "--json", *tiny_copy.args)
    first = json.loads(cli(*asked)[1])["churn"]["churn"]
    lead = first["movers"][0]["lead_id"]
    assert cli("object", lead, *tiny_copy.args)[0] == 0
    then = json.loads(cli(*asked)[1])["churn"]["churn"]
    assert then["movers"] and lead not in [row["lead_id"] for row in then["movers"]]


def test_retention_says_what_would_go_and_takes_it_out(tiny_copy: TinyRun, cli: Cli) -> None:
    run, paths = tiny_copy, tiny_copy.context.paths
    assert cli("retention", *run.args)[0] == 12  # none is declared
    document = yaml.safe_load(run.source.read_text())
    document["privacy"] = {"retention": {"activities": 100, "quarantine": 10_000}}
    run.source.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    before = pd.read_parquet(paths.ingest / "activities.parquet")

    rehearsed = json.loads(cli("retention", "--dry-run", "--json", *run.args)[1])
    assert pd.read_parquet(paths.ingest / "activities.parquet").equals(before)
    would = {row["table"]: row["past"] for row in rehearsed["tables"]}
    assert 0 < would["activities"] < len(before) and would["stages"] == would["quarantine"] == 0

    assert cli("retention", *run.args)[0] == 0
    after = pd.read_parquet(paths.ingest / "activities.parquet")
    assert len(after) == len(before) - would["activities"]
    assert after["known_at"].min() >= pd.Timestamp("2026-06-29") - pd.Timedelta(days=100)
    assert CountsRecord.read(paths).rows["activities"].people == {"retention": would["activities"]}


def test_consent_is_asked_before_an_activity_is_kept_and_a_contact_is_shown(tiny_copy: TinyRun) -> None:
    run = tiny_copy
    document = yaml.safe_load(run.source.read_text())
    columns = document["tables"]["leads"]["columns"]
    columns["may_mail"] = {"from": "Free Mailbox", "type": "boolean", "role": "display"}
    document["privacy"] = {"consent": {"email": {"column": "may_mail", "contacts": ["email"]}}}
    run.source.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    context = open_context(str(run.source), run.data_dir, SETTINGS)
    run_stage(context, "ingest")
    leads = pd.read_parquet(context.paths.ingest / "leads.parquet").set_index("lead_id")
    agreed = leads["may_mail"].fillna(False).astype(bool)
    assert agreed.any() and leads["email"][~agreed].isna().all() and leads["email"][agreed].notna().any()
    assert CountsRecord.read(context.paths).rows["activities"].people["consent"] > 0

    listed = pd.read_parquet(context.paths.score / "worklist.parquet")["lead_id"].astype("str")
    ids = {answer: next(lead for lead in listed if bool(agreed[lead]) is answer) for answer in (True, False)}
    with client_for(run, context.paths.root / "serving") as client:
        sent = {"kind": "email_open", "channel": "Email"}
        assert client.post(f"/v1/leads/{ids[True]}/activities", json=sent).status_code == 201
        refused = client.post(f"/v1/leads/{ids[False]}/activities", json=sent)
        assert refused.status_code == 422 and "has not agreed" in refused.json()["detail"]
        assert client.post(f"/v1/leads/{ids[False]}/activities", json=sent | {"channel": "web"}).status_code == 201
