"""The worklist of the last run as people read it: who a lead is beside its score."""

import pandas as pd

from features.errors import ContractError
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
from pipelines.workspace.standing_feedback import PINNED_ACTION, PINNED_STATE, SILENCED
from pipelines.workspace.table_files import records_of

_LONGEST = 40  # mean characters of a column that names somebody; links and descriptions are longer


def read_worklist(
    context: Context, *, owner: str | None = None, state: str | None = None, disagree: bool = False, sort: str = "score"
) -> pd.DataFrame:
    """Rows of the worklist, best first, with name, company and owner behind the id.

    Parameters
    ----------
    disagree : only leads that one of rubric and model would hand off
    sort : ``score``, or ``points`` of the rubric

    Raises
    ------
    DataError
        if the source was not run.
    ContractError
        if the last run scored no leads, or none has the owner or the state; the message names those there are.
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
    for column, wanted in (("owner", owner), ("state", state)):
        if wanted is None:
            continue
        values = found[column].astype("str") if column in found else pd.Series(dtype="str")
        hit = values.str.casefold() == wanted.casefold()
        if not hit.any():
            known = ", ".join(sorted(set(values.dropna()))[:20]) or "none"
            raise ContractError(f"no lead of the worklist has {column} '{wanted}'. There are: {known}.")
        found = found[hit.to_numpy()]
    return found.reset_index(drop=True)


def show_feedback(listed: pd.DataFrame) -> pd.DataFrame:
    """The list as people are to see it: without leads nobody may contact, and with what sales pinned."""
    shown = listed
    if SILENCED in shown:
        shown = shown[~shown[SILENCED].to_numpy(dtype=bool)].drop(columns=SILENCED).reset_index(drop=True)
    for pinned, column in ((PINNED_STATE, "state"), (PINNED_ACTION, "next_action")):
        if pinned in shown:
            own = shown[pinned].astype("str")
            shown = shown.assign(**{column: shown[column].where(own == "", own)}).drop(columns=pinned)
    return shown


def naming_texts(found: pd.DataFrame) -> dict[str, list[str]]:
    """What says who the leads are, by heading, the most telling first; usual names come before other shown columns."""
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
    texts |= {name.replace("_", " "): [str(row.get(name) or "") for row in rows] for name in ("owner", *others)}
    return {heading: column for heading, column in texts.items() if any(column)}
