"""Scores in a table of a database: only what changed, whole batches, nobody who must not be there, no secret said."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from features.cohort.objections import OBJECTS
from features.errors import ExitStatus
from pipelines.ingest.errors import DatabaseError
from pipelines.run import RUN
from pipelines.scoring.delivery import write_back
from pipelines.scoring.delivery.write_back import TABLE, write_scores
from pipelines.scoring.list_leads import read_worklist
from pipelines.stages.score import run_score
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from pipelines.workspace.standing_feedback import FEEDBACK
from tests.reference.calls import calls, write_calls
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database on each engine, its URL in the environment."""
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path / 'warehouse.db'}"
    else:
        base = request.getfixturevalue("postgres")
        name = f"w{os.urandom(4).hex()}"
        admin = sa.create_engine(base, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        admin.dispose()
        found = base.replace("/postgres?", f"/{name}?")
    monkeypatch.setenv("SCORES_DB", found)
    yield found


def stored(url: str) -> pd.DataFrame:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = pd.DataFrame(connection.execute(sa.text(f"SELECT * FROM {TABLE} ORDER BY lead_id")).mappings().all())
    engine.dispose()
    return found


def test_only_what_changed_is_written(tiny_copy: TinyRun, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    context, file = tiny_copy.context, tiny_copy.context.paths.score / "worklist.parquet"
    listed = pd.read_parquet(file)
    first = write_scores(context, "SCORES_DB")
    assert first.record() == {"table": TABLE, "new": len(listed), "changed": 0, "unchanged": 0,
                              "no_longer_listed": 0, "removed": 0}  # fmt: skip
    rows = stored(url).set_index("lead_id")
    own = listed.set_index("lead_id").loc[rows.index]
    assert (rows["score"] == own["score"]).all() and (rows["bundle_hash"] == own["bundle_hash"]).all()
    assert pd.to_datetime(rows["as_of"]).eq(own["as_of"]).all()

    later = listed.assign(as_of=listed["as_of"] + pd.Timedelta(days=1))
    later.loc[later.index[3], "score"] += 1
    later.drop(index=later.index[5]).to_parquet(file)
    second = write_scores(context, "SCORES_DB")
    assert (second.new, second.changed, second.unchanged, second.no_longer_listed) == (0, 1, len(listed) - 2, 1)
    again = stored(url).set_index("lead_id")
    moved = str(listed["lead_id"].iloc[3])
    assert pd.Timestamp(again.loc[moved, "as_of"]) == later["as_of"].iloc[3]
    assert pd.Timestamp(again.loc[str(listed["lead_id"].iloc[0]), "as_of"]) == listed["as_of"].iloc[0]
    assert not again.loc[str(listed["lead_id"].iloc[5]), "listed"]

    add_to_register(context.paths.root, FORGOTTEN, [moved], [])
    later[later["lead_id"] != moved].to_parquet(file)
    third = write_scores(context, "SCORES_DB")
    assert (third.removed, third.new, third.changed) == (1, 0, 1)  # the one that was missing is back
    assert moved not in stored(url)["lead_id"].tolist()

    objects = str(listed["lead_id"].iloc[1])  # a column of the CRM says so: the register knows nothing of it
    leads = pd.read_parquet(context.paths.ingest / "leads.parquet")
    leads[OBJECTS] = pd.array(leads["lead_id"].astype("str") == objects, dtype="boolean")
    leads.to_parquet(context.paths.ingest / "leads.parquet")
    later.to_parquet(file)  # older than what both asked for
    fourth = write_scores(context, "SCORES_DB")
    assert (fourth.removed, fourth.no_longer_listed) == (1, 0)
    assert not {objects, moved} & set(stored(url)["lead_id"])
    assert (write_scores(context, "SCORES_DB").removed, len(stored(url))) == (0, len(listed) - 2)

    run_score(context)  # of a matrix that was built before
    assert set(read_parquet(file)["lead_id"]) == set(listed["lead_id"]) - {objects}


def test_what_sales_said_is_written_as_people_are_shown_it(tiny_copy: TinyRun, url: str) -> None:
    context, paths = tiny_copy.context, tiny_copy.context.paths
    listed = pd.read_parquet(paths.score / "worklist.parquet")
    watched = listed[(listed["lead_list"] == "watching") & (listed["state"] != "sql")]
    pinned, silent, both = watched["lead_id"].astype("str").iloc[:3]
    ahead = pd.Timestamp("2100-01-01")
    rows = [
        (1, pinned, "override", "sql", "hand_off", ahead),
        (2, silent, "do_not_contact", None, None, None),
        (3, both, "override", "sql", "hand_off", ahead),
        (4, both, "do_not_contact", None, None, None),
    ]
    said = pd.DataFrame(rows, columns=["id", "lead_id", "verdict", "state", "next_action", "expires_at"])
    said["expires_at"] = said["expires_at"].astype("datetime64[us]")
    said.assign(undoes=pd.Series([None] * len(said), dtype="Int64")).to_parquet(paths.ingest / FEEDBACK)
    run_score(context)
    write_scores(context, "SCORES_DB")

    found = stored(url).set_index("lead_id")
    shown = read_worklist(context).set_index("lead_id")
    of_rules = pd.read_parquet(paths.score / "worklist.parquet").set_index("lead_id")
    acted_on = ["state", "next_action", "lead_list"]
    assert of_rules.loc[pinned, "state"] != "sql"
    assert found.loc[pinned, acted_on].tolist() == ["sql", "hand_off", "to_hand_off"]
    assert found.loc[pinned, acted_on].tolist() == shown.loc[pinned, acted_on].tolist()
    assert found.loc[silent, "state"] == of_rules.loc[silent, "state"]
    assert found.loc[[silent, both], "next_action"].tolist() == ["none", "none"]
    assert set(found.index) == set(of_rules.index), "leads nobody may contact stay"


def test_closed_rows_are_never_written_as_a_list(
    cli: Cli, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.run.RUN", tuple(name for name in RUN if name != "validate"))
    path = write_calls(tmp_path, calls(400))
    place = ("--source", str(path), "--data-dir", str(tmp_path / "data"))
    status, out, err = cli("run", *place, "--no-track", "--tiny", "--json")
    assert status == 0, err
    status, out, err = cli("score", "--to", "SCORES_DB", *place)
    assert (status, out) == (ExitStatus.CONTRACT, "")
    assert "scored closed rows, those of the test block" in err and "'open' beside 'won' and 'lost'" in err
    assert "calls.yaml line" in err
    engine = sa.create_engine(url)
    assert not sa.inspect(engine).get_table_names()
    engine.dispose()


def test_a_write_cut_off_between_batches_is_ended_by_the_next(
    tiny_demo: TinyRun, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_back, "BATCH", 50)
    real, count = write_back.split_batches, 0

    def cut_off(leads: list[str]) -> Iterator[list[str]]:
        nonlocal count
        for batch in real(leads):
            count += 1
            if count == 3:
                raise KeyboardInterrupt
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(write_back, "split_batches", cut_off)
        with pytest.raises(KeyboardInterrupt):
            write_scores(tiny_demo.context, "SCORES_DB")
    assert len(stored(url)) == 100
    left = write_scores(tiny_demo.context, "SCORES_DB")
    assert left.unchanged == 100 and left.new == len(stored(url)) - 100


def test_the_command_says_what_it_wrote_and_never_a_password(
    tiny_copy: TinyRun, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORES_DB", f"sqlite:///{tmp_path / 'w.db'}")
    status, said, problem = cli("score", "--to", "SCORES_DB", "--to-table", "ours", "--json", *tiny_copy.args)
    assert status == 0, problem
    assert json.loads(said)["written"]["table"] == "ours" and json.loads(said)["written"]["new"] > 0
    status, said, problem = cli("score", "--to", "postgresql://me:hunter2@db/x", *tiny_copy.args)
    assert status == 21 and "hunter2" not in problem and "variable" in problem
    monkeypatch.setenv("SCORES_DB", "postgresql://me:hunter2@127.0.0.1:9/x")
    with pytest.raises(DatabaseError) as told:
        write_scores(tiny_copy.context, "SCORES_DB")
    assert "hunter2" not in str(told.value) and "cannot be written" in str(told.value)
