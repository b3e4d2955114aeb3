"""Charts to plotly: a JSON figure per chart; the page sets colours and sizes, so that light and dark both work."""

from collections.abc import Mapping
from typing import Any

from pipelines.report.charts.chart_records import Axis, Chart, Mark, Series, Tone

TONE_KEY = "tone"  # read by the page's script, which knows the colours of the theme


def plotly_figure(chart: Chart) -> dict[str, Any]:
    """Plotly figure of a chart: ``data`` and ``layout``; every trace names its tone under ``meta``."""
    traces: list[dict[str, Any]] = []
    for one in chart.series:
        traces += _traces(chart, one)

    down = {"type": "category", "automargin": True} if chart.sideways else {}
    layout = {
        "xaxis": _axis(chart.x),
        "yaxis": _axis(chart.y) | down,
        "showlegend": _needs_legend(chart),
        "barmode": "group",
        "hovermode": "closest",
    }

    return {"data": traces, "layout": layout, "rows": max((len(s.x) for s in chart.series), default=0)}


def _needs_legend(chart: Chart) -> bool:
    return not chart.sideways and len([s for s in chart.series if s.mark is not Mark.GUIDE]) > 1


def _axis(axis: Axis) -> dict[str, Any]:
    found: dict[str, Any] = {"title": {"text": axis.title}, "automargin": True}
    if axis.form:
        found |= {"tickformat": axis.form, "hoverformat": axis.form.replace(".0%", ".1%")}
    if axis.ticks:
        found |= {"tickvals": [place for place, _ in axis.ticks], "ticktext": [name for _, name in axis.ticks]}
    if axis.log:
        found["type"] = "log"
        found |= {"tickmode": "auto", "nticks": 8, "dtick": None}
    if axis.limits:
        found["range"] = list(axis.limits)
    elif axis.zero and not axis.log:
        found["rangemode"] = "tozero"
    return found


def _traces(chart: Chart, one: Series) -> list[dict[str, Any]]:
    traces = []
    has_band = bool(one.low) and one.mark is Mark.LINE
    if has_band:
        traces.append(_band(one))

    trace: dict[str, Any] = {
        "name": one.name,
        "x": list(one.x),
        "y": list(one.y),
        "meta": {TONE_KEY: str(one.tone), "mark": str(one.mark)},
    }

    if one.text:
        trace |= {"text": list(one.text), "hovertemplate": "%{x}, %{y}<br>%{text}<extra>" + one.name + "</extra>"}

    if one.mark is Mark.BARS:
        trace |= {"type": "bar", "orientation": "h" if chart.sideways else "v", "textposition": "none"}
    else:
        trace |= {"type": "scatter", "mode": _MODES[one.mark]}
    if one.mark is Mark.LINE and one.tone in _DASHES:
        trace["line"] = {"dash": _DASHES[one.tone]}
    if one.symbol:
        trace["marker"] = {"symbol": one.symbol}
    if one.label:
        trace |= {"mode": "markers+text", "text": [one.label] * len(one.x), "textposition": "top left"}
        trace |= {"hovertext": list(one.text), "cliponaxis": False}
        trace["hovertemplate"] = "%{x}, %{y}<br>%{hovertext}<extra>" + one.name + "</extra>"
    if one.mark is Mark.GUIDE:
        trace |= {"line": {"dash": "dash"}, "hoverinfo": "skip", "showlegend": False}
        trace.pop("hovertemplate", None)

    if one.low and one.mark is Mark.POINTS:
        trace["error_x" if chart.sideways else "error_y"] = _whiskers(one, chart.sideways)

    return [*traces, trace]


_DASHES: Mapping[Tone, str] = {Tone.RUBRIC: "dash", Tone.PLAIN: "dot"}
_MODES: Mapping[Mark, str] = {Mark.LINE: "lines+markers", Mark.POINTS: "markers", Mark.GUIDE: "lines"}


def _whiskers(one: Series, sideways: bool) -> dict[str, Any]:
    middle = one.x if sideways else one.y
    up = [_gap(h, m) for h, m in zip(one.high, middle, strict=True)]
    down = [_gap(m, low) for low, m in zip(one.low, middle, strict=True)]
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.5, "width": 4}


def _gap(high: Any, low: Any) -> float | None:
    return None if high is None or low is None else float(high) - float(low)


def _band(one: Series) -> dict[str, Any]:
    known = [(x, low, high) for x, low, high in zip(one.x, one.low, one.high, strict=True) if low is not None]
    return {
        "name": f"{one.name}, 90% interval",
        "type": "scatter",
        "mode": "lines",
        "x": [x for x, _, _ in known] + [x for x, _, _ in reversed(known)],
        "y": [high for _, _, high in known] + [low for _, low, _ in reversed(known)],
        "fill": "toself",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "meta": {TONE_KEY: str(one.tone), "mark": "band"},
    }
