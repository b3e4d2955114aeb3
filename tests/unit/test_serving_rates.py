"""Who is counted where nobody has signed in: the address, whatever the request says about itself."""

import ipaddress

import pytest

from serving.http.origin import find_origin
from serving.http.rates import RateLimiter, client_address

PROXIES = (ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("fd00::/64"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["1.1.1.1"], "203.0.113.9"),
        ("10.0.0.2", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.2", ["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.2", ["6.6.6.6", "203.0.113.9", "10.0.0.3"], "203.0.113.9"),
        ("10.0.0.2", ["nonsense"], "?"),
        ("fd00::1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::9", [], "2001:db8:1:2::"),
        ("testclient", [], "?"),
        ("::ffff:10.0.0.2", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::ffff:203.0.113.9", ["1.1.1.1"], "203.0.113.9"),
    ],
)
def test_only_declared_proxies_are_believed(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(find_origin(peer, forwarded, PROXIES)) == client


def test_a_bucket_refills_and_forgets_the_longest_idle() -> None:
    limiter = RateLimiter(1.0, 2)
    assert [limiter.take("a", at) for at in (0.0, 0.0, 0.0, 0.5, 1.5)] == [True, True, False, False, True]
    assert all(limiter.take(str(n), 2.0) for n in range(10_001))
    assert [limiter.take("a", 2.0) for _ in range(3)] == [True, True, False]
