"""A cause: what is wrong with many values at once, and what to do next."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

MOST = 0.5  # share of the values a cause must explain before it is named: more than by chance, and more than any other
SHOWN = 5  # values named one by one


@dataclass(frozen=True)
class Cause:
    """What is behind many broken rows, and what to do next; both sentences."""

    sentence: str
    advice: str


def share_of(values: Sequence[str], fits: Callable[[str], object]) -> float:
    """Share of the values that fit, 0 to 1; 0 without values."""
    return sum(bool(fits(value)) for value in values) / len(values) if values else 0.0


def list_most_frequent(values: Iterable[str]) -> str:
    """The most frequent values with their counts, unless all are different.

    >>> list_most_frequent(["Ja", "Nein", "Ja"])
    "'Ja' 2, 'Nein' 1"
    """
    counts = Counter(values)
    once = max(counts.values(), default=0) == 1
    named = ", ".join(f"'{value[:40]}'" + ("" if once else f" {n:,}") for value, n in counts.most_common(SHOWN))
    return named + (f" and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else "")


def say_share(share: float, nouns: str) -> str:
    """A share in words.

    >>> say_share(1.0, "the ids"), say_share(0.934, "the ids")
    ('all of the ids', '93% of the ids')
    """
    return f"all of {nouns}" if share == 1.0 else f"{min(int(share * 100), 99)}% of {nouns}"
