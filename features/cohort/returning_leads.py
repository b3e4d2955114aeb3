"""People who come back: a lead that begins after the one of the same person ended is another lead, no duplicate."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Tables
from features.cohort.cohort import Episodes, episodes_of
from features.cohort.outcomes import lifecycle_events
from features.point_in_time.microseconds import days
from features.schema.source import Source

_Times = npt.NDArray[np.int64]


def begin_anew(merged: pd.DataFrame, tables: Tables, source: Source) -> pd.DataFrame:
    """The merges without those of leads that would vanish in one that is over; later ones join the lead that came back.

    A lead joins the one of its person where that one was open while it was: before its close, up to
    ``label.recycle_cool_down_days`` after it (a deal's records are often written again as it closes), or opened again
    by the rows of both. Otherwise its rows would pass to a lead that nobody lists, and its outcome would be nobody's.

    Parameters
    ----------
    merged : columns lead_id, became, rule, known_at; as duplicates are found
    """
    if not len(merged):
        return merged
    leads = tables["leads"]
    own = leads[leads["lead_id"].isin({*merged["lead_id"], *merged["became"]})].reset_index(drop=True)
    events = lifecycle_events(tables, source)
    events = _from_creation_on(events[events["lead_id"].isin(set(own["lead_id"]))], own)
    alone = _first_spans(episodes_of({**tables, "leads": own}, source, events=events), own)
    created = own.set_index("lead_id")["created_at"]

    while len(merged):
        lost = merged[_vanish(merged, own, events, alone, {**tables}, source)]
        if not len(lost):
            break
        at = pd.DataFrame({"lead_id": lost["lead_id"], "became": lost["became"]})
        at["created_at"] = at["lead_id"].map(created)
        first = at.sort_values(["became", "created_at", "lead_id"], kind="stable").drop_duplicates("became")
        back = first.set_index("became")["lead_id"]
        since = first.set_index("became")["created_at"]
        merged = merged[~merged["lead_id"].isin(set(back))]
        later = merged["lead_id"].map(created) >= merged["became"].map(since)
        became = merged["became"].where(~later.to_numpy(dtype=np.bool_, na_value=False), merged["became"].map(back))
        merged = merged.assign(became=became.astype("str"))

    return merged.reset_index(drop=True)


def _from_creation_on(events: pd.DataFrame, leads: pd.DataFrame) -> pd.DataFrame:
    """Events, with closes before the creation of their lead at its creation: imports bring leads that are over."""
    created = events["lead_id"].map(leads.set_index("lead_id")["created_at"]).astype("datetime64[us]")
    early = ~events["what"].isin(("active", "recycled")) & (events["happened_at"] < created)
    at = created + pd.Timedelta(microseconds=1)
    return events.assign(
        happened_at=events["happened_at"].mask(early, at),
        known_at=events["known_at"].mask(early & (events["known_at"] < at), at),
    ).sort_values(["lead_id", "known_at", "happened_at"], kind="stable", ignore_index=True)


def _first_spans(found: Episodes, leads: pd.DataFrame) -> tuple[_Times, _Times]:
    """When each lead by itself opened and first ended."""
    first = np.flatnonzero(np.r_[True, np.diff(found.lead) > 0]) if len(found.lead) else np.zeros(0, dtype=np.int64)
    return found.opened_at[first], found.until[first]


def _vanish(
    merged: pd.DataFrame,
    own: pd.DataFrame,
    events: pd.DataFrame,
    alone: tuple[_Times, _Times],
    tables: dict[str, pd.DataFrame],
    source: Source,
) -> Bools:
    """Per merge whether the lead it joins is, with the rows of all that join it, never open while it was."""
    names = pd.Index(own["lead_id"].astype("str"))
    row = names.get_indexer(pd.Index(merged["lead_id"]))
    begins, ends = alone[0][row], alone[1][row]

    kept = own[~own["lead_id"].isin(set(merged["lead_id"]))].reset_index(drop=True)
    became = merged.set_index("lead_id")["became"]
    known = events["lead_id"].map(merged.set_index("lead_id")["known_at"]).astype("datetime64[us]")
    joined = events.assign(
        lead_id=events["lead_id"].map(became).fillna(events["lead_id"]).astype("str"),
        known_at=events["known_at"].where(known.isna() | (events["known_at"] >= known), known),
    ).sort_values(["lead_id", "known_at", "happened_at"], kind="stable", ignore_index=True)
    spans = episodes_of({**tables, "leads": kept}, source, events=joined)

    grace = days(source.label.recycle_cool_down_days)
    place = pd.Index(kept["lead_id"].astype("str")).get_indexer(pd.Index(merged["became"]))
    both = pd.DataFrame({"lead": place, "begins": begins, "ends": ends, "merge": np.arange(len(merged))}).merge(
        pd.DataFrame({"lead": spans.lead, "opened": spans.opened_at, "until": spans.until}), on="lead"
    )
    late = both["until"] > both["begins"] - grace
    overlap = late & (both["opened"] < both["ends"])
    vanish = np.ones(len(merged), dtype=np.bool_)
    vanish[both.loc[overlap, "merge"].to_numpy()] = False
    return vanish
