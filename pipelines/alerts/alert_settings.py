"""Who is told: read from the environment, since addresses and passwords are no part of a declaration."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from features.errors import SourceError
from pipelines.outbound.networks import IPNetwork
from pipelines.outbound.receivers import AddressRefusedError, Receiver, parse_address

PREFIX = "LEADSCORE_ALERT_"
_PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
_FROM = "leadscore@localhost"


class AlertSettingsError(SourceError):
    """A receiver of alerts that cannot be used."""

    code = "LS071"


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """A mail server and whom it writes to.

    Parameters
    ----------
    scheme : ``smtps`` (TLS from the start), ``smtp`` (STARTTLS, or nothing is sent) or ``smtp+plain`` (declared
        networks only)
    """

    scheme: str
    host: str
    port: int
    user: str
    password: str
    sender: str
    to: tuple[str, ...]

    @property
    def receiver(self) -> Receiver:
        """Its address under the rules for webhooks: what is not encrypted stays in declared networks."""
        return Receiver(
            scheme="http" if self.scheme == "smtp+plain" else "https", host=self.host, port=self.port, target=""
        )


@dataclass(frozen=True, kw_only=True)
class AlertSettings:
    """Receivers; ``networks`` are the private ones alerts may go into."""

    webhook: str = ""
    secret: str = ""
    mail: MailSettings | None = None
    networks: tuple[IPNetwork, ...] = ()

    @property
    def anybody(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self.webhook) or self.mail is not None


def load_alerts(environment: Mapping[str, str] | None = None) -> AlertSettings:
    """The receivers of the environment.

    Raises
    ------
    AlertSettingsError : an address or network that cannot be one; passwords are not repeated
    """
    found = os.environ if environment is None else environment
    told = {name.removeprefix(PREFIX): text.strip() for name, text in found.items() if name.startswith(PREFIX)}
    webhook = told.get("WEBHOOK", "")
    if webhook:
        try:
            parse_address(webhook)
        except AddressRefusedError as problem:
            raise AlertSettingsError(f"{PREFIX}WEBHOOK: {problem}. Give an https address.") from None
        if not told.get("SECRET"):
            raise AlertSettingsError(f"{PREFIX}SECRET is missing: a webhook is signed, so that its receiver can tell.")
    try:
        networks = tuple(
            ipaddress.ip_network(one.strip()) for one in told.get("NETWORKS", "").split(",") if one.strip()
        )
    except ValueError as problem:
        raise AlertSettingsError(
            f"{PREFIX}NETWORKS: {problem}. Give networks such as 10.1.0.0/16, with commas."
        ) from None
    return AlertSettings(webhook=webhook, secret=told.get("SECRET", ""), mail=_mail(told), networks=networks)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _mail(told: Mapping[str, str]) -> MailSettings | None:
    address, to = told.get("SMTP", ""), _listed(told.get("MAIL_TO", ""))
    if not address and not to:
        return None
    try:
        parts = urlsplit(address)
        host, port, scheme = parts.hostname or "", parts.port, parts.scheme
    except ValueError:
        host, port, scheme = "", None, ""
    if not host or scheme not in _PORTS or parts.password is not None:
        raise AlertSettingsError(
            f"{PREFIX}SMTP is no address such as smtps://user@mail.example:465 (or smtp://, smtp+plain:// in declared "
            f"networks); the password belongs in {PREFIX}SMTP_PASSWORD."
        )
    if not to or any("@" not in one or "\n" in one for one in to):
        raise AlertSettingsError(f"{PREFIX}MAIL_TO names nobody: give mail addresses, with commas.")
    return MailSettings(
        scheme=scheme,
        host=host,
        port=port or _PORTS[scheme],
        user=parts.username or "",
        password=told.get("SMTP_PASSWORD", ""),
        sender=told.get("MAIL_FROM", _FROM),
        to=to,
    )
