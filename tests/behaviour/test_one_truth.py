"""One truth about a lead: every surface says the same of stage, state, next step, list, score and points."""

import csv
import html
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from features.assembly.closed_leads import closed_leads
from features.cohort.cohort import cutoff_of
from features.schema.vocabulary import LeadList, Phase
from models.standing.next_steps import SalesStep
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.score_record import QualificationRecord
from pipelines.workspace.table_files import load_tables
from tests.reference.serving import client_for, worklist_of

Said = dict[str, tuple[Any, ...]]  # lead to score, state, next action, stage, list
Cli = Callable[..., tuple[int, str, str]]
ASKED = ("score", "state", "next_action", "stage", "lead_list")
PARTS = 8  # of all leads, one in each run of the tests
MARKETING = {"hand_off", "nurture_interest", "nurture_intent", "disqualify", "enrich", "recycle"}


@pytest.fixture(scope="module")
def client(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path_factory.mktemp("one_truth")) as found:
        yield found


@pytest.fixture(scope="module")
def batch(tiny_demo: Any) -> Said:
    return said_of(worklist_of(tiny_demo).to_dict("records"))


def said_of(rows: list[dict[str, Any]]) -> Said:
    return {str(row["lead_id"]): (int(row["score"]), *(str(row[name]) for name in ASKED[1:])) for row in rows}


def every_page(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for page in range(1, 100):
        found = client.get("/v1/worklist", params={"size": 500, "page": page, **params}).json()
        rows += found["rows"]
        if page >= found["pages"]:
            break
    return rows


def points_of(row: Any) -> dict[str, int]:
    return {name: int(row[name]) for name in row if name.startswith("points_")}


def test_list_and_files_say_the_same_of_every_open_lead(
    client: TestClient, batch: Said, tiny_demo: Any, tmp_path: Path, cli: Cli
) -> None:
    rows = every_page(client)
    assert said_of(rows) == batch
    exported = csv.DictReader(io.StringIO(client.get("/v1/worklist/export").text))
    assert said_of(list(exported)) == batch

    status, told, _ = cli("worklist", "--json", "--limit", "100000", *tiny_demo.args)
    assert status == 0 and said_of(json.loads(told)) == batch

    file, out = tmp_path / "leads.csv", tmp_path / "scored.parquet"
    pd.DataFrame({"Lead ID": list(batch)}).to_csv(file, index=False)
    assert cli("score", "--input", str(file), "--out", str(out), *tiny_demo.args)[0] == 0
    scored = pd.read_parquet(out)
    assert said_of(scored.to_dict("records")) == batch
    whole = worklist_of(tiny_demo).set_index("lead_id")
    for row in scored.to_dict("records"):
        assert points_of(row) == points_of(whole.loc[row["lead_id"]].to_dict())


@pytest.mark.parametrize("part", [0, *(pytest.param(k, marks=pytest.mark.prove) for k in range(1, PARTS))])
def test_the_card_of_every_open_lead_agrees_with_the_list(client: TestClient, batch: Said, part: int) -> None:
    for lead, (score, state, action, stage, on) in list(batch.items())[part::PARTS]:
        card = client.get(f"/v1/leads/{lead}").json()
        stands = card["standing"]
        assert (card["score"], card["state"], card["next_action"]) == (score, state, action)
        assert (stands["stage"], stands["state"], stands["next_action"]) == (stage, state, action)
        assert stands["lead_list"] == on and card["closed"] is None
        assert (stands["phase"] == Phase.WITH_SALES) == (on == LeadList.TO_WORK)
        assert 50 + card["points_base"] + sum(r["points"] for r in card["criteria"]) + card["points_clip"] == score


def test_what_sales_has_is_worked_and_what_marketing_has_is_not(batch: Said) -> None:
    for _, _, action, stage, on in batch.values():
        if stage in ("sal", "sql", "opportunity"):
            assert on == "to_work" and action in set(SalesStep)
        else:
            assert on in ("to_hand_off", "watching") and (on == "to_hand_off") == (action == "hand_off")
            assert action in MARKETING | {"ask"}
    assert {on for *_, on in batch.values()} >= {"to_work", "watching"}


HOOKS = ("score", "state", "next", "stage", "list")  # attributes of a card's page


@pytest.mark.parametrize("part", [0, *(pytest.param(k, marks=pytest.mark.prove) for k in range(1, PARTS))])
def test_page_and_terminal_say_of_a_lead_what_the_list_says(
    client: TestClient, batch: Said, tiny_demo: Any, cli: Cli, part: int
) -> None:
    drawn = random.Random(18).sample(sorted(batch), 48)[part::PARTS]
    for lead in drawn:
        page = client.get(f"/leads/{lead}", headers={"accept": "text/html"}).text
        head = re.search(rf'data-lead="{lead}"[^>]*', page)
        assert head is not None
        told = [html.unescape(text) for text in re.findall(r'data-\w+="([^"]*)"', head.group())]
        assert (int(told[1]), *told[2:]) == batch[lead], dict(zip(HOOKS, told[1:], strict=True))

        status, said, _ = cli("explain", lead, "--json", *tiny_demo.args)
        card = json.loads(said)
        stands = card["standing"]
        assert status == 0
        found = (card["score"], card["state"], card["next_action"], stands["stage"], stands["lead_list"])
        assert found == batch[lead] and (stands["state"], stands["next_action"]) == found[1:3]
        assert bool(stands["why"]) >= (found[2] in ("first_call", "reconnect", "decide", "name_seat"))
        assert (stands["missing_seat"] != "") >= (found[2] == "name_seat")


def test_accounts_say_of_their_leads_what_the_list_says(client: TestClient, batch: Said, tiny_demo: Any) -> None:
    of = load_tables(tiny_demo.context.paths)["leads"].set_index("lead_id")["account_id"]
    named = sorted({str(of[lead]) for lead in batch if not pd.isna(of[lead])})
    for account in random.Random(18).sample(named, 25):
        found = client.get(f"/v1/accounts/{account}").json()
        for lead in found["leads"]:
            if lead["score"] is not None:
                said = tuple(lead[name] for name in ("score", "state", "next_action", "stage", "lead_list"))
                assert said == batch.get(lead["lead_id"], said)
            assert lead["open"] == (lead["outcome"] is None)
        if any(lead["next_action"] == "name_seat" for lead in found["leads"]):
            assert found["needed"] and found["next_step"]["seat"] == found["needed"][0]


def test_every_lead_is_on_one_list_and_who_rests_says_until_when(
    client: TestClient, batch: Said, tiny_demo: Any, cli: Cli
) -> None:
    tables = load_tables(tiny_demo.context.paths)
    listed = {name: every_page(client, list=name, show="all") for name in LeadList}
    told = client.get("/v1/worklist", params={"size": 1}).json()["lists"]
    assert told == {str(name): len(rows) for name, rows in listed.items()}
    where = Counter(row["lead_id"] for rows in listed.values() for row in rows)
    assert set(where.values()) == {1} and set(where) == set(tables["leads"]["lead_id"].astype("str"))
    assert set(batch) == {row["lead_id"] for name in ("to_hand_off", "to_work", "watching") for row in listed[name]}

    resting = listed[LeadList.RESTING]
    status, said, _ = cli("worklist", "--json", "--limit", "100000", "--list", "resting", *tiny_demo.args)
    dates = {row["lead_id"]: row["back_at"] for row in json.loads(said)}
    assert status == 0 and resting and {row["lead_id"]: row["back_at"] for row in resting} == dates
    for row in resting[:10]:
        card = client.get(f"/v1/leads/{row['lead_id']}").json()
        stands = card["standing"]
        assert (stands["lead_list"], card["next_action"], stands["back_at"]) == ("resting", "wait", row["back_at"])
        assert row["back_at"][:10] in stands["why"]


def test_pages_and_terminal_name_stage_and_state_apart(
    client: TestClient, batch: Said, tiny_demo: Any, cli: Cli
) -> None:
    seen: dict[str, str] = {}  # a lead of each stage, and one of each action
    for lead, (_, _, action, stage, _) in batch.items():
        if action not in seen or stage not in seen:
            seen.update(dict.fromkeys({action, stage} - set(seen), lead))
    for lead in sorted(set(seen.values())):
        score, state, action, stage, _ = batch[lead]
        page = words(client.get(f"/leads/{lead}", headers={"accept": "text/html"}).text)
        assert f"CRM stage: {capital(stage)}, " in page and f"Stage in the CRM {capital(stage)}, since" in page
        assert f"State: {capital(state)}" in page and f"State, by score and evidence {capital(state)}" in page
        status, told, _ = cli("explain", lead, *tiny_demo.args)
        assert status == 0 and f"score {score}," in told
        assert f"Stage in the CRM: {shown(stage)} since" in told
        assert f"State {state}, next: {action.replace('_', ' ')}" in told

    first = words(client.get("/worklist", headers={"accept": "text/html"}, params={"size": 500}).text)
    for row in every_page(client)[:50]:
        assert re.search(f"CRM stage {capital(row['stage'])}( ?, [^.]{{3,12}})? State {capital(row['state'])} ", first)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page))).replace(" ,", ",")


def capital(name: str) -> str:
    return shown(name)[0].upper() + shown(name)[1:]


def shown(name: str) -> str:
    return name.upper() if len(name) == 3 and name != "won" else name


def test_counts_are_the_same_wherever_they_stand(client: TestClient, batch: Said, tiny_demo: Any) -> None:
    states, stages = (dict(Counter(row[k] for row in batch.values())) for k in (1, 3))
    lists = Counter(row[4] for row in batch.values())
    record = QualificationRecord.read_if_any(tiny_demo.context.paths)
    assert record is not None
    by_rule: Counter[str] = Counter()
    for row in record.states:
        by_rule[row["state"]] += row["leads"]
    assert dict(by_rule) == states and record.stages == stages and record.lists == dict(lists)
    for row in record.stage_and_state:
        assert sum(n for name, n in row.items() if name != "stage") == stages[row["stage"]]

    told = client.get("/v1/worklist", params={"size": 1}).json()
    assert told["states"] == states and told["stages"] == stages
    assert {name: n for name, n in told["lists"].items() if name in lists} == dict(lists)
    report = words(tiny_demo.page.read_text(encoding="utf-8"))
    assert all(f"{name.replace('_', ' ')} {count:,}" in report for name, count in lists.items())
    team = client.get("/team", headers={"accept": "text/html"})
    assert team.status_code == 200


def test_what_is_over_says_so_wherever_it_is_asked_for(
    client: TestClient, batch: Said, tiny_demo: Any, cli: Cli
) -> None:
    context = tiny_demo.context
    tables = load_tables(context.paths)
    over = closed_leads(tables, context.source, cutoff_of(tables, context.source))
    assert not set(over) & set(batch), "no lead is on two lists"
    listed = {name: {row["lead_id"]: row for row in every_page(client, list=name)} for name in ("customers", "closed")}
    assert listed["customers"].keys() | listed["closed"].keys() == over.keys()

    told = client.get("/v1/worklist", params={"size": 1}).json()["lists"]
    for name, rows in listed.items():
        assert told[name] == len(rows)
        status, said, _ = cli("worklist", "--json", "--limit", "100000", "--list", name, *tiny_demo.args)
        closed = {row["lead_id"]: row for row in json.loads(said)}
        assert status == 0 and closed.keys() == rows.keys()
        for lead, row in rows.items():
            assert row["outcome"] == over[lead].outcome == row["stage"] and (name == "customers") == (
                row["stage"] == "won"
            )
            assert row["next_action"] == closed[lead]["next_action"] in ("none", "expand", "recycle")

        for lead in list(rows)[:15]:
            answer = client.get(f"/v1/leads/{lead}")
            if answer.status_code == 422:  # closed with its creation: it never was open
                continue
            card = answer.json()
            stands = card["standing"]
            assert card["closed"]["outcome"] == stands["stage"] == stands["outcome"] == over[lead].outcome
            assert card["next_action"] == stands["next_action"] == rows[lead]["next_action"] and card["question"] == ""
            assert stands["lead_list"] == name and stands["score_at_close"] == card["score"]
            assert stands["handed_over_at"] is None or stands["score_at_handoff"] is not None


def test_every_figure_of_the_comparison_is_of_the_same_leads(tiny_demo: Any, cli: Cli) -> None:
    paths = tiny_demo.context.paths
    compared, judged, summary = ComparisonRecord.read(paths), EvaluationRecord.read(paths), tiny_demo.summary
    assert compared.population is not None and judged.population == compared.population
    assert summary["compared"] == compared.noun == compared.population.noun == "leads not yet with sales"
    at_capacity = {row["policy"]: row for row in compared.policies}["model_at_capacity"]
    own = judged.figures[str(judged.winner)]
    assert (own["wins_at_capacity"], own["handoffs_at_capacity"]) == (at_capacity["wins"], at_capacity["workload"])
    assert summary["test"][judged.winner]["wins_at_capacity"] == at_capacity["wins"]

    parts = {row["population"]: row for row in compared.ranking}
    ours, theirs, everybody = (parts[k] for k in ("not yet with sales", "already with sales", "all test rows"))
    assert ours["rows"] == compared.population.rows and theirs["rows"] == compared.population.rows_with_sales
    assert ours["rows"] + theirs["rows"] == everybody["rows"] and ours["won"] + theirs["won"] == everybody["won"]
    assert everybody["base_rate"] == pytest.approx(judged.base_rate_test, abs=0.05)

    report = words(tiny_demo.page.read_text(encoding="utf-8"))
    status, told, _ = cli("compare", *tiny_demo.args)
    for text in (compared.population.sentence, *compared.sentences):
        assert text in report and text in " ".join(told.split())
    assert status == 0
