"""Guesses about a column from its name and values: type, role, dimension, topic, and what looks suspicious."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.errors import LeadScoreError
from features.kernel.column_reader import FALSE_TEXTS, TRUE_TEXTS
from features.schema.columns import Column
from features.schema.vocabulary import ColumnType, Dimension, Role, Topic
from models.judging.leakage.aud05_suspicious_names import find_today_words
from pipelines.declaring.column_values import ColumnValues, purity
from pipelines.declaring.words.header_words import Meaning, meanings_of
from pipelines.ingest.values.number_form import NO_VALUE, DecimalSign, weigh_signs
from pipelines.ingest.values.ruined_ids import RUINED_ID
from pipelines.ingest.values.timestamps import holds_epochs, holds_serial_days, read_timestamps, zone_of
from pipelines.ingest.values.type_casting import cast_numbers

Word = TypeVar("Word", Topic, Dimension)

_LEAST_MERIT = 1.5  # a name like a target, a value like "won", or the last column with two values
_DIGITS = r"\d+(?:\.0+)?"
_LEADING_ZEROS = 0.01
_EXACT_DIGITS = 15  # of a number that keeps its last digit in float64; longer ones are ids
_COMPACT_DAY = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ISO = r"(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)?$"
_DATE_HEADER = re.compile(
    r"date|datum|fecha|data\b|creat|clos|angelegt|_at$|utworz|日期|日付|日時|일자|날짜|생성일", re.I
)
_TIMES = frozenset({Meaning.CREATED, Meaning.CLOSED, Meaning.HAPPENED, Meaning.ENTERED, Meaning.MODIFIED})
_TELEPHONE = r"(?:\+|00)\d[\d ()/.-]{6,18}|\(?0\d{1,5}[)/ -][\d /-]{4,14}"
_CODES = re.compile(
    r"\bzip|post(al)?[_ ]?(code|nr|leitzahl)|^plz$|pin[_ ]?code|code[_ ]?postal|^cap$|^cep$|kod[_ ]poczt|"
    r"우편번호|郵便番号|邮编|((tele)?phone|mobile|fax|telefon|tel)([_ ]?(no|nr|number))?\.?$|전화|電話|电话|"
    r"\bvat\b|tax[_ ]?(id|no|number)|\b(ean|sku|gtin|duns|siren|siret|nip|regon|naics|sic|nace)\b|사업자",
    re.I,
)
LARGE = 50_000  # different values from which a part is asked first
SAMPLED = 5_000  # rows of that part: a share of 2 % is found within 0.4 points
_FORMS_OF_TWO = 12  # spellings that two truth values can have in upper and lower case
# A multi-select field: one cell in ten holds two values or more, of at most a few dozen that come back five times each.
_LISTED, _MOST_LISTED, _OFTEN = 0.1, 60, 5.0
READABLE = 0.98  # share of filled values a type must read to be guessed: a few typing errors are common in exports
_SENTINEL_SHARE = 0.2  # of the values: a real -1 or 999 is rarely that frequent
LONG_TEXT = 40  # mean characters from which a column is prose, not the names of categories
PURE_ENOUGH = 0.98  # share of rows whose outcome a column gives away; a guess to be checked, the audit tests it
MISSING_TEXTS = ("unknown", "n/a", "na", "none", "null", "?", "-", "not available", "missing")
_WON = re.compile(r"^(closed[ _-]?)?won$|^(yes|y|true|t|1|1\.0|success|converted|customer|accepted|sql)$", re.I)
_LOST = re.compile(r"^(closed[ _-]?)?lost$|^(no|n|false|f|0|0\.0|failure|rejected|disqualified)$", re.I)
_TARGET = re.compile(
    r"^(y|target|label|class|outcome|result|status|stage|response)$|won|convert|deposit|subscribed|is_customer|is_sql",
    re.I,
)
_PERSONAL = re.compile(r"phone|mobile[_ ]?n|(first|last|full|contact)[_ ]?name|surname|address|linkedin", re.I)
# A header may speak of mails and hold no address: kinds of domains, whether one bounced. So some values must be some.
_MAIL, _SOME_ADDRESSES = re.compile(r"(?<![a-z])e?.?mail([_ ]?address(es)?)?", re.I), 0.05
_SENSITIVE = re.compile(r"^age$|gender|^sex$|marital|ethnic|\brace\b|religio|nationalit|birth|disab", re.I)
_CREATED = re.compile(r"creat|submitted|received|entered|registered|lead_?date|^date$|opened", re.I)
_AFTERWARDS = re.compile(
    r"clos(ed|e_?date|ing)|lost_?reason|reason|won_|contract|invoice|probab|forecast|duration|churn|actual|signed|paid",
    re.I,
)
_STAGE = re.compile(r"stage|status", re.I)
_TOPICS: Sequence[tuple[str, Topic]] = (
    (r"budg|price|pricing|revenue|funding|income|balance|loan|credit|default|spend", Topic.BUDGET),
    (r"title|seniority|authority|decision_?maker|position|^role$", Topic.AUTHORITY),
    (r"compet", Topic.COMPETITION),
    (r"purch|tender|procure|legal|decision_?process", Topic.DECISION_PROCESS),
    (r"rfi|criteria|requirement", Topic.DECISION_CRITERIA),
    (r"need|pain|use_?case|scope|interest_?in|product_?interest|problem", Topic.NEED),
    (r"time_?line|time_?frame|urgen|deadline|start_?date|month|quarter|rfp|when", Topic.TIMELINE),
    (r"priorit|strateg|importan", Topic.PRIORITY),
    (r"champion|sponsor|refer|statement", Topic.CHAMPION),
    (r"current|vendor|solution|partner|client|installed", Topic.CURRENT_SOLUTION),
    (r"goal|objective|kpi|metric|roi", Topic.GOALS),
    (r"growth|plan|roadmap|hiring", Topic.PLANS),
    (r"visit|page|view|click|open|download|webinar|event|campaign|previous|contacted|session", Topic.INTEREST),
)
_DIMENSIONS: Sequence[tuple[str, Dimension]] = (
    (r"trial|demo|pricing|quote|rfi|rfp|proposal|cart", Dimension.INTENT),
    (r"login|usage|seats|feature|active_?days|workspace", Dimension.USAGE),
    (
        r"visit|page|view|click|open|download|webinar|event|campaign|source|channel|month|previous|contact",
        Dimension.INTEREST,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What a column seems to be.

    ``suspicious`` says why it may tell the outcome, ``sentinel`` names a number that may mean missing; empty if none.
    ``today`` tells that it is suspicious only because by its words it may hold today's value.
    """

    header: str
    type: ColumnType
    role: Role
    dimension: Dimension
    topic: Topic
    missing: tuple[str, ...]
    filled: float
    distinct: int
    examples: tuple[str, ...]
    suspicious: str = ""
    today: bool = False
    sentinel: str = ""


@dataclass(frozen=True)
class TargetGuess:
    """A column that looks like the target, with the values that mean won and lost."""

    header: str
    won: tuple[str, ...]
    lost: tuple[str, ...]


def guess_target(frame: pd.DataFrame) -> TargetGuess | None:
    """The likely target; None if no column looks like one."""
    best: tuple[float, TargetGuess] | None = None
    for place, header in enumerate(frame.columns):
        if frame[header].head(1000).nunique() > 7:  # with the empty text one more than a target may have
            continue
        values = sorted(set(frame[header].dropna().unique()) - {""})
        if not 2 <= len(values) <= 6:
            continue
        won = tuple(v for v in values if _WON.match(v))
        lost = tuple(v for v in values if _LOST.match(v))
        if not won or not lost:
            continue

        merit = 4.0 * bool(_TARGET.search(header)) + 2.0 * any("won" in v.lower() for v in won)
        merit += 1.0 * (place == len(frame.columns) - 1) + 0.5 * (len(values) == 2)

        if merit >= _LEAST_MERIT and (best is None or merit > best[0]):
            best = (merit, TargetGuess(str(header), won, lost))
    return None if best is None else best[1]


def guess_column(texts: pd.Series, won: pd.Series | None, decimal: DecimalSign) -> Guess:
    """A guess about one column.

    Parameters
    ----------
    texts : values as in the file, missing where empty; named by the header
    won : 1.0 or 0.0 per row, missing where unknown; None without a target
    """
    header = str(texts.name)
    column = ColumnValues.of(texts)
    meant_missing = column.values.str.lower().isin(MISSING_TEXTS).to_numpy(dtype=bool)
    present = column.without(meant_missing)

    kind = _type(header, present, decimal)
    role = _role(header, present, kind)
    suspicious = _suspicious(header, column, present, won)
    today = "" if suspicious else _today(header)

    return Guess(
        header=header,
        type=kind,
        role=role,
        dimension=_first(_DIMENSIONS, header, Dimension.FIT),
        topic=_first(_TOPICS, header, Topic.CONTEXT),
        missing=tuple(sorted(column.values[meant_missing])),
        filled=present.rows / max(len(texts), 1),
        distinct=len(present.values),
        examples=tuple(str(v)[:30] for v in present.values.head(3)),
        suspicious=suspicious or today,
        today=bool(today),
        sentinel=_sentinel(present) if kind is ColumnType.NUMBER else "",
    )


def _type(header: str, present: ColumnValues, decimal: DecimalSign) -> ColumnType:
    """The type that nearly all values can be read as.

    Of very many different values a part is asked first, and then only whether all of them keep to its answer.
    """
    if len(present.values) > LARGE:
        some = ColumnValues.of(present.some_rows(SAMPLED))
        kind = _type_of_all(header, some, decimal)
        if _holds(kind, header, present, decimal):
            return kind
    return _type_of_all(header, present, decimal)


def _holds(kind: ColumnType, header: str, present: ColumnValues, decimal: DecimalSign) -> bool:
    """Whether what a part of the values seem to be is what all of them are. Any text is a category."""
    if kind is ColumnType.NUMBER:
        unreadable = cast_numbers(present.values, Column(), decimal).unreadable
        return present.share(unreadable) <= 1 - READABLE and not is_code(header, present)
    if kind is ColumnType.TIMESTAMP:
        iso = bool(present.values.str.match(_ISO).all())  # what nearly all exports write is told without being parsed
        return iso or (_has_length_of_time(present) and _is_time(present))
    return kind is not ColumnType.BOOLEAN


def _type_of_all(header: str, present: ColumnValues, decimal: DecimalSign) -> ColumnType:
    if not present.rows:
        return ColumnType.CATEGORY
    if len(present.values) <= _FORMS_OF_TWO:
        values = set(present.values.str.lower())
        if values <= (TRUE_TEXTS | FALSE_TEXTS) - {"1", "0", "1.0", "0.0"} and len(values) == 2:
            return ColumnType.BOOLEAN

    if _is_written_date(present) or (_DATE_HEADER.search(header) and holds_serial_days(present.values)):
        return ColumnType.TIMESTAMP
    if (_DATE_HEADER.search(header) or _TIMES & meanings_of(header)) and holds_epochs(present.values):
        return ColumnType.TIMESTAMP
    if is_code(header, present):
        return ColumnType.CATEGORY
    digits = present.share(present.values.str.contains(r"\d") | present.values.str.lower().isin(NO_VALUE))
    if digits < READABLE:  # neither numbers nor times
        return _prose_or_category(present)
    if _seem_numbers(present):
        decimal = weigh_signs(present.values).decimal or decimal
        if present.share(cast_numbers(present.values, Column(), decimal).unreadable) <= 1 - READABLE:
            return ColumnType.NUMBER
    digits = present.share(present.values.str.contains(r"\d")) > READABLE
    if digits and _has_length_of_time(present) and _is_time(present):
        return ColumnType.TIMESTAMP

    return _prose_or_category(present)


def _seem_numbers(present: ColumnValues) -> bool:
    """Whether at least half of a few rows are numbers by some decimal sign: what is not is told at once."""
    few = present.some_rows(100)
    return any(cast_numbers(few, Column(), sign).unreadable.mean() <= 0.5 for sign in get_args(DecimalSign))


def _prose_or_category(present: ColumnValues) -> ColumnType:
    if is_list(present):
        return ColumnType.LIST
    long = present.mean_length() > LONG_TEXT
    return ColumnType.TEXT if long and len(present.values) > present.rows / 2 else ColumnType.CATEGORY


def is_code(header: str, present: ColumnValues) -> bool:
    """Whether digits are a name, not a quantity: zeros in front, a telephone number, a header that speaks of codes.

    One leading zero in a hundred values is enough: no export writes a quantity so, and most codes have none.
    """
    whole = present.values.str.fullmatch(_DIGITS)
    if present.share(whole) < READABLE:
        return present.share(present.values.str.fullmatch(_TELEPHONE)) >= READABLE or _ruined(present) >= READABLE
    zeros = present.share(present.values.str.fullmatch(r"0\d+"))
    return bool(zeros >= _LEADING_ZEROS or _CODES.search(header) or present.values.str.len().max() > _EXACT_DIGITS)


def is_list(present: ColumnValues) -> bool:
    """Whether cells hold several values of a short list: one sign divides them, and what it divides comes back often.

    Commas also stand inside of values (Berlin, Germany): there the different cells must be several times as many as the
    values, or the values must stand in different places, alone and among others.
    """
    texts, counts = present.values.iloc[:SAMPLED], present.counts[:SAMPLED]
    if present.share(present.values.str.fullmatch(r"\[.*\]")) >= READABLE:
        return True
    for sign, times in ((";", 1.0), ("|", 1.0), (",", 3.0)):
        if present.share(present.values.str.contains(sign, regex=False)) < _LISTED:
            continue
        parts = texts.str.split(sign).explode().str.strip()
        rows = pd.Series(counts, index=texts.index).loc[parts.index]
        held = rows.groupby(parts.to_numpy()).sum()
        often = held.sum() / len(held) >= _OFTEN and max(len(str(item)) for item in held.index) <= LONG_TEXT
        many = len(texts) >= times * len(held) or _places_vary(texts, sign)
        return bool(often and len(held) <= _MOST_LISTED and many)
    return False


def _places_vary(texts: pd.Series, sign: str) -> bool:
    """Whether at least half of the values stand in cells of different lengths or at different places of them."""
    places: dict[str, set[tuple[int, int]]] = {}
    for text in texts:
        parts = [part.strip() for part in text.split(sign)]
        for place, part in enumerate(parts):
            places.setdefault(part, set()).add((place, len(parts)))
    return sum(len(found) > 1 for found in places.values()) >= len(places) / 2


def _ruined(present: ColumnValues) -> float:
    """Share of values that a spreadsheet has made of long numbers: 1.23457E+17."""
    return present.share(present.values.str.fullmatch(RUINED_ID))


def _is_written_date(present: ColumnValues) -> bool:
    """Whether digits are days such as 20250106, of more than one month."""
    if present.share(present.values.str.len() == 8) < READABLE:
        return False
    days = present.share(present.values.str.fullmatch(_COMPACT_DAY))
    return bool(days >= READABLE and present.values.str[:6].nunique() > 1)


def _sentinel(present: ColumnValues) -> str:
    """A frequent 999, -1 or the like."""
    top = int(present.counts.argmax())
    value, share = str(present.values[top]), present.counts[top] / present.rows
    return value if share >= _SENTINEL_SHARE and re.fullmatch(r"-1|-?9{2,}(\.0*)?", value) else ""


def _has_length_of_time(present: ColumnValues) -> bool:
    return bool(present.values.str.len().between(8, 35).all())


def _is_time(present: ColumnValues) -> bool:
    """Whether nearly all values are moments; a few rows are asked first, as most columns hold none."""
    few = present.some_rows(500)
    if present.rows > len(few) and not _is_time(ColumnValues.of(few)):
        return False
    try:
        found = read_timestamps(present.values, zone_of("UTC", "")).values
    except LeadScoreError:
        return True  # dates that can be read in two ways are dates
    return present.share(found.notna()) >= READABLE


def _role(header: str, present: ColumnValues, kind: ColumnType) -> Role:
    mail = _MAIL.search(header) or Meaning.EMAIL in meanings_of(header)
    if _PERSONAL.search(_MAIL.sub("", header)) or are_addresses(present, _SOME_ADDRESSES if mail else 0.5):
        return Role.PERSONAL
    if _SENSITIVE.search(header):
        return Role.SENSITIVE
    alike = present.rows > 20 and len(present.values) > 0.9 * present.rows
    whole = kind is ColumnType.NUMBER and alike and bool(present.values.str.fullmatch(r"\d+").all())
    if alike and (kind is ColumnType.CATEGORY or (whole and re.search(r"(^|_)(id|key|nr|no)$", header, re.I))):
        return Role.DISPLAY
    return Role.FEATURE


def are_addresses(present: ColumnValues, most: float = 0.5) -> bool:
    """Whether more than a share of the values are mail addresses; of very many a part is looked at closely."""
    if not present.share(present.values.str.contains("@", regex=False)) > most:
        return False
    asked = present if len(present.values) <= LARGE else ColumnValues.of(present.some_rows(SAMPLED))
    return asked.share(asked.values.str.contains(r"^\S+@\S+\.\S+$")) > most


def _suspicious(header: str, column: ColumnValues, present: ColumnValues, won: pd.Series | None) -> str:
    if len(present.values) <= 1:
        return "holds one value only"
    if _ruined(present) > 1 - READABLE:
        example = present.values[present.values.str.fullmatch(RUINED_ID)].iloc[0]
        return f"a spreadsheet rounded its long numbers, e.g. {example}"
    if _AFTERWARDS.search(header):
        return "by its name it may be filled only after the outcome"
    return "" if won is None else _purity(column.codes, won.to_numpy(dtype=np.float64))


def _today(header: str) -> str:
    """Why a header makes one think that the column shows today's value."""
    words = find_today_words(header)
    if words or _STAGE.search(header):
        because = f" ('{words}')" if words else ""
        return f"by its name{because} it may hold today's value, not the value at that time"
    return ""


def _purity(codes: npt.NDArray[np.int64], won: npt.NDArray[np.float64]) -> str:
    """Whether the column nearly tells the outcome, by its values or by being filled."""
    known = ~np.isnan(won)
    codes, won = codes[known], won[known]
    base = max(float(won.mean()), 1 - float(won.mean())) if len(won) else 1.0
    filled = (codes >= 0).astype(np.int64)
    for what, groups in (("its values", codes), ("whether it is filled", filled)):
        right = purity(groups, won, least_rows=5)  # rarer values are pure by chance
        if right is not None and right >= max(PURE_ENOUGH, base + (1 - base) * 0.8):
            return f"the outcome follows from {what} alone in {right:.0%} of the rows"
    return ""


def _first(patterns: Sequence[tuple[str, Word]], header: str, otherwise: Word) -> Word:
    name = re.sub(r"[^a-z0-9]+", "_", header.lower())
    return next((value for pattern, value in patterns if re.search(pattern, name)), otherwise)


def times_in_order(frame: pd.DataFrame, guesses: Mapping[str, Guess]) -> list[str]:
    """Filled columns of times along which the rows of the file already lie, oldest or newest first."""
    found = []

    for header, guess in guesses.items():
        times = guess.type is ColumnType.TIMESTAMP and guess.filled > READABLE
        if not times or guess.suspicious or _AFTERWARDS.search(header):
            continue
        texts = frame[header].reset_index(drop=True)
        if _lie_in_order(texts.iloc[:: max(len(texts) // SAMPLED, 1)]) and _lie_in_order(texts):
            found.append(header)
    return found


def _lie_in_order(texts: pd.Series) -> bool:
    """Whether moments go one way; if a part of them does not, all of them do not."""
    try:
        moments = read_timestamps(texts.reset_index(drop=True), zone_of("UTC", "")).values.dropna()
    except LeadScoreError:
        return False
    return bool(moments.nunique() > 1 and (moments.is_monotonic_increasing or moments.is_monotonic_decreasing))


def created_column(guesses: Mapping[str, Guess]) -> str | None:
    """The column that says when a lead came into being, if one looks like it."""
    times = [g for g in guesses.values() if g.type is ColumnType.TIMESTAMP and g.filled > READABLE]
    named = [g.header for g in times if _CREATED.search(g.header) and not _AFTERWARDS.search(g.header)]
    return named[0] if named else None
