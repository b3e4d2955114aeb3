"""Whether feeds still come, and as many rows as usual: each in its own rhythm."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from features.array_types import Floats, Ints
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY, NEVER
from models.judging.feeds.feed_fault import RENAMED, TWICE, FaultKind, FeedFault, day, listed, named_values, place
from models.judging.feeds.feed_profile import FEWEST, WEEK, repeated_rows
from models.judging.feeds.row_blocks import exceeds
from models.judging.feeds.watched_table import WatchedTable

_CHANCE = np.log(1e5)  # a silence that long comes once in so many, were rows to come at random
_GAPS = 1.5  # times the longest silence of a year
_LEAST = 8 * MICROSECONDS_PER_DAY  # exports that come weekly are a week old; a fast feed's volume tells sooner
_LEAST_UNKNOWN = 14 * MICROSECONDS_PER_DAY  # where nothing is known of how fresh the feeds were in training
_TOLD = 3  # feeds of a table that are told one by one
_YEAR = 365 * MICROSECONDS_PER_DAY
_WINDOWS = (1, 4)  # weeks
_MORE = 1.4  # times more, or fewer, than the most or fewest of a year
_SIGMAS = 6.0
_WEEKS_OF_HISTORY = 26
_REPEATS = 0.1


@dataclass(frozen=True)
class Silence:
    """The newest row of a feed, and the longest silence that is usual [microseconds]."""

    newest: int
    usual: int


def find_silence(clock: Ints, cutoff: int) -> Silence | None:
    """The silence of rows by when they became known, where it is longer at a moment than their own rhythm explains."""
    found = _silence(clock[clock < cutoff], cutoff, 0, _LEAST_UNKNOWN)
    return None if found is None else Silence(*found)


def find_stopped(table: WatchedTable, cutoff: int, known_silence: Mapping[str, int] | None = None) -> list[FeedFault]:
    """Feeds whose newest row is older than their own rhythm explains.

    Parameters
    ----------
    known_silence : by feed, how long it had been silent when the champion was trained [microseconds]; None: unknown
    """
    if not table.has_clock:
        return []
    least = _LEAST if known_silence is not None else _LEAST_UNKNOWN
    known = known_silence or {}
    whole = _silence(table.clock[table.clock < cutoff], cutoff, known.get("", 0), least)
    if whole is not None:
        return [_stopped(table.name, "", *whole, cutoff)]
    silent = {}
    for code, feed in enumerate(table.feeds) if table.feeds != ("",) else ():
        rows = (table.feed == code) & (table.clock < cutoff)
        silence = _silence(table.clock[rows], cutoff, known.get(feed, 0), least)
        if silence is not None:
            silent[feed] = silence
    if not silent:
        return []
    end = min(newest for newest, _ in silent.values())
    born = _born_since(table, end, cutoff)
    if born:
        sentence = (
            f"{place(table.name)}: {listed(list(silent))} no longer come, {listed(born)} are new since {day(end)}."
        )
        values = named_values(gone=silent, new=born)
        return [
            FeedFault(
                kind=FaultKind.VALUES,
                table=table.name,
                since=day(end),
                sentence=sentence,
                remedy=RENAMED,
                values=values,
            )
        ]
    found = [_stopped(table.name, feed, *silence, cutoff) for feed, silence in silent.items()]
    if len(found) <= _TOLD:
        return found
    more = f" So have {len(found) - 1} others: {listed(list(silent)[1:])}."
    return [replace(found[0], sentence=found[0].sentence + more, values=named_values(gone=silent))]


def _born_since(table: WatchedTable, moment: int, cutoff: int) -> list[str]:
    """Feeds with rows enough whose first row came after a moment."""
    known = table.clock != NEVER
    found = []
    for code, feed in enumerate(table.feeds):
        own = table.clock[(table.feed == code) & known & (table.clock < cutoff)]
        if len(own) >= FEWEST and own.min() >= moment:
            found.append(feed)
    return found


def _silence(clock: Ints, cutoff: int, known: int, least: int) -> tuple[int, int] | None:
    """Newest row and the longest silence that is usual, where the present one is longer; else None."""
    moments = np.sort(clock[clock != NEVER])
    if len(moments) < FEWEST:
        return None
    newest = int(moments[-1])
    silent = cutoff - newest
    recent = moments[moments >= newest - _YEAR]
    gaps = np.diff(recent)
    longest = int(gaps.max()) if len(gaps) else 0
    mean = (newest - int(recent[0])) / max(len(recent) - 1, 1)
    usual = int(max(_GAPS * longest, _CHANCE * mean, least))
    if silent <= usual + min(known, usual) or known > usual:
        return None
    return newest, usual


def _stopped(table: str, feed: str, newest: int, usual: int, cutoff: int) -> FeedFault:
    days, rhythm = (cutoff - newest) / MICROSECONDS_PER_DAY, usual / MICROSECONDS_PER_DAY
    return FeedFault(
        kind=FaultKind.FRESHNESS,
        table=table,
        feed=feed,
        since=day(newest),
        sentence=(
            f"{place(table, feed)} has been silent for {days:.0f} days (newest row {day(newest)}); in its own rhythm "
            f"{rhythm:.0f} days are the most."
        ),
        remedy="The feed stopped: check its sync or export, load what is missing, and ingest again.",
    )


def find_odd_volumes(table: WatchedTable, cutoff: int) -> list[FeedFault]:
    """Feeds with far more or fewer rows than any stretch of their last year, and rows that come twice."""
    if not table.has_clock:
        return []
    twice = _find_repeats(table, cutoff)
    if twice:
        return twice
    ages = np.where(table.clock == NEVER, -1, (cutoff - 1 - table.clock) // WEEK)
    whole = _odd(ages[ages >= 0])
    if whole is not None:
        return [_odd_fault(table.name, "", *whole, cutoff)]
    found = []
    for code, feed in enumerate(table.feeds) if table.feeds != ("",) else ():
        odd = _odd(ages[(table.feed == code) & (ages >= 0)])
        if odd is not None:
            found.append(_odd_fault(table.name, feed, *odd, cutoff))
    return found


def _find_repeats(table: WatchedTable, cutoff: int) -> list[FeedFault]:
    if table.happened is None or table.name == "leads" or len(table) < FEWEST:
        return []
    again, new = repeated_rows(table), (table.clock >= cutoff - 2 * WEEK) & (table.clock < cutoff)
    if new.sum() < FEWEST or (~new).sum() < FEWEST:
        return []
    share, before = float(again[new].mean()), float(again[~new].mean())
    if not exceeds(share, np.array([before]), int(new.sum()), _REPEATS):
        return []
    sentence = (
        f"{place(table.name)}: {share:.0%} of the rows of the last two weeks repeat another one, {before:.1%} before."
    )
    return [FeedFault(kind=FaultKind.VOLUME, table=table.name, sentence=sentence, remedy=TWICE)]


def _odd(ages: Ints) -> tuple[int, float, float] | None:
    """Weeks of the newest window, its rows and what was to be expected, where they differ beyond the usual."""
    if not len(ages):
        return None
    weeks = np.bincount(ages.astype(np.int64))[::-1].astype(np.float64)  # the newest last
    weeks = weeks[np.argmax(weeks > 0) + 4 :]  # a feed's first weeks fill up
    earlier = weeks[:-4][-52:]
    clumping = max(2.0, float(earlier.var() / max(earlier.mean(), 0.1))) if len(earlier) else 2.0
    for width in _WINDOWS:
        if len(weeks) < _WEEKS_OF_HISTORY + 3 * width:
            continue
        sums = _window_sums(weeks, width)
        ratios = _against_before(sums, width)
        now, past = ratios[-1], ratios[:-width][-52:]
        expected = sums[-1] / now if now > 0 else _expected(sums, width)
        spread = np.sqrt(max(expected, 1.0) * clumping)
        if abs(sums[-1] - expected) < _SIGMAS * spread or max(expected, sums[-1]) < FEWEST:
            continue
        if now > _MORE * past.max() or now < past.min() / _MORE:
            return width, float(sums[-1]), float(expected)
    return None


def _window_sums(weeks: Floats, width: int) -> Floats:
    return np.convolve(weeks, np.ones(width), mode="valid")


def _expected(sums: Floats, width: int) -> float:
    return float(np.mean(sums[-width - 8 : -width]))


def _against_before(sums: Floats, width: int) -> Floats:
    """Each window against the mean of the eight windows that ended where it began."""
    starts = range(width + 7, len(sums))
    return np.array([sums[k] / max(float(np.mean(sums[k - width - 7 : k - width + 1])), 0.5) for k in starts])


def _odd_fault(table: str, feed: str, width: int, rows: float, expected: float, cutoff: int) -> FeedFault:
    span = "week" if width == 1 else f"{width} weeks"
    more = rows > expected
    return FeedFault(
        kind=FaultKind.VOLUME,
        table=table,
        feed=feed,
        since=day(cutoff - width * WEEK),
        sentence=(
            f"{place(table, feed)}: {rows:,.0f} rows in the last {span}, about {expected:,.0f} were to be expected "
            f"from the weeks before."
        ),
        remedy=(
            "Look for rows that come twice, or a campaign that nobody announced."
            if more
            else "Check the sync or export of this feed: is it complete?"
        ),
    )
