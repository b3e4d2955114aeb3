"""Guesses about a column from its name and values: role, dimension, topic, and what looks suspicious."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.errors import LeadScoreError
from features.schema.people.people_texts import PeopleIn, facts_of_people, people_in
from features.schema.vocabulary import ColumnType, Dimension, Role, Topic
from models.judging.leakage.aud05_suspicious_names import find_today_words
from pipelines.declaring.column_values import ColumnValues, purity
from pipelines.declaring.value_types import READABLE, SAMPLED, are_addresses, find_type, prove_decimal, ruined_share
from pipelines.declaring.words.header_words import Meaning, meanings_of
from pipelines.ingest.values.moments import zone_of
from pipelines.ingest.values.number_form import NO_VALUE, DecimalSign
from pipelines.ingest.values.ruined_ids import RUINED_ID
from pipelines.ingest.values.timestamps import read_timestamps

Word = TypeVar("Word", Topic, Dimension)

_SENTINEL_SHARE = 0.2  # of the values: a real -1 or 999 is rarely that frequent
PURE_ENOUGH = 0.98  # share of rows whose outcome a column gives away; a guess to be checked, the audit tests it
MISSING_TEXTS = NO_VALUE | {"unknown", "?", "not available", "missing"}
_PERSONAL = re.compile(r"phone|mobile[_ ]?n|(first|last|full|contact)[_ ]?name|surname|address|linkedin", re.I)
# A header may speak of mails and hold no address: kinds of domains, whether one bounced. So some values must be some.
_MAIL, _SOME_ADDRESSES = re.compile(r"(?<![a-z])e?.?mail([_ ]?address(es)?)?", re.I), 0.05
_SENSITIVE = re.compile(r"^age$|gender|^sex$|marital|ethnic|\brace\b|religio|nationalit|birth|disab", re.I)
_AFTERWARDS = re.compile(
    r"clos(ed|e_?date|ing)|lost_?reason|reason|won_|contract|invoice|probab|forecast|duration|churn|actual|signed|paid",
    re.I,
)
_CLOSING = frozenset({Meaning.CLOSED, Meaning.IS_CLOSED, Meaning.WON})
_TEXTS = (ColumnType.CATEGORY, ColumnType.TEXT, ColumnType.LIST)
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
    ``today`` tells that it is suspicious only because by its words it may hold today's value. ``decimal`` is the sign
    that numbers prove, None where they prove none. ``addresses`` tells that most values are mail addresses, ``people``
    what the values say of people.
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
    addresses: bool = False
    people: PeopleIn = PeopleIn.NOBODY
    sentinel: str = ""
    decimal: DecimalSign | None = None


def missing_texts(texts: pd.Series) -> list[str]:
    """Values of a column of texts that mean there is none, each once."""
    values = texts.dropna().drop_duplicates()
    return sorted(values[values.str.lower().isin(MISSING_TEXTS)])


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

    kind = find_type(header, present, decimal)
    facts = facts_of_people(header, present.values)
    if facts and kind not in _TEXTS:
        kind = ColumnType.CATEGORY  # a national number keeps its noughts, and a day of birth is no clock
    addresses = kind in _TEXTS and are_addresses(present)
    role = Role.PERSONAL if addresses or facts else _role(header, present, kind)
    suspicious = _suspicious(header, column, present, won) or _closes(header, column, kind, won)
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
        addresses=addresses,
        people=people_in(header, present.values) if kind in _TEXTS else PeopleIn.NOBODY,
        sentinel=_sentinel(present) if kind is ColumnType.NUMBER else "",
        decimal=prove_decimal(present) if kind is ColumnType.NUMBER else None,
    )


def _sentinel(present: ColumnValues) -> str:
    """A frequent 999, -1 or the like."""
    top = int(present.counts.argmax())
    value, share = str(present.values[top]), present.counts[top] / present.rows
    return value if share >= _SENTINEL_SHARE and re.fullmatch(r"-1|-?9{2,}(\.0*)?", value) else ""


def _role(header: str, present: ColumnValues, kind: ColumnType) -> Role:
    mail = _MAIL.search(header) or Meaning.EMAIL in meanings_of(header)
    if _PERSONAL.search(_MAIL.sub("", header)) or (mail and are_addresses(present, _SOME_ADDRESSES)):
        return Role.PERSONAL
    if _SENSITIVE.search(header):
        return Role.SENSITIVE
    whole = kind is ColumnType.NUMBER and present.differ and bool(present.values.str.fullmatch(r"\d+").all())
    if present.differ and (kind is ColumnType.CATEGORY or (whole and re.search(r"(^|_)(id|key|nr|no)$", header, re.I))):
        return Role.DISPLAY
    return Role.FEATURE


def _suspicious(header: str, column: ColumnValues, present: ColumnValues, won: pd.Series | None) -> str:
    if len(present.values) <= 1:
        return "holds one value only"
    if ruined_share(present) > 1 - READABLE:
        example = present.values[present.values.str.fullmatch(RUINED_ID)].iloc[0]
        return f"a spreadsheet rounded its long numbers, e.g. {example}"
    if _AFTERWARDS.search(header):
        return "by its name it may be filled only after the outcome"
    return "" if won is None else _purity(column.codes, won.to_numpy(dtype=np.float64))


def _closes(header: str, column: ColumnValues, kind: ColumnType, won: pd.Series | None) -> str:
    """Why a column is taken for what a close fills: its header says so, and no open row has a value. Clocks have rules
    of their own.
    """
    if won is None or kind is ColumnType.TIMESTAMP or not _CLOSING & meanings_of(header):
        return ""
    rest = won.isna().to_numpy(dtype=bool)
    filled = column.codes >= 0
    if not rest.any() or filled[rest].any() or not filled[~rest].any():
        return ""
    return "by its name and its values it is filled when a deal closes: no open row has one"


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
