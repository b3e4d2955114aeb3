"""Charts of what moves scores: mean size per criterion and feature, every lead's part, and part against value."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.report.charts.chart_records import Axis, Chart, Mark, Series, Tone, Value

SPREAD = 0.32  # of a row that a swarm may fill
_SHADES: Mapping[str, Tone] = {
    "high value": Tone.RUBRIC,
    "middle": Tone.PLAIN,
    "low value": Tone.MODEL,
    "other": Tone.GOOD,
}


def importance(rows: Sequence[Mapping[str, Any]], leads: int, kind: str) -> Chart:
    """Mean absolute points per criterion or feature."""
    shown = list(rows)[:15][::-1]
    bars = Series(
        name="mean absolute points",
        mark=Mark.BARS,
        tone=Tone.MODEL,
        x=tuple(row["points"] for row in shown),
        y=tuple(row["label"] for row in shown),
        text=tuple(row.get("name", "") for row in shown),
    )

    what = {"criterion": "criterion", "feature": "feature (the largest 15)"}[kind]
    return Chart(
        name=f"importance_{kind}",
        title=f"What moves scores, by {what}",
        x=Axis(title="mean absolute points", form=".1f", zero=True),
        y=Axis(title=""),
        n=f"n = {leads:,} scored leads",
        words="How many points a criterion adds or takes on average, the features' effects summed before the size is "
        "taken. It says what the model uses, not what causes wins."
        if kind == "criterion"
        else "The same, feature by feature. Correlated features share an effect between them.",
        series=(bars,),
        sideways=True,
    )


def beeswarm(features: Sequence[Mapping[str, Any]], leads: int) -> Chart:
    """Points of every lead of the sample, feature by feature, the largest on top.

    Parameters
    ----------
    features : name, label, points and, per lead, the shade of its value (low value, middle, high value, other)
    """
    rows = len(features)
    found: dict[str, tuple[list[Value], list[Value]]] = {shade: ([], []) for shade in _SHADES}
    for k, feature in enumerate(features):
        for points, shade, lift in zip(feature["points"], feature["shade"], _swarm(feature["points"]), strict=True):
            found[shade][0].append(points)
            found[shade][1].append(round(rows - 1 - k + lift, 3))

    series = tuple(
        Series(name=shade, mark=Mark.POINTS, tone=tone, x=tuple(found[shade][0]), y=tuple(found[shade][1]))
        for shade, tone in _SHADES.items()
        if found[shade][0]
    )

    return Chart(
        name="beeswarm",
        title="Points of each lead, feature by feature",
        x=Axis(title="points added to the score", form=".1f"),
        y=Axis(title="", ticks=tuple((float(rows - 1 - k), str(f["label"])) for k, f in enumerate(features))),
        n=f"n = {leads:,} leads, a seeded sample",
        words="A dot is a lead. Its colour says whether the feature's value is among the lower or higher third of "
        "the known ones; 'other' is a category or a missing value. Colours that separate left and right show a clear "
        "direction.",
        series=series,
    )


def _swarm(points: Sequence[float], bins: int = 40) -> list[float]:
    """Height of each dot, so that dots of similar size lie beside each other."""
    low, high = min(points), max(points)
    width = (high - low) / bins or 1.0
    count: dict[int, int] = {}
    lifts = []

    for value in points:
        place = int((value - low) / width)
        k = count.get(place, 0)
        count[place] = k + 1
        lifts.append((k + 1) // 2 * (1 if k % 2 else -1))

    most = max(1, *(abs(lift) for lift in lifts))
    return [SPREAD * lift / most for lift in lifts]


def dependence(feature: Mapping[str, Any], leads: int) -> Chart:
    """Points against value, one feature."""
    known = [(v, p) for v, p in zip(feature["values"], feature["points"], strict=True) if v is not None]
    missing = leads - len(known)
    without = f"; {missing:,} without a value are left out" if missing else ""
    dots = Series(
        name="leads", mark=Mark.POINTS, tone=Tone.MODEL, x=tuple(v for v, _ in known), y=tuple(p for _, p in known)
    )
    return Chart(
        name=f"dependence_{feature['name']}",
        title=f"How {feature['label']} moves the score",
        x=Axis(title=f"{feature['label']}{' [' + feature['unit'] + ']' if feature['unit'] else ''}"),
        y=Axis(title="points added to the score", form=".1f"),
        n=f"n = {len(known):,} leads, a seeded sample{without}",
        words="Where dots of one value are spread out, other features change what this one is worth. It shows what the "
        "model uses, not what causes wins.",
        series=(dots,),
    )
