"""When the deals of a file came in and when they closed; the horizon that its own times to win suggest."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import LeadScoreError
from features.schema.vocabulary import ColumnType
from pipelines.declaring.column_inference import READABLE, Guess
from pipelines.declaring.status_column import StatusColumn
from pipelines.declaring.words.header_words import Meaning, meanings_of, words_of
from pipelines.declaring.words.todays_words import todays_words
from pipelines.ingest.values.timestamps import read_timestamps, zone_of

CLOSED_FILLED = 0.95  # share of closed rows with a date of the close: rows without one go to quarantine
_IN_ORDER = 0.9  # share of closed rows that close no earlier than they were created; else these are no such clocks
_INSIDE = 0.9  # share of wins that the horizon holds, where the history is long enough
_MATURED = 0.5  # share of rows that must be older than the horizon, so that there is something to learn from
LAG_DAYS = 7
HORIZONS = (7, 14, 30, 60, 90, 120, 180, 270, 365, 540, 730)  # days a team would speak of


@dataclass(frozen=True, kw_only=True)
class DealClocks:
    """The two clocks of a file of deals.

    Parameters
    ----------
    created : header of when a deal came in
    closed : headers of when it closed; the first filled counts
    filled : share of the closed rows that have a date of the close
    early : closed rows that close before they were created
    horizon_days : suggested horizon
    inside : share of wins within it
    matured : rows old enough for their label to be settled
    per_week : deals created a week
    """

    created: str
    closed: tuple[str, ...]
    filled: float
    early: int
    horizon_days: int
    inside: float
    matured: int
    per_week: float


def created_header(guesses: Mapping[str, Guess]) -> str | None:
    """The filled column of times whose header says that a lead came in then; None if there is none."""
    times = [h for h, g in guesses.items() if g.type is ColumnType.TIMESTAMP and g.filled > READABLE]
    named = [h for h in times if Meaning.CLOSED not in meanings_of(h) and not todays_words(h)]
    said = [h for h in named if Meaning.CREATED in meanings_of(h)]
    days = [h for h in named if Meaning.DAY in meanings_of(h)]  # says less than created; the word alone says least
    return next(iter([*said, *sorted(days, key=lambda header: words_of(header) == "date")]), None)


def closed_headers(guesses: Mapping[str, Guess]) -> tuple[str, ...]:
    """Columns of times whose headers say that a deal closed then: those of won or lost ones before those of all."""
    times = [
        header
        for header, guess in guesses.items()
        if guess.type is ColumnType.TIMESTAMP and Meaning.CLOSED in meanings_of(header) and not todays_words(header)
    ]
    return tuple(sorted(times, key=lambda header: (guesses[header].filled, times.index(header))))


def find_clocks(frame: pd.DataFrame, guesses: Mapping[str, Guess], status: StatusColumn) -> DealClocks | None:
    """When deals came in and closed; None where the file does not say so for nearly all closed rows."""
    created, closed = created_header(guesses), closed_headers(guesses)
    if created is None or not closed:
        return None
    began = _moments(frame[created])
    ended = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    for header in closed:
        read = _moments(frame[header])
        if read is None:
            return None
        ended = ended.fillna(read)
    won = status.is_won(frame)
    over = won.notna()
    if began is None or not over.any():
        return None

    filled = float(ended[over].notna().mean())
    days = (ended.dt.normalize() - began.dt.normalize())[over] / pd.Timedelta(days=1)
    if filled < CLOSED_FILLED or float((days.dropna() >= 0).mean()) < _IN_ORDER:
        return None

    cutoff = max(began.max(), ended[over].max())
    to_win = days[(won == 1.0) & (days >= 0)].to_numpy(dtype=np.float64)
    age = ((cutoff - began) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
    horizon = _choose_horizon(to_win, age)
    weeks = max((began.max() - began.min()) / pd.Timedelta(weeks=1), 1.0)
    return DealClocks(
        created=created,
        closed=closed,
        filled=filled,
        early=int((days < 0).sum()),
        horizon_days=horizon,
        inside=float((to_win <= horizon).mean()) if len(to_win) else 0.0,
        matured=int((age >= horizon + LAG_DAYS).sum()),
        per_week=len(frame) / weeks,
    )


def _choose_horizon(to_win: np.ndarray, age: np.ndarray) -> int:
    """The shortest that holds nearly all wins, or the longest that leaves enough matured rows."""
    wanted = float(np.quantile(to_win, _INSIDE)) if len(to_win) else 0.0
    fitting = [step for step in HORIZONS if float((age >= step + LAG_DAYS).mean()) >= _MATURED]
    long_enough = [step for step in HORIZONS if step >= wanted]
    best = long_enough[0] if long_enough else HORIZONS[-1]
    return min(best, fitting[-1] if fitting else HORIZONS[0])


def _moments(texts: pd.Series) -> pd.Series | None:
    """The times of a column; None where they can be read in two ways."""
    try:
        return read_timestamps(texts.reset_index(drop=True), zone_of("UTC", "")).values.set_axis(texts.index)
    except LeadScoreError:
        return None
