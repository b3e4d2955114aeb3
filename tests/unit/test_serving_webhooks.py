"""Addresses for webhooks: malformed, private and plain ones are refused, not crashed on."""

import pytest

from serving.problems import InvalidError
from serving.webhooks.outbox import check_address


@pytest.mark.parametrize(
    "url",
    ["http://[", "https://[::1", "https://", "", "https://10.0.0.1/x", "http://a.example", "https://u:p@a.example"],
)
def test_bad_addresses_are_refused(url: str) -> None:
    with pytest.raises(InvalidError):
        check_address(url, local=False)


def test_good_addresses_pass() -> None:
    check_address("https://hooks.example.com/leads", local=False)
    check_address("http://127.0.0.1:9000/x", local=True)


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data", "http://[fe80::1]/x", "http://[::ffff:169.254.169.254]/"]
)
def test_link_local_addresses_are_refused_even_on_this_machine(url: str) -> None:
    with pytest.raises(InvalidError):
        check_address(url, local=True)
