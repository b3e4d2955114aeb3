"""Accounts of the open leads: best lead, seats of the buying committee, and customers on a list of their own."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.catalog.families.job_titles import job_function, seniority
from features.schema.source import Source, title_column
from models.accounts.accounts_policy import AccountsPolicy
from models.accounts.seats import missing_seats, read_contacts, recognise_seats
from models.judging.lifecycle.service_levels import rows_known_at

COLUMNS = (
    "account_id",
    "leads",
    "engaged",
    "best_lead",
    "best_score",
    "probability_any",
    "contacts",
    "roles",
    "seats",
    "roles_missing",
    "functions",
    "is_customer",
)


def roll_up(
    scored: pd.DataFrame,
    keys: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    as_of: pd.Timestamp,
    *,
    source: Source,
    policy: AccountsPolicy,
) -> pd.DataFrame:
    """One row per account with open leads, best score first; columns :data:`COLUMNS`.

    ``scored`` has lead_id, score, probability; ``keys`` the matrix keys of the same rows. ``probability_any`` is the
    chance that at least one lead is won if they decided alone: colleagues do not, so it is an upper end. ``engaged``
    counts open leads active within the policy's days; ``roles`` are their seniorities. ``seats`` are those that any
    known contact of the account holds, open or not, and ``roles_missing`` the wanted ones that none does.
    """
    rows = scored[["lead_id", "score", "probability"]].assign(account_id=keys["account_id"].to_numpy())
    rows = rows.dropna(subset=["account_id"]).sort_values(["score", "lead_id"], ascending=[False, True])
    if not len(rows):
        return pd.DataFrame(columns=list(COLUMNS))

    known = rows_known_at(tables["leads"], as_of).drop_duplicates("lead_id")
    known = known[known["account_id"].isin(rows["account_id"]).to_numpy(dtype=bool)]
    contacts = read_contacts(tables, source, policy, known["lead_id"].astype("str").tolist(), as_of)
    held = recognise_seats(contacts, policy, source)
    account_of = dict(zip(known["lead_id"].astype("str"), known["account_id"].astype("str"), strict=True))
    held = held.assign(account_id=held["lead_id"].map(account_of))
    by_account = dict(iter(held.groupby("account_id", sort=False)))
    people = known["account_id"].astype("str").value_counts()

    titles = _titles(tables["leads"], as_of, title_column(source))
    engaged = rows["lead_id"].isin(contacts.active).to_numpy()
    rows = rows.merge(titles, on="lead_id", how="left").assign(engaged=engaged)
    customers = customers_of(tables["outcomes"], as_of)
    labels = {seat.id: seat.label for seat in policy.seats}

    found = []
    for account, part in rows.groupby("account_id", sort=False):
        roles = sorted(part.loc[part["engaged"].to_numpy(), "role"].dropna().unique())
        best, own = part.iloc[0], by_account.get(str(account), held.iloc[:0])
        taken = set(own["seat"])
        found.append(
            (
                account,
                len(part),
                int(part["engaged"].sum()),
                best["lead_id"],
                best["score"],
                float(1 - np.prod(1 - part["probability"].to_numpy(dtype=np.float64))),
                int(people.get(str(account), 0)),
                ", ".join(roles),
                ", ".join(labels[seat.id] for seat in policy.seats if seat.id in taken),
                ", ".join(seat.label for seat in missing_seats(own, policy.seats)),
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
