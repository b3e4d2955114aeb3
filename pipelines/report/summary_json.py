"""``summary.json``: the stable interface other programs read, and DVC's metrics file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.schema.vocabulary import Verdict
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.context import Context

LADDER = ("rate", "rubric", "linear", "scorecard", "booster", "blend")
_VERDICTS = ("train", "backtest", "audit", "matrix")


def summarise(context: Context, seconds: Mapping[str, float]) -> dict[str, Any]:
    """The summary of a finished run; parts a stopped run did not reach are empty."""
    paths = context.paths
    counts = read_json(paths.ingest / "counts.json")
    matrix = read_json(paths.matrix / "verdict.json")
    audit = read_json(paths.audit / "audit.json")
    backtest = read_json(paths.backtest / "backtest.json")
    evaluation = read_json(paths.evaluate / "evaluation.json")
    comparison = read_json(paths.thresholds / "comparison.json")
    train = read_json(paths.train / "train.json")
    return {
        "source": context.source.name,
        "source_kind": context.source.kind,
        "synthetic": context.source.synthetic,
        "data_cutoff": matrix["data_cutoff"],
        "horizon_days": context.source.label.horizon_days if context.source.kind == "relational" else None,
        "rows": _rows(counts),
        "cohort_rows": matrix["cohort_rows"],
        "matured_rows": matrix["matured_rows"],
        "base_rate": matrix["base_rate"],
        "verdict": train["verdict"],
        "verdict_text": train["verdict_text"],
        "caution": _caution(train, evaluation),
        "audit": audit["findings"],
        "candidates": _candidates(backtest),
        "winner": _winner(backtest, train),
        "test": evaluation["figures"],
        "recorded": evaluation.get("recorded") or {},
        "thresholds": comparison.get("policies", []),
        "promise": comparison.get("promise"),
        "bundle": _bundle(paths.train / "bundle", train, matrix),
        "seconds": dict(seconds),
    }


def _caution(train: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """What to know before a list is worked by score: a weak signal, or a test that speaks against it."""
    if "hash" not in train:
        return ""
    weak = train["verdict_text"] if train["verdict"] == Verdict.WEAK_SIGNAL else ""
    return " ".join(part for part in (weak, evaluation.get("caution", "")) if part)


def _winner(backtest: Mapping[str, Any], train: Mapping[str, Any]) -> dict[str, Any]:
    """The chosen candidate, and nobody where no model was made."""
    if "hash" not in train:
        return {"name": None, "why": train["verdict_text"]}
    return {"name": backtest["winner"], "why": backtest["why"]}


def _rows(counts: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    return {
        table: {key: int(row[key]) for key in ("read", "kept", "quarantined")} for table, row in counts["rows"].items()
    }


def _candidates(backtest: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = [{k: v for k, v in row.items() if k != "blocks"} for row in backtest["candidates"]]
    return sorted(rows, key=lambda row: LADDER.index(row["name"]))


def _bundle(folder: Path, train: Mapping[str, Any], matrix: Mapping[str, Any]) -> dict[str, Any]:
    if "hash" not in train:
        return {"path": None, "hash": None, "features": matrix["features"]}
    return {"path": "train/" + folder.name, "hash": train["hash"], "features": matrix["features"]}
