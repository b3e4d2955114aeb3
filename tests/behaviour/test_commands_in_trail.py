"""What commands on the machine change is in the trail of the server's store, by whoever runs them."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import DataError
from features.rubric.yaml_format import rubric_yaml
from pipelines.posted.noted_commands import noting_champion
from pipelines.posted.posted_store import read_posted
from pipelines.registry.champion import MoveKind, PointerMove, keep_bundle, point_to, read_champion
from pipelines.workspace.lock import who_runs_this
from serving.store.audit_trail import read_entries
from serving.store.engine import open_store
from serving.store.trail_check import verify_trail
from tests.reference.serving import worklist_of
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(tiny_copy: TinyRun, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """Entries of a store that a server left, oldest first; the commands are Olga's."""
    monkeypatch.setenv("LOGNAME", "olga")
    assert cli("keys", "create", "crm", "--scope", "read", *tiny_copy.args)[0] == 0

    def read() -> list[dict[str, Any]]:
        store = open_store(None, tiny_copy.context.paths.root / "serving")
        assert verify_trail(store).intact
        with store.reading() as session:
            entries = list(read_entries(session))
        store.close()
        assert {entry["actor"] for entry in entries if entry["action"] != "trail.redacted"} == {who_runs_this()}
        return entries

    return read


def test_promotions_thresholds_and_keys_are_told(tiny_copy: TinyRun, cli: Cli, told: Any) -> None:
    paths, args = tiny_copy.context.paths, tiny_copy.args
    first, twin = read_champion(paths), keep_bundle(paths, paths.train / "twin")
    assert first is not None
    assert cli("promote", "--bundle", twin[:10], "--force", "--reason", "a test", *args)[0] == 0
    assert cli("rollback", *args)[0] == 0
    assert cli("threshold", "adopt", "61", "--reason", "fewer calls", "--author", "Ann", *args)[0] == 0
    assert cli("threshold", "show", *args)[0] == 0 == cli("champion", *args)[0]
    entries = [(entry["action"], entry["subject"]) for entry in told()]
    assert entries == [("key.created", "crm"), ("promoted", twin), ("rolled.back", first.hash), ("threshold.set", "61")]
    details = [entry["detail"] for entry in told()[1:]]
    assert details[0] == {"previous": first.hash, "how": "forced", "reason": "a test", "by": "command line"}
    assert (details[2]["author"], details[2]["reason"], details[2]["by"]) == ("Ann", "fewer calls", "command line")


def test_rubrics_and_forgetting_are_told(tiny_copy: TinyRun, cli: Cli, told: Any, tmp_path: Path) -> None:
    active = tiny_copy.context.rubric
    assert active is not None
    rules = tuple(rule.model_copy(update={"points": 2.0}) if rule.id == "downloads" else rule for rule in active.rules)
    draft = tmp_path / "draft.yaml"
    draft.write_text(rubric_yaml(active.model_copy(update={"version": "2", "rules": rules})), encoding="utf-8")
    assert cli("rubric", "adopt", str(draft), "--reason", "downloads mislead", *tiny_copy.args)[0] == 0
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    assert cli("forget", lead, *tiny_copy.args)[0] == 0
    entries = told()
    assert [entry["action"] for entry in entries] == ["key.created", "rubric.adopted", "person.forgotten"]
    assert entries[1]["detail"]["reason"] == "downloads mislead" and lead not in str(entries)


def test_a_command_does_not_wait_for_a_store_that_somebody_writes_to(tiny_copy: TinyRun, cli: Cli, told: Any) -> None:
    before = told()
    writer = sqlite3.connect(tiny_copy.context.paths.root / "serving" / "store.sqlite", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    status, _, said = cli("threshold", "adopt", "62", "--reason", "a test", *tiny_copy.args)
    writer.execute("ROLLBACK")
    writer.close()
    assert status == 0 and "does not tell of this command: database is locked" in " ".join(said.split())
    assert told() == before


def test_a_store_of_an_older_version_is_left_as_it_is(tiny_copy: TinyRun, cli: Cli, told: Any) -> None:
    before, file = told(), tiny_copy.context.paths.root / "serving" / "store.sqlite"
    store = sqlite3.connect(file)
    store.execute("UPDATE alembic_version SET version_num = '0011'")
    store.commit()
    status, _, said = cli("threshold", "adopt", "62", "--reason", "a test", *tiny_copy.args)
    assert status == 0 and "of another version" in " ".join(said.split())
    assert store.execute("SELECT count(*) FROM audit").fetchone() == (len(before),)
    store.close()


def test_a_promotion_is_told_though_what_follows_it_fails(tiny_copy: TinyRun, told: Any) -> None:
    paths, said = tiny_copy.context.paths, list[str]()
    twin = keep_bundle(paths, paths.train / "twin")
    with pytest.raises(DataError, match="the list"), noting_champion(tiny_copy.context, said.append):
        point_to(paths, twin, PointerMove(MoveKind.FORCED, "a test"))
        raise DataError("the list cannot be written")
    with pytest.raises(DataError, match="nothing"), noting_champion(tiny_copy.context, said.append):
        raise DataError("nothing was promoted")
    assert [(entry["action"], entry["subject"]) for entry in told()] == [("key.created", "crm"), ("promoted", twin)]
    assert said == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgres://ann:hidden@db/leads", "Can't load plugin"),
        ("nonsense-hidden", "Could not parse"),
        ("mysql+nodriver://ann:hidden@db/leads", "Can't load plugin"),
        ("oracle+cx_oracle://ann:hidden@db/leads", "No module named"),
        ("postgresql://db:hidden/word", "its address cannot be read"),
    ],
)
def test_an_address_that_is_none_ends_no_command_that_has_done_its_work(
    tiny_copy: TinyRun, cli: Cli, monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    monkeypatch.setenv("LEADSCORE_SERVE_STORE_URL", url)
    monkeypatch.setenv("LEADSCORE_SERVE_SOURCE", tiny_copy.context.paths.source)
    status, _, said = cli("threshold", "adopt", "62", "--reason", "a test", *tiny_copy.args)
    told = " ".join(said.split())
    assert status == 0 and "does not tell of this command: " in told and why in told and "hidden" not in told
    with pytest.raises(DataError, match="LEADSCORE_SERVE_STORE_URL") as refused:
        read_posted(tiny_copy.context.paths)
    assert why in refused.value.message and "hidden" not in refused.value.message


def test_without_a_store_nothing_is_made(tiny_copy: TinyRun, cli: Cli) -> None:
    status, _, said = cli("threshold", "adopt", "62", "--reason", "a test", *tiny_copy.args)
    assert (status, "audit" in said) == (0, False) and not (tiny_copy.context.paths.root / "serving").exists()
