"""Anybody found by mail, domain or name: open leads, closed ones, customers and companies alike."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from anyascii import anyascii

from features.array_types import Bools, Tables
from features.assembly.closed_leads import ClosedLead, closed_leads
from features.cohort.email_addresses import domain_of, normal_email
from features.schema.source import Source
from models.accounts.account_rows import list_deals
from pipelines.scoring.shown_columns import NAMING, company_name, person_name, shown_columns

MOST = 50  # people, and companies, of one search
_CONSIDERED = 1_000  # people found by a name that are put in order, open ones first
_NOBODY: tuple[str, str | None] = ("", None)


def fold_name(text: str) -> str:
    """A name as it is compared: transliterated, lower case, without marks.

    >>> fold_name("Río Verde"), fold_name("Inés Søndergaard"), fold_name("Łukasz O'Neil")
    ('rio verde', 'ines sondergaard', 'lukasz o neil')
    """
    return re.sub(r"[^a-z0-9]+", " ", anyascii(text).lower()).strip()


def fold_umlauts(folded: str) -> str:
    """A folded name with umlauts that were written out as one letter, as :func:`fold_name` leaves them.

    >>> fold_umlauts(fold_name("Mueller")) == fold_name("Müller")
    True
    """
    return re.sub(r"(?<=[aou])e(?=[a-z])", "", folded)


def _searched(name: str) -> str:
    """What a word of a search is looked up in: the folded name, and once more with written-out umlauts folded."""
    plain = fold_name(name)
    short = fold_umlauts(plain)
    return f" {plain}" if short == plain else f" {plain} {short}"


@dataclass(frozen=True, kw_only=True)
class PeopleIndex:
    """Names, addresses and hosts of all leads and companies of a source, folded once.

    Parameters
    ----------
    names : per lead its folded name and company, space before every word
    emails, hosts : per lead, normalised; None where there is none
    companies : account id to (company, its domain)
    company_names : by account id the company's folded name, as ``names``
    """

    lead_ids: npt.NDArray[Any]
    people: npt.NDArray[Any]
    accounts: npt.NDArray[Any]
    names: pd.Series
    emails: pd.Series
    hosts: pd.Series
    companies: Mapping[str, tuple[str, str | None]]
    company_names: pd.Series

    @classmethod
    def of(cls, tables: Tables, source: Source) -> "PeopleIndex":
        """The index of a source's tables; sources without names are found by id alone."""
        leads = tables["leads"]
        shown = [name for name in shown_columns(source, "leads") if name in leads and name in NAMING]
        texts = leads[shown].astype("object").where(leads[shown].notna(), "")
        rows = [{str(k): v for k, v in row.items()} for row in texts.to_dict(orient="records")] or [{}] * len(leads)
        people = np.array([person_name(row) for row in rows], dtype=object)

        companies = dict(_companies(tables, source))
        accounts = _texts(leads["account_id"]) if "account_id" in leads else np.full(len(leads), "", dtype=object)
        own = [
            company_name(row) or companies.get(account, _NOBODY)[0] for row, account in zip(rows, accounts, strict=True)
        ]
        folded = [_searched(f"{person} {company}") for person, company in zip(people, own, strict=True)]

        column = source.identity.email if source.identity is not None else None
        mail = leads[column].astype("str") if column in leads else pd.Series(pd.NA, index=leads.index, dtype="str")
        return cls(
            lead_ids=_texts(leads["lead_id"]),
            people=people,
            accounts=accounts,
            names=pd.Series(folded, dtype="str"),
            emails=mail.map(normal_email, na_action="ignore").reset_index(drop=True),
            hosts=mail.map(domain_of, na_action="ignore").reset_index(drop=True),
            companies=companies,
            company_names=pd.Series(
                {account: _searched(name) for account, (name, _) in companies.items()}, dtype="str"
            ),
        )

    def find(self, text: str) -> tuple[list[int], list[str]]:
        """Rows of the leads and ids of the companies that a mail, a domain, a name or an id stands for.

        A person's own rows come first; a mail also finds the colleagues of its company, a name needs every word.
        """
        asked = text.strip()
        if "@" in asked:
            return self._by_mail(normal_email(asked), domain_of(asked))
        by_id = _equals(pd.Series(self.lead_ids), asked)
        if by_id.any():
            return by_id.nonzero()[0].tolist(), _named(self.accounts[by_id])
        if asked in self.companies:
            return (self.accounts == asked).nonzero()[0].tolist(), [asked]
        if re.fullmatch(r"[\w-]+(\.[\w-]+)+", asked) and (hit := self._by_mail(None, domain_of(asked)))[0]:
            return hit
        return self._by_name(fold_name(asked).split())

    def _by_mail(self, email: str | None, host: str | None) -> tuple[list[int], list[str]]:
        same = _equals(self.emails, email)
        owned = [account for account, (_, domain) in self.companies.items() if host is not None and domain == host]
        by_host = _equals(self.hosts, host)
        several = len(set(_named(self.accounts[by_host]))) > 1
        if several and not owned:  # a mail provider: its users have nothing to do with one another
            by_host = np.zeros(len(by_host), dtype=np.bool_)
        accounts = list(dict.fromkeys([*_named(self.accounts[same]), *owned, *_named(self.accounts[by_host])]))
        company = by_host | np.isin(self.accounts.astype(str), accounts)
        return [*same.nonzero()[0].tolist(), *(company & ~same).nonzero()[0].tolist()], accounts

    def _by_name(self, words: Sequence[str]) -> tuple[list[int], list[str]]:
        if not words:
            return [], []
        companies = self.company_names.index[_hold_all(self.company_names, words)]
        return _hold_all(self.names, words).nonzero()[0].tolist(), [str(account) for account in companies]


def _companies(tables: Tables, source: Source) -> Iterator[tuple[str, tuple[str, str | None]]]:
    accounts = tables.get("accounts")
    if accounts is None or not len(accounts):
        return
    domain = source.identity.account_domain if source.identity is not None else None
    shown = [name for name in shown_columns(source, "accounts") if name in accounts]
    last = accounts.drop_duplicates("account_id", keep="last")
    plain = last[shown].astype("object").where(last[shown].notna(), "")
    hosts = last[domain].map(domain_of, na_action="ignore") if domain in last else pd.Series(None, last.index)
    for account, row, host in zip(
        last["account_id"].astype("str"), plain.to_dict(orient="records"), hosts, strict=True
    ):
        name = company_name({str(key): value for key, value in row.items()})
        yield account, (name, host if isinstance(host, str) else None)


def _texts(values: pd.Series) -> npt.NDArray[Any]:
    plain = values.astype("object")
    return np.asarray(plain.where(plain.notna(), "").astype(str), dtype=object)


def _hold_all(names: pd.Series, words: Sequence[str]) -> Bools:
    """Which folded names hold every word, in either form of its umlauts, where a word begins."""
    found = np.ones(len(names), dtype=np.bool_)
    for word in words:
        hit = np.zeros(len(names), dtype=np.bool_)
        for form in dict.fromkeys((f" {word}", f" {fold_umlauts(word)}")):
            hit |= names.str.contains(form, regex=False).to_numpy(dtype=bool)
        found &= hit
    return found


def _equals(values: pd.Series, asked: str | None) -> Bools:
    if asked is None:
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray((values == asked).fillna(False), dtype=np.bool_)


def _named(accounts: npt.NDArray[Any]) -> list[str]:
    return [account for account in dict.fromkeys(accounts.tolist()) if account]


def people_found(
    index: PeopleIndex,
    tables: Tables,
    source: Source,
    text: str,
    as_of: pd.Timestamp,
    *,
    visible: Bools | None = None,
    over: Mapping[str, ClosedLead] | None = None,
) -> dict[str, Any]:
    """Whom a search finds: people, open ones first, and companies with their history; at most :data:`MOST` each.

    Parameters
    ----------
    visible : shape (leads,), which the caller may see; companies are then those of visible leads
    over : every lead that is closed as of then; None works it out for those that are found
    """
    codes, accounts = index.find(text)
    if visible is not None:
        codes = [code for code in codes if visible[code]]
        mine = set(index.accounts[visible].tolist())
        accounts = [account for account in accounts if account in mine]
    first = codes[:_CONSIDERED]
    complete = over is not None
    if over is None:
        over = _closed_of(tables, source, [str(index.lead_ids[code]) for code in first], as_of)
    if "@" not in text:  # of a mail the person comes first, then the colleagues
        first = _both_sides([[c for c in first if (str(index.lead_ids[c]) in over) is side] for side in (False, True)])
    people = []
    for code in first[:MOST]:
        lead = str(index.lead_ids[code])
        closed = over.get(lead)
        account = str(index.accounts[code])
        people.append(
            {
                "lead_id": lead,
                "name": str(index.people[code]),
                "account_id": account or None,
                "company": index.companies.get(account, _NOBODY)[0],
                "open": closed is None,
                "outcome": None if closed is None else closed.outcome,
                "closed": None if closed is None else closed.sentence,
                "closed_at": None if closed is None or closed.at is None else closed.at.isoformat(),
            }
        )
    behind = [str(person["account_id"]) for person in people if person["account_id"]]
    named = list(dict.fromkeys([*accounts, *behind]))
    return {
        "query": text,
        "people": people,
        "people_found": len(codes),
        "companies": list_companies(index, tables, source, named[:MOST], as_of, over if complete else None),
        "companies_found": len(named),
    }


def _both_sides(sides: Sequence[list[int]]) -> list[int]:
    """Open leads first, yet closed ones keep half of the places where there are that many."""
    still_open, closed = sides
    places = max(MOST // 2, MOST - len(closed))
    return [*still_open[:places], *closed, *still_open[places:]]


def _closed_of(tables: Tables, source: Source, ids: Sequence[str], as_of: pd.Timestamp) -> dict[str, ClosedLead]:
    wanted = set(ids)
    own = {
        name: frame[frame["lead_id"].isin(wanted).to_numpy(dtype=bool)].reset_index(drop=True)
        if "lead_id" in frame
        else frame
        for name, frame in tables.items()
    }
    return closed_leads(own, source, as_of)


def list_companies(
    index: PeopleIndex,
    tables: Tables,
    source: Source,
    accounts: Sequence[str],
    as_of: pd.Timestamp,
    over: Mapping[str, ClosedLead] | None = None,
) -> list[dict[str, Any]]:
    """Companies in one line each: leads open and closed, what was bought and what was lost; read in one pass.

    ``over`` holds every lead that is closed as of then; None looks up those of the companies.
    """
    if not accounts:
        return []
    wanted = set(accounts)
    own_rows = pd.Series(index.accounts, dtype="object").isin(wanted).to_numpy(dtype=bool)
    created = tables["leads"]["created_at"].to_numpy()
    known = own_rows & np.asarray(created < as_of.to_numpy(), dtype=np.bool_)
    ids = [str(lead) for lead in index.lead_ids[own_rows]]
    closed = _closed_of(tables, source, ids, as_of) if over is None else over
    leads: dict[str, dict[str, bool]] = {account: {} for account in accounts}
    for lead, account in zip(index.lead_ids[known], index.accounts[known], strict=True):
        leads[str(account)][str(lead)] = str(lead) in closed

    deals = _deals_of(tables, wanted, dict(zip(ids, map(str, index.accounts[own_rows]), strict=True)), as_of)
    found = []
    for account in accounts:
        own = deals.get(account, [])
        wins = [deal for deal in own if deal["won"]]
        found.append(
            {
                "account_id": account,
                "company": index.companies.get(account, _NOBODY)[0],
                "leads": len(leads[account]),
                "open_leads": sum(not is_over for is_over in leads[account].values()),
                "customer_since": min((deal["closed_at"] for deal in wins), default=None),
                "wins": len(wins),
                "losses": len(own) - len(wins),
                "last_deal": own[0] if own else None,
            }
        )
    return found


def _deals_of(
    tables: Tables, accounts: set[str], account_of: Mapping[str, str], as_of: pd.Timestamp
) -> dict[str, list[dict[str, Any]]]:
    """Deals by account, the newest first: of the account itself, or of one of its leads."""
    outcomes = tables.get("outcomes")
    if outcomes is None or not len(outcomes):
        return {}
    of_lead = outcomes["lead_id"].astype("str") if "lead_id" in outcomes else None
    of_account = outcomes["account_id"].astype("str") if "account_id" in outcomes else None
    mask = np.zeros(len(outcomes), dtype=np.bool_)
    if of_lead is not None:
        mask |= of_lead.isin(list(account_of)).to_numpy(dtype=bool)
    if of_account is not None:
        mask |= of_account.isin(list(accounts)).to_numpy(dtype=bool)

    owners: dict[tuple[str, str], set[str]] = {}
    for row in outcomes[mask].to_dict(orient="records"):
        names = {str(row.get("account_id")), account_of.get(str(row.get("lead_id")), "")} & accounts
        owners.setdefault((str(row["opportunity_id"]), row["closed_at"].isoformat()), set()).update(names)
    found: dict[str, list[dict[str, Any]]] = {}
    for deal in list_deals({"outcomes": outcomes[mask]}, as_of):
        for account in owners[deal["opportunity_id"], deal["closed_at"]]:
            found.setdefault(account, []).append(deal)
    return found
