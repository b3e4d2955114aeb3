"""The whole OpenAPI document, fuzzed: whatever is sent, no answer is a failure of the server."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from tests.reference.serving import client_for

PER_OPERATION = 8


@pytest.fixture(scope="module")
def client(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path_factory.mktemp("serving")) as found:
        yield found


@pytest.fixture(scope="module")
def api(client: TestClient) -> Any:
    """Every operation but those that change which model scores."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    return schema.exclude(path_regex="champion")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(
    max_examples=PER_OPERATION,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_nothing_sent_makes_the_server_fail(case: Any, client: TestClient) -> None:
    answer = case.call(session=client, headers={"host": "127.0.0.1:8000"})
    assert answer.status_code < 500 or answer.status_code in (503,), answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"][0].startswith("application/problem+json")
