"""Addresses for webhooks: malformed, private and plain ones are refused, however they are written."""

import ipaddress
import socket
from typing import Any

import pytest

from pipelines.outbound.receivers import AddressRefusedError, parse_address, resolve_receiver
from serving.problems import InvalidError
from serving.settings import ServeSettings
from serving.webhooks.addresses import check_address

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "https://[::1",
        "https://",
        "",
        "http://8.8.8.8/x",
        "https://u:p@a.example",
        "ftp://8.8.8.8/",
        "https://.example",
        f"https://{'a' * 70}.example/",
    ],
)
def test_malformed_and_plain_addresses_are_refused(url: str) -> None:
    with pytest.raises(InvalidError):
        check_address(url)


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "0.0.0.0",
        "169.254.169.254",
        "2852039166",
        "192.168.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a00:1]",
        "[2002:a00:1::]",
        "[fec0::1]",
        "[::7f00:1]",
        "[::ffff:0:a00:1]",
        "[5f00::1]",
    ],
)
def test_addresses_inside_the_network_are_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(InvalidError, match=r"declared|WEBHOOK_NETWORKS"):
        check_address(f"https://{host}/hook")


def test_declared_networks_and_public_addresses_pass() -> None:
    check_address("http://127.0.0.1:9000/x", LOOPBACK)
    check_address("https://8.8.8.8/hook")
    check_address("https://[2001:4860:4860::8888]/hook")
    with pytest.raises(InvalidError):
        check_address("http://10.0.0.1/x", LOOPBACK)


def test_a_name_is_resolved_at_delivery_and_every_address_must_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [["8.8.8.8"], ["8.8.8.8", "10.0.0.1"]]

    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    receiver = parse_address("https://hooks.example.com/leads?x=1")
    assert resolve_receiver(receiver) == ["8.8.8.8"] and receiver.target == "/leads?x=1"
    with pytest.raises(AddressRefusedError, match="private"):
        resolve_receiver(receiver)


def test_networks_of_the_settings_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSCORE_SERVE_WEBHOOK_NETWORKS", '["10.1.0.0/16"]')
    assert ServeSettings().networks == (ipaddress.ip_network("10.1.0.0/16"),)
    monkeypatch.setenv("LEADSCORE_SERVE_WEBHOOK_NETWORKS", '["10.1.0.7/16"]')
    with pytest.raises(ValueError, match="host bits"):
        ServeSettings()
