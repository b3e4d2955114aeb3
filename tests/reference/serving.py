"""Applications on a tiny run, with their own store, for the tests of the server."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
from sqlalchemy import func, select
from starlette.testclient import TestClient

from pipelines.workspace.table_files import load_tables
from serving.app import create_app
from serving.auth.api_keys import create_key
from serving.leads.upload_queue import UploadQueue
from serving.settings import ServeSettings
from serving.store.engine import Store
from serving.store.tables import Upload


def settings_for(run: Any, state_dir: Path, **changes: Any) -> ServeSettings:
    """Settings of a server on a run, with everything behind the requests switched off."""
    base: dict[str, Any] = {"source": str(run.source), "data_dir": run.data_dir, "state_dir": state_dir}
    base |= {"background": False, "rate_per_second": 10_000.0, "rate_burst": 10_000}
    return ServeSettings(**{**base, "webhook_networks": ("127.0.0.0/8",), **changes})


@contextmanager
def client_for(run: Any, state_dir: Path, **changes: Any) -> Iterator[TestClient]:
    """A client of a fresh application; its errors come back as answers, as they would over the wire.

    It waits until the lifecycle is counted and decisions are loaded, however busy the machine is.
    """
    app = create_app(settings_for(run, state_dir, **changes))
    counted = patch("serving.results.run_results.FIRST_COUNT_SECONDS", 120.0)
    loaded = patch("serving.webhooks.load_decided.LOAD_SECONDS", 120.0)
    with counted, loaded, TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


def without_marks(html: str) -> str:
    """A page without what differs from one look to the next: form tokens, marks of a form's showing, its clock."""
    html = re.sub(r'name="(token|once|shown)" value="[^"]*"', "", html)
    return re.sub(r'(<input[^>]*type="datetime-local")[^>]*>', r"\1>", html)


def whole_page(client: TestClient, path: str, **headers: str) -> str:
    """A page once everything on it was worked out: on a busy machine the first look shows what is being counted."""

    def look() -> tuple[str, bool]:
        answer = client.get(path, headers={"accept": "text/html", **headers})
        assert answer.status_code == 200, answer.text[:300]
        return answer.text, "refresh" in answer.headers

    return _until_still(look)


def still_page(look: Callable[[], str]) -> str:
    """A page once nothing on it is being worked out."""
    return _until_still(lambda: (look(), False))


def _until_still(look: Callable[[], tuple[str, bool]]) -> str:
    """Look ever less often: each look takes processor time from what is waited for."""
    until, pause = time.monotonic() + 120.0, 0.1
    while True:
        html, waits = look()
        if not waits and 'aria-busy="true"' not in html:
            return html
        assert time.monotonic() < until, "the page is still being worked out"
        time.sleep(pause)
        pause = min(1.5 * pause, 1.0)


def key_for(client: TestClient, *scopes: str, owner: str | None = None) -> dict[str, str]:
    """Headers with a new key."""
    token = create_key(client.app.state.app_state.store, "tester", list(scopes), owner)
    client.app.state.callers.forget()
    return {"authorization": f"Bearer {token}"}


def score_uploads(client: TestClient) -> None:
    """Score what was uploaded, by the queue that does so behind the requests, until nothing waits."""
    app_state = client.app.state.app_state
    queue, until = UploadQueue(app_state), time.monotonic() + 60.0
    while _unfinished_uploads(app_state.store):
        assert time.monotonic() < until, "an upload was never scored"
        queue.serve_turn()
        time.sleep(0.02)


def _unfinished_uploads(store: Store) -> int:
    unfinished = select(func.count()).select_from(Upload).where(Upload.status.in_(("waiting", "scoring")))
    with store.reading() as session:
        return int(session.scalar(unfinished) or 0)


def worklist_of(run: Any) -> pd.DataFrame:
    """The batch's worklist."""
    return pd.read_parquet(run.context.paths.score / "worklist.parquet")


def rows_sent(run: Any, lead_id: str) -> dict[str, Any]:
    """A lead's raw rows as a client would send them, colleagues of the account with it."""
    tables = load_tables(run.context.paths)
    leads = tables["leads"]
    lead = leads[leads["lead_id"] == lead_id].iloc[0]
    account = lead["account_id"]
    mates = leads[(leads["account_id"] == account)] if not pd.isna(account) else leads[leads["lead_id"] == lead_id]
    ids = set(mates["lead_id"])
    body: dict[str, Any] = {
        "lead": _json(lead.to_dict()),
        "colleagues": [_json(r) for r in mates[mates["lead_id"] != lead_id].to_dict("records")],
        "accounts": [
            _json(r) for r in tables["accounts"][tables["accounts"]["account_id"] == account].to_dict("records")
        ],
    }
    for name in ("activities", "answers", "stages"):
        body[name] = [_json(r) for r in tables[name][tables[name]["lead_id"].isin(ids)].to_dict("records")]
    outcomes = tables["outcomes"]
    hit = outcomes["lead_id"].isin(ids) | (outcomes["account_id"] == account)
    body["outcomes"] = [_json(r) for r in outcomes[hit].to_dict("records")]
    return body


def _json(record: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in record.items():
        if pd.isna(value):
            continue
        found[name] = value.isoformat() if isinstance(value, pd.Timestamp) else value
        if hasattr(value, "item"):
            found[name] = value.item()
    return found
