"""The warning against working a list by score, where the test block contradicts the model; else empty."""

from collections.abc import Mapping
from typing import Any


def write_test_warning(
    figures: Mapping[str, Mapping[str, Any]], differences: Mapping[str, Mapping[str, Any]], winner: str
) -> str:
    """A sentence where the chosen model did worse on the test block than no model, beyond the 90 % intervals.

    The verdict is passed on development rows, so that the test block stays a test; what the block then shows
    must be said wherever leads are ranked.

    Parameters
    ----------
    figures, differences : as in :class:`~models.judging.evaluation.final_block.Evaluation`
    """
    row = figures[winner]
    low, high = row["auc_ci"]
    if high is not None and high < 0.5:
        return (
            f"On the {row['n']:,} rows kept for the test the ranking was worse than chance (AUC {row['auc']:.3f}, 90 % "
            f"interval {low:.3f} to {high:.3f}): what was learned has since reversed. Do not work this list by "
            "score; train again on newer outcomes."
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
        f"{loss['difference']:+.4f}, 90 % interval {loss['ci'][0]:+.4f} to {loss['ci'][1]:+.4f}); {order}. Do not take "
        "the probabilities at face value."
    )
