"""The comparison in sentences: the answer first, and the rubric first where it is better."""

import numpy as np

from models.judging.handoff.comparison import Comparison, Difference

_NAMES = {
    "model_equal_workload": "at the rubric's own workload",
    "model_equal_precision": "at the rubric's own precision",
    "model_at_capacity": "at the given capacity",
}


def comparison_sentences(compared: Comparison, has_rubric: bool) -> tuple[str, ...]:
    """Plain sentences; the first answers whether the model's list holds more of the wins at the same workload."""
    if not has_rubric:
        result = compared["model_at_capacity"]
        return (
            "No rubric is declared, so there is nothing to compare with. At the given capacity the model hands off "
            f"{result.workload:,} of {compared.leads:,} leads; {result.wins:,} of {compared.winnable:,} wins lie "
            "inside.",
        )
    found = [_sentence(compared, difference) for difference in compared.differences]
    worse = [d.wins < 0 for d in compared.differences]
    ordered = [text for text, bad in zip(found, worse, strict=True) if bad]
    ordered += [text for text, bad in zip(found, worse, strict=True) if not bad]
    return (*ordered, _waste(compared))


def _sentence(compared: Comparison, difference: Difference) -> str:
    model, rubric = compared[difference.first], compared[difference.second]
    where = _NAMES[difference.first].capitalize()
    if difference.first == "model_equal_precision":
        return (
            f"{where} ({rubric.precision:.1%}) the model's list is {model.workload:,} leads long with "
            f"{model.wins:,} wins, the rubric's {rubric.workload:,} with {rubric.wins:,}."
        )
    low, high = difference.wins_ci.low, difference.wins_ci.high
    start = (
        f"{where} ({rubric.workload:,} of {compared.leads:,} leads) {model.wins:,} of {compared.winnable:,} wins lie "
        f"inside the model's list and {rubric.wins:,} inside the rubric's"
    )
    if np.isnan(low):
        return f"{start}; too few to give an interval."
    span = f"difference {difference.wins:+d}, 90 % interval {low:+.0f} to {high:+.0f}"
    if high < 0:
        return f"The rubric is better. {start} ({span})."
    if difference.wins < 0:
        return f"The rubric is ahead, within noise. {start} ({span})."
    if low <= 0:
        return f"{start} ({span}): no difference beyond noise."
    return f"{start} ({span})."


def _waste(compared: Comparison) -> str:
    if not any(r.policy == "rubric_own_threshold" for r in compared.policies):
        return "The rubric has no threshold of its own."
    rubric = compared["rubric_own_threshold"]
    if not rubric.workload:
        return "The rubric's own threshold hands off nobody."
    share = rubric.workload / max(compared.leads, 1)
    return (
        f"The rubric hands {share:.0%} of all leads to sales and {rubric.precision:.1%} of those were won; "
        f"handing off at random would have won {compared.base_rate:.1%}."
    )
