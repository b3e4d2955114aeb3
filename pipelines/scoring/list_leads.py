"""The worklist of the last run as people read it: who a lead is beside its score."""

from collections.abc import Mapping

import pandas as pd

from features.assembly.closed_leads import closed_leads
from features.cohort.cohort import cutoff_of
from features.errors import ContractError
from features.schema.source import Source
from models.standing.record import NO_ACTION
from models.standing.unscored_lists import list_closed, list_resting
from pipelines.artifacts.score_record import ScoreRecord
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.scoring.shown_columns import (
    NAMING,
    company_name,
    order_for_people,
    person_name,
    read_and_name_leads,
    shown_columns,
)
from pipelines.scoring.shown_feedback import meanings_in, show_feedback
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.standing_feedback import read_standing_feedback
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
    found = read_and_name_leads(
        context, show_feedback(listed, meanings_in(context, by_points=ScoreRecord.read(context.paths).mode == "points"))
    )
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


def read_unscored(context: Context, wanted: Mapping[str, str | None]) -> pd.DataFrame:
    """Leads that are over or rest at the data cut-off: how each ended or until when it rests, with whom, what is due.

    ``wanted`` as in :func:`read_worklist`; none of them has a state, and the stage of one that is over is how it ended.
    """
    tables, source = load_tables(context.paths), context.source
    cutoff = None if source.kind == "flat" else cutoff_of(tables, source)
    leads = tables["leads"]
    ids = leads["lead_id"].astype("str") if "lead_id" in leads else pd.Series(dtype="str")
    owners = dict(zip(ids, leads["owner"].fillna(""), strict=True)) if "owner" in leads else {}

    closed = closed_leads(tables, source, cutoff)
    resting = list_resting(tables, source, set(ids) - set(closed), owners, cutoff)
    parts = [part for part in (resting, list_closed(closed, owners, cutoff, context.policy)) if len(part)]
    found = pd.concat(parts, ignore_index=True) if parts else resting
    silent = found["lead_id"].isin(list(read_standing_feedback(context.paths).silenced)).to_numpy(dtype=bool)
    found.loc[silent, "next_action"] = NO_ACTION
    texts = {
        name: pd.Series(["" if pd.isna(at) else at.isoformat() for at in found[name]], dtype="str")
        for name in ("closed_at", "back_at")
    }
    return _keep(found.assign(**texts), wanted, "lead without a score")


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
