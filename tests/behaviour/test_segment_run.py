"""A declared segment from declaration to scored file: decided per segment, told, and a bar of its own everywhere."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import ExitStatus
from pipelines.workspace.paths import Paths
from tests.reference.calls import DECLARATION, calls, write_calls

Cli = Callable[..., tuple[int, str, str]]
STAGES = ("ingest", "matrix", "audit", "backtest", "train", "register", "evaluate", "thresholds", "score", "report")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without validation, which has tests of its own."""
    monkeypatch.setattr("pipelines.run.RUN", STAGES)


def opposed(rows: int, seed: int) -> pd.DataFrame:
    """Calls in which students buy by what speaks against all others."""
    frame, rng = calls(rows, seed=seed), np.random.default_rng(seed)
    side = np.where(frame["job"] == "student", -1.0, 1.0)
    z = side * (0.08 * (frame["age"] - 45) + 0.9 * (frame["visits"] - 2)) - 0.7
    frame["y"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-z)), "yes", "no")
    return frame


def test_segments_from_declaration_to_scored_file(cli: Cli, tmp_path: Path) -> None:
    declared = DECLARATION.replace(", direction: 1", "") + "model: {segment: job}\n"
    path = write_calls(tmp_path, opposed(2400, 4), declared)
    place = ("--source", str(path), "--data-dir", str(tmp_path / "data"))
    status, out, err = cli("run", *place, "--no-track", "--tiny", "--json")
    assert status == 0, err
    assert json.loads(out)["verdict"] == "ok"
    paths = Paths(tmp_path / "data", "calls")

    record = json.loads((paths.backtest / "backtest.json").read_text())["segments"]
    assert "student" in record["own"] and {row["segment"] for row in record["findings"]} == {"boss", "clerk", "student"}
    page = (paths.reports / "report.html").read_text(encoding="utf-8")
    assert "<h4>Segments</h4>" in page and "A model of its own, instead of the common one" in page
    assert "Level of the segment" in page

    scored = tmp_path / "scored.csv"
    new = opposed(300, 9).drop(columns="y").assign(job=lambda f: f["job"].where(f.index > 2, "astronaut"))
    new.to_csv(tmp_path / "new.csv", index=False)
    assert cli("score", *place, "--input", str(tmp_path / "new.csv"), "--out", str(scored))[0] == 0
    frame = pd.read_csv(scored)
    points = [name for name in frame.columns if name.startswith("points_")]
    assert "points_segment_level" in points and (50 + frame[points].sum(axis=1) == frame["score"]).all()
    assert not (frame["points_segment_level"].iloc[:3] != 0).any()  # a job never seen follows the common line
    student = frame[(new["job"] == "student").to_numpy()]
    visits = new.loc[(new["job"] == "student").to_numpy(), "visits"]
    assert np.corrcoef(visits, student["probability"])[0, 1] < -0.3

    lead = str(pd.read_parquet(paths.score / "worklist.parquet")["lead_id"].iloc[0])
    card = json.loads(cli("explain", lead, *place, "--json")[1])
    bars = card["points_base"] + card["points_clip"] + sum(row["points"] for row in card["criteria"])
    assert 50 + bars == card["score"] and card["criteria"][-1]["id"] == "segment_level"
    assert "Level of the segment" in cli("explain", lead, *place)[1]


def test_a_segment_that_is_no_feature_is_refused_with_its_line(cli: Cli, tmp_path: Path) -> None:
    path = write_calls(tmp_path, calls(300), DECLARATION + "model: {segment: phone}\n")
    status, _, err = cli("run", "--source", str(path), "--data-dir", str(tmp_path / "data"), "--no-track", "--tiny")
    assert status == int(ExitStatus.SOURCE)
    assert "calls.yaml line" in err and "'phone'" in err and "name one of: job" in err
