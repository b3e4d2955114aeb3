"""Rows that were there when the champion was trained, then and now: an export must not rewrite its own past."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.array_types import Floats
from models.judging.feeds.feed_fault import (
    RENAMED,
    TWICE,
    UNFILLED,
    FaultKind,
    FeedFault,
    day,
    listed,
    named_values,
    place,
)
from models.judging.feeds.feed_profile import FEWEST, HOUR, LEVELS, WEEK

_ROWS = 0.05  # of the rows: fewer or more than that came or went
_WEEK_GONE = 0.5  # of a week's rows, that are left where a stretch of weeks counts as gone
_MOVED = 0.05  # of the rows, that hold other values than before
_UNIT = 2.0  # times as large in the middle
_HOURS = 0.1  # of the rows, that lie in another hour than before
_SHIFT = 3  # hours; less may be daylight saving, or one more office
_LAG = 2.0  # hours
_REPEATS = 0.05  # of the rows, more than before
_EXPORT = "The export rewrote the past: compare it with the last one, and load it again once it is mended."


def find_rewritten(
    table: str, then: Mapping[str, Any], now: Mapping[str, Any], kept_from: int | None = None
) -> list[FeedFault]:
    """What a table's old rows no longer hold; both profiles are of the rows known before the same moment.

    Compared are feeds that ``now`` holds, too: of few rows, those that it was asked for (``compared``).
    Rows before ``kept_from`` [microseconds] may go without being missed; weeks after it are compared alone.
    """
    if kept_from is not None and then["has_clock"] and kept_from // WEEK >= (then["whole"]["first_week"] or 0):
        then, now = _weeks_after(then, kept_from // WEEK + 1), _weeks_after(now, kept_from // WEEK + 1)
        few = [name for name, own in then["feeds"].items() if own["rows"] < FEWEST]  # a profile holds none so small
        then["feeds"] = {name: own for name, own in then["feeds"].items() if name not in few}
        now["feeds"] = {name: own for name, own in now["feeds"].items() if name not in few}
    if then["rows"] < FEWEST:
        return []
    found = _find_moved_rows(table, then, now)
    if any(not fault.feed and fault.kind is FaultKind.VOLUME for fault in found):
        return found  # with half a table gone, shares of values mean nothing
    for before, after in ((then, now), (then["recent"], now["recent"])):  # shares of all rows where all of them moved
        known = {(fault.feed, fault.column) for fault in found}
        moved = [*_find_moved_values(table, before, after), *_find_moved_hours(table, before, after)]
        found += [fault for fault in moved if (fault.feed, fault.column) not in known]
    return found


def _weeks_after(profile: Mapping[str, Any], week: int) -> dict[str, Any]:
    """A profile of the weeks from one on; what was measured on other rows, too, is left out."""
    whole = _cut(profile["whole"], week)
    feeds = {name: _cut(own, week) for name, own in profile["feeds"].items()}
    recent, first = profile["recent"], profile["recent"]["whole"]["first_week"]
    if first is not None and first < week:
        recent = {**recent, "whole": _cut(recent["whole"], week), "columns": []}
    return {**profile, "rows": whole["rows"], "whole": whole, "feeds": feeds, "columns": [], "recent": recent}


def _cut(feed: Mapping[str, Any], week: int) -> dict[str, Any]:
    first = feed["first_week"]
    weeks = [] if first is None else feed["weeks"][max(week - first, 0) :]
    start = max(first, week) if weeks else None
    return {"rows": sum(weeks), "first_week": start, "weeks": weeks, "newest": feed["newest"], "oldest": []}


def _find_moved_rows(table: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[FeedFault]:
    if not then["has_clock"]:
        if now["rows"] < (1 - _ROWS) * then["rows"]:
            return [_lost(table, "", then["rows"], now["rows"], "")]
        return []
    ratio = now["rows"] / then["rows"]
    if now["repeats"] > then["repeats"] + _REPEATS:
        return [_repeated(table, then["rows"], now["rows"], now["repeats"])]
    if ratio > 1 + _ROWS and now["rows"] - then["rows"] >= FEWEST:
        sentence = (
            f"{place(table)} holds {now['rows']:,} rows of the time before the training, {then['rows']:,} then: "
            f"{ratio:.2f} times as many."
        )
        remedy = "Look for an export that was added to itself, or a join that multiplies rows; load each row once."
        return [FeedFault(kind=FaultKind.VOLUME, table=table, sentence=sentence, remedy=remedy)]
    since = _gone_since(then["whole"], now["whole"])
    if ratio < 1 - _ROWS or since:
        return [_lost(table, "", then["rows"], now["rows"], since)]
    return _find_moved_feeds(table, then["feeds"], now["feeds"])


def _find_moved_feeds(table: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[FeedFault]:
    """Kinds, questions or stages that are gone, or called something else."""
    rows = {name: (own["rows"], now[name]["rows"]) for name, own in then.items() if name in now}
    gone = [name for name, (before, after) in rows.items() if after < _WEEK_GONE * before]
    new = [name for name, own in now.items() if name not in then and own["rows"] >= FEWEST]
    if gone and new:
        return [_renamed(table, "", gone, new)]
    found = [_lost(table, name, *rows[name], _gone_since(then[name], now[name])) for name in gone]
    for name in set(rows) - set(gone):
        before, after = rows[name]
        since = _gone_since(then[name], now[name])
        if since:
            found.append(_lost(table, name, before, after, since))
        elif after > (1 + 2 * _ROWS) * before and after - before >= FEWEST:
            sentence = f"{place(table, name)}: {after:,} rows of the time before the training, {before:,} then."
            found.append(FeedFault(kind=FaultKind.VOLUME, table=table, feed=name, sentence=sentence, remedy=_EXPORT))
    return found


def _gone_since(then: Mapping[str, Any], now: Mapping[str, Any] | None) -> str:
    """First day of the last weeks of which most rows are gone, if there are two such weeks; else empty."""
    if then["first_week"] is None:
        return ""
    before = np.array(then["weeks"], dtype=np.float64)
    after = np.zeros(len(before))
    if now is not None and now["first_week"] is not None:
        for k, rows in enumerate(now["weeks"]):
            at = now["first_week"] - then["first_week"] + k
            if 0 <= at < len(before):
                after[at] = rows
    gone = (before > 0) & (after < _WEEK_GONE * before)
    kept = np.flatnonzero(~gone & (before > 0))
    start = int(kept[-1]) + 1 if len(kept) else 0
    if gone[start:].sum() < 2 or before[start:].sum() < FEWEST:
        return ""
    return day((then["first_week"] + start) * WEEK)


def _lost(table: str, feed: str, before: int, after: int, since: str) -> FeedFault:
    when = f", most of those since {since}" if since else ""
    return FeedFault(
        kind=FaultKind.VOLUME,
        table=table,
        feed=feed,
        since=since or None,
        sentence=f"{place(table, feed)}: {before - after:,} of {before:,} rows that the training knew are gone{when}.",
        remedy="Check the export or the sync that fills this table: is it complete? Then ingest again.",
    )


def _repeated(table: str, before: int, after: int, share: float) -> FeedFault:
    return FeedFault(
        kind=FaultKind.VOLUME,
        table=table,
        sentence=(
            f"{place(table)}: {share:.0%} of the rows repeat another one in all but their id; {after:,} rows of the "
            f"time before the training, {before:,} then."
        ),
        remedy=TWICE,
    )


def _renamed(table: str, column: str, gone: Sequence[str], new: Sequence[str], feed: str = "") -> FeedFault:
    return FeedFault(
        kind=FaultKind.VALUES,
        table=table,
        feed=feed,
        column=column,
        sentence=f"{place(table, feed, column)}: {listed(gone)} are gone, {listed(new)} are new.",
        remedy=RENAMED,
        values=named_values(gone=gone, new=new),
    )


def _find_moved_values(table: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[FeedFault]:
    after = {(own["column"], own["feed"]): own for own in now["columns"]}
    found = []
    for before in then["columns"]:
        own = after.get((before["column"], before["feed"]))
        if own is not None:
            found += _compare_values(table, before, own)
    return found


def _compare_values(table: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FeedFault]:
    column, feed = before["column"], before["feed"]
    where = place(table, feed, column)

    def emptied(sentence: str, remedy: str) -> list[FeedFault]:
        told = FeedFault(
            kind=FaultKind.EMPTIED, table=table, feed=feed, column=column, sentence=sentence, remedy=remedy
        )
        return [told]

    if after["missing"] > before["missing"] + _MOVED:
        return emptied(
            f"{where}: {after['missing']:.0%} of the rows that the training knew are empty now, "
            f"{before['missing']:.0%} were then.",
            "The column was emptied: look for a changed form, mapping or permission in the CRM.",
        )
    was, now = before.get("zeros"), after.get("zeros")  # profiles kept by earlier versions have none
    if was is not None and now is not None and now > was + _MOVED:
        return emptied(
            f"{where}: {now:.0%} of the rows that the training knew are 0 now, {was:.0%} were then.", UNFILLED
        )
    if before["tenths"] and after["tenths"]:
        ratio = np.array(after["tenths"]) / np.maximum(np.array(before["tenths"]), 1e-300)
        times = float(np.median(ratio))
        same = 1 / _UNIT < times < _UNIT
        return [] if same else [unit_fault(table, feed, column, times, "rows that the training knew")]
    return _compare_levels(table, before, after)


def _compare_levels(table: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FeedFault]:
    old, new = before["levels"], after["levels"]
    if not old or not new:
        return []
    moved = {name: new.get(name, 0.0) - old.get(name, 0.0) for name in {*old, *new}}
    was, now = _of_all_rows(before), _of_all_rows(after)
    changed = [sum(abs(b.get(n, 0.0) - a.get(n, 0.0)) for n in moved) / 2 for a, b in ((old, new), (was, now))]
    if min(changed) < _MOVED or min(_filled(before), _filled(after)) < FEWEST:
        return []
    gone = sorted((n for n in old if new.get(n, 0.0) < 0.5 * old[n]), key=lambda n: moved[n])
    came = sorted((n for n in new if n not in old or new[n] > 2 * old[n]), key=lambda n: -moved[n])
    fresh = [name for name in came if name not in old and len(old) < LEVELS]
    if gone and came:
        if fresh:
            return [_renamed(table, before["column"], gone, fresh, before["feed"])]
        return [
            concentrated_fault(table, before["feed"], before["column"], came[0], was.get(came[0], 0.0), now[came[0]])
        ]
    name = max(moved, key=lambda n: abs(moved[n]))
    return [concentrated_fault(table, before["feed"], before["column"], name, was.get(name, 0.0), now.get(name, 0.0))]


def _filled(column: Mapping[str, Any]) -> float:
    return float(column["rows"] * (1 - column["missing"]))


def _of_all_rows(column: Mapping[str, Any]) -> dict[str, float]:
    """Levels as shares of all rows, as gaps are: few values tell little."""
    return {name: share * (1 - column["missing"]) for name, share in column["levels"].items()}


def concentrated_fault(table: str, feed: str, column: str, level: str, before: float, after: float) -> FeedFault:
    """One value that took the place of others."""
    return FeedFault(
        kind=FaultKind.VALUES,
        table=table,
        feed=feed,
        column=column,
        sentence=f"{place(table, feed, column)}: '{level}' in {after:.0%} of the rows, {before:.0%} before.",
        remedy="A default or another list took the place of values: mend the form or mapping that fills the column.",
        values=named_values(more=[level]),
    )


def unit_fault(table: str, feed: str, column: str, ratio: float, rows: str) -> FeedFault:
    """Numbers that are a multiple of what they were."""
    times = f"{ratio:,.0f} times" if ratio >= 1.95 else f"{ratio:.1f} times" if ratio >= 0.5 else f"1/{1 / ratio:,.0f}"
    return FeedFault(
        kind=FaultKind.UNIT,
        table=table,
        feed=feed,
        column=column,
        sentence=f"{place(table, feed, column)}: {rows} are about {times} as large as before.",
        remedy="A unit changed (thousands for ones, cents for euros): mend the export, or declare 'scale:'.",
    )


def _find_moved_hours(table: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[FeedFault]:
    """A clock that runs differently: hours of the day, or how late rows become known."""
    before, after = then["whole"], now["whole"]
    moved = _moved_by(before.get("oldest", []), after.get("oldest", []))
    if moved:
        return [clock_fault(table, "", moved, "the rows that the training knew moved")]
    feeds = now.get("feeds", {})
    pairs = [("", before, after), *((name, own, feeds.get(name)) for name, own in then.get("feeds", {}).items())]
    for feed, old, new in pairs:
        if new is None or "hours" not in old or "hours" not in new or new["rows"] < FEWEST:
            continue
        if abs(new["lag"] - old["lag"]) >= _LAG:
            return [clock_fault(table, feed, new["lag"] - old["lag"], "how late rows become known moved")]
        shift = best_shift(np.array(old["hours"], dtype=np.float64), np.array(new["hours"], dtype=np.float64))
        if shift:
            return [clock_fault(table, feed, shift, "the hours of the day moved")]
    return []


def _moved_by(before: Sequence[int], after: Sequence[int]) -> float:
    """Hours by which the oldest rows moved, all of them alike; 0 where they did not."""
    if len(before) < FEWEST or len(after) != len(before):
        return 0.0
    hours = (np.array(after) - np.array(before)) / HOUR
    moved = float(np.median(hours))
    return moved if abs(moved) >= 1 and float(np.abs(hours - moved).max()) < 1 / 60 else 0.0


def best_shift(before: Floats, after: Floats) -> int:
    """By how many hours (-12 to 12) a day's profile moved; 0 where it did not, or where it has no rhythm to tell by.

    >>> day = np.array([0.0] * 8 + [50.0] * 8 + [0.0] * 8)
    >>> best_shift(day, np.roll(day, 9)), best_shift(day, np.roll(day, 1)), best_shift(day, day)
    (9, 0, 0)
    """
    if before.sum() < FEWEST or after.sum() < FEWEST:
        return 0
    old, new = before / before.sum(), after / after.sum()
    if np.abs(old - 1 / 24).sum() / 2 < _HOURS or np.abs(old - new).sum() / 2 < _HOURS:
        return 0
    near = [float(np.abs(np.roll(old, k) - new).sum() / 2) for k in range(24)]
    best = int(np.argmin(near))
    if near[best] > 0.5 * near[0]:
        return 0
    shift = best if best <= 12 else best - 24
    return shift if abs(shift) >= _SHIFT else 0


def clock_fault(table: str, feed: str, hours: float, what: str) -> FeedFault:
    """A clock that was moved."""
    return FeedFault(
        kind=FaultKind.CLOCK,
        table=table,
        feed=feed,
        sentence=f"{place(table, feed)}: {what} by about {hours:+.0f} hours.",
        remedy="A time zone changed: declare 'timezone:' of the column, or export with the offset, as before.",
    )
