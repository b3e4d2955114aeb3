"""The worklist of the last run as people read it: who a lead is beside its score."""

import pandas as pd

from features.errors import ContractError
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.scoring.shown_columns import order_for_people, read_and_name_leads, shown_columns
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context

_WHO = ("full_name", "name", "company", "account_name", "company_name", "first_name", "last_name", "owner")
_LONGEST = 40  # mean characters of a column that names somebody; links and descriptions are longer


def read_worklist(context: Context, *, owner: str | None = None, state: str | None = None) -> pd.DataFrame:
    """Rows of the worklist, best first, with name, company and owner behind the id.

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
    found = read_and_name_leads(context, listed)
    source = context.source
    shown = [name for table in ("leads", "accounts") for name in shown_columns(source, table) if name in found.columns]
    found = order_for_people(found, [name for name in found.columns if name not in shown])
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


def naming_columns(found: pd.DataFrame) -> list[str]:
    """Columns that say who a lead is, the most telling first; usual names come before other shown columns."""
    shown = list(found.columns[1 : list(found.columns).index("as_of")]) if "as_of" in found else []
    usual = [name for name in _WHO if name in found.columns and found[name].notna().any()]
    others = [
        name
        for name in shown
        if name not in usual
        and found[name].dtype == "str"
        and not found[name].dropna().str.startswith("http").any()
        and 0 < found[name].dropna().str.len().mean() <= _LONGEST
        and "mail" not in name
        and "phone" not in name
    ]
    return [*usual, *others]
