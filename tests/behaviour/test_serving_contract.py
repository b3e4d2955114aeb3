"""Every operation keeps to the OpenAPI document: statuses, content types, bodies, sign-in, whatever is sent.

Schemathesis' check that data valid by the schema are accepted is left out: which questions, columns and leads there are
is the source's, so 422 says what no schema can, and is documented.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import positive_data_acceptance
from starlette.testclient import TestClient

from tests.reference.serving import client_for, key_for
from tests.reference.tiny_run import copy_run

EXAMPLES = int(os.environ.get("LEADSCORE_CONTRACT_EXAMPLES", "3"))
PARTS = 4


@pytest.fixture(scope="module")
def client(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    # schemathesis calls the application as testserver
    place = tmp_path_factory.mktemp("contract")
    run = copy_run(tiny_demo, place / "run")  # a score or a rubric that is made up would be adopted
    with client_for(run, place / "state", allowed_hosts=("testserver",)) as found:
        yield found


@pytest.fixture(scope="module")
def admin(client: TestClient) -> dict[str, str]:
    """Headers of a key; from the first one on nobody is let in without."""
    return key_for(client, "admin")


@pytest.mark.parametrize("part", range(PARTS))
def test_every_operation_keeps_to_its_contract(client: TestClient, admin: dict[str, str], part: int) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 35
    for operation in operations[part::PARTS]:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(headers=admin)
            case.validate_response(answer, excluded_checks=[positive_data_acceptance], headers=admin)

        ask()
