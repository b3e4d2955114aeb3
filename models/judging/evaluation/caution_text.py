"""The warning against working a list by score, where the test block contradicts the model; else empty."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.judging.cluster_bootstrap import Interval


@dataclass(frozen=True)
class LearnedRate:
    """The base rate of the rows learned from, with its 90% interval."""

    rate: float
    span: Interval


@dataclass(frozen=True, kw_only=True)
class CalibrationOnTest:
    """The calibration error on the test block beside what perfect calibration would show, and the base rate's move.

    Parameters
    ----------
    n : rows judged
    error : expected calibration error of the chosen model
    bound : 95th percentile of the error that perfectly calibrated probabilities would show at this n
    base_rate, base_rate_span : share won here, with its 90% interval
    base_rate_before : the same of the rows learned from, None where it is not known
    in_time : whether the block comes after the rows learned from; else nothing is said of time
    """

    n: int
    error: float
    bound: float
    base_rate: float
    base_rate_span: Interval
    base_rate_before: LearnedRate | None
    in_time: bool = True

    @property
    def moved(self) -> bool:
        """Whether the base rate moved beyond noise, that of either side (Newcombe 1998, method 10)."""
        before, span = self.base_rate_before, self.base_rate_span
        if before is None:
            return False
        up, now, then = self.base_rate > before.rate, self.base_rate, before.rate
        near = (now - span.low, before.span.high - then) if up else (span.high - now, then - before.span.low)
        return abs(now - then) > math.hypot(*near)

    @property
    def off(self) -> bool:
        """Whether the error is above what chance explains."""
        return self.error > self.bound

    @property
    def sentence(self) -> str:
        """For the report."""
        level = self._level()
        if not self.off:
            return (
                f"Calibration error {self.error:.3f} is what a perfectly calibrated model would show at this n (95th "
                f"percentile {self.bound:.3f}).{level}"
            )
        return (
            f"Calibration error {self.error:.3f} is above what perfect calibration would show at this n (95th "
            f"percentile {self.bound:.3f}): probabilities are off on this block.{level}"
        )

    def _level(self) -> str:
        if self.base_rate_before is None:
            return ""
        span = self.base_rate_span
        here = (
            f"{self.base_rate:.1%} here (90% interval {span.low:.1%} to {span.high:.1%}), "
            f"{self.base_rate_before.rate:.1%}"
        )
        if self.in_time:
            return f" The base rate {'moved' if self.moved else 'did not move beyond noise'}: {here} before."
        differs = "differs" if self.moved else "does not differ beyond noise"
        return f" The base rate {differs}: {here} among the rows learned from."


def write_test_warning(
    figures: Mapping[str, Mapping[str, Any]],
    differences: Mapping[str, Mapping[str, Any]],
    winner: str,
    *,
    in_time: bool = True,
) -> str:
    """A sentence where the chosen model did worse on the test block than no model, beyond the 90% intervals.

    The verdict is passed on development rows, so that the test block stays a test; what the block then shows
    must be said wherever leads are ranked.

    Parameters
    ----------
    figures, differences : as in :class:`~models.judging.evaluation.final_block.Evaluation`
    in_time : whether the test rows are later than those learned from
    """
    row = figures[winner]
    low, high = row["auc_ci"]
    if high is not None and high < 0.5:
        cause = (
            "what was learned has since reversed. Do not work this list by score; train again on newer outcomes."
            if in_time
            else "what was learned does not carry over to rows kept apart. Do not work this list by score."
        )
        return (
            f"On the {row['n']:,} rows kept for the test the ranking was worse than chance (AUC {row['auc']:.3f}, 90% "
            f"interval {low:.3f} to {high:.3f}): {cause}"
        )

    loss = differences.get("rate", {}).get("log_loss")
    if loss is None or loss["ci"][0] is None or loss["ci"][0] <= 0:
        return ""

    order = (
        "the order of leads was better than chance"
        if low is not None and low > 0.5
        else ("nor was the order of leads better than chance beyond noise")
    )
    return (
        f"On the {row['n']:,} rows kept for the test the probabilities were worse than the base rate alone (log loss "
        f"{loss['difference']:+.4f}, 90% interval {loss['ci'][0]:+.4f} to {loss['ci'][1]:+.4f}); {order}. Do not take "
        "the probabilities at face value."
    )


def write_calibration_warning(found: CalibrationOnTest) -> str:
    """A sentence where probabilities are off beyond chance; else empty.

    It names a base rate that moved, as what was seen: probabilities that follow the market would have moved with it,
    and whoever reads them is as wrong about them.
    """
    if not found.off:
        return ""
    if found.moved and found.base_rate_before is not None:
        rate = f"was {found.base_rate:.1%} there and {found.base_rate_before.rate:.1%} among the rows learned from"
    else:
        rate = f"{'did not move' if found.in_time else 'does not differ'} beyond noise"
    return (
        f"On the {found.n:,} rows kept for the test the probabilities were off by more than chance explains "
        f"(calibration error {found.error:.3f}, at most {found.bound:.3f} if they were right), and the base rate "
        f"{rate}. Rank leads by score, but do not take the probabilities at their word."
    )
