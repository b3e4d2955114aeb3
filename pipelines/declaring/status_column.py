"""The column of a file that says how each deal stands, and what each of its values means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from features.kernel.column_reader import FALSE_TEXTS, TRUE_TEXTS
from pipelines.declaring.words.header_words import Meaning, meanings_of
from pipelines.declaring.words.status_flags import StatusFlags, find_flags
from pipelines.declaring.words.status_vocabulary import STANDINGS, Standing
from pipelines.declaring.words.status_words import place_statuses

MOST_VALUES = 60  # a pipeline has a dozen stages, several pipelines in one file a few dozen
_CODES = 4  # values of a result that a system writes in codes of its own
_LEAST_PLACED = 0.5  # share of the filled rows whose value is understood
_NAMED = 0.5  # what a header that speaks of a status weighs against a share of rows
_LEAST_MERIT = 1.5  # a name like a target, a value like "won", or the last column with two values
_WON = re.compile(r"^(closed[ _-]?)?won$|^(yes|y|true|t|1|1\.0|success|converted|customer|accepted|sql)$", re.I)
_LOST = re.compile(r"^(closed[ _-]?)?lost$|^(no|n|false|f|0|0\.0|failure|rejected|disqualified)$", re.I)
_TARGET = re.compile(
    r"^(y|target|label|class|outcome|result|status|stage|response)$|won|convert|deposit|subscribed|is_customer|is_sql",
    re.I,
)
_SAYS_IT = frozenset({Meaning.STATUS, Meaning.RESULT})


@dataclass(frozen=True, kw_only=True)
class StatusColumn:
    """A column of statuses.

    Parameters
    ----------
    header : as in the file
    meanings : its values by what they mean, the most frequent first
    unplaced : values whose words do not say what they mean, the most frequent first
    counts : rows of every value
    blank : rows without a value
    flags : the flags it is made of, where the file has no such column
    """

    header: str
    meanings: Mapping[Standing, tuple[str, ...]]
    unplaced: tuple[str, ...]
    counts: Mapping[str, int]
    blank: int
    flags: StatusFlags | None = None

    @property
    def lost(self) -> tuple[str, ...]:
        """Values that mean lost; where a CRM knows only disqualified ones, those."""
        return self.meanings["lost"] or self.meanings["disqualified"]

    @property
    def disqualified(self) -> tuple[str, ...]:
        """Values that mean disqualified, beside those that mean lost."""
        return self.meanings["disqualified"] if self.meanings["lost"] else ()

    @property
    def open(self) -> tuple[str, ...]:
        """Values that mean open; an empty cell does where no value says so."""
        if self.blank and not self.meanings["open"]:
            return ("",)
        return self.meanings["open"]

    @property
    def unclear_blanks(self) -> int:
        """Rows without a value beside values that mean open, unless an empty one was said to mean it too."""
        return self.blank if self.meanings["open"] and "" not in self.meanings["open"] else 0

    def rows(self, values: tuple[str, ...]) -> int:
        """How many rows have one of the values; ``""`` is an empty cell."""
        return sum(self.counts.get(value, 0) if value else self.blank for value in values)

    def texts(self, frame: pd.DataFrame) -> pd.Series:
        """The status of every row, in the words of the file."""
        return frame[self.header] if self.flags is None else self.flags.join(frame)

    def is_won(self, frame: pd.DataFrame) -> pd.Series:
        """1.0 or 0.0 per row, missing where a row is not closed."""
        texts, won = self.texts(frame), self.meanings["won"]
        return texts.isin(won).astype("float64").where(texts.isin([*won, *self.lost, *self.disqualified]))


def find_status(frame: pd.DataFrame) -> StatusColumn | None:
    """The column that says won and lost, by its values first and its header second; None if no column does."""
    best: tuple[float, StatusColumn] | None = None
    for header in map(str, frame.columns):
        found = _read_values(header, frame[header])
        if found is None:
            continue
        filled = max(len(frame) - found.blank, 1)
        placed = 1 - found.rows(found.unplaced) / filled
        merit = placed + _NAMED * bool(_SAYS_IT & meanings_of(header))
        if placed >= _LEAST_PLACED and (best is None or merit > best[0]):
            best = (merit, found)
    return best[1] if best is not None else _of_flags(frame) or _yes_or_no(frame)


def _of_flags(frame: pd.DataFrame) -> StatusColumn | None:
    """A status that several flags or dates tell together; rows with none of them set are open."""
    flags = find_flags(frame)
    if flags is None:
        return None
    texts = flags.join(frame)
    counts = texts.value_counts()
    meanings = {standing: (standing,) if standing in flags.values else () for standing in STANDINGS}
    return StatusColumn(
        header=flags.name,
        meanings=meanings,
        unplaced=(),
        counts={str(value): int(n) for value, n in counts.items()},
        blank=int(texts.isna().sum()) - flags.contradictions,
        flags=flags,
    )


def _read_values(header: str, texts: pd.Series) -> StatusColumn | None:
    """What the values of one column mean; None unless some mean won and some mean lost."""
    if texts.head(5000).nunique() > MOST_VALUES:  # told without counting a million different values
        return None
    counts = texts.value_counts()
    if not 2 <= len(counts) <= MOST_VALUES:
        return None
    if {str(value).lower() for value in counts.index} <= TRUE_TEXTS | FALSE_TEXTS:
        return None
    placed = place_statuses(map(str, counts.index))
    unplaced = placed[None]
    if not placed["won"] or not (placed["lost"] or placed["disqualified"]):
        return None
    return StatusColumn(
        header=header,
        meanings={standing: placed[standing] for standing in STANDINGS},
        unplaced=unplaced,
        counts={str(value): int(n) for value, n in counts.items()},
        blank=int(texts.isna().sum()),
    )


@dataclass(frozen=True)
class TargetGuess:
    """A column that looks like the target, with the values that mean won and lost."""

    header: str
    won: tuple[str, ...]
    lost: tuple[str, ...]


def place_answers(values: Sequence[str]) -> dict[Standing, tuple[str, ...]]:
    """Values such as yes and no, by what they mean of a target.

    >>> place_answers(["Yes", "no", "perhaps"])
    {'won': ('Yes',), 'lost': ('no',)}
    """
    return {"won": tuple(v for v in values if _WON.match(v)), "lost": tuple(v for v in values if _LOST.match(v))}


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


def _yes_or_no(frame: pd.DataFrame) -> StatusColumn | None:
    """A target of two values such as yes and no, by its name or its place; its empty cells are not closed."""
    target = guess_target(frame)
    if target is None:
        return None
    texts = frame[target.header]
    counts = texts.value_counts()
    others = tuple(str(v) for v in counts.index if str(v) not in {*target.won, *target.lost})
    return StatusColumn(
        header=target.header,
        meanings={"won": target.won, "lost": target.lost, "disqualified": (), "open": ()},
        unplaced=others,
        counts={str(value): int(n) for value, n in counts.items()},
        blank=int(texts.isna().sum()),
    )


def explain_missing_status(frame: pd.DataFrame) -> str:
    """Why no column says which rows were won and which were lost, if one says half of it; else ""."""
    best = ""
    for header in map(str, frame.columns):
        if frame[header].head(5000).nunique() > MOST_VALUES:
            continue
        counts = frame[header].value_counts()
        placed = place_statuses(map(str, counts.index))
        said = {kind: sum(int(counts[value]) for value in placed[kind]) for kind in STANDINGS}
        over = (said["won"] > 0) != (said["lost"] + said["disqualified"] > 0)
        if not over or not (said["open"] or _SAYS_IT & meanings_of(header)) or len(counts) < 2:
            continue
        has, lacks = ("won", "lost") if said["won"] else ("lost", "won")
        words = ", ".join(f"{value} {int(counts[value]):,}" for value in map(str, counts.index[:6]))
        found = (
            f"'{header}' has rows that are {has}, but no value means {lacks} ({words}): a model needs both. If one of "
            f"the values means {lacks}, name '{header}' under flat.target; else export the {lacks} ones too."
        )
        if has == "won" or not best:
            best = found
        if has == "won":
            break
    return best or _ask_which(frame)


def _ask_which(frame: pd.DataFrame) -> str:
    """The columns of a few codes whose header speaks of a result, where no value says what any of them means."""
    asked = []
    for header in map(str, frame.columns):
        if (
            not (_SAYS_IT & meanings_of(header) or _TARGET.search(header))
            or frame[header].head(5000).nunique() > _CODES
        ):
            continue
        counts = frame[header].value_counts()
        if 2 <= len(counts) <= _CODES:
            asked.append(f"'{header}' ({', '.join(f'{value} {int(rows):,}' for value, rows in counts.items())})")
    if not asked:
        return ""
    return (
        f"{', '.join(asked[:3])} may say which rows were won, but no value tells by its words: name the column under "
        "flat.target, with the values that mean won and lost."
    )
