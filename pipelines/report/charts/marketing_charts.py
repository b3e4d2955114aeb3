"""Charts for marketing and sales: the queue and the funnel."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.report.charts.chart_records import COUNT, Axis, Chart, Mark, Series, Tone


def waiting(rows: Sequence[Mapping[str, Any]]) -> Chart:
    """How long the leads wait that capacity leaves in the queue."""
    series = Series(
        name="median days",
        mark=Mark.LINE,
        tone=Tone.MODEL,
        x=tuple(int(row["snapshot"]) for row in rows),
        y=tuple(row["median_days"] for row in rows),
        text=tuple(f"{str(row['date'])[:10]}: {row['waiting']:,} leads waiting" for row in rows),
    )

    return Chart(
        name="waiting",
        title="How old the queue gets at the present capacity",
        x=Axis(title=f"snapshots since {str(rows[0]['date'])[:10]}", form=COUNT),
        y=Axis(title="median days since first seen", form=COUNT, zero=True),
        n=f"n = {len(rows)} weeks, {rows[-1]['waiting']:,} leads in the queue at the end",
        words="Leads that are open and were not handed off, counted from the first judged week. What climbs week by "
        "week is a list nobody will reach: nurture it, or take it out.",
        series=(series,),
    )


def funnel(rows: Sequence[Mapping[str, Any]]) -> Chart:
    """Leads that ever entered each stage."""
    shown = list(rows)[::-1]
    bars = Series(
        name="leads",
        mark=Mark.BARS,
        tone=Tone.MODEL,
        x=tuple(int(row["leads"]) for row in shown),
        y=tuple(str(row["stage"]) for row in shown),
        text=tuple(_stage_words(row) for row in shown),
    )

    return Chart(
        name="funnel",
        title="Funnel: leads that entered each stage",
        x=Axis(title="leads", form=COUNT, zero=True),
        y=Axis(title=""),
        n=f"n = {int(rows[0]['leads']):,} leads in the first stage",
        words="Every lead once per stage, whenever it entered. Young leads had less time to go further: read the table "
        "by month before blaming a stage.",
        series=(bars,),
        sideways=True,
    )


def _stage_words(row: Mapping[str, Any]) -> str:
    further, days = row["went_further"], row["median_days"]
    words = "" if further is None else f"{further:.0%} went further"
    return words if days is None else f"{words}, {days:.1f} days in it (median of those who left)".lstrip(", ")
