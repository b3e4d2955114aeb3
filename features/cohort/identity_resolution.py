"""Who is who: e-mail and domain normalised, duplicate leads merged, leads matched to accounts; all of it undoable."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.cohort.email_addresses import domain_of, normal_email
from features.cohort.returning_leads import begin_anew
from features.cohort.shared_addresses import ApartLeads, tell_apart
from features.errors import ContractError
from features.schema.source import Identity, Source

CHILDREN = ("activities", "answers", "stages", "outcomes")
LOG_COLUMNS = ("lead_id", "became", "rule", "known_at")


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """Tables after merging and matching, what was done, and the tables before it.

    ``merged`` and ``matched`` have the columns lead_id, became, rule, known_at; ``ambiguous`` counts leads without an
    account whose mail domain belongs to several, ``apart`` those that an address does not make one person.
    """

    tables: Mapping[str, pd.DataFrame]
    merged: pd.DataFrame
    matched: pd.DataFrame
    original: Mapping[str, pd.DataFrame]
    ambiguous: int = 0
    apart: ApartLeads = field(default_factory=ApartLeads)

    def undone(self) -> Mapping[str, pd.DataFrame]:
        """The tables as they were."""
        return self.original


def resolve(tables: Tables, source: Source) -> Resolved:
    """Merge duplicate leads and match leads to accounts by the source's declared rules; none declared: nothing.

    A lead that begins after the one of its person ended is a lead of its own (:func:`begin_anew`). A merged lead's rows
    pass to the lead created first, known from when both were known.

    Raises
    ------
    ContractError
        if a declared column is not in the tables.
    """
    rules = source.identity
    nothing = pd.DataFrame({name: pd.Series(dtype="str") for name in LOG_COLUMNS})
    if rules is None:
        return Resolved(tables=dict(tables), merged=nothing, matched=nothing, original=dict(tables))
    made = dict(tables)
    merged = matched = nothing
    ambiguous, apart = 0, ApartLeads()
    if rules.merge != "never":
        found, apart = find_duplicates(made["leads"], rules)
        merged = begin_anew(found, made, source)
        _tell_returning(found, merged, made["leads"], rules, apart)
        made = merge_leads(made, merged) if len(merged) else made
    if rules.account_domain is not None:
        matched, ambiguous = match_accounts(made["leads"], made["accounts"], rules)
        made["leads"] = _with_accounts(made["leads"], matched) if len(matched) else made["leads"]
    return Resolved(
        tables=made, merged=merged, matched=matched, original=dict(tables), ambiguous=ambiguous, apart=apart
    )


def _tell_returning(
    found: pd.DataFrame, merged: pd.DataFrame, leads: pd.DataFrame, rules: Identity, apart: ApartLeads
) -> None:
    """Count those who came back, with an address as other shared ones are shown."""
    back = found.loc[~found["lead_id"].isin(merged["lead_id"]), "lead_id"]
    if len(back):
        apart.counts["returned"] = len(back)
        address = _column(leads, rules.email)[leads["lead_id"] == back.iloc[0]].map(normal_email).iloc[0]
        apart.examples["returned"] = f"...@{str(address).partition('@')[2]}"


def find_duplicates(leads: pd.DataFrame, rules: Identity) -> tuple[pd.DataFrame, ApartLeads]:
    """Leads that are another lead once more: same e-mail (and same account, where the rule says so).

    The lead created first stays; ties go to the smaller id. Leads declared to be kept apart are not duplicates, nor are
    those whose address is no one person's.
    """
    key, apart = address_keys(leads, rules)
    frame = pd.DataFrame(
        {
            "lead_id": leads["lead_id"].astype("str"),
            "key": key,
            "created_at": leads["created_at"],
            "known_at": leads["known_at"].fillna(leads["created_at"]),
        }
    ).dropna(subset=["key"])
    frame = frame[~frame["lead_id"].isin(rules.keep_apart)]
    frame = frame.sort_values(["key", "created_at", "lead_id"], kind="stable")

    first = frame.groupby("key", sort=False)["lead_id"].transform("first")
    again = frame["lead_id"] != first
    found = frame.assign(became=first, rule=str(rules.merge))[again]
    return found[list(LOG_COLUMNS)].sort_values("lead_id", ignore_index=True), apart


def address_keys(leads: pd.DataFrame, rules: Identity) -> tuple[pd.Series, ApartLeads]:
    """Per row what makes leads one person by the declared rule, missing where nothing does; and whom it does not."""
    written = _column(leads, rules.email)
    key, apart = tell_apart(written.map(normal_email, na_action="ignore"), written)
    if rules.merge == "same_email_and_account":
        key = (key + " " + leads["account_id"].astype("str")).astype("str")
    return key, apart


def merge_leads(tables: Tables, merged: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables in which the merged leads are gone and their rows belong to the leads they became."""
    became = dict(zip(merged["lead_id"], merged["became"], strict=True))
    known = dict(zip(merged["lead_id"], merged["known_at"], strict=True))
    made = dict(tables)
    leads = tables["leads"]
    made["leads"] = leads[~leads["lead_id"].isin(list(became))].reset_index(drop=True)

    for name in CHILDREN:
        frame = tables[name]
        hit = frame["lead_id"].isin(list(became)).to_numpy()
        if not hit.any():
            continue

        owner = frame["lead_id"].astype("str")
        later = owner.map(known).astype("datetime64[us]")
        learned = frame["known_at"].where(~hit | (frame["known_at"] >= later), later)
        made[name] = frame.assign(
            lead_id=owner.where(~hit, owner.map(became)).astype("str"), known_at=learned.astype("datetime64[us]")
        )

    return made


def match_accounts(leads: pd.DataFrame, accounts: pd.DataFrame, rules: Identity) -> tuple[pd.DataFrame, int]:
    """Leads without an account whose e-mail domain is the domain of exactly one account, and how many fit several."""
    email = _column(leads, rules.email)
    domains = pd.DataFrame(
        {
            "domain": _column(accounts, rules.account_domain).map(domain_of, na_action="ignore").astype("str"),
            "account_id": accounts["account_id"].astype("str"),
        }
    ).dropna()

    domains = domains.drop_duplicates()
    shared = domains["domain"].duplicated(keep=False)
    one = domains[~shared].set_index("domain")["account_id"]

    alone = leads["account_id"].isna().to_numpy()
    domain = email.map(domain_of, na_action="ignore").astype("str")
    target = domain.map(one).astype("str")
    hit = alone & target.notna().to_numpy()

    found = pd.DataFrame(
        {
            "lead_id": leads["lead_id"].astype("str")[hit],
            "became": target[hit],
            "rule": np.full(int(hit.sum()), "email_domain"),
            "known_at": leads["known_at"].fillna(leads["created_at"])[hit],
        }
    ).reset_index(drop=True)

    return found, int((alone & domain.isin(domains.loc[shared, "domain"]).to_numpy()).sum())


def _with_accounts(leads: pd.DataFrame, matched: pd.DataFrame) -> pd.DataFrame:
    account = dict(zip(matched["lead_id"], matched["became"], strict=True))
    found = leads["lead_id"].astype("str").map(account).astype("str")
    return leads.assign(account_id=leads["account_id"].astype("str").fillna(found))


def _column(frame: pd.DataFrame, name: str | None) -> pd.Series:
    if name is None or name not in frame:
        raise ContractError(
            f"identity rules name column '{name}', which is not among {', '.join(map(str, frame.columns))}; "
            "declare it under tables (role: personal keeps it out of learning)."
        )
    return frame[name]
