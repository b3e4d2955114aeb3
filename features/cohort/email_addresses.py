"""E-mail addresses in one spelling, and what is derived from them."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

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
    found = re.search(r"([^\s<>@:,;]+)@([^\s<>@,;]+\.[^\s<>@,;]+)", text) if isinstance(text, str) else None
    if found is None:
        return None
    name = found[1].lower().split("+", 1)[0]
    return f"{name}@{found[2].lower().rstrip('.')}" if name else None


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
