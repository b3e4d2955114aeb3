"""Charts are records first: what is drawn, with its units, n and words."""

import pytest

from pipelines.artifacts.comparison_record import PoliciesRecord
from pipelines.report.charts import chart_records, influence_charts, marketing_charts
from pipelines.report.charts.chart_records import Axis, Chart, Mark, Series, Tone
from pipelines.report.charts.plotly_figures import plotly_figure


def blocks_of(loss: float, draws: int = 1) -> list[dict[str, object]]:
    more = ["", *(f", draw {k}" for k in range(2, draws + 1))]
    return [{"block": f"block {k}{draw}", "log_loss": loss} for draw in more for k in (1, 2)]


CANDIDATES = [
    {"name": "rate", "cv_log_loss": 0.3, "cv_log_loss_se": 0.01, "cv_auc": 0.5, "blocks": blocks_of(0.3)},
    {"name": "linear", "cv_log_loss": 0.25, "cv_log_loss_se": 0.02, "cv_auc": 0.7, "blocks": blocks_of(0.25)},
]
FOLDS = [
    {"name": "block 1", "test": 40, "test_from": "2026-01-05T00:00:00"},
    {"name": "block 2", "test": 60, "test_from": ""},
]
COMPARISON = PoliciesRecord.model_construct(
    leads=90,
    winnable=9,
    curves={
        name: [
            {"workload": 10, "wins": 4, "precision": 0.4, "wins_ci": [2, 6], "precision_ci": [0.2, 0.6]},
            {"workload": 20, "wins": 5, "precision": 0.25, "wins_ci": [3, 8], "precision_ci": [None, None]},
        ]
        for name in ("rubric", "model")
    },
    policies=[
        {"policy": "rubric_own_threshold", "by": "rubric", "rule": "r", "workload": 12, "wins": 3, "precision": 0.25},
        {"policy": "nobody", "by": "model", "rule": "r", "workload": 0, "wins": 0, "precision": None},
    ],
)


INFLUENCE = [
    {
        "name": "visits",
        "label": "visits",
        "unit": "count",
        "number": True,
        "points": [1.0, -2.0, 1.0, 0.5],
        "values": [3.0, 0.0, 3.0, None],
        "shade": ["high value", "low value", "high value", "other"],
    },
    {
        "name": "industry",
        "label": "industry",
        "unit": "",
        "number": False,
        "points": [0.0, 0.0, 0.0, 0.0],
        "values": ["a", "b", "a", None],
        "shade": ["other"] * 4,
    },
]
WAITING = [
    {"snapshot": k, "date": f"2026-01-{5 + 7 * k:02d}T00:00:00", "waiting": 9 - k, "median_days": 7.0 * k}
    for k in range(3)
]
FUNNEL = [
    {"stage": "lead", "leads": 90, "went_further": 0.5, "median_days": 3.0},
    {"stage": "won", "leads": 9, "went_further": None, "median_days": None},
]


def all_charts() -> list[Chart]:
    figures = {
        "rate": {"n": 100, "won": 9, "auc": 0.5, "auc_ci": None},
        "linear": {"n": 100, "won": 9, "auc": 0.7, "auc_ci": [0.6, 0.8]},
    }
    bins = [
        {"predicted": 0.1, "observed": 0.12, "share": 0.5, "rows": 50, "ci": [0.06, 0.2]},
        {"predicted": 0.4, "observed": 0.3, "share": 0.5, "rows": 50, "ci": [0.2, 0.4]},
    ]
    months = [
        {"period": "2026-01", "rows": 50, "won": 5, "share": 0.1},
        {"period": "2026-02", "rows": 50, "won": 9, "share": 0.18},
    ]
    by_month = [{"policy": "rubric_own_threshold", "month": "2026-01", "workload": 5, "wins": 1, "precision": 0.2}]
    sizes = [{"name": "a", "label": "A", "points": 3.0}, {"name": "b", "label": "B", "points": 1.0}]
    return [
        chart_records.cv_loss(CANDIDATES, "linear", 100),
        chart_records.test_metric(figures, "auc", "AUC", Axis(title="AUC"), "Words.", "linear"),
        chart_records.by_block(CANDIDATES, FOLDS, "linear"),
        chart_records.base_rate(months, "month"),
        chart_records.calibration(bins, 100),
        chart_records.workload(COMPARISON, "wins"),
        chart_records.workload(COMPARISON, "precision"),
        chart_records.by_month(by_month, ("rubric_own_threshold",)),
        influence_charts.importance(sizes, 90, "criterion"),
        influence_charts.importance(sizes, 90, "feature"),
        influence_charts.beeswarm(INFLUENCE, 4),
        influence_charts.dependence(INFLUENCE[0], 4),
        chart_records.scores([{"score": 2, "leads": 9}], 9, "open leads"),
        marketing_charts.waiting(WAITING),
        marketing_charts.funnel(FUNNEL),
    ]


@pytest.mark.parametrize("chart", all_charts(), ids=lambda chart: chart.name)
def test_every_chart_has_title_units_n_and_words(chart: Chart) -> None:
    assert chart.title and chart.words.endswith(".") and chart.n.startswith("n = ")
    assert chart.x.title and (chart.y.title or chart.sideways or chart.y.ticks)
    assert chart.records() and all(row["y"] is not None for row in chart.records())
    spec = plotly_figure(chart)
    assert spec["layout"]["xaxis"]["title"]["text"] == chart.x.title
    assert all("tone" in trace["meta"] for trace in spec["data"])


def test_the_winner_has_the_model_s_colour_and_the_best_stands_on_top() -> None:
    chart = chart_records.cv_loss(CANDIDATES, "linear", 100)
    assert [s.name for s in chart.series] == ["rate", "linear"], "drawn from the bottom: the best is last"
    assert chart.series[-1].tone is Tone.MODEL
    assert chart.records()[-1]["low"] == pytest.approx(0.23)
    assert chart.records()[-1]["high"] == pytest.approx(0.27)


def test_whiskers_are_distances_from_the_point() -> None:
    bins = [{"predicted": 0.2, "observed": 0.3, "share": 1.0, "rows": 100, "ci": [0.25, 0.38]}]
    trace = plotly_figure(chart_records.calibration(bins, 100))["data"][-1]
    assert trace["error_y"]["arrayminus"][0] == pytest.approx(0.05)
    assert trace["error_y"]["array"][0] == pytest.approx(0.08)
    sideways = plotly_figure(chart_records.cv_loss(CANDIDATES, "linear", 100))["data"][-1]
    assert sideways["error_x"]["array"] == [pytest.approx(0.02)]


def test_a_band_leaves_out_unknown_bounds_and_idle_policies_are_not_drawn() -> None:
    chart = chart_records.workload(COMPARISON, "precision")
    band = plotly_figure(chart)["data"][0]
    assert band["x"] == [10, 10] and band["y"] == [0.6, 0.2]
    assert "nobody" not in {s.name for s in chart.series}
    assert [s.tone for s in chart.series if s.mark is Mark.POINTS] == [Tone.RUBRIC]


def test_a_legend_only_where_there_is_something_to_tell_apart() -> None:
    one = Chart(
        name="c",
        title="T",
        x=Axis(title="x"),
        y=Axis(title="y"),
        n="n = 1",
        words="W.",
        series=(Series(name="s", mark=Mark.LINE, tone=Tone.PLAIN, x=(1,), y=(2,)),),
    )
    two = Chart(name="c", title="T", x=Axis(title="x"), y=Axis(title="y"), n="n = 1", words="W.", series=one.series * 2)
    assert not plotly_figure(one)["layout"]["showlegend"] and plotly_figure(two)["layout"]["showlegend"]


def test_a_swarm_shows_every_lead_in_the_row_of_its_feature_and_apart_from_its_like() -> None:
    chart = influence_charts.beeswarm(INFLUENCE, 4)
    assert [name for _, name in chart.y.ticks] == ["visits", "industry"]  # the largest on top
    dots = [(float(str(row["x"])), float(str(row["y"]))) for row in chart.records()]
    assert len(dots) == 8 and len(set(dots)) == 8
    assert sum(abs(y - 1.0) < 0.4 for _, y in dots) == 4 and sum(abs(y) < 0.4 for _, y in dots) == 4
    assert next(s for s in chart.series if s.name == "low value").x == (-2.0,)


def test_dependence_leaves_out_and_counts_what_has_no_value() -> None:
    chart = influence_charts.dependence(INFLUENCE[0], 4)
    assert chart.series[0].x == (3.0, 0.0, 3.0)
    assert "1 without a value" in chart.n


def test_the_funnel_narrows_from_the_top_and_the_queue_says_when_it_began() -> None:
    stages = marketing_charts.funnel(FUNNEL)
    wider = [FUNNEL[0], *(dict(row) | {"leads": 10_000_000} for row in FUNNEL[1:])]
    assert marketing_charts.funnel(wider).n == stages.n, "the first stage's, however many enter a later one"
    assert stages.records()[-1] == {"series": "leads", "x": 90, "y": "lead", "low": None, "high": None}
    assert stages.series[0].text == ("", "50% went further, 3.0 days in it (median of those who left)")
    queue = marketing_charts.waiting(WAITING)
    assert queue.x.title == "snapshots since 2026-01-05" and "7 leads in the queue at the end" in queue.n
    assert [row["y"] for row in queue.records()] == [0.0, 7.0, 14.0]


def test_blocks_drawn_several_times_are_all_drawn_and_counted_once() -> None:
    rows = [{**row, "blocks": blocks_of(0.3, draws=3)} for row in CANDIDATES]
    chart = chart_records.by_block(rows, FOLDS, "linear")
    assert {len(one.x) for one in chart.series} == {6} == {len(one.y) for one in chart.series}
    assert chart.n == "n = 100 rows in 2 blocks, drawn 3 times"
    assert len(chart.records()) == 12


def test_folds_without_time_are_no_blocks_of_later_rows() -> None:
    row = {
        "name": "linear",
        "cv_log_loss": 0.3,
        "cv_log_loss_se": 0.01,
        "blocks": [{"block": "fold 1", "log_loss": 0.3}],
    }
    fold = {"name": "fold 1", "test": 100, "test_from": ""}
    apart = [
        chart_records.cv_loss([row], "linear", 100, in_time=False),
        chart_records.by_block([row], [fold], "linear"),
    ]
    assert not any("later" in str(chart) for chart in apart)
    dated = {**fold, "test_from": "2024-01-01"}
    in_time = [chart_records.cv_loss([row], "linear", 100), chart_records.by_block([row], [dated], "linear")]
    assert all("later" in str(chart) for chart in in_time)
