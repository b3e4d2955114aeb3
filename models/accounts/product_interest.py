"""Products an account owns, and products its people show interest in, by declared signs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints, Tables
from features.schema.source import Source
from features.schema.vocabulary import Actor
from models.accounts.accounts_policy import AccountsPolicy
from models.accounts.seats import named_by
from models.judging.lifecycle.service_levels import rows_known_at

SIGNS = ("lead_id", "product", "happened_at", "known_at", "within_days")


def product_signs(tables: Tables, source: Source, policy: AccountsPolicy) -> pd.DataFrame:
    """Every activity of a lead that speaks of a product, with how long it counts; columns :data:`SIGNS`."""
    acts = tables.get("activities")
    if acts is None or not len(acts):
        return pd.DataFrame(columns=list(SIGNS))
    own = acts[(acts["actor"].fillna(str(Actor.LEAD)) == str(Actor.LEAD)).to_numpy(dtype=bool)]
    pairs, place = _kinds_and_assets(own)
    parts = []
    for product, signs in policy.products.items():
        taken = np.zeros(len(own), dtype=np.bool_)
        for rule in signs.signs:
            mask = named_by(rule, pairs, source)[place] & ~taken  # an activity speaks of a product once
            taken |= mask
            part = own.loc[mask, ["lead_id", "happened_at", "known_at"]]
            parts.append(part.assign(product=product, within_days=rule.within_days))
    if not parts:
        return pd.DataFrame(columns=list(SIGNS))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(lead_id=found["lead_id"].astype("str"))[list(SIGNS)]


def _kinds_and_assets(acts: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """The different pairs of kind and asset, all that a rule looks at, and by activity the row of its pair."""
    names = [name for name in ("kind", "asset") if name in acts]
    number = np.zeros(len(acts), dtype=np.int64)
    for name in names:
        codes, values = pd.factorize(acts[name])
        number = number * (len(values) + 1) + codes + 1
    _, first, place = np.unique(number, return_index=True, return_inverse=True)
    return acts[names].iloc[first].reset_index(drop=True), place.astype(np.int64)


def counted_signs(signs: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Signs known before a moment and young enough then: ``asked`` has lead_id and at; one row per sign, with ``row``
    the position of what was asked.
    """
    looks = asked[["lead_id", "at"]].assign(row=np.arange(len(asked)))
    joined = looks.merge(signs, on="lead_id")
    happened = joined["happened_at"].astype("datetime64[us]")  # of no type where there is no sign at all
    age = (joined["at"] - happened).dt.total_seconds() / 86_400
    counts = (
        (joined["known_at"].astype("datetime64[us]") < joined["at"])
        & (age >= 0)
        & (age <= joined["within_days"].astype("float64"))
    )
    return joined[counts.to_numpy(dtype=bool)]


def owned_products(tables: Tables, as_of: pd.Timestamp) -> pd.DataFrame:
    """Products an account is known to have bought, and since when: columns account_id, product, since."""
    outcomes = tables.get("outcomes")
    if outcomes is None or not len(outcomes) or "product" not in outcomes:
        return pd.DataFrame(columns=["account_id", "product", "since"])
    known = rows_known_at(outcomes, as_of)
    wins = known[known["won"].fillna(False).to_numpy(dtype=bool)].dropna(subset=["account_id", "product"])
    first = wins.groupby([wins["account_id"].astype("str"), wins["product"].astype("str")])["closed_at"].min()
    return first.rename("since").reset_index()


@dataclass(frozen=True, kw_only=True)
class ProductInterest:
    """Signs of interest in one product by the people of one account; ``lead_id`` gave most of them."""

    account_id: str
    product: str
    signs: int
    contacts: int
    last: pd.Timestamp
    lead_id: str


def interests_of(signs: pd.DataFrame, account_of: Mapping[str, str], as_of: pd.Timestamp) -> list[ProductInterest]:
    """Interest per account and product at a moment, from the leads that ``account_of`` names."""
    asked = pd.DataFrame({"lead_id": list(account_of), "at": as_of})
    asked["at"] = asked["at"].astype("datetime64[us]")
    counted = counted_signs(signs, asked)
    counted = counted.assign(account_id=counted["lead_id"].map(account_of))
    found = []
    for (account, product), part in counted.groupby(["account_id", "product"], sort=True):
        per_lead = part["lead_id"].value_counts()
        best = sorted(per_lead.index, key=lambda lead: (-int(per_lead[lead]), str(lead)))[0]
        found.append(
            ProductInterest(
                account_id=str(account),
                product=str(product),
                signs=len(part),
                contacts=int(part["lead_id"].nunique()),
                last=part["happened_at"].max(),
                lead_id=str(best),
            )
        )
    return found


def log_signs(counted: pd.DataFrame, rows: int, products: tuple[str, ...]) -> Floats:
    """Per asked row and product the logarithm of one more than its signs, shape (rows, products)."""
    table = np.zeros((rows, len(products)))
    place = {product: k for k, product in enumerate(products)}
    kept = counted[counted["product"].isin(place).to_numpy(dtype=bool)]
    np.add.at(table, (kept["row"].to_numpy(dtype=np.int64), kept["product"].map(place).to_numpy(dtype=np.int64)), 1.0)
    return np.asarray(np.log1p(table), dtype=np.float64)
