"""From a provider's claims to a person with scopes; people without a mapped group are refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from serving.oidc_settings import OidcSettings
from serving.problems import SignInRefusedError
from serving.scopes import Scope, scopes_of

_LONGEST = 200  # characters of a name, an address or an owner, as the store's columns take them
_ASK = "Ask your administrator."


@dataclass(frozen=True)
class Person:
    """A person who signed in; with ``owner`` None they see the leads of all owners. ``groups`` are the mapped ones."""

    name: str
    scopes: tuple[str, ...]
    owner: str | None
    groups: tuple[str, ...]


def person_of(claims: Mapping[str, Any], settings: OidcSettings) -> Person:
    """Name, scopes and owner of a person, from the claims about them.

    Raises
    ------
    SignInRefusedError : no mapped group, a mail domain not allowed, an unverified address, or no owner

    >>> settings = OidcSettings(issuer="https://id", client_id="x", groups={"sales": ["read"]})
    >>> person_of({"sub": "1", "email": "Ann@x.org", "email_verified": True, "groups": ["sales"]}, settings)
    Person(name='ann@x.org', scopes=('read',), owner='ann@x.org', groups=('sales',))
    """
    email = _text(claims.get("email")).lower()
    _check_address(claims, email, settings)

    groups = [group for group in groups_of(claims, settings.groups_claim) if group in settings.groups]
    if not groups:
        raise SignInRefusedError(f"None of your groups may use this server. {_ASK}")
    scopes = tuple(scopes_of([name for group in groups for name in settings.groups[group]]))

    name = name_of(claims)
    if not name:
        raise SignInRefusedError(f"The provider did not say who you are. {_ASK}")
    owner = None if sees_all(groups, scopes, settings) else _owner(claims, settings)
    return Person(name, scopes, owner, tuple(groups))


def name_of(claims: Mapping[str, Any]) -> str:
    """Who a person is to the store: address, user name or the provider's own number; empty if it says none of them."""
    return _text(claims.get("email")).lower() or _text(claims.get("preferred_username")) or _text(claims.get("sub"))


def proven_name(claims: Mapping[str, Any], settings: OidcSettings) -> str:
    """As :func:`name_of`, but empty where the address is not verified: whoever typed it is nobody to the store.

    >>> proven_name({"email": "ann@x.org", "email_verified": False}, OidcSettings())
    ''
    """
    name = name_of(claims)
    return "" if _is_unproven(claims, _text(claims.get("email")), settings) else name


def sees_all(groups: Sequence[str], scopes: Sequence[str], settings: OidcSettings) -> bool:
    """Whether people of these groups see the leads of all owners."""
    return Scope.ADMIN in scopes or bool(set(groups) & set(settings.see_all))


def _owner(claims: Mapping[str, Any], settings: OidcSettings) -> str:
    value = _text(_find_claim(claims, settings.owner_claim))
    value = value.lower() if settings.owner_claim == "email" else value
    if not value:
        raise SignInRefusedError(
            f"The provider did not say whose leads you see (claim '{settings.owner_claim}'). {_ASK}"
        )
    by_claim = {key.lower(): owner for key, owner in settings.owners.items()}
    return by_claim.get(value.lower(), value)


def _check_address(claims: Mapping[str, Any], email: str, settings: OidcSettings) -> None:
    """Refuse other mail domains, and addresses that the provider has not verified."""
    if _is_unproven(claims, email, settings):
        raise SignInRefusedError(f"The provider has not verified your e-mail address. {_ASK}")
    if settings.domains and email.rpartition("@")[2] not in {name.lower().lstrip("@") for name in settings.domains}:
        raise SignInRefusedError(f"Your e-mail domain may not sign in here. {_ASK}")


def _is_unproven(claims: Mapping[str, Any], email: str, settings: OidcSettings) -> bool:
    verified = claims.get("email_verified")
    return bool(email) and (verified in (False, "false") or (settings.verified_only and verified not in (True, "true")))


def groups_of(claims: Mapping[str, Any], path: str) -> list[str]:
    """Groups as a list, whether the claim holds a list or one name.

    >>> groups_of({"realm_access": {"roles": ["a", 1, "b"]}}, "realm_access.roles")
    ['a', 'b']
    """
    found = _find_claim(claims, path)
    listed = found if isinstance(found, list) else [found]
    return [item for item in listed if isinstance(item, str)]


def _find_claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, else by its dotted path (names may be addresses with dots)."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _text(value: Any) -> str:
    """A short printable text; anything else is empty."""
    return value.strip() if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() else ""


def local_path(asked: str) -> str:
    r"""A path on this server; home for any address elsewhere.

    >>> [local_path(text) for text in ("/leads/a%20b?framework=bant", "//elsewhere", "/\\elsewhere", "https://x", "")]
    ['/leads/a%20b?framework=bant', '/', '/', '/', '/']
    """
    safe = asked.startswith("/") and not asked.startswith("//") and asked.isprintable() and "\\" not in asked
    try:
        parts = urlsplit(asked)
    except ValueError:
        return "/"
    if not safe or parts.scheme or parts.netloc or parts.path.startswith(("//", "/sign-", "/v1/", "/static/")):
        return "/"
    return quote(asked, safe="/?&=%+-._~:@,;")
