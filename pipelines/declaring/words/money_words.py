"""What headers and values say of money: its unit, its currencies, whether it is hoped for rather than agreed."""

import re
import unicodedata

import pandas as pd

from pipelines.declaring.words.header_words import words_of
from pipelines.ingest.values.number_form import join_signs

# Of units within units (천만원 holds 만원) the larger stands first.
_SCALES = (
    (1e12, "trillions", r"(?<![가-힣])조 ?원|兆円|万亿元"),
    (1e9, "billions", r"\b(billions?|bn|mrd|milliarden?|milliards?|miliardi|miliardy|mld)\b|십억 ?원|十億円|十亿元"),
    (1e8, "hundred millions", r"억 ?원|億円|亿元|億元"),
    (1e7, "ten millions", r"천만 ?원|千万円|千万元"),
    (
        1e6,
        "millions",
        r"\b(millions?|mio|mln|millionen|milioni|millones|milhoes|milionow|milj|musd|meur|mkr|"
        r"msek|m (eur|usd|gbp|chf))\b|"
        r"백만 ?원|百万円|百万元",
    ),
    (1e5, "hundred thousands", r"십만 ?원|十万円|十万元"),
    (1e4, "ten thousands", r"만 ?원|万円|万元|萬元"),
    (
        1e3,
        "thousands",
        r"\b(thousands?|tsd|tys|tis|milliers|migliaia|miles de|milhares|keur|kusd|kgbp|kchf|kpln|kczk|kkr|ksek|tkr|"
        r"tsek|[kt] (eur|usd|gbp|chf|pln|czk)|tdkk|tnok|teur|tchf|tusd|in t|tausend|"
        r"mil (reais|euros|eur|brl|usd|dolares|pesos))\b|천 ?원|千円|千元|тыс",
    ),
    (0.01, "hundredths", r"(?<!per )\b(cents?|centavos?|centimes?|centesimi|groszy|grosze|pence|pennies|kopeek)\b"),
)
# Units that are told by a sign, a capital or an accent, which words are compared without: "k€", "Betrag T€", "R$ mil".
_SIGNED = (
    (1e6, "millions", r"R\$ ?(?:mi|milhões|MM)\b|\b(?:MM|M|mn|m) ?[€$£¥₩]|[€$£] ?(?:MM|M|mn|m)\b|\bmil\.? ?(?:Kč|CZK)"),
    (
        1e3,
        "thousands",
        r"R\$ ?mil\b|\bmil R\$|\b[TtKk] ?[€$£]|[€$£] ?[Kk]\b|['\u2019]000|[€$£] ?000s?\b|\b000s? ?[€$£]|"
        r"\b000s?\b ?(?:EUR|USD|GBP|CHF|PLN)|(?:EUR|USD|GBP|CHF|PLN) ?\b000s?\b",
    ),
    (0.01, "hundredths", r"(?i:\b[öø]re\b)|[€$] ?cts?\b|\bct\b"),
)

# what sales hope for is no figure of a close, where another column has that
_PLANNED = re.compile(
    r"\b(est|estimated|expected|planned|target|forecast|anticipated|projected|potential|voraussichtlich\w*|erwartet\w*|"
    r"geplant\w*|prevue?s?|previst[oa]|estimad[oa]|planowan\w*|przewidywan\w*)\b|예상|예정|予定|見込|预计"
)

_CURRENCY = re.compile(
    r"\b(currency|currencies|waluta|wahrung|devise|moneda|moeda|valuta|valuutta|para birimi)\b|통화|通貨|币种"
)
_SIGN = r"([€$£¥₩₹]|zł|Kč|kr|Ft|CHF|EUR|USD|GBP|PLN|CZK|SEK|NOK|DKK|HUF|JPY|KRW|CNY|INR|BRL|CAD|AUD)"
_ONE_CURRENCY = 0.95  # share of one currency from which the others are taken for slips
_MOST_CURRENCIES = 40


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
    words, text = words_of(header), unicodedata.normalize("NFC", header)
    found = next(((scale, unit) for scale, unit, pattern in _SCALES if re.search(pattern, words)), None)
    return found or next(((scale, unit) for scale, unit, pattern in _SIGNED if re.search(pattern, text)), None)


def currencies_of(frame: pd.DataFrame, amount: str) -> dict[str, int]:
    """Currencies of an amount with their rows, by its own signs, else by a column of currencies; empty if it is one.

    Sums of several currencies mean nothing.
    """
    own = _count(frame[amount].str.extract(_SIGN, expand=False))
    found = [join_signs(own)]
    found += [_count(frame[h]) for h in map(str, frame.columns) if h != amount and _CURRENCY.search(words_of(h))]
    for counts in found:
        if 1 < len(counts) <= _MOST_CURRENCIES and max(counts.values()) < _ONE_CURRENCY * sum(counts.values()):
            return counts
    return {}


def _count(texts: pd.Series) -> dict[str, int]:
    return {str(text): int(rows) for text, rows in texts.dropna().value_counts().items()}


def tell_currencies(amount: str, currencies: dict[str, int]) -> str:
    """Why an amount is left out, as a sentence."""
    shown = ", ".join(f"{sign} {rows:,}" for sign, rows in list(currencies.items())[:5])
    return (
        f"'{amount}' is left out as amount: it is in several currencies ({shown} rows), whose sums mean nothing. Add a "
        "column in one currency."
    )
