"""What the tables hold that the last retrain did not see: kept as fingerprints of keys and counts per week."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.errors import DataError
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY, NEVER, micros
from features.schema.canonical_tables import TABLES
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.posted.posted_store import read_posted
from pipelines.privacy.seen_rows import DEALS, LEADS, Fingerprints, fingerprint_deals, fingerprint_rows
from pipelines.retraining.retrain_record import NewRows, WhatsNew
from pipelines.workspace.atomic_files import read_json, read_parquet, stage_dir, write_json, write_parquet
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

_OTHER_FEATURES = (
    "The features, or the code behind them or behind your candidates, are not those of the last retrain: what was "
    "trained then may not be able to score."
)
_WEEK = 7 * MICROSECONDS_PER_DAY
_SAID = {
    "answers": "answers",
    "activities": "activities",
    "stages": "stages",
    "field_values": "values looked up",
    "feedback": "feedback",
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a retrain saw: fingerprints of leads and of closed deals, rows per week of every table.

    Parameters
    ----------
    leads : fingerprints of lead ids
    deals : columns key, won, content: a row per closed deal
    weeks : by table, rows by week of their clock
    said : by table of the server's store, the last id
    fingerprint : of all tables, the declaration and the features: equal where nothing changed at all
    features : of the features and the code behind them; empty where an earlier version did not keep it
    by_day : whether the content of deals holds their close by its day; otherwise it is not comparable
    """

    leads: Fingerprints
    deals: pd.DataFrame
    weeks: Mapping[str, Mapping[int, int]]
    said: Mapping[str, int]
    until: str | None
    fingerprint: str
    by_day: bool = True
    features: str = ""


def see(
    paths: Paths, fingerprint: str, zone: str = "UTC", as_of: pd.Timestamp | None = None, *, features: str = ""
) -> Seen:
    """What the tables of the last ingest hold; closes count by their day in ``zone``.

    What was posted to the server from ``as_of`` on is not seen yet.
    """
    tables = load_tables(paths)
    cutoff = CountsRecord.read(paths).data_cutoff
    return Seen(
        leads=np.unique(fingerprint_rows(tables["leads"], ["lead_id"])),
        deals=_deals(tables, zone),
        weeks={name: _weeks(frame, TABLES[name].clock) for name, frame in tables.items()},
        said={name: int(rows["id"].max()) if len(rows) else 0 for name, rows in _posted(paths, as_of).items()},
        until=cutoff,
        fingerprint=fingerprint,
        features=features,
    )


def keep_seen(paths: Paths, seen: Seen) -> None:
    """Remember it for the next retrain; once this one has ended, not before."""
    with stage_dir(paths.seen) as folder:
        write_parquet(folder / LEADS, pd.DataFrame({"key": seen.leads}))
        write_parquet(folder / DEALS, seen.deals)
        weeks = {name: {str(week): rows for week, rows in own.items()} for name, own in seen.weeks.items()}
        rest = {"weeks": weeks, "said": dict(seen.said), "until": seen.until, "fingerprint": seen.fingerprint}
        write_json(folder / "seen.json", rest | {"by_day": True, "features": seen.features})


def read_seen(paths: Paths) -> Seen | None:
    """What the last retrain saw; None where there was none."""
    folder = paths.seen
    if not (folder / "seen.json").exists():
        return None
    try:
        rest = read_json(folder / "seen.json")
        return Seen(
            leads=read_parquet(folder / LEADS)["key"].to_numpy(dtype=np.uint64),
            deals=read_parquet(folder / DEALS),
            weeks={name: {int(week): rows for week, rows in own.items()} for name, own in rest["weeks"].items()},
            said=rest["said"],
            until=rest["until"],
            fingerprint=rest["fingerprint"],
            by_day=rest.get("by_day", False),
            features=rest.get("features", ""),
        )
    except (KeyError, TypeError, AttributeError) as problem:
        raise DataError(
            f"{folder} is damaged ({problem}); remove it: the next retrain takes everything as new."
        ) from None


def find_new(paths: Paths, before: Seen | None, now: Seen, as_of: pd.Timestamp | None = None) -> WhatsNew:
    """What came since the last retrain, of what was posted to the server only what was known before ``as_of``."""
    old = before.deals if before is not None else now.deals.iloc[:0]
    both = now.deals.merge(old, on="key", how="left", suffixes=("", "_before"), indicator=True)
    fresh = both["_merge"] == "left_only"
    flipped = ~fresh & (both["won"] != both["won_before"])
    corrected = ~fresh & ~flipped & (both["content"] != both["content_before"])
    corrected &= before is not None and before.by_day
    back = int((~old["key"].isin(now.deals["key"])).sum())
    new_leads = len(np.setdiff1d(now.leads, before.leads)) if before is not None else len(now.leads)
    tables = {name: _new_rows(name, before, now) for name in now.weeks}
    posted = _posted(paths, as_of)
    last = {} if before is None else before.said
    said = {_SAID[name]: int((rows["id"] > last.get(name, 0)).sum()) for name, rows in posted.items() if name in _SAID}
    found: dict[str, Any] = {
        "since": None if before is None else before.until,
        "until": now.until,
        "tables": {name: rows.record() for name, rows in tables.items()},
        "new_leads": new_leads,
        "newly_won": int((fresh & both["won"]).sum()),
        "newly_lost": int((fresh & ~both["won"]).sum()),
        "corrected": int(corrected.sum()),
        "reversed": int(flipped.sum()),
        "taken_back": back,
        "said": {name: count for name, count in said.items() if count},
        "changed": before is None or before.fingerprint != now.fingerprint,
    }
    sentences = _sentences(found, tables)
    if before is not None and before.features and now.features != before.features:
        sentences.append(_OTHER_FEATURES)
    return WhatsNew.of(found | {"sentences": sentences})


def _posted(paths: Paths, as_of: pd.Timestamp | None) -> dict[str, pd.DataFrame]:
    """What was posted to the server, as far as it was known by then."""
    found = dict(read_posted(paths).tables)
    if as_of is None:
        return found
    return {name: rows[(rows["known_at"] < as_of).to_numpy(dtype=np.bool_)] for name, rows in found.items()}


def _sentences(found: Mapping[str, Any], tables: Mapping[str, NewRows]) -> list[str]:
    if not found["changed"]:
        return ["Nothing is new since the last retrain."]
    since = (
        "This is the first retrain: everything is new." if found["since"] is None else f"Since {found['since'][:10]}:"
    )
    lines = [
        f"{since} {found['new_leads']:,} new leads; {found['newly_won']:,} deals newly won, {found['newly_lost']:,} "
        "newly lost."
    ]
    if found["corrected"] or found["reversed"] or found["taken_back"]:
        lines.append(
            f"Outcomes that were known are other ones now: {found['corrected']:,} corrected, {found['reversed']:,} "
            f"reversed between won and lost, {found['taken_back']:,} taken back."
        )
    late = [f"{name} {rows.late:,}" for name, rows in tables.items() if rows.late]
    gone = [f"{name} {rows.gone:,}" for name, rows in tables.items() if rows.gone]
    if found["since"] is not None and late:
        lines.append(f"Late rows, of before but not in the data then: {', '.join(late)}.")
    if found["since"] is not None and gone:
        lines.append(f"Rows that were there and are gone: {', '.join(gone)}.")
    if found["said"]:
        lines.append("Said on the pages: " + ", ".join(f"{name} {n:,}" for name, n in found["said"].items()) + ".")
    return lines


def _new_rows(table: str, before: Seen | None, now: Seen) -> NewRows:
    weeks = now.weeks[table]
    rows = sum(weeks.values())
    if before is None:
        return NewRows(rows=rows, new=rows, late=0, gone=0)
    old = before.weeks.get(table, {})
    last = NEVER if before.until is None else int(micros(pd.DatetimeIndex([pd.Timestamp(before.until)]))[0]) // _WEEK
    more = {week: weeks.get(week, 0) - old.get(week, 0) for week in {*weeks, *old}}
    return NewRows(
        rows=rows,
        new=sum(by for week, by in more.items() if by > 0 and week >= last),
        late=sum(by for week, by in more.items() if by > 0 and week < last),
        gone=-sum(by for by in more.values() if by < 0),
    )


def _weeks(frame: pd.DataFrame, clock: str) -> dict[int, int]:
    known = micros(frame[clock])
    weeks, counts = np.unique(np.where(known == NEVER, 0, known // _WEEK), return_counts=True)
    return dict(zip(weeks.tolist(), counts.tolist(), strict=True))


def _deals(tables: Tables, zone: str) -> pd.DataFrame:
    outcomes = tables["outcomes"]
    if not len(outcomes):
        empty = {"key": np.zeros(0, np.uint64), "won": np.zeros(0, bool), "content": np.zeros(0, np.uint64)}
        return pd.DataFrame(empty)
    key, content = fingerprint_deals(outcomes, zone)
    won = outcomes["won"].fillna(False).astype(bool).to_numpy()
    found = pd.DataFrame({"key": key, "won": won, "content": content})
    return found.drop_duplicates("key", keep="last").reset_index(drop=True)
