"""What sales said of leads and nobody took back, as the last ingest read it: whom not to contact, what is pinned.

The server asks its store the same (``serving/leads/feedback.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths

FEEDBACK = "feedback.parquet"  # in the folder of ingest: what sales said, as the server's store has it
CONTACTED = "contacted.parquet"  # beside it: leads of which an activity by sales was posted
SILENCED, PINNED_STATE, PINNED_ACTION = "silenced", "pinned_state", "pinned_action"
NO_ADVICE = ("none", "")  # next action and question of a lead nobody may contact
_SILENT, _OVERRIDE, _WITHDRAW = "do_not_contact", "override", "withdraw"
_REJECT = "reject"
_HIDING = ("snooze", _REJECT)


@dataclass(frozen=True)
class StandingFeedback:
    """Leads that must not be contacted, by lead the state and next action that an override in force pins, and leads
    that were put aside and are not back yet.
    """

    silenced: frozenset[str]
    pinned: Mapping[str, tuple[str, str]]
    aside: frozenset[str] = frozenset()


NOTHING_SAID = StandingFeedback(frozenset(), {})


def read_standing_feedback(paths: Paths) -> StandingFeedback:
    """What stands now; nothing of a source that never had a server."""
    said = _read_what_stands(paths)
    if said is None:
        return NOTHING_SAID
    in_force = _is_in_force(said)
    overrides = said[(said["verdict"] == _OVERRIDE).to_numpy(dtype=bool)].sort_values("id")
    latest = overrides.drop_duplicates("lead_id", keep="last")  # one that ran out brings no older one back
    pins = latest[in_force[latest.index].to_numpy(dtype=bool)].fillna({"state": "", "next_action": ""})
    decided = said[(said["verdict"] != _OVERRIDE).to_numpy(dtype=bool)].sort_values("id")
    decided = decided.drop_duplicates("lead_id", keep="last")
    hidden = decided["verdict"].isin(_HIDING) & in_force[decided.index]
    hidden &= ~decided["id"].isin(_find_overtaken(paths, decided[hidden.to_numpy(dtype=bool)]))
    return StandingFeedback(
        silenced=frozenset(said.loc[(said["verdict"] == _SILENT).to_numpy(dtype=bool), "lead_id"].astype("str")),
        aside=frozenset(decided.loc[hidden.to_numpy(dtype=bool), "lead_id"].astype("str")),
        pinned={
            str(lead): (str(state), str(action))
            for lead, state, action in zip(pins["lead_id"], pins["state"], pins["next_action"], strict=True)
        },
    )


def find_leads_spoken_of(paths: Paths) -> frozenset[str]:
    """Leads of which sales said anything that was not taken back and has not run out, a pin included, or posted an
    activity: the tables hold that only once an export reaches as far.
    """
    said = _read_what_stands(paths)
    if said is None:
        return frozenset()
    holds = _is_in_force(said) | (said["verdict"] == _SILENT)
    spoken_of = frozenset(said.loc[holds.to_numpy(dtype=bool), "lead_id"].astype("str"))
    file = paths.ingest / CONTACTED
    return spoken_of | frozenset(read_parquet(file)["lead_id"].astype("str")) if file.exists() else spoken_of


def _read_what_stands(paths: Paths) -> pd.DataFrame | None:
    """What was said and not taken back, run out or not; None of a source that never had a server."""
    file = paths.ingest / FEEDBACK
    if not file.exists():
        return None
    said = read_parquet(file)
    stands = (said["verdict"] != _WITHDRAW) & ~said["id"].isin(said["undoes"].dropna())
    return said[stands.to_numpy(dtype=bool)]


def _find_overtaken(paths: Paths, hidden: pd.DataFrame) -> set[int]:
    """Ids of the returns after which the lead entered another stage in the CRM: it was opened again there."""
    returned = hidden[(hidden["verdict"] == _REJECT).to_numpy(dtype=bool)]
    file = paths.ingest / "stages.parquet"
    if not len(returned) or not file.exists():
        return set()
    stages = read_parquet(file, ["lead_id", "stage", "entered_at"])
    own = stages[stages["lead_id"].isin(returned["lead_id"]).to_numpy(dtype=bool)]
    both = own.merge(returned[["lead_id", "id", "known_at"]], on="lead_id")
    both["known_at"] = pd.to_datetime(both["known_at"])  # empty of a store from before it was noted
    by_it = both[(both["entered_at"] == both["known_at"]).to_numpy(dtype=bool)].set_index("id")["stage"]
    into = both["id"].map(by_it[~by_it.index.duplicated()]).astype("object")
    later = (both["entered_at"] > both["known_at"]) & (both["stage"].astype("object") != into)  # no echo of it
    return {int(one) for one in both.loc[later.to_numpy(dtype=bool), "id"]}


def _is_in_force(said: pd.DataFrame) -> pd.Series:
    now = pd.Timestamp.now("UTC").tz_localize(None)
    return said["expires_at"].isna() | (said["expires_at"] > now)


def mark_list(paths: Paths, listed: pd.DataFrame) -> pd.DataFrame:
    """The list with columns ``silenced``, ``pinned_state`` and ``pinned_action`` where sales said such things.

    State and next action by the rules stay beside them; people are shown what is pinned
    (:func:`pipelines.scoring.shown_feedback.show_feedback`).
    """
    said = read_standing_feedback(paths)
    if not len(listed):
        return listed
    names = listed["lead_id"].astype("str")
    silenced = names.isin(said.silenced).to_numpy(dtype=bool)
    marked = listed.assign(**{SILENCED: silenced}) if silenced.any() else listed
    if not names.isin(said.pinned).any():
        return marked
    for place, column in enumerate((PINNED_STATE, PINNED_ACTION)):
        texts = [said.pinned.get(name, ("", ""))[place] for name in names]
        marked = marked.assign(**{column: np.array(texts, dtype=object)})
    return marked
