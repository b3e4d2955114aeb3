"""Artifacts are read as they were written; another leadscore's files are refused with what to do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import DataError
from features.schema.vocabulary import Verdict
from pipelines.artifacts.champion_record import CautionsRecord, ChampionRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.lifecycle_record import ProfileRecord
from pipelines.artifacts.score_record import read_cards, write_cards
from pipelines.artifacts.train_record import TrainRecord
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.workspace.paths import Paths

NOTHING = {"verdict": "no_signal", "verdict_text": "none"}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path, "calls")
    for folder in (found.thresholds, found.train, found.score):
        folder.mkdir(parents=True)
    return found


def rewrite(path: Path, **changes: object) -> None:
    """Change keys of a JSON file; None takes one away."""
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def test_what_was_written_is_read_again_and_holds_the_version(paths: Paths) -> None:
    written = TrainRecord.of(NOTHING | {"hash": "ab", "shift": None})
    written.write(paths.train)
    assert TrainRecord.read(paths) == written and written.hash == "ab" and written.verdict is Verdict.NO_SIGNAL
    assert json.loads((paths.train / "train.json").read_text()) == {
        **NOTHING,
        "hash": "ab",
        "shift": None,
        "version": 1,
    }


def test_keys_a_stage_did_not_reach_are_left_out_and_read_as_defaults(paths: Paths) -> None:
    ComparisonRecord.of(NOTHING).write(paths.thresholds)
    assert json.loads((paths.thresholds / "comparison.json").read_text()) == {**NOTHING, "version": 1}
    found = ComparisonRecord.read(paths)
    assert found.policies == () and found.promise is None and found.content() == NOTHING


@pytest.mark.parametrize(("version", "said"), [(None, "an older"), (0, "an older"), (2, "a newer"), ("1", "an older")])
def test_a_file_of_another_version_is_refused_with_what_to_run(paths: Paths, version: object, said: str) -> None:
    ComparisonRecord.of(NOTHING).write(paths.thresholds)
    rewrite(paths.thresholds / "comparison.json", version=version)
    with pytest.raises(DataError, match=f"by {said} leadscore; .*run stage 'thresholds' again") as caught:
        ComparisonRecord.read(paths)
    assert caught.value.message.endswith("leadscore thresholds --source calls.")


def test_a_file_with_a_key_nobody_declared_is_damaged_and_named(paths: Paths) -> None:
    ComparisonRecord.of(NOTHING).write(paths.thresholds)
    rewrite(paths.thresholds / "comparison.json", polices=[])
    with pytest.raises(DataError, match=r"comparison\.json is damaged \(polices: .*; run stage 'thresholds' again"):
        ComparisonRecord.read(paths)


def test_a_missing_file_names_its_stage(paths: Paths) -> None:
    assert not ComparisonRecord.exists(paths)
    with pytest.raises(DataError, match=r"does not exist; run the stage that writes it \('thresholds'\)"):
        ComparisonRecord.read(paths)


def test_a_stage_with_nothing_to_say_says_so(paths: Paths) -> None:
    ProfileRecord.write_nothing(paths.thresholds)
    assert ProfileRecord.read_if_any(paths) is None
    (paths.thresholds / "profile.json").write_text("{}")
    with pytest.raises(DataError, match="by an older leadscore; run stage 'thresholds' again"):
        ProfileRecord.read_if_any(paths)


def test_a_list_carries_the_version_in_its_rows(paths: Paths) -> None:
    write_cards(paths.score, [{"lead_id": "L1"}])
    assert json.loads((paths.score / "cards.json").read_text()) == [{"lead_id": "L1", "version": 1}]
    assert read_cards(paths) == [{"lead_id": "L1"}]
    (paths.score / "cards.json").write_text('[{"lead_id": "L1"}]')
    with pytest.raises(
        DataError, match="by an older leadscore; run stage 'score' again: leadscore score --source calls"
    ):
        read_cards(paths)


def test_verdicts_are_read_by_stage(paths: Paths) -> None:
    assert not StageVerdict.exists(paths, "train")
    StageVerdict.of(NOTHING).write(paths.train)
    assert StageVerdict.read(paths, "train").verdict is Verdict.NO_SIGNAL
    rewrite(paths.train / "verdict.json", version=None)
    with pytest.raises(DataError, match="run stage 'train' again"):
        StageVerdict.read(paths, "train")


def test_what_outlives_runs_is_read_without_a_version_too(paths: Paths) -> None:
    assert ChampionRecord.read(paths) is None and CautionsRecord.read(paths).texts == {}
    name = "a" * 64
    paths.champion.write_text(json.dumps({"path": f"bundles/{name}", "hash": name, "previous": None}))
    paths.cautions.write_text('{"a": "weak"}')
    champion, cautions = ChampionRecord.read(paths), CautionsRecord.read(paths)
    assert champion is not None and champion.hash == name and cautions.texts == {"a": "weak"}
    champion.write(paths)
    cautions.write(paths)
    assert json.loads(paths.champion.read_text())["version"] == 1
    assert json.loads(paths.cautions.read_text()) == {"a": "weak", "version": 1}
    rewrite(paths.champion, version=2)
    with pytest.raises(DataError, match="by a newer leadscore"):
        ChampionRecord.read(paths)


def test_artifacts_load_without_what_trains_and_draws() -> None:
    code = (
        "import sys, pipelines.artifacts.summary_record, pipelines.artifacts.score_record;"
        "heavy = {'lightgbm', 'sklearn', 'scipy', 'numba', 'plotly', 'matplotlib', 'mlflow', 'optuna'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
