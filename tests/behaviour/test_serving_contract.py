"""Every operation keeps to the OpenAPI document: statuses, content types, bodies, sign-in, whatever is sent.

Schemathesis' check that data valid by the schema are accepted is left out: which questions, columns and leads there are
is the source's, so 422 says what no schema can, and is documented.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import positive_data_acceptance
from starlette.testclient import TestClient

from tests.reference.serving import client_for, key_for
from tests.reference.tiny_run import copy_run

FEW, MANY = 3, 100  # requests of each operation; many in rehearsals
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


def ask_operations(
    client: TestClient, headers: dict[str, str], examples: int, part: int = 0, parts: int = 1
) -> dict[str, Counter[int]]:
    """Ask every so-manieth operation with made-up requests; how often each status came, by operation."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 35
    answered: dict[str, Counter[int]] = {}
    for operation in operations[part::parts]:

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(headers=headers)
            answered.setdefault(case.operation.label, Counter())[answer.status_code] += 1
            case.validate_response(answer, excluded_checks=[positive_data_acceptance], headers=headers)

        ask()
    return answered


@pytest.mark.parametrize("part", range(PARTS))
def test_every_operation_keeps_to_its_contract(client: TestClient, admin: dict[str, str], part: int) -> None:
    assert len(ask_operations(client, admin, FEW, part, PARTS)) > 35 // PARTS - 1


@pytest.mark.prove
@pytest.mark.parametrize("part", range(PARTS))
def test_hundreds_of_requests_keep_to_the_contract_of_every_operation(
    client: TestClient, admin: dict[str, str], record_property: Callable[[str, object], None], part: int
) -> None:
    answered = ask_operations(client, admin, MANY, part, PARTS)
    for label, statuses in answered.items():
        record_property(label, dict(statuses.most_common()))
    requests = sum(statuses.total() for statuses in answered.values())
    record_property("requests", requests)
    assert requests > 20 * len(answered), "operations without parameters have few requests, the others hundreds"
