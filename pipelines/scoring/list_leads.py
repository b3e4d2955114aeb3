"""The worklist of the last run as people read it: who a lead is beside its score."""

from collections.abc import Mapping

import pandas as pd

from features.assembly.closed_leads import closed_leads
from features.cohort.cohort import cutoff_of
from features.errors import ContractError
from features.schema.source import Source
from features.schema.vocabulary import LeadList, Stage
from models.explaining.qualification_policy import default_qualification
from models.standing.next_steps import place_by_action, step_after_close
from models.standing.record import NO_ACTION
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.scoring.shown_columns import (
    NAMING,
    company_name,
    order_for_people,
    person_name,
    read_and_name_leads,
    shown_columns,
)
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.standing_feedback import PINNED_ACTION, PINNED_STATE, SILENCED, read_standing_feedback
from pipelines.workspace.table_files import load_tables, records_of

_LONGEST = 40  # mean characters of a column that names somebody; links and descriptions are longer


def read_worklist(
    context: Context, wanted: Mapping[str, str | None] | None = None, *, disagree: bool = False, sort: str = "score"
) -> pd.DataFrame:
    """Rows of the worklist, best first, with name, company and owner behind the id.

    Parameters
    ----------
    wanted : keeps leads with these values (None: any) in owner, state, stage or lead_list, in either case
    disagree : only leads that one of rubric and model would hand off
    sort : ``score``, or ``points`` of the rubric

    Raises
    ------
    DataError
        if the source was not run.
    ContractError
        if the last run scored no leads, or none has such a value; the message names those there are.
    """
    listed = read_parquet(context.paths.score / "worklist.parquet")
    if "lead_id" not in listed:
        verdict = StageVerdict.read(context.paths, "score")
        raise ContractError(f"the last run scored no leads, verdict {verdict.verdict}. {verdict.verdict_text}".rstrip())
    found = read_and_name_leads(context, show_feedback(listed))
    source = context.source
    shown = [name for table in ("leads", "accounts") for name in shown_columns(source, table) if name in found.columns]
    found = order_for_people(found, [name for name in found.columns if name not in shown])
    if (disagree or sort == "points") and "manual_points" not in found:
        raise ContractError(
            f"source '{source.name}' has no rubric, so the list has no points; adopt one (leadscore rubric adopt)."
        )
    if disagree:
        found = found[found["disagree"].ne("").to_numpy(dtype=bool)]
    if sort == "points":
        found = found.sort_values("manual_points", ascending=False, kind="stable")
    return _keep(found, wanted or {}, "lead of the worklist")


def _keep(found: pd.DataFrame, wanted: Mapping[str, str | None], what: str) -> pd.DataFrame:
    """The rows with the values asked for."""
    for column, value in wanted.items():
        if value is None:
            continue
        values = found[column].astype("str") if column in found else pd.Series(dtype="str")
        hit = values.str.casefold() == value.casefold()
        if not hit.any():
            known = ", ".join(sorted(set(values.dropna()))[:20]) or "none"
            name = column.replace("lead_list", "list")
            raise ContractError(f"no {what} has {name} '{value}'. There are: {known}.")
        found = found[hit.to_numpy()]
    return found.reset_index(drop=True)


def read_closed(context: Context, wanted: Mapping[str, str | None]) -> pd.DataFrame:
    """Leads that are over at the data cut-off, the newest close first: how each ended, when, with whom, what is due.

    ``wanted`` as in :func:`read_worklist`; a closed lead has no state, and its stage is how it ended.
    """
    tables, source = load_tables(context.paths), context.source
    cutoff = None if source.kind == "flat" else cutoff_of(tables, source)
    policy = context.policy or default_qualification()
    leads = tables["leads"]
    ids = leads["lead_id"].astype("str") if "lead_id" in leads else pd.Series(dtype="str")
    owners = dict(zip(ids, leads["owner"].fillna(""), strict=True)) if "owner" in leads else {}

    silenced = read_standing_feedback(context.paths).silenced
    rows = []
    for name, closed in closed_leads(tables, source, cutoff).items():
        days = float("nan") if closed.at is None or cutoff is None else (cutoff - closed.at) / pd.Timedelta(days=1)
        rows.append(
            {
                "lead_id": name,
                "owner": str(owners.get(name, "")),
                "stage": closed.outcome,
                "lead_list": str(LeadList.CUSTOMERS if closed.outcome == Stage.WON else LeadList.CLOSED),
                "outcome": closed.outcome,
                "closed_at": "" if closed.at is None else closed.at.isoformat(),
                "next_action": NO_ACTION if name in silenced else step_after_close(closed.outcome, days, policy),
            }
        )
    columns = ["lead_id", "owner", "stage", "lead_list", "outcome", "closed_at", "next_action"]
    found = pd.DataFrame(rows, columns=columns).sort_values(
        ["closed_at", "lead_id"], ascending=[False, True], kind="stable"
    )
    return _keep(found, wanted, "lead that is over")


def show_feedback(listed: pd.DataFrame) -> pd.DataFrame:
    """The list as people are to see it: without leads nobody may contact, and with what sales pinned."""
    shown = listed
    if SILENCED in shown:
        shown = shown[~shown[SILENCED].to_numpy(dtype=bool)].drop(columns=SILENCED).reset_index(drop=True)
    for pinned, column in ((PINNED_STATE, "state"), (PINNED_ACTION, "next_action")):
        if pinned in shown:
            own = shown[pinned].astype("str")
            shown = shown.assign(**{column: shown[column].where(own == "", own)}).drop(columns=pinned)
    if PINNED_ACTION in listed and "lead_list" in shown:
        places = zip(shown["lead_list"], shown["next_action"], strict=True)
        lists = [place_by_action(str(place), str(action)) for place, action in places]
        shown = shown.assign(lead_list=pd.Series(lists, index=shown.index, dtype=shown["lead_list"].dtype))
    return shown


def column_headings(source: Source) -> dict[str, str]:
    """What the columns of leads are called where people read them: their label, else the header in the file.

    Names in the product are typed, so a header in another script is hardly to be known again in them.
    """
    columns = source.tables["leads"].columns if "leads" in source.tables else {}
    return {name: column.label or next(iter(column.headers(name)), name) for name, column in columns.items()}


def naming_texts(found: pd.DataFrame, headings: Mapping[str, str] | None = None) -> dict[str, list[str]]:
    """What says who the leads are, by heading, the most telling first; usual names come before other shown columns.

    ``headings`` are the source's own words for its columns (:func:`column_headings`).
    """
    rows = records_of(found)
    texts = {"name": [person_name(row) for row in rows], "company": [company_name(row) for row in rows]}
    shown = list(found.columns[1 : list(found.columns).index("as_of")]) if "as_of" in found else []
    others = [
        name
        for name in shown
        if name not in NAMING
        and found[name].dtype == "str"
        and not found[name].dropna().str.startswith("http").any()
        and 0 < found[name].dropna().str.len().mean() <= _LONGEST
        and "mail" not in name
        and "phone" not in name
    ]
    called = {name: (headings or {}).get(name) or name.replace("_", " ") for name in ("owner", *others)}
    texts |= {called[name]: [str(row.get(name) or "") for row in rows] for name in ("owner", *others)}
    return {heading: column for heading, column in texts.items() if any(column)}
