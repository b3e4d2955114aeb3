"""Whose home it is: by what the caller may do, until a reader chooses another; the choice is a cookie."""

from enum import StrEnum

from fastapi import Request

from serving.auth.api_keys import Caller
from serving.scopes import Scope

COOKIE = "leadscore_role"


class HomeRole(StrEnum):
    """The four readers; the value is the name in addresses, ``label`` what the page calls it."""

    label: str

    def __new__(cls, value: str, label: str = "") -> "HomeRole":
        """A member whose string is its value alone."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    REP = "rep", "Sales"
    MARKETER = "marketer", "Marketing"
    MANAGER = "manager", "Management"
    SCIENTIST = "scientist", "Data science"


def role_by_scope(caller: Caller) -> HomeRole:
    """Who sees the leads of one owner sells; who only reads does marketing; who administers keys trains models."""
    if caller.owner is not None:
        return HomeRole.REP
    if caller.via == "local":
        return HomeRole.MANAGER
    if caller.may(Scope.ADMIN):
        return HomeRole.SCIENTIST
    return HomeRole.MANAGER if caller.may(Scope.FEEDBACK) else HomeRole.MARKETER


def choose_role(request: Request, caller: Caller, asked: HomeRole | None) -> HomeRole:
    """The role asked for, else the one chosen before, else the caller's own."""
    if asked is not None:
        return asked
    chosen = request.cookies.get(COOKIE, "")
    return HomeRole(chosen) if chosen in set(HomeRole) else role_by_scope(caller)
