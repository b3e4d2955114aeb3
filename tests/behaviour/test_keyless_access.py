"""Who is let in without a key: this machine, and only where there never was a key."""

import sqlite3
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from serving.app import create_app
from serving.oidc_settings import OidcSettings
from tests.reference.serving import client_for, key_for, settings_for

AWAY = {"x-forwarded-for": "10.9.9.9"}


def test_whoever_a_proxy_forwards_for_from_another_machine_needs_a_key(tiny_demo: Any, tmp_path: Path) -> None:
    app = create_app(settings_for(tiny_demo, tmp_path, proxies=("127.0.0.1/32",)))
    with TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 1)) as client:
        refused = client.get("/v1/worklist", headers=AWAY)
        assert refused.status_code == 401 and "leadscore keys create" in refused.text
        assert client.post("/v1/threshold", headers=AWAY, json={"score": 50, "reason": "x"}).status_code == 401
        assert client.get("/v1/worklist", headers={"x-forwarded-for": "nonsense"}).status_code == 401
        assert client.get("/v1/worklist", headers={"x-forwarded-for": "::1"}).status_code == 200
        assert client.get("/v1/worklist").status_code == 200, "the machine's own user"
        for forged in ("127.0.0.1, 10.9.9.9", "10.9.9.9, 127.0.0.1", "127.0.0.1,"):
            status = client.get("/v1/worklist", headers={"x-forwarded-for": forged}).status_code
            assert status == (200 if forged == "127.0.0.1," else 401), forged
        assert client.get("/v1/worklist", headers={"forwarded": "for=10.9.9.9"}).status_code == 401
        assert client.get("/v1/worklist", headers=AWAY | key_for(client, "read")).status_code == 200


def test_a_store_that_lost_its_keys_lets_nobody_in(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        assert client.get("/v1/worklist").status_code == 200
        assert client.get("/v1/worklist", headers=key_for(client, "read")).status_code == 200
        assert client.get("/healthz").json()["status"] == "ok"
    for file in tmp_path.glob("store.sqlite*"):
        file.unlink()

    provider = OidcSettings(issuer="https://id.example.com", client_id="leadscore", groups={"sales": ("read",)})
    with client_for(tiny_demo, tmp_path, oidc=provider) as client:
        assert client.get("/healthz").json()["status"] == "ok", "nobody needs a key where a provider signs people in"
        assert client.get("/v1/worklist").status_code == 401
    with client_for(tiny_demo, tmp_path) as client:
        assert client.get("/v1/worklist").status_code == 401
        told = client.get("/healthz").json()
        assert told["status"] == "degraded" and "holds no API key any more" in told["problem"]
        holder = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        assert "locked by another process" in client.get("/healthz").json()["problem"]
        holder.close()
        assert client.get("/v1/worklist", headers=key_for(client, "read")).status_code == 200
        assert client.get("/healthz").json()["status"] == "ok"
