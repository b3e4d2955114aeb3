"""Rates of requests: per valid key, else per address, which neither invented keys nor forwarded headers change."""

import ipaddress
from collections import OrderedDict

from serving.http.origin import UNKNOWN, parse_address

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


def client_address(origin: str) -> str:
    """An address as one client: of IPv6 the network it lies in; what is no address is one client together.

    >>> client_address("203.0.113.9"), client_address("2001:db8:1:2:3::4"), client_address("nonsense")
    ('203.0.113.9', '2001:db8:1:2::', '?')
    """
    parsed = parse_address(origin)
    if parsed is None:
        return UNKNOWN
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network(f"{parsed}/{_NETWORK_BITS}", strict=False).network_address)
