"""Rows two models may be compared on: everything about their outcome came after both were trained."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Ints
from features.matrix import Matrix
from features.schema.source import Source


@dataclass(frozen=True)
class UnseenRows:
    """Matured rows a model knows nothing of, and when the next ones mature.

    Parameters
    ----------
    rows : positions in the matrix, in its order
    through : the last moment a label was learned from
    next_at : when the next such row matures, None if none is on its way
    """

    rows: Ints
    through: pd.Timestamp
    next_at: pd.Timestamp | None


def unit_of(source: Source) -> str:
    """Key column of rows that share an outcome: the lead, or the account where it is credited with deals."""
    return "lead_id" if source.label.credit == "lead" else "group"


def find_unseen_rows(matrix: Matrix, through: pd.Timestamp, unit: str = "lead_id") -> UnseenRows:
    """Matured rows whose label came after ``through`` and was not half known by then.

    A label comes at ``label_known_at``. A lead is scored week after week, though, and its rows share one outcome: a
    row of the week after the last learned one has a later label, but the same win was learned from already. So rows of
    a lead (``unit``) with a learned row count only from ``through`` on, when nothing of their horizon was over. What
    decides is known at as_of, never the outcome, so base rate and calibration of the rows are unbiased.
    """
    known, as_of = matrix.label_known_at, matrix.keys["as_of"]
    of = matrix.keys[unit]
    learned = set(of[(matrix.matured & (known <= through).to_numpy())])
    fresh = (known > through) & ((as_of >= through) | ~of.isin(learned))
    eligible: npt.NDArray[np.bool_] = fresh.to_numpy(dtype=np.bool_)
    waiting = known[eligible & ~matrix.matured]
    rows = np.flatnonzero(eligible & matrix.matured).astype(np.int64)
    return UnseenRows(rows, through, None if waiting.empty else pd.Timestamp(waiting.min()))
