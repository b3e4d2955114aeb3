"""The process itself: goals both teams share, and who is in which nurture programme."""

from typing import TYPE_CHECKING, Any

from models.judging.lifecycle.shared_goals import trend_of
from pipelines.scoring.shown_columns import hide_contacts
from pipelines.workspace.table_files import records_of
from serving.json_values import to_json_values
from serving.state.app_state import AppState
from serving.state.kept_views import KeptView
from serving.state.loaded_state import LoadedState
from serving.store.silenced_leads import find_silenced_leads

if TYPE_CHECKING:
    from models.judging.lifecycle.figures import Lifecycle

_MEMBERS = 50  # of each programme, the latest first; `lifecycle --csv` writes all


def read_programmes(app_state: AppState, owner: str | None, found: "Lifecycle") -> dict[str, Any]:
    """Programmes against comparable others, and the latest members of each that the caller may see; of those nobody may
    contact without what reaches them.
    """
    state, silenced = app_state.loaded, find_silenced_leads(app_state.store)
    members = found.members.sort_values(["since", "lead_id"], ascending=[False, True], kind="stable")
    if owner is not None:
        mine = set(state.data.lead_ids[state.data.shown_to(owner)])
        members = members[members["lead_id"].isin(mine).to_numpy(dtype=bool)]
    listed: dict[str, list[dict[str, Any]]] = {}
    for name, part in members.groupby("programme", sort=False):
        rows = [{str(k): v for k, v in row.items()} for row in part.head(_MEMBERS).to_dict(orient="records")]
        for row in rows:
            code = state.data.code(str(row["lead_id"]))
            shown = _display_of(state, code) if code >= 0 else {}
            row["display"] = hide_contacts(shown, state.data.source) if row["lead_id"] in silenced else shown
        listed[str(name)] = [to_json_values(row) for row in rows]
    return {"programmes": records_of(found.programmes), "members": listed}


def _display_of(state: LoadedState, code: int) -> dict[str, str]:
    """What is shown of a lead, looked up once while the data are in use."""
    found: dict[str, str] = state.keep(KeptView(("display", code), lambda: state.data.display(code)))
    return found


def read_goals(found: "Lifecycle") -> list[dict[str, Any]]:
    """Goals per quarter with the direction each takes."""
    rows = records_of(found.goals)
    for row in rows:
        known = row["change"] is not None and row["promised"] is not None
        row["trend"] = trend_of(row["change"], row["promised"]) if known else ""
    return rows
