"""What waits for whom: leads nobody touched, leads beyond what was promised, and the queue of every owner."""

from collections import Counter
from typing import Any

import pandas as pd
from sqlalchemy import select

from serving.json_values import plain
from serving.leads.feedback import hidden_leads, latest_by_lead
from serving.results.run_results import lifecycle_found
from serving.state.app_state import Desk
from serving.state.lead_data import rows_of
from serving.state.ranked_worklist import Query
from serving.store.tables import ActivityRow

_LOOKED_AT = 200  # best leads among which untouched ones are looked for


def overdue(desk: Desk, owner: str | None, limit: int = 20) -> dict[str, Any]:
    """Open leads that wait beyond what was promised, the best first, and how many there are; sales' rejects, snoozes
    and do-not-contacts wait for nobody.
    """
    rows = _overdue(desk, owner)
    return {"rows": rows[:limit], "total": len(rows)}


def _overdue(desk: Desk, owner: str | None) -> list[dict[str, Any]]:
    state, hidden, rows = desk.state, hidden_leads(desk.store), []
    for row in rows_of(lifecycle_found(desk)[0].overdue):
        line = state.worklist.standing_of(str(row["lead_id"]))
        if line is not None and str(row["lead_id"]) not in hidden and (owner is None or line["owner"] == owner):
            rows.append(plain(row) | line)
    rows.sort(key=lambda row: (-row["score"], -row["waited_hours"], row["lead_id"]))
    return rows


def untouched(desk: Desk, owner: str | None, limit: int = 20) -> list[dict[str, Any]]:
    """Best open leads nobody of sales has touched yet: no activity by a rep, in the data or posted since, and no
    feedback.
    """
    state = desk.state
    if state.data.flat:
        return []
    page = state.worklist.page(Query(owner=owner, size=_LOOKED_AT))
    said = latest_by_lead(desk.store, [str(row["lead_id"]) for row in page.rows])
    touched = _touched(desk)
    rows = [row for row in page.rows if row["lead_id"] not in touched and row["lead_id"] not in said]
    return rows[:limit]


def _touched(desk: Desk) -> set[str]:
    acted = desk.state.data.tables["activities"]
    with desk.store.reading() as session:
        posted = set(session.scalars(select(ActivityRow.lead_id).where(ActivityRow.actor == "rep")))
    return posted | set(acted["lead_id"][(acted["actor"] == "rep").fillna(False)].astype("str"))


def queues(desk: Desk, owner: str | None) -> dict[str, Any]:
    """Open leads of every owner by state, and how many of them wait beyond what was promised; put-aside ones apart.

    ``states`` are those in use, furthest from a deal first; ``rows`` carry ``owner`` (empty: nobody's), ``open``,
    one count per state, ``aside`` and ``overdue``.
    """
    worklist = desk.state.worklist
    hidden = hidden_leads(desk.store)
    late = Counter(row["owner"] for row in _overdue(desk, owner))
    standing = pd.DataFrame({"state": worklist.standing()["state"].to_numpy(), "owner": worklist.owner})
    aside = pd.Series(worklist.position.isin(hidden))
    states = [name for name in desk.state.worklist.states if name]
    rows = []
    for name, group in standing[~aside].groupby("owner", sort=True):
        if owner is None or name == owner:
            counts = group["state"].value_counts()
            rows.append({"owner": str(name), "open": len(group)} | {s: int(counts.get(s, 0)) for s in states})
    put = Counter(standing["owner"][aside])
    return {
        "states": states,
        "rows": [row | {"aside": put[row["owner"]], "overdue": late[row["owner"]]} for row in rows],
    }
