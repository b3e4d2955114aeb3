"""Time zones that a text names by letters: the declared zone's own names first, then those that mean one zone only."""

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

# Offsets in minutes. Left out: names of two zones, such as CST (Chicago, Shanghai), IST (India, Israel, Ireland) and
# BST (London, Dhaka); those are read where the declared zone uses them.
_MINUTES = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "WEST": 60,
    "CET": 60,
    "MEZ": 60,
    "CEST": 120,
    "MESZ": 120,
    "EET": 120,
    "EEST": 180,
    "MSK": 180,
    "EST": -300,
    "EDT": -240,
    "CDT": -300,
    "MST": -420,
    "MDT": -360,
    "PST": -480,
    "PDT": -420,
    "AKST": -540,
    "AKDT": -480,
    "HST": -600,
    "NST": -210,
    "NDT": -150,
    "BRT": -180,
    "ART": -180,
    "KST": 540,
    "JST": 540,
    "HKT": 480,
    "SGT": 480,
    "AWST": 480,
    "ACST": 570,
    "AEST": 600,
    "AEDT": 660,
    "NZST": 720,
    "NZDT": 780,
    "SAST": 120,
    "PKT": 300,
    "WIB": 420,
    "ICT": 420,
}


def offsets_of(zones: Sequence[str], local: pd.Series, declared: ZoneInfo) -> tuple[pd.Series, set[str]]:
    """Offset of each moment from UTC, NaT where there is none to be known; and the names nobody knows.

    Parameters
    ----------
    zones : per moment an offset such as ``+0100``, a name such as ``EST``, or an empty text
    local : the moments as written
    """
    found = pd.Series(pd.NaT, index=local.index, dtype="timedelta64[us]")
    names = pd.Series(list(zones), index=local.index, dtype="str")
    unknown: set[str] = set()
    for name in sorted(set(names) - {""}):
        hit = (names == name) & local.notna()
        if not hit.any():
            continue
        own = _in_declared_zone(name, local[hit], declared)
        minutes = _numeric(name) if name[0] in "+-" else _MINUTES.get(name)
        if own is not None:
            found[hit] = own
        elif minutes is not None:
            found[hit] = pd.Timedelta(minutes=minutes)
        else:
            unknown.add(name)
    return found, unknown


def _numeric(offset: str) -> int:
    parts = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})?", offset)
    if parts is None:
        return 0
    return (-1 if parts[1] == "-" else 1) * (60 * int(parts[2]) + int(parts[3] or 0))


def _in_declared_zone(name: str, local: pd.Series, declared: ZoneInfo) -> pd.Series | None:
    """Offsets where the declared zone calls itself so: standard and summer time by the name, not by the date."""
    year = int(local.dt.year.median()) if len(local) else 2024
    for month in (1, 7):
        moment = pd.Timestamp(year=year, month=month, day=1, tz=declared)
        if moment.tzname() == name:
            offset = moment.utcoffset()
            return pd.Series(np.timedelta64(offset), index=local.index).astype("timedelta64[us]")
    return None
