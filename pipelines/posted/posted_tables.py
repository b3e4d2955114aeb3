"""Rows posted to the server joined to the tables of the source, checked by the same rules as its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from features.assembly.looked_up_fields import add_looked_up
from features.cohort.identity_resolution import find_duplicates
from features.schema.source import Source
from features.schema.vocabulary import Actor
from pipelines.posted.posted_store import PostedRows
from pipelines.posted.taken_record import TakenRecord
from pipelines.snapshots.history_tables import TablesSoFar, add_rows
from pipelines.workspace.atomic_files import write_parquet
from pipelines.workspace.standing_feedback import CONTACTED, FEEDBACK
from pipelines.workspace.table_files import records_of

_KEYS: Mapping[str, tuple[str, ...]] = {
    "answers": ("lead_id", "question", "value", "known_at"),
    "activities": ("lead_id", "activity_id"),
    "stages": ("lead_id", "stage", "entered_at"),
}


@dataclass(frozen=True, kw_only=True)
class PostedTaken:
    """What ingest made of the posted rows.

    Parameters
    ----------
    source : the declaration with tables that came about only so
    through : up to when rows were taken: the last moment of the source's own rows
    waiting : by table rows posted since, which the next export takes along
    """

    source: Source
    posted: PostedRows
    through: pd.Timestamp | None
    taken: Mapping[str, int]
    waiting: Mapping[str, int]

    @property
    def notes(self) -> tuple[str, ...]:
        """What happened, in sentences."""
        taken = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in self.taken.items() if count)
        waiting = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in self.waiting.items() if count)
        found = [f"posted to the server and now part of the source: {taken}."] * bool(taken)
        damaged = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in self.posted.left_out.items())
        if damaged:
            found.append(
                f"rows of the server's store left out: {damaged}. They hold what leadscore never writes, so that they "
                "were changed by other means: mend or remove them."
            )
        if waiting and self.through is not None:
            found.append(
                f"posted to the server after the data cut-off ({self.through:%Y-%m-%d %H:%M}): {waiting}; the next "
                "export takes them along."
            )
        return tuple(found)


def add_posted_rows(
    source: Source, posted: PostedRows, tables: TablesSoFar, cutoff: pd.Timestamp | None
) -> PostedTaken:
    """Add answers, activities and stages that were posted up to the source's last moment, each once.

    Rows posted later wait: they would move the data cut-off past what the export knows of outcomes.

    Parameters
    ----------
    cutoff : moment nothing may be known after
    """
    through = _last_known(source, tables, cutoff)
    taken: dict[str, int] = {}
    waiting: dict[str, int] = {}
    if through is None:
        return PostedTaken(source=source, posted=posted, through=None, taken={}, waiting={})

    for name, key in _KEYS.items():
        rows = _drop_undone(posted) if name == "stages" else posted.tables[name]
        early = rows[(rows["known_at"] <= through).to_numpy(dtype=bool)]
        waiting[name] = len(rows) - len(early)
        new = _drop_known(early.drop(columns="id"), key, tables, name, source)
        new = new[~_is_moved(early, tables).loc[new.index]] if name == "activities" else new
        new = _name_apart(new, tables) if name == "activities" else new
        taken[name] = len(new)
        if len(new):
            source = add_rows(source, name, _as_text(new), [], tables, cutoff)
    fields = posted.tables["field_values"]
    taken["field_values"] = int((fields["known_at"] <= through).sum())
    waiting["field_values"] = len(fields) - taken["field_values"]
    return PostedTaken(source=source, posted=posted, through=through, taken=taken, waiting=waiting)


def _drop_undone(posted: PostedRows) -> pd.DataFrame:
    """Stages without those that were entered by a verdict taken back: a slip of the hand is no history."""
    stages, undone = posted.tables["stages"], posted.tables["feedback"]["undoes"].dropna()
    kept = ~stages["feedback_id"].isin(undone) | stages["feedback_id"].isna()
    return stages[kept.to_numpy(dtype=bool)].drop(columns="feedback_id")


def add_posted_fields(accounts: pd.DataFrame, taken: PostedTaken) -> pd.DataFrame:
    """The accounts with what was looked up of them by then."""
    fields = taken.posted.tables["field_values"]
    if taken.through is None or not len(fields):
        return accounts
    return add_looked_up(accounts, records_of(fields[(fields["known_at"] <= taken.through).to_numpy(dtype=bool)]))


def write_posted(out: Path, taken: PostedTaken, merged: pd.DataFrame) -> None:
    """Which rows the tables hold, what sales said and whom it contacted; nothing where nobody said anything.

    What was said of a lead that was ``merged`` since is said of the one it became.
    """
    if not len(taken.posted):
        return
    last = {name: int(rows["id"].max()) for name, rows in taken.posted.tables.items() if len(rows)}
    through = None if taken.through is None else taken.through.isoformat()
    TakenRecord(last=last, through=through, waiting=dict(taken.waiting)).write(out)
    became = merged.set_index("lead_id")["became"]
    said, acts = taken.posted.tables["feedback"], taken.posted.tables["activities"]
    write_parquet(out / FEEDBACK, said.assign(lead_id=_became(said["lead_id"], became)))
    by_rep = acts.loc[(acts["actor"] == str(Actor.REP)).to_numpy(dtype=bool), ["lead_id"]]
    write_parquet(out / CONTACTED, by_rep.assign(lead_id=_became(by_rep["lead_id"], became)).drop_duplicates())


def _became(leads: pd.Series, became: pd.Series) -> pd.Series:
    """Each lead, or the one that it was merged into."""
    return leads.map(became).astype("str").fillna(leads)


def _last_known(source: Source, tables: TablesSoFar, cutoff: pd.Timestamp | None) -> pd.Timestamp | None:
    """The last moment of the source's own rows, or the declared cut-off; None of a source without clocks."""
    if source.flat is not None:
        return None
    if source.data_cutoff is not None:
        return cutoff
    clocks = [one.frame["known_at"].max() for one in tables.checked.values() if "known_at" in one.frame]
    return max((moment for moment in clocks if not pd.isna(moment)), default=None)


def _drop_known(
    rows: pd.DataFrame, key: tuple[str, ...], tables: TablesSoFar, name: str, source: Source
) -> pd.DataFrame:
    """Rows that the source's own table does not hold: a CRM may have been sent them, and export them.

    The server passes what was posted of a merged lead to the one it became, the export still has it at the first.
    """
    if name not in tables.checked or not len(rows):
        return rows
    own = tables.checked[name].frame
    if any(column not in own for column in key):
        return rows
    held = {_key_of(row) for row in own[own[key[0]].isin(rows[key[0]])][list(key)].itertuples(index=False)}
    new = rows[[_key_of(row) not in held for row in rows[list(key)].itertuples(index=False)]]
    alike = own[own[key[-1]].isin(new[key[-1]])]
    became = _find_merging(tables, source) if len(alike) and name != "activities" else {}  # those: _is_moved
    if not became:
        return new

    def keys_of(frame: pd.DataFrame) -> list[tuple[str, ...]]:
        found = (_key_of(row) for row in frame[list(key)].itertuples(index=False))
        return [(became.get(lead, lead), *others) for lead, *others in found]

    held = set(keys_of(alike))
    return new[[one not in held for one in keys_of(new)]]


def _find_merging(tables: TablesSoFar, source: Source) -> dict[str, str]:
    """Leads that are another lead once more, and which one."""
    rules = source.identity
    if rules is None or rules.merge == "never":
        return {}
    found, _ = find_duplicates(tables.checked["leads"].frame, rules)
    return {str(lead): str(first) for lead, first in zip(found["lead_id"], found["became"], strict=True)}


def _is_moved(rows: pd.DataFrame, tables: TablesSoFar) -> pd.Series:
    """Posted activities that the source's own table holds at another lead: an export has moved them since.

    The same id, kind and second, posted for one lead alone; an id of several leads, as of a webinar, tells nothing.
    """
    own = tables.checked["activities"].frame if "activities" in tables.checked else pd.DataFrame()
    if "activity_id" not in own or not len(rows):
        return pd.Series(False, index=rows.index)
    ids = rows["activity_id"].astype("str")
    held = own[own["activity_id"].astype("str").isin(ids)]
    theirs = _marks(held).assign(owner=held["lead_id"].astype("str")).drop_duplicates("activity_id")
    owner = _marks(rows).merge(theirs, how="left", on=["activity_id", "kind", "second"])["owner"].to_numpy()
    lead = rows["lead_id"].astype("str")
    alone = lead.groupby(ids).transform("nunique") == 1
    return alone & ~pd.isna(owner) & (lead.to_numpy() != owner)


def _marks(activities: pd.DataFrame) -> pd.DataFrame:
    """By what an activity is known again, whoever's it is."""
    texts = {name: activities[name].astype("str") for name in ("activity_id", "kind")}
    return pd.DataFrame({**texts, "second": activities["happened_at"].dt.floor("s")})


def _name_apart(rows: pd.DataFrame, tables: TablesSoFar) -> pd.DataFrame:
    """Activities with an id of their own: the server takes one id for several leads, as of a webinar; the tables don't.

    Only an id that would stand twice is told apart, by its lead.
    """
    ids = rows["activity_id"].astype("str")
    own = tables.checked["activities"].frame if "activities" in tables.checked else pd.DataFrame()
    held = ids.isin(own["activity_id"].dropna().astype("str")) if "activity_id" in own else False
    twice = ids.duplicated(keep=False) | held
    return rows.assign(activity_id=ids.where(~twice, rows["lead_id"].astype("str") + "/" + ids))


def _key_of(row: Any) -> tuple[str, ...]:
    return tuple(str(part) for part in row)


def _as_text(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as a file would hold them: texts, times in UTC, missing values empty."""
    made = {}
    for name in rows.columns:
        column = rows[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            made[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        else:
            made[name] = column.map(lambda value: "" if pd.isna(value) else str(value))
    return pd.DataFrame(made).reset_index(drop=True)
