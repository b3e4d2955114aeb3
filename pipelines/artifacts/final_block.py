"""The final test block as the evaluate stage left it: its rows, and what the winner's twin said of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.errors import DataError
from features.matrix import Matrix
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.matrix_files import load_chop, load_matrix
from pipelines.workspace.paths import Paths

_FILE = "test_log_odds.parquet"


@dataclass(frozen=True)
class FinalBlock:
    """Rows nobody was fitted on, all matured.

    Parameters
    ----------
    matrix : the test rows
    rows : their positions in the whole matrix
    winner : the chosen candidate
    log_odds : its twin's calibrated log-odds, one per test row
    """

    matrix: Matrix
    rows: Ints
    winner: str
    log_odds: Floats


def load_test_block(paths: Paths, whole: Matrix | None = None) -> FinalBlock:
    """The test block of the last run; ``whole`` is the matrix of the source where it is at hand already.

    Raises
    ------
    DataError : the evaluate stage judged nothing, or its files are missing, damaged or of another version
    """
    evaluation = EvaluationRecord.read(paths)
    if evaluation.winner is None:
        raise DataError(f"{EvaluationRecord.path(paths)} judged no candidate: its verdict is {evaluation.verdict}.")
    rows = load_chop(paths.matrix).final.test
    matrix = load_matrix(paths.matrix) if whole is None else whole
    log_odds = read_parquet(paths.evaluate / _FILE)[evaluation.winner].to_numpy(dtype=np.float64)
    return FinalBlock(matrix.take(rows), rows, evaluation.winner, log_odds)


def find_test_block(paths: Paths) -> FinalBlock | None:
    """As :func:`load_test_block`; None where the last run judged no candidate."""
    return load_test_block(paths) if (paths.evaluate / _FILE).exists() else None


def write_test_log_odds(folder: Path, rows: Ints, log_odds: dict[str, Floats]) -> None:
    """Write calibrated log-odds of the test rows, one column per candidate."""
    write_parquet(folder / _FILE, pd.DataFrame({"row": rows, **log_odds}))
