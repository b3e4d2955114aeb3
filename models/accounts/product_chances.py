"""Which product a win would be of: shares among past wins, moved by interest and ownership where that proves to help.

The chance of a product is the chance of a win times the share of the product among wins like this one. The shares are a
conditional logit: one base per product, one weight of interest and one of ownership for all products. It is judged on
the later wins against constant shares; unless it is clearly better there, constant shares are used, and it is said.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints, Tables
from features.point_in_time.microseconds import micros
from features.point_in_time.visibility import is_known
from features.schema.source import Source
from models.accounts.accounts_policy import AccountsPolicy
from models.accounts.product_interest import counted_signs, log_signs, product_signs
from models.explaining.points import score_of_log_odds
from models.interfaces import Scale
from models.judging.lifecycle.service_levels import rows_known_at

BEFORE_CLOSE_DAYS = 14  # what people do while the contract lies on the table tells what they decided already
LATER_SHARE = 0.3  # of the wins, judged and not learned from
_DRAWS, _SEED = 500, 18
_RIDGE = 1.0  # on both weights: a few hundred wins must not swing them


@dataclass(frozen=True, kw_only=True)
class ProductChances:
    """Shares of products among wins.

    Parameters
    ----------
    products : every product that was won at all
    wins : of each, known so far
    base : log-shares, shape (products,)
    interest, owned : weight of log-signs and of owning the product already; 0 where constant shares are used
    judged : how the weights did on later wins: n, gain in log loss per win with its 90% interval, used
    """

    products: tuple[str, ...]
    wins: dict[str, int]
    base: Floats
    interest: float
    owned: float
    judged: dict[str, Any]
    least_wins: int

    def shares(self, signs: Floats, owned: Floats) -> Floats:
        """Share of each product among wins of rows like these, shape (n, products); both inputs have that shape."""
        return _softmax(self.base + self.interest * signs + self.owned * owned)

    def suffices(self, product: str) -> bool:
        """Whether a product was won often enough to be given a score of its own."""
        return self.wins.get(product, 0) >= self.least_wins

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "products": {name: {"wins": self.wins[name], "scored": self.suffices(name)} for name in self.products},
            "least_wins": self.least_wins,
            "weights": {"interest": round(self.interest, 4), "owned": round(self.owned, 4)},
            "judged": self.judged,
            "text": self.text,
        }

    @property
    def text(self) -> str:
        """What may be said of a product's score."""
        if not self.judged["used"]:
            return (
                "Interest and ownership did not tell which product later wins were of; a product's score is the lead's "
                "chance of a win times the product's share of all wins."
            )
        return (
            "A product's score is the lead's chance of a win times the product's share among wins like this one; "
            f"on {self.judged['n']} later wins that was better than constant shares."
        )


def product_score(probability: Floats, share: Floats, scale: Scale) -> tuple[Ints, Floats]:
    """Score, on the scale of the leads' own, and chance of a product."""
    chance = np.clip(probability * share, 1e-6, 1 - 1e-6)
    return score_of_log_odds(np.log(chance / (1 - chance)), scale), chance


def fit_product_chances(
    tables: Tables, source: Source, policy: AccountsPolicy, as_of: pd.Timestamp
) -> ProductChances | None:
    """Shares from all wins known before ``as_of``; None where no win names a declared product."""
    wins = _wins(tables, policy, as_of)
    if not policy.products or not len(wins):
        return None
    products = tuple(dict.fromkeys([*policy.products, *sorted(wins["product"].unique())]))
    counts = wins["product"].value_counts()
    products = tuple(product for product in products if product in counts.index)

    chosen = wins["product"].map({product: k for k, product in enumerate(products)}).to_numpy(dtype=np.int64)
    signs = log_signs(counted_signs(product_signs(tables, source, policy), wins), len(wins), products)
    owned = _owned_before(wins, products)
    cut = int(len(wins) * (1 - LATER_SHARE))
    judged = _judge(chosen, signs, owned, cut, wins["account_id"].to_numpy(dtype=object))
    base, interest, weight = _fit(chosen, signs, owned) if judged["used"] else (_log_shares(chosen, signs), 0.0, 0.0)
    return ProductChances(
        products=products,
        wins={product: int(counts[product]) for product in products},
        base=base,
        interest=interest,
        owned=weight,
        judged=judged,
        least_wins=policy.least_wins_per_product,
    )


def _wins(tables: Tables, policy: AccountsPolicy, as_of: pd.Timestamp) -> pd.DataFrame:
    """Wins with product and lead, oldest first, whatever their order in the file; ``at`` is the moment from which
    nothing counts any more.
    """
    outcomes = tables.get("outcomes")
    columns = ["lead_id", "account_id", "product", "closed_at", "known_at", "at"]
    if outcomes is None or not len(outcomes) or "product" not in outcomes:
        return pd.DataFrame(columns=columns)
    known = rows_known_at(outcomes, as_of)
    won = known[known["won"].fillna(False).to_numpy(dtype=bool)].dropna(subset=["product"])
    lead = won["lead_id"].astype("object").where(won["lead_id"].notna(), "").astype(str)
    account = won["account_id"].astype("object").where(won["account_id"].notna(), "").astype(str)
    at = won["closed_at"] - pd.Timedelta(days=BEFORE_CLOSE_DAYS)
    won = won.assign(lead_id=lead, account_id=account, product=won["product"].astype(str), at=at)[columns]
    return won.sort_values(["closed_at", "known_at", "account_id", "lead_id", "product"], ignore_index=True)


def _owned_before(wins: pd.DataFrame, products: tuple[str, ...]) -> Floats:
    """1 where the account was known to have the product at the win's ``at``, shape (wins, products).

    What it bought on the same day, or while that contract lay on the table, says nothing of what it would buy next.
    """
    since = wins["known_at"].mask(wins["closed_at"] > wins["known_at"], wins["closed_at"])  # none is owned before
    named = wins.assign(since=since)[(wins["account_id"] != "").to_numpy()]
    first = named.groupby(["account_id", "product"])["since"].min()
    at, table = micros(wins["at"]), np.zeros((len(wins), len(products)))
    for k, product in enumerate(products):
        asked = pd.MultiIndex.from_arrays([wins["account_id"], [product] * len(wins)])
        held = first.reindex(asked)
        table[:, k] = held.notna().to_numpy() & is_known(micros(held), at)
    return table


def _judge(chosen: Ints, signs: Floats, owned: Floats, cut: int, account: np.ndarray) -> dict[str, Any]:
    """Gain of the weights over constant shares on the later wins; used only where its whole interval is above 0."""
    later = len(chosen) - cut
    nothing = {"n": later, "gain": None, "low": None, "high": None, "used": False}
    if cut < 20 or later < 20:
        return nothing
    base, interest, weight = _fit(chosen[:cut], signs[:cut], owned[:cut])
    flat = _log_shares(chosen[:cut], signs)
    rows = np.arange(later)
    moved = _softmax(base + interest * signs[cut:] + weight * owned[cut:])[rows, chosen[cut:]]
    constant = _softmax(np.broadcast_to(flat, signs[cut:].shape))[rows, chosen[cut:]]
    gain = np.log(np.maximum(moved, 1e-9)) - np.log(np.maximum(constant, 1e-9))

    names, cluster = np.unique(
        np.where(account[cut:] == "", [f"#{k}" for k in rows], account[cut:]), return_inverse=True
    )
    sums, sizes = np.bincount(cluster, weights=gain), np.bincount(cluster)
    rng = np.random.default_rng(_SEED)
    draws = [rng.integers(0, len(names), len(names)) for _ in range(_DRAWS)]
    means = np.array([sums[pick].sum() / sizes[pick].sum() for pick in draws])
    low, high = np.quantile(means, [0.05, 0.95])
    return {
        "n": later,
        "gain": round(float(gain.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "used": bool(low > 0),
    }


def _log_shares(chosen: Ints, signs: Floats) -> Floats:
    """Logarithms of each product's share, one win added to each so that none is impossible."""
    counts = np.bincount(chosen, minlength=signs.shape[1]) + 1.0
    return np.asarray(np.log(counts / counts.sum()), dtype=np.float64)


def _fit(chosen: Ints, signs: Floats, owned: Floats) -> tuple[Floats, float, float]:
    """Conditional logit by Newton's method: base per product, weight of interest, weight of ownership."""
    rows, products = signs.shape
    beta = np.r_[_log_shares(chosen, signs), 0.0, 0.0]
    design = np.concatenate(
        [np.broadcast_to(np.eye(products), (rows, products, products)), signs[..., None], owned[..., None]], axis=2
    )
    penalty = np.r_[np.full(products, 1e-3), _RIDGE, _RIDGE]
    start = beta.copy()
    for _ in range(50):
        share = _softmax(design @ beta)
        mean = np.einsum("ij,ijk->ik", share, design)
        gradient = design[np.arange(rows), chosen].sum(axis=0) - mean.sum(axis=0) - penalty * (beta - start)
        spread = design - mean[:, None, :]
        hessian = np.einsum("ij,ijk,ijl->kl", share, spread, spread) + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        beta = beta + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return beta[:products], float(beta[products]), float(beta[products + 1])


def _softmax(values: Floats) -> Floats:
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float64)
