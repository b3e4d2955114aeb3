"""How numbers, shares, intervals and days are written in the report."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.explaining.language import ENGLISH
from models.judging.handoff.policy_names import policy_label


def pct(value: float | None) -> str:
    """A share in per cent.

    >>> pct(0.1234), pct(None)
    ('12.3%', '-')
    """
    return "-" if value is None else f"{value:.1%}"


def chance(value: float | None) -> str:
    """A probability in per cent; what is not certain never reads as if it were.

    >>> chance(0.1234), chance(0.99998), chance(None)
    ('12.3%', '>99.9%', '-')
    """
    return "-" if value is None else ENGLISH.chance(value)


def count(value: float | None) -> str:
    """A whole number with thousands set apart."""
    return "-" if value is None else f"{value:,.0f}"


def cell(value: Any) -> str:
    """A value of a plot's table.

    >>> cell(0.123456), cell(None), cell("block 1<br>2026"), cell(12)
    ('0.1235', '-', 'block 1 2026', '12')
    """
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value).replace("<br>", " ")


def with_sign(value: int) -> str:
    """Points with their sign.

    >>> with_sign(3), with_sign(0), with_sign(-12)
    ('+3', '0', '−12')
    """
    return "0" if value == 0 else f"{value:+d}".replace("-", "−")


def interval(pair: Sequence[float | None] | None, form: str = "%.3f", start: str = "") -> str:
    """An interval as ``low to high``; empty where it is unknown.

    >>> interval([0.1, 0.25], "%.2f"), interval([None, None]), interval(None)
    ('0.10 to 0.25', '', '')
    """
    if not pair or pair[0] is None or pair[1] is None:
        return ""
    return f"{start}{form % pair[0]} to {form % pair[1]}"


def shares(pair: Sequence[float | None] | None) -> str:
    """An interval of shares in per cent; empty where resampling none or all of them gave one without width.

    >>> shares([0.1, 0.25]), shares([1.0, 1.0]), shares([0.0, 0.0])
    ('10.0% to 25.0%', '', '')
    """
    if not pair or pair[0] is None or pair[1] is None or (pair[0] == pair[1] and pair[0] in (0.0, 1.0)):
        return ""
    return f"{pair[0]:.1%} to {pair[1]:.1%}"


def short(value: float | None) -> str:
    """A sum in thousands or millions.

    >>> short(2843940.0), short(5400.0), short(120.0), short(None)
    ('2.84M', '5k', '120', '-')
    """
    if value is None:
        return "-"
    return (
        f"{value / 1e6:.2f}M" if abs(value) >= 1e6 else f"{value / 1e3:.0f}k" if abs(value) >= 1e3 else f"{value:.0f}"
    )


def sums(pair: Sequence[float | None] | None) -> str:
    """An interval of sums, short."""
    return "" if not pair or None in pair else f"{short(pair[0])} to {short(pair[1])}"


def day(moment: Any) -> str:
    """The day of an ISO moment; other texts as they are.

    >>> day("2026-06-29T00:00:00"), day("row 1"), day(None)
    ('2026-06-29', 'row 1', '')
    """
    if moment is None:
        return ""
    text = moment.isoformat() if hasattr(moment, "isoformat") else str(moment)
    return text[:10] if text[4:5] == "-" else text


def p_value(value: float | None) -> str:
    """A p value, small ones as a bound.

    >>> p_value(0.034), p_value(1e-9), p_value(None)
    ('0.034', '< 0.0001', '-')
    """
    if value is None:
        return "-"
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}" if value < 0.01 else f"{value:.3f}"


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def days(text: str) -> str:
    """The text with midnights left out of its moments.

    >>> days("2026-01-05T00:00:00 to 2026-02-02T06:30:00")
    '2026-01-05 to 2026-02-02 06:30'
    """
    return re.sub(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d", r"\1 \2", text).replace(" 00:00", "")


FILTERS: Mapping[str, Callable[..., str]] = {
    "pct": pct,
    "chance": chance,
    "count": count,
    "cell": cell,
    "signed": with_sign,
    "interval": interval,
    "shares": shares,
    "short": short,
    "sums": sums,
    "day": day,
    "p_value": p_value,
    "capital": capital,
    "days": days,
    "policy": policy_label,
}
