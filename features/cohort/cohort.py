"""Which leads are looked at, and when: open leads on a calendar grid, after creation, or at stage entries."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Bools, Ints, Tables
from features.cohort.objections import objecting_leads
from features.cohort.outcomes import REACHED, STAGE_LOST, STAGE_UNWON, STAGE_WON, UNWON, lifecycle_events
from features.errors import ContractError, DataError
from features.matrix import KEY_COLUMNS
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY, NEVER, days, micros, moments
from features.point_in_time.visibility import ALWAYS, UNKNOWN, is_known
from features.schema.canonical_tables import TABLES
from features.schema.source import Source

FIRST_MONDAY = 4 * MICROSECONDS_PER_DAY  # 1970-01-05: the grid's days are Mondays, 00:00 UTC
__all__ = ["Tables", "build_cohort", "chosen_leads", "cutoff_of", "keys_of", "open_cohort"]


@dataclass(frozen=True)
class Episodes:
    """Times a lead was open, one row each: it is open at as_of iff ``known_from < as_of < until``.

    ``opened_at`` starts the clock of its age; ``known_from`` is when we learned that it is open.
    """

    lead: Ints
    number: Ints
    opened_at: Ints
    known_from: Ints
    until: Ints


def cutoff_of(tables: Tables, source: Source) -> pd.Timestamp:
    """The data cut-off: as declared, or the moment after the latest known_at of any table, which counts as known.

    Raises
    ------
    DataError
        if nothing in the tables has a time.
    """
    if source.data_cutoff is not None:
        return _utc(source.data_cutoff)
    clocks = [frame["known_at"].max() for frame in tables.values() if "known_at" in frame and len(frame)]
    latest = max((moment for moment in clocks if not pd.isna(moment)), default=None)
    if latest is None:
        raise DataError(f"source '{source.name}' has no row with a known_at; map a timestamp, e.g. leads.created_at.")
    # tables are the state after their last change: a deal that closed with that very change is not open
    return pd.Timestamp(latest) + pd.Timedelta(microseconds=1)


def _utc(text: str) -> pd.Timestamp:
    """A declared ISO time in UTC, without its zone."""
    declared = pd.Timestamp(text)
    return declared.tz_convert("UTC").tz_localize(None) if declared.tzinfo else declared


def chosen_leads(leads: pd.DataFrame, source: Source) -> Bools:
    """Per lead row whether it has the values that ``cohort.where`` asks for, and does not object to profiling."""
    kept = ~objecting_leads(leads, source)
    for name, values in source.cohort.where.items():
        column = leads[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            hit = column.isin(pd.to_numeric(pd.Series(values), errors="coerce").dropna())
        else:
            hit = column.astype("str").str.casefold().isin([value.strip().casefold() for value in values])
        kept &= hit.to_numpy(dtype=np.bool_, na_value=False)
    return kept


def _creation_clocks(leads: pd.DataFrame) -> tuple[Ints, Ints]:
    created = micros(leads["created_at"])
    known = micros(leads["known_at"]) if "known_at" in leads else created.copy()
    known = np.where(known == NEVER, created, known)
    return created, np.where(known == NEVER, ALWAYS, known)


def episodes_of(
    tables: Tables, source: Source, known_before: int | None = None, events: pd.DataFrame | None = None
) -> Episodes:
    """Open episodes of every lead; with ``known_before`` only from events known by then.

    ``events`` are the tables' :func:`lifecycle_events` where somebody asks for several moments.
    """
    leads = tables["leads"]
    created, known = _creation_clocks(leads)

    events = lifecycle_events(tables, source) if events is None else events
    lead = pd.Index(leads["lead_id"]).get_indexer(pd.Index(events["lead_id"]))
    happened, learned = micros(events["happened_at"]), micros(events["known_at"])

    kept = lead >= 0
    if known_before is not None:
        kept &= is_known(learned, known_before)
    closes = np.zeros(len(leads) + 1, dtype=np.bool_)
    closes[lead[(events["what"] != "active").to_numpy()]] = True
    kept &= closes[lead]  # work on a lead that nothing ever closed changes nothing

    found = _Builder(source, created, known)
    what = events["what"].tolist()
    for row in np.flatnonzero(kept):
        found.record_event(int(lead[row]), what[row], int(happened[row]), int(learned[row]))

    return found.episodes()


class _Builder:
    """Walks events in the order they became known and notes when each lead is open.

    What is learned late counts where it happened: a close ends the episode it lies in, not one that began since, and
    work before a close reopens nothing. Only a win ends a lead whenever it happened, and every time it was open.
    """

    def __init__(self, source: Source, created: Ints, known: Ints) -> None:
        self.label = source.label
        self.opened_at, self.known_from = created.copy(), known.copy()
        self.number = np.zeros(created.size, dtype=np.int64)
        self.open = np.ones(created.size, dtype=np.bool_)
        self.wins = np.zeros(created.size, dtype=np.int64)  # that stand, by outcomes where there are any
        self.wins_by_stage = np.zeros(created.size, dtype=np.int64)  # that stand, beside outcomes
        self.has_outcome = np.zeros(created.size, dtype=np.bool_)
        self.reopened = np.full(created.size, NEVER)  # what reopened the lead happened then, before any cool-down
        self.closed = np.full(created.size, NEVER)  # its last close happened then
        self.last = np.full(created.size, -1, dtype=np.int64)
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.earlier: list[tuple[int, int]] = []  # by row when it was reopened, and the row before it of the lead

    def record_event(self, lead: int, what: str, happened: int, learned: int) -> None:
        """One event: a close, a win taken back, a recycle, or work on a lead."""
        self.has_outcome[lead] |= what in ("won", "lost")
        is_win = what in ("won", *REACHED, STAGE_WON)
        ended = min(happened, learned + 1)
        if is_win or what in ("lost", "disqualified", STAGE_LOST):
            if is_win and self.label.repeat_wins:
                return
            self._close(lead, ended, whenever=is_win)
            self.wins[lead] += what in ("won", *REACHED)
            self.wins_by_stage[lead] += what == STAGE_WON
        elif what == UNWON:
            self.wins[lead] = max(self.wins[lead] - 1, 0)
        elif what == STAGE_UNWON:
            self.wins_by_stage[lead] = max(self.wins_by_stage[lead] - 1, 0)
        elif what == "recycled" and self.label.recycled == "new_episode":
            self._close(lead, ended, whenever=False)
            self._reopen(lead, happened, learned, days(self.label.recycle_cool_down_days))
        elif what in ("active", "recycled"):
            self._reopen(lead, happened, learned, 0)

    def _close(self, lead: int, until: int, *, whenever: bool) -> None:
        self.closed[lead] = max(int(self.closed[lead]), until)
        place = int(self.last[lead])
        if self.open[lead] and (whenever or until >= self.reopened[lead]):
            opened, known = int(self.opened_at[lead]), int(self.known_from[lead])
            self.rows.append((lead, int(self.number[lead]), opened, known, until))
            self.earlier.append((int(self.reopened[lead]), place))
            self.last[lead] = len(self.rows) - 1
            self.open[lead] = False
        elif not whenever:  # another close that happened earlier but was learned of later
            while until < self.earlier[place][0]:
                place = self.earlier[place][1]
            self._end_by(place, until)
            return
        while whenever and place >= 0:  # none of the times before went on after a win
            self._end_by(place, until)
            place = self.earlier[place][1]

    def _end_by(self, place: int, until: int) -> None:
        *row, ended = self.rows[place]
        self.rows[place] = (row[0], row[1], row[2], row[3], min(ended, until))

    def _reopen(self, lead: int, happened: int, learned: int, cool_down: int) -> None:
        wins = self.wins[lead] if self.has_outcome[lead] else self.wins[lead] + self.wins_by_stage[lead]
        if self.open[lead] or (wins and not self.label.repeat_wins) or happened < self.closed[lead]:
            return
        opened = happened + cool_down
        self.open[lead] = True
        self.number[lead] += 1
        self.reopened[lead] = happened
        self.opened_at[lead], self.known_from[lead] = opened, max(opened, learned)

    def episodes(self) -> Episodes:
        """All episodes, by lead and number; those still open end never."""
        still = np.flatnonzero(self.open)
        ended = np.asarray(self.rows, dtype=np.int64).reshape(-1, 5)
        running = np.stack(
            [
                still,
                self.number[still],
                self.opened_at[still],
                self.known_from[still],
                np.full(still.size, UNKNOWN),
            ],
            axis=1,
        )
        rows = np.concatenate([ended, running])
        rows = rows[np.lexsort([rows[:, 1], rows[:, 0]])]
        return Episodes(*np.ascontiguousarray(rows.T))


def build_cohort(tables: Tables, source: Source, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Every (lead, as_of) of the declared policy up to the cut-off, columns ``KEY_COLUMNS``.

    Only moments at which the lead was open: created and known, nothing closed it, not older than the declared
    age; of the leads the declaration chooses, and not before its start. Rows are in order of as_of, then lead_id.
    """
    episodes = episodes_of(tables, source)
    end = int(micros(pd.DatetimeIndex([cutoff]))[0])
    if source.cohort.policy == "weekly":
        episode, as_of = _grid(episodes, source, end)
    elif source.cohort.policy == "after_creation":
        episode, as_of = _after_creation(episodes, source)
    elif source.cohort.policy == "stage_entry":
        episode, as_of = _stage_entries(episodes, tables, source)
    else:
        raise ContractError(
            f"source '{source.name}' declares cohort.policy: order, which is for flat sources; "
            "use weekly, after_creation or stage_entry."
        )

    age = as_of - episodes.opened_at[episode]
    kept = (as_of <= end) & (as_of < episodes.until[episode]) & is_known(episodes.known_from[episode], as_of)
    kept &= (age > 0) & (age <= days(source.cohort.maximum_age_days))
    kept &= chosen_leads(tables["leads"], source)[episodes.lead[episode]]
    if source.cohort.from_ is not None:
        kept &= as_of >= int(micros(pd.DatetimeIndex([_utc(source.cohort.from_)]))[0])

    return _keys(tables, source, episodes, episode[kept], as_of[kept], in_order=True)


def _grid(episodes: Episodes, source: Source, end: int) -> tuple[Ints, Ints]:
    step = days(source.cohort.every_days)
    start = np.maximum(episodes.known_from, episodes.opened_at)
    first = (start - FIRST_MONDAY) // step + 1
    latest = np.minimum(np.minimum(episodes.until - 1, end), episodes.opened_at + days(source.cohort.maximum_age_days))
    count = np.maximum((latest - FIRST_MONDAY) // step - first + 1, 0)
    episode = np.repeat(np.arange(count.size), count)
    place = np.arange(episode.size) - np.repeat(np.cumsum(count) - count, count)
    return episode, FIRST_MONDAY + (first[episode] + place) * step


def _after_creation(episodes: Episodes, source: Source) -> tuple[Ints, Ints]:
    start = np.maximum(episodes.known_from, episodes.opened_at) + days(source.cohort.settle_hours / 24)
    after = np.asarray([days(d) for d in source.cohort.after_days], dtype=np.int64)
    episode = np.repeat(np.arange(start.size), after.size)
    return episode, start[episode] + np.tile(after, start.size)


def _stage_entries(episodes: Episodes, tables: Tables, source: Source) -> tuple[Ints, Ints]:
    stages = tables["stages"]
    wanted = stages[stages["stage"].astype("str").isin([str(s) for s in source.cohort.stages])]
    if source.cohort.first_only:
        # the first one known: an earlier one that is told later was not there to look at
        learned = wanted.assign(known_at=wanted["known_at"].fillna(wanted["entered_at"]))
        wanted = learned.sort_values(["known_at", "entered_at"], kind="stable").drop_duplicates(["lead_id", "stage"])
    lead = pd.Index(tables["leads"]["lead_id"]).get_indexer(pd.Index(wanted["lead_id"]))
    known = micros(wanted["known_at"].fillna(wanted["entered_at"]))
    as_of = known + days(source.cohort.settle_hours / 24)
    entries = pd.DataFrame({"lead": lead, "as_of": as_of})
    spans = pd.DataFrame({"lead": episodes.lead, "episode": np.arange(episodes.lead.size)})
    both = entries[entries["lead"] >= 0].merge(spans, on="lead").drop_duplicates()
    return both["episode"].to_numpy(dtype=np.int64), both["as_of"].to_numpy(dtype=np.int64)


def open_cohort(tables: Tables, source: Source, as_of: pd.Timestamp) -> pd.DataFrame:
    """The chosen leads open at ``as_of`` as far as was known then, whatever their age; columns ``KEY_COLUMNS``."""
    now = int(micros(pd.DatetimeIndex([as_of]))[0])
    episodes = episodes_of(tables, source, known_before=now)
    is_open = (episodes.until == UNKNOWN) & is_known(episodes.known_from, now) & (episodes.opened_at < now)
    episode = np.flatnonzero(is_open & chosen_leads(tables["leads"], source)[episodes.lead])
    return _keys(tables, source, episodes, episode, np.full(episode.size, now, dtype=np.int64), in_order=True)


def keys_of(tables: Tables, source: Source, lead_ids: Sequence[str], as_of: pd.Timestamp | pd.Series) -> pd.DataFrame:
    """Keys of given leads at given moments, in the given order; whether they are open does not matter.

    Raises
    ------
    ContractError
        naming up to three leads that are not in the tables.
    """
    leads = pd.Index(tables["leads"]["lead_id"])
    lead = leads.get_indexer(pd.Index(list(lead_ids), dtype="str"))
    if (lead < 0).any():
        missing = [str(lead_ids[int(i)]) for i in np.flatnonzero(lead < 0)]
        raise ContractError(
            f"{len(missing)} of {len(lead_ids)} leads are not in table 'leads' ({', '.join(missing[:3])}); "
            "send their rows with the request."
        )

    if isinstance(as_of, pd.Series):
        when = micros(as_of)
    else:
        when = np.full(len(lead), micros(pd.DatetimeIndex([as_of]))[0], dtype=np.int64)

    created, known = _creation_clocks(tables["leads"])
    count = np.arange(len(lead))
    episodes = Episodes(lead, np.zeros_like(lead), created[lead], known[lead], np.full(len(lead), UNKNOWN))
    return _keys(tables, source, episodes, count, when, in_order=False)


def segment_of(tables: Tables, source: Source) -> pd.Series:
    """Segment per lead row, from the declared column of leads or (first snapshot) of accounts; NA without one."""
    leads, column = tables["leads"], source.label.segment
    if column is None:
        return pd.Series(pd.NA, index=leads.index, dtype="str")
    if column in leads:
        return leads[column].astype("str")
    accounts = tables["accounts"]
    if column not in accounts:
        raise ContractError(
            f"label.segment names '{column}', which is neither a column of leads nor of accounts "
            f"(canonical leads: {', '.join(TABLES['leads'].names)}); declare it there, or leave segment out."
        )
    first = accounts.sort_values(["account_id", "known_at"], kind="stable", na_position="first")
    by_account = first.drop_duplicates("account_id").set_index("account_id")[column].astype("str")
    return leads["account_id"].map(by_account).astype("str")


def group_of(account: pd.Series, lead_id: pd.Series) -> pd.Series:
    """The group whose leads share a fate: the account, or where there is none the lead itself."""
    return ("account:" + account).fillna("lead:" + lead_id).astype("str")


def _keys(
    tables: Tables, source: Source, episodes: Episodes, episode: Ints, as_of: Ints, *, in_order: bool
) -> pd.DataFrame:
    leads = tables["leads"]
    lead = episodes.lead[episode]
    lead_id = leads["lead_id"].astype("str").take(lead).reset_index(drop=True)
    account = leads["account_id"].astype("str").take(lead).reset_index(drop=True)

    keys = pd.DataFrame(
        {
            "lead_id": lead_id,
            "as_of": moments(np.ascontiguousarray(as_of)),
            "account_id": account,
            "group": group_of(account, lead_id),
            "episode": episodes.number[episode],
            "order": np.unique(as_of, return_inverse=True)[1].astype(np.int64),
            "age_days": (as_of - episodes.opened_at[episode]) / MICROSECONDS_PER_DAY,
            "segment": segment_of(tables, source).take(lead).reset_index(drop=True),
        },
        columns=list(KEY_COLUMNS),
    )

    return keys.sort_values(["as_of", "lead_id", "episode"], kind="stable", ignore_index=True) if in_order else keys
