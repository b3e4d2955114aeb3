"""Activities that a file holds twice, as overlapping exports do: without an id they would count twice."""

import numpy as np
import numpy.typing as npt
import pandas as pd


def find_repeats(frame: pd.DataFrame, written: pd.DataFrame, day_only: pd.Series) -> npt.NDArray[np.int64]:
    """Positions of rows without an id that equal an earlier row in every column of the file.

    Parameters
    ----------
    frame : the activities
    written : the same rows as in the file, with the columns nobody declared
    day_only : whose moment is a day: two of a kind on one day are two, and stay
    """
    asked = frame["activity_id"].isna() & frame["happened_at"].notna() & ~day_only.reset_index(drop=True)
    if not asked.any():
        return np.zeros(0, dtype=np.int64)
    alike = frame.loc[asked, ["lead_id", "kind", "happened_at"]].duplicated(keep=False)
    candidates = np.flatnonzero(asked.to_numpy(dtype=np.bool_))[alike.to_numpy(dtype=np.bool_)]
    again = written.iloc[candidates].astype("str").duplicated(keep="first").to_numpy(dtype=np.bool_)
    return candidates[again].astype(np.int64)
