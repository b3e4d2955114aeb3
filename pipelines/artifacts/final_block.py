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
from pipelines.workspace.matrix_files import hash_rows, load_chop, load_matrix
from pipelines.workspace.paths import Paths

_FILE = "test_log_odds.parquet"
_KEYS = "test_keys.parquet"  # named as the matrix's own: who is forgotten is made nobody's in both alike
_VALUES = "values"  # of rows without an id of their own: what stands for their values


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

    Its rows are found by lead and moment, those without an id of their own by their values: the matrix may have been
    built again since, from newer tables, and then holds them in other places, and its own split is another one. Rows
    that are alike are told apart by their order: people who object since are left out of the block, not of ``whole``.

    Raises
    ------
    DataError : the evaluate stage judged nothing, or its files are missing, damaged or of another version; or most
        of the judged rows are no longer in the matrix
    """
    evaluation = EvaluationRecord.read(paths)
    if evaluation.winner is None:
        raise DataError(f"{EvaluationRecord.path(paths)} judged no candidate: its verdict is {evaluation.verdict}.")
    matrix = load_matrix(paths.matrix) if whole is None else whole
    judged = read_parquet(paths.evaluate / _FILE)
    places = _find_rows(paths, matrix, judged["row"].to_numpy(dtype=np.int64))
    found = places >= 0
    if 2 * int(found.sum()) < len(found):
        raise DataError(
            f"{paths.evaluate / _FILE} judges {len(found):,} rows, of which the matrix in {paths.matrix} holds only "
            f"{int(found.sum()):,}: it was built from other data since. Train again: "
            f"leadscore run --source {paths.source}."
        )
    rows = places[found]
    log_odds = judged[evaluation.winner].to_numpy(dtype=np.float64)[found]
    return FinalBlock(matrix.take(rows), rows, evaluation.winner, log_odds)


def _find_rows(paths: Paths, matrix: Matrix, rows: Ints) -> Ints:
    """Where the judged rows stand in the matrix, each matured; -1 where one does not."""
    if not (paths.evaluate / _KEYS).exists():  # judged by an earlier leadscore, which kept their places alone
        same = np.array_equal(rows, load_chop(paths.matrix).final.test)
        return rows if same else np.full(len(rows), -1, dtype=np.int64)
    judged = read_parquet(paths.evaluate / _KEYS)
    keys = matrix.keys
    if _VALUES in judged:
        hidden = judged[_VALUES].notna()
        by_values = _name_by_values(matrix, named=not hidden.all())
        if not _keeps_numbers(judged[hidden], keys["lead_id"], by_values):
            judged["lead_id"] = judged["lead_id"].mask(hidden, judged[_VALUES])
            keys = keys.assign(lead_id=by_values.fillna(keys["lead_id"]))
    places = np.asarray(_index_of(keys).get_indexer(_index_of(judged)), dtype=np.int64)
    return np.where((places >= 0) & matrix.matured[places], places, -1)


def _keeps_numbers(judged: pd.DataFrame, lead_ids: pd.Series, by_values: pd.Series) -> bool:
    """Whether the file goes on as it was: most judged rows without an id are there, each under its number.

    Then the number tells rows apart that are alike, of which one may be gone, as whoever objected since.
    """
    held = by_values.set_axis(lead_ids.astype("str")).dropna()
    now = held[~held.index.duplicated()].reindex(judged["lead_id"].astype("str"))
    there = now.notna().to_numpy(dtype=np.bool_)
    found = int(there.sum())
    if not found or 2 * found < len(there):
        return False
    before, after = (names[there].str.rpartition(" ")[0].to_numpy() for names in (judged[_VALUES], now))  # uncounted
    return bool((before == after).all())


def _index_of(keys: pd.DataFrame) -> pd.MultiIndex:
    """Lead, moment, and the how manieth row of both."""
    lead, as_of = keys["lead_id"].astype("str"), keys["as_of"].astype("datetime64[us]").astype("int64")
    nth = pd.DataFrame({"lead": lead, "as_of": as_of}).groupby(["lead", "as_of"]).cumcount()
    return pd.MultiIndex.from_arrays([lead, as_of, nth])


def find_test_block(paths: Paths) -> FinalBlock | None:
    """As :func:`load_test_block`; None where the last run judged no candidate."""
    return load_test_block(paths) if (paths.evaluate / _FILE).exists() else None


def _name_by_values(matrix: Matrix, *, named: bool) -> pd.Series:
    """What stands for each row that has its number in the file for an id, another one in the next file; else missing.

    Rows that are alike are counted, so that none moves where the file goes on as it was.
    """
    texts = pd.Series(hash_rows(matrix.values)).astype("str")
    texts = "values " + texts + " " + texts.groupby(texts).cumcount().astype("str")
    if not named:
        return texts
    hidden = matrix.keys["as_of"].isna() & matrix.keys["lead_id"].astype("str").str.fullmatch(r"row \d+")
    return texts.where(hidden.to_numpy(dtype=np.bool_))


def write_test_log_odds(
    folder: Path, matrix: Matrix, rows: Ints, log_odds: dict[str, Floats], *, named: bool = True
) -> None:
    """Write calibrated log-odds of the test rows, one column per candidate, and whose rows they are.

    Parameters
    ----------
    named : whether leads have ids of their own
    """
    write_parquet(folder / _FILE, pd.DataFrame({"row": rows, **log_odds}))
    by_values = _name_by_values(matrix, named=named)
    keys = matrix.keys.loc[:, ["lead_id", "as_of", "group"]].assign(**{_VALUES: by_values}).iloc[rows]
    keys = keys if keys[_VALUES].notna().any() else keys.drop(columns=_VALUES)
    write_parquet(folder / _KEYS, keys.reset_index(drop=True))
