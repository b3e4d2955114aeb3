"""Accounts of the open leads: who of the buying committee is engaged, and which accounts are customers already."""

from typing import Any

import pandas as pd

from features.array_types import Tables
from features.schema.source import title_column
from features.schema.vocabulary import Role
from models.accounts.account_rollup import expansion_accounts, map_coverage, roll_up
from pipelines.scoring.accounts.account_evidence import accounts_policy_of
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import records_of

BEST_LEADS = 5_000  # bounds the roll-up: accounts beyond the best leads would not be worked first
SHOWN, EXPANSION_SHOWN, FUNCTIONS = 15, 10, 10  # rows and columns of the report's tables


def roll_up_accounts(context: Context, tables: Tables, ranked: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """One row per account of the best leads, best first; with the accounts' display columns.

    ``ranked`` is the worklist, ``keys`` the matrix keys of the same leads in any order. Empty without accounts.
    """
    account = keys.drop_duplicates("lead_id").set_index("lead_id")["account_id"]
    best = ranked.head(BEST_LEADS)
    mine = pd.DataFrame({"account_id": best["lead_id"].map(account).to_numpy()})
    if not mine["account_id"].notna().any():
        return pd.DataFrame()

    as_of = pd.Timestamp(best["as_of"].iloc[0])
    rolled = roll_up(best, mine, tables, as_of, source=context.source, policy=accounts_policy_of(context))

    declared = context.source.tables.get("accounts")
    shown = [name for name, column in (declared.columns if declared else {}).items() if column.role is Role.DISPLAY]
    shown = [name for name in shown if name in tables["accounts"]]
    named = tables["accounts"].drop_duplicates("account_id").set_index("account_id")[shown]
    return rolled.join(named, on="account_id")


def accounts_record(context: Context, tables: Tables, rolled: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, Any]:
    """What the report shows of the accounts; empty without any."""
    if not len(rolled):
        return {}
    first = rolled.head(SHOWN)

    functions = map_coverage(first[["account_id"]], tables, as_of, title_column(context.source))
    most = functions.sum().sort_values(ascending=False, kind="stable").head(FUNCTIONS).index
    known = functions.reindex(first["account_id"], fill_value=0)[most] if len(functions) else pd.DataFrame()
    customers = expansion_accounts(rolled)

    return {
        "accounts": len(rolled),
        "several": int((rolled["leads"] > 1).sum()),
        "engaged": int((rolled["engaged"] > 0).sum()),
        "missing": {name: int(rolled["roles_missing"].str.contains(name).sum()) for name in _seats(rolled)},
        "rows": records_of(first),
        "functions": [str(name) for name in known],
        "coverage": [[int(count) for count in row] for row in known.to_numpy()],
        "customers": len(customers),
        "expansion": records_of(customers.head(EXPANSION_SHOWN)),
    }


def _seats(rolled: pd.DataFrame) -> list[str]:
    """Seats of the buying committee that some account lacks."""
    return sorted({seat for text in rolled["roles_missing"] for seat in text.split(", ") if seat})
