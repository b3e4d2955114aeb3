"""Charts as plain records: what is drawn, with title, units, n and words; drawing is left to the binders.

``chart_figures`` makes them from a run's results; :mod:`pipelines.report.charts.plotly_figures` binds them to plotly
for the report, :mod:`pipelines.report.charts.matplotlib_images` to matplotlib for MLflow. Tests read the records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models.judging.handoff.policy_names import Policy, place_of, policy_label
from pipelines.artifacts.comparison_record import PoliciesRecord

Value = float | int | str | None


class Mark(StrEnum):
    """How a series is drawn."""

    LINE = "line"
    POINTS = "points"
    BARS = "bars"
    GUIDE = "guide"


class Tone(StrEnum):
    """Whose a series is; one colour each, in light and dark."""

    MODEL = "model"
    RUBRIC = "rubric"
    GOOD = "good"
    BAD = "bad"
    PLAIN = "plain"


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series; ``low`` and ``high`` are a 90% interval, ``text`` what a hover shows, all of the same length."""

    name: str
    mark: Mark
    tone: Tone
    x: tuple[Value, ...]
    y: tuple[Value, ...]
    low: tuple[Value, ...] = ()
    high: tuple[Value, ...] = ()
    text: tuple[str, ...] = ()
    symbol: str = ""  # of points, where several series share a chart (plotly's names)
    label: str = ""  # written at the points themselves


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Title with its unit, and how numbers are written (a d3 format)."""

    title: str
    form: str = ""
    log: bool = False
    zero: bool = False
    limits: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] = ()  # positions shown as names


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart. ``words`` say what to see in it; ``n`` says how much data it rests on."""

    name: str
    title: str
    x: Axis
    y: Axis
    n: str
    words: str
    series: tuple[Series, ...]
    sideways: bool = False  # categories down the side, values along

    def records(self) -> list[dict[str, Value]]:
        """One row per drawn point."""
        rows = []
        for one in self.series:
            for k, (x, y) in enumerate(zip(one.x, one.y, strict=True)):
                low = one.low[k] if one.low else None
                high = one.high[k] if one.high else None
                rows.append({"series": one.name, "x": x, "y": y, "low": low, "high": high})
        return rows


TONES: Mapping[str, Tone] = {"rubric": Tone.RUBRIC, "rate": Tone.PLAIN}
OWN_COLOURS: Mapping[str, str] = {  # series that are neither the model's nor the rubric's; readable on light and dark
    "scorecard": "#8a63c7",
    "linear": "#c24f86",
    "booster": "#8c7c1a",
    "blend": "#2f8f8f",
    Policy.EQUAL_PRECISION.label: "#2f8f8f",
    Policy.MODEL_CAPACITY.label: "#c24f86",
    Policy.MODEL_VALUE.label: "#6f7a8b",
    Policy.RUBRIC_CAPACITY.label: "#8c7c1a",
}
SYMBOLS: Mapping[str, str] = {  # by where a policy cuts: a reader who sees no hue tells them apart too
    Policy.EQUAL_PRECISION: "square",
    Policy.RUBRIC_CAPACITY: "diamond",
    Policy.MODEL_CAPACITY: "diamond",
    Policy.MODEL_VALUE: "triangle-up",
    Policy.PROPOSED_RUBRIC: "x",
}
SHARE, COUNT = ".0%", ",.0f"


def tone_of(name: str, winner: str | None) -> Tone:
    """Colour role of a candidate: the winner is the model."""
    return Tone.MODEL if name == winner else TONES.get(name, Tone.GOOD)


def split_pairs(pairs: Sequence[Sequence[float | None] | None]) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Intervals as (lows, highs); unknown ones as None."""
    known = [pair if pair else (None, None) for pair in pairs]
    return tuple(p[0] for p in known), tuple(p[1] for p in known)


def cv_loss(candidates: Sequence[Mapping[str, Any]], winner: str | None, rows: int, *, in_time: bool = True) -> Chart:
    """Out-of-fold log loss per candidate, with one standard error to each side."""
    apart = "later ones from earlier ones" if in_time else "one fold from the others"
    ordered = sorted(candidates, key=lambda r: -float(r["cv_log_loss"]))
    series = tuple(
        Series(
            name=row["name"],
            mark=Mark.POINTS,
            tone=tone_of(row["name"], winner),
            x=(row["cv_log_loss"],),
            y=(row["name"],),
            low=(row["cv_log_loss"] - row["cv_log_loss_se"],),
            high=(row["cv_log_loss"] + row["cv_log_loss_se"],),
        )
        for row in ordered
    )

    return Chart(
        name="cv_loss",
        title="Out-of-fold log loss per candidate",
        x=Axis(title="log loss (bar: one standard error)", form=".3f"),
        y=Axis(title=""),
        n=f"n = {rows:,} rows judged out of fold",
        words=f"Lower is better. Each candidate predicts rows it was not trained on, {apart}. "
        "Paired differences are less uncertain than these bars: the choice uses those.",
        series=series,
        sideways=True,
    )


def test_metric(
    figures: Mapping[str, Mapping[str, Any]], metric: str, title: str, axis: Axis, words: str, winner: str | None
) -> Chart:
    """One test figure per candidate with its 90% interval."""
    series = []
    for name, row in reversed(list(figures.items())):
        low, high = split_pairs([row.get(f"{metric}_ci")])
        series.append(
            Series(
                name=name, mark=Mark.POINTS, tone=tone_of(name, winner), x=(row[metric],), y=(name,), low=low, high=high
            )
        )
    rows, won = next(((int(r["n"]), int(r["won"])) for r in figures.values()), (0, 0))
    n = f"n = {rows:,} test rows, {won:,} won"
    return Chart(
        name=f"test_{metric}",
        title=title,
        x=axis,
        y=Axis(title=""),
        n=n,
        words=words,
        series=tuple(series),
        sideways=True,
    )


def by_block(candidates: Sequence[Mapping[str, Any]], folds: Sequence[Mapping[str, Any]], winner: str | None) -> Chart:
    """Log loss of each candidate in each development block."""
    dated = {str(fold["name"]): _block_name(fold) for fold in folds}  # draws of the same folds have no row of their own
    series = tuple(
        Series(
            name=row["name"],
            mark=Mark.LINE,
            tone=tone_of(row["name"], winner),
            x=tuple(dated.get(str(part["block"]), str(part["block"])) for part in row["blocks"]),
            y=tuple(part["log_loss"] for part in row["blocks"]),
        )
        for row in candidates
        if row.get("blocks")
    )

    in_time = any(str(fold["test_from"]) for fold in folds)
    judged = sum(int(fold["test"]) for fold in folds)
    return Chart(
        name="by_block",
        title=f"Log loss from {'block to block' if in_time else 'fold to fold'}",
        x=Axis(title="block of later rows" if in_time else "fold"),
        y=Axis(title="log loss", form=".3f"),
        n=f"n = {judged:,} rows in {len(folds)} {'blocks' if in_time else 'folds'}{_draws(series, folds)}",
        words="Blocks differ in base rate, so levels move together; what counts is which line is lower, and whether "
        "that holds in every block.",
        series=series,
    )


def _draws(series: Sequence[Series], folds: Sequence[Mapping[str, Any]]) -> str:
    """How often the same rows were cut into blocks, where it was more than once."""
    times = max((len(one.x) for one in series), default=0) // max(len(folds), 1)
    return f", drawn {times} times" if times > 1 else ""


def _block_name(fold: Mapping[str, Any]) -> str:
    start = str(fold["test_from"])
    return f"{fold['name']}<br>{start[:10]}" if start else str(fold["name"])


def base_rate(months: Sequence[Mapping[str, Any]], unit: str) -> Chart:
    """Share won by month (or tenth of the rows) over all matured rows."""
    series = Series(
        name="won",
        mark=Mark.BARS,
        tone=Tone.PLAIN,
        x=tuple(row["period"] for row in months),
        y=tuple(row["share"] for row in months),
        text=tuple(f"{row['won']:,} of {row['rows']:,} rows" for row in months),
    )

    rows = sum(int(row["rows"]) for row in months)
    return Chart(
        name="base_rate",
        title=f"Share won by {unit}",
        x=Axis(title=unit),
        y=Axis(title="share of matured rows won", form=SHARE, zero=True),
        n=f"n = {rows:,} matured rows, {sum(int(r['won']) for r in months):,} won",
        words="Where this moves, a model learned from the past is off in level first: compare the calibration below.",
        series=(series,),
    )


def calibration(table: Sequence[Mapping[str, Any]], test_rows: int) -> Chart:
    """Predicted probability against observed share, in bins of equal size."""
    top = max([max(float(r["predicted"]), float(r["observed"])) for r in table], default=1.0) * 1.08
    low, high = split_pairs([r["ci"] for r in table])
    points = Series(
        name="observed",
        mark=Mark.POINTS,
        tone=Tone.MODEL,
        x=tuple(float(r["predicted"]) for r in table),
        y=tuple(float(r["observed"]) for r in table),
        low=low,
        high=high,
        text=tuple(f"{r['rows']:,} rows" for r in table),
    )

    line = Series(name="perfect", mark=Mark.GUIDE, tone=Tone.PLAIN, x=(0.0, top), y=(0.0, top))

    return Chart(
        name="calibration",
        title="Calibration on the test rows",
        x=Axis(title="predicted probability of a win", form=SHARE, zero=True),
        y=Axis(title="share won", form=SHARE, zero=True),
        n=f"n = {test_rows:,} test rows in {len(table)} bins of equal size",
        words="On the dashed line, what was predicted is what happened. Bars are 90% intervals of the observed share, "
        "whole accounts resampled, never narrower than binomial ones.",
        series=(line, points),
    )


def workload(comparison: PoliciesRecord, figure: str) -> Chart:
    """Wins or precision against workload for rubric and model, with bands and the compared operating points."""
    series = []
    curves: Mapping[str, Sequence[Mapping[str, Any]]] = comparison.curves
    policies: Sequence[Mapping[str, Any]] = comparison.policies
    for name, points in curves.items():
        low, high = split_pairs([p[f"{figure}_ci"] for p in points])
        where, what = tuple(p["workload"] for p in points), tuple(p[figure] for p in points)
        series.append(Series(name=name, mark=Mark.LINE, tone=Tone(name), x=where, y=what, low=low, high=high))

    for row in policies:
        if row["workload"] and row["by"] in curves:
            name = row["policy"]
            series.append(
                Series(
                    name=policy_label(name),
                    mark=Mark.POINTS,
                    tone=Tone(row["by"]),
                    x=(row["workload"],),
                    y=(row[figure],),
                    text=(row["rule"],),
                    symbol=SYMBOLS.get(name, "circle"),
                    label=place_of(name).lower(),
                )
            )

    wins = figure == "wins"
    return Chart(
        name=f"workload_{figure}",
        title="Wins inside the list, by its length" if wins else "Precision of the list, by its length",
        x=Axis(title="leads handed off", form=COUNT, log=not wins),
        y=Axis(
            title="wins inside the list" if wins else "share of handed-off leads won",
            form=COUNT if wins else SHARE,
            zero=True,
        ),
        n=f"n = {comparison.leads:,} leads, {comparison.winnable:,} of them could be won",
        words="Every list is cut at the same length. Bands are 90% intervals over accounts; the points are the "
        "policies of the table."
        if wins
        else "The shorter the list, the better its leads should be; a flat line would mean a score that does not rank.",
        series=tuple(series),
    )


def by_month(rows: Sequence[Mapping[str, Any]], policies: Sequence[str]) -> Chart:
    """Precision per month of the compared policies."""
    series = []
    for policy in policies:
        mine = [row for row in rows if row["policy"] == policy]
        tone = Tone.RUBRIC if policy.startswith("rubric") else Tone.MODEL
        series.append(
            Series(
                name=policy_label(policy),
                mark=Mark.LINE,
                tone=tone,
                x=tuple(row["month"] for row in mine),
                y=tuple(row["precision"] for row in mine),
                text=tuple(f"{row['wins']} of {row['workload']} won" for row in mine),
            )
        )

    handed = sum(int(row["workload"]) for row in rows if row["policy"] in policies)
    is_time = not any(str(row["month"]).startswith("tenth") for row in rows)
    return Chart(
        name="by_month",
        title="Precision month by month" if is_time else "Precision along the rows",
        x=Axis(title="month of the handoff" if is_time else "tenth of the test rows, in their order"),
        y=Axis(title="share of handed-off leads won", form=SHARE, zero=True),
        n=f"n = {handed:,} handoffs",
        words="One good month proves little: see whether one line stays above the other. Later months hold fewer "
        "handoffs, as a lead is handed off once."
        if is_time
        else "One good stretch proves little: see whether one line stays above the other.",
        series=tuple(series),
    )


def scores(counts: Sequence[Mapping[str, Any]], leads: int, what: str) -> Chart:
    """Distribution of scores in steps of five points."""
    bars = Series(
        name="leads",
        mark=Mark.BARS,
        tone=Tone.MODEL,
        x=tuple(r["score"] for r in counts),
        y=tuple(r["leads"] for r in counts),
    )
    return Chart(
        name="scores",
        title=f"Scores of the {what}",
        x=Axis(title="score (0 to 100, steps of five)", limits=(-3, 103)),
        y=Axis(title="leads", form=COUNT, zero=True),
        n=f"n = {leads:,} leads",
        words="50 is at the reference odds, not at the average lead: most leads lie below it.",
        series=(bars,),
    )
