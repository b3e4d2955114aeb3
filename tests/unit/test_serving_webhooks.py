"""Addresses for webhooks: malformed, private and plain ones are refused, not crashed on."""

import pytest

from serving.outbox import _check_address
from serving.problems import InvalidError


@pytest.mark.parametrize(
    "url",
    ["http://[", "https://[::1", "https://", "", "https://10.0.0.1/x", "http://a.example", "https://u:p@a.example"],
)
def test_bad_addresses_are_refused(url: str) -> None:
    with pytest.raises(InvalidError):
        _check_address(url, local=False)


def test_good_addresses_pass() -> None:
    _check_address("https://hooks.example.com/leads", local=False)
    _check_address("http://127.0.0.1:9000/x", local=True)
