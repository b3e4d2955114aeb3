"""Keys of one owner: no operation shows or uses another owner's leads; keys of one name are still two."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
from starlette.testclient import TestClient

from features.cohort.objections import OBJECTS, WHY_NO_SCORE
from models.accounts.expansion import account_products
from pipelines.ingest.identity_files import read_merged_leads
from pipelines.scoring.find_lead import CHAMPION, find_reading
from pipelines.scoring.leads_file import read_leads_file
from pipelines.scoring.score_file import OffRecord, score_leads
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from serving.accounts import expansion_rows
from serving.leads import lookup
from tests.reference.serving import client_for, key_for, score_uploads, worklist_of
from tests.reference.tiny_run import TinyRun

VALUES = {"table": "answers", "number": "1", "hash": "0" * 8, "activity": "1", "note": "1"}
ASKED: dict[str, list[dict[str, Any]]] = {  # what an operation needs to answer
    "/v1/worklist": [{"size": 500}, {"list": "closed"}, {"list": "customers"}, {"list": "resting"}, {"show": "all"}],
    "/v1/decay": [{"days": 30}],
    "/v1/accounts": [{}, {"sort": "name"}],
}


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Any) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as made:
        yield made


@pytest.fixture
def two_owners(tiny_demo: Any) -> tuple[str, str, str]:
    """An owner, one of their leads, and a lead of somebody else."""
    frame = worklist_of(tiny_demo)
    owner = str(frame["owner"].iloc[0])
    theirs = frame[frame["owner"] != owner]["lead_id"].astype("str").iloc[0]
    return owner, str(frame["lead_id"].iloc[0]), theirs


def test_a_change_shows_no_rows_of_anothers_lead(client: TestClient, tiny_demo: Any) -> None:
    leads = pd.read_parquet(tiny_demo.context.paths.ingest / "leads.parquet")
    listed = set(worklist_of(tiny_demo)["lead_id"].astype("str"))
    known = leads[leads["account_id"].notna() & leads["owner"].notna()]
    pairs = known.merge(known, on="account_id").query("lead_id_x != lead_id_y and owner_x != owner_y")
    pairs = pairs[pairs["lead_id_x"].astype("str").isin(listed)]
    assert len(pairs)
    seen_by_all = 0
    for row in pairs.drop_duplicates("lead_id_x").head(20).itertuples():
        headers = key_for(client, "read", owner=str(row.owner_x))
        asked = {"since": (row.created_at_x + pd.Timedelta(hours=1)).isoformat()}
        path = f"/v1/leads/{row.lead_id_x}/change"
        mine = client.get(path, params=asked, headers=headers).json()
        admin = client.get(path, params=asked, headers=key_for(client, "admin")).json()
        owners = known.set_index(known["lead_id"].astype("str"))["owner"]
        assert {owners.get(one["lead_id"], row.owner_x) for one in mine["rows"] if one["lead_id"]} <= {row.owner_x}
        assert mine["learned"] == admin["learned"] and mine["score_after"] == admin["score_after"]
        seen_by_all += any(owners.get(one["lead_id"]) not in (None, row.owner_x) for one in admin["rows"])
    assert seen_by_all, "no case in which there was something to hide"


def test_an_upload_uses_nothing_on_record_of_anothers_lead(
    client: TestClient, two_owners: tuple[str, str, str], tiny_demo: Any
) -> None:
    owner, own, theirs = two_owners
    created = "2026-06-01T00:00:00+00:00"
    owners = pd.read_parquet(tiny_demo.context.paths.ingest / "leads.parquet").set_index("lead_id")["owner"]
    merged = read_merged_leads(tiny_demo.context.paths)
    their_double = next(name for name, became in merged.items() if owners[became] != owner)
    content = "Lead ID,Created Date,Lead Source,Job Title\n" + "".join(
        f"{lead},{created},referral,CEO\n" for lead in (own, theirs, their_double, "nobody-knows-me")
    )
    pin = {"verdict": "override", "reason": "good_fit", "state": "sql", "next_action": "enrich"}
    assert client.post(f"/v1/leads/{theirs}/feedback", json=pin).status_code == 201
    scored = {}
    for name, headers in {
        "owner": key_for(client, "score", owner=owner),
        "all": key_for(client, "score"),
    }.items():
        sent = client.post("/v1/uploads", files={"file": ("l.csv", content)}, headers=headers)
        score_uploads(client)
        answer = client.get(sent.json()["id"].join(("/v1/uploads/", "/result")), headers=headers)
        scored[name] = pd.read_csv(io.StringIO(answer.text)).set_index("lead_id")
    points = scored["owner"]["probability"]
    assert points[theirs] == points["nobody-knows-me"] != scored["all"]["probability"][theirs]
    states = {name: frame["state"] for name, frame in scored.items()}
    assert states["all"][theirs] == "sql" != states["owner"][theirs] == states["owner"]["nobody-knows-me"]
    assert points[their_double] == points["nobody-knows-me"] and scored["owner"]["note"].isna()[their_double]
    assert "scored as lead" in scored["all"]["note"][their_double]
    assert points[own] == scored["all"]["probability"][own]


def test_who_objects_gets_no_score_by_the_id_of_a_merged_record_of_anothers_lead(
    tiny_copy: TinyRun, tmp_path: Path
) -> None:
    context, file = tiny_copy.context, tiny_copy.context.paths.ingest / "leads.parquet"
    leads, (gone, kept) = read_parquet(file), next(iter(read_merged_leads(context.paths).items()))
    write_parquet(file, leads.assign(**{OBJECTS: (leads["lead_id"] == kept).astype("boolean")}))
    lines = [f"{lead},2026-06-01T00:00:00+00:00,referral,CEO\n" for lead in (gone, "nobody-knows-me")]
    (tmp_path / "l.csv").write_text("Lead ID,Created Date,Lead Source,Job Title\n" + "".join(lines))
    rows = read_leads_file(tmp_path / "l.csv", context.source, find_reading(context, CHAMPION))
    for unknown in (OffRecord(), OffRecord(frozenset({gone}))):  # to everybody, and to who sees neither record
        found = score_leads(context, rows, unknown=unknown).frame
        assert found["error"].tolist() == [WHY_NO_SCORE, ""]
        assert found["probability"].isna().tolist() == [True, False]


def test_an_upload_uses_nothing_on_record_of_an_account_without_a_lead_of_the_owner(
    client: TestClient, tiny_demo: Any
) -> None:
    leads, won = (pd.read_parquet(tiny_demo.context.paths.ingest / f"{name}.parquet") for name in ("leads", "outcomes"))
    known = leads.dropna(subset=["account_id", "owner"])
    customers = known[known["account_id"].isin(won.loc[won["won"].astype(bool), "account_id"])]
    owner = str(known["owner"].iloc[0])
    mine = set(known.loc[known["owner"] == owner, "account_id"])
    foreign = str(customers.loc[~customers["account_id"].isin(mine), "account_id"].iloc[0])
    theirs = str(known.loc[(known["account_id"] == foreign), "lead_id"].iloc[0])
    own_account = str(customers.loc[customers["account_id"].isin(mine), "account_id"].iloc[0])
    rows = {"new": foreign, "nowhere": "no-such-account", "mine": own_account, theirs: foreign}
    content = "Lead ID,Created Date,Account ID,Lead Source,Job Title\n" + "".join(
        f"{lead},2026-06-01T00:00:00+00:00,{account},referral,CEO\n" for lead, account in rows.items()
    )
    chance = {}
    for name, headers in {"owner": key_for(client, "score", owner=owner), "all": key_for(client, "score")}.items():
        sent = client.post("/v1/uploads", files={"file": ("l.csv", content)}, headers=headers)
        score_uploads(client)
        answer = client.get(f"/v1/uploads/{sent.json()['id']}/result", headers=headers)
        scored = pd.read_csv(io.StringIO(answer.text)).set_index("lead_id")
        assert set(scored.index) == set(rows) and "\0" not in answer.text
        chance[name] = scored["probability"]
    assert chance["all"]["new"] != chance["all"]["nowhere"], "what is on record of the account counts for who sees it"
    assert chance["owner"]["mine"] == chance["all"]["mine"] and chance["owner"]["nowhere"] == chance["all"]["nowhere"]
    alone = content.replace(foreign, "another-account")
    sent = client.post("/v1/uploads", files={"file": ("l.csv", alone)}, headers=key_for(client, "score", owner=owner))
    score_uploads(client)
    result = client.get(f"/v1/uploads/{sent.json()['id']}/result", headers=key_for(client, "admin"))
    apart = pd.read_csv(io.StringIO(result.text)).set_index("lead_id")["probability"]
    assert chance["owner"].to_dict() == apart.to_dict(), "as if the account were on record nowhere"


def read_answers(client: TestClient, headers: dict[str, str], leads: list[str], accounts: list[str]) -> dict[str, str]:
    """Texts of what every operation that reads answers, about some leads and accounts where it is about one."""
    found = {}
    for path, item in client.get("/openapi.json").json()["paths"].items():
        for name in leads if "{lead_id}" in path else accounts if "{account_id}" in path else [""]:
            places = {place: VALUES.get(place, name) for place in re.findall(r"{(\w+)}", path)}
            for asked in ASKED.get(path, [{}]) if "get" in item else ():
                answer = client.get(path.format(**places), params=asked, headers=headers)
                assert answer.status_code < 500, (path, answer.text[:300])
                found[f"{path} {name} {asked}"] = answer.text if answer.status_code < 400 else ""
    return found


def test_no_answer_to_an_owner_names_anothers_lead(client: TestClient, tiny_demo: Any) -> None:
    leads = pd.read_parquet(tiny_demo.context.paths.ingest / "leads.parquet")
    batch = pd.read_parquet(tiny_demo.context.paths.score / "expansion.parquet")
    known = leads.dropna(subset=["account_id", "owner"])
    listed = batch.merge(known, on="account_id", suffixes=("_shown", ""))
    owner_of = leads.set_index("lead_id")["owner"].to_dict()
    others = listed[listed["best_lead"].map(owner_of) != listed["owner"]].dropna(subset=["best_lead"])
    owner = str(others["owner"].iloc[0])
    own = set(leads.loc[leads["owner"] == owner, "lead_id"].astype("str"))
    foreign = set(leads["lead_id"].astype("str")) - own
    shared = known.groupby("account_id").filter(
        lambda rows: rows["owner"].nunique() > 1 and owner in set(rows["owner"])
    )
    accounts = list(dict.fromkeys([*others.loc[others["owner"] == owner, "account_id"], *shared["account_id"]]))[:6]
    some = [str(lead) for lead in known.loc[known["account_id"].isin(accounts) & (known["owner"] == owner), "lead_id"]]
    names = pd.read_parquet(tiny_demo.context.paths.ingest / "accounts.parquet").set_index("account_id")["company"]
    ASKED["/v1/find"] = [{"q": str(names[account])} for account in accounts if account in names.index]
    ASKED["/v1/lookup"] = [{"email": mail} for mail in known.loc[known["account_id"].isin(accounts), "email"].dropna()]

    told = {}
    for who, headers in {
        "owner": key_for(client, "read", "score", "feedback", owner=owner),
        "all": key_for(client, "read", "score", "feedback"),
    }.items():
        told[who] = read_answers(client, headers, some[:4], accounts)
        assert sum(map(bool, told[who].values())) > 30
    for asked, text in told["owner"].items():
        assert not set(re.findall(r"\bL\d{6}\b", text)) & foreign, asked
    hidden = {
        asked.split(" ")[0] for asked, text in told["all"].items() if set(re.findall(r"\bL\d{6}\b", text)) & foreign
    }
    assert {"/v1/find", "/v1/expansion", "/v1/accounts/{account_id}", "/v1/worklist"} <= hidden

    rows = client.get("/v1/expansion", headers=key_for(client, "read", owner=owner)).json()["rows"]
    everybody = client.get("/v1/expansion", params={"limit": 1000}, headers=key_for(client, "read")).json()["rows"]
    whole = {(row["account_id"], row["product"]): row for row in everybody}
    of_own = 0
    for row in rows:
        there = whole[row["account_id"], row["product"]]
        page = client.get(f"/v1/accounts/{row['account_id']}", headers=key_for(client, "read", owner=owner)).json()
        assert all(one["best_lead"] in own or one["score"] is one["chance"] is None for one in page["products"])
        by_own = next(one for one in page["products"] if one["product"] == row["product"])
        told = (row["best_lead"], row["score"], row["chance"])
        assert told == (by_own["best_lead"], by_own["score"], by_own["chance"]), "list and account tell the same"
        of_own += there["best_lead"] not in own and row["score"] is not None
    assert of_own, "somewhere another's lead gives the product more, and one of the owner's its score here"
    assert [row["chance"] or 0 for row in rows] == sorted((row["chance"] or 0 for row in rows), reverse=True)
    assert any(row["score"] != whole[row["account_id"], row["product"]]["score"] for row in rows)


def test_scores_of_an_owners_own_leads_are_worked_out_once_until_one_has_another(
    client: TestClient, tiny_demo: Any
) -> None:
    leads = pd.read_parquet(tiny_demo.context.paths.ingest / "leads.parquet").dropna(subset=["account_id", "owner"])
    batch = pd.read_parquet(tiny_demo.context.paths.score / "expansion.parquet").dropna(subset=["best_lead"])
    listed = leads[leads["lead_id"].isin(worklist_of(tiny_demo)["lead_id"])]
    shared = batch.merge(listed[["account_id", "owner", "lead_id"]], on="account_id", suffixes=("_shown", ""))
    owner_of = leads.set_index("lead_id")["owner"]
    other = shared[shared["best_lead"].map(owner_of) != shared["owner"]].iloc[0]
    key = key_for(client, "read", owner=str(other["owner"]))
    with patch.object(expansion_rows, "account_products", wraps=account_products) as scored:
        first = client.get("/v1/expansion", headers=key).json()
        assert client.get("/v1/expansion", headers=key).json() == first and scored.call_count == 1
        answer = {"question": "budget", "value": "none"}
        said = client.post(f"/v1/leads/{other['lead_id']}/answers", json=answer, headers=key_for(client, "feedback"))
        assert said.status_code == 201, said.text
        client.get("/v1/expansion", headers=key)
        assert scored.call_count == 2


def test_an_address_finds_all_leads_of_an_owner_among_many_of_others(
    client: TestClient, tiny_demo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "MOST_LEADS", 1)
    leads = pd.read_parquet(tiny_demo.context.paths.ingest / "leads.parquet")
    of_one = leads[leads["account_id"].notna()].groupby("account_id").filter(lambda rows: rows["owner"].nunique() > 1)
    account = leads[leads["account_id"] == of_one["account_id"].iloc[0]]
    last = account[account["owner"].notna()].iloc[-1]
    asked = {"email": account[account["email"].notna()].iloc[0]["email"]}
    assert last["owner"] != account["owner"].iloc[0]
    found = client.get("/v1/lookup", params=asked, headers=key_for(client, "read", owner=str(last["owner"]))).json()
    shown = {row["lead_id"] for group in ("person", "company") for row in found[group]}
    assert shown and shown <= set(leads.loc[leads["owner"] == last["owner"], "lead_id"])


def test_two_keys_of_one_name_share_neither_uploads_nor_idempotency_keys(client: TestClient, tiny_demo: Any) -> None:
    first, second = (key_for(client, "score", "read", "feedback") for _ in range(2))
    sent = client.post("/v1/uploads", files={"file": ("l.csv", "Lead ID\nL1\n")}, headers=first).json()
    assert client.get(f"/v1/uploads/{sent['id']}", headers=second).status_code == 404
    assert client.get(f"/v1/uploads/{sent['id']}", headers=first).status_code == 200
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    told = [
        client.post(
            f"/v1/leads/{lead}/feedback",
            json={"verdict": "accept", "reason": ""},
            headers={**headers, "Idempotency-Key": "one"},
        ).json()
        for headers in (first, first, second)
    ]
    assert told[0] == told[1] != told[2]


def test_a_bug_is_answered_counted_and_logged_as_one(
    client: TestClient, tiny_demo: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    monkeypatch.setattr("serving.api.routes.leads.build_card", fail)
    answer = client.get(f"/v1/leads/{lead}", headers={"x-request-id": "abcdefgh1"})
    assert answer.status_code == 500 and "secret" not in answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.headers["x-request-id"] == "abcdefgh1" and "content-security-policy" in answer.headers
    assert 'route="/v1/leads/{lead_id}",status="500"} 1.0' in client.get("/metrics").text

    written = capsys.readouterr().err
    lines = [line for line in map(json.loads, written.splitlines()) if line.get("request_id") == "abcdefgh1"]
    (failure,) = (line for line in lines if line["level"] == "error")
    assert failure["kind"] == "ZeroDivisionError" and failure["places"][-1].startswith("test_serving_owners.py:")
    (request,) = (line for line in lines if line["event"] == "request")
    assert (request["status"], request["route"]) == (500, "/v1/leads/{lead_id}")
    assert "secret" not in written and lead not in written


def test_odd_texts_and_numbers_are_refused_not_crashed_on(client: TestClient, tiny_demo: Any) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    assert client.post(f"/leads/{lead}/feedback", data={"token": "żółć", "verdict": "accept"}).status_code < 500
    huge = int("9" * 401)
    rows = [
        {"lead_id": "a", "created_at": "2026-01-01", "free_mailbox": huge},
        {"lead_id": "b", "created_at": "2026-01-01"},
    ]
    answer = client.post("/v1/score/batch", json={"leads": rows})
    assert answer.status_code in (200, 422), answer.text
    activity = {"kind": "demo_request", "value": huge, "happened_at": "2026-01-02", "lead_id": "b"}
    answer = client.post("/v1/score/batch", json={"leads": rows[1:], "activities": [activity]})
    assert answer.status_code in (200, 422), answer.text


@pytest.mark.parametrize("path", ["/?role=rep", "/?role=marketer", "/?role=manager", "/team"])
def test_home_and_team_name_no_lead_of_anybody_else(
    client: TestClient, tiny_demo: Any, two_owners: tuple[str, str, str], path: str
) -> None:
    owner, _, _ = two_owners
    headers = key_for(client, "read", owner=owner) | {"accept": "text/html"}
    page = client.get(path, headers=headers)
    assert page.status_code == 200
    linked = set(re.findall(r'href="/leads/([^"?]+)', page.text))
    leads = read_parquet(tiny_demo.context.paths.ingest / "leads.parquet").set_index("lead_id")["owner"]
    assert linked and {str(leads[name]) for name in linked} == {owner}


def test_a_list_of_another_owner_is_refused_and_no_page_names_one_above_other_leads(
    client: TestClient, two_owners: tuple[str, str, str], tiny_demo: Any
) -> None:
    owner, own, _ = two_owners
    other = str(worklist_of(tiny_demo)["owner"][lambda names: names != owner].iloc[0])
    key, everybody = key_for(client, "read", "feedback", owner=owner), key_for(client, "read", "feedback")
    lists = (
        ("GET", "/v1/worklist"),
        ("GET", "/v1/shortlist"),
        ("GET", "/v1/worklist/export"),
        ("POST", "/v1/exports/a"),
    )
    for method, path in lists:
        answer = client.request(method, path, params={"owner": other}, headers=key)
        assert answer.status_code == 403 and "leave owner out" in answer.text, path
        for headers, asked in ((key, owner), (key, ""), (everybody, other)):
            assert client.request(method, path, params={"owner": asked}, headers=headers).status_code == 200, path

    for path in ("/worklist", f"/leads/{own}"):
        for headers, named in ((key, False), (everybody, True)):
            asked = {"owner": other, "segment": "industry:retail"}
            page = client.get(path, params=asked, headers=headers | {"accept": "text/html"}).text
            links = re.findall(r'href="([^"]+)"', page)
            assert any("segment=industry" in link for link in links), "other filters stay"
            assert any(f"owner={other}" in link for link in links) is named, path
