"""Where a message may go: public addresses by TLS, and declared networks; checked again at every delivery."""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipelines.outbound.networks import IPAddress, IPNetwork, unmapped

_PUBLIC_6 = ipaddress.ip_network("2000::/3")  # all that IANA gave out as global unicast (RFC 4291, section 2.4)
_SHARED = (
    ipaddress.ip_network("100.64.0.0/10"),  # carrier-grade NAT (RFC 6598): other customers' machines
    ipaddress.ip_network("2002::/16"),  # 6to4 (RFC 3056): the same
)


class AddressRefusedError(Exception):
    """An address that no message is sent to, with the reason in words."""


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A webhook's address taken apart.

    Parameters
    ----------
    host : name or literal address, as written
    target : path and query
    """

    scheme: str
    host: str
    port: int
    target: str


def parse_address(url: str) -> Receiver:
    """An address taken apart; AddressRefusedError if it is not a plain http or https address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as problem:
        raise AddressRefusedError("this is not a valid address: its brackets or port are malformed") from problem
    if not host or parts.scheme not in ("http", "https"):
        raise AddressRefusedError("this is not an http or https address")
    if parts.username is not None or parts.password is not None:
        raise AddressRefusedError("an address must not hold a user or password")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Receiver(
        scheme=parts.scheme, host=host, port=port or (443 if parts.scheme == "https" else 80), target=target
    )


def resolve_receiver(receiver: Receiver, networks: Sequence[IPNetwork] = ()) -> list[str]:
    """Addresses a receiver's name stands for now, each of them allowed.

    All ways of writing an address (decimal, short, octal, mapped into IPv6) are resolved as the operating system would.

    Raises
    ------
    AddressRefusedError
        if any of them lies in a network that was not declared, or http would leave the declared networks.
    OSError
        if the name does not resolve.
    """
    try:
        found = socket.getaddrinfo(receiver.host, receiver.port, type=socket.SOCK_STREAM)
    except UnicodeError as problem:  # a label that is empty, too long, or holds letters no name may have
        raise AddressRefusedError("this is not a valid host name") from problem
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in addresses:
        address = unmapped(ipaddress.ip_address(text.partition("%")[0]))
        declared = any(address in network for network in networks if network.version == address.version)
        if declared:
            continue
        if not _is_public(address):
            raise AddressRefusedError(f"this address leads to {_kind(address)}, which was not declared")
        if receiver.scheme != "https":
            raise AddressRefusedError("plain http is for declared networks only")
    return addresses


def _is_public(address: IPAddress) -> bool:
    """Whether it is one machine's on the internet; of IPv6 also not one that stands for an IPv4 address (NAT64, mapped,
    translated, compatible) or for a site (fec0::/10), which Python calls global.
    """
    if not address.is_global or address.is_multicast or any(address in network for network in _SHARED):
        return False
    return address.version == 4 or address in _PUBLIC_6


def _kind(address: IPAddress) -> str:
    if address.is_loopback:
        return "this machine"
    return "a link-local network" if address.is_link_local else "a private or reserved network"
