"""A person who is forgotten is nowhere, stays away, and that it happened is on record."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from pipelines.artifacts.counts_record import CountsRecord
from pipelines.privacy.forget import forget_person
from pipelines.privacy.seen_rows import fingerprint_rows
from pipelines.retraining.whats_new import find_new, keep_seen, read_seen, see
from pipelines.run import run_stage
from pipelines.workspace.atomic_files import read_json
from serving.privacy.erase_store import sweep_forgotten
from serving.privacy.store_of_source import ServerOf
from serving.store.engine import open_store
from serving.store.tables import AuditRow, NoteRow
from serving.store.trail_check import verify_trail
from tests.reference.file_texts import text_of
from tests.reference.serving import client_for, score_uploads, worklist_of
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]


def everything_below(folder: Path, *, skip: tuple[str, ...] = ("raw", "bundles")) -> dict[Path, str]:
    """Every file as text: tables spelled out, all else byte by byte."""
    files = (path for path in sorted(folder.rglob("*")) if not set(path.relative_to(folder).parts) & set(skip))
    return {path: text_of(path) for path in files if path.is_file()}


def hits(folder: Path, *words: str) -> list[str]:
    """Files that hold one of these words."""
    found = everything_below(folder).items()
    return sorted(str(path.relative_to(folder)) for path, text in found if any(word in text for word in words))


def person_of(run: TinyRun) -> dict[str, str]:
    """The first lead of the worklist whose address nobody else has, as the export has it."""
    rows = pd.read_csv(run.context.paths.raw / "leads.csv", dtype=str, keep_default_na=False)
    rows = rows[~rows["Email"].duplicated(keep=False)]
    listed = worklist_of(run)["lead_id"].astype("str")
    lead = str(listed[listed.isin(rows["Lead ID"])].iloc[0])
    row = rows[rows["Lead ID"] == lead].iloc[0]
    return {"lead": lead, "mail": row["Email"], "phone": row["Phone"]}


def use_the_server(run: TinyRun, who: dict[str, str]) -> None:
    """What people do with a lead in a day: look, answer, act, say, export, upload."""
    lead = who["lead"]
    with client_for(run, run.context.paths.root / "serving") as client:
        headers = {"idempotency-key": "once-and-again"}
        told = client.post(f"/v1/leads/{lead}/answers", json={"question": "budget", "value": ">50k"}, headers=headers)
        assert told.status_code in (200, 201), told.text
        client.post(f"/v1/leads/{lead}/activities", json={"kind": "page_view"})
        client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept", "note": f"spoke to {who['mail']}"})
        client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["lead.feedback"]})
        client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "withdraw"})
        assert client.get(f"/v1/leads/{lead}").status_code == 200
        assert client.get("/v1/worklist/export?changes=crm").status_code == 200
        rows = pd.read_csv(run.context.paths.raw / "leads.csv", dtype=str, keep_default_na=False)
        file = rows[rows["Lead ID"].isin([lead, *rows["Lead ID"].iloc[:3]])].to_csv(index=False).encode()
        assert client.post("/v1/uploads", files={"file": ("leads.csv", file)}).status_code in (200, 201, 202)
        score_uploads(client)


def test_a_forgotten_person_is_nowhere_and_stays_away(tiny_copy: TinyRun, cli: Cli) -> None:
    run, paths = tiny_copy, tiny_copy.context.paths
    who = person_of(run)
    use_the_server(run, who)
    words = tuple(who.values())
    before = hits(paths.root, *words)
    assert {"ingest/leads.parquet", "score/worklist.parquet", "serving/store.sqlite"} <= set(before)

    status, said, problem = cli("forget", who["mail"], "--dry-run", *run.args)
    assert status == 0, problem
    assert "would be forgotten" in said and hits(paths.root, *words) == before

    status, said, problem = cli("forget", who["lead"], *run.args)
    assert status == 0, problem
    for place in ("serving: scores", "serving: answers", "serving: feedback", "serving: uploads", "worklist.parquet"):
        assert place in said
    assert str(paths.raw / "leads.csv") in said  # theirs to delete
    assert hits(paths.root, *words) == []
    assert verify_trail(open_store(None, paths.root / "serving")).intact
    assert oct((paths.root / "privacy" / "key").stat().st_mode)[-3:] == "600"
    assert read_json(paths.root / "privacy" / "forgotten.json")["forgotten"][0]["counts"]

    counts = CountsRecord.read(paths)
    for table, row in counts.rows.items():
        assert row.read == row.kept + row.quarantined + row.set_apart, table

    run_stage(run.context, "ingest")  # the export still has them
    counts = CountsRecord.read(paths)
    assert counts.rows["leads"].people["forgotten"] >= 1 and "of forgotten people left out" in counts.text
    assert hits(paths.root, *words) == []
    status, _, problem = cli("forget", who["lead"], *run.args)
    assert status == 12 and "LS075" in problem

    rows = pd.read_csv(paths.raw / "leads.csv", dtype=str, keep_default_na=False)
    other = rows[rows["Lead ID"].isin(worklist_of(run)["lead_id"]) & (rows["Lead ID"] != who["lead"])].head(1)
    rows = pd.concat([rows[rows["Lead ID"] == who["lead"]], other.assign(**{"Record URL": f"/to?{who['mail']}"})])
    rows.to_csv(run.folder / "two.csv", index=False)
    out = run.folder / "two_scored.csv"
    assert cli("score", "--input", str(run.folder / "two.csv"), "--out", str(out), *run.args)[0] == 0
    scored = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert scored["error"].tolist() == ["this person is forgotten and is not scored", ""]
    assert scored["record_url"].iloc[1] == "/to?[forgotten]" and who["mail"] not in out.read_text(encoding="utf-8")


def test_nobody_is_listed_under_the_number_that_stands_for_a_forgotten_person(
    tiny_copy: TinyRun, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, paths = tiny_copy, tiny_copy.context.paths
    before, lead = worklist_of(run)["lead_id"].astype("str"), person_of(run)["lead"]
    done = forget_person(run.context, lead, ServerOf.of(run.context))
    assert any("open_keys.parquet" in place.where for place in done.places)
    monkeypatch.setenv("SCORES_DB", f"sqlite:///{run.folder / 'w.db'}")
    status, out, err = cli("score", "--to", "SCORES_DB", *run.args, "--json")  # of the matrix that was built before
    assert status == 0, err
    listed = worklist_of(run)["lead_id"].astype("str")
    gone = set(before) - set(listed)
    assert lead in gone and len(gone) == done.leads and set(listed) <= set(before)
    assert json.loads(out)["written"]["new"] == len(listed)
    assert "forgotten-" not in (paths.score / "cards.json").read_text(encoding="utf-8")


def test_what_a_retrain_remembers_no_longer_knows_them(tiny_copy: TinyRun) -> None:
    run, paths = tiny_copy, tiny_copy.context.paths
    outcomes = pd.read_parquet(paths.ingest / "outcomes.parquet")
    outcomes = outcomes[outcomes["lead_id"].notna() & ~outcomes["lead_id"].duplicated(keep=False)]
    lead, deal = outcomes.iloc[0][["lead_id", "opportunity_id"]]
    ids = pd.DataFrame({"lead_id": [lead], "opportunity_id": [deal]})
    keep_seen(paths, see(paths, "before"))
    kept = read_seen(paths)
    assert kept is not None and fingerprint_rows(ids, ["lead_id"])[0] in kept.leads
    told = kept.deals.set_index("key")["content"]

    assert forget_person(run.context, lead, ServerOf.of(run.context), dry_run=True).places
    assert len(read_seen(paths).leads) == len(kept.leads), "a rehearsal"
    done = forget_person(run.context, lead, ServerOf.of(run.context))
    assert any("retrain/seen/leads.parquet" in place.where for place in done.places)
    left = read_seen(paths)
    assert fingerprint_rows(ids, ["lead_id"])[0] not in left.leads and len(left.leads) < len(kept.leads)
    key = fingerprint_rows(ids, ["opportunity_id"])[0]
    assert told[key] != 0 and (left.deals.set_index("key")["content"].get(key, 0)) == 0
    others = left.deals[left.deals["content"] != 0].set_index("key")["content"]
    assert len(others) >= len(told) - len(done.marks) and (others == told[others.index]).all()
    run_stage(run.context, "ingest")
    new = find_new(paths, left, see(paths, "after"))
    assert (new.new_leads, new.newly_won, new.newly_lost, new.taken_back, new.reversed) == (0, 0, 0, 0, 0)


def test_a_running_server_brings_nobody_back(tiny_copy: TinyRun, cli: Cli) -> None:
    run, paths = tiny_copy, tiny_copy.context.paths
    who = person_of(run)
    with client_for(run, paths.root / "serving") as client:
        lead, listed = who["lead"], worklist_of(run)["lead_id"].astype("str")
        other = str(listed[listed != lead].iloc[0])
        assert client.get(f"/v1/leads/{lead}").status_code == 200
        assert cli("forget", who["mail"], *run.args)[0] == 0
        # the server still has the old tables in memory: it may show, and must not store
        seen = client.get(f"/v1/leads/{lead}")
        assert seen.status_code in (200, 404)
        for place, body in (
            ("answers", {"question": "budget", "value": ">50k"}),
            ("activities", {"kind": "page_view"}),
            ("feedback", {"verdict": "accept"}),
        ):
            assert client.post(f"/v1/leads/{lead}/{place}", json=body).status_code == 404, place
        assert client.post("/v1/score", json={"lead": {"lead_id": lead, "created_at": "2026-01-05"}}).status_code == 404
        scoring_leaves_them_out(client, lead, who["mail"].upper())
        texts_of_others_name_them_no_more(client, other, lead, who["mail"])

        background = client.app.state.background
        background.watch()
        assert client.get(f"/v1/leads/{lead}").status_code == 404
        assert lead not in client.get("/v1/worklist?size=200").text
        background.watch()
        app_state = client.app.state.app_state
        with app_state.store.writing() as session:  # as by a server that did not know of the mark yet
            session.execute(update(NoteRow).values(note=f"ask {who['mail']} ({lead})"))
        sweep_forgotten(app_state.store, app_state.folder / "uploads", app_state.people.register)
        notes = client.get(f"/v1/leads/{other}/notes").json()
        assert {note["note"] for note in notes} == {"ask [forgotten] ([forgotten])"}
    assert hits(paths.root / "serving", lead, who["mail"]) == []
    assert verify_trail(open_store(None, paths.root / "serving")).intact


def scoring_leaves_them_out(client: TestClient, lead: str, mail: str) -> None:
    """Whoever is forgotten is scored under no new id."""
    new = {"lead_id": "new-1", "created_at": "2026-01-05", "email": mail}
    refused = client.post("/v1/score", json={"lead": new})
    assert refused.status_code == 404 and "is forgotten and is not scored" in refused.text
    also = {"lead_id": "new-2", "created_at": "2026-01-05", "full_name": "somebody else"}
    rows = client.post("/v1/score/batch", json={"leads": [new, also, {"lead_id": lead}]}).json()["rows"]
    assert ["is not scored" in row.get("error", "") for row in rows] == [True, False, True]
    told = client.post("/v1/score", json={"lead": also, "colleagues": [new | {"lead_id": "new-3"}]}).json()
    assert "colleagues: 1 forgotten or objecting to being profiled" in told["ignored"]


def texts_of_others_name_them_no_more(client: TestClient, other: str, lead: str, mail: str) -> None:
    """What is posted about others is stored without them; nor does an idempotency key hold them."""
    said = f"ask {mail} ({lead.lower()})"
    asked = (
        ("notes", {"note": said}),
        ("activities", {"kind": "page_view", "asset": f"/?m={mail}", "note": said}),
        ("feedback", {"verdict": "accept", "note": said}),
    )
    for place, body in asked:
        done = client.post(f"/v1/leads/{other}/{place}", json=body, headers={"idempotency-key": f"{place} {mail}"})
        assert done.status_code == 201 and mail not in done.text, done.text
        again = client.post(f"/v1/leads/{other}/{place}", json=body, headers={"idempotency-key": f"{place} {mail}"})
        assert again.json() == done.json()
    answer = {"question": "budget", "value": "<10k", "channel": f"mail from {mail}"}
    assert client.post(f"/v1/leads/{other}/answers", json=answer).is_success
    notes = client.get(f"/v1/leads/{other}/notes").json()
    assert [note["note"] for note in notes] == ["ask [forgotten] ([forgotten])"] * 2


def test_a_blanked_entry_cannot_be_changed_and_no_other_is_accepted(tiny_copy: TinyRun, cli: Cli) -> None:
    run, paths = tiny_copy, tiny_copy.context.paths
    who = person_of(run)
    use_the_server(run, who)
    store = open_store(None, paths.root / "serving")
    noted = verify_trail(store)
    assert cli("forget", who["lead"], *run.args)[0] == 0
    after = verify_trail(store, f"{noted.last_id}:{noted.head}")
    assert after.intact and after.entries > noted.entries
    with store.reading() as session:
        blanked = session.scalars(select(AuditRow.id).where(AuditRow.subject.like("forgotten:%"))).all()
        others = session.scalars(select(AuditRow.id).where(AuditRow.subject.not_like("forgotten:%"))).all()
    for changed, to in (
        (blanked[0], {"actor": "somebody else"}),
        (others[0], {"subject": "forgotten:0", "detail": {}}),
    ):
        with store.writing() as session:
            before = session.get(AuditRow, changed)
            kept = {name: getattr(before, name) for name in to}
            session.execute(update(AuditRow).where(AuditRow.id == changed).values(**to))
        assert not verify_trail(store).intact
        with store.writing() as session:
            session.execute(update(AuditRow).where(AuditRow.id == changed).values(**kept))
    assert verify_trail(store).intact


def test_what_a_kill_cut_off_is_ended_by_the_next_command(
    tiny_copy: TinyRun, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, paths = tiny_copy, tiny_copy.context.paths
    who = person_of(run)

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.privacy.erase_everywhere.correct_counts", fail)
        with pytest.raises(KeyboardInterrupt):
            forget_person(run.context, who["lead"], ServerOf.of(run.context))
    assert hits(paths.root, who["mail"]) == ["privacy/unfinished.json"]
    status, said, problem = cli("forget", "--dry-run", *run.args)
    assert status == 0 and "would be forgotten" in said and "unfinished" not in said, problem
    assert hits(paths.root, who["mail"]) == ["privacy/unfinished.json"], "a rehearsal ends nothing"
    status, said, problem = cli("forget", *run.args)
    assert status == 0 and "forgotten" in said, problem
    assert hits(paths.root, who["lead"], who["mail"]) == []
    counts = CountsRecord.read(paths)
    assert all(row.read == row.kept + row.quarantined + row.set_apart for row in counts.rows.values())
    assert json.loads(cli("forget", "--json", *run.args)[1]) == {"forgotten": 0}


def test_what_an_mlflow_server_was_told_is_named(cli: Cli, tiny_demo: TinyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = str(pd.read_parquet(tiny_demo.context.paths.ingest / "leads.parquet")["lead_id"].iloc[0])
    assert "MLflow server" not in cli("forget", lead, "--dry-run", *tiny_demo.args)[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:tops3cret@tracking.invalid")
    status, out, _ = cli("forget", lead, "--dry-run", *tiny_demo.args)
    assert (
        status == 0 and "the MLflow server: reports and promotions" in " ".join(out.split()) and "tops3cret" not in out
    )
