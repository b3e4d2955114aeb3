"""From one file out of a CRM to a worklist of its open leads, without an edit; closed leads say that they are over."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from models.settings import TrainSettings
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.score_record import ScoreRecord
from pipelines.cli.run import worklist_text
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.run import RUN, run_stage
from pipelines.workspace.context import open_context
from tests.reference.crm_export import deals, write_export
from tests.reference.serving import client_for
from tests.reference.tiny_run import TinyRun

OPEN = ("New", "Open")
Cli = Callable[..., tuple[int, str, str]]


def run_file(folder: Path, frame: pd.DataFrame, edit: Callable[[str], str] = str) -> TinyRun:
    """Everything that `leadscore run` does with the starter of a file, after ``edit``."""
    path = write_export(folder / "crm.csv", frame)
    source = folder / "crm.yaml"
    source.write_text(edit(declare_facts(*read_facts(path))), encoding="utf-8")
    settings = TrainSettings.tiny().model_copy(update={"alpha": 0.2})
    run = TinyRun(folder, source, folder / "data", open_context(str(source), folder / "data", settings))
    for stage in RUN:
        if stage != "validate":
            run_stage(run.context, stage)
    return run


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return deals(700)


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame) -> TinyRun:
    return run_file(tmp_path_factory.mktemp("clocked"), frame)


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame) -> TinyRun:
    """Without a close date; page views accepted as they are today."""

    def edit(text: str) -> str:
        lines = []
        for line in text.splitlines():
            if line.strip().startswith("number_of_pageviews:"):
                line = line.split("role: ignore")[0] + "when_known: overwritten, accepted_because: to be tried}"
            lines.append(line)
        return "\n".join(lines)

    return run_file(tmp_path_factory.mktemp("flat"), frame.drop(columns="closed"), edit)


@pytest.fixture(params=["clocked", "flat"])
def run(request: pytest.FixtureRequest) -> TinyRun:
    found: TinyRun = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def client(run: TinyRun, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(run, tmp_path) as found:
        yield found


def ids(frame: pd.DataFrame, *statuses: str) -> set[str]:
    return set(frame.loc[frame["status"].isin(statuses), "id"])


def test_the_worklist_is_the_open_leads_by_their_own_ids(run: TinyRun, frame: pd.DataFrame) -> None:
    paths = run.context.paths
    worklist = pd.read_parquet(paths.score / "worklist.parquet")
    assert set(worklist["lead_id"]) == ids(frame, *OPEN) and "won" not in worklist
    assert {"company", "email_domain", "record_url"} <= set(worklist.columns)
    assert f"Worklist: {len(worklist)} open leads, best first" in worklist_text(ScoreRecord.read(paths), paths)
    assert worklist["probability"].is_monotonic_decreasing
    assert worklist["bundle_hash"].unique().tolist() == [run.context.paths.bundles.iterdir().__next__().name]
    counts = json.loads((paths.ingest / "counts.json").read_text())["rows"]["leads"]
    assert counts == {"read": len(frame), "kept": len(frame), "quarantined": 0}

    learned = pd.read_parquet(paths.matrix / "matrix_keys.parquet").query("matured")
    waiting = learned[learned["lead_id"].isin(ids(frame, *OPEN))]
    if run.context.source.kind == "flat":
        assert not len(waiting)
    else:  # open for longer than the horizon: not won within it
        horizon = pd.Timedelta(days=run.context.source.label.horizon_days)
        assert (waiting["label"] == 0).all() and (waiting["as_of"] + horizon < learned["as_of"].max() + horizon).all()


def test_an_open_lead_is_explained_and_a_closed_one_says_that_it_is(
    run: TinyRun, client: TestClient, frame: pd.DataFrame, cli: Cli
) -> None:
    waiting, won = sorted(ids(frame, *OPEN))[0], frame[frame["status"] == "Won"].iloc[0]
    place = ["--source", str(run.source), "--data-dir", str(run.data_dir)]
    status, said, _ = cli("explain", waiting, *place)
    assert status == 0 and "Closed" not in said and "next:" in said

    status, said, _ = cli("explain", str(won["id"]), *place)
    assert status == 0 and said.startswith("Closed: won")
    assert "next:" not in said and "Ask next" not in said
    card = client.get(f"/v1/leads/{won['id']}").json()
    assert card["closed"]["outcome"] == "won" and card["next_action"] in ("none", "expand") and card["question"] == ""
    assert client.get(f"/v1/leads/{waiting}").json()["closed"] is None

    page = client.get(f"/leads/{won['id']}", headers={"accept": "text/html"}).text
    assert "Closed: won" in page and "This lead is not open any more." in page
    assert 'class="ask"' not in page and "It is over" in page and "Do this now" not in page
    assert "Closed:" not in client.get(f"/leads/{waiting}", headers={"accept": "text/html"}).text
    if run.context.source.kind == "relational":
        assert card["closed"]["at"][:16] == card["as_of"][:16] == won["closed"].replace(" ", "T")


def test_the_api_lists_and_exports_the_open_leads(client: TestClient, frame: pd.DataFrame) -> None:
    page = client.get("/v1/worklist", params={"size": 500}).json()
    assert {row["lead_id"] for row in page["rows"]} == ids(frame, *OPEN)
    assert page["rows"][0]["display"]["company"].startswith("Firm") and page["rows"][0]["owner"]
    exported = client.get("/v1/worklist/export", params={"format": "hubspot"}).text
    assert sorted(ids(frame, *OPEN))[0] in exported


def test_a_scored_file_notes_which_of_its_leads_are_over(
    run: TinyRun, frame: pd.DataFrame, tmp_path: Path, cli: Cli
) -> None:
    some = pd.concat([frame[frame["status"] == "Lost"].head(3), frame[frame["status"] == "New"].head(2)])
    file, out = write_export(tmp_path / "some.csv", some), tmp_path / "scored.parquet"
    place = ["--source", str(run.source), "--data-dir", str(run.data_dir)]
    assert cli("score", "--input", str(file), "--out", str(out), *place)[0] == 0
    scored = pd.read_parquet(out)
    assert scored["score"].notna().all()
    assert [note.startswith("lost") and "not open any more" in note for note in scored["note"]] == [True] * 3 + [
        False
    ] * 2
    steps = scored["next_action"].tolist()
    assert set(steps[:3]) <= {"none", "recycle"} and "none" not in steps[3:]


def test_todays_values_stand_with_a_caution_wherever_the_list_does(flat: TinyRun, tmp_path: Path) -> None:
    summary = json.loads((flat.context.paths.root / "reports" / "summary.json").read_text())
    said = "Learned from columns that hold today's value (number of pageviews)"
    assert said in summary["caution"]
    assert said in (flat.context.paths.root / "reports" / "report.html").read_text().replace("&#39;", "'")
    with client_for(flat, tmp_path) as client:
        assert said in client.get("/", headers={"accept": "text/html"}).text.replace("&#39;", "'")


def test_open_leads_older_than_the_horizon_are_told(clocked: TinyRun) -> None:
    summary = json.loads((clocked.context.paths.root / "reports" / "summary.json").read_text())
    assert ("open leads are older than the horizon" in summary["caution"]) == bool(too_old(clocked))


def too_old(run: TinyRun) -> int:
    record: dict[str, Any] = json.loads((run.context.paths.score / "score.json").read_text())
    keys = pd.read_parquet(run.context.paths.matrix / "open_keys.parquet")
    horizon = run.context.source.label.horizon_days
    assert record["too_old"] == int((keys["age_days"] > horizon + 1 / 24).sum())
    return int(record["too_old"])


def test_rows_of_another_table_are_counted_on_the_report_and_the_validation_page(clocked: TinyRun) -> None:
    run_stage(clocked.context, "validate")
    counts = CountsRecord.read(clocked.context.paths).rows["outcomes"]
    assert counts.left_out and counts.read == counts.kept + counts.quarantined + counts.set_apart
    for page in (clocked.page, clocked.context.paths.validate / "validation.html"):
        text = page.read_text(encoding="utf-8")
        assert f'data-name="Not of this table">{counts.left_out:,}<' in text
        assert "of another table or a repeat or in quarantine" in text
