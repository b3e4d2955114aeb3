"""E-mail addresses that are not one person's: placeholders, boxes that many leads share, an agency's plus-tags."""

import re
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from features.cohort.email_addresses import tag_of

Why = Literal["placeholder", "shared", "tagged", "returned"]
WORDS: dict[str, str] = {
    "placeholder": "have a placeholder for an address",
    "shared": "share an address with more leads than one person makes",
    "tagged": "have an address that differs from others by its +tag only",
    "returned": "begin after the lead of the same address ended",
}
# Duplicates of one person are two or three leads; six leads of one address are a box of a team, an agency or a filler.
MOST_OF_ONE_PERSON = 5
# What people and forms write where there is no address, in the languages of the product and their neighbours.
_NOBODY = (
    *("none", "no", "noemail", "nomail", "noone", "nobody", "na", "nil", "null", "unknown", "undefined", "missing"),
    *("empty", "blank", "notprovided", "notavailable", "notgiven", "notapplicable", "anonymous", "anonym", "dummy"),
    *("fake", "placeholder", "test", "testing", "tester", "asdf", "qwerty", "abc", "xyz", "x", "xx", "xxx", "a", "aa"),
    *("noreply", "donotreply", "nichtvorhanden", "keine", "kein", "keinemail", "unbekannt", "aucun", "inconnu"),
    *("sansemail", "pasdemail", "ninguno", "sinemail", "sincorreo", "nao", "sememail", "nenhum", "nessuno"),
    *("noncepresente", "brak", "brakmaila", "brakemaila", "nieznany", "geen", "onbekend", "없음", "なし", "無", "无"),
)
_PLACEHOLDER = re.compile(rf"^(?:{'|'.join(_NOBODY)})\d{{0,3}}$")


@dataclass(frozen=True)
class ApartLeads:
    """Leads that an address does not make one person: how many by why, and one such address each."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)


def is_placeholder(address: str) -> bool:
    """Whether an address (in one spelling) stands for having none.

    >>> is_placeholder("no-email@example.com"), is_placeholder("none@none.com"), is_placeholder("nina@nonesuch.com")
    (True, True, False)
    """
    name, _, host = address.partition("@")
    plain = re.sub(r"[._-]", "", name)
    return bool(_PLACEHOLDER.match(plain)) or host.split(".")[0] in ("none", "noemail", "nomail", "nowhere", "fake")


def tell_apart(address: pd.Series, written: pd.Series) -> tuple[pd.Series, ApartLeads]:
    """Keys by which leads are one person: the address, with its tag where one box has several; and who has none.

    Parameters
    ----------
    address : in one spelling, without tags; missing where there is none
    written : as in the export
    """
    key = address.astype("str")
    tags = written.astype("str").map(tag_of, na_action="ignore").fillna("")
    several = tags[tags != ""].groupby(key[tags != ""]).nunique()
    tagged = (tags != "") & key.isin(several[several > 1].index)
    key = key.where(~tagged, key + "+" + tags)

    filler = address.map(is_placeholder, na_action="ignore").fillna(False).astype(bool)
    sizes = key.map(key.value_counts())
    shared = ~filler & (sizes > MOST_OF_ONE_PERSON)
    sharing = {"placeholder": filler & (sizes > 1), "shared": shared, "tagged": tagged & ~shared & ~filler}

    found = ApartLeads()
    for why, hit in sharing.items():
        if hit.any():
            found.counts[why] = int(hit.sum())
            first = str(address[hit].iloc[0])
            found.examples[why] = first if why == "placeholder" else f"...@{first.partition('@')[2]}"
    return key.where(~filler & ~shared), found
