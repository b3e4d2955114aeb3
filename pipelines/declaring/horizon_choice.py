"""The horizon that an export's own times to win suggest, and how rows can be split for judging it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

HORIZONS = (7, 14, 30, 60, 90, 120, 180, 270, 365, 540, 730)  # days a team would speak of
_IN_WEEKS = (30, 60, 91, 121, 182, 273, 365, 545, 730)  # the same of leads that are looked at every week
LAG_DAYS = 7  # by which results may be recorded late
_USUAL = 91  # where nothing is known
_INSIDE = 0.9  # share of wins that a horizon should hold: later ones count as lost
# Of leads that are looked at every week, as in the demo: with a shorter history the first blocks have too few wins
# whose horizon has passed. Leads that are looked at once take three waits (to learn, to choose, to test),
# the test itself, and time to learn from.
_HORIZONS_IN_HISTORY, _OF_ONE_LOOK = 7.5, 5.0
_SHORT = 30  # days up to which that is not asked
_MATURED = 0.5  # share of leads that must be older than the horizon, so that there is something to learn from
# Blocks in time cannot be had with a horizon that holds most wins. Then those with a horizon that holds fewer than half
# teach who buys quickly, not who buys; whole accounts kept apart do with any history of which this share is old enough.
_FEW_INSIDE, _MATURED_BY_ACCOUNT = 0.5, 0.25


@dataclass(frozen=True, kw_only=True)
class HorizonChoice:
    """A horizon, and why it is that one.

    Parameters
    ----------
    days : suggested horizon
    share : of wins that came within it; NaN without wins
    matured : leads old enough to be judged by it
    wished : days that would hold most wins
    span : days from the first lead to the last
    shorter : days and share of wins of the horizon for which the history is long enough to be split by time
    split_by : time, or whole accounts where the history is too short for that
    """

    days: int
    share: float
    matured: int
    wished: int
    span: float
    shorter: tuple[int, float]
    split_by: Literal["time", "accounts"] = "time"

    @property
    def why_by_accounts(self) -> str:
        """Why rows are split by accounts."""
        days, share = self.shorter
        return (
            f"Leads of {self.span:,.0f} days are too short a history to let later leads judge earlier ones by this "
            f"horizon, and only {share:.0%} of the wins came within the {days} days that it would do for. So whole "
            "accounts are kept apart, and time is ignored: figures are rather too good, and drift cannot be seen. With "
            "a longer history use split: {by: time}."
        )


def choose_horizon(
    to_win: npt.NDArray[np.float64], ages: npt.NDArray[np.float64], *, accounts: bool = False, weekly: bool = False
) -> HorizonChoice:
    """A horizon that holds most wins, unless the history is too short for it; 91 days where nothing is known.

    Parameters
    ----------
    to_win : days from the creation of each won lead to the close
    ages : days from the creation of every lead to the end of the history
    accounts : whether leads name the account they belong to
    weekly : whether leads are looked at every week, not once; then no horizon is shorter than a month
    """
    ages = ages[~np.isnan(ages)]
    span = float(np.ptp(ages)) if len(ages) else 0.0
    steps = _IN_WEEKS if weekly else HORIZONS

    def share(days: int) -> float:
        return float((to_win <= days).mean()) if len(to_win) else float("nan")

    def matured(days: int) -> int:
        return int((ages >= days + LAG_DAYS).sum())

    wished = next((step for step in steps if share(step) >= _INSIDE), steps[-1]) if len(to_win) else _USUAL
    longest = max(span / (_HORIZONS_IN_HISTORY if weekly else _OF_ONE_LOOK), _SHORT)
    in_time = [step for step in steps if step <= longest and matured(step) >= _MATURED * len(ages)]
    shorter = min(wished, in_time[-1] if in_time else steps[0]) if len(to_win) else wished
    by_accounts = accounts and share(shorter) < _FEW_INSIDE and matured(wished) >= _MATURED_BY_ACCOUNT * len(ages)
    days = wished if by_accounts else shorter
    return HorizonChoice(
        days=days,
        share=share(days),
        matured=matured(days),
        wished=wished,
        span=span,
        shorter=(shorter, share(shorter)),
        split_by="accounts" if by_accounts and shorter < wished else "time",
    )
