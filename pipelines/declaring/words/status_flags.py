"""Headers of flags or dates that only together say how a deal stands: Won? beside Lost?, won_at, IsClosed and IsWon."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from features.kernel.column_reader import FALSE_TEXTS, TRUE_TEXTS
from pipelines.declaring.words.header_words import words_of
from pipelines.ingest.values.flag_columns import CONTRADICTION, is_set, join_flags

_MOST_FLAGS = 8  # spellings of yes and no in one column
_SAMPLE = 5_000  # rows by which a column is taken for a flag
_MOST_CONTRADICTIONS = 0.1  # of the set rows; beyond it the columns are not two sides of one thing
_LIKE_A_TIME = r"\D{0,4}\d{1,4}[-/.년年 ]"
_ABOUT = re.compile(
    r"\b(reasons?|amount|value|days|count|number|by|to|competitor|grund|motivo|powod)\b|사유|금액|理由|金額"
)
_SAYS: Mapping[str, re.Pattern[str]] = {
    "won": re.compile(
        r"\b(won|converted|gewonnen\w*|gagne\w*|ganad[oa]|ganh[oa]|vint[oa]|wygran\w*)\b|수주|성공|受注|成約|赢单"
    ),
    "lost": re.compile(
        r"\b(lost|verloren\w*|perdue?|perdid[oa]|pers[oa]|przegran\w*|utracon\w*)\b|실패|실주|失注|输单"
    ),
    "disqualified": re.compile(
        r"\b(disqualified|unqualified|rejected|disqualifiziert|disqualifiee?|descalificad[oa]|odrzucon\w*)\b|부적격|対象外"
    ),
    "closed": re.compile(
        r"^(is )?((deal|opportunity) )?(closed|geschlossen|abgeschlossen|ferme|cloture|cerrad[oa]|fechad[oa]|"
        r"chius[oa]|zamkniet\w*)$|"
        r"^종료 ?여부$|^완료 ?여부$|^完了フラグ$"
    ),
}


@dataclass(frozen=True, kw_only=True)
class StatusFlags:
    """Flags that are one status.

    Parameters
    ----------
    name : header of the column made of them, which the file does not have
    values : value to the headers that are set then, as ``flags`` of a declaration
    contradictions : rows with others set
    """

    name: str
    values: Mapping[str, tuple[str, ...]]
    contradictions: int

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header it is made of."""
        return tuple(dict.fromkeys(header for named in self.values.values() for header in named))

    def declare(self) -> dict[str, dict[str, object]]:
        """As ``flags`` of a declaration."""
        listed: dict[str, object] = {
            value: list(named) if len(named) > 1 else named[0] for value, named in self.values.items()
        }
        return {self.name: listed}

    def join(self, frame: pd.DataFrame) -> pd.Series:
        """The column: won, lost or disqualified, missing where a row has set none or contradicts itself."""
        texts = join_flags(frame, self.values)
        return texts.mask(texts.str.startswith(CONTRADICTION).fillna(False))


def find_flags(frame: pd.DataFrame) -> StatusFlags | None:
    """Flags that say won and lost together; None where there are none, or where too many rows have both."""
    found = {what: header for what in _SAYS if (header := _flag(frame, what))}
    values: dict[str, tuple[str, ...]] = {}
    if "won" in found and "closed" in found and "lost" not in found:
        values = {"won": (found["closed"], found["won"]), "lost": (found["closed"],)}
    elif "won" in found and ("lost" in found or "disqualified" in found):
        values = {what: (found[what],) for what in ("won", "lost", "disqualified") if what in found}
    if not values:
        return None

    texts = join_flags(frame, values)
    counts = texts.value_counts()
    against = int(sum(rows for text, rows in counts.items() if str(text).startswith(CONTRADICTION)))
    told = all(counts.get(value, 0) for value in values)
    if not told or against > _MOST_CONTRADICTIONS * counts.sum():
        return None
    name = next(one for one in ("Outcome", "Outcome of flags", "Outcome of these flags") if one not in frame)
    return StatusFlags(name=name, values=values, contradictions=against)


def _flag(frame: pd.DataFrame, what: str) -> str:
    """The first flag, or partly filled date, whose header says so."""
    for header in map(str, frame.columns):
        words = words_of(header)
        if not _SAYS[what].search(words) or _ABOUT.search(words):
            continue
        words = words.removeprefix("is ").removeprefix("closed ") if what != "closed" else words  # "Is closed won"
        if sum(bool(pattern.search(words)) for pattern in _SAYS.values()) > 1:
            continue  # "Won or lost", "Closed won": a status, or a date of its own
        if _is_flag(frame[header]) or (what != "closed" and _is_date(frame[header])):
            return header
    return ""


def _is_flag(texts: pd.Series) -> bool:
    some = texts.head(_SAMPLE)
    values = {str(value).lower() for value in some.dropna().unique()[: _MOST_FLAGS + 1]}
    if not 0 < len(values) <= _MOST_FLAGS:
        return False
    yes = is_set(pd.Series(sorted(values), dtype="str"))
    plain = values <= TRUE_TEXTS | FALSE_TEXTS or (yes.sum() == 1 and len(values) <= 2)
    return bool(plain and texts.notna().any())


def _is_date(texts: pd.Series) -> bool:
    some = texts.head(_SAMPLE).dropna()
    return bool(len(some) and texts.isna().any() and some.str.match(_LIKE_A_TIME).mean() > 0.95)
