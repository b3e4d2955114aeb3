"""A rep's week, scripted: what is said on cards ends in the right lists, service levels, training rows and trail."""

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from starlette.testclient import TestClient

from features.cohort.cohort import build_cohort
from pipelines.run import run_stage
from pipelines.scoring.find_lead import card_of
from pipelines.scoring.list_leads import read_worklist
from pipelines.scoring.shown_feedback import mark_card
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.table_files import load_tables
from serving.results.recent_changes import find_recent_changes
from tests.reference.serving import client_for, score_uploads, worklist_of
from tests.reference.tiny_run import TinyRun, open_run

CUTOFF, NEXT = "2026-06-29T00:00:00", "2026-07-06T00:00:00"
MONDAY = pd.Timestamp("2026-06-29")
HTML = {"accept": "text/html"}


@pytest.fixture
def client(tiny_copy: Any) -> Iterator[TestClient]:
    with client_for(tiny_copy, tiny_copy.context.paths.root / "serving", clock="data") as found:
        yield found


def pick_leads(run: Any) -> dict[str, str]:
    """Open leads for the script: fresh MQLs that sales has not answered, all of different companies."""
    tables, listed = load_tables(run.context.paths), worklist_of(run)
    last = tables["stages"].sort_values("entered_at").drop_duplicates("lead_id", keep="last").set_index("lead_id")
    of = tables["leads"].set_index("lead_id")["account_id"]
    waiting = [name for name in listed["lead_id"] if last["stage"].get(name) == "mql"]
    alone = pd.Series(waiting).groupby(of.reindex(waiting).to_numpy()).first().sort_index().tolist()
    names = ("accepted", "recycled", "disqualified", "slip", "answered", "pinned", "silent", "won", "unwon")
    return dict(zip(names, alone, strict=False))


def say(client: TestClient, lead: str, verdict: str, **more: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": verdict, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def listed(client: TestClient, **query: Any) -> dict[str, dict[str, Any]]:
    rows = client.get("/v1/worklist", params={"size": 500, **query}).json()["rows"]
    return {row["lead_id"]: row for row in rows}


def live_the_week(client: TestClient, lead: dict[str, str]) -> dict[str, Any]:
    """Monday to Friday on the cards."""
    told: dict[str, Any] = {"accept": say(client, lead["accepted"], "accept")}
    told["reject"] = say(client, lead["recycled"], "reject", reason="bad_timing")
    told["refuse"] = say(client, lead["disqualified"], "reject", reason="no_need")
    told["before slip"] = client.get(f"/v1/leads/{lead['slip']}").json()
    say(client, lead["slip"], "reject", reason="competitor")
    told["slip"] = say(client, lead["slip"], "withdraw")

    answers = f"/v1/leads/{lead['answered']}/answers"
    told["typo"] = client.post(answers, json={"question": "pain", "value": 99})
    wrong = client.post(answers, json={"question": "pain", "value": 9, "author": "ann"}).json()
    right = {"question": "pain", "value": 3, "author": "bob", "corrects": wrong["answer"]}
    told["right"] = client.post(answers, json=right).json()

    told["pin"] = say(client, lead["pinned"], "override", reason="good_fit", state="sql", next_action="hand_off")
    told["silent"] = say(client, lead["silent"], "do_not_contact", reason="asked_not_to")
    return told


def export_of_next_week(run: Any, lead: dict[str, str]) -> TinyRun:
    """The CRM's next export: two deals won, one of which was cancelled; and the stages ingested with it."""
    raw = run.context.paths.raw / "outcomes.csv"
    lines = [
        f"W1,{lead['won']},,2026-07-01T10:00:00+00:00,2026-07-01T11:00:00+00:00,yes,5000,core,new,",
        f"W2,{lead['unwon']},,2026-07-01T10:00:00+00:00,2026-07-01T11:00:00+00:00,yes,5000,core,new,",
        f"W2,{lead['unwon']},,2026-07-02T10:00:00+00:00,2026-07-02T11:00:00+00:00,no,5000,core,new,price",
    ]
    raw.write_text(raw.read_text(encoding="utf-8") + "\n".join(lines) + "\n", encoding="utf-8")
    stages = run.context.paths.raw / "stages.csv"
    again = f"{lead['unwon']},opportunity,2026-07-02T12:00:00+00:00,,\n"
    stages.write_text(stages.read_text(encoding="utf-8") + again, encoding="utf-8")
    document = yaml.safe_load(run.source.read_text(encoding="utf-8")) | {"data_cutoff": NEXT}
    run.source.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    later = open_run(run.folder)
    for stage in ("ingest", "matrix", "score"):
        run_stage(later.context, stage)
    return later


def test_a_week_on_the_cards_shows_at_once(client: TestClient, tiny_copy: Any) -> None:
    lead = pick_leads(tiny_copy)
    assert len(lead) == 9
    late = client.get("/v1/lifecycle").json()
    told = live_the_week(client, lead)

    # lists: who waits is listed, who was sent back, is over or silenced is not
    now, everybody = listed(client), listed(client, show="all")
    assert {lead[name] for name in ("accepted", "slip", "answered", "pinned", "won", "unwon")} <= set(now)
    assert not {lead[name] for name in ("recycled", "disqualified", "silent")} & set(now)
    assert everybody[lead["silent"]]["next_action"] == "none" and not everybody[lead["silent"]]["question"]

    # stages, and the lead that slipped is as it was
    assert (told["accept"]["stage"], told["reject"]["stage"], told["refuse"]["stage"]) == (
        *("sal", "recycled", "disqualified"),
    )
    card = client.get(f"/v1/leads/{lead['disqualified']}").json()
    assert card["closed"]["outcome"] == "disqualified" and card["next_action"] == "none"
    again = client.get(f"/v1/leads/{lead['slip']}").json()
    assert (again["score"], again["state"], again["closed"]) == (
        *(told["before slip"][name] for name in ("score", "state")),
        None,
    )
    assert [row["undone"] for row in again["said"]] == [False, True] and again["feedback"] is None

    # answers: an impossible one is refused, a wrong one corrected with history and authors
    assert told["typo"].status_code == 422 and "from 0 to 10" in told["typo"].json()["detail"]
    rows = [r for r in client.get(f"/v1/leads/{lead['answered']}/answers").json() if r["question"] == "pain"][:2]
    assert [(r["value"], r["author"], r["in_force"]) for r in rows] == [("3", "bob", True), ("9", "ann", False)]
    assert rows[0]["corrects"] == rows[1]["id"] and rows[1]["corrected_by"] == rows[0]["id"]
    need = next(c for c in told["right"]["card"]["criteria"] if c["id"] == "need")
    assert need["status"] == "not_met" and need["facts"][0]["stated"] and "3" in need["facts"][0]["text"]

    # the override pins state and next action, names who and until when, and leaves the score alone
    pinned = client.get(f"/v1/leads/{lead['pinned']}").json()
    assert (pinned["state"], pinned["next_action"]) == ("sql", "hand_off")
    assert pinned["score"] == int(worklist_of(tiny_copy).set_index("lead_id")["score"][lead["pinned"]])
    assert pinned["pinned"]["reason"] == "good_fit" and pinned["pinned"]["expires_at"] and pinned["pinned"]["author"]
    assert lead["pinned"] in listed(client, state="sql")
    assert pinned["standing"]["lead_list"] == "to_hand_off"
    ready = listed(client, list="to_hand_off")
    assert ready[lead["pinned"]]["lead_list"] == "to_hand_off" and lead["pinned"] not in listed(client, list="watching")
    counted = client.get("/v1/worklist", params={"size": 1, "list": "to_hand_off", "show": "all"}).json()
    assert counted["lists"]["to_hand_off"] == counted["total"]

    # silence everywhere
    silent = client.get(f"/v1/leads/{lead['silent']}").json()
    assert silent["next_action"] == "none" and silent["question"] == "" and silent["silenced"]["author"]
    assert not {"phone", "email"} & set(silent["display"])
    assert lead["silent"] not in {row["lead_id"] for row in client.get("/v1/shortlist?limit=500").json()["rows"]}
    exported = client.get("/v1/worklist/export").text
    assert lead["silent"] not in {row["lead_id"] for row in csv.DictReader(io.StringIO(exported))}
    assert client.post(f"/v1/leads/{lead['silent']}/feedback", json={"verdict": "accept"}).status_code == 409
    told = f"Lead ID\n{lead['silent']}\n{lead['pinned']}\n".encode()
    taken = client.post("/v1/uploads", files={"file": ("leads.csv", told, "text/csv")}).json()
    score_uploads(client)
    scored = list(csv.DictReader(io.StringIO(client.get(f"/v1/uploads/{taken['id']}/result").text)))
    assert (scored[0]["next_action"], scored[0]["question"]) == ("none", ""), "as of now, not of the ingest"
    assert (scored[1]["state"], scored[1]["next_action"]) == ("sql", "hand_off")
    page = client.get(f"/leads/{lead['silent']}", headers=HTML).text
    assert "Do not contact this lead." in page and "Nothing is asked any more." in page
    assert 'href="tel:' not in page and 'href="mailto:' not in page and 'class="ask"' not in page

    # service levels: the accepted lead is a SAL from now on, and nobody waits for its acceptance any more
    after = client.get("/v1/lifecycle").json()
    count = {
        name: {row["stage"]: row["leads"] for row in figures["funnel"]}
        for name, figures in {"before": late, "after": after}.items()
    }
    assert count["after"]["sal"] == count["before"]["sal"] + 1
    met = [sum(row["met"] + row["missed"] for row in f["sla"] if row["stage"] == "mql") for f in (late, after)]
    assert met[1] >= met[0]
    reasons = {row["reason"]: row["leads"] for row in after["returns"]}
    assert reasons.get("bad_timing", 0) >= 1 and reasons.get("no_need", 0) >= 1

    # the trail
    trail = client.get("/v1/audit?limit=100").json()[::-1]
    mine = [(row["action"], row["detail"].get("verdict"), row["detail"].get("stage")) for row in trail]
    assert mine == [
        ("feedback", "accept", "sal"),
        ("feedback", "reject", "recycled"),
        ("feedback", "reject", "disqualified"),
        ("feedback", "reject", "disqualified"),
        ("feedback", "withdraw", None),
        ("answer", None, None),
        ("answer", None, None),
        ("feedback", "override", None),
        ("feedback", "do_not_contact", None),
    ]
    assert trail[6]["detail"]["corrects"] and all(row["actor"] for row in trail)

    # who was sent back is listed where it is now, once, with the day it is back
    over, resting = listed(client, list="closed", show="all"), listed(client, list="resting", show="all")
    assert over[lead["disqualified"]]["outcome"] == "disqualified" and lead["recycled"] not in over
    stands = client.get(f"/v1/leads/{lead['recycled']}").json()["standing"]
    assert resting[lead["recycled"]]["back_at"] == stands["back_at"] > CUTOFF and stands["lead_list"] == "resting"

    # a state pinned alone brings its step and list, and takes them back
    before = client.get(f"/v1/leads/{lead['slip']}").json()
    say(client, lead["slip"], "override", reason="good_fit", state="sql" if before["state"] != "sql" else "iql")
    pinned = client.get(f"/v1/leads/{lead['slip']}").json()
    wanted = "hand_off" if pinned["state"] == "sql" else "nurture_intent"
    assert (pinned["next_action"], pinned["pinned"]["next_by_rules"]) == (wanted, before["next_action"])
    on = "to_hand_off" if wanted == "hand_off" else "watching"
    row = listed(client, list=on)[lead["slip"]]
    assert (row["state"], row["next_action"], row["lead_list"]) == (pinned["state"], wanted, on)
    assert pinned["standing"]["lead_list"] == on and pinned["standing"]["next_action"] == wanted
    say(client, lead["slip"], "withdraw")
    again = client.get(f"/v1/leads/{lead['slip']}").json()
    assert (again["state"], again["next_action"]) == (before["state"], before["next_action"])


@pytest.fixture(scope="module")
def after(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyRun, dict[str, str]]:
    """A copy of the run after the week and the export behind it, and the leads by what was done to them."""
    folder = tmp_path_factory.mktemp("week") / "tiny_demo"
    shutil.copytree(tiny_demo.folder, folder)
    run = open_run(folder)
    lead = pick_leads(run)
    with client_for(run, run.context.paths.root / "serving", clock="data") as client:
        live_the_week(client, lead)
    return export_of_next_week(run, lead), lead


def test_the_week_is_in_the_next_training(after: tuple[TinyRun, dict[str, str]]) -> None:
    run, lead = after
    tables = load_tables(run.context.paths)

    # rows of the source, each known from when it was said
    stages = tables["stages"][tables["stages"]["entered_at"] >= MONDAY]
    entered = set(zip(stages["lead_id"], stages["stage"], stages["reason"].fillna(""), strict=True))
    assert {(lead["accepted"], "sal", ""), (lead["recycled"], "recycled", "bad_timing")} <= entered
    assert (lead["disqualified"], "disqualified", "no_need") in entered
    assert lead["slip"] not in {name for name, _, _ in entered}
    answers = tables["answers"][(tables["answers"]["lead_id"] == lead["answered"]).to_numpy()]
    said = answers[answers["known_at"] >= MONDAY].sort_values("known_at")
    assert said[["question", "value", "author"]].to_numpy().tolist() == [["pain", "9", "ann"], ["pain", "3", "bob"]]

    # who is looked at: neither the lead that was won nor those sent back or disqualified; the win taken back is open
    matrix = load_matrix(run.context.paths.matrix, "open")
    ids = matrix.keys["lead_id"].tolist()
    assert not {lead[name] for name in ("won", "recycled", "disqualified")} & set(ids)
    assert {lead[name] for name in ("accepted", "slip", "answered", "pinned", "silent", "unwon")} <= set(ids)
    assert matrix.values["answer_pain"].iloc[ids.index(lead["answered"])] == 3
    cohort = build_cohort(tables, run.context.source, pd.Timestamp(NEXT))
    late = cohort[(cohort["as_of"] > MONDAY).to_numpy()]
    assert lead["disqualified"] not in set(late["lead_id"]) and lead["accepted"] in set(late["lead_id"])

    # the lists of the batch: silenced leads are on none, what is pinned stands
    shown = read_worklist(run.context).set_index("lead_id")
    assert lead["silent"] not in shown.index
    assert (shown["state"][lead["pinned"]], shown["next_action"][lead["pinned"]]) == ("sql", "hand_off")
    assert shown["lead_list"][lead["pinned"]] == "to_hand_off"
    card = card_of(run.context, lead["silent"])
    assert card["next_action"] != "none", "the score goes on; what sales said is put on it"
    said = mark_card(run.context, card)
    assert said["silenced"] and (said["next_action"], said["question"]) == ("none", "")
    assert mark_card(run.context, card_of(run.context, lead["pinned"]))["state"] == "sql"


def test_a_verdict_that_was_ingested_is_told_once_among_what_happened(after: tuple[TinyRun, dict[str, str]]) -> None:
    run, lead = after
    with client_for(run, run.context.paths.root / "serving", clock="data") as later:
        found = find_recent_changes(later.app.state.app_state, None, 500)  # type: ignore[attr-defined]
    assert found is not None
    told = {name: [row.what for row in found.rows if row.lead_id == lead[name]] for name in lead}
    assert (told["recycled"], told["disqualified"]) == (["recycled"], ["disqualified"])
    assert (told["pinned"], told["slip"]) == (["override"], []), "what entered no stage is told as it was said"
    assert found.counts["override"] == 1 and "reject" not in found.counts


def test_a_server_on_the_new_data_tells_the_same_and_no_row_twice(
    after: tuple[TinyRun, dict[str, str]], tmp_path: Path
) -> None:
    run, lead = after
    own = shutil.copytree(run.context.paths.root / "serving", tmp_path / "serving")  # something is taken back in it
    with client_for(run, own, clock="data") as later:
        rows = later.get(f"/v1/leads/{lead['answered']}/answers").json()
        assert [r["value"] for r in rows if r["question"] == "pain"][:2] == ["3", "9"]
        card = later.get(f"/v1/leads/{lead['answered']}").json()
        worklist = worklist_of(run).set_index("lead_id")
        assert card["score"] == int(worklist["score"][lead["answered"]])
        won, unwon = (later.get(f"/v1/leads/{lead[name]}").json() for name in ("won", "unwon"))
        assert won["closed"]["outcome"] == "won" and unwon["closed"] is None
        told = listed(later)
        assert lead["unwon"] in told and not {lead["won"], lead["silent"], lead["recycled"]} & set(told)

        # undone after the export: the lead is open again at once
        say(later, lead["disqualified"], "withdraw")
        assert later.get(f"/v1/leads/{lead['disqualified']}").json()["closed"] is None
