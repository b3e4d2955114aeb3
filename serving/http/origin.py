"""Where a request came from: the peer's address, or the one that declared proxies say they forward for."""

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

from pipelines.outbound.networks import IPAddress, IPNetwork, unmapped

UNKNOWN = "?"  # a peer without an address


def request_origin(request: Request, proxies: Sequence[IPNetwork]) -> str:
    """The address a request came from, as :func:`find_origin` has it."""
    return find_origin(request.client.host if request.client else UNKNOWN, _forwarded(request), proxies)


def find_origin(peer: str, forwarded: Sequence[str], proxies: Sequence[IPNetwork]) -> str:
    """The address a request came from.

    ``forwarded`` are the addresses of X-Forwarded-For, in order; only what declared proxies appended counts: the last
    address that is not itself a declared proxy's.

    >>> find_origin("203.0.113.9", ["10.0.0.1"], ())
    '203.0.113.9'
    >>> find_origin("10.0.0.2", ["6.6.6.6", "203.0.113.9"], (ipaddress.ip_network("10.0.0.0/8"),))
    '203.0.113.9'
    """
    address = peer
    for one in reversed(forwarded):
        if not _is_in(address, proxies):
            break
        address = one
    return address


def is_from_elsewhere(request: Request) -> bool:
    """Whether a request may come from another machine: the peer is one, or whoever forwards it, a declared proxy or
    not, names anything but this machine.

    A proxy that says nothing of the kind cannot be told from this machine's own users.
    """
    peer = parse_address(request.client.host if request.client else UNKNOWN)
    named = [parse_address(one) for one in _forwarded(request)]
    away = any(address is None or not address.is_loopback for address in named) or "forwarded" in request.headers
    return away or (peer is not None and not peer.is_loopback)


def _forwarded(request: Request) -> list[str]:
    lines = ",".join(request.headers.getlist("x-forwarded-for"))  # some proxies append a line, not to the line
    return [part.strip() for part in lines.split(",") if part.strip()]


def parse_address(text: str) -> IPAddress | None:
    """An address, an IPv4 one also where it is written as IPv6, as sockets of both kinds do; None if it is none."""
    try:
        return unmapped(ipaddress.ip_address(text))
    except ValueError:
        return None


def _is_in(address: str, networks: Sequence[IPNetwork]) -> bool:
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in networks if network.version == parsed.version)
