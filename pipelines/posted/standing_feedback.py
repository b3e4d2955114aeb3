"""What sales said of the leads of a list and nobody took back: whom not to contact, and whose state is pinned.

The server asks its store the same (``serving/leads/feedback.py``); here it is what the last ingest read of it.
"""

import numpy as np
import pandas as pd

from pipelines.posted.taken_record import FEEDBACK
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths

SILENCED, PINNED_STATE, PINNED_ACTION = "silenced", "pinned_state", "pinned_action"
_SILENT, _OVERRIDE, _WITHDRAW = "do_not_contact", "override", "withdraw"


def mark_feedback(paths: Paths, listed: pd.DataFrame) -> pd.DataFrame:
    """The list with columns ``silenced``, ``pinned_state`` and ``pinned_action`` where sales said such things.

    State and next action by the rules stay beside them; people are shown what is pinned
    (:func:`pipelines.scoring.list_leads.show_feedback`).
    """
    file = paths.ingest / FEEDBACK
    if not file.exists() or not len(listed):
        return listed
    said = read_parquet(file)
    stands = (said["verdict"] != _WITHDRAW) & ~said["id"].isin(said["undoes"].dropna())
    said = said[stands.to_numpy(dtype=bool)]

    silenced = listed["lead_id"].isin(said.loc[(said["verdict"] == _SILENT).to_numpy(dtype=bool), "lead_id"])
    now = pd.Timestamp.now("UTC").tz_localize(None)
    pins = said[((said["verdict"] == _OVERRIDE) & (said["expires_at"].isna() | (said["expires_at"] > now))).to_numpy()]
    last = pins.drop_duplicates("lead_id", keep="last").set_index("lead_id")
    marked = listed.assign(**{SILENCED: silenced.to_numpy(dtype=bool)}) if silenced.any() else listed
    if not listed["lead_id"].isin(last.index).any():
        return marked
    columns = {PINNED_STATE: "state", PINNED_ACTION: "next_action"}
    pinned = {name: listed["lead_id"].map(last[column]).fillna("").astype("str") for name, column in columns.items()}
    return marked.assign(**{name: values.to_numpy(dtype=np.object_) for name, values in pinned.items()})
