"""An account and anybody found, by API and page, as one caller may see them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from pipelines.scoring.accounts.account_evidence import account_of
from pipelines.workspace.table_files import load_tables
from tests.reference.serving import client_for, key_for, worklist_of


@pytest.fixture(scope="module")
def client(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path_factory.mktemp("accounts")) as found:
        found.headers.update(key_for(found, "read"))
        yield found


@pytest.fixture(scope="module")
def leads(tiny_demo: Any) -> pd.DataFrame:
    return load_tables(tiny_demo.context.paths)["leads"]


@pytest.fixture(scope="module")
def shared(tiny_demo: Any, leads: pd.DataFrame) -> str:
    """An account with open leads, most contacts, of more than one owner."""
    opened = leads[leads["lead_id"].isin(worklist_of(tiny_demo)["lead_id"]).to_numpy(dtype=bool)]
    several = leads[leads["account_id"].isin(opened["account_id"].dropna())].groupby("account_id")
    sizes = several.size()[several["owner"].nunique() > 1]
    return str(sizes.sort_values(kind="stable").index[-1])


def html(client: TestClient, path: str, **params: str) -> str:
    answer = client.get(path, params=params, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_api_says_what_the_command_line_says(client: TestClient, tiny_demo: Any, shared: str) -> None:
    found = client.get(f"/v1/accounts/{shared}").json()
    batch = account_of(tiny_demo.context, shared)
    for key in ("score", "seats", "missing", "next_step", "disagreements", "history", "deals", "account", "customer"):
        assert found[key] == batch[key], key
    listed = worklist_of(tiny_demo).set_index("lead_id")
    for lead in found["leads"]:
        assert lead["open"] == (lead["lead_id"] in listed.index), "open means: on the worklist"
        if lead["open"]:
            for name in ("score", "state", "stage", "next_action", "lead_list"):
                assert lead[name] == listed.loc[lead["lead_id"], name], name
        else:
            assert lead["score"] is None and lead["closed"] and lead["stage"] == lead["outcome"]


def test_an_account_shows_what_sales_said_and_asks_nobody_who_is_silenced(
    tiny_demo: Any, leads: pd.DataFrame, shared: str, tmp_path: Path
) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        before = client.get(f"/v1/accounts/{shared}").json()
        asked = before["next_step"]["ask"]
        client.post(
            f"/v1/leads/{asked}/feedback",
            json={"verdict": "override", "reason": "good_fit", "next_action": "enrich", "state": "iql"},
        )
        (pinned,) = (lead for lead in client.get(f"/v1/accounts/{shared}").json()["leads"] if lead["lead_id"] == asked)
        assert (pinned["state"], pinned["next_action"]) == ("iql", "enrich")
        email = str(leads.set_index("lead_id").at[asked, "email"])
        (found,) = client.get("/v1/find", params={"q": asked}).json()["people"]
        looked_up = client.get("/v1/lookup", params={"email": email}).json()["person"]
        assert found["state"] == "iql" and {r["state"] for r in looked_up if r["lead_id"] == asked} == {"iql"}
        client.post(f"/v1/leads/{asked}/feedback", json={"verdict": "do_not_contact"})
        after = client.get(f"/v1/accounts/{shared}").json()
        assert after["next_step"] is None or after["next_step"]["ask"] != asked
        (silent,) = (lead for lead in after["leads"] if lead["lead_id"] == asked)
        assert silent["silenced"] and silent["next_action"] == "none" and after["score"] == before["score"]
        text = client.get(f"/accounts/{shared}", headers={"accept": "text/html"}).text
        assert "do not contact" in text


def test_nobody_is_sent_to_leads_that_are_put_aside_or_silenced(tiny_demo: Any, shared: str, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        before = client.get(f"/v1/accounts/{shared}").json()
        first = before["next_step"]["ask"]
        client.post(f"/v1/leads/{first}/feedback", json={"verdict": "snooze"})
        step = client.get(f"/v1/accounts/{shared}").json()["next_step"]
        assert step is None or step["ask"] != first

        for lead in (lead["lead_id"] for lead in before["leads"] if lead["open"]):
            client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "do_not_contact"})
        after = client.get(f"/v1/accounts/{shared}").json()
        assert after["next_step"] is None and after["score"] == before["score"], "silence changes no score"
        text = html(client, f"/accounts/{shared}")
        assert "Every open lead here is put aside, or must not be contacted." in text
        assert "Do this now" not in text and 'href="tel:' not in text
        rows = client.get("/v1/accounts", params={"search": shared}).json()["rows"]
        assert [row["best_silenced"] for row in rows if row["account_id"] == shared] == [True]
        assert "do not contact" in html(client, "/accounts", search=shared)

        for said in ("do_not_contact", "snooze", "reject"):
            talk = client.get("/v1/expansion").json()["rows"]
            named = next(row["best_lead"] for row in talk if row["best_lead"])
            reason = {"reason": "no_need"} if said == "reject" else {}
            client.post(f"/v1/leads/{named}/feedback", json={"verdict": said, **reason})
            again = client.get("/v1/expansion").json()["rows"]
            assert [row["best_lead"] for row in again] == [
                None if row["best_lead"] == named else row["best_lead"] for row in talk
            ], said


def test_the_page_shows_gaps_leads_and_deals_in_three_languages(client: TestClient, shared: str) -> None:
    found = client.get(f"/v1/accounts/{shared}").json()
    text = html(client, f"/accounts/{shared}")
    assert text.count('<li class="seat') == len(found["seats"]) == 10
    gaps = sum(seat["status"] == "missing" and seat["wanted"] for seat in found["seats"])
    assert text.count('class="seat is-gap"') == gaps > 0
    assert all(lead["name"].replace("'", "&#39;") in text for lead in found["leads"])
    client.cookies.set("leadscore_language", "pl")
    try:
        assert "osoba decydująca o budżecie" in html(client, f"/accounts/{shared}")
    finally:
        client.cookies.clear()


def test_a_rep_sees_their_own_leads_and_how_many_others_there_are(
    client: TestClient, leads: pd.DataFrame, shared: str
) -> None:
    own = leads[leads["account_id"] == shared]
    owner = str(own["owner"].dropna().iloc[0])
    others = own[own["owner"] != owner]
    answer = client.get(f"/v1/accounts/{shared}", headers=key_for(client, "read", owner=owner))
    found = answer.json()
    assert {lead["owner"] for lead in found["leads"]} >= {owner} and found["others"] == len(others)
    for lead, name in zip(others["lead_id"], others["full_name"], strict=True):
        assert f'"{lead}"' not in answer.text and name not in answer.text
    assert sum(s["held_by_others"] for s in found["seats"]) > 0
    shown = client.get(f"/accounts/{shared}", headers=key_for(client, "read", owner=owner) | {"accept": "text/html"})
    assert shown.status_code == 200 and "contacts of other owners" in shown.text
    for name in set(others["full_name"]) - set(own.loc[own["owner"] == owner, "full_name"]):
        assert name.replace("'", "&#39;") not in shown.text
    nobody = client.get(f"/v1/accounts/{shared}", headers=key_for(client, "read", owner="no.one"))
    unknown = client.get("/v1/accounts/A99999", headers=key_for(client, "read", owner="no.one"))
    assert nobody.status_code == unknown.status_code == 404
    assert nobody.json()["detail"] == unknown.json()["detail"], "whether it exists is not said"


def test_anybody_is_found_by_mail_domain_name_and_id_open_or_closed(
    client: TestClient, tiny_demo: Any, leads: pd.DataFrame
) -> None:
    listed = set(worklist_of(tiny_demo)["lead_id"])
    over = leads[~leads["lead_id"].isin(listed) & leads["account_id"].notna() & leads["email"].str.contains("firma")]
    lead = over[over["full_name"].str.contains("Søndergaard")].iloc[0]
    first = lead["full_name"].split()[0]
    by_name = client.get("/v1/find", params={"q": f"SONDERGAARD {first[:3].lower()}"}).json()
    assert by_name["people_found"] > 0
    assert all("Søndergaard" in row["name"] for row in by_name["people"])
    opens = [row["open"] for row in by_name["people"]]
    assert opens == sorted(opens, reverse=True), "open ones first"
    for asked in (str(lead["email"]).upper(), str(lead["lead_id"])):
        row = client.get("/v1/find", params={"q": asked}).json()["people"][0]
        assert row["lead_id"] == lead["lead_id"] and not row["open"] and row["closed"]
    found = client.get("/v1/find", params={"q": "rio"}).json()["people"]
    handed = {row["lead_id"]: row["score_at_handoff"] for row in found if row["score_at_handoff"] is not None}
    assert handed and all(not row["open"] for row in found if row["lead_id"] in handed)
    for name, then in list(handed.items())[:2]:
        assert client.get(f"/v1/leads/{name}").json()["standing"]["score_at_handoff"] == then, "as its card says"
    assert "is the one at the handoff" in html(client, "/find", q="rio")
    domain = str(lead["email"]).split("@")[1]
    company = client.get("/v1/find", params={"q": domain}).json()["companies"][0]
    assert company["account_id"] == lead["account_id"] and company["wins"] + company["losses"] > 0
    assert domain.split(".")[0].removeprefix("firma") in company["company"]
    assert str(lead["full_name"]) in html(client, "/find", q=str(lead["lead_id"]))
    assert client.get("/v1/find", params={"q": "zzz"}).json()["people"] == []


def test_accounts_are_listed_sorted_searched_and_paged(client: TestClient, tiny_demo: Any, leads: pd.DataFrame) -> None:
    open_now = (
        worklist_of(tiny_demo).merge(leads[["lead_id", "account_id"]], on="lead_id").dropna(subset=["account_id"])
    )
    best = open_now.groupby("account_id")["score"].max()
    first = html(client, "/accounts")
    listed = re.findall(r'<a href="/accounts/([^"]+)"', first.split("<tbody")[1])
    shown = [int(text) for text in re.findall(r'class="score-num">(\d+)<', first)]
    assert len(listed) == 25 and shown == sorted(shown, reverse=True) == [int(best[name]) for name in listed]
    assert f"{leads['account_id'].nunique()} companies" in first
    again = re.findall(r'<a href="/accounts/([^"]+)"', html(client, "/accounts", page="2").split("<tbody")[1])
    assert again and not set(again) & set(listed)
    rows = client.get("/v1/accounts", params={"page": 2}).json()["rows"]
    assert [row["account_id"] for row in rows] == again, "the API says the same"
    most = html(client, "/accounts", sort="open")
    counts = open_now.groupby("account_id").size()
    assert re.findall(r'data-label="Open leads">(\d+)<', most)[0] == str(counts.max())
    found = html(client, "/accounts", search="rio verde")
    assert set(re.findall(r'<a href="/accounts/[^"]+">([^<]+)<', found.split("<tbody")[1])) and "Fjord" not in found
    assert "No account matches" in html(client, "/accounts", search="nobody at all")
    quiet = html(client, "/accounts", sort="activity", reverse="true")
    for name in re.findall(r'<a href="/accounts/([^"]+)"', quiet.split("<tbody")[1])[:3]:
        assert "What happened here" in html(client, f"/accounts/{name}"), "one without a sign of interest, too"


def test_an_account_tells_what_happened_and_to_whom(client: TestClient, shared: str, leads: pd.DataFrame) -> None:
    told = html(client, f"/accounts/{shared}").split('id="happened-h"')[1].split("</section>")[0]
    names = set(leads.loc[leads["account_id"] == shared, "full_name"])
    moments = re.findall(r'<time datetime="([^"]+)"', told)
    assert moments == sorted(moments, reverse=True) and len(moments) > 1
    assert any(name in told for name in names)


def test_a_rep_sees_accounts_of_their_leads_alone(client: TestClient, tiny_demo: Any, leads: pd.DataFrame) -> None:
    owner = str(worklist_of(tiny_demo)["owner"].mode()[0])
    headers = {"accept": "text/html"} | key_for(client, "read", owner=owner)
    own = leads[(leads["owner"] == owner).fillna(False).to_numpy(dtype=bool)].dropna(subset=["account_id"])
    acted = load_tables(tiny_demo.context.paths)["activities"]
    rows: list[dict[str, Any]] = []
    for page in range(1, len(own) // 25 + 2):
        rows += client.get("/v1/accounts", params={"page": page}, headers=headers).json()["rows"]
    assert {row["account_id"]: row["people"] for row in rows} == own.groupby("account_id").size().to_dict()
    mine = acted.merge(own[["lead_id", "account_id"]], on="lead_id").groupby("account_id")["happened_at"].max()
    assert {row["account_id"]: row["last"] for row in rows if row["last"]} == {
        name: at.isoformat() for name, at in mine.items()
    }
    listed = worklist_of(tiny_demo).query("owner == @owner").merge(own[["lead_id", "account_id"]], on="lead_id")
    best = {row["account_id"]: row["score"] for row in rows if row["best_lead"]}
    assert best and best == listed.groupby("account_id")["score"].max().to_dict()
    text = client.get("/accounts", headers=headers).text
    assert set(re.findall(r'href="/leads/([^"?]+)"', text.split("<tbody")[1])) <= set(own["lead_id"])
    assert f"{len(rows)} companies" in text


def test_a_search_that_finds_somebody_who_objects_tells_no_score_of_them(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = client.get("/v1/find", params={"q": "rio"}).json()["people"]
    first, *others = [row["lead_id"] for row in people if row["score_at_handoff"] is not None]
    data = client.app.state.app_state.loaded.data  # type: ignore[attr-defined]
    known = data.tables["leads"]
    objects = (known["lead_id"].astype("str") == first).to_numpy(dtype=bool)
    monkeypatch.setitem(data.tables, "leads", known.assign(objects_to_profiling=objects))
    again = {row["lead_id"]: row for row in client.get("/v1/find", params={"q": "rio"}).json()["people"]}
    assert again[first]["score_at_handoff"] is None
    assert others and all(again[name]["score_at_handoff"] is not None for name in others)


def test_a_rep_finds_only_their_own(client: TestClient, leads: pd.DataFrame) -> None:
    lead = leads[leads["owner"].notna()].iloc[0]
    other = leads[leads["owner"].notna() & (leads["owner"] != lead["owner"])].iloc[0]
    key = key_for(client, "read", owner=str(lead["owner"]))
    assert client.get("/v1/find", params={"q": lead["lead_id"]}, headers=key).json()["people_found"] == 1
    assert client.get("/v1/find", params={"q": other["lead_id"]}, headers=key).json()["people_found"] == 0


def test_customers_interest_is_listed_and_a_rep_sees_accounts_of_their_leads(
    client: TestClient, tiny_demo: Any, leads: pd.DataFrame
) -> None:
    listed = client.get("/v1/expansion").json()
    batch = pd.read_parquet(tiny_demo.context.paths.score / "expansion.parquet")
    assert listed["total"] == len(batch) > 0
    for row in listed["rows"]:
        assert row["product"] not in row["owns"].split(", ") and row["signs"] > 0 and row["customer_since"]
    account = listed["rows"][0]["account_id"]
    found = client.get(f"/v1/accounts/{account}").json()
    product = next(row for row in found["products"] if row["product"] == listed["rows"][0]["product"])
    assert product["signs"] == listed["rows"][0]["signs"] and product["owned_since"] is None
    assert product["score"] == listed["rows"][0]["score"]
    owner = str(leads.loc[leads["account_id"] == account, "owner"].dropna().iloc[0])
    mine = client.get("/v1/expansion", headers=key_for(client, "read", owner=owner)).json()
    own = set(leads.loc[leads["owner"] == owner, "account_id"])
    assert 0 < mine["total"] < listed["total"] and {row["account_id"] for row in mine["rows"]} <= own
    assert html(client, "/expansion").count('<tr role="row">') == min(listed["total"], 200)


def test_the_process_page_names_members_that_the_reader_may_see(client: TestClient, leads: pd.DataFrame) -> None:
    text = html(client, "/process")
    assert '<svg class="flow"' in text and "Shared goals per quarter" in text and "2026Q1" in text
    found = client.get("/v1/programmes").json()
    assert {row["programme"] for row in found["programmes"]} == set(found["members"])
    owner = str(leads["owner"].dropna().iloc[0])
    mine = client.get("/v1/programmes", headers=key_for(client, "read", owner=owner)).json()
    own = set(leads.loc[leads["owner"] == owner, "lead_id"])
    assert all(row["lead_id"] in own for rows in mine["members"].values() for row in rows)
    assert mine["programmes"] == found["programmes"], "figures are of all leads"


def test_a_programme_tells_how_to_reach_nobody_whom_nobody_may_contact(tiny_demo: Any, tmp_path: Path) -> None:
    def first_member(client: TestClient) -> dict[str, Any]:
        found: dict[str, Any] = next(iter(client.get("/v1/programmes").json()["members"].values()))[0]
        return found

    with client_for(tiny_demo, tmp_path) as client:
        shown = first_member(client)
        reaching = {name for name in shown["display"] if name in ("phone", "email")}
        assert reaching, "the demo shows how to reach a lead"
        feedback = {"verdict": "do_not_contact", "note": "asked us to stop"}
        assert client.post(f"/v1/leads/{shown['lead_id']}/feedback", json=feedback).status_code == 201
        told = first_member(client)
        assert told["lead_id"] == shown["lead_id"]
        assert told["display"] == {name: text for name, text in shown["display"].items() if name not in reaching}
        assert client.post(f"/v1/leads/{shown['lead_id']}/feedback", json={"verdict": "withdraw"}).status_code == 201
        assert first_member(client) == shown, "what is kept of a lead was changed"


def test_the_process_counts_all_leads_and_says_so(client: TestClient, tiny_demo: Any) -> None:
    stages = pd.DataFrame(client.get("/v1/lifecycle").json()["stages"]).set_index("stage")["in_it_now"]
    tables, listed = load_tables(tiny_demo.context.paths), worklist_of(tiny_demo)
    known = tables["stages"][tables["stages"]["known_at"] < listed["as_of"].max()]
    last = known.sort_values("entered_at", kind="stable").drop_duplicates("lead_id", keep="last").set_index("lead_id")
    assert stages.to_dict() == {name: int((last["stage"] == name).sum()) for name in stages.index}
    open_now = listed["stage"].value_counts().reindex(stages.index, fill_value=0)
    assert (open_now <= stages).all() and open_now.sum() < stages.sum(), "resting and closed leads are not on the list"
    assert all("Counted are all leads" in html(client, page) for page in ("/process", "/team"))


def test_a_card_leads_to_its_account(client: TestClient, leads: pd.DataFrame, shared: str) -> None:
    lead = leads.loc[leads["account_id"] == shared, "lead_id"].iloc[0]
    assert f'href="/accounts/{shared}"' in html(client, f"/leads/{lead}")
