"""Values that cannot be read as declared or are not allowed: which other form or language they are in."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from pipelines.ingest.diagnosis.cause import MOST, SHOWN, Cause, list_most_frequent, share_of
from pipelines.ingest.values.yes_no_words import FALSE_WORDS, TRUE_WORDS

_SAMPLE = 500  # values tried against every form
_NUMBERS: Sequence[tuple[str, str, str]] = (
    (r"[+-]?[\d.,'\s]+%", "they are percentages", "export plain numbers"),
    (r"[+-]?\d{1,3}(?:['’\s\u00a0\u202f]\d{3})+(?:[.,]\d+)?", "their thousands are grouped", "export them ungrouped"),
    (r"[+-]?\d+(?:\.\d{3})*,\d+", "they have a decimal comma", "declare location.csv.decimal: ','"),
    (r"[+-]?\d+(?:,\d{3})*\.\d+", "they have a decimal point", "declare location.csv.decimal: '.'"),
    (r"[+-]?[\d.,]+\s*(?:[kKmM]|mio|Mio|tsd|Tsd)\.?", "they are abbreviated (k, M)", "export them in full"),
    (r"[+-]?[\d.,'\s]+[^\W\d_]+\.?", "they carry a unit or currency", "export plain numbers"),
    (r"[^\W\d_]{1,4}(?:\s*[+-])?[\d.,'\s]+", "they carry a unit or currency", "export plain numbers"),
    (r"\([\d.,'\s]+\)|[\d.,'\s]+-", "negative numbers are written in brackets or with the sign behind", "use -12"),
    (r"[\d.,]+\s*(?:-|–|to|bis)\s*[\d.,]+\+?|[<>]\s*[\d.,]+|[\d.,]+\+", "they are ranges", "declare type: category"),
    (r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}.*", "they are dates", "correct 'from:', or declare the column as a time"),
    (r"[+-]?\d{39,}(?:\.\d*)?|[+-]?[\d.]+[eE]\+?\d+", "they are beyond any real number", "declare them as 'missing:'"),
    (r"\D+", "they are words, not numbers", "correct 'from:', or declare type: category"),
)

# forms of time that can be declared; tried in this order, the first that reads most values is named
_TIMES = tuple(
    date + clock
    for date in (
        "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%Y%m%d", "%d %b %Y",
        "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%b %d %Y", "%a %b %d %Y",
    )
    for clock in (
        "", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %I:%M %p", " %H.%M", " %H:%M:%S %z",
        " %H:%M:%S.%f", "T%H%M%S", " at %H:%M", " at %I:%M %p", " %H:%M:%S %Z",
    )
)  # fmt: skip


def explain_numbers(texts: Sequence[str]) -> Cause:
    """Why texts are no numbers."""
    texts = texts[:_SAMPLE]
    for pattern, sentence, advice in _NUMBERS:
        if share_of(texts, re.compile(pattern).fullmatch) >= MOST:
            return Cause(f"{sentence}: {list_most_frequent(texts)}", advice)
    return Cause(f"they have no form in common: {list_most_frequent(texts)}", "correct the export, or 'from:'")


def explain_booleans(texts: Sequence[str]) -> Cause:
    """Why texts are not true or false."""
    words = sorted(set(texts))
    known = {w: ("true" if w.casefold() in TRUE_WORDS else "false") for w in words if _is_truth(w)}
    if len(known) == len(words):
        mapped = ", ".join(f"'{word}': \"{value}\"" for word, value in known.items())
        return Cause(f"they are in another language: {list_most_frequent(texts)}", f"declare map: {{{mapped}}}")
    if len(words) <= SHOWN:
        mapped = ", ".join(f"'{word}': ..." for word in words)
        return Cause(
            f"they are words of the export's own: {list_most_frequent(texts)}",
            f'say which mean "true" and which "false": map: {{{mapped}}}',
        )
    return Cause(f"they are {len(words):,} different values: {list_most_frequent(texts)}", "correct 'from:'")


def _is_truth(word: str) -> bool:
    return word.casefold() in TRUE_WORDS or word.casefold() in FALSE_WORDS


def explain_times(texts: Sequence[str], declared: str | None) -> Cause:
    """Why texts are no timestamps."""
    sample = pd.Series(list(texts[:_SAMPLE]), dtype="str")
    shown = list_most_frequent(texts[:_SAMPLE])

    years = sample.str.extract(r"(?<!\d)(\d{4})(?!\d)", expand=False).dropna()
    if len(years) >= MOST * len(sample) and (~years.astype("int64").between(1900, 2199)).mean() >= MOST:
        return Cause(f"their years lie outside 1900 to 2199: {shown}", "declare such fillers as 'missing:'")
    if sample.str.fullmatch(r"\d{5}(?:[.,]\d+)?").mean() >= MOST:
        return Cause(f"they are a spreadsheet's serial dates (days since 1900): {shown}", "export them as dates")

    digits = sample.str.contains(r"\d", regex=True)
    for form in _forms_like(sample) if digits.mean() >= MOST else ():
        if form == declared:
            continue
        if pd.to_datetime(sample, format=form, errors="coerce").notna().mean() >= MOST:
            was = f"they are not written as '{declared}'" if declared else "their form was not recognised"
            return Cause(f"{was}: {shown}", f"declare time_format: '{form}'")

    if (sample.str.contains(r"[^\W\d_]{3,}", regex=True) & digits).mean() >= MOST:
        return Cause(
            f"they hold words of another language or an unknown form: {shown}", "export them as 2025-12-31 14:05"
        )
    if digits.mean() < MOST:
        return Cause(f"they are words, not times: {shown}", "correct 'from:'")
    return Cause(f"their form is not known: {shown}", "export them as 2025-12-31 14:05, or declare 'time_format'")


def _forms_like(sample: pd.Series) -> list[str]:
    """The forms whose signs and letters most texts hold: to try all of them takes a second."""
    known = {form: set(re.sub(r"%.|\s", "", form).casefold()) for form in _TIMES}
    texts = sample.str.casefold()
    held = {sign: texts.str.contains(sign, regex=False).mean() for sign in set().union(*known.values())}
    return [form for form, signs in known.items() if all(held[sign] >= MOST for sign in signs)]


def explain_not_allowed(
    texts: Sequence[str], allowed: Sequence[str], others: Mapping[str, Sequence[str]], fits: Callable[[str], object]
) -> Cause:
    """Why values are not among the allowed ones: renamed, of another language, or of another column.

    ``others`` are the texts of the file's other columns in the same rows; ``fits`` says whether a text is allowed.
    """
    held = {name: share_of(values[:_SAMPLE], fits) for name, values in others.items()}
    best = max(held, key=lambda name: held[name], default="")
    if best and held[best] >= 0.9:
        return Cause(
            f"they are {list_most_frequent(texts)}, while column '{best}' holds the allowed values",
            f"read the column from '{best}'",
        )
    words = list(dict.fromkeys(texts))
    near = {
        word: close[0]
        for word in words[:SHOWN]
        if (close := difflib.get_close_matches(word.casefold(), [a.casefold() for a in allowed], n=1, cutoff=0.75))
    }
    spelled = {a.casefold(): a for a in allowed}
    mapped = ", ".join(f"'{word}': '{spelled[near[word]] if word in near else '...'}'" for word in words[:SHOWN])
    return Cause(
        f"the export writes {list_most_frequent(texts)}; allowed are {', '.join(allowed)}",
        f"say what they mean: map: {{{mapped}}}" if len(words) <= 3 * SHOWN else "correct 'from:', or 'values:'",
    )


def explain_bound(numbers: Sequence[float], bound: float, *, low: bool) -> Cause:
    """Why numbers lie beyond a declared minimum or maximum."""
    typical = sorted(numbers)[len(numbers) // 2]
    side = "below" if low else "above"
    if low and typical < 0 <= bound:
        return Cause(f"they are negative, half of them {typical:,.6g} or less", "check the sign, or the 'minimum:'")
    if not low and bound and 50 <= typical / bound <= 200:
        return Cause(f"they are about 100 times too large ({typical:,.6g})", "check the unit: cents, or per cent?")
    if not low and bound and 500 <= typical / bound <= 2_000:
        return Cause(f"they are about 1,000 times too large ({typical:,.6g})", "check the unit and the decimal sign")
    return Cause(f"they lie {side} the declared {bound:,.6g}, usually at {typical:,.6g}", "check unit and bound")
