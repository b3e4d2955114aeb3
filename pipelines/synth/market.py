"""Synthetic accounts and leads, and what truly drives them week by week."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Floats
from pipelines.synth import lists

START = pd.Timestamp("2024-07-01")  # a Monday, like every as_of of the weekly grid
HORIZON_WEEKS = 13  # the 91 days of the label in data/sources/demo.yaml
TOPICS = ("budget", "authority", "need", "timeline", "interest")
BASE = -5.0  # weekly log-odds to win of a lead about which nothing speaks
DRIFT_PER_YEAR = -0.35  # log-odds: the market gets harder, so that a model from the past is off in level
NEVER_WORKED = -1.4  # log-odds: leads sales never calls seldom win, whatever their need
LOSS, LOSS_PER_NEED = 0.045, 0.35  # weekly hazard of being given up, and how fast need lowers it [per log-odds]
RECYCLED_SHARE, DORMANT_WEEKS = 0.2, 6  # of the leads given up: dormant, then open again


@dataclass(frozen=True, kw_only=True)
class Market:
    """Accounts, leads and their latent states.

    Parameters
    ----------
    accounts, leads : attributes, one row each; leads carry the position of their account
    created : shape (n,), moment of creation in weeks since :data:`START`
    window : shape (n, weeks), 1 while the lead's project is running
    parts : per topic, shape (n, weeks): contribution to the weekly log-odds to win
    context : shape (n, weeks): base, market drift and whether sales ever works the lead
    """

    accounts: pd.DataFrame
    leads: pd.DataFrame
    created: Floats
    window: Floats
    interest: Floats
    parts: dict[str, Floats]
    context: Floats

    @property
    def hazard_log_odds(self) -> Floats:
        """Log-odds to win in a week, shape (n, weeks): the sum of all parts."""
        return np.asarray(self.context + sum(self.parts.values()), dtype=np.float64)

    @property
    def win_hazard(self) -> Floats:
        """Probability to win in a week, while open."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.hazard_log_odds)), dtype=np.float64)

    @property
    def loss_hazard(self) -> Floats:
        """Probability to be given up in a week, while open: falls with need and while a project runs."""
        return np.asarray(LOSS * np.exp(-LOSS_PER_NEED * self.parts["need"] - 0.4 * self.window), dtype=np.float64)


def make_market(rng: np.random.Generator, leads: int, weeks: int) -> Market:
    """Draw a market; latent states reach ``HORIZON_WEEKS`` past the end, so that truth is known there too."""
    accounts = _accounts(rng, max(leads // 2, 10))
    people = _leads(rng, accounts, leads)
    total = weeks + HORIZON_WEEKS + 1
    created = np.sort(np.minimum((weeks - 1) * rng.beta(1.15, 1.0, leads), weeks - 1.001))

    account = people["account"].to_numpy()
    window = _windows(rng, created, total)
    interest = rng.normal(0, 1, leads)
    need = 0.8 * accounts["need"].to_numpy()[account] + rng.normal(0, 0.6, leads)
    budget = 0.9 * accounts["wealth"].to_numpy()[account] + rng.normal(0, 0.6, leads)

    rank = people["rank"].to_numpy(dtype=np.float64)
    ones = np.ones((1, total))
    parts = {
        "budget": 0.55 * budget[:, None] * ones,
        "authority": (0.75 * (rank - 1.4) / 1.1)[:, None] * ones,
        "need": 0.8 * need[:, None] * ones,
        "timeline": 1.9 * (window - 0.3),
        "interest": 0.2 * interest[:, None] * ones,
    }

    drift = DRIFT_PER_YEAR * np.arange(total) / 52.0
    worked = np.where(people["never_worked"].to_numpy(), NEVER_WORKED, 0.0)

    people["wealth"], people["need"] = budget, need
    context = np.asarray(BASE + drift[None, :] + worked[:, None], dtype=np.float64)
    return Market(
        accounts=accounts, leads=people, created=created, window=window, interest=interest, parts=parts, context=context
    )


def _windows(rng: np.random.Generator, created: Floats, total: int) -> Floats:
    """Projects start some time after the lead appears and run a few months; half of the leads have one soon."""
    soon = rng.random(len(created)) < 0.5
    starts = created + np.where(soon, rng.exponential(5.0, len(created)), 10 + rng.exponential(40.0, len(created)))
    ends = starts + 6 + rng.exponential(12.0, len(created))
    week = np.arange(total)[None, :]
    return np.asarray(((week >= starts[:, None]) & (week < ends[:, None])).astype(np.float64))


def _accounts(rng: np.random.Generator, count: int) -> pd.DataFrame:
    industry = rng.choice(list(lists.INDUSTRIES), count, p=list(lists.INDUSTRY_SHARE))
    size = np.exp(rng.normal(4.3, 1.5, count)).clip(2, 60_000).round()
    stack = rng.choice(list(lists.STACKS), count, p=list(lists.STACK_SHARE))
    wealth = (np.log(size) - 4.3) / 1.5 * 0.8 + rng.normal(0, 0.6, count)

    need = (
        pd.Series(industry).map(lists.INDUSTRY_NEED).to_numpy(dtype=np.float64)
        + pd.Series(stack).map(lists.STACK_NEED).to_numpy(dtype=np.float64)
        + rng.normal(0, 0.7, count)
    )

    names = [f"{a} {b}" for a, b in zip(rng.choice(lists.COMPANY, count), rng.choice(lists.LEGAL, count), strict=True)]
    number = np.arange(count)

    return pd.DataFrame(
        {
            "account_id": [f"A{k:05d}" for k in number],
            "name": [f"{name} {k}" for name, k in zip(names, number, strict=True)],
            "domain": [f"firma{k}.example" for k in number],
            "industry": industry,
            "employees": size,
            "revenue_band": pd.cut(wealth, [-9, -0.8, 0.4, 1.4, 9], labels=["<2M", "2-10M", "10-50M", ">50M"]).astype(
                str
            ),
            "country": rng.choice(list(lists.COUNTRIES), count),
            "stack": stack,
            "scanner": rng.random(count) < 0.08,
            "customer": rng.random(count) < 0.08,
            "wealth": wealth,
            "need": need,
        }
    )


def _leads(rng: np.random.Generator, accounts: pd.DataFrame, count: int) -> pd.DataFrame:
    weight = 1.0 / np.arange(1, len(accounts) + 1) ** 0.15
    account = rng.choice(len(accounts), count, p=weight / weight.sum())
    rank = rng.choice(4, count, p=[0.34, 0.3, 0.24, 0.12])

    languages = accounts["country"].map(lists.LANGUAGE).to_numpy()[account]
    title = [rng.choice(lists.TITLES[language][r]) for language, r in zip(languages, rank, strict=True)]

    first, last = rng.choice(lists.FIRST, count), rng.choice(lists.LAST, count)
    domain = accounts["domain"].to_numpy()[account]
    free = rng.random(count) < 0.12
    mailbox = [f"{lists.ascii_of(f)}.{lists.ascii_of(n)}{k}" for k, (f, n) in enumerate(zip(first, last, strict=True))]

    return pd.DataFrame(
        {
            "lead_id": [f"L{k:06d}" for k in range(count)],
            "account": account,
            "account_id": accounts["account_id"].to_numpy()[account],
            "rank": rank,
            "title": np.where(rng.random(count) < 0.06, "", np.array(title, dtype=object)),
            "name": [f"{f} {n}" for f, n in zip(first, last, strict=True)],
            "email": [f"{m}@{'freemail.example' if f else d}" for m, d, f in zip(mailbox, domain, free, strict=True)],
            "phone": [f"+00 555 {k:06d}" for k in range(count)],
            "channel": rng.choice(list(lists.SOURCES), count, p=list(lists.SOURCE_SHARE)),
            "owner": rng.choice(list(lists.OWNERS), count),
            "never_worked": rng.random(count) < 0.15,
            "student": rng.random(count) < 0.03,
        }
    )
