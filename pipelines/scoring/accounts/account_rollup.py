"""Accounts of the open leads: who of the buying committee is engaged, and which accounts are customers already."""

from collections import Counter
from typing import Any

import pandas as pd

from features.array_types import Tables
from features.errors import ContractError
from features.schema.source import title_column
from features.schema.vocabulary import Role
from models.accounts.account_rollup import customers_of, expansion_accounts, map_coverage, roll_up
from models.accounts.expansion import OpenChances, account_products, expansion_list
from models.accounts.product_chances import fit_product_chances
from models.bundle import Bundle
from pipelines.scoring.shown_columns import add_shown_columns, shown_columns
from pipelines.workspace.atomic_files import read_parquet
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
    rolled = roll_up(best, mine, tables, as_of, source=context.source, policy=context.accounts_policy)
    return _with_display(context, tables, rolled)


def expansion_of(
    context: Context, tables: Tables, ranked: pd.DataFrame, bundle: Bundle, as_of: pd.Timestamp
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Customers' interest in products they do not own, and what a product's score rests on.

    All contacts of an account count, open leads alone are scored. Empty where the policy declares no products.
    """
    policy = context.accounts_policy
    if not policy.products or not len(ranked):
        return pd.DataFrame(), {}
    chances = fit_product_chances(tables, context.source, policy, as_of)
    leads = tables["leads"].dropna(subset=["account_id"]).drop_duplicates("lead_id")
    account = dict(zip(leads["lead_id"].astype("str"), leads["account_id"].astype("str"), strict=True))
    ids = ranked["lead_id"].astype("str")
    wanted = customers_of(tables["outcomes"], as_of) & {account[lead] for lead in ids if lead in account}
    mates = {lead: name for lead, name in account.items() if name in wanted}
    probability = dict(zip(ids, ranked["probability"].astype("float64"), strict=True))
    own = OpenChances(probability=probability, shares=chances, scale=bundle.scale)
    listed = expansion_list(account_products(tables, context.source, policy, as_of, mates, own), tables, as_of)
    named = _with_display(context, tables, listed)
    return named, {} if chances is None else chances.record()


def _with_display(context: Context, tables: Tables, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the accounts' display columns behind it, as they stand now."""
    shown = shown_columns(context.source, "accounts", (Role.DISPLAY,))
    return add_shown_columns(frame, tables["accounts"], shown, "account_id")


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
        "missing": count_missing_seats(rolled),
        "rows": records_of(first),
        "functions": [str(name) for name in known],
        "coverage": [[int(count) for count in row] for row in known.to_numpy()],
        "customers": len(customers),
        "expansion": records_of(customers.head(EXPANSION_SHOWN)),
    }


def count_missing_seats(rolled: pd.DataFrame) -> dict[str, int]:
    """By seat of the buying committee how many accounts lack it; a seat's name may be part of another's."""
    lacking = Counter(seat for text in rolled["roles_missing"] for seat in text.split(", ") if seat)
    return dict(sorted(lacking.items()))


def read_expansion(context: Context, product: str | None = None) -> pd.DataFrame:
    """The expansion list of the last run, of one product or all; ContractError as :func:`check_product`."""
    check_product(context, product)
    found = read_parquet(context.paths.score / "expansion.parquet")
    if product is None or "product" not in found:
        return found
    return found[(found["product"] == product).to_numpy(dtype=bool)].reset_index(drop=True)


def check_product(context: Context, product: str | None) -> None:
    """Refuse a product the policy does not declare.

    Raises
    ------
    ContractError
        if the accounts policy declares no products, or none of that name.
    """
    declared = context.accounts_policy.products
    if not declared:
        raise ContractError(
            f"source '{context.source.name}' declares no products: name an accounts policy with 'products:' under "
            "'accounts:' in the source; see docs/accounts.md."
        )
    if product is not None and product not in declared:
        raise ContractError(f"there is no product '{product}'; declared: {', '.join(declared)}.")
