"""Leads by e-mail address or domain: those of the person, and those of the company."""

from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from features.array_types import Bools
from features.cohort.email_addresses import domain_of, normal_email
from features.schema.source import Identity
from serving.json_values import to_json_values
from serving.leads.feedback import find_pinned_states
from serving.problems import InvalidError
from serving.state.app_state import AppState
from serving.state.gather_rows import gather_rows
from serving.state.loaded_state import LoadedState

MOST_LEADS = 50  # of a person or a company, each: every one is read with all its rows; all are counted


def find_by_address(app_state: AppState, owner: str | None, email: str | None, domain: str | None) -> dict[str, Any]:
    """Leads of an address, and of its company: those of the person's accounts, of accounts with the domain, and of the
    same mail host, unless that host serves people of several accounts and is no account's own (a mail provider). The
    first of each, and how many there are (``person_total``, ``company_total``).
    """
    state = app_state.loaded
    identity = state.data.source.identity
    if identity is None:
        raise InvalidError(
            "the source declares no 'identity:', so leads cannot be looked up by address; see docs/sources.md."
        )
    address, host = normal_email(email), domain_of(email or domain)
    if address is None and host is None:
        raise InvalidError("send ?email= with an address, or ?domain= with a company's domain (not a free-mail host).")

    known, hosts = _addresses_and_hosts(state, identity.email)
    same = _equals(known, address)
    company = _company_leads(state, identity, same, hosts, host)

    found: dict[str, Any] = {}
    with app_state.store.reading() as session:
        for name, mask in (("person", same), ("company", company & ~same)):
            shown = [int(code) for code in mask.nonzero()[0] if state.data.is_shown_to(int(code), owner)]
            found[name] = _lead_rows(app_state, session, state, shown[:MOST_LEADS])
            found[f"{name}_total"] = len(shown)
    return found


def _addresses_and_hosts(state: LoadedState, column: str) -> tuple[pd.Series, pd.Series]:
    """Normalised address and mail host of every lead."""
    own = state.data.tables["leads"][column].astype("str")
    return own.map(normal_email, na_action="ignore"), own.map(domain_of, na_action="ignore")


def _equals(values: pd.Series, asked: str | None) -> Bools:
    if asked is None:
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray((values == asked).fillna(False), dtype=np.bool_)


def _company_leads(state: LoadedState, identity: Identity, same: Bools, hosts: pd.Series, host: str | None) -> Bools:
    leads, accounts = state.data.tables["leads"], state.data.tables.get("accounts")
    by_host = _equals(hosts, host)
    if accounts is None or "account_id" not in leads:
        return by_host
    named: set[Any] = set(leads["account_id"][same].dropna())
    if host and identity.account_domain and identity.account_domain in accounts:
        owned = set(accounts["account_id"][_equals(accounts[identity.account_domain].map(domain_of, "ignore"), host)])
        if not owned and leads["account_id"][by_host].nunique() > 1:
            by_host = np.zeros(len(leads), dtype=np.bool_)
        named |= owned
    return by_host | leads["account_id"].isin(named).to_numpy(dtype=np.bool_)


def _lead_rows(app_state: AppState, session: Session, state: LoadedState, codes: list[int]) -> list[dict[str, Any]]:
    rows = []
    pinned, over, gone = find_pinned_states(app_state.store), state.find_over(), state.find_gone()
    for code in codes:
        lead_id = str(state.data.lead_ids[code])
        line = None if lead_id in gone else state.worklist.line(lead_id)
        acted = gather_rows(session, state.data, [code]).tables["activities"]
        mine = acted[(acted["lead_id"].astype("str") == lead_id) & (acted["actor"].fillna("lead") == "lead")]
        last = mine["happened_at"].max() if len(mine) else None
        closed = over.get(lead_id)

        rows.append(
            to_json_values(
                {
                    "lead_id": lead_id,
                    "open": line is not None,
                    "score": None if line is None else line["score"],
                    "state": None if line is None else pinned.get(lead_id, line["state"]),
                    "stage": closed.outcome if closed is not None else None if line is None else line.get("stage"),
                    "closed_at": None if closed is None else closed.at,
                    "text": "" if closed is None else closed.sentence,
                    "activities": len(mine),
                    "last_activity": last,
                }
            )
        )
    return rows
