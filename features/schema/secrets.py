"""Passwords in addresses: recognised, so that none is declared; hidden, so that none is shown."""

import re
from urllib.parse import unquote

_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_LOGIN = re.compile(r"(?P<before>://[^:/?#\s@]*:)(?P<secret>[^\s]{1,4096})(?=@)")
_PARAMETER = re.compile(
    r"(?P<before>[?&;][^=&;\s]{0,100}(?:passw|pwd|secret|token|api_?key|credential|signature)[^=&;\s]{0,100}=)(?P<secret>[^&;\s'\"]+)",
    re.I,
)
HIDDEN = "***"


def holds_secret(address: str) -> bool:
    """Whether an address holds a password or token in plain text; ``${NAME}`` stands for one that it does not hold.

    >>> holds_secret("postgresql://ann:pw@host/crm"), holds_secret("postgresql://ann:${PW}@host/crm")
    (True, False)
    """
    bare = _VARIABLE.sub("", address)
    return any(_LOGIN.search(text) or _PARAMETER.search(text) for text in (bare, unquote(bare)))


def hide_secrets(text: str) -> str:
    """A text with the passwords of its addresses hidden.

    >>> hide_secrets("cannot open postgresql://ann:p@w@host/crm?sslpassword=x")
    'cannot open postgresql://ann:***@host/crm?sslpassword=***'
    """
    return _PARAMETER.sub(rf"\g<before>{HIDDEN}", _LOGIN.sub(rf"\g<before>{HIDDEN}", text))
