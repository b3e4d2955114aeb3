"""What people are shown of a lead beside its score: name, company, owner, link; never learned from."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from features.array_types import Tables
from features.assembly.flat_outcomes import are_row_numbers
from features.schema.source import Source
from features.schema.vocabulary import Role
from pipelines.workspace.context import Context
from pipelines.workspace.people.coded_letters import holds_at, without_codes
from pipelines.workspace.table_files import load_tables

OF_PEOPLE = (Role.DISPLAY, Role.PERSONAL)
_COMPANY = ("company", "account_name", "company_name")
PHONES, MAILS = (
    ("phone", "mobile", "mobile_phone", "telephone"),
    ("email", "e_mail", "mail"),
)  # that pages call or write
_REACHES = re.compile(
    r"phone|mobile|telefon|mail|fax|whats_?app|handy|(^|[^a-z])(tel|cell|gsm|sms)([^a-z]|$)", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^@\s]@[^@\s][^@\s.]*\.[^@\s]")  # around its @ alone: one pass over a text of any length
_NUMBER = re.compile(r"(tel:\s*)?(\+|0[\d\s(/-]|\()[\d\s()./-]+|\d{3}[-. ]\d{3}[-. ]\d{4}", re.IGNORECASE)
_DAY = re.compile(r"\d{1,2}([./-])\d{1,2}\1(\d{2}|\d{4})")
_DIGITS = range(7, 16)  # of a telephone number with its country: E.164 allows 15
NAMING = ("full_name", "first_name", "last_name", "name", *_COMPANY, "owner")  # usual names of what says who a lead is


def shown_columns(source: Source, table: str, roles: tuple[Role, ...] = OF_PEOPLE) -> list[str]:
    """Columns of a table with one of the roles, in declared order, and the owner of leads."""
    declared = source.tables.get(table)
    columns = {} if declared is None else declared.columns
    return [name for name, column in columns.items() if column.role in roles or (table == "leads" and name == "owner")]


def person_name(shown: Mapping[str, Any]) -> str:
    """The name of a lead by what is shown of it; empty if none is on record.

    >>> person_name({"first_name": "Ann", "last_name": "Lee"}), person_name({"name": "Ann"}), person_name({})
    ('Ann Lee', 'Ann', '')
    """
    parts = " ".join(str(shown[part]) for part in ("first_name", "last_name") if shown.get(part))
    return str(shown.get("full_name") or parts or shown.get("name") or "")


def company_name(shown: Mapping[str, Any]) -> str:
    """The company of a lead by what is shown of it; empty if none is on record.

    >>> company_name({"account_name": "Firma"}), company_name({"company": ""})
    ('Firma', '')
    """
    return next((str(shown[name]) for name in _COMPANY if shown.get(name)), "")


def reaching_columns(source: Source) -> frozenset[str]:
    """Columns by which a person may be reached: personal ones that are no name, the address of ``identity:``, and those
    whose name says so.
    """
    found = set() if source.identity is None else {source.identity.email}
    for table in source.tables.values():
        for name, column in table.columns.items():
            personal = column.role is Role.PERSONAL and name not in NAMING
            if personal or any(_REACHES.search(word) for word in (name, column.label or "")):
                found.add(name)
    return frozenset(found)


def hide_contacts(shown: Mapping[str, str], source: Source) -> dict[str, str]:
    """What is shown of a lead, without how to reach it: columns made for that, and values that are an address or a
    telephone number in any other column but the owner's.
    """
    reaching = reaching_columns(source)
    return {
        name: text
        for name, text in shown.items()
        if name == "owner" or not (name in reaching or _REACHES.search(name) or is_contact(text))
    }


def is_contact(text: str) -> bool:
    """Whether a value holds a mail address or is a telephone number.

    >>> [is_contact(text) for text in ("ann@example.com", "+49 30 1234567", "555-010-0199", "tel:+1 (555) 010-0199")]
    [True, True, True, True]
    >>> [is_contact(text) for text in ("Ann Lee", "2026-03-31", "01.02.2026", "0.1234567", "")]
    [False, False, False, False, False]
    """
    whole = None if _DAY.fullmatch(text.strip()) else _NUMBER.fullmatch(text.strip())
    return bool(_ADDRESS.search(without_codes(text) if holds_at(text) else text)) or (
        whole is not None and sum(map(str.isdigit, text)) in _DIGITS
    )


def add_shown_columns(frame: pd.DataFrame, known: pd.DataFrame, shown: list[str], key: str) -> pd.DataFrame:
    """The frame with columns of another one behind it, joined by its key; columns it has are left alone."""
    added = [name for name in shown if name in known.columns and name not in frame.columns]
    if not added or key not in known.columns or key not in frame.columns:
        return frame
    return frame.join(known.drop_duplicates(key, keep="last").set_index(key)[added], on=key)


def name_leads(frame: pd.DataFrame, source: Source, tables: Tables) -> pd.DataFrame:
    """The frame with what is shown of each lead and its company right behind ``lead_id``."""
    leads = tables["leads"]
    if "lead_id" not in frame.columns or "lead_id" not in leads.columns:
        return frame
    company = "account_id" in leads.columns and "account_id" not in frame.columns
    found = frame.assign(account_id=_company_of(frame, leads)) if company else frame
    found = add_shown_columns(found, leads.dropna(subset=["lead_id"]), shown_columns(source, "leads"), "lead_id")
    if "accounts" in source.tables:
        accounts = tables["accounts"].dropna(subset=["account_id"])
        found = add_shown_columns(found, accounts, shown_columns(source, "accounts"), "account_id")
    return order_for_people(found.drop(columns=["account_id"] if company else []), list(frame.columns))


def _company_of(frame: pd.DataFrame, leads: pd.DataFrame) -> pd.Series:
    first = leads.drop_duplicates("lead_id").set_index("lead_id")["account_id"]
    return frame["lead_id"].map(first)


def order_for_people(frame: pd.DataFrame, own: list[str]) -> pd.DataFrame:
    """The columns that were added right behind ``lead_id``, the frame's own ones after them in their order."""
    added = [name for name in frame.columns if name not in own]
    rest = [name for name in own if name != "lead_id"]
    return frame[["lead_id", *added, *rest]]


def read_and_name_leads(context: Context, frame: pd.DataFrame, *, elsewhere: bool = False) -> pd.DataFrame:
    """:func:`name_leads` by the tables of the last ingest; frames without leads are left alone.

    Of rows ``elsewhere``, in a file of their own, only ids are looked up: a number of a row is another lead's there.
    """
    if "lead_id" not in frame.columns or not (context.paths.ingest / "leads.parquet").exists():
        return frame
    ids = frame["lead_id"]
    known = frame.assign(lead_id=ids.mask(are_row_numbers(ids, context.source))) if elsewhere else frame
    if known["lead_id"].isna().all():
        return frame
    return name_leads(known, context.source, load_tables(context.paths)).assign(lead_id=ids)
