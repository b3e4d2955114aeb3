"""A store whose address cannot be used is said to be one, without the password that it may hold."""

from pathlib import Path

import pytest

from features.errors import RegistryError
from serving.privacy.store_of_source import ServerOf
from serving.store.engine import open_store
from tests.reference.tiny_run import TinyRun

ADDRESSES = [
    "nonsense",
    "postgres://me:secret@host/db",
    "mysql+nosuchdriver://me:secret@host/db",
    "postgresql+psycopg://me:secret@host:port/db",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_none_is_said_to_be_none(tmp_path: Path, address: str) -> None:
    with pytest.raises(
        RegistryError, match=r"the store .* cannot be opened: .* Check LEADSCORE_SERVE_STORE_URL"
    ) as got:
        open_store(address, tmp_path)
    assert "secret" not in str(got.value)


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_store_that_was_looked_at_is_named_whatever_its_address(tiny_demo: TinyRun, address: str) -> None:
    said = ServerOf.of(tiny_demo.context, address).describe()
    assert "looked at" in said and "secret" not in said
