"""Guesses about a column from its name and values: type, role, dimension, topic, and what looks suspicious."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from features.errors import LeadScoreError
from features.kernel.column_reader import FALSE_TEXTS, TRUE_TEXTS
from features.schema.columns import Column
from features.schema.vocabulary import ColumnType, Dimension, Role, Topic
from models.judging.leakage.aud05_suspicious_names import find_today_words
from pipelines.ingest.values.number_form import DecimalSign, weigh_signs
from pipelines.ingest.values.ruined_ids import RUINED_ID
from pipelines.ingest.values.timestamps import read_timestamps, zone_of
from pipelines.ingest.values.type_casting import cast_numbers

Word = TypeVar("Word", Topic, Dimension)

_LEAST_MERIT = 1.5  # a name like a target, a value like "won", or the last column with two values
_DIGITS = r"\d+(?:\.0+)?"
_LEADING_ZEROS = 0.01
_EXACT_DIGITS = 15  # of a number that keeps its last digit in float64; longer ones are ids
_COMPACT_DAY = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_TELEPHONE = r"(?:\+|00)\d[\d ()/.-]{6,18}|\(?0\d{1,5}[)/ -][\d /-]{4,14}"
_CODES = re.compile(
    r"\bzip|post(al)?[_ ]?(code|nr|leitzahl)|^plz$|pin[_ ]?code|code[_ ]?postal|^cap$|^cep$|kod[_ ]poczt|"
    r"우편번호|郵便番号|邮编|((tele)?phone|mobile|fax|telefon|tel)([_ ]?(no|nr|number))?\.?$|전화|電話|电话|"
    r"\bvat\b|tax[_ ]?(id|no|number)|\b(ean|sku|gtin|duns|siren|siret|nip|regon|naics|sic|nace)\b|사업자",
    re.I,
)
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
_PERSONAL = re.compile(
    r"(?<![a-z])e.?mail|phone|mobile[_ ]?n|(first|last|full|contact)[_ ]?name|surname|address|linkedin", re.I
)
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
        values = sorted(set(frame[header].dropna()) - {""})
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
    lowered = texts.str.lower()
    missing = tuple(sorted(set(texts[lowered.isin(MISSING_TEXTS)].dropna())))
    present = texts[texts.notna() & ~lowered.isin(MISSING_TEXTS)]

    kind = _type(header, present, decimal)
    role = _role(header, present, kind)
    suspicious = _suspicious(header, texts, present, won)
    today = "" if suspicious else _today(header)

    return Guess(
        header=header,
        type=kind,
        role=role,
        dimension=_first(_DIMENSIONS, header, Dimension.FIT),
        topic=_first(_TOPICS, header, Topic.CONTEXT),
        missing=missing,
        filled=len(present) / max(len(texts), 1),
        distinct=int(present.nunique()),
        examples=tuple(str(v)[:30] for v in present.drop_duplicates().head(3)),
        suspicious=suspicious or today,
        today=bool(today),
        sentinel=_sentinel(present) if kind is ColumnType.NUMBER else "",
    )


def _type(header: str, present: pd.Series, decimal: DecimalSign) -> ColumnType:
    if not len(present):
        return ColumnType.CATEGORY
    lowered = present.str.lower()
    values = set(lowered)
    if values <= (TRUE_TEXTS | FALSE_TEXTS) - {"1", "0", "1.0", "0.0"} and len(values) == 2:
        return ColumnType.BOOLEAN

    if _is_written_date(present):
        return ColumnType.TIMESTAMP
    if is_code(header, present):
        return ColumnType.CATEGORY
    decimal = weigh_signs(present).decimal or decimal
    if cast_numbers(present, Column(), decimal).unreadable.mean() <= 1 - READABLE:
        return ColumnType.NUMBER
    if present.str.contains(r"\d").mean() > READABLE and present.str.len().between(8, 35).all() and _is_time(present):
        return ColumnType.TIMESTAMP

    long = present.str.len().mean() > LONG_TEXT
    return ColumnType.TEXT if long and present.nunique() > len(present) / 2 else ColumnType.CATEGORY


def is_code(header: str, present: pd.Series) -> bool:
    """Whether digits are a name, not a quantity: zeros in front, a telephone number, a header that speaks of codes.

    One leading zero in a hundred values is enough: no export writes a quantity so, and most codes have none.
    """
    whole = present.str.fullmatch(_DIGITS).fillna(False).astype(bool)
    if whole.mean() < READABLE:
        return bool(present.str.fullmatch(_TELEPHONE).mean() >= READABLE or _ruined(present) >= READABLE)
    zeros = present.str.fullmatch(r"0\d+").mean()
    return bool(zeros >= _LEADING_ZEROS or _CODES.search(header) or present.str.len().max() > _EXACT_DIGITS)


def _ruined(present: pd.Series) -> float:
    """Share of values that a spreadsheet has made of long numbers: 1.23457E+17."""
    return float(present.str.fullmatch(RUINED_ID).mean())


def _is_written_date(present: pd.Series) -> bool:
    """Whether digits are days such as 20250106, of more than one month."""
    return bool(present.str.fullmatch(_COMPACT_DAY).mean() >= READABLE and present.str[:6].nunique() > 1)


def _sentinel(present: pd.Series) -> str:
    """A frequent 999, -1 or the like."""
    top = present.value_counts(normalize=True)
    value = str(top.index[0])
    return value if top.iloc[0] >= _SENTINEL_SHARE and re.fullmatch(r"-1|-?9{2,}(\.0*)?", value) else ""


def _is_time(present: pd.Series) -> bool:
    sample = present.iloc[:: max(len(present) // 500, 1)]
    try:
        found = read_timestamps(sample.reset_index(drop=True), zone_of("UTC", "")).values
    except LeadScoreError:
        return True  # dates that can be read in two ways are dates
    return bool(found.notna().mean() >= READABLE)


def _role(header: str, present: pd.Series, kind: ColumnType) -> Role:
    if _PERSONAL.search(header) or (len(present) and present.str.contains(r"^\S+@\S+\.\S+$").mean() > 0.5):
        return Role.PERSONAL
    if _SENSITIVE.search(header):
        return Role.SENSITIVE
    alike = len(present) > 20 and present.nunique() > 0.9 * len(present)
    whole = kind is ColumnType.NUMBER and bool(present.str.fullmatch(r"\d+").all())
    if alike and (kind is ColumnType.CATEGORY or (whole and re.search(r"(^|_)(id|key|nr|no)$", header, re.I))):
        return Role.DISPLAY
    return Role.FEATURE


def _suspicious(header: str, texts: pd.Series, present: pd.Series, won: pd.Series | None) -> str:
    if present.nunique() <= 1:
        return "holds one value only"
    if _ruined(present) > 1 - READABLE:
        return f"a spreadsheet rounded its long numbers, e.g. {present[present.str.fullmatch(RUINED_ID)].iloc[0]}"
    if _AFTERWARDS.search(header):
        return "by its name it may be filled only after the outcome"
    if won is not None:
        known = won.notna()
        told = _purity(texts[known].fillna(""), won[known])
        if told:
            return told
    return ""


def _today(header: str) -> str:
    """Why a header makes one think that the column shows today's value."""
    words = find_today_words(header)
    if words or _STAGE.search(header):
        because = f" ('{words}')" if words else ""
        return f"by its name{because} it may hold today's value, not the value at that time"
    return ""


def _purity(texts: pd.Series, won: pd.Series) -> str:
    """Whether the column nearly tells the outcome, by its values or by being filled."""
    base = max(float(won.mean()), 1 - float(won.mean())) if len(won) else 1.0

    for what, cells in (("its values", texts), ("whether it is filled", texts.ne("").astype(str))):
        sizes = cells.map(cells.value_counts())
        common = sizes >= 5  # rarer values are pure by chance
        if common.mean() < 0.5:
            continue

        rate = won[common].groupby(cells[common]).mean()
        right = cells[common].map(rate.where(rate >= 0.5, 1 - rate)).mean()
        if right >= max(PURE_ENOUGH, base + (1 - base) * 0.8):
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
        try:
            moments = read_timestamps(frame[header].reset_index(drop=True), zone_of("UTC", "")).values.dropna()
        except LeadScoreError:
            continue

        if moments.nunique() > 1 and (moments.is_monotonic_increasing or moments.is_monotonic_decreasing):
            found.append(header)
    return found


def created_column(guesses: Mapping[str, Guess]) -> str | None:
    """The column that says when a lead came into being, if one looks like it."""
    times = [g for g in guesses.values() if g.type is ColumnType.TIMESTAMP and g.filled > READABLE]
    named = [g.header for g in times if _CREATED.search(g.header) and not _AFTERWARDS.search(g.header)]
    return named[0] if named else None
