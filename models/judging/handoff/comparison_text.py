"""The comparison in sentences: the answer first, and the rubric first where it is better."""

import numpy as np

from models.judging.handoff.comparison import Comparison, Difference
from models.judging.handoff.policy_names import Policy, place_of


def comparison_sentences(compared: Comparison, has_rubric: bool) -> tuple[str, ...]:
    """Plain sentences; the first answers whether the model's list holds more of the wins at the same workload."""
    if not has_rubric:
        result = compared[Policy.MODEL_CAPACITY]
        return (
            "No rubric is declared, so there is nothing to compare with. At capacity the model hands off "
            f"{result.workload:,} of {compared.leads:,} {compared.noun}, and that list holds {result.wins:,} of "
            f"{compared.winnable:,} wins.",
        )
    worse_first = sorted(compared.differences, key=lambda difference: difference.wins >= 0)
    return (*(_sentence(compared, difference) for difference in worse_first), _rubric_precision(compared))


def _sentence(compared: Comparison, difference: Difference) -> str:
    model, rubric = compared[difference.first], compared[difference.second]
    where = place_of(difference.first)
    if difference.first == Policy.EQUAL_PRECISION:
        return (
            f"{where} ({rubric.precision:.1%}) the model's list has {model.workload:,} leads and {model.wins:,} wins, "
            f"the rubric's {rubric.workload:,} leads and {rubric.wins:,} wins."
        )

    low, high = difference.wins_ci.low, difference.wins_ci.high
    start = (
        f"{where} ({rubric.workload:,} of {compared.leads:,} {compared.noun}) the model's list holds {model.wins:,} of "
        f"{compared.winnable:,} wins, the rubric's {rubric.wins:,}"
    )
    if np.isnan(low):
        return f"{start}; there are too few leads for an interval."

    span = f"difference {difference.wins:+d}, 90% interval {low:+.0f} to {high:+.0f}"
    if high < 0:
        return f"The rubric is better. {start} ({span})."
    if difference.wins < 0:
        return f"The rubric is ahead, within noise. {start} ({span})."
    if low <= 0:
        return f"{start} ({span}): no difference beyond noise."
    return f"{start} ({span})."


def _rubric_precision(compared: Comparison) -> str:
    if not any(r.policy == Policy.RUBRIC_OWN for r in compared.policies):
        return "The rubric has no threshold of its own."
    rubric = compared[Policy.RUBRIC_OWN]
    if not rubric.workload:
        return "The rubric's own threshold hands off no leads."
    share = f"{rubric.workload / max(compared.leads, 1):.0%}"
    plain = compared.noun == "leads"
    handed = f"hands {share} of all leads to sales" if plain else f"hands off {share} of all {compared.noun}"
    return (
        f"The rubric {handed}, and {rubric.precision:.1%} of those were won; "
        f"of {compared.noun} handed off at random, {compared.base_rate:.1%} would have been won."
    )
