"""Interest in products, and which product a win would be of: used only where later wins bear it out."""

import numpy as np
import pandas as pd
import pytest

from features.schema.load_source import load_source
from features.schema.source import Source
from models.accounts.accounts_policy import AccountsPolicy, load_accounts
from models.accounts.expansion import OpenChances, account_products, expansion_list
from models.accounts.product_chances import BEFORE_CLOSE_DAYS, fit_product_chances
from models.interfaces import Scale
from pipelines.workspace.find_declarations import find_policy, find_source

NOW = pd.Timestamp("2026-06-01")
DAY = pd.Timedelta(days=1)
SCALE = Scale("test", -2.0)


def demo() -> Source:
    return load_source(find_source("demo"))


def policy() -> AccountsPolicy:
    return load_accounts(find_policy("accounts-demo"), demo())


def market(follows: bool, wins: int = 300, before_close: float = 30.0) -> dict[str, pd.DataFrame]:
    """Wins whose product is the one the lead read of, or one at random."""
    rng = np.random.default_rng(5)
    names, assets = ("core", "core plus", "enterprise"), ("product/tour", "checklist", "roi-study")
    kinds = ("page_view", "content_download", "content_download")
    read = rng.integers(0, 3, wins)
    won = np.where(rng.random(wins) < 0.8, read, rng.integers(0, 3, wins)) if follows else rng.integers(0, 3, wins)
    closed = NOW - (400 - np.arange(wins)) * DAY
    ids = [f"L{k}" for k in range(wins)]
    outcomes = pd.DataFrame(
        {
            "opportunity_id": ids,
            "lead_id": ids,
            "account_id": [f"A{k}" for k in range(wins)],
            "closed_at": closed,
            "known_at": closed,
            "won": pd.array([True] * wins, dtype="boolean"),
            "product": [names[k] for k in won],
        }
    )
    at = closed - before_close * DAY
    acts = pd.DataFrame(
        {
            "lead_id": ids,
            "kind": [kinds[k] for k in read],
            "asset": [assets[k] for k in read],
            "actor": "lead",
            "happened_at": at,
            "known_at": at,
        }
    )
    acts = pd.concat([acts] * 3, ignore_index=True)
    for frame in (outcomes, acts):
        for column in ("closed_at", "known_at", "happened_at"):
            if column in frame:
                frame[column] = frame[column].astype("datetime64[us]")
    return {"outcomes": outcomes, "activities": acts}


@pytest.mark.parametrize(("follows", "used"), [(True, True), (False, False)])
def test_interest_moves_a_product_s_share_only_where_later_wins_bear_it_out(follows: bool, used: bool) -> None:
    found = fit_product_chances(market(follows), demo(), policy(), NOW)
    assert found is not None and found.judged["n"] == 90 and found.judged["used"] is used
    share = found.shares(np.array([[2.0, 0.0, 0.0]]), np.zeros((1, 3)))[0]
    assert share.sum() == pytest.approx(1.0)
    assert bool(share[0] > 0.6) is used
    assert "better than constant shares" in found.text if used else "did not tell" in found.text


def test_what_is_read_while_the_contract_lies_on_the_table_teaches_nothing() -> None:
    found = fit_product_chances(market(True, before_close=BEFORE_CLOSE_DAYS - 1), demo(), policy(), NOW)
    assert found is not None and not found.judged["used"]


def test_later_wins_and_later_acts_change_nothing() -> None:
    tables = market(True)
    then = NOW - 200 * DAY
    early = {
        "outcomes": tables["outcomes"][tables["outcomes"]["known_at"] < then],
        "activities": tables["activities"][tables["activities"]["known_at"] < then],
    }
    whole, cut = (fit_product_chances(t, demo(), policy(), then) for t in (tables, early))
    assert whole is not None and cut is not None
    assert whole.wins == cut.wins and whole.base.tolist() == cut.base.tolist() and whole.interest == cut.interest


def test_the_list_is_of_customers_and_of_products_they_do_not_own() -> None:
    tables = market(False)
    recent = pd.DataFrame(
        [
            ("L0", "content_download", "roi-study", "lead", NOW - 5 * DAY),
            ("L0", "page_view", "product/tour", "lead", NOW - 4 * DAY),
            ("L0", "content_download", "checklist", "rep", NOW - 4 * DAY),
            ("L0", "content_download", "checklist", "lead", NOW - 95 * DAY),
            ("stranger", "content_download", "roi-study", "lead", NOW - 5 * DAY),
        ],
        columns=["lead_id", "kind", "asset", "actor", "happened_at"],
    )
    recent["known_at"] = recent["happened_at"]
    tables["activities"] = recent.astype({"happened_at": "datetime64[us]", "known_at": "datetime64[us]"})
    tables["outcomes"].loc[0, "product"] = "core"
    shares = fit_product_chances(tables, demo(), policy(), NOW)
    account_of = {"L0": "A0", "stranger": "B"}
    own = OpenChances(probability={"L0": 0.3, "stranger": 0.9}, shares=shares, scale=SCALE)
    rows = account_products(tables, demo(), policy(), NOW, account_of, own)
    by = {(row["account_id"], row["product"]): row for row in rows}
    assert by["A0", "core"]["owned_since"] is not None and by["A0", "core"]["signs"] == 1
    assert by["A0", "core plus"]["signs"] == 0, "a rep's act is no interest, nor is one of last season"
    listed = expansion_list(rows, tables, NOW)
    assert listed[["account_id", "product", "owns"]].values.tolist() == [["A0", "enterprise", "core"]]
    row = listed.iloc[0]
    assert 0 < row["chance"] < 0.3 and row["best_lead"] == "L0"


def test_a_product_with_few_wins_has_no_score_of_its_own() -> None:
    tables = market(False, wins=90)
    shares = fit_product_chances(tables, demo(), policy(), NOW)
    assert shares is not None and min(shares.wins.values()) < 40
    few = min(shares.wins, key=lambda name: shares.wins[name])
    own = OpenChances(probability={"L0": 0.3}, shares=shares, scale=SCALE)
    rows = account_products(tables, demo(), policy(), NOW, {"L0": "A0"}, own)
    assert {row["product"]: row["score"] for row in rows}[few] is None


def two_products(days_apart: float, known_after: float = 0.0) -> pd.DataFrame:
    """100 accounts that each buy core, and core plus so many days later."""
    first = NOW - (600 - np.arange(100)) * DAY
    ids = [f"A{k}" for k in range(100)]
    parts = [
        pd.DataFrame({"lead_id": ids, "account_id": ids, "closed_at": first + gap * DAY, "product": product})
        for product, gap in (("core", 0.0), ("core plus", days_apart))
    ]
    both = pd.concat(parts, ignore_index=True).assign(won=pd.array([True] * 200, dtype="boolean"))
    both["opportunity_id"] = both["lead_id"] + both["product"]
    both["known_at"] = both["closed_at"] + known_after * DAY
    return both.astype({"closed_at": "datetime64[us]", "known_at": "datetime64[us]"})


@pytest.mark.parametrize(
    ("days_apart", "known_after", "used"),
    [(0.0, 0.0, False), (BEFORE_CLOSE_DAYS - 1, 0.0, False), (30.0, 0.0, True), (30.0, 20.0, False)],
)
def test_an_account_owns_what_it_was_known_to_have_before_the_next_deal(
    days_apart: float, known_after: float, used: bool
) -> None:
    """Of two products bought together, neither was owned when the other was chosen: the chances of both are even."""
    outcomes, nothing = two_products(days_apart, known_after), market(False)["activities"].iloc[:0]
    orders = (
        outcomes,
        outcomes[::-1],
        outcomes.sort_values(["account_id", "product"]),
        outcomes.sample(frac=1, random_state=3),
    )
    found = []
    for ordered in orders:
        tables = {"outcomes": ordered.reset_index(drop=True), "activities": nothing}
        chances = fit_product_chances(tables, demo(), policy(), NOW)
        assert chances is not None and chances.judged["used"] is used
        owner = chances.shares(np.zeros((1, 2)), np.array([[1.0, 0.0]]))[0]
        assert (owner[1] > 0.8) if used else owner.tolist() == pytest.approx([0.5, 0.5])
        found.append(owner.tolist())
    assert all(one == found[0] for one in found), "the order of rows in a file is no knowledge"
