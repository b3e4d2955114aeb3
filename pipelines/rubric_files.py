"""Rubrics as files people bring, and what such a rubric would have done in the past."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from features.assemble import features_at
from features.catalog import Catalog
from features.catalog_of import build_catalog
from features.definition import Source
from features.errors import DataError, PolicyError
from features.families.rules import rule_features
from features.flat import flat_values
from features.matrix import Matrix
from features.rubric import Rubric, load_rubric
from features.rubric_csv import from_csv, to_csv
from models.candidates.rubric import RubricCandidate
from models.judging.handing import Judge
from models.judging.thresholds import compare
from models.logistic import sigmoid
from pipelines.context import Context
from pipelines.matrices import load_chop, load_matrix
from pipelines.store import read_json, read_parquet, write_text
from pipelines.tables import load_tables


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
    write_text(path, to_csv(rubric) if path.suffix.lower() == ".csv" else _yaml(rubric))


def tried(context: Context, rubric: Rubric) -> dict[str, Any]:
    """The rubric and the evaluated twin on the same matured test rows; nothing is written.

    Raises
    ------
    DataError
        before the first run that judged a model.
    """
    paths, source = context.paths, context.source
    if not (paths.evaluate / "test_log_odds.parquet").exists():
        raise DataError(f"source '{source.name}' has no judged run; run 'leadscore run --source {source.name}' first.")
    test = load_matrix(paths.matrix).take(load_chop(paths.matrix).final.test)
    winner = read_json(paths.evaluate / "evaluation.json")["winner"]
    log_odds = read_parquet(paths.evaluate / "test_log_odds.parquet")[winner].to_numpy(dtype=np.float64)
    book = RubricCandidate(rubric).ledger(_values(context, rubric, test))
    line = rubric.handoff_threshold
    judge = Judge("rubric", book.points, handed_off=book.handed_off, threshold=None if line is None else line.points)
    return compare(
        Judge("model", log_odds, probability=sigmoid(log_odds)),
        judge,
        test.keys,
        test.label,
        test.amount,
        capacity=source.capacity,
        every_days=source.cohort.every_days,
        draws=context.settings.draws,
        seed=context.settings.seed,
    ).record()


def _values(context: Context, rubric: Rubric, test: Matrix) -> pd.DataFrame:
    """What the rules read of the test rows, each as of its own moment."""
    source, tables = context.source, load_tables(context.paths)
    if source.kind == "flat":
        whole = flat_values(tables["leads"], build_catalog(source, rubric), source)
        return whole.iloc[load_chop(context.paths.matrix).final.test].reset_index(drop=True)
    ids = test.keys["lead_id"].astype("str").tolist()
    catalog = Catalog(tuple(rule_features(rubric, source)))
    return features_at(tables, source, catalog, ids, test.keys["as_of"].reset_index(drop=True)).values


def _yaml(rubric: Rubric) -> str:
    record = rubric.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return str(yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=110))
