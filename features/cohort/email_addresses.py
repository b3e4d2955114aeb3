"""E-mail addresses in one spelling, and what is derived from them."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

_BEFORE, _AFTER = re.compile(r"[\s<>:,;]"), re.compile(r"[\s<>,;]")  # what no name and no host of an address holds
FREE_MAIL = frozenset(
    (
        "gmail.com",
        "googlemail.com",
        "yahoo.com",
        "yahoo.de",
        "yahoo.fr",
        "yahoo.es",
        "hotmail.com",
        "hotmail.fr",
        "outlook.com",
        "outlook.de",
        "live.com",
        "msn.com",
        "aol.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "gmx.de",
        "gmx.net",
        "gmx.at",
        "web.de",
        "t-online.de",
        "freenet.de",
        "mail.com",
        "mail.ru",
        "yandex.ru",
        "orange.fr",
        "free.fr",
        "laposte.net",
        "wanadoo.fr",
        "wp.pl",
        "o2.pl",
        "interia.pl",
        "onet.pl",
        "op.pl",
        "naver.com",
        "daum.net",
        "hanmail.net",
        "qq.com",
        "163.com",
        "126.com",
        "proton.me",
        "protonmail.com",
    )
)


def normal_email(text: str | None) -> str | None:
    """An e-mail address in one spelling: lower case, without name, ``mailto:`` and ``+tag``; None where there is none.

    >>> normal_email(" Ann Lee <Ann.Lee+trial@Example.COM> "), normal_email("none")
    ('ann.lee@example.com', None)
    """
    for name, host in _around_each_at(text) if isinstance(text, str) else ():
        if name and "." in host[1:-1]:
            name = name.lower().split("+", 1)[0]
            return f"{name}@{host.lower().rstrip('.')}" if name else None
    return None


def tag_of(text: str) -> str:
    """The +tag of an address, empty without one.

    >>> tag_of("Agency+Client1@example.com"), tag_of("ann@example.com")
    ('client1', '')
    """
    return next((name.lower().partition("+")[2] for name, _ in _around_each_at(text) if name), "")


def _around_each_at(text: str) -> Iterator[tuple[str, str]]:
    """What may be name and host around each @; every letter is looked at twice, however long the text is."""
    for before, after in pairwise(text.split("@")):
        yield _BEFORE.split(before)[-1], _AFTER.split(after, maxsplit=1)[0]


def domain_of(text: str | None) -> str | None:
    """The host of an e-mail address or web address, without ``www.``; None for free-mail hosts and non-addresses.

    >>> domain_of("https://www.Example.com/about"), domain_of("a@sub.example.com"), domain_of("a@gmail.com")
    ('example.com', 'sub.example.com', None)
    """
    if not isinstance(text, str) or not text.strip():
        return None
    email = normal_email(text)
    host = email.rsplit("@", 1)[1] if email else re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().lower())
    host = re.split(r"[/?#:]", host, maxsplit=1)[0].removeprefix("www.").rstrip(".")
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", host) or host in FREE_MAIL:
        return None
    return host


def is_free_mail(text: str | None) -> str | None:
    """Whether an e-mail address is of a free-mail host, as a text; None where there is no address.

    >>> is_free_mail("Ann@GMail.com"), is_free_mail("ann@example.com"), is_free_mail("n/a")
    ('true', 'false', None)
    """
    email = normal_email(text)
    return None if email is None else str(email.rsplit("@", 1)[1] in FREE_MAIL).lower()


ADDRESS_DERIVATIONS: Mapping[str, Callable[[str | None], str | None]] = MappingProxyType(
    {"domain": domain_of, "free_mail": is_free_mail}
)
