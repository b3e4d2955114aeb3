"""Too few wins and a prior bundle: a whole run that leans on it, one where it does not help, and a wrong path."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a source that has enough leads, and its bundle."""
    return tmp_path_factory.mktemp("elsewhere")


def run(
    cli: Cli, folder: Path, frame: pd.DataFrame, prior: str | None = None
) -> tuple[int, dict[str, Any], str, Paths]:
    folder.mkdir(exist_ok=True)
    declared = DECLARATION + ("" if prior is None else f"model: {{prior_bundle: {prior}}}\n")
    path = write_calls(folder, frame, declared)
    place = ("--source", str(path), "--data-dir", str(folder / "data"))
    status, out, err = cli("run", *place, "--no-track", "--tiny", "--json")
    assert "Traceback" not in err
    paths = Paths(folder / "data", "calls")
    page = paths.reports / "report.html"
    return status, json.loads(out) if out else {"error": err}, page.read_text(encoding="utf-8") if out else err, paths


def few(signal: float = 1.0, seed: int = 5) -> pd.DataFrame:
    """Twenty won and sixty lost calls."""
    many = calls(600, signal=signal, seed=seed)
    sides = [many[(many["y"] == answer).to_numpy()].head(n) for answer, n in (("yes", 20), ("no", 60))]
    return pd.concat(sides).sample(frac=1.0, random_state=1)


def bundle_elsewhere(cli: Cli, elsewhere: Path) -> str:
    """The folder of a bundle that was trained where there are enough leads: once for all tests here."""
    if not (elsewhere / "data").exists():
        run(cli, elsewhere, calls(900, seed=2))
    trained = Paths(elsewhere / "data", "calls").train
    assert (trained / "bundle" / "bundle.json").is_file()
    return str(trained)


def test_a_prior_bundle_from_declaration_to_scored_file(cli: Cli, tmp_path: Path, elsewhere: Path) -> None:
    named = bundle_elsewhere(cli, elsewhere)
    status, summary, page, paths = run(cli, tmp_path / "leaning", few(), named)
    assert status == 0 and summary["verdict"] == "weak_signal" and summary["winner"]["name"] == "prior"
    assert summary["verdict_text"].startswith("Borrowed: 20 won and 60 lost leads are too few")
    assert "Prior bundle of &#39;calls&#39;" in page and "leans on another bundle" in page
    worklist = pd.read_parquet(paths.score / "worklist.parquet")
    points = [name for name in worklist.columns if name.startswith("points_")]
    assert len(worklist) and (50 + worklist[points].sum(axis=1) == worklist["score"]).all()

    place = ("--source", str(tmp_path / "leaning" / "calls.yaml"), "--data-dir", str(tmp_path / "leaning" / "data"))
    card = json.loads(cli("explain", str(worklist["lead_id"].iloc[0]), *place, "--json")[1])
    bars = card["points_base"] + card["points_clip"] + sum(row["points"] for row in card["criteria"])
    assert 50 + bars == card["score"]


def test_a_prior_bundle_is_left_where_it_does_not_help_or_is_not_needed(
    cli: Cli, tmp_path: Path, elsewhere: Path
) -> None:
    named = bundle_elsewhere(cli, elsewhere)
    status, summary, page, _ = run(cli, tmp_path / "alone", few(signal=0.0, seed=8), named)
    assert (status, summary["verdict"]) == (int(ExitStatus.TOO_LITTLE_DATA), "too_little_data")
    assert "does not help beyond what so few can tell" in summary["verdict_text"]

    status, summary, page, _ = run(cli, tmp_path / "enough", calls(600, seed=4), named)
    assert summary["winner"]["name"] not in ("prior", None) and "A prior bundle is named, and not used" in page


def test_a_prior_bundle_that_is_not_there_names_the_line(cli: Cli, tmp_path: Path) -> None:
    status, _, error, _ = run(cli, tmp_path / "wrong", few(), "nowhere/bundle")
    assert status == int(ExitStatus.BUNDLE)
    assert "calls.yaml line" in error and "bundle.json was not found" in error
