"""The refusal of a history too short for its horizon, and the horizon that would fit."""

import numpy as np
import pandas as pd

from features.cohort.unequal_horizons import keep_all_segments
from features.errors import TooLittleDataError
from features.matrix import Matrix
from features.schema.source import Split

_BETWEEN_LOOKS = 7  # days: the last matured look lies up to a week before the last that could be
_EPSILON_DAYS = 1  # a block of no length holds nobody


def check_history(matrix: Matrix, split: Split, horizon_days: int | None) -> None:
    """TooLittleDataError where no development block fits between what is learned from and the final block.

    Outcomes of the last training rows must be certain before a development block starts, and the block's own before
    the final one does: ``(1 - test_share)`` of the matured looks must last longer than two waits.
    """
    as_of, known = matrix.keys["as_of"], matrix.label_known_at
    wait = (known - as_of).max()
    if pd.isna(wait):
        return
    first, share = as_of.min(), 1 - split.test_share
    certain = as_of.iloc[keep_all_segments(matrix, np.flatnonzero(matrix.matured))]
    if len(certain) and (certain.max() - first) * share > 2 * wait:
        return

    history, day = pd.concat([as_of, known[matrix.matured]]).max() - first, pd.Timedelta(days=1)
    needed = wait * (1 + 2 / share)
    longest = int(((history / day) - _BETWEEN_LOOKS) * share / (2 + share) - _EPSILON_DAYS)
    lag = max(round(wait / day) - horizon_days, 0) if horizon_days is not None else 0
    fits = longest - lag
    advice = (
        f"The longest horizon (label.horizon_days, or horizon_by_segment) that fits is about {fits} days"
        + (f" (declared: {horizon_days}). " if horizon_days is not None else ". ")
        if fits >= 1
        else "No horizon fits so short a history. "
    )
    raise TooLittleDataError(
        f"the history is too short for its horizon: leads are looked at from {first:%Y-%m-%d} to "
        f"{as_of.max():%Y-%m-%d}, {history / day:.0f} days of data, and an outcome is certain {wait / day:.0f} days "
        f"after a look. To learn, to choose and to test one after the other takes about {needed / day:.0f} days: three "
        f"such waits, and {split.test_share:.0%} of the looks for the test. {advice}"
        "Otherwise wait for more history, or declare split: {by: accounts}, which does not look at time."
    )
