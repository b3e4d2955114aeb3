"""What reps and managers do with lists: put leads aside from the list, see what is new, worth and waiting."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

import pipelines.diagnostics.lifecycle_figures
from pipelines.workspace.atomic_files import write_parquet
from pipelines.workspace.table_files import load_tables
from serving.lists import shown_worklist
from serving.results import weekly_comparison
from tests.reference.serving import client_for, key_for, still_page, worklist_of

HTML = {"accept": "text/html"}


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def page(client: TestClient, path: str, **headers: str) -> str:
    """The page once everything that is worked out beside it stands."""
    return still_page(lambda: str(client.get(path, headers=HTML | headers).text))


def form_of(html: str, button: str) -> dict[str, str]:
    """Where the first row's button of that value leads, with the hidden fields of the list's form."""
    body = html.split('id="chosen"')[1].split("</form>")[0]
    action = re.findall(rf'formaction="(/leads/[^"]+/feedback)" name="verdict" value="{button}"', body)[0]
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', body)
    return {"action": action} | {name: unescape(value) for name, value in hidden}


@pytest.mark.parametrize(
    ("verdict", "reason"), [("accept", ""), ("reject", "no_budget"), ("do_not_contact", ""), ("snooze", "")]
)
def test_a_word_said_on_the_list_leads_back_to_the_same_list(client: TestClient, verdict: str, reason: str) -> None:
    form = form_of(page(client, "/worklist?sort=newest&size=20&page=2"), "accept")
    lead = form["action"].split("/")[2]
    fields = {"token": form["token"], "back": form["back"], "verdict": verdict, "reason": reason}
    answer = client.post(form["action"], data=fields, follow_redirects=False)
    where = answer.headers["location"]
    assert answer.status_code == 303
    assert all(part in where for part in ("sort=newest", "page=2", "size=20"))
    html = page(client, where)
    said = {"accept": "accepted", "reject": "returned", "do_not_contact": "do not contact", "snooze": "put aside"}
    row = client.get(f"/v1/leads/{lead}").json()["display"]
    assert f"<span>{row['full_name']}: {said[verdict]}" in html and ">Undo</button>" in html
    listed = [row["lead_id"] for row in client.get("/v1/worklist", params={"size": 500}).json()["rows"]]
    assert (lead in listed) == (verdict == "accept")


def test_no_form_leads_elsewhere(client: TestClient) -> None:
    form = form_of(page(client, "/worklist"), "accept")
    for back in ("//evil.example/", "https://evil.example/", "/\\evil.example"):
        fields = {"token": form["token"], "back": back, "verdict": "accept"}
        answer = client.post(form["action"], data=fields, follow_redirects=False)
        assert answer.headers["location"].startswith("/?saved=")


def test_new_leads_are_those_of_the_last_day(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_worklist, "NEW_WITHIN", timedelta(days=20))
    everybody = client.get("/v1/worklist", params={"size": 500}).json()
    since = pd.Timestamp(everybody["as_of"]) - pd.Timedelta(days=20)
    new = {row["lead_id"] for row in everybody["rows"] if pd.Timestamp(row["created_at"]) >= since}
    shown = client.get("/v1/worklist", params={"size": 500, "show": "new"}).json()
    assert {row["lead_id"] for row in shown["rows"]} == new
    assert 0 < len(new) < everybody["total"]


def test_the_list_sorts_by_what_leads_are_worth(reader: TestClient, tiny_demo: Any) -> None:
    rows = reader.get("/v1/worklist", params={"sort": "value", "size": 500}).json()["rows"]
    worth = [row["expected_value"] for row in rows]
    assert worth == sorted(worth, reverse=True)
    by_score = reader.get("/v1/worklist", params={"size": 500}).json()["rows"]
    assert [row["lead_id"] for row in rows] != [row["lead_id"] for row in by_score]
    tables = load_tables(tiny_demo.context.paths)
    band = tables["accounts"].drop_duplicates("account_id", keep="last").set_index("account_id")["revenue_band"]
    of_lead = tables["leads"].set_index("lead_id")["account_id"].map(band)
    won = tables["outcomes"][tables["outcomes"]["won"].fillna(False).astype(bool)]
    brought = won["amount"].groupby(won["lead_id"].map(of_lead)).agg(["sum", "count"])
    mean = brought["sum"].sum() / brought["count"].sum()
    expected = (brought["sum"] + 10 * mean) / (brought["count"] + 10) / mean
    assert {row["worth"] for row in rows} <= {1.0, *expected.round(4)}
    for row in rows:
        if not pd.isna(of_lead[row["lead_id"]]):
            assert row["worth"] == round(expected[of_lead[row["lead_id"]]], 4)


def test_an_export_says_its_moments_with_their_zone(reader: TestClient) -> None:
    for form, column in (("salesforce", "Leadscore_As_Of__c"), ("hubspot", "leadscore_as_of")):
        text = reader.get("/v1/worklist/export", params={"form": form, "size": 5}).text
        rows = list(csv.DictReader(io.StringIO(text)))
        assert rows and all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", row[column]) for row in rows)


def test_a_call_posted_takes_a_lead_off_the_untouched_ones(client: TestClient) -> None:
    def listed() -> list[str]:
        part = page(client, "/team").split('id="untouched-h"')[1].split("</section>")[0]
        return re.findall(r'href="/leads/([^"]+)"', part)

    first = listed()[0]
    client.post(f"/v1/leads/{first}/activities", json={"kind": "rep_call", "actor": "rep"})
    assert first not in listed()


def test_leads_put_aside_wait_for_nobody(client: TestClient) -> None:
    def listed() -> list[str]:
        part = page(client, "/team").split('id="waiting-h"')[1].split("</section>")[0]
        return re.findall(r'href="/leads/([^"]+)"', part)

    first = listed()[0]
    client.post(f"/v1/leads/{first}/feedback", json={"verdict": "do_not_contact"})
    assert first not in listed()


def queue_rows(html: str) -> dict[str, dict[str, int]]:
    """What stands beside each owner, by the head of its column; hours of waiting left out."""
    part = html.split('id="queues-h"')[1].split("</section>")[0]
    rows = re.findall(r'<th scope="row"[^>]*>(?:<a [^>]*>)?([^<]*)(?:</a>)?</th>(.*?)</tr>', part, re.S)
    cell = re.compile(r'data-label="([^"]+)">(?:[^<]*<(?!/td).*?<b>)?([\d,]+)<', re.S)
    return {name: {head: int(n.replace(",", "")) for head, n in cell.findall(cells)} for name, cells in rows}


def test_queues_count_every_open_lead_once(client: TestClient, tiny_demo: Any) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "reject", "reason": "no_need"})
    rows = queue_rows(page(client, "/team"))
    assert sum(row["Open"] for row in rows.values()) == client.get("/v1/worklist").json()["total"]
    for name, head in (("to_hand_off", "Hand off"), ("to_work", "Work")):
        listed = client.get("/v1/worklist", params={"list": name}).json()["total"]
        assert sum(row[head] for row in rows.values()) == listed > 0
    assert sum(row["Put aside"] for row in rows.values()) == 1
    own = next(iter(rows))
    assert list(queue_rows(page(client, "/team", **key_for(client, "read", owner=own)))) == [own]


def test_the_team_page_is_worked_out_before_anybody_opens_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.app.state.background.prepare()  # type: ignore[attr-defined]
    monkeypatch.setattr(pipelines.diagnostics.lifecycle_figures, "lifecycle_of", None)
    assert client.get("/team", headers=HTML).status_code == 200


def swapped(html: str) -> dict[str, list[str]]:
    part = html.split('id="swap-h"')[1].split("</section>")[0]
    sides = re.findall(r"<h3>(.*?)</h3>(.*?)</table>", part, re.S)
    return {side: re.findall(r'href="/leads/([^"]+)"', rows) for side, rows in sides}


def test_the_swap_set_shows_who_comes_in_and_who_goes_out(client: TestClient, tiny_demo: Any) -> None:
    frame = pd.read_parquet(tiny_demo.context.paths.thresholds / "swap_set.parquet")
    some, every = swapped(page(client, "/thresholds")), swapped(page(client, "/thresholds?swaps=all"))
    titles = ("The score hands off, the rubric would not", "The rubric hands off, the score would not")
    for title, name, sign in zip(titles, ("model only", "rubric only"), ("+", "-"), strict=True):
        rows = frame[frame["side"] == name]
        assert every[title] == rows["lead_id"].tolist() and some[title] == every[title][: len(some[title])]
        assert rows["reason_1"].str.startswith(sign).all(), "a reason argues for the side it stands in"
        assert rows["score"].between(0, 100).all()
    owners = pd.read_parquet(tiny_demo.context.paths.ingest / "leads.parquet").set_index("lead_id")["owner"]
    own = str(owners[every[titles[0]][0]])
    of_all = page(client, "/thresholds")
    html = page(client, "/thresholds", **key_for(client, "read", owner=own))
    assert {owners[lead] for side in swapped(html).values() for lead in side} == {own}
    assert swap_counts(html) == swap_counts(of_all) and len(swap_counts(html)) == 1, "figures beside those of everybody"
    assert "only yours are named" in html and "only yours are named" not in of_all


def swap_counts(html: str) -> list[str]:
    return re.findall(r"[\d,]+ leads come in, .*?; [\d,]+ go out, .*? won\.", html)


def test_a_swapped_lead_that_left_the_data_lends_nobodys_name(tiny_copy: Any, tmp_path: Any) -> None:
    paths = tiny_copy.context.paths
    frame = pd.read_parquet(paths.thresholds / "swap_set.parquet")
    last = pd.read_parquet(paths.ingest / "leads.parquet").iloc[-1]
    write_parquet(paths.thresholds / "swap_set.parquet", frame.assign(lead_id=["gone", *frame["lead_id"][1:]]))
    with client_for(tiny_copy, tmp_path) as client:
        html = page(client, "/thresholds?swaps=all")
        assert swap_counts(html), "it counts"
        assert "1 of them is no longer in the data" in html and "/leads/gone" not in html
        scoped = key_for(client, "read", owner=str(last["owner"]))
        assert "/leads/gone" not in page(client, "/thresholds?swaps=all", **scoped)
        data = client.app.state.app_state.loaded.data
    assert data.display(-1) == {} and data.owner(-1) == "" and not data.is_shown_to(-1, str(last["owner"]))
    assert data.are_named_to([str(last["lead_id"]), "gone"], str(last["owner"])).tolist() == [True, False]


def test_cost_and_value_are_inputs_of_the_replay(reader: TestClient) -> None:
    def net(**asked: float) -> float:
        rows = reader.get("/v1/thresholds/simulate", params={"handoffs_per_week": 10, **asked}).json()["policies"]
        return float(next(row["net"] for row in rows if row["policy"] == "model_at_capacity"))

    rows = reader.get("/v1/thresholds/simulate", params={"handoffs_per_week": 10}).json()["policies"]
    workload = next(row["workload"] for row in rows if row["policy"] == "model_at_capacity")
    assert net(cost_per_handoff=100) - net(cost_per_handoff=300) == pytest.approx(200 * workload)
    html = page(reader, "/thresholds?handoffs_per_week=10&cost_per_handoff=300&value_per_win=")
    assert f"{net(cost_per_handoff=300):,.0f}".replace("-", "−") in html and 'name="cost_per_handoff"' in html
    for bad in ("-1", "nan", "a lot", "1e300"):
        assert reader.get("/thresholds", params={"cost_per_handoff": bad}).status_code == 422


def test_page_report_and_command_line_name_the_same_scores(reader: TestClient, tiny_demo: Any, cli: Any) -> None:
    scores = reader.get("/v1/thresholds").json()["scores"]
    html = page(reader, "/thresholds")
    by_score = {row["score"]: row for row in scores["steps"]}
    report = (tiny_demo.context.paths.reports / "report.html").read_text(encoding="utf-8")
    part = report.split("<th>Hand off from</th>")[1].split("</table>")[0]
    told = cli("compare", *tiny_demo.args)[1].split("Scores to hand off from")[1]
    assert scores["points"]
    for point in scores["points"]:
        row = by_score[point["score"]]
        week = f"{row['per_week']:.1f}"
        assert f"<b>{row['score']}</b>" in part and f">{week}<" in part and f"<span>{row['wins']:,} " in part
        line = next(line for line in told.splitlines() if f" {row['score']} " in line and week in line)
        assert f" {row['handoffs']:,} " in line and f" {row['wins']:,} " in line
        assert f'data-point="{row["score"]}"' in html
        shown = page(reader, f"/thresholds?score={row['score']}")
        cells = dict(re.findall(r'data-show="(\w+)">([^<]*)<', shown))
        assert cells["handoffs"] == f"{row['handoffs']:,}" and cells["wins"] == f"{row['wins']:,}"
        assert cells["precision"] == f"{100 * row['precision']:.0f}"
        assert cells["rubric"] == f"{row['rubric_wins']:,}"
    rows = reader.get("/thresholds.csv").text.splitlines()
    assert len(rows) == 1 + len(scores["steps"]) and rows[1].startswith(f"{scores['steps'][0]['score']},")
    table = html.split("data-threshold-rows")[1].split("</table>")[0]
    assert [int(score) for score in re.findall(r'<tr data-score="(\d+)"', table)] == list(by_score)


def test_the_model_page_shows_the_backtest_and_the_calibration(reader: TestClient) -> None:
    found = reader.get("/v1/model").json()
    html = page(reader, "/model")
    part = html.split("Rows learned from</th>")[1].split("</table>")[0]
    assert part.count("<tr>") == len(found["backtest"]["folds"])
    winner = next(row for row in found["backtest"]["candidates"] if row["name"] == found["backtest"]["winner"])
    assert all(f"{block['log_loss']:.4f}" in part for block in winner["blocks"])
    chart = html.split('class="chart chart-titled"')[1].split("</figure>")[0]
    assert chart.count("<circle") == len(found["evaluation"]["reliability"])


def test_the_pages_of_managers_speak_the_readers_language(reader: TestClient) -> None:
    for code, words in (
        ("ko", {"/team": "현재 대기열", "/thresholds": "몇 점부터 영업에 넘겨야 할까요?", "/model": "구간별 백테스트"}),
        (
            "pl",
            {"/team": "Kolejki teraz", "/thresholds": "Od jakiego wyniku", "/model": "blok po bloku"},
        ),
    ):
        reader.cookies.set("leadscore_language", code)
        for path, heading in words.items():
            assert heading in page(reader, path)


def test_display_columns_stand_on_the_card(reader: TestClient) -> None:
    row = reader.get("/v1/worklist", params={"size": 1}).json()["rows"][0]
    html = page(reader, f"/leads/{row['lead_id']}")
    assert row["display"]["phone"] in html and row["display"]["domain"] in html
    listed = page(reader, "/worklist?size=1")
    assert row["display"]["company"] in listed and f'href="tel:{row["display"]["phone"].replace(" ", "")}"' in listed


def test_a_mail_providers_users_are_no_company(reader: TestClient) -> None:
    leads = reader.app.state.app_state.loaded.data.tables["leads"]  # type: ignore[attr-defined]
    private = leads[leads["email"].str.endswith("@freemail.example") & leads["account_id"].notna()].iloc[0]
    found = reader.get("/v1/lookup", params={"email": private["email"]}).json()
    assert private["lead_id"] in {row["lead_id"] for row in found["person"]}
    accounts = set(leads["account_id"][leads["email"] == private["email"]].dropna())
    mates = set(leads["lead_id"][leads["account_id"].isin(accounts) & (leads["email"] != private["email"])])
    assert {row["lead_id"] for row in found["company"]} == mates


def test_an_export_of_changes_holds_new_scores_and_new_states(client: TestClient) -> None:
    text = client.get("/v1/worklist/export", params={"changed": True, "show": "all"}).text  # nobody compared them yet
    exported = {row["lead_id"] for row in csv.DictReader(io.StringIO(text))}
    rows = client.get("/v1/worklist", params={"size": 500, "show": "all"}).json()["rows"]
    moved = {row["lead_id"] for row in rows if row["change"] != 0 or row["state"] != row["state_before"]}
    assert exported == moved
    assert any(row["change"] == 0 and row["state"] != row["state_before"] for row in rows)
    assert len(moved) < len(rows)
    assert exported >= {row["lead_id"] for row in rows if row["state_before"] is None}  # new: moved onto the list


def test_what_moved_is_not_told_of_a_list_too_long_to_be_compared(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = "Biggest rise this week"
    assert order in page(client, "/worklist")
    monkeypatch.setattr(weekly_comparison, "LONGEST_LIST", 3)
    for path, asked in (("worklist/export", {"changed": "true"}), ("worklist", {"sort": "change"})):
        answer = client.get(f"/v1/{path}", params=asked)
        assert (answer.status_code, answer.json()["code"]) == (422, "LS109")
        assert "at most 3 open leads" in answer.json()["detail"]
    html = page(client, "/worklist?sort=change")
    assert order not in html and "days first" in html, "the page falls back to the score, and says so"
    assert client.get("/v1/worklist/export").status_code == 200
