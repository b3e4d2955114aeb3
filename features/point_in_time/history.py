"""Tables as they were known at an earlier moment, and what was learned between two moments."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Tables
from features.point_in_time.microseconds import micros
from features.point_in_time.visibility import ALWAYS, mask_known
from features.schema.canonical_tables import TABLES

_SAYS = {
    "activities": ("kind", "asset"),
    "answers": ("question", "value"),
    "stages": ("stage",),
    "outcomes": ("product", "won"),
}
LEARNED = ("table", "lead_id", "what", "happened_at", "known_at")


def known_at_moment(tables: Tables, moment: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """The tables without the rows that became known later; leads stay, since the lead itself is given."""
    return {name: frame if name == "leads" else frame[_known_by(frame, name, moment)] for name, frame in tables.items()}


def learned_between(tables: Tables, lead_id: str, since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Rows of a lead and of its account that became known in between, columns :data:`LEARNED`, oldest first."""
    leads = tables["leads"]
    own = leads[leads["lead_id"] == lead_id]
    account = own["account_id"].iloc[0] if len(own) and "account_id" in own else None
    has_account = account is not None and not pd.isna(account)
    people = set(leads["lead_id"][leads["account_id"] == account]) if has_account else {lead_id}

    found = []
    for name in _SAYS:
        happened = TABLES[name].happened
        frame = tables[name]
        mine = frame["lead_id"].isin(people | {lead_id})
        if has_account and "account_id" in frame:
            mine |= frame["account_id"] == account

        rows = frame[mine.to_numpy() & _known_by(frame, name, until) & ~_known_by(frame, name, since)]
        says = [rows[column].astype("str").fillna("") for column in _SAYS[name]]
        what = pd.Series(" ", index=rows.index).str.cat(pd.DataFrame(dict(enumerate(says))), sep=" ").str.strip()
        columns = (pd.Series(name, index=rows.index), rows["lead_id"], what, rows[happened], rows["known_at"])
        found.append(pd.DataFrame(dict(zip(LEARNED, columns, strict=True))))

    return pd.concat(found).sort_values(["known_at", "happened_at"], kind="stable", ignore_index=True)


def _known_by(frame: pd.DataFrame, table: str, moment: pd.Timestamp) -> npt.NDArray[np.bool_]:
    clock = TABLES[table].clock
    if clock is None or clock not in frame or not len(frame):
        return np.ones(len(frame), dtype=np.bool_)
    at = np.where(frame[clock].isna().to_numpy(), ALWAYS, micros(frame[clock]))
    return mask_known(at, int(micros(pd.DatetimeIndex([moment]))[0]))
