"""``params.yaml`` holds the defaults; what is wrong in such a file is said."""

from pathlib import Path

import pytest
import yaml

from features.errors import SourceError
from models.settings import GateSettings, MonitorSettings, TrainSettings
from pipelines.workspace.params_file import load_gate, load_monitor, load_settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_file_of_the_repository_is_the_default() -> None:
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert document.pop("sources")
    assert document == {
        "leadscore": TrainSettings().model_dump(),
        "gate": GateSettings().model_dump(),
        "monitor": MonitorSettings().model_dump(),
    }
    assert load_settings(ROOT / "params.yaml") == TrainSettings()
    assert load_gate(ROOT / "params.yaml") == GateSettings()
    assert load_monitor(ROOT / "params.yaml") == MonitorSettings()


def test_it_is_found_in_the_working_directory_if_it_speaks_to_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings() == TrainSettings()
    (tmp_path / "params.yaml").write_text("other: {trials: 99}\n")
    assert load_settings() == TrainSettings(), "somebody else's params.yaml is left alone"
    (tmp_path / "params.yaml").write_text("leadscore: {trials: 3}\n")
    assert load_settings().trials == 3


WRONG = {
    "unknown key": ("leadscore: {trails: 3}", "trails"),
    "bad value": ("leadscore: {trials: 0}", "greater than or equal to 1; found 0"),
    "no key": ("trials: 3", "'leadscore'"),
    "no yaml": ("leadscore: [", "is not valid YAML"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG.keys())
def test_wrong_files(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SourceError, match=r"mine\.yaml") as caught:
        load_settings(path)
    assert said in str(caught.value)


def test_margins_of_the_gate_have_a_key_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_gate() == GateSettings()
    path = tmp_path / "params.yaml"
    path.write_text("leadscore: {trials: 3}\n")
    assert load_gate() == load_gate(path) == GateSettings()
    path.write_text("leadscore: {trials: 3}\ngate: {wins: 0.2}\n")
    assert load_gate().wins == load_gate(path).wins == 0.2 and load_settings() == TrainSettings(trials=3)
    path.write_text("gate: {winds: 0.2}\n")
    with pytest.raises(SourceError, match=r"gate\.winds: unknown key; allowed: log_loss, .*wins"):
        load_gate()
