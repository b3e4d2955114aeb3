"""How fast a finished run's parts are on this machine: rates and ratios within one go, best of several."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.assembly.build_matrix import matrix_of
from features.assembly.flat_matrix import flat_matrix
from features.cohort.cohort import cutoff_of
from features.matrix import Matrix
from models.bundle import Bundle
from models.scoring import score
from pipelines.compute.engines import choose_builder
from pipelines.registry.matrix_for_bundle import matrix_for
from pipelines.scoring.find_lead import find_bundle
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.people.objecting import without_objecting
from pipelines.workspace.table_files import load_tables

ROWS = 20_000  # rows predicted and explained: enough that fixed costs of a call do not show
SINGLE = 50  # calls with one lead each, averaged
REPEATS = 3  # the fastest counts: what slows a call down is other work on the machine


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Rates of a finished run's parts on this machine, and one lead's milliseconds."""

    source: str
    winner: str
    features: int
    matrix_rows: int
    rows: int
    matrix_rows_per_second: float
    predict_rows_per_second: float
    explain_rows_per_second: float
    explain_over_predict: float
    score_rows_per_second: float
    one_lead_milliseconds: float


def measure_throughput(context: Context, rows: int = ROWS) -> Throughput:
    """Rates of features, prediction, explanation and whole scoring, and one lead's milliseconds.

    Raises
    ------
    RegistryError, DataError
        before the first run of the source.
    """
    bundle = find_bundle(context)
    matrix = matrix_for(context, bundle, without_objecting(context, load_matrix(context.paths.matrix)))
    part = matrix.take(np.resize(np.arange(len(matrix)), rows))
    predict = _fastest(lambda: bundle.log_odds(part.values))
    explain = _fastest(lambda: bundle.contributions(part.values))
    whole = _fastest(lambda: score(bundle, part, context.framework, source=context.source), 1)
    built = _fastest(lambda: _build_again(context, bundle), 1)
    alone = _fastest(lambda: [bundle.log_odds(part.values.iloc[k : k + 1]) for k in range(SINGLE)]) / SINGLE

    return Throughput(
        source=context.source.name,
        winner=str(bundle.meta.get("winner")),
        features=len(bundle.catalog),
        matrix_rows=len(matrix),
        matrix_rows_per_second=len(matrix) / built,
        rows=rows,
        predict_rows_per_second=rows / predict,
        explain_rows_per_second=rows / explain,
        explain_over_predict=explain / predict,
        score_rows_per_second=rows / whole,
        one_lead_milliseconds=1000 * alone,
    )


def _build_again(context: Context, bundle: Bundle) -> Matrix:
    tables = load_tables(context.paths)
    if context.source.kind == "flat":
        return flat_matrix(tables["leads"], context.source, context.rubric)
    cutoff = cutoff_of(tables, context.source)
    return matrix_of(tables, context.source, bundle.catalog, cutoff, build=choose_builder(context.engine))


def _fastest(call: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Shortest seconds of several calls; the first one warms up and does not count."""
    call()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return min(taken)
