"""The lists of leads without a score: customers and closed, the newest close first; resting, the first back first."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.closed_leads import ClosedLead
from features.assembly.stage_at import stages_at
from features.kernel.column_reader import FrameRows, micros_of
from features.point_in_time.microseconds import NEVER, moments
from features.schema.source import Source
from features.schema.vocabulary import LeadList, Stage
from models.explaining.qualification_policy import QualificationPolicy, default_qualification
from models.standing.next_steps import WAIT, step_after_close

COLUMNS = ("lead_id", "owner", "stage", "lead_list", "outcome", "closed_at", "back_at", "next_action")
UNSCORED = (str(LeadList.RESTING), str(LeadList.CUSTOMERS), str(LeadList.CLOSED))
_DATES = {"closed_at": "datetime64[us]", "back_at": "datetime64[us]"}


def list_closed(
    closed: Mapping[str, ClosedLead],
    owners: Mapping[str, str],
    as_of: pd.Timestamp | None,
    policy: QualificationPolicy | None,
) -> pd.DataFrame:
    """Leads that were over at ``as_of``: how each ended (which is its stage then), when, with whom, and what is due.

    ``closed_at`` is NaT without clocks. ``owners`` names the owner of a lead, '' or nothing where none is on record.
    """
    used = policy or default_qualification()
    rows = []
    for name, end in closed.items():
        days = float("nan") if end.at is None or as_of is None else (as_of - end.at) / pd.Timedelta(days=1)
        listed = LeadList.CUSTOMERS if end.outcome == Stage.WON else LeadList.CLOSED
        due = step_after_close(end.outcome, days, used)
        rows.append((name, owners.get(name, ""), end.outcome, str(listed), end.outcome, end.at, pd.NaT, due))
    return in_order(pd.DataFrame(rows, columns=list(COLUMNS)))


def list_resting(
    tables: Tables, source: Source, lead_ids: Iterable[str], owners: Mapping[str, str], as_of: pd.Timestamp | None
) -> pd.DataFrame:
    """Those of the leads, none of which is over, that were recycled and rest at ``as_of``: until when, and whose.

    Their stage says where they are in the CRM: a lead that is worked on meanwhile comes back no sooner.
    """
    names = np.array(sorted(lead_ids), dtype=object)
    if as_of is None or source.flat is not None or not len(names):
        return in_order(pd.DataFrame([], columns=list(COLUMNS)))
    now = np.full(len(names), micros_of(as_of), dtype=np.int64)
    held = stages_at(FrameRows(tables["stages"]), names, now)
    back = held.back_at(source.label)
    at = np.flatnonzero((back != NEVER) & (back > now))
    found = pd.DataFrame(
        {
            "lead_id": names[at],
            "owner": [owners.get(str(name), "") for name in names[at]],
            "stage": held.stage[at],
            "lead_list": str(LeadList.RESTING),
            "outcome": "",
            "closed_at": pd.NaT,
            "back_at": moments(back[at]),
            "next_action": WAIT,
        }
    )
    return in_order(found)


def in_order(found: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of the lists: the newest close first, the first back first; of one moment by lead id."""
    keys = ["closed_at", "back_at", "lead_id"]
    typed = found.astype(_DATES)
    return typed.sort_values(keys, ascending=[False, True, True], kind="stable", ignore_index=True)
