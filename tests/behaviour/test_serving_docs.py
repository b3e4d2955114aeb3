"""docs/api.md names every address of the OpenAPI document and no other, and its examples run as they stand."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.oidc_settings import OidcSettings
from serving.settings import ServeSettings
from tests.reference.serving import client_for, worklist_of

DOCS = Path(__file__).parents[2] / "docs"
API = (DOCS / "api.md").read_text()
EXAMPLES = [line for line in API.splitlines() if line.startswith("curl ")]


@pytest.fixture(scope="module")
def client(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path_factory.mktemp("serving")) as found:
        yield found


def named() -> set[tuple[str, str]]:
    return set(re.findall(r"`(GET|POST|PUT|DELETE) (/[^`?\s]*)`", API))


def test_every_address_is_documented_and_every_documented_one_exists(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert named() == {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_what_is_said_to_carry_an_etag_does_and_nothing_else(client: TestClient, tiny_demo: Any) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    starred = {path for path, star in re.findall(r"^\| `GET (/v1/[^`]*)`( \*)? \|", API, re.M) if star}
    for path in (path for method, path in named() if method == "GET" and "{number}" not in path):
        account = client.app.state.app_state.loaded.data.account_id_of(lead) or "A00001"  # type: ignore[attr-defined]
        asked = {"lookup": {"email": "a@b.example"}, "find": {"q": lead}}.get(path.rsplit("/", 1)[-1], {})
        answer = client.get(
            path.format(lead_id=lead, account_id=account, table="answers", field="industry"), params=asked
        )
        assert answer.status_code == 200, path
        assert ("etag" in answer.headers) == (path in starred), path


@pytest.mark.parametrize("line", EXAMPLES)
def test_the_examples_run(client: TestClient, tiny_demo: Any, line: str) -> None:
    words = shlex.split(line.replace("$LEAD", str(worklist_of(tiny_demo)["lead_id"].iloc[0])))[1:]
    headers, sent, url, method, word = {}, {}, "", "", iter(words)
    for text in word:
        if text == "-H":
            name, _, value = next(word).partition(": ")
            headers[name] = value
        elif text == "-d":
            sent["content"] = next(word)
        elif text == "-F":
            sent["files"] = {"file": ("new_leads.csv", "Lead ID,Created Date\nnew-1,2026-06-01\n")}
            assert next(word) == "file=@new_leads.csv"
        elif text == "-o":
            assert next(word).endswith(".parquet")
        elif text == "-X":
            method = next(word)
        elif text != "-s":
            url = text.replace("localhost:8000", "http://127.0.0.1:8000")
    answer = client.request(method or ("POST" if sent else "GET"), url, headers=headers, **sent)
    assert answer.status_code < 300, answer.text


def test_every_documented_setting_exists_and_every_setting_is_documented() -> None:
    text = (DOCS / "serving.md").read_text()
    tables = set(re.findall(r"`([A-Z][A-Z_]+)`", text)) - {"STORE"}
    own = {name.upper() for name in ServeSettings.model_fields} - {"OIDC", "SOURCE", "DATA_DIR", "HOST"}
    provider = {name.upper() for name in OidcSettings.model_fields}
    in_example = set(re.findall(r"LEADSCORE_SERVE_OIDC_([A-Z_]+)", text)) | {"CLIENT_SECRET"}
    assert own - tables == set()
    assert provider - tables - in_example == set()
    assert (tables | in_example) - own - provider - {"LEADSCORE_SERVE_", "LEADSCORE_SERVE_OIDC_"} == set()
