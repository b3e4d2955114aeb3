"""What a rubric can give at most, and what of it no lead could ever reach."""

from collections.abc import Iterator

from features.rubric.rule import Cap, Rule
from features.rubric.schema import Rubric

Problem = tuple[tuple[str | int, ...], str]


def highest_points(rule: Rule) -> float:
    """Most points a rule can give before any cap; infinite where it counts without end."""
    given = [0.0]
    given += [*rule.values.values(), *rule.patterns.values(), *(span.points for span in rule.ranges)]
    given += [points for points in (rule.filled, rule.missing, rule.otherwise, rule.none) if points is not None]
    if rule.steps:
        steps = [max(step.points, 0.0) for step in rule.steps]
        given.append(sum(steps) if rule.take == "sum" else max(steps))
    if rule.points is not None:
        given.append(rule.points if rule.per == "once" or rule.points <= 0 else float("inf"))
    return max(given)


def highest_sums(rubric: Rubric) -> tuple[dict[str, float], float]:
    """Most points per group and in total, caps included."""
    sums = dict.fromkeys(rubric.groups, 0.0)
    for rule in rubric.rules:
        if rule.group in sums:
            sums[rule.group] += _apply_cap(highest_points(rule), rule.cap)
    sums = {name: _apply_cap(total, rubric.groups[name].cap) for name, total in sums.items()}
    return sums, _apply_cap(rubric.start + sum(sums.values()), rubric.total)


def find_unreachable(rubric: Rubric) -> Iterator[Problem]:
    """Thresholds, grades and required actions that no lead could ever have."""
    groups, total = highest_sums(rubric)
    for i, threshold in enumerate(rubric.thresholds):
        highest = total if threshold.group is None else groups.get(threshold.group, float("inf"))
        if threshold.points > highest:
            what = "points" if threshold.group is None else f"points of group '{threshold.group}'"
            yield (
                ("thresholds", i, "points"),
                f"'{threshold.stage}' needs {threshold.points:g} {what}, but no lead can have more than "
                f"{highest:g}; lower the threshold or raise points and caps.",
            )
        for key in ("requires", "any_of"):
            for rule in rubric.rules:
                if rule.id in getattr(threshold, key) and not highest_points(rule) > 0:
                    yield (
                        ("thresholds", i, key),
                        f"'{threshold.stage}' requires rule '{rule.id}', which never gives points; give it some.",
                    )
    if rubric.matrix is not None:
        for side, axis in (("letter", rubric.matrix.letter), ("number", rubric.matrix.number)):
            highest = groups.get(axis.group, float("inf"))
            if axis.from_points[0] > highest:
                yield (
                    ("matrix", side, "from_points"),
                    f"the best {side} begins at {axis.from_points[0]:g} points of group '{axis.group}', but no lead "
                    f"can have more than {highest:g}.",
                )


def _apply_cap(points: float, cap: Cap | None) -> float:
    if cap is None:
        return points
    low = float("-inf") if cap.minimum is None else cap.minimum
    high = float("inf") if cap.maximum is None else cap.maximum
    return min(max(points, low), high)
