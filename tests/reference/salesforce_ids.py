"""Ids as Salesforce writes them, made by its rule and not by the product's reading of it."""

from collections.abc import Iterable

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def salesforce_id(prefix: str, number: int, *, long: bool = True) -> str:
    """An id of 15 characters, or of 18 with the checksum that makes it safe where case is lost.

    >>> salesforce_id("00Q", 36, long=False), salesforce_id("00Q", 10)
    ('00Q5f000000000a', '00Q5f000000000AEAQ')
    """
    digits, rest = "", number
    for _ in range(7):
        rest, place = divmod(rest, len(_DIGITS))
        digits = _DIGITS[place] + digits
    short = f"{prefix}5f000{digits}"
    return lengthen(short) if long else short


def lengthen(short: str) -> str:
    """The id of 18 characters of one of 15: each five characters give one that says which of them are capitals."""
    parts = (short[i : i + 5] for i in (0, 5, 10))
    return short + "".join(_CHECKS[sum(1 << i for i, c in enumerate(part) if c.isupper())] for part in parts)


def salesforce_ids(prefix: str, numbers: Iterable[int], *, long: bool = True) -> list[str]:
    """The ids of several numbers."""
    return [salesforce_id(prefix, int(number), long=long) for number in numbers]
