"""The rows of one account, the deals among them, and since when it is a customer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from models.judging.lifecycle.service_levels import rows_known_at


def account_tables(tables: Tables, account_id: str) -> dict[str, pd.DataFrame]:
    """The rows of an account and of its leads."""
    leads = tables["leads"]
    own = leads[(leads["account_id"].astype("str") == account_id).fillna(False).to_numpy(dtype=bool)]
    ids = set(own["lead_id"])
    found: dict[str, pd.DataFrame] = {}
    for name, frame in tables.items():
        mask = np.zeros(len(frame), dtype=np.bool_)
        if "lead_id" in frame:
            mask |= frame["lead_id"].isin(ids).to_numpy(dtype=bool)
        if "account_id" in frame:
            mask |= (frame["account_id"].astype("str") == account_id).fillna(False).to_numpy(dtype=bool)
        found[name] = own if name == "leads" else frame[mask]
    return {name: frame.reset_index(drop=True) for name, frame in found.items()}


def list_deals(tables: Tables, as_of: pd.Timestamp) -> list[dict[str, Any]]:
    """Opportunities of an account closed as far as known, the newest first."""
    outcomes = tables.get("outcomes")
    if outcomes is None or not len(outcomes):
        return []
    known = rows_known_at(outcomes, as_of).sort_values("closed_at", ascending=False, kind="stable")
    deals = []
    for row in known.to_dict(orient="records"):
        amount = row.get("amount")
        won = row.get("won")
        if won is None or pd.isna(won):
            continue
        deals.append(
            {
                "opportunity_id": str(row["opportunity_id"]),
                "lead_id": _text_or_none(row.get("lead_id")),
                "product": _text_or_none(row.get("product")),
                "kind": _text_or_none(row.get("deal_kind")),
                "won": bool(won),
                "closed_at": row["closed_at"].isoformat(),
                "amount": None if amount is None or pd.isna(amount) else float(amount),
                "reason": _text_or_none(row.get("reason")),
            }
        )
    return deals


def describe_customer(deals: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Since when the account is a customer and what it bought; None before the first known win."""
    wins = [deal for deal in deals if deal["won"]]
    if not wins:
        return None
    return {
        "since": min(deal["closed_at"] for deal in wins),
        "wins": len(wins),
        "amount": sum(deal["amount"] or 0.0 for deal in wins),
        "products": sorted({deal["product"] for deal in wins if deal["product"]}),
    }


def _text_or_none(value: Any) -> str | None:
    return None if value is None or pd.isna(value) or value == "" else str(value)
