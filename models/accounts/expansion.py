"""The expansion list: customers whose people show interest in a product they do not own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.schema.source import Source
from models.accounts.account_rollup import customers_of
from models.accounts.accounts_policy import AccountsPolicy
from models.accounts.product_chances import ProductChances, product_score
from models.accounts.product_interest import (
    counted_signs,
    interests_of,
    log_signs,
    owned_products,
    product_signs,
)
from models.interfaces import Scale

COLUMNS = (
    "account_id", "product", "label", "score", "chance", "signs", "contacts", "last_sign", "lead_id", "best_lead",
    "owns", "customer_since",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class OpenChances:
    """What a product's score rests on: the open leads' chance of a win, shares of products, the leads' scale."""

    probability: Mapping[str, float]
    shares: ProductChances | None
    scale: Scale


def account_products(
    tables: Tables,
    source: Source,
    policy: AccountsPolicy,
    as_of: pd.Timestamp,
    account_of: Mapping[str, str],
    leads: OpenChances,
) -> list[dict[str, Any]]:
    """Per account and declared product: owned since when, interest shown, and score where wins suffice.

    ``account_of`` names the leads whose acts count; a product's score is that of the open lead that gives it the most.
    """
    signs = product_signs(tables, source, policy)
    interests = {(one.account_id, one.product): one for one in interests_of(signs, account_of, as_of)}
    owned = owned_products(tables, as_of)
    since = {(a, p): s for a, p, s in zip(owned["account_id"], owned["product"], owned["since"], strict=True)}
    best = _best_scores(signs, since, account_of, leads, as_of)

    rows = []
    for account in dict.fromkeys(account_of.values()):
        for product, declared in policy.products.items():
            one = interests.get((account, product))
            held = since.get((account, product))
            lead, score, chance = best.get((account, product), ("", None, None))
            rows.append(
                {
                    "account_id": account,
                    "product": product,
                    "label": declared.label or product,
                    "owned_since": None if held is None else held.isoformat(),
                    "signs": 0 if one is None else one.signs,
                    "contacts": 0 if one is None else one.contacts,
                    "last_sign": None if one is None else one.last.isoformat(),
                    "interested": None if one is None else one.lead_id,
                    "best_lead": lead or None,
                    "score": score,
                    "chance": chance,
                }
            )
    return rows


def _best_scores(
    signs: pd.DataFrame,
    since: Mapping[tuple[str, str], Any],
    account_of: Mapping[str, str],
    leads: OpenChances,
    as_of: pd.Timestamp,
) -> dict[tuple[str, str], tuple[str, int, float]]:
    """Per account and product with enough wins the open lead most likely to buy it: lead, score, chance."""
    chances, ids = leads.shares, [lead for lead in account_of if lead in leads.probability]
    if chances is None or not ids:
        return {}
    asked = pd.DataFrame({"lead_id": ids, "at": as_of})
    asked["at"] = asked["at"].astype("datetime64[us]")
    interest = log_signs(counted_signs(signs, asked), len(ids), chances.products)
    held = np.array([[(account_of[lead], p) in since for p in chances.products] for lead in ids], dtype=np.float64)
    share = chances.shares(interest, held)
    own = np.array([leads.probability[lead] for lead in ids])
    found: dict[tuple[str, str], tuple[str, int, float]] = {}
    for k, product in enumerate(chances.products):
        if not chances.suffices(product):
            continue
        score, chance = product_score(own, share[:, k], leads.scale)
        for row in sorted(range(len(ids)), key=lambda row: (-chance[row], ids[row])):
            found.setdefault((account_of[ids[row]], product), (ids[row], int(score[row]), float(chance[row])))
    return found


def expansion_list(rows: Sequence[Mapping[str, Any]], tables: Tables, as_of: pd.Timestamp) -> pd.DataFrame:
    """Customers' interest in products they do not own, likeliest first; columns :data:`COLUMNS`.

    ``rows`` are those of :func:`account_products`. Products without a score of their own come last, by signs.
    """
    customers = customers_of(tables["outcomes"], as_of)
    owned = owned_products(tables, as_of)
    owns = owned.groupby("account_id")["product"].agg(lambda names: ", ".join(sorted(names))).to_dict()
    first = owned.groupby("account_id")["since"].min().to_dict()
    found = [
        {
            "account_id": row["account_id"],
            "product": row["product"],
            "label": row["label"],
            "score": row["score"],
            "chance": row["chance"],
            "signs": row["signs"],
            "contacts": row["contacts"],
            "last_sign": row["last_sign"],
            "lead_id": row["interested"],
            "best_lead": row["best_lead"],
            "owns": owns.get(row["account_id"], ""),
            "customer_since": None if row["account_id"] not in first else first[row["account_id"]].isoformat(),
        }
        for row in rows
        if row["account_id"] in customers and row["owned_since"] is None and row["signs"] > 0
    ]
    found.sort(key=place_in_expansion)
    return pd.DataFrame(found, columns=list(COLUMNS))


def place_in_expansion(row: Mapping[str, Any]) -> tuple[float, int, str, str]:
    """What the list goes by: the likeliest first, then the most signs."""
    return -(row["chance"] or 0.0), -int(row["signs"]), row["account_id"], row["product"]
