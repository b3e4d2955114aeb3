"""The budgets of a training run are described, in docs/running.md as in the code, and all stand in params.yaml."""

import re
from pathlib import Path

from models.settings import TrainSettings
from pipelines.workspace.params_file import load_settings

ROOT = Path(__file__).parents[2]


def test_every_budget_is_described_with_its_default() -> None:
    text = (ROOT / "docs/running.md").read_text(encoding="utf-8").split("## Budgets")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", text, re.M)
    told = {name: (default, meaning) for name, default, meaning in rows}
    fields = TrainSettings.model_fields
    assert list(told) == list(fields)
    for name, (default, meaning) in told.items():
        assert meaning == fields[name].description
        value = fields[name].default
        assert default == ("null" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:g}")


def test_params_yaml_names_every_budget_and_changes_none() -> None:
    path = ROOT / "params.yaml"
    assert load_settings(path) == TrainSettings()
    listed = path.read_text(encoding="utf-8").split("\nleadscore:\n")[1].split("\n\n")[0]
    assert re.findall(r"^  (\w+):", listed, re.M) == list(TrainSettings.model_fields)
