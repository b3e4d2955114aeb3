"""Closes before their lead came into being, or of accounts without leads: what they cost, told."""

import pandas as pd

from features.array_types import Tables
from features.cohort.outcomes import credited_outcomes
from features.schema.source import Source

_KEY = ["opportunity_id", "happened_at"]


def describe_early_closes(tables: Tables, source: Source) -> list[str]:
    """Sentences about closes before the creation of their lead, and of every lead of their account, and about closes
    whose account no lead names; none without any.

    ``tables`` are those of the contract, their leads resolved.
    """
    if not len(tables["outcomes"]):
        return []
    credited = credited_outcomes(tables, source)
    told = [_before_their_lead(credited, tables)]
    if source.label.credit != "lead":
        told += [_before_their_account(credited, tables), _of_unknown_accounts(tables)]
    return [text for text in told if text]


def _before_their_lead(credited: pd.DataFrame, tables: Tables) -> str:
    began = credited["lead_id"].map(tables["leads"].set_index("lead_id")["created_at"])
    early = credited["happened_at"] < began
    if not early.any():
        return ""
    first, start = credited[early].iloc[0], began[early].iloc[0]
    closes = credited[early].drop_duplicates(_KEY)
    won = int((closes["what"] == "won").sum())
    return (
        f"warning: {len(closes):,} of {len(credited.drop_duplicates(_KEY)):,} closes ({won:,} won) lie before the "
        f"creation of their lead (e.g. lead '{first['lead_id']}': closed {first['happened_at']:%Y-%m-%d %H:%M}, "
        f"created {start:%Y-%m-%d %H:%M}); nothing is learned from them. Check the two clocks and their time zones."
    )


def _before_their_account(credited: pd.DataFrame, tables: Tables) -> str:
    closes = tables["outcomes"]
    closes = closes[closes["lead_id"].isna() & closes["account_id"].notna()]
    began = closes["account_id"].map(tables["leads"].groupby("account_id")["created_at"].min())
    early = closes["closed_at"] < began
    if not early.any():
        return ""
    first, start = closes[early].iloc[0], began[early].iloc[0]
    won = int(closes.loc[early, "won"].fillna(False).astype(bool).sum())
    return (
        f"{int(early.sum()):,} of {len(tables['outcomes']):,} closes ({won:,} won) lie before every lead of their "
        f"account (e.g. account '{first['account_id']}': closed {first['closed_at']:%Y-%m-%d %H:%M}, first lead "
        f"created {start:%Y-%m-%d %H:%M}); they are credited to no lead."
    )


def _of_unknown_accounts(tables: Tables) -> str:
    closes = tables["outcomes"]
    closes = closes[closes["lead_id"].isna() & closes["account_id"].notna()]
    unknown = closes[~closes["account_id"].isin(tables["leads"]["account_id"].dropna())]
    if not len(unknown):
        return ""
    won = int(unknown["won"].fillna(False).astype(bool).sum())
    return (
        f"{len(unknown):,} of {len(tables['outcomes']):,} closes ({won:,} won) name an account that no lead names "
        f"(e.g. account '{unknown['account_id'].iloc[0]}'); they are credited to no lead. If its leads are there, "
        "check how leads and deals write it."
    )
