"""Every command that writes, killed at random steps: run again it ends as if undisturbed, and nothing is left over.

``make prove`` counts the kills. The server has a rehearsal of its own, ``test_serving_kill.py``.
"""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from features.rubric.load import load_rubric
from features.rubric.yaml_format import rubric_yaml
from pipelines.registry.champion import point_to, read_champion
from pipelines.retraining.fingerprints import fingerprint_of
from pipelines.retraining.whats_new import keep_seen, see
from pipelines.run import RUN, run_stage
from pipelines.workspace.find_declarations import find_rubric
from tests.reference.challengers import TEST, early_champion, keep, rescaled, spoiled
from tests.reference.kill_rehearsal import Kill, rehearse
from tests.reference.tiny_run import TinyRun, first_lead
from tests.reference.weekly_exports import WeeklyWorld, crm_declaration

Record = Callable[[str, object], None]
EACH = 6  # kills of a command; twice as many where a pointer moves


def promotable(run: TinyRun, folder: Path) -> str:
    """The hash of a challenger that is no worse, beside a champion trained early that was promoted over another."""
    trained = run.summary["bundle"]["hash"]
    twin = early_champion(run, folder)
    assert read_champion(run.context.paths).previous == trained
    return keep(run, rescaled(twin), folder / "good")


def snapshot_world(folder: Path) -> tuple[Path, Path]:
    """A source of weekly exports of which two were taken, and the third export."""
    world = WeeklyWorld()
    (folder / "exports").mkdir(parents=True)
    (folder / "before").mkdir()
    files = world.write_exports(folder / "exports", pd.date_range(end=world.cutoff, periods=3, freq="7D"))
    source = folder / "before" / "weekly.yaml"
    source.write_text(crm_declaration(world.cutoff), encoding="utf-8")
    for file in files[:2]:
        words = [sys.executable, "-m", "pipelines.cli", "snapshot", "add", str(file), "--source", str(source)]
        subprocess.run([*words, "--data-dir", str(folder / "before" / "data")], check=True, capture_output=True)
    return folder / "before", files[2]


@pytest.mark.prove
def test_promotions_and_snapshots_killed_at_random_steps_end_as_if_undisturbed(
    tiny_copy: TinyRun, tmp_path: Path, record_property: Record
) -> None:
    good = promotable(tiny_copy, tmp_path / "made")
    moves = (("promote", "--bundle", good, "--force", "--reason", "a rehearsal"), ("rollback",))
    done = rehearse(tiny_copy.folder, tiny_copy.source.name, tmp_path, moves, 2 * EACH, seed=5)
    before, export = snapshot_world(tmp_path / "snapshots")
    (tmp_path / "taken").mkdir()
    done += rehearse(before, "weekly.yaml", tmp_path / "taken", (("snapshot", "add", str(export)),), 2 * EACH, seed=5)
    judge(done, record_property)


@pytest.mark.prove
def test_stages_killed_at_random_steps_end_as_if_undisturbed(
    tiny_demo: TinyRun, tmp_path: Path, record_property: Record
) -> None:
    stages = [(name,) for name in RUN]
    judge(rehearse(tiny_demo.folder, tiny_demo.source.name, tmp_path, stages, EACH, seed=11), record_property)


@pytest.mark.prove
def test_commands_on_people_lists_and_rubrics_killed_at_random_steps_end_as_if_undisturbed(
    tiny_demo: TinyRun, tmp_path: Path, record_property: Record
) -> None:
    lead = first_lead(tiny_demo)
    leads = tmp_path / "leads.csv"
    shutil.copy(tiny_demo.context.paths.raw / "leads.csv", leads)
    rubric = tmp_path / "draft.yaml"
    declared = load_rubric(find_rubric("demo", beside=tiny_demo.folder))
    less = {"downloads": {"points": 2.0}}
    rules = tuple(rule.model_copy(update=less.get(rule.id, {})) for rule in declared.rules)
    rubric.write_text(rubric_yaml(declared.model_copy(update={"version": "2", "rules": rules})), encoding="utf-8")
    commands = (
        ("monitor",),
        ("object", lead),
        ("forget", lead),
        ("score", "--input", str(leads), "--out", "{work}/data/scored.csv"),
        ("rubric", "adopt", str(rubric), "--reason", "a rehearsal", "--author", "nobody"),
        ("threshold", "adopt", "40", "--reason", "a rehearsal", "--author", "nobody"),
        ("subject", lead, "--out", "{work}/data/subject.html"),
    )
    judge(rehearse(tiny_demo.folder, tiny_demo.source.name, tmp_path, commands, EACH, seed=11), record_property)


@pytest.fixture
def params(tiny_copy: TinyRun, tmp_path: Path) -> str:
    """A file of settings with which a whole run takes seconds."""
    path = tmp_path / "params.yaml"
    settings = tiny_copy.context.settings.model_dump(mode="json")
    path.write_text(json.dumps({"leadscore": settings, "gate": {"draws": 200}, "monitor": {"draws": 200}}))
    return str(path)


@pytest.mark.prove
@pytest.mark.parametrize("command", ["run", "retrain"])
def test_whole_runs_and_retrains_that_train_killed_at_random_steps_end_as_if_undisturbed(
    command: str, tiny_copy: TinyRun, tmp_path: Path, params: str, record_property: Record
) -> None:
    words = (command, "--no-track", "--params", params)
    judge(rehearse(tiny_copy.folder, tiny_copy.source.name, tmp_path, (words,), EACH, seed=3), record_property)


@pytest.mark.prove
def test_retrains_that_promote_killed_at_random_steps_end_as_if_undisturbed(
    tiny_copy: TinyRun, tmp_path: Path, params: str, record_property: Record
) -> None:
    """Nothing is new, so nothing is trained: the twin takes the place of a champion that promises too much."""
    spoilt = keep(tiny_copy, spoiled(early_champion(tiny_copy, tmp_path)), tmp_path / "bad")
    point_to(tiny_copy.context.paths, spoilt, TEST)
    run_stage(tiny_copy.context, "ingest")
    keep_seen(tiny_copy.context.paths, see(tiny_copy.context.paths, fingerprint_of(tiny_copy.context)))
    words = ("retrain", "--promote-if-better", "--no-track", "--params", params)
    judge(rehearse(tiny_copy.folder, tiny_copy.source.name, tmp_path, (words,), 2 * EACH, seed=3), record_property)


def judge(done: Sequence[Kill], record_property: Record) -> None:
    """Count the kills, by command too, and name those after which something was wrong."""
    wrong = [kill for kill in done if kill.wrong]
    record_property("kills", len(done))
    record_property("by command", json.dumps(Counter(kill.command for kill in done)))
    record_property("wrong", len(wrong))
    assert not wrong, "\n".join(map(str, wrong))
