"""When an export was taken: as given, by a date in its name, or by the file's own clock where that is certain."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from features.errors import ContractError
from pipelines.artifacts.snapshots_record import ExportHistory, TakenSnapshot
from pipelines.snapshots.snapshot_errors import UnknownTakenAtError

# A clock is read only where it cannot be a running number: after a T, or with seconds.
_YEAR_FIRST = re.compile(
    r"(?<!\d)(?P<year>20\d\d)(?P<sign>[-_.]?)(?P<month>0[1-9]|1[0-2])(?P=sign)(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:T(?P<hour>[01]\d|2[0-3])[-:_.h]?(?P<minute>[0-5]\d)(?:[-:_.]?(?P<second>[0-5]\d))?"
    r"|[-_ ]?(?P<hour2>[01]\d|2[0-3])(?P<sign2>[-:_.]?)(?P<minute2>[0-5]\d)(?P=sign2)(?P<second2>[0-5]\d))?"
    r"(?P<utc>Z)?(?!\d)"
)
_DAY_FIRST = re.compile(r"(?<!\d)(?P<day>0[1-9]|[12]\d|3[01])\.(?P<month>0[1-9]|1[0-2])\.(?P<year>20\d\d)(?!\d)")
# A file written within a day of the newest row it holds was written when it was exported; a copy made later, which has
# the time of the copy, is further from it.
_CERTAIN = pd.Timedelta(days=1)
_TODAY = pd.Timedelta(hours=25)  # the longest day, where clocks go back


@dataclass(frozen=True)
class TakenAt:
    """When an export was taken (naive UTC), and how that was found."""

    moment: pd.Timestamp
    found: str


def read_taken_at(text: str, zone: ZoneInfo) -> TakenAt:
    """A given moment; a date without a time of day is the end of that day.

    Raises
    ------
    ContractError
        if the text is no ISO time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as problem:
        raise ContractError(
            f"--taken-at: '{text}' is not an ISO time; write 2026-01-05 or 2026-01-05T18:00, in {zone.key} unless it "
            "names a zone."
        ) from problem
    if re.fullmatch(r"\d{4}-?\d\d-?\d\d", text.strip()):
        return TakenAt(_end_of(moment, zone), "given, by the end of that day")
    return TakenAt(_utc(moment, zone), "given")


def find_taken_at(path: Path, newest: pd.Timestamp | None, zone: ZoneInfo) -> TakenAt:
    """When a file was exported: by the date in its name or its folder's, else by the time it was written.

    Parameters
    ----------
    newest : latest moment a row of the file tells of

    Raises
    ------
    UnknownTakenAtError
        if neither is certain.
    """
    for name, what in ((path.stem, "file name"), (path.parent.name, "folder name")):
        found = _dates_in(name, zone)
        if len(found) == 1:
            return TakenAt(found[0][0], f"{found[0][1]} in the {what}")
        if len(found) > 1:
            raise _unknown(path, f"the {what} holds {len(found)} dates")

    written = pd.Timestamp(path.stat().st_mtime, unit="s").floor("us")
    if newest is not None and pd.Timedelta(0) <= written - newest <= _CERTAIN:
        return TakenAt(written, "time the file was written")
    why = "no row tells a time" if newest is None else f"its newest row is of {newest:%Y-%m-%d %H:%M}"
    raise _unknown(path, f"its name has no date, it was written on {written:%Y-%m-%d %H:%M} and {why}")


def as_known(history: ExportHistory, now: pd.Timestamp, as_of: pd.Timestamp | None = None) -> ExportHistory:
    """The snapshots by when they were known: one that was added before the day it is dated by was over, since then.

    That stays so once the day is over: the same snapshots make the same tables on any day. One of which is not written
    down when it was added is known ``now`` while its day lasts. ``as_of`` leaves those out that were known from that
    moment on. The order stays; what was dated later than a day ahead keeps its date.
    """
    found: list[TakenSnapshot] = []
    for snapshot in history.snapshots:
        moment = pd.Timestamp(snapshot.taken_at)
        added = now if snapshot.added_at is None else pd.Timestamp(snapshot.added_at)
        if added < moment <= added + _TODAY:
            moment = added
        if found:  # an older one of the same day may have been added after a newer one
            moment = max(moment, pd.Timestamp(found[-1].taken_at) + pd.Timedelta(microseconds=1))
        if as_of is not None and moment >= as_of:
            break
        found.append(snapshot.model_copy(update={"taken_at": moment.isoformat()}))
    return history.model_copy(update={"snapshots": tuple(found)})


def _unknown(path: Path, why: str) -> UnknownTakenAtError:
    return UnknownTakenAtError(
        f"{path.name} does not say when it was taken: {why}. Pass --taken-at, e.g. --taken-at 2026-01-05T18:00, or put "
        "the date into its name, e.g. leads_2026-01-05.csv."
    )


def _dates_in(name: str, zone: ZoneInfo) -> list[tuple[pd.Timestamp, str]]:
    found: dict[pd.Timestamp, str] = {}
    for match in _YEAR_FIRST.finditer(name):
        part = match.groupdict()
        day = _day(part)
        if day is None:
            continue
        hour, minute, second = (part[key] or part[f"{key}2"] for key in ("hour", "minute", "second"))
        if hour is None:
            found[_end_of(day, zone)] = "date"
        else:
            at = day.replace(hour=int(hour), minute=int(minute), second=int(second or 0))
            found[pd.Timestamp(at) if part["utc"] else _utc(at, zone)] = "time"
    for match in _DAY_FIRST.finditer(name):
        day = _day(match.groupdict())
        if day is not None:
            found[_end_of(day, zone)] = "date"
    return list(found.items())


def _day(part: dict[str, str | None]) -> datetime | None:
    try:
        return datetime(int(part["year"] or 0), int(part["month"] or 0), int(part["day"] or 0))
    except ValueError:
        return None


def _utc(moment: datetime, zone: ZoneInfo) -> pd.Timestamp:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return pd.Timestamp(aware).tz_convert("UTC").tz_localize(None)


def _end_of(day: datetime, zone: ZoneInfo) -> pd.Timestamp:
    """The last microsecond of a day in a zone: what stood in a file of that day was known by then."""
    following = pd.Timestamp(day).normalize() + pd.Timedelta(days=1)
    return _utc(following.to_pydatetime(), zone) - pd.Timedelta(microseconds=1)
