"""What the last run found out, for managers and data scientists: thresholds, lifecycle, model; nothing is trained.

What works these out is imported where it is called, behind the first scores: it is a twentieth of the server's start.
"""

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.assembly.build_matrix import features_at
from features.assembly.flat_matrix import flat_values
from features.catalog.build_catalog import build_catalog
from features.catalog.families.rules import rule_features
from features.catalog.feature import Catalog
from features.matrix import Matrix
from features.rubric.schema import Rubric
from features.schema.source import Capacity
from models.candidates.rubric import RubricCandidate
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.replay import JudgedRows
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import sigmoid
from pipelines.registry.champion import read_champion
from pipelines.registry.test_warnings import caution_of
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.paths import Paths
from serving.json_values import to_json_values
from serving.problems import NotFoundError
from serving.state.app_state import AppState
from serving.state.lead_data import rows_of

if TYPE_CHECKING:
    from models.judging.lifecycle.figures import Lifecycle

SIDES = ("model only", "rubric only")
_DRAWS = 200
_lock = threading.Lock()


def thresholds(app_state: AppState) -> dict[str, Any]:
    """Rubric and model on the same test weeks, as in the report; NotFoundError before a run got there."""
    file = app_state.paths.thresholds / "comparison.json"
    record = read_json(file) if file.exists() else {}
    if not record.get("policies"):
        raise NotFoundError(f"no comparison yet; 'leadscore run --source {app_state.paths.source}' makes one.")
    return dict(record)


def simulate(
    app_state: AppState,
    handoffs_per_week: int | None,
    share: float | None,
    tried: Rubric | None = None,
    *,
    cost_per_handoff: float | None = None,
    value_per_win: float | None = None,
) -> dict[str, Any]:
    """The same comparison at another capacity, or with another rubric: a replay over the test weeks by the twin."""
    from models.judging.handoff.compare_policies import compare_policies

    capacity = Capacity.model_validate(thresholds(app_state).get("capacity") or app_state.context.source.capacity)
    asked = {
        "handoffs_per_week": handoffs_per_week,
        "share": share,
        "cost_per_handoff": cost_per_handoff,
        "value_per_win": value_per_win,
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    stamp = (app_state.paths.thresholds / "comparison.json").stat().st_mtime_ns
    with _lock:
        test, log_odds = _test(app_state.paths.root, stamp)
    rubric = None
    if tried is not None:
        rubric = _judge(tried, _rule_values(app_state, tried, test))
    elif app_state.context.rubric is not None:
        rubric = _judge(app_state.context.rubric, test.values)
    compared = compare_policies(
        ScoredPolicy("model", log_odds, probability=sigmoid(log_odds)),
        rubric,
        JudgedRows.of(test),
        capacity=SnapshotCapacity(capacity.model_copy(update=changes), app_state.context.source.cohort.every_days),
        resampling=Resampling(_DRAWS),
    )
    found = compared.record()
    return {name: found[name] for name in ("policies", "differences", "sentences", "notes", "leads", "winnable")}


def _judge(rubric: Rubric, values: pd.DataFrame) -> ScoredPolicy:
    book = RubricCandidate(rubric).ledger(values)
    line = rubric.handoff_threshold
    points = None if line is None else line.points
    return ScoredPolicy("rubric", book.points, handed_off=book.handed_off, threshold=points)


def _rule_values(app_state: AppState, rubric: Rubric, test: Matrix) -> pd.DataFrame:
    """What the rules of another rubric read of the test rows, each as of its own moment."""
    from pipelines.workspace.matrix_files import load_chop

    source, tables = app_state.context.source, app_state.loaded.data.tables
    if source.kind == "flat":
        whole = flat_values(tables["leads"], build_catalog(source, rubric), source)
        return whole.iloc[load_chop(app_state.paths.root / "matrix").final.test].reset_index(drop=True)
    rules = Catalog(tuple(rule_features(rubric, source)))
    ids = test.keys["lead_id"].astype("str").tolist()
    return features_at(tables, source, rules, ids, test.keys["as_of"].reset_index(drop=True)).values


@lru_cache(maxsize=2)
def _test(root: Path, stamp: int) -> tuple[Matrix, Any]:
    from pipelines.workspace.matrix_files import load_chop, load_matrix

    winner = read_json(root / "evaluate" / "evaluation.json")["winner"]
    test = load_matrix(root / "matrix").take(load_chop(root / "matrix").final.test)
    log_odds = read_parquet(root / "evaluate" / "test_log_odds.parquet")[winner]
    return test, log_odds.to_numpy(dtype=np.float64)


def lifecycle(app_state: AppState) -> dict[str, Any]:
    """Stages, service levels, volumes and recycles as known at the data cut-off."""
    return compute_lifecycle(app_state)[1]


_kept: dict[tuple[str, int], tuple["Lifecycle", dict[str, Any]]] = {}


def compute_lifecycle(app_state: AppState) -> tuple["Lifecycle", dict[str, Any]]:
    """The lifecycle and its record, worked out once for the data in use."""
    from pipelines.diagnostics.lifecycle_figures import lifecycle_of

    key = (str(app_state.paths.root), (app_state.paths.ingest / "counts.json").stat().st_mtime_ns)
    with _lock:
        if key not in _kept:
            _kept.clear()
            found = lifecycle_of(app_state.context)
            _kept[key] = found, found.record()
        return _kept[key]


def find_win_value(app_state: AppState) -> tuple[float | None, str]:
    """What a win is worth: declared, or the mean amount the last comparison found; and its currency."""
    own = app_state.context.source.capacity
    file = app_state.paths.thresholds / "comparison.json"
    if own.value_per_win is not None or not file.exists():
        return own.value_per_win, own.currency
    found = _capacity(file, file.stat().st_mtime_ns)
    return found.get("value_per_win"), str(found.get("currency") or own.currency)


@lru_cache(maxsize=2)
def _capacity(file: Path, stamp: int) -> dict[str, Any]:
    return dict(read_json(file).get("capacity") or {})


def caution(app_state: AppState) -> str:
    """What was said against working a list by the bundle in use; empty if nothing was."""
    file = app_state.paths.cautions
    return (
        _caution(app_state.paths, app_state.loaded.model.bundle.hash, file.stat().st_mtime_ns) if file.exists() else ""
    )


@lru_cache(maxsize=4)
def _caution(paths: Paths, bundle_hash: str, stamp: int) -> str:
    return caution_of(paths, bundle_hash)


def model(app_state: AppState) -> dict[str, Any]:
    """The bundle in use, how it was judged, its features, and the versions that are kept."""
    bundle = app_state.loaded.model.bundle
    paths = app_state.paths
    champion = read_champion(paths)
    kept = [folder.name for folder in paths.bundles.iterdir() if not folder.name.startswith(".")]
    record: dict[str, Any] = {
        "bundle": {
            "hash": bundle.hash,
            "winner": bundle.meta.get("winner"),
            "trained_through": bundle.meta.get("trained_through"),
            "purpose": bundle.meta.get("purpose"),
            "prior_shift": bundle.meta.get("prior_shift"),
            "horizon_days": bundle.horizon_days,
            "weights": dict(bundle.weights),
            "calibration": {"slope": bundle.calibration.slope, "intercept": bundle.calibration.intercept},
            "scale_version": bundle.scale.version,
            "reference_probability": float(sigmoid(np.array([bundle.scale.reference_log_odds]))[0]),
        },
        "features": [
            {name: feature.record()[name] for name in ("name", "label", "dimension", "topic", "doc", "known_when")}
            for feature in bundle.catalog
        ],
        "champion": None
        if champion is None
        else {"hash": champion.hash, "previous": champion.previous, "history": list(champion.history)},
        "kept": sorted(kept),
        "caution": caution(app_state),
        "promoted": {} if champion is None else {move["hash"]: move["at"] for move in champion.history},
    }
    for name, file in (
        ("backtest", paths.backtest / "backtest.json"),
        ("evaluation", paths.evaluate / "evaluation.json"),
        ("audit", paths.audit / "audit.json"),
    ):
        record[name] = read_json(file) if file.exists() else None
    return record


def read_swap_set(app_state: AppState, owner: str | None, limit: int = 25) -> list[dict[str, Any]]:
    """Who comes in by the model and who goes out with the rubric at equal workload: both sides, winners first.

    Each side has ``side``, how many ``leads`` and ``won`` it holds, and its first ``rows``; an owner sees their own.
    """
    file = app_state.paths.thresholds / "swap_set.parquet"
    if not file.exists():
        return []
    found = read_parquet(file)
    data = app_state.loaded.data
    if owner is not None:
        found = found[[data.owner(data.code(name)) == owner for name in found["lead_id"].astype("str")]]
    found = found.sort_values("won", ascending=False, kind="stable")
    return [
        {
            "side": side,
            "leads": len(rows),
            "won": int(rows["won"].sum()),
            "rows": [to_json_values(row) for row in rows_of(rows.head(limit))],
        }
        for side, rows in ((side, found[found["side"] == side]) for side in SIDES)
    ]
