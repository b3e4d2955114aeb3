"""Where segments wait for their labels differently long: up to when rows of every segment are matured."""

import numpy as np
import numpy.typing as npt

from features.matrix import Matrix
from features.point_in_time.microseconds import micros


def keep_all_segments(matrix: Matrix, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rows not looked at later than the longest wait before the last known label; all of them where waits are equal.

    Of the rows whose labels are known at some moment, the newest are those of segments with a short horizon alone: by
    them neither a model nor a level could be judged for the others. So the longest wait counts for all. Waits that
    differ within a segment are no horizons (labels of a frame, each known when it was), and leave the rows as they are.

    Parameters
    ----------
    rows : positions of matured rows, shape (n,)
    """
    as_of, known = matrix.keys["as_of"], matrix.label_known_at
    segment = matrix.keys["segment"]
    if not len(rows) or segment.isna().all() or as_of.isna().any() or known.isna().any():
        return rows
    looked, settled = micros(as_of), micros(known)
    wait = settled - looked
    codes = segment.astype("category").cat.codes.to_numpy()
    of_segment = np.zeros(codes.max() + 2, dtype=np.int64)
    of_segment[codes] = wait  # of any of its rows; code -1, no segment, is the last place
    if (wait == wait[0]).all() or (wait != of_segment[codes]).any():
        return rows
    return rows[looked[rows] <= settled[rows].max() - wait.max()]
