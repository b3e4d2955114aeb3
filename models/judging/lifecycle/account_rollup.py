"""Accounts: the buying committee behind the leads, and customers as an expansion list of their own."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.catalog.families.job_titles import CHAMPIONS, ECONOMIC_BUYERS, job_function, seniority
from features.schema.vocabulary import Actor
from models.judging.lifecycle.service_levels import rows_known_at

ENGAGED_DAYS = 90  # a lead active within a quarter counts as engaged in the purchase
COLUMNS = (
    "account_id",
    "leads",
    "engaged",
    "best_lead",
    "best_score",
    "probability_any",
    "roles",
    "roles_missing",
    "functions",
    "is_customer",
)
COMMITTEE = {"economic buyer": ECONOMIC_BUYERS, "champion": CHAMPIONS}


def roll_up(
    scored: pd.DataFrame,
    keys: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    as_of: pd.Timestamp,
    *,
    title: str | None = None,
) -> pd.DataFrame:
    """One row per account with open leads, best score first; columns :data:`COLUMNS`.

    ``scored`` has lead_id, score, probability; ``keys`` the matrix keys of the same rows; ``title`` names the leads'
    column with the job title. ``probability_any`` is the chance that at least one lead is won if they decided alone:
    colleagues do not, so it is an upper end. ``engaged`` counts leads active within
    90 days; roles are theirs, and ``roles_missing`` names the seats of the buying committee nobody engaged holds.
    """
    rows = scored[["lead_id", "score", "probability"]].assign(account_id=keys["account_id"].to_numpy())
    rows = rows.dropna(subset=["account_id"]).sort_values(["score", "lead_id"], ascending=[False, True])
    if not len(rows):
        return pd.DataFrame(columns=list(COLUMNS))

    acts = rows_known_at(tables["activities"], as_of)
    recent = acts["happened_at"] >= as_of - pd.Timedelta(days=ENGAGED_DAYS)
    active = set(acts.loc[(recent & (acts["actor"] == str(Actor.LEAD))).to_numpy(), "lead_id"])
    titles = _titles(tables["leads"], as_of, title)
    rows = rows.merge(titles, on="lead_id", how="left").assign(engaged=rows["lead_id"].isin(active).to_numpy())
    customers = customers_of(tables["outcomes"], as_of)

    found = []
    for account, part in rows.groupby("account_id", sort=False):
        roles = sorted(part.loc[part["engaged"].to_numpy(), "role"].dropna().unique())
        best = part.iloc[0]
        found.append(
            (
                account,
                len(part),
                int(part["engaged"].sum()),
                best["lead_id"],
                best["score"],
                float(1 - np.prod(1 - part["probability"].to_numpy(dtype=np.float64))),
                ", ".join(roles),
                ", ".join(name for name, levels in COMMITTEE.items() if not set(levels) & set(roles)),
                ", ".join(sorted(part["function"].dropna().unique())),
                account in customers,
            )
        )

    return pd.DataFrame(found, columns=list(COLUMNS))


def customers_of(outcomes: pd.DataFrame, as_of: pd.Timestamp) -> set[str]:
    """Accounts with a win known at a moment."""
    now = rows_known_at(outcomes, as_of)
    return set(now.loc[now["won"].fillna(False).to_numpy(dtype=bool), "account_id"].dropna())


def expansion_accounts(rolled: pd.DataFrame) -> pd.DataFrame:
    """Open leads' accounts that are customers already: a list of their own."""
    return rolled[rolled["is_customer"].to_numpy(dtype=bool)].reset_index(drop=True)


def map_coverage(
    keys: pd.DataFrame, tables: Mapping[str, pd.DataFrame], as_of: pd.Timestamp, title: str | None
) -> pd.DataFrame:
    """Coverage map: account by function, how many contacts are known; only accounts of the rows in ``keys``."""
    titles = _titles(tables["leads"], as_of, title)
    accounts = tables["leads"][["lead_id", "account_id"]].drop_duplicates("lead_id")
    found = titles.merge(accounts, on="lead_id").dropna(subset=["account_id", "function"])
    found = found[found["account_id"].isin(keys["account_id"].dropna()).to_numpy()]
    return pd.crosstab(found["account_id"], found["function"])


def _titles(leads: pd.DataFrame, as_of: pd.Timestamp, title: str | None) -> pd.DataFrame:
    now = rows_known_at(leads, as_of).drop_duplicates("lead_id")
    texts = now[title].astype("str") if title is not None else pd.Series(pd.NA, index=now.index, dtype="str")
    role = [seniority(text) if isinstance(text, str) else None for text in texts]
    function = [job_function(text) if isinstance(text, str) else None for text in texts]
    return pd.DataFrame({"lead_id": now["lead_id"].to_numpy(), "role": role, "function": function})
