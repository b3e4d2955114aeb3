"""What was found out about a file as a whole, for its starter declaration."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from features.schema.canonical_tables import LEADS
from features.schema.columns import fold_value
from features.schema.vocabulary import ColumnType, Role
from pipelines.declaring.column_inference import Guess, guess_column
from pipelines.declaring.column_lines import ColumnPlace, column_lines, said_lines
from pipelines.declaring.column_names import name_columns
from pipelines.declaring.column_values import THREADS
from pipelines.declaring.corrections.file_corrections import NOTHING_SAID, DatesFirst, FileCorrections
from pipelines.declaring.deal_clocks import DealClocks, created_header, find_clocks, moments_of
from pipelines.declaring.record_id import RepeatedIds, find_record_id, find_repeats
from pipelines.declaring.status_column import StatusColumn
from pipelines.declaring.words.header_words import Meaning, meanings_of
from pipelines.declaring.words.money_words import is_planned
from pipelines.declaring.words.status_flags import StatusFlags
from pipelines.declaring.words.todays_words import todays_words
from pipelines.declaring.yaml_text import flow, location_lines
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.values.number_form import DecimalSign
from pipelines.ingest.values.type_casting import decimal_of

_NAMES = (ColumnType.CATEGORY, ColumnType.TEXT)
_LEAST_ACCOUNTS = 20  # fewer cannot be kept apart in several folds
_RESERVED = ("status", "deal_value")  # names that a declaration with clocks gives to columns of its own


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What was found out about a file as a whole.

    Parameters
    ----------
    frame : texts as in the file, missing where empty
    lead_id : header of the CRM's own id, None where no column tells rows apart
    repeats : what rows of one id have in common
    account : header of the company that a deal belongs to, never a column of numbers
    names : the product's name for each header
    said : what a person corrected
    dates : by header ``time_format``, where its dates can be read in two ways and a person said which
    """

    path: Path
    raw: RawTable
    frame: pd.DataFrame
    guesses: Mapping[str, Guess]
    status: StatusColumn | None
    clocks: DealClocks | None
    lead_id: str | None
    repeats: RepeatedIds | None
    account: str | None
    names: Mapping[str, str]
    said: FileCorrections = NOTHING_SAID
    dates: Mapping[str, str] = field(default_factory=dict)

    @property
    def created(self) -> str | None:
        """The header of when a lead came in; None where none says so."""
        return self.said.chosen(created_header(self.guesses), self.said.created)

    def first(self, meaning: Meaning) -> str | None:
        """The first column of names or numbers whose header says this of what a row is; what is planned comes last."""
        return _first(self.guesses, meaning, (*_NAMES, ColumnType.NUMBER), self._used)

    def first_number(self, meaning: Meaning) -> str | None:
        """The first column of numbers whose header says this; what is planned comes last."""
        return _first(self.guesses, meaning, (ColumnType.NUMBER,), self._used)

    @property
    def newest(self) -> str | None:
        """The header by which the newest of several rows of one deal counts; None where no such column is needed."""
        if self.clocks is None or self.repeats is None:
            return None
        clocks = (self.clocks.created, *self.clocks.closed)
        return None if self.repeats.newest in clocks else self.repeats.newest

    @property
    def _used(self) -> tuple[str | None, str | None]:
        return self.lead_id, self.status.header if self.status else None

    def location_lines(self, *, indent: int) -> list[str]:
        """Where and how the file is read; the decimal sign only if its numbers prove one."""
        form, keys = self.raw.form, dict[str, object](file=self.path.name)
        if form["format"] == "csv":
            decimal = _proven_decimal(self.guesses)
            sign = {} if decimal is None else {"decimal": decimal}
            keys["csv"] = {"delimiter": form["delimiter"], "encoding": form["encoding"]} | sign
        sha256 = f"{' ' * indent}  # sha256: {form['sha256']} # to insist on exactly this file"
        flags = [] if self.status is None or self.status.flags is None else self._flag_lines(self.status.flags, indent)
        return [*location_lines(keys, indent=indent), sha256, *flags]

    @staticmethod
    def _flag_lines(flags: StatusFlags, indent: int) -> list[str]:
        """The column made of flags."""
        return [f"{' ' * indent}flags: {flow(flags.declare())} # a column made of these; with none set it is empty"]

    def attribute_lines(self, place: ColumnPlace, done: Mapping[str, Sequence[str]]) -> list[str]:
        """Lines of the columns in the order of the file; ``done`` are lines of those that something else speaks of."""
        place.names.update({*self.names.values(), *_RESERVED})
        place = replace(place, dates=self.dates)
        lines: list[str] = []
        for header, guess in self.guesses.items():
            own, use = done.get(header), self.said.uses.get(header)
            if own is not None:
                lines += own
            elif use is not None:
                lines += said_lines(self.names[header], guess, use, place)
            else:
                lines += column_lines(self.names[header], guess, self.frame[header], place)
        return lines


def _first(
    guesses: Mapping[str, Guess], meaning: Meaning, types: Collection[ColumnType], used: Collection[str | None]
) -> str | None:
    """The first column of these types that says this, unless it is used, or shows today's value."""
    named = sorted((h for h, g in guesses.items() if meaning in meanings_of(h) and g.type in types), key=is_planned)
    return next((header for header in named if header not in used and not todays_words(header)), None)


def find_facts(
    path: Path,
    raw: RawTable,
    frame: pd.DataFrame,
    status: StatusColumn | None,
    said: FileCorrections = NOTHING_SAID,
) -> FileFacts:
    """Facts of the texts of a file; what a person ``said`` comes before every guess."""
    guesses = guess_columns(frame, status, raw.form.get("delimiter"))
    own = said.chosen(find_record_id(frame, guesses), said.lead_id)
    clocks, account = None, None
    if status is not None and own is not None:
        account = _first(guesses, Meaning.COMPANY, _NAMES, (own, status.header))
        several = account is not None and guesses[account].distinct >= _LEAST_ACCOUNTS
        clocks = find_clocks(frame, guesses, status, accounts=several, said=said)
    taken = {name for name in LEADS.names if name != "lead_id"} | (set() if clocks is None else {*_RESERVED})
    return FileFacts(
        path=path,
        raw=raw,
        frame=frame,
        guesses=guesses,
        status=status,
        clocks=clocks,
        lead_id=own,
        repeats=None if own is None else _repeats(frame, own, guesses),
        account=account,
        names=name_columns(guesses, taken, _usual_names(frame, guesses)),
        said=said,
        dates={} if said.dates is None else dict.fromkeys(_answered_dates(frame, guesses, said.dates), said.dates),
    )


def ambiguous_dates(frame: pd.DataFrame, guesses: Mapping[str, Guess]) -> tuple[str, ...]:
    """Headers of times whose dates, such as 03/04/2025, can be read in two ways."""
    return tuple(header for header in _times(guesses) if moments_of(frame[header]) is None)


def _answered_dates(frame: pd.DataFrame, guesses: Mapping[str, Guess], dates: DatesFirst) -> Iterator[str]:
    """Headers of times that what a person answered reads otherwise: also 03.04.2025, else read with the day first."""
    for header in _times(guesses):
        found, answered = moments_of(frame[header]), moments_of(frame[header], dates)
        if found is None or (answered is not None and not answered.equals(found)):
            yield header


def _times(guesses: Mapping[str, Guess]) -> Iterator[str]:
    return (header for header, guess in guesses.items() if guess.type is ColumnType.TIMESTAMP)


def _repeats(frame: pd.DataFrame, own: str, guesses: Mapping[str, Guess]) -> RepeatedIds:
    """What rows of one id have in common; looked at only where ids were counted fewer than rows."""
    if guesses[own].distinct + len(guesses[own].missing) == frame[own].count():
        return RepeatedIds(alike=0, ids=0, differing=())
    return find_repeats(frame, own, guesses)


def guess_columns(frame: pd.DataFrame, status: StatusColumn | None, delimiter: str | None) -> dict[str, Guess]:
    """What every column seems to be."""
    won = None if status is None else status.is_won(frame)
    decimal = decimal_of([frame[c] for c in frame], delimiter)

    def guess(name: str) -> Guess:
        return guess_column(frame[name], None if status is not None and name == status.header else won, decimal)

    names = list(frame.columns)
    with ThreadPoolExecutor(THREADS) as pool:
        guesses = dict(zip(map(str, names), pool.map(guess, names), strict=True))
    for header in () if status is None or status.flags is None else status.flags.headers:
        guesses[header] = replace(
            guesses[header], suspicious="it tells the outcome, of which it is a flag", today=False
        )
    return guesses


def _usual_names(frame: pd.DataFrame, guesses: Mapping[str, Guess]) -> dict[str, str]:
    """Headers that get the names under which lists and cards show them: company, owner, link to the record."""
    found: dict[str, str] = {}
    ids_last = sorted(guesses.items(), key=lambda item: Meaning.ID in meanings_of(item[0]))
    for header, guess in ids_last:
        if _are_links_to_rows(frame[header], guess):
            found.setdefault("record_url", header)
        elif guess.type is ColumnType.CATEGORY and not todays_words(header):
            for kind in (Meaning.OWNER, Meaning.COMPANY):
                if kind in meanings_of(header) and not (kind is Meaning.OWNER and guess.role is Role.DISPLAY):
                    found.setdefault(str(kind), header)
                    break
    return {header: name for name, header in found.items()}


def _are_links_to_rows(texts: pd.Series, guess: Guess) -> bool:
    """Whether more than half of the values are links and as many are different."""
    filled = guess.filled * len(texts)
    if guess.type not in _NAMES or guess.distinct <= filled / 2:
        return False
    return bool(texts.dropna().str.match(r"https?://").mean() > 0.5)


def _proven_decimal(guesses: Mapping[str, Guess]) -> DecimalSign | None:
    """The decimal sign that every number column proves that proves one; a guess is not declared, for it would win."""
    signs = {guess.decimal for guess in guesses.values() if guess.decimal is not None}
    return signs.pop() if len(signs) == 1 else None


def status_lines(status: StatusColumn, *, indent: int) -> list[str]:
    """The values by what they mean, one line each, with their rows."""
    pad, lines = " " * indent, []
    for key, values in (
        ("won", status.meanings["won"]),
        ("lost", status.lost),
        ("disqualified", status.disqualified),
        ("open", status.open),
    ):
        if values:
            counts = ", ".join(f"{v or 'empty'} {status.rows((v,)):,}" for v in values)
            lines.append(f"{pad}{key}: {flow(_spelled_once(values))} # rows: {counts}")
    if status.unplaced:
        lines.append(f"{pad}# not placed: {', '.join(f'{v} {status.counts[v]:,}' for v in status.unplaced)}")
    return lines


def _spelled_once(values: tuple[str, ...]) -> list[str]:
    """Values without those that differ from one before in case, blanks or dashes only: they are read as one."""
    return list({fold_value(value): value for value in reversed(values)}.values())[::-1]
