"""Rubrics as files people bring, and what such a rubric would have done in the past."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Ints
from features.assembly.build_matrix import features_at
from features.assembly.flat_matrix import flat_values
from features.catalog.build_catalog import build_catalog
from features.catalog.families.rules import rule_features
from features.catalog.feature import Catalog
from features.errors import DataError, PolicyError
from features.matrix import Matrix
from features.rubric.csv_format import from_csv, to_csv
from features.rubric.load import load_rubric
from features.rubric.schema import Rubric
from features.rubric.yaml_format import rubric_yaml
from features.schema.source import Source
from features.schema.vocabulary import TRAINED
from models.candidates.rubric import RubricCandidate
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.compare_policies import compare_policies
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.replay import JudgedRows
from models.judging.handoff.rubric_only import replay_rubric_only
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.leakage.audit import feature_origins
from models.judging.leakage.finding import blocking
from models.logistic import sigmoid
from pipelines.workspace.atomic_files import read_json, read_parquet, write_text
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix
from pipelines.workspace.table_files import load_tables


def read_rubric(path: Path, source: Source | None = None) -> Rubric:
    """Rubric of a YAML or CSV file, checked against the source if one is given."""
    if path.suffix.lower() != ".csv":
        return load_rubric(path, source)
    try:
        return from_csv(path.read_text(encoding="utf-8"), where=path.name, source=source)
    except (OSError, UnicodeDecodeError) as problem:
        raise PolicyError(f"rubric {path} cannot be read: {problem}; save it as CSV in UTF-8.") from problem


def write_rubric(rubric: Rubric, path: Path) -> None:
    """The rubric as YAML or CSV, by the file's ending."""
    write_text(path, to_csv(rubric) if path.suffix.lower() == ".csv" else rubric_yaml(rubric))


def tried(context: Context, rubric: Rubric) -> dict[str, Any]:
    """The rubric on the past, on matured rows only; nothing is written.

    Beside the evaluated twin on the test rows where the last run trained a model; else on its own on every matured
    row, with the reason why no model stands beside it.

    Raises
    ------
    DataError
        before the first run, and where no row is matured.
    """
    paths, source = context.paths, context.source
    if not (paths.matrix / "matrix.json").exists():
        raise DataError(
            f"source '{source.name}' has no matrix in {paths.matrix}; run 'leadscore run --source {source.name}' first."
        )
    matrix, file = load_matrix(paths.matrix), paths.evaluate / "verdict.json"
    before = read_json(file) if file.exists() else {"verdict": None, "verdict_text": "No run has judged a model yet."}
    if before["verdict"] not in TRAINED:
        return _alone(context, rubric, matrix, before)
    rows = load_chop(paths.matrix).final.test
    test = matrix.take(rows)
    winner = read_json(paths.evaluate / "evaluation.json")["winner"]
    log_odds = read_parquet(paths.evaluate / "test_log_odds.parquet")[winner].to_numpy(dtype=np.float64)
    return compare_policies(
        ScoredPolicy("model", log_odds, probability=sigmoid(log_odds)),
        _judge(context, rubric, test, rows),
        JudgedRows.of(test),
        capacity=SnapshotCapacity.of(source),
        resampling=Resampling.of(context.settings),
    ).record()


def _alone(context: Context, rubric: Rubric, matrix: Matrix, before: Mapping[str, Any]) -> dict[str, Any]:
    source, rows = context.source, np.flatnonzero(matrix.matured)
    if not len(rows):
        raise DataError(
            f"source '{source.name}' has {len(matrix):,} rows and none is matured: no outcome is certain yet, "
            "so no rubric can be tried on the past. Come back once leads are older than the horizon of "
            f"{source.label.horizon_days} days and the reporting lag, or check the declared outcomes."
        )
    past = matrix.take(rows)
    found = replay_rubric_only(
        _judge(context, rubric, past, rows),
        JudgedRows.of(past),
        capacity=SnapshotCapacity.of(source),
        resampling=Resampling.of(context.settings),
    )
    why = (
        "No model stands beside the rubric. " + before["verdict_text"][:1].upper() + before["verdict_text"][1:],
        f"The rubric was tried on all {len(rows):,} matured rows of {found.leads:,} leads. Rules written by people "
        "learned nothing from them; rules made from these outcomes would look better than they are.",
        *_hindsight(context, rubric),
    )
    verdict = {"verdict": before["verdict"], "verdict_text": before["verdict_text"]}
    return verdict | replace(found, sentences=(*why, *found.sentences)).record()


def _hindsight(context: Context, rubric: Rubric) -> list[str]:
    """Rules that read what the audit says carries the outcome: their wins prove nothing."""
    file = context.paths.audit / "audit.json"
    found = read_json(file).get("findings", []) if file.exists() else []
    made_of = feature_origins(load_matrix(context.paths.matrix).catalog, context.source)
    leaks = {made_of.get(row["column"], ("leads", row["column"])) for row in blocking(found)}
    read = [
        (rule.id, name)
        for rule in rubric.rules
        for place, name in (("leads", rule.lead), ("accounts", rule.account), ("answers", rule.answer))
        if name is not None and (place, name) in leaks
    ]
    return [
        f"Rule '{rule}' reads '{name}', which carries the outcome: what it finds here is hindsight."
        for rule, name in read
    ]


def _judge(context: Context, rubric: Rubric, past: Matrix, rows: Ints) -> ScoredPolicy:
    book = RubricCandidate(rubric).ledger(_values(context, rubric, past, rows))
    line = rubric.handoff_threshold
    points = None if line is None else line.points
    return ScoredPolicy("rubric", book.points, handed_off=book.handed_off, threshold=points)


def _values(context: Context, rubric: Rubric, past: Matrix, rows: Ints) -> pd.DataFrame:
    """What the rules read of rows of the matrix, each as of its own moment."""
    source, tables = context.source, load_tables(context.paths)
    if source.kind == "flat":
        whole = flat_values(tables["leads"], build_catalog(source, rubric), source)
        return whole.iloc[rows].reset_index(drop=True)
    ids = past.keys["lead_id"].astype("str").tolist()
    catalog = Catalog(tuple(rule_features(rubric, source)))
    return features_at(tables, source, catalog, ids, past.keys["as_of"].reset_index(drop=True)).values
