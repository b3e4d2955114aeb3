"""What homes are made of: tiles, and sentences that are written in the reader's language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from models.explaining.language import Language
from models.judging.evaluation.trust import Trust, TrustLevel
from serving.pages.charts.sparkline import Sparkline, build_sparkline
from serving.pages.written_values import write_count, write_decimal

_WHOLE_FROM = 0.1  # chances from here on are written without a digit after the point, as the report writes them


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A figure, what it is of, where it leads, how it moved; ``term`` names the glossary's word for it.

    ``direction`` is 1 for better, -1 for worse, 0 for unchanged, None where nothing is compared; ``arrow`` shows which
    way the figure went. ``of_all``: it is of all owners' leads on a page that is of one owner's.
    """

    title: str
    value: str
    unit: str = ""
    href: str = ""
    foot: str = ""
    direction: int | None = None
    arrow: str = ""
    spark: Sparkline | None = None
    spark_label: str = ""
    term: str = ""
    of_all: bool = False


def of_all_owners(tile: Tile | None, owner: str | None) -> Tile | None:
    """A figure that is counted over everybody's leads, marked so on the page of one owner."""
    return tile if tile is None or owner is None else replace(tile, of_all=True)


@dataclass(frozen=True)
class PlainNote:
    """One thing said in full: tone is ``good``, ``watch``, ``stop`` or empty."""

    text: str
    tone: str = ""
    href: str = ""
    link: str = ""


@dataclass(frozen=True)
class Move:
    """How a figure moved: in words, and whether that is better."""

    foot: str = ""
    direction: int | None = None
    arrow: str = ""
    spark: Sparkline | None = None


TONES = {
    TrustLevel.SORT: "good",
    TrustLevel.ORDER_ONLY: "watch",
    TrustLevel.UNCLEAR: "watch",
    TrustLevel.NOT: "stop",
    TrustLevel.UNTESTED: "",
}


def write_trust(language: Language, trust: Trust) -> PlainNote:
    """How far the score can be trusted; the sentence of the report, in the reader's language."""
    texts = []
    for said in trust.said:
        values = {
            name: write_decimal(language, 100 * value, 0 if value >= _WHOLE_FROM or value == 0 else 1)
            for name, value in said.values.items()
        }
        texts.append(language.text(said.template, **values))
    return PlainNote(" ".join(texts), TONES[trust.level], "/model", language.text("See the evidence"))


def compare_counts(language: Language, values: Sequence[float | None], *, more_is_better: bool) -> Move:
    """The last figure against the one of a week before, None where nobody counted, and the line of all of them."""
    spark, (before, last) = build_sparkline(values), _last_two(values)
    if before is None or last is None:
        return Move(spark=spark)
    change = round(last - before)
    if change == 0:
        return Move(language.text("as many as a week ago"), 0, "same", spark)
    count = write_count(language, abs(change))
    text = language.text("{count} more in a week" if change > 0 else "{count} fewer in a week", count=count)
    return Move(text, 1 if (change > 0) == more_is_better else -1, "up" if change > 0 else "down", spark)


def _last_two(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    return (values[-2], values[-1]) if len(values) > 1 else (None, None)


def compare_shares(language: Language, values: Sequence[float | None]) -> Move:
    """The last share there is against the month before it, in points of a hundred; more is better."""
    known = [place for place, value in enumerate(values) if value is not None]
    values = values[: known[-1] + 1] if known else ()
    spark, (before, last) = build_sparkline(values), _last_two(values)
    if before is None or last is None:
        return Move(spark=spark)
    change = round(100 * (last - before))
    if change == 0:
        return Move(language.text("as a month before"), 0, "same", spark)
    one, many = (
        ("{count} point up in a month", "{count} points up in a month")
        if change > 0
        else ("{count} point down in a month", "{count} points down in a month")
    )
    text = language.plural(one, many, abs(change), count=write_count(language, abs(change)))
    return Move(text, 1 if change > 0 else -1, "up" if change > 0 else "down", spark)


def write_month(language: Language, month: str) -> str:
    """The name of a month such as ``2026-06``.

    >>> from models.explaining.language import load_language
    >>> [write_month(load_language(code), "2026-06") for code in ("en", "ko", "pl")]
    ['June', '6월', 'czerwiec']
    """
    from babel.dates import format_date

    return format_date(date.fromisoformat(f"{month}-01"), "LLLL", locale=language.code)


def say_no_call(language: Language, hot: int) -> str:
    """How many hot leads had no call."""
    return language.plural(
        "{n} hot lead has had no call.", "{n} hot leads have had no call.", hot, n=write_count(language, hot)
    )


def say_overdue(language: Language, late: int) -> str:
    """How many leads wait longer than promised."""
    return language.plural(
        "{n} lead waits longer than promised.",
        "{n} leads wait longer than promised.",
        late,
        n=write_count(language, late),
    )


def join_sentences(parts: Iterable[str]) -> str:
    """Sentences side by side, empty ones left out."""
    return " ".join(part for part in parts if part)
