"""Rows two models may be compared on: everything about their outcome came after both were trained."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Bools, Ints
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
    keys = matrix.keys.assign(label_known_at=matrix.label_known_at.to_numpy(), matured=matrix.matured)
    eligible = is_unseen(keys, learned_units(keys, through, unit), through, unit)
    waiting = matrix.label_known_at[eligible & ~matrix.matured]
    rows = np.flatnonzero(eligible & matrix.matured).astype(np.int64)
    return UnseenRows(rows, through, None if waiting.empty else pd.Timestamp(waiting.min()))


def learned_units(keys: pd.DataFrame, through: pd.Timestamp, unit: str = "lead_id") -> Collection[str]:
    """Leads (``unit``) of which a model trained through a moment may have learned a row.

    ``keys`` are a matrix's, with ``matured`` and ``label_known_at``.
    """
    learned = keys["matured"].to_numpy(dtype=np.bool_) & (keys["label_known_at"] <= through).to_numpy()
    return set(keys.loc[learned, unit])


def is_unseen(keys: pd.DataFrame, learned: Collection[str], through: pd.Timestamp, unit: str = "lead_id") -> Bools:
    """Per row whether nothing of its outcome was learned from; see :func:`find_unseen_rows`, matured or not.

    ``keys`` hold ``as_of``, ``label_known_at`` and the ``unit``; ``learned`` are those of :func:`learned_units`.
    """
    known, as_of = keys["label_known_at"], keys["as_of"]
    fresh = (known > through) & ((as_of >= through) | ~keys[unit].isin(learned))
    return np.asarray(fresh.to_numpy(dtype=np.bool_))
