"""The address of a database: a URL whose secrets come from the environment and are never shown."""

import os
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from features.schema.secrets import HIDDEN, hide_secrets, holds_secret
from pipelines.ingest.errors import DatabaseError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}  # the driver we are tested with


@dataclass(frozen=True)
class Address:
    """A database's URL with its secrets filled in, and how to speak of it without them."""

    url: URL
    shown: str
    secrets: tuple[str, ...] = field(repr=False)

    def hide(self, text: object) -> str:
        """A message without any of the secrets."""
        found = str(text)
        for secret in self.secrets:
            found = found.replace(secret, HIDDEN)
        return hide_secrets(found)


def resolve_address(declared: str) -> Address:
    """The URL meant by ``${NAME}``, a NAME of the environment, or a URL.

    Raises
    ------
    DatabaseError
        if a variable is not set, the URL is none, or it holds a password in plain text.
    """
    if holds_secret(declared):
        raise DatabaseError(
            "the database's URL holds a password, which ends up in histories and logs. Put the URL into an environment "
            "variable, e.g. LEADSCORE_DB, and name that: '${LEADSCORE_DB}'."
        )
    names = [declared] if _NAME.fullmatch(declared) else _VARIABLE.findall(declared)
    unset = [name for name in names if not os.environ.get(name)]
    if unset:
        raise DatabaseError(
            f"the environment variable {', '.join(unset)} is not set; it names the database to read. Set it to a URL "
            "such as postgresql://user:password@host/name, and run again."
        )
    if _NAME.fullmatch(declared):
        declared = f"${{{declared}}}"

    whole = declared.startswith("${") and declared.endswith("}") and len(names) == 1
    filled = _VARIABLE.sub(
        lambda found: os.environ[found[1]] if whole else quote(os.environ[found[1]], safe=""), declared
    )
    try:
        url = make_url(filled)
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    except (ArgumentError, ValueError):
        raise DatabaseError(
            f"{'the URL in ' + names[0] if names else 'the database'} is not a URL such as "
            "postgresql://user:password@host/name or sqlite:///file.db. Correct it."
        ) from None

    secrets = {os.environ[name] for name in names}
    if url.password is not None:
        secrets |= {str(url.password), quote(str(url.password), safe=""), quote(str(url.password))}
    secrets |= {v for k, v in url.query.items() if isinstance(v, str) and holds_secret(f"?{k}={v}")}
    secrets |= {unquote(secret) for secret in secrets}
    shown = f"{url.get_backend_name()} database '{url.database or ''}'" + (f" on {url.host}" if url.host else "")
    return Address(url, hide_secrets(shown), tuple(sorted((s for s in secrets if s), key=len, reverse=True)))
