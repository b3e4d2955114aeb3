"""How far a score can be trusted, in one or two plain sentences: the one text of report, pages and API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_FEWEST = 20  # leads of a hundred; below that a chance is written with one digit


class TrustLevel(StrEnum):
    """What may be done with the score."""

    SORT = "sort"  # the order holds, and so do the percentages
    ORDER_ONLY = "order only"  # the order holds, the percentages are off
    UNCLEAR = "unclear"  # no better than chance beyond noise
    NOT = "not"  # worse than chance
    UNTESTED = "untested"


@dataclass(frozen=True)
class Said:
    """A sentence as a template, which a catalog may translate, and what is filled in."""

    template: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Trust:
    """The verdict, and the sentences that say it: the first stands alone, the second shows it on the best leads."""

    level: TrustLevel
    said: tuple[Said, ...]

    def text(self) -> str:
        """The sentences in English.

        >>> Trust(TrustLevel.SORT, (Said("Of 100, {won} were won.", {"won": 0.22}),)).text()
        'Of 100, 22 were won.'
        """
        return " ".join(
            one.template.format(**{name: in_hundred(value) for name, value in one.values.items()}) for one in self.said
        )


SORT = "You can sort by the score."
ORDER_ONLY = "You can sort by the score, but do not take its chances at their word."
UNCLEAR = "Do not rely on the order yet: on the leads kept for the test it was no better than chance beyond noise."
NOT = "Do not sort by the score: on the leads kept for the test its order was worse than chance."
UNTESTED = "Nobody knows yet how far the score can be trusted: no test was made."
HELD = "Of the leads it gave {predicted} chances in 100, {observed} in 100 were won."
HIGH = "Of the leads it gave {predicted} chances in 100, only {observed} in 100 were won."
LOW = "Of the leads it gave {predicted} chances in 100, as many as {observed} in 100 were won."
SENTENCES = (SORT, ORDER_ONLY, UNCLEAR, NOT, UNTESTED, HELD, HIGH, LOW)  # for catalogs


def in_hundred(value: float) -> str:
    """A share as so many in 100; small ones with a digit.

    >>> in_hundred(0.2345), in_hundred(0.0123), in_hundred(0)
    ('23', '1.2', '0')
    """
    per_hundred = 100 * value
    return f"{per_hundred:.0f}" if per_hundred >= _FEWEST / 2 or per_hundred == 0 else f"{per_hundred:.1f}"


def judge_trust(
    auc_interval: Sequence[float | None] | None,
    reliability: Sequence[Mapping[str, Any]],
    error: float | None,
    error_by_chance: float | None,
) -> Trust:
    """The verdict on a tested score.

    Parameters
    ----------
    auc_interval : 90% interval of the AUC on the test rows
    reliability : bins of the test rows by chance, ``predicted``, ``observed`` and whether it is ``inside``
    error, error_by_chance : calibration error, and what correct chances would show in 95 of 100 such tests
    """
    low, high = auc_interval or (None, None)
    if low is None or high is None:
        return Trust(TrustLevel.UNTESTED, (Said(UNTESTED, {}),))
    if high < 0.5:
        return Trust(TrustLevel.NOT, (Said(NOT, {}),))
    if low <= 0.5:
        return Trust(TrustLevel.UNCLEAR, (Said(UNCLEAR, {}),))

    off = error is not None and error_by_chance is not None and error > error_by_chance
    level, first = (TrustLevel.ORDER_ONLY, ORDER_ONLY) if off else (TrustLevel.SORT, SORT)
    said = [Said(first, {})]
    if reliability:
        best = max(reliability, key=lambda row: float(row["predicted"]))
        template = HELD if best["inside"] else HIGH if best["observed"] < best["predicted"] else LOW
        said.append(Said(template, {"predicted": float(best["predicted"]), "observed": float(best["observed"])}))
    return Trust(level, tuple(said))
