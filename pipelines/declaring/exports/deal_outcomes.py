"""When and how the deals of an export closed, which leads they belong to, and how long that took."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from features.kernel.column_reader import FALSE_TEXTS, TRUE_TEXTS
from pipelines.declaring.exports.export_plan import ExportPlan
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.table_recognition import first_time, status_column
from pipelines.declaring.words.header_words import Meaning, Subject, meanings_of, words_of
from pipelines.declaring.words.money_words import is_planned
from pipelines.declaring.words.status_flags import StatusFlags, find_flags
from pipelines.declaring.words.status_words import place_statuses
from pipelines.ingest.key_forms import match_keys
from pipelines.ingest.values.column_texts import without_no_value

_FLAG_VALUES = 4  # yes, no, empty and a typing error
_LATE = 0.05  # share of deals; some are lost after the newest win
_IN_ORDER = 0.98  # share of rows in which a clock must not be before what it reports


@dataclass(frozen=True, kw_only=True)
class DealOutcomes:
    """How a table of deals says what became of them.

    Parameters
    ----------
    column : header that says won or lost
    won, lost, disqualified, open : its values; empty where it is a plain yes or no
    rows : header and values of closed deals, where the table holds open ones too; those not understood are among
        them, and go to quarantine until somebody says what they mean
    closed_at : headers of the close, the first filled counts
    known_at : header of when the close became known, "" if there is none
    flags : the flags that ``column`` is made of, where the table has no such column
    unplaced : values whose words do not say what they mean, with the number of their rows, the most frequent first
    """

    column: str
    won: tuple[str, ...]
    lost: tuple[str, ...]
    disqualified: tuple[str, ...]
    open: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    closed_at: tuple[str, ...]
    known_at: str = ""
    flags: StatusFlags | None = None
    unplaced: Mapping[str, int] = field(default_factory=dict)

    def texts(self, table: ExportTable) -> pd.Series:
        """What the table says of each deal."""
        return table.frame[self.column] if self.flags is None else self.flags.join(table.frame)

    def is_won(self, table: ExportTable) -> pd.Series:
        """Which deals were won."""
        texts = self.texts(table)
        return texts.isin(self.won) if self.won else texts.str.lower().isin(TRUE_TEXTS)

    def is_closed(self, table: ExportTable) -> pd.Series:
        """Which deals are over."""
        if self.won:
            return self.texts(table).isin([*self.won, *self.lost, *self.disqualified])
        closed = table.frame[self.column].notna()
        for header, values in self.rows.items():
            closed &= table.frame[header].isin(values)
        return closed

    @property
    def tells_open(self) -> bool:
        """Whether deals that are still open can be told from those that were lost."""
        return bool(self.won or self.rows)

    def perhaps_open(self, table: ExportTable) -> int:
        """Deals that count as lost though they close after all that happened, or at no known time; 0 if but a few."""
        if self.tells_open:
            return 0
        won, closes, created = self.is_won(table), self.moments(table), first_time(table, Meaning.CREATED)
        newest = closes[won].max()
        newest = max(newest, table.moments(created).max()) if created else newest
        count = int((~won & ~(closes <= newest)).sum())
        return count if count > _LATE * len(won) else 0

    def moments(self, table: ExportTable) -> pd.Series:
        """When each deal closed."""
        first = pd.Series(pd.NaT, index=table.frame.index, dtype="datetime64[us]")
        for header in self.closed_at:
            first = first.fillna(table.moments(header))
        return first


def read_outcomes(table: ExportTable) -> DealOutcomes | None:
    """How the table says what became of its deals; None if it does not say so, or not when."""
    closed_at = _closing_dates(table)
    if not closed_at:
        return None
    known_at = _known_at(table, closed_at)

    status = status_column(table)
    if status:
        counts = {str(value): int(rows) for value, rows in table.frame[status].value_counts().items()}
        values = [str(value) for value in table.frame[status].dropna().unique()]
        placed = place_statuses(values)
        lost, disqualified = placed["lost"], placed["disqualified"]
        if not lost:
            lost, disqualified = disqualified, ()
        over, unplaced = (*placed["won"], *lost, *disqualified), placed[None]
        return DealOutcomes(
            column=status,
            won=placed["won"],
            lost=lost,
            disqualified=disqualified,
            open=placed["open"],
            rows={status: (*over, *unplaced)} if placed["open"] or unplaced or table.filled(status) < 1 else {},
            closed_at=closed_at,
            known_at=known_at,
            unplaced={value: rows for value, rows in counts.items() if value in unplaced},
        )

    flags = find_flags(table.frame)
    if flags is not None:
        over = tuple(flags.values)
        return DealOutcomes(
            column=flags.name,
            won=("won",),
            lost=tuple(value for value in over if value == "lost"),
            disqualified=tuple(value for value in over if value == "disqualified"),
            open=("",),
            rows={flags.name: over},
            closed_at=closed_at,
            known_at=known_at,
            flags=flags,
        )

    flag = _flag(table, Meaning.WON)
    if not flag:
        return None
    closed = _flag(table, Meaning.IS_CLOSED, but=flag)
    rows: dict[str, tuple[str, ...]] = {}
    if closed:
        rows = {closed: tuple(v for v in map(str, table.frame[closed].dropna().unique()) if v.lower() in TRUE_TEXTS)}
    elif table.filled(flag) < _IN_ORDER:
        rows = {flag: tuple(map(str, table.frame[flag].dropna().unique()))}
    return DealOutcomes(
        column=flag, won=(), lost=(), disqualified=(), open=(), rows=rows, closed_at=closed_at, known_at=known_at
    )


def _closing_dates(table: ExportTable) -> tuple[str, ...]:
    """Columns of the close, those of one result before the general one; a day hoped for only where no other is."""
    found = [h for h in table.headers(Meaning.CLOSED) if h in table.times]
    found = [h for h in found if Meaning.CREATED not in meanings_of(h)]
    found = [h for h in found if not is_planned(h)] or found
    special = [h for h in found if {"won", "lost"} & set(words_of(h).split())]
    found.sort(key=table.filled)
    return tuple(dict.fromkeys([*special, *found]))


def _known_at(table: ExportTable, closed_at: tuple[str, ...]) -> str:
    for header in table.headers(Meaning.LOGGED):
        if header in table.times and header not in closed_at and not_before(table, header, closed_at[-1]):
            return header
    return ""


def not_before(table: ExportTable, known: str, happened: str) -> bool:
    """Whether a clock never (or hardly ever) tells of something before it happened."""
    later, earlier = table.moments(known), table.moments(happened)
    both = later.notna() & earlier.notna()
    return bool(both.any() and (later[both] >= earlier[both]).mean() >= _IN_ORDER)


def _flag(table: ExportTable, meaning: Meaning, but: str = "") -> str:
    for header in table.headers(meaning):
        values = {str(value).lower() for value in table.frame[header].dropna().unique()}
        plain = 0 < len(values) <= _FLAG_VALUES and values & TRUE_TEXTS and values & (FALSE_TEXTS | TRUE_TEXTS)
        if header != but and header not in table.times and plain:
            return header
    return ""


@dataclass(frozen=True)
class Wins:
    """Wins of an export: the lead of each, missing where none is known, and when it was."""

    leads: pd.Series
    at: pd.Series


def wins_of_deals(plan: ExportPlan, outcomes: DealOutcomes) -> Wins:
    """The deals that were won."""
    deals = plan.table(Subject.DEALS)
    if deals is None:
        return Wins(pd.Series(dtype="str"), pd.Series(dtype="datetime64[us]"))
    won = outcomes.is_won(deals).to_numpy(dtype=bool)
    leads = leads_of_rows(plan, deals)
    return Wins((leads if len(leads) else pd.Series(pd.NA, index=deals.frame.index))[won], outcomes.moments(deals)[won])


def leads_of_rows(plan: ExportPlan, table: ExportTable) -> pd.Series:
    """The lead of each row by its id, missing where none is known; rows of leads are their own."""
    leads = plan.leads
    if leads is None or leads.name not in plan.keys:
        return pd.Series(dtype="str")
    own = leads.frame[plan.keys[leads.name]]
    if table.name == leads.name:
        return own
    reference = plan.to_leads.get(table.name)
    if reference is None:
        return _first_leads_of_accounts(plan, leads, table)

    values = without_no_value(table.frame[reference.column])
    meant = pd.Series(pd.NA, index=values.index, dtype="str")
    for header in (plan.keys[leads.name], *reference.through):
        ids = leads.frame[header].dropna()
        known = dict(zip(ids, own[ids.index], strict=True))
        otherwise = match_keys(values, ids).matched
        known |= {value: known[key] for value, key in otherwise.items()}
        meant = meant.fillna(values.map(known).astype("str"))
    return meant


def _first_leads_of_accounts(plan: ExportPlan, leads: ExportTable, table: ExportTable) -> pd.Series:
    """For rows that name an account alone the lead of it that came first; missing where leads name none."""
    none = pd.Series(pd.NA, index=table.frame.index, dtype="str")
    theirs, own = plan.to_accounts.get(table.name), plan.to_accounts.get(leads.name)
    if theirs is None or own is None or theirs.through or own.through:
        return none
    created = first_time(leads, Meaning.CREATED)
    order = leads.moments(created).sort_values(kind="stable").index if created else leads.frame.index
    rows = leads.frame.iloc[order].dropna(subset=[own.column]).drop_duplicates(own.column)
    rows = rows[~rows[own.column].isin(own.missing)]
    known = dict(zip(rows[own.column], rows[plan.keys[leads.name]], strict=True))
    return none.fillna(table.frame[theirs.column].map(known).astype("str"))


def leads_won(plan: ExportPlan, wins: Wins) -> pd.Series:
    """1.0 for each lead that was won, else 0.0."""
    leads = plan.leads
    if leads is None or leads.name not in plan.keys:
        return pd.Series(dtype="float64")
    return leads.frame[plan.keys[leads.name]].isin(list(set(wins.leads.dropna()))).astype("float64")


def days_to_win(plan: ExportPlan, wins: Wins, created: str) -> pd.Series:
    """Days from the creation of each lead that was won to the win."""
    leads = plan.leads
    if leads is None or not created or leads.name not in plan.keys:
        return pd.Series(dtype="float64")
    since = pd.Series(leads.moments(created).to_numpy(), index=leads.frame[plan.keys[leads.name]])
    since = since[~since.index.duplicated() & since.index.notna()]
    return ((wins.at - wins.leads.map(since)).dt.total_seconds() / 86_400).dropna()
