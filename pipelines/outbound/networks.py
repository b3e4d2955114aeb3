"""Internet addresses and networks, of both versions."""

import ipaddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def unmapped(address: IPAddress) -> IPAddress:
    """The IPv4 address inside an IPv6 one, where there is one.

    >>> unmapped(ipaddress.ip_address("::ffff:10.0.0.2")), unmapped(ipaddress.ip_address("::1"))
    (IPv4Address('10.0.0.2'), IPv6Address('::1'))
    """
    return getattr(address, "ipv4_mapped", None) or address
