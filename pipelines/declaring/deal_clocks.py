"""When the deals of a file came in and when they closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import LeadScoreError
from features.schema.vocabulary import ColumnType
from pipelines.declaring.column_inference import Guess
from pipelines.declaring.corrections.file_corrections import NOTHING_SAID, DatesFirst, FileCorrections
from pipelines.declaring.horizon_choice import HorizonChoice, choose_horizon
from pipelines.declaring.status_column import StatusColumn
from pipelines.declaring.value_types import READABLE
from pipelines.declaring.words.header_words import Meaning, meanings_of, words_of
from pipelines.declaring.words.money_words import is_planned
from pipelines.declaring.words.todays_words import todays_words
from pipelines.ingest.values.column_texts import without_no_value
from pipelines.ingest.values.date_order import DateOrder
from pipelines.ingest.values.moments import zone_of
from pipelines.ingest.values.timestamps import read_timestamps

CLOSED_FILLED = 0.95  # share of closed rows with a date of the close: rows without one go to quarantine
_IN_ORDER = 0.9  # share of closed rows that close no earlier than they were created; else these are no such clocks


@dataclass(frozen=True, kw_only=True)
class DealClocks:
    """The two clocks of a file of deals.

    Parameters
    ----------
    created : header of when a deal came in
    closed : headers of when it closed; the first filled counts
    filled : share of the closed rows that have a date of the close
    early : closed rows that close before they were created
    horizon : suggested by the deals' own times to win
    per_week : deals created a week
    dates : how dates such as 03/04/2025 are read, where a person had to say so
    """

    created: str
    closed: tuple[str, ...]
    filled: float
    early: int
    horizon: HorizonChoice
    per_week: float
    dates: DatesFirst | None = None


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
    # a day that sales hope for is none on which anything closed, where another column says when it did
    real = [header for header in times if not is_planned(header)]
    return tuple(sorted(real or times, key=lambda header: (guesses[header].filled, times.index(header))))


def find_clocks(
    frame: pd.DataFrame,
    guesses: Mapping[str, Guess],
    status: StatusColumn,
    *,
    accounts: bool,
    said: FileCorrections = NOTHING_SAID,
) -> DealClocks | None:
    """When deals came in and closed; None where the file does not say so for nearly all closed rows.

    ``accounts`` tells whether deals name the account they belong to; ``said`` is what a person named.
    """
    created = said.chosen(created_header(guesses), said.created)
    closed = closed_headers(guesses) if said.closed is None else said.closed
    if created is None or not closed or created in closed:
        return None
    began = moments_of(frame[created], said.dates)
    ended = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    for header in closed:
        read = moments_of(frame[header], said.dates)
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
    weeks = max((began.max() - began.min()) / pd.Timedelta(weeks=1), 1.0)
    return DealClocks(
        created=created,
        closed=closed,
        filled=filled,
        early=int((days < 0).sum()),
        horizon=choose_horizon(to_win, age, accounts=accounts),
        per_week=len(frame) / weeks,
        dates=said.dates,
    )


def moments_of(texts: pd.Series, dates: DatesFirst | None = None) -> pd.Series | None:
    """The times of a column; None where they can be read in two ways and ``dates`` does not say which."""
    order: DateOrder | None = {"day_first": "day", "month_first": "month"}.get(dates or "")  # type: ignore[assignment]
    try:
        # what somebody answered holds for dates with full stops, too
        texts = without_no_value(texts)
        found = read_timestamps(texts.reset_index(drop=True), zone_of("UTC", ""), order=order, dotted=True)
        return found.values.set_axis(texts.index)
    except LeadScoreError:
        return None


def explain_misfit(frame: pd.DataFrame, guesses: Mapping[str, Guess], status: StatusColumn) -> str:
    """Why the columns of times are no clocks, in figures of the file: closes missing, or before creation; else ""."""
    created, closed = created_header(guesses), closed_headers(guesses)
    others = [
        header
        for header, guess in guesses.items()
        if guess.type is ColumnType.TIMESTAMP and header != created and not todays_words(header)
    ]
    ends = closed or tuple(others[:1] if len(others) == 1 else ())
    if created is None or not ends:
        return ""
    began = moments_of(frame[created])
    read = [moments_of(frame[header]) for header in ends]
    if began is None or any(one is None for one in read):
        return f"the dates of '{created}' or {_quoted(ends)} can be read in two ways; declare their time_format"
    ended = pd.concat([one for one in read if one is not None], axis=1).bfill(axis=1).iloc[:, 0]
    over = status.is_won(frame).notna()
    early = over & (ended.dt.normalize() < began.dt.normalize())
    if early.sum() > (1 - _IN_ORDER) * int((over & ended.notna()).sum()):
        values = status.texts(frame)[early].value_counts()
        whose = f", all of them '{values.index[0]}'" if len(values) == 1 else ""
        return (
            f"{_quoted(ends)} lies before '{created}' in {int(early.sum()):,} of {int(over.sum()):,} closed rows"
            f"{whose}: the two may be swapped there, or entered afterwards"
        )
    empty = int((over & ended.isna()).sum())
    return f"{_quoted(ends)} is empty in {empty:,} of {int(over.sum()):,} closed rows" if empty else ""


def _quoted(headers: Sequence[str]) -> str:
    return ", ".join(f"'{header}'" for header in headers)
