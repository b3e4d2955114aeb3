"""Charts to PNG with matplotlib, for MLflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.artifacts.score_record import read_cards
from pipelines.report.charts.chart_records import OWN_COLOURS, Axis, Chart, Mark, Series, Tone
from pipelines.report.charts.run_charts import charts_of
from pipelines.report.charts.shap_images import draw_shap
from pipelines.workspace.context import Context

WATERFALLS = 3  # leads at the top of the worklist whose score is drawn step by step

_COLOURS = {
    Tone.MODEL: "#2f6fb3",
    Tone.RUBRIC: "#c7661f",
    Tone.GOOD: "#4a8c5c",
    Tone.BAD: "#b3261e",
    Tone.PLAIN: "#6b7684",
}


def draw_pictures(context: Context, folder: Path) -> list[Path]:
    """A PNG per chart of the run, the waterfall of the first leads in points, and what the shap package draws."""
    cards = read_cards(context.paths)[:WATERFALLS]
    falls = [waterfall(card, folder / f"waterfall_{k}.png", k) for k, card in enumerate(cards, start=1)]
    own = [draw(chart, folder / f"{chart.name}.png") for chart in charts_of(context)]
    return own + falls + draw_shap(context, folder)


def waterfall(card: Mapping[str, Any], path: Path, place: int) -> Path:
    """One lead's way from 50 over base, criteria and clip to its score.

    The title names its place on the worklist: an id in a picture could not be taken out again.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = [("base", card["points_base"]), *((row["label"], row["points"]) for row in card["criteria"])]
    steps += [("clip", card["points_clip"])] if card["points_clip"] else []

    figure = Figure(figsize=(8, 1.6 + 0.42 * (len(steps) + 2)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()

    at = 50
    axes.barh([0], [at], color=_COLOURS[Tone.PLAIN])
    for row, (_, points) in enumerate(steps, start=1):
        axes.barh([row], [points], left=at, color=_COLOURS[Tone.GOOD if points >= 0 else Tone.BAD])
        axes.text(max(at, at + points) + 1, row, f"{points:+d}", va="center", fontsize=8)
        at += points

    last = len(steps) + 1
    axes.barh([last], [at], color=_COLOURS[Tone.MODEL])
    axes.text(at + 1, last, str(at), va="center", fontsize=8)

    axes.set_yticks(range(last + 1), ["start", *(label for label, _ in steps), "score"])
    axes.invert_yaxis()
    axes.set_title(f"Lead at place {place} of the worklist: from 50 to {card['score']}", loc="left", fontweight="bold")
    axes.set_xlabel(f"points; 50 means a probability of {card['reference_probability']:.1%}")
    axes.spines[["top", "right"]].set_visible(False)

    figure.savefig(path, dpi=110)
    return path


def draw(chart: Chart, path: Path) -> Path:
    """One chart as PNG, with its title, units, n and words."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = max((len(s.y) for s in chart.series), default=1) if chart.sideways else 0
    if chart.sideways and len(chart.series) > 1:
        rows = len(chart.series)

    height = max(4.2, 1.6 + 0.34 * rows)
    figure = Figure(figsize=(8, height))
    figure.subplots_adjust(
        left=0.3 if chart.sideways or chart.y.ticks else 0.11, right=0.97, top=1 - 0.4 / height, bottom=0.95 / height
    )
    FigureCanvasAgg(figure)

    axes = figure.add_subplot()
    for one in chart.series:
        _draw_series(axes, chart, one)

    axes.set_title(chart.title, loc="left", fontweight="bold")
    _label(axes.xaxis, axes.set_xlim, chart.x)
    _label(axes.yaxis, axes.set_ylim, chart.y)

    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)

    if not chart.sideways and len(chart.series) > 1:
        axes.legend(frameon=False, fontsize=8)
    if not chart.sideways and chart.series and isinstance(chart.series[0].x[:1], tuple) and _are_words(chart):
        axes.tick_params(axis="x", rotation=45, labelsize=8)

    figure.text(0.99, 0.02, chart.n, fontsize=8, ha="right")
    figure.savefig(path, dpi=110)
    return path


def _are_words(chart: Chart) -> bool:
    return any(isinstance(x, str) for one in chart.series for x in one.x)


def _draw_series(axes: Any, chart: Chart, one: Series) -> None:
    colour = OWN_COLOURS.get(one.name, _COLOURS[one.tone]) if one.tone is Tone.GOOD else _COLOURS[one.tone]
    x = [str(v).replace("<br>", "\n") if isinstance(v, str) else v for v in one.x]

    if one.mark is Mark.BARS:
        if chart.sideways:
            axes.barh(list(one.y), x, color=colour)
        else:
            width = 4.0 if not _are_words(chart) else 0.8
            axes.bar(x, list(one.y), color=colour, width=width)
    elif one.mark is Mark.GUIDE:
        axes.plot(x, list(one.y), color=colour, linestyle="--", linewidth=1)
    elif one.mark is Mark.LINE:
        axes.plot(x, list(one.y), color=colour, marker="o", markersize=3, label=one.name)
        if one.low:
            axes.fill_between(x, _floats(one.low), _floats(one.high), color=colour, alpha=0.15, linewidth=0)
    else:
        _draw_points(axes, chart, one, x, colour)


def _draw_points(axes: Any, chart: Chart, one: Series, x: list[Any], colour: str) -> None:
    bars = {}
    if one.low and None not in (*one.low, *one.high):
        middle = _floats(one.x if chart.sideways else one.y)
        down = [max(0.0, m - v) for m, v in zip(middle, _floats(one.low), strict=True)]
        up = [max(0.0, v - m) for m, v in zip(middle, _floats(one.high), strict=True)]
        bars = {"xerr" if chart.sideways else "yerr": [down, up]}
    axes.errorbar(x, list(one.y), fmt="o", color=colour, capsize=3, label=one.name, **bars)


def _floats(values: tuple[Any, ...]) -> list[float]:
    return [float("nan") if v is None else float(v) for v in values]


def _label(axis: Any, limit: Any, one: Axis) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_label_text(one.title)
    if one.form.endswith("%"):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if one.ticks:
        axis.set_ticks([place for place, _ in one.ticks], [name for _, name in one.ticks])
    if one.log:
        axis.axes.set_xscale("log")
    if one.limits:
        limit(*one.limits)
    elif one.zero and not one.log:
        limit(0)
