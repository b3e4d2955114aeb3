"""Rates of requests: per valid key, else per address, which neither invented keys nor forwarded headers change."""

import ipaddress
from collections import OrderedDict
from collections.abc import Sequence

from pipelines.outbound.networks import IPAddress, IPNetwork, unmapped

_CLIENTS = 10_000  # remembered at once, which bounds the memory
_NETWORK_BITS = 64  # of an IPv6 address: what one customer is given (RFC 6177), so that one host is one client


class RateLimiter:
    """A token bucket per client: ``rate`` requests a second, ``burst`` at once; the longest idle are forgotten."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, float(burst)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, now: float) -> bool:
        """Whether the client may send a request now; ``now`` in seconds."""
        left, then = self._left.pop(client, (self.burst, now))
        left = min(self.burst, left + (now - then) * self.rate)
        allowed = left >= 1.0
        self._left[client] = (left - 1.0 if allowed else left, now)
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return allowed


def client_address(peer: str, forwarded: Sequence[str], proxies: Sequence[IPNetwork]) -> str:
    """The address a request came from.

    ``forwarded`` are the addresses of X-Forwarded-For, in order; only what declared proxies appended counts: the last
    address that is not itself a declared proxy's.

    >>> client_address("203.0.113.9", ["10.0.0.1"], ())
    '203.0.113.9'
    >>> client_address("10.0.0.2", ["6.6.6.6", "203.0.113.9"], (ipaddress.ip_network("10.0.0.0/8"),))
    '203.0.113.9'
    """
    address = peer
    for one in reversed(forwarded):
        if not _is_in(address, proxies):
            break
        address = one
    return _as_client(address)


def _is_in(address: str, networks: Sequence[IPNetwork]) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in networks if network.version == parsed.version)


def _as_client(address: str) -> str:
    """An address as one client: of IPv6 the network it lies in; what is no address is one client together."""
    parsed = _parse(address)
    if parsed is None:
        return "?"
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network(f"{parsed}/{_NETWORK_BITS}", strict=False).network_address)


def _parse(address: str) -> IPAddress | None:
    """An address, an IPv4 one also where it is written as IPv6, as sockets of both kinds do; None if it is none."""
    try:
        return unmapped(ipaddress.ip_address(address))
    except ValueError:
        return None
