"""Passwords taken out of whatever is printed or logged: those in addresses, and those that the environment holds."""

import os
import re
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import quote, unquote

HIDDEN = "***"
_USER_INFO = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,40}:/{1,3})[^\s/?#\"'<>]*@")
_URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s:/@]*:([^\s]+)@")
_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY", re.IGNORECASE)
_PLACES = ("_FILE", "_PATH", "_DIR")  # of variables that say where a secret lies
_SHORTEST = 6  # characters of a value that is hidden wherever it stands: shorter ones are parts of words


def hide_passwords(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text without user and password of addresses, and without the secrets of the environment's variables.

    >>> hide_passwords("https://ann:p%40ss@host/x?y", {}), hide_passwords("left at 12:30@home", {})
    ('https://***@host/x?y', 'left at 12:30@home')
    >>> hide_passwords("postgresql:/ann:p@ss@host/x does not exist", {})  # an address that was taken for a path
    'postgresql:/***@host/x does not exist'
    >>> hide_passwords("it said tops/ecret", {"DB_URL": "postgresql://ann:tops%2Fecret@host/name"})
    'it said ***'
    """
    for secret in sorted(_secrets(environment), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _USER_INFO.sub(rf"\1{HIDDEN}@", text)


def _secrets(environment: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    for name, value in environment.items():
        match = _URL_PASSWORD.search(value)
        if match is not None:
            found |= _spellings(match.group(1))
        elif _SECRET_NAME.search(name) and not name.upper().endswith(_PLACES):
            found |= _spellings(value.strip())
    return {secret for secret in found if len(secret) >= _SHORTEST and not secret.isdigit()}


def _spellings(secret: str) -> set[str]:
    plain = unquote(secret)
    return {secret, plain, quote(plain, safe=""), quote(plain)}


def print_without_passwords(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A traceback on standard error as Python prints it, passwords left out; for ``sys.excepthook``."""
    sys.stderr.write(hide_passwords("".join(traceback.format_exception(kind, error, trace))))
