"""Every command that writes, killed at random steps: run again it ends as if undisturbed, and nothing is left over.

``make prove`` counts the kills. The server has a rehearsal of its own, ``test_serving_kill.py``.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from pipelines.registry.champion import point_to, read_champion
from pipelines.retraining.retrain_run import fingerprint_of
from pipelines.retraining.whats_new import keep_seen, see
from pipelines.run import RUN, run_stage
from tests.reference.challengers import TEST, early_champion, keep, rescaled, spoiled
from tests.reference.kill_rehearsal import Kill, rehearse
from tests.reference.tiny_run import TinyRun, first_lead
from tests.reference.weekly_exports import WeeklyWorld, crm_declaration

Record = Callable[[str, object], None]


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
    done = rehearse(tiny_copy.folder, tiny_copy.source.name, tmp_path, moves, 12, seed=5)
    before, export = snapshot_world(tmp_path / "snapshots")
    (tmp_path / "taken").mkdir()
    done += rehearse(before, "weekly.yaml", tmp_path / "taken", (("snapshot", "add", str(export)),), 12, seed=5)
    judge(done, record_property)


@pytest.mark.prove
def test_a_hundred_kills_of_stages_and_commands(tiny_demo: TinyRun, tmp_path: Path, record_property: Record) -> None:
    lead = first_lead(tiny_demo)
    leads = tmp_path / "leads.csv"
    shutil.copy(tiny_demo.context.paths.raw / "leads.csv", leads)
    rubric = tmp_path / "draft.yaml"
    shutil.copy(Path(__file__).parents[2] / "data" / "rubrics" / "demo.yaml", rubric)
    commands = [
        *((name,) for name in RUN),
        ("monitor",),
        ("object", lead),
        ("forget", lead),
        ("score", "--input", str(leads), "--out", "{work}/data/scored.csv"),
        ("rubric", "adopt", str(rubric), "--reason", "a rehearsal", "--author", "nobody"),
        ("subject", lead, "--out", "{work}/data/subject.html"),
    ]
    kills = -(-100 // len(commands))
    judge(rehearse(tiny_demo.folder, tiny_demo.source.name, tmp_path, commands, kills, seed=11), record_property)


@pytest.mark.prove
def test_whole_runs_and_retrains_killed_at_random_steps_end_as_if_undisturbed(
    tiny_copy: TinyRun, tmp_path: Path, record_property: Record
) -> None:
    """A run, a retrain that trains, and, nothing being new, one that promotes."""
    params = tmp_path / "params.yaml"
    settings = tiny_copy.context.settings.model_dump(mode="json")
    params.write_text(json.dumps({"leadscore": settings, "gate": {"draws": 200}, "monitor": {"draws": 200}}))
    retrain = ("retrain", "--promote-if-better", "--no-track", "--params", str(params))
    whole = (("run", "--no-track", "--params", str(params)), retrain)
    done = rehearse(tiny_copy.folder, tiny_copy.source.name, tmp_path, whole, 6, seed=3)

    point_to(
        tiny_copy.context.paths, keep(tiny_copy, spoiled(early_champion(tiny_copy, tmp_path)), tmp_path / "bad"), TEST
    )
    run_stage(tiny_copy.context, "ingest")
    keep_seen(tiny_copy.context.paths, see(tiny_copy.context.paths, fingerprint_of(tiny_copy.context)))
    done += rehearse(tiny_copy.folder, tiny_copy.source.name, tmp_path, (retrain,), 12, seed=3)
    judge(done, record_property)


def judge(done: Sequence[Kill], record_property: Record) -> None:
    """Count the kills, and name those after which something was wrong."""
    wrong = [kill for kill in done if kill.wrong]
    record_property("kills", len(done))
    record_property("wrong", len(wrong))
    assert not wrong, "\n".join(map(str, wrong))
