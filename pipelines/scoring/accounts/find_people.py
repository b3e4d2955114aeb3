"""Anybody looked up by mail, domain, name or id: what the command line shows of them."""

from typing import Any

import pandas as pd

from features.cohort.cohort import cutoff_of
from features.errors import ContractError
from pipelines.ingest.identity_files import read_merged_leads
from pipelines.scoring.accounts.people_index import PeopleIndex, people_found
from pipelines.scoring.find_lead import parse_as_of
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables


def find_people(context: Context, text: str, *, as_of: str | None = None) -> dict[str, Any]:
    """People and companies a text stands for, with the scores of the last run.

    Raises
    ------
    ContractError
        if the source is flat, so that nobody has a history.
    """
    if context.source.kind == "flat":
        raise ContractError(
            f"source '{context.source.name}' is one flat table: nobody has a history there. Use 'leadscore explain ID'."
        )
    tables = load_tables(context.paths)
    when = parse_as_of(as_of, cutoff_of(tables, context.source))
    asked = read_merged_leads(context.paths).get(text.strip(), text)  # a second record stands for the lead it joined
    found = people_found(PeopleIndex.of(tables, context.source), tables, context.source, asked, when)
    found["query"] = text
    file = context.paths.score / "worklist.parquet"
    listed = read_parquet(file) if file.exists() else pd.DataFrame()
    scores = dict(zip(listed["lead_id"].astype("str"), listed["score"], strict=True)) if "score" in listed else {}
    for person in found["people"]:
        score = scores.get(person["lead_id"]) if person["open"] else None
        person["score"] = None if score is None else int(score)
    return found
