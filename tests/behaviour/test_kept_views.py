"""What a card and an account keep is what a server that kept nothing would show, whatever was done meanwhile."""

import re
from html import unescape
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.reference.serving import client_for, worklist_of

HTML = {"accept": "text/html"}


def page(client: TestClient, path: str) -> str:
    """A page without its form tokens, which differ from one look to the next."""
    html = unescape(client.get(path, headers=HTML).text)
    return re.sub(r'name="token" value="[^"]*"', "", html)


def colleagues(client: TestClient, run: Any) -> tuple[str, str, str]:
    """Two open leads of one account, and the account."""
    data = client.app.state.app_state.loaded.data  # type: ignore[attr-defined]
    listed = worklist_of(run)["lead_id"].astype("str").tolist()
    by_account: dict[str, list[str]] = {}
    for lead in listed:
        by_account.setdefault(data.account_id_of(lead), []).append(lead)
    account, leads = next((account, leads) for account, leads in by_account.items() if account and len(leads) > 1)
    return leads[0], leads[1], account


def test_no_page_is_older_than_the_last_action(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        lead, mate, account = colleagues(client, tiny_demo)
        paths = (f"/leads/{lead}", f"/leads/{mate}", f"/accounts/{account}")
        pinned = {"verdict": "override", "state": "sql", "reason": "good_fit"}
        steps = [
            (f"/v1/leads/{mate}/answers", {"question": "decision_role", "value": "decides"}),
            (f"/v1/leads/{lead}/feedback", {"verdict": "accept"}),
            (f"/v1/leads/{lead}/feedback", {"verdict": "withdraw"}),
            (f"/v1/leads/{mate}/feedback", {"verdict": "do_not_contact"}),
            (f"/v1/leads/{lead}/feedback", pinned),
        ]
        seen = {path: page(client, path) for path in paths}
        for where, sent in steps:
            assert client.post(where, json=sent).status_code in (200, 201), (where, sent)
            now = {path: page(client, path) for path in paths}
            client.app.state.app_state.loaded.keep.cache_clear()  # type: ignore[attr-defined]
            for path in paths:
                assert page(client, path) == now[path], f"{path} after {sent}"
            assert now != seen, f"nothing shows {sent}"
            seen = now


def test_a_second_look_works_out_nothing_again(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        lead, _, account = colleagues(client, tiny_demo)
        keep = client.app.state.app_state.loaded.keep  # type: ignore[attr-defined]
        for path in (f"/leads/{lead}", f"/accounts/{account}"):
            page(client, path)
            first = keep.cache_info()
            page(client, path)
            assert keep.cache_info().misses == first.misses and keep.cache_info().hits > first.hits
