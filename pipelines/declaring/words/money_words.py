"""What headers say of money: in which unit it stands, and whether it is hoped for rather than agreed."""

import re

from pipelines.declaring.words.header_words import words_of

_SCALES = (
    (0.01, "hundredths", r"\b(cents?|centavos?|centimes?|centesimi|groszy|grosze|pence|pennies|kopeek|öre|ore)\b"),
    (1e6, "millions", r"\b(millions?|mio|mln|millionen|milioni|millones|milhoes)\b|백만 ?원|百万円"),
    (1e4, "ten thousands", r"만 ?원|万円|万元"),
    (1e3, "thousands", r"\b(thousands?|tsd|tys|milliers|migliaia|miles de|milhares|keur|kusd|kchf|kpln)\b|천 ?원|千円"),
)
# what sales hope for is no figure of a close, where another column has that
_PLANNED = re.compile(
    r"\b(est|estimated|expected|planned|target|forecast|anticipated|projected|potential|voraussichtlich\w*|erwartet\w*|"
    r"geplant\w*|prevue?s?|previst[oa]|estimad[oa]|planowan\w*|przewidywan\w*)\b|예상|예정|予定|見込|预计"
)


def is_planned(header: str) -> bool:
    """Whether a header speaks of what is hoped for or planned.

    >>> is_planned("Est. Revenue"), is_planned("Actual Close Date")
    (True, False)
    """
    return bool(_PLANNED.search(words_of(header)))


def money_scale(header: str) -> tuple[float, str] | None:
    """What a number under a header is to be multiplied by to be whole units of money, and its unit in words.

    >>> money_scale("amount_cents"), money_scale("예상금액 (만원)"), money_scale("Amount")
    ((0.01, 'hundredths'), (10000.0, 'ten thousands'), None)
    """
    words = words_of(header)
    return next(((scale, unit) for scale, unit, pattern in _SCALES if re.search(pattern, words)), None)
