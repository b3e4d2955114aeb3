"""Which leads each policy hands off: the rubric at its own threshold, the model at the same workload, and so on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.array_types import Bools, Floats, Ints
from features.schema.source import Capacity
from models.judging.handoff.policy_names import Policy
from models.judging.handoff.policy_results import Handoffs
from models.judging.handoff.replay import Replay, first_crossings, per_snapshot, threshold_for, top_each_snapshot
from models.judging.handoff.workload_curve import SnapshotCapacity

_LENGTHS = 60  # lists tried for equal precision, evenly in log length; bounds the time of the search
_SHORTEST, _FRACTION = 10, 20  # leads of the shortest list, or this fraction of the rubric's
_BEST = "the best leads not yet handed off, as many as capacity allows"


@dataclass(frozen=True)
class ScoredPolicy:
    """What one scorer says of every judged row.

    Parameters
    ----------
    name : ``rubric``, ``model``, or the name of a recorded score or of the handoffs that happened
    score : shape (n,), higher is better; the rubric's points, a model's log-odds
    handed_off : rows its own threshold hands off; None if it has no threshold of its own
    threshold : that threshold on ``score``, if it is one number
    probability : calibrated probability per row, for cost and value
    """

    name: str
    score: Floats
    handed_off: Bools | None = None
    threshold: float | None = None
    probability: Floats | None = None

    def take(self, rows: Ints) -> "ScoredPolicy":
        """What it says of some of the rows."""
        return replace(
            self,
            score=self.score[rows],
            handed_off=None if self.handed_off is None else self.handed_off[rows],
            probability=None if self.probability is None else self.probability[rows],
        )


def policies_of(
    replay: Replay,
    model: ScoredPolicy,
    rubric: ScoredPolicy | None,
    others: Sequence[ScoredPolicy],
    capacity: SnapshotCapacity,
) -> list[Handoffs]:
    """Every policy's handoffs on the judged rows, the rubric's own threshold first."""
    places = capacity.places(replay)
    found = [] if rubric is None else rubric_policies(replay, rubric, places)
    if found and found[0].policy == Policy.RUBRIC_OWN:
        own = found[0].rows
        matched = top_each_snapshot(replay, model.score, per_snapshot(replay, own))
        each = "each week the model's" if replay.in_time else "the model's"
        rule = f"{each} best leads, as many as the rubric handed off"
        equal = Handoffs(Policy.EQUAL_WORKLOAD, "model", rule, matched, _lowest(model.score, matched))
        found[1:1] = [equal, *_equal_precision(replay, model, own)]

    rows = top_each_snapshot(replay, model.score, places)
    found.append(Handoffs(Policy.MODEL_CAPACITY, "model", _BEST, rows, _lowest(model.score, rows)))
    found += _by_value(replay, model, capacity.declared)

    for judge in others:
        mask = judge.handed_off
        rows = top_each_snapshot(replay, judge.score, places) if mask is None else first_crossings(replay, mask)
        found.append(Handoffs(judge.name, judge.name, _BEST if mask is None else "as recorded", rows, judge.threshold))
    return found


def rubric_policies(replay: Replay, rubric: ScoredPolicy, places: Ints) -> list[Handoffs]:
    """The rubric's handoffs: at its own threshold first, if it has one, then at capacity."""
    found: list[Handoffs] = []
    if rubric.handed_off is not None:
        own = first_crossings(replay, rubric.handed_off)
        rule = f"{'first week at' if replay.in_time else 'at or above'} the rubric's own threshold"
        found.append(Handoffs(Policy.RUBRIC_OWN, "rubric", rule, own, rubric.threshold))
    rows = top_each_snapshot(replay, rubric.score, places)
    return [*found, Handoffs(Policy.RUBRIC_CAPACITY, "rubric", _BEST, rows, _lowest(rubric.score, rows))]


def _lowest(score: Floats, rows: Ints) -> float | None:
    return float(score[rows].min()) if len(rows) else None


def _equal_precision(replay: Replay, model: ScoredPolicy, own: Ints) -> list[Handoffs]:
    """The model's largest list by threshold that is at least as precise as the rubric's."""
    if not len(own):
        return []
    aim = replay.label[own].mean()
    grid = np.geomspace(max(_SHORTEST, len(own) // _FRACTION), replay.leads, _LENGTHS).astype(np.int64)
    sizes = np.unique([*grid, len(own)])
    best: tuple[float, Ints] | None = None
    for size in sizes:
        threshold = threshold_for(replay, model.score, int(size))
        rows = first_crossings(replay, model.score >= threshold)
        if replay.label[rows].mean() >= aim and (best is None or len(rows) > len(best[1])):
            best = (threshold, rows)
    if best is None:
        return []
    same = "weeks" if replay.in_time else "rows"
    rule = f"the lowest model threshold at which the list is as precise as the rubric's (chosen on these same {same})"
    return [Handoffs(Policy.EQUAL_PRECISION, "model", rule, best[1], best[0])]


def _by_value(replay: Replay, model: ScoredPolicy, capacity: Capacity) -> list[Handoffs]:
    """Hand off where the expected value of a win exceeds the cost of a handoff."""
    value, cost = capacity.value_per_win, capacity.cost_per_handoff
    if model.probability is None or not cost or not value:
        return []
    least = cost / value
    rows = first_crossings(replay, model.probability >= least)
    rule = f"probability x {value:g} {capacity.currency} per win >= {cost:g} {capacity.currency} per handoff"
    threshold = float(np.log(least / (1 - least))) if 0 < least < 1 else None  # a cost may be too small to divide
    return [Handoffs(Policy.MODEL_VALUE, "model", " ".join(rule.split()), rows, threshold)]
