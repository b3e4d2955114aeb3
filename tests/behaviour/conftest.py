"""Servers that tests of one file share."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.reference.serving import client_for


@pytest.fixture(scope="module")
def served(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One that all share that only look: what its pages count is counted once."""
    with client_for(tiny_demo, tmp_path_factory.mktemp("shared")) as found:
        yield found


@pytest.fixture
def reader(served: TestClient) -> TestClient:
    """As a browser that was never here."""
    served.cookies.clear()
    return served
