"""Signing in through an OpenID Connect provider: who gets in, as whom, and what is refused in words."""

import base64
import hmac
import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from sqlalchemy import delete, update
from starlette.testclient import TestClient

from serving.app import create_app
from serving.auth.api_keys import create_key, revoke_key, start_session
from serving.auth.dependencies import SESSION
from serving.auth.oidc_claims import local_path
from serving.oidc_settings import CALLBACK, OidcSettings
from serving.pages.sign_in import COOKIE
from serving.problems import OidcSettingsError
from serving.store.tables import ApiKey, AuditRow, WebSession
from serving.store.wall_clock import wall_now
from tests.reference.provider import CLIENT, SECRET, LocalProvider
from tests.reference.serving import client_for, settings_for, worklist_of

GROUPS = {"sales": ["read", "feedback"], "managers": ["read"], "operations": ["admin"]}
PAGE = {"accept": "text/html"}


def person(email: str, *groups: str, **more: Any) -> dict[str, Any]:
    return {"email": email, "email_verified": True, "groups": list(groups), **more}


PEOPLE = {
    "ann": person("Ann@Sales.example", "sales", "football"),
    "max": person("max@sales.example", "managers"),
    "ada": person("ada@sales.example", "operations"),
    "eve": person("eve@sales.example", "football"),
    "joe": person("joe@elsewhere.example", "sales"),
    "sly": person("sly@sales.example", "sales", email_verified=False),
    "fay": person("max@sales.example", "managers", email_verified=False),  # says to be max
}


@pytest.fixture(scope="module")
def running() -> Iterator[LocalProvider]:
    provider = LocalProvider(PEOPLE)
    yield provider
    provider.close()


@pytest.fixture
def provider(running: LocalProvider) -> LocalProvider:
    running.behave()
    return running


def settings(provider: LocalProvider, **changes: Any) -> OidcSettings:
    base: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SecretStr(SECRET),
        "groups": GROUPS,
        "see_all": ("managers",),
        "domains": ("sales.example",),
    }
    return OidcSettings(**{**base, **changes})


@pytest.fixture(scope="module")
def app(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory, running: LocalProvider) -> Any:
    """One application for all tests, as loading the model takes longer than a sign-in."""
    named = settings(running, owners={"Ann@sales.example": an_owner(tiny_demo)})
    return create_app(settings_for(tiny_demo, tmp_path_factory.mktemp("state"), oidc=named))


@pytest.fixture
def client(app: Any, provider: LocalProvider) -> Iterator[TestClient]:
    """A browser of its own, before anybody signed in; the provider is asked anew."""
    app.state.provider.client.server_metadata = {}
    with app.state.app_state.store.writing() as session:
        for table in (WebSession, AuditRow):
            session.query(table).delete()
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as found:
        yield found


def an_owner(run: Any) -> str:
    leads = worklist_of(run)
    from pipelines.workspace.table_files import load_tables

    table = load_tables(run.context.paths)["leads"]
    return str(table[table["lead_id"].isin(leads["lead_id"])]["owner"].dropna().iloc[0])


def go(client: TestClient, provider: LocalProvider, user: str, path: str = "/") -> str:
    """The way to the provider and the address it sends the browser back to."""
    there = client.get("/sign-in/oidc", params={"next": path}, follow_redirects=False)
    assert there.status_code == 303, there.text
    address = urlsplit(there.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{provider.issuer}/authorize"
    return provider.grant(address.query, user)


def sign_in(client: TestClient, provider: LocalProvider, user: str, path: str = "/") -> Any:
    return client.get(go(client, provider, user, path), headers=PAGE, follow_redirects=False)


def refused(answer: Any, status: int, words: str) -> None:
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert SESSION not in answer.headers.get("set-cookie", "") or "max@" not in answer.text
    assert not re.search(r"@|Traceback|Error\b", re.sub(r"<[^>]+>", "", answer.text)), answer.text


def test_somebody_signs_in_sees_their_leads_and_signs_out(
    client: TestClient, provider: LocalProvider, tiny_demo: Any
) -> None:
    assert client.get("/", headers=PAGE).url.path == "/sign-in"
    asked = parse_qs(urlsplit(client.get("/sign-in/oidc", follow_redirects=False).headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and len(asked["nonce"][0]) >= 16 and len(asked["state"][0]) >= 16
    assert "code_verifier" not in asked
    answer = sign_in(client, provider, "ann")
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0; url=/")
    cookies = answer.headers.get_list("set-cookie")
    assert any(SESSION in c and "HttpOnly" in c and "samesite=strict" in c.lower() for c in cookies)
    assert any(SESSION in c and "Max-Age=36000;" in c for c in cookies), "as long as the session: ten hours"
    home = client.get("/", headers=PAGE)
    assert home.url.path in ("/", "/worklist") and "Sign out ann@sales.example" in home.text
    owners = {row["owner"] for row in client.get("/v1/worklist").json()["rows"]}
    assert owners == {an_owner(tiny_demo)}
    token = re.search(r'name="token" value="([^"]+)"', home.text)
    assert token is not None
    assert client.post("/v1/champion/rollback", headers={"x-form-token": token[1]}).status_code == 403
    assert client.post("/sign-out", data={"token": "0" * 64}).status_code == 403
    client.post("/sign-out", data={"token": token[1]})
    assert client.get("/v1/worklist").status_code == 401


def test_managers_see_all_owners_and_operators_may_do_all(client: TestClient, provider: LocalProvider) -> None:
    everybody = len(client.app.state.app_state.loaded.worklist.owners)
    for user, writes in (("max", 403), ("ada", 201)):
        sign_in(client, provider, user)
        rows = client.get("/v1/worklist", params={"size": 500}).json()["rows"]
        assert len({row["owner"] for row in rows if row["owner"]}) == everybody > 1
        home = client.get("/", headers=PAGE).text
        token = re.search(r'name="token" value="([^"]+)"', home)
        assert token is not None
        address = f"/v1/leads/{rows[0]['lead_id']}/feedback"
        given = client.post(address, json={"verdict": "accept"}, headers={"x-form-token": token[1]})
        assert given.status_code == writes
        assert client.post(address, json={"verdict": "accept"}).status_code == 403


@pytest.mark.parametrize(
    ("user", "words"),
    [("eve", "None of your groups"), ("joe", "e-mail domain"), ("sly", "not verified your e-mail")],
)
def test_people_without_a_place_here_are_refused(
    client: TestClient, provider: LocalProvider, user: str, words: str
) -> None:
    refused(sign_in(client, provider, user), 403, words)
    with client.app.state.app_state.store.reading() as session:
        assert session.query(WebSession).count() == 0
    assert client.get("/v1/worklist").status_code == 401


def spoil(provider: LocalProvider, how: str) -> None:
    """One thing wrong with the tokens to come."""
    if how == "signature":
        provider.signer = RSAKey.generate_key(2048, parameters={"kid": "one"})
    else:
        provider.claims = {
            "nonce": {"nonce": "of another sign-in"},
            "no nonce": {"nonce": None},
            "expired": {"exp": 1_700_000_000},
            "audience": {"aud": "another client"},
            "audience behind azp": {"aud": "another client", "azp": CLIENT},
            "no audience": {"aud": None},
            "issuer": {"iss": "https://elsewhere.example"},
            "of tomorrow": {"nbf": 4_000_000_000},
            "of a time to come": {"iat": 4_000_000_000},
        }[how]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("signature", "signature or form"),
        ("nonce", "&#39;nonce&#39; is not the one expected"),
        ("no nonce", "&#39;nonce&#39; is not the one expected"),
        ("expired", "it has expired"),
        ("audience", "&#39;aud&#39; is not the one expected"),
        ("audience behind azp", "&#39;aud&#39; is not the one expected"),
        ("no audience", "&#39;aud&#39; is not the one expected"),
        ("issuer", "&#39;iss&#39; is not the one expected"),
        ("of tomorrow", "not accepted"),
        ("of a time to come", "not accepted"),
    ],
)
def test_a_token_with_something_wrong_is_refused(
    client: TestClient, provider: LocalProvider, how: str, words: str
) -> None:
    spoil(provider, how)
    refused(sign_in(client, provider, "max"), 403, words)
    assert client.get("/v1/worklist").status_code == 401


def coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_without_the_providers_key_is_refused(
    client: TestClient, provider: LocalProvider, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    def forged(user: str, nonce: str) -> str:
        body = LocalProvider.token(provider, user, nonce).split(".")[1]
        text = f"{coded(json.dumps({'alg': algorithm, 'kid': 'one'}).encode())}.{body}"
        mac = hmac.new(provider.key.as_pem(private=False), text.encode(), "sha256").digest()
        return f"{text}.{coded(mac) if algorithm == 'HS256' else ''}"

    monkeypatch.setattr(provider, "token", forged)
    provider.description = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS256"]}
    refused(sign_in(client, provider, "max"), 403, "signature or form")


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(
    client: TestClient, provider: LocalProvider, tiny_demo: Any
) -> None:
    provider.lenient = True  # a provider that would take its codes again
    back = go(client, provider, "max")
    kept = client.cookies.get(COOKIE)
    with TestClient(client.app, base_url="http://127.0.0.1:8000") as stranger:
        refused(stranger.get(back, headers=PAGE), 403, "No sign-in is under way in this browser")
        other = go(stranger, provider, "ann")
    refused(client.get(other, headers=PAGE), 403, "belongs to another sign-in")
    refused(client.get(back.replace("state=", "state=x"), headers=PAGE), 403, "belongs to another sign-in")
    refused(client.get(re.sub(r"&?state=[^&]+", "", back), headers=PAGE), 403, "belongs to another sign-in")
    assert client.get(back, headers=PAGE).status_code == 200
    client.cookies.set(COOKIE, str(kept), path="/sign-in/oidc")
    refused(client.get(back, headers=PAGE), 403, "already been completed")


def test_a_changed_or_foreign_cookie_is_refused(client: TestClient, provider: LocalProvider) -> None:
    back = go(client, provider, "max")
    kept = str(client.cookies.get(COOKIE))
    for cookie in (kept[:-2] + "xx", "e30." + kept.partition(".")[2], "", "x" * 5000):
        client.cookies.clear()
        refused(client.get(back, headers=PAGE | {"cookie": f"{COOKIE}={cookie}"}), 403, "No sign-in is under way")


def test_a_code_from_elsewhere_or_a_no_is_refused(client: TestClient, provider: LocalProvider) -> None:
    back = go(client, provider, "max")
    refused(client.get(re.sub("code=[^&]+", "code=guess", back), headers=PAGE), 403, "did not sign you in")
    state = parse_qs(urlsplit(go(client, provider, "max")).query)["state"][0]
    said = {"state": state, "error": "access_denied", "error_description": "<script>alert(1)</script>"}
    answer = client.get(CALLBACK, params=said, headers=PAGE)
    refused(answer, 403, "did not sign you in")
    assert "alert(1)" not in answer.text


ELSEWHERE = [
    "//elsewhere.example",
    "https://elsewhere.example/",
    "/\\elsewhere.example",
    "\\\\elsewhere.example",
    "/\t/elsewhere.example",
    "javascript:alert(1)",
    "/%0d%0aset-cookie:x=1\r\nx: y",
    "///elsewhere.example",
    "http:elsewhere.example",
    "/sign-out",
    "/sign-in/oidc",
]


@pytest.mark.parametrize("asked", ELSEWHERE)
def test_no_way_leads_elsewhere_after_signing_in(client: TestClient, provider: LocalProvider, asked: str) -> None:
    answer = sign_in(client, provider, "max", asked)
    path = answer.headers["refresh"].removeprefix("0; url=")
    assert path == "/" or (path.startswith("/%250d") and "x:" not in answer.headers)
    assert 'href="//' not in answer.text and "elsewhere" not in answer.text
    shown = client.get("/sign-in", params={"next": asked}).text
    ways = re.findall(r'name="next" value="([^"]*)"|id="provider" href="([^"]*)"', shown)
    assert len(ways) == 2 and not [way for way in ways if "elsewhere" in str(way) or "javascript" in str(way)]
    assert local_path(local_path(asked)) == local_path(asked)


def test_a_link_into_a_page_is_kept_on_the_way(client: TestClient, provider: LocalProvider, tiny_demo: Any) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    page = client.get(f"/leads/{lead}", params={"framework": "meddicc"}, headers=PAGE)
    assert page.url.path == "/sign-in"
    start = re.search(r'id="provider" href="([^"]+)"', page.text)
    assert start is not None
    there = client.get(start[1].replace("&amp;", "&"), follow_redirects=False)
    back = provider.grant(urlsplit(there.headers["location"]).query, "max")
    assert client.get(back).headers["refresh"] == f"0; url=/leads/{lead}?framework=meddicc"


def test_a_provider_that_is_away_is_said_so_and_asked_again(tiny_demo: Any, tmp_path: Path) -> None:
    gone = LocalProvider(PEOPLE)
    gone.close()
    with client_for(tiny_demo, tmp_path, oidc=settings(gone, seconds=1.0)) as client:
        refused(client.get("/sign-in/oidc", headers=PAGE), 502, "does not answer as it should")
        assert client.get("/sign-in").status_code == 200
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"issuer": "https://elsewhere.example"}, "issuer is not the one"),
        ({"token_endpoint": "http://elsewhere.example/token"}, "token_endpoint"),
        ({"jwks_uri": None}, "jwks_uri"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
    ],
)
def test_a_description_that_cannot_be_trusted_is_refused_until_it_can(
    client: TestClient, provider: LocalProvider, description: dict[str, Any], words: str
) -> None:
    provider.description = description
    refused(client.get("/sign-in/oidc", headers=PAGE), 502, words)
    provider.description = {}
    assert client.get("/sign-in/oidc", follow_redirects=False).status_code == 303


def test_claims_a_token_leaves_out_are_asked_for(client: TestClient, provider: LocalProvider) -> None:
    provider.thin = {"email", "email_verified", "groups"}
    assert sign_in(client, provider, "max").status_code == 200
    assert "/userinfo" in provider.asked
    assert "Sign out max@sales.example" in client.get("/", headers=PAGE).text


def test_with_a_provider_nobody_comes_in_without_signing_in(client: TestClient) -> None:
    assert client.get("/v1/worklist").status_code == 401
    assert 'id="provider"' in client.get("/sign-in").text


def test_without_a_provider_there_is_no_button_and_no_way(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        assert 'id="provider"' not in client.get("/sign-in").text
        assert client.get("/sign-in/oidc").status_code == 404
        assert client.get(CALLBACK).status_code == 404


def test_logs_name_no_person_and_no_secret(
    client: TestClient, provider: LocalProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    code = parse_qs(urlsplit(back := go(client, provider, "max")).query)["code"][0]
    client.get(back, headers=PAGE)
    client.get("/", headers=PAGE)
    sign_in(client, provider, "joe")
    logged = capsys.readouterr().err
    assert not [word for word in ("@", "elsewhere", SECRET, code) if word in logged], logged
    assert '"caller": "user-' in logged and '"reason": ' not in logged.partition("sign-in refused")[0]
    with client.app.state.app_state.store.reading() as session:
        row = session.query(AuditRow).filter_by(action="signed.in").one()
        assert (row.actor, row.subject) == ("max@sales.example", "provider")
    assert SECRET not in repr(client.app.state.app_state.settings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": ""}, "CLIENT_ID"),
        ({"groups": {}}, "no one could sign in"),
        ({"groups": {"sales": ["everything"]}}, "group 'sales': unknown scope"),
        ({"issuer": "http://id.example.com"}, "must be an https address"),
        ({"client_secret_file": Path("/nowhere/secret")}, "CLIENT_SECRET_FILE cannot be read"),
        ({"public_url": "ftp://leads.example.com"}, "PUBLIC_URL must be an https address"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(
    tiny_demo: Any, tmp_path: Path, provider: LocalProvider, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(OidcSettingsError, match=words):
        create_app(settings_for(tiny_demo, tmp_path, oidc=settings(provider, **changes)))


def test_a_secret_is_read_from_a_file_and_no_pipe_is_waited_for(tmp_path: Path, provider: LocalProvider) -> None:
    kept, pipe = tmp_path / "secret", tmp_path / "pipe"
    kept.write_text(f"{SECRET}\n")
    assert settings(provider, client_secret=None, client_secret_file=kept).secret() == SECRET
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(SECRET))  # whoever opened the pipe would be answered
    writer.start()
    try:
        with pytest.raises(OidcSettingsError, match="CLIENT_SECRET_FILE cannot be read"):
            settings(provider, client_secret_file=pipe).secret()
    finally:
        if writer.is_alive():
            pipe.read_bytes()  # to its end: a writer whose reader is gone fails
        writer.join()


def test_a_public_address_names_itself_and_needs_no_key_then(
    tiny_demo: Any, tmp_path: Path, provider: LocalProvider
) -> None:
    with pytest.raises(OidcSettingsError, match="PUBLIC_URL"):
        create_app(settings_for(tiny_demo, tmp_path, host="0.0.0.0", oidc=settings(provider)))
    named = settings(provider, public_url="https://leads.example.com/")
    with client_for(tiny_demo, tmp_path, host="0.0.0.0", oidc=named) as client:
        there = client.get("/sign-in/oidc", headers={"host": "forged.example"}, follow_redirects=False)
        asked = parse_qs(urlsplit(there.headers["location"]).query)
        assert asked["redirect_uri"] == ["https://leads.example.com" + CALLBACK]
        assert "Secure" in there.headers["set-cookie"]


def test_without_its_packages_the_start_says_what_to_install(
    tiny_demo: Any, tmp_path: Path, provider: LocalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "serving.auth.oidc_provider", raising=False)
    monkeypatch.setitem(sys.modules, "authlib.integrations.starlette_client", None)
    with pytest.raises(OidcSettingsError, match=r"leadscore\[oidc\]"):
        create_app(settings_for(tiny_demo, tmp_path, oidc=settings(provider)))


def test_the_secret_may_come_from_a_file_and_settings_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    for name, value in {
        "ISSUER": "https://id.example.com/",
        "CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        "GROUPS": '{"sales": ["read"]}',
        "SEE_ALL": '["sales"]',
    }.items():
        monkeypatch.setenv(f"LEADSCORE_SERVE_OIDC_{name}", value)
    found = OidcSettings()
    assert (found.secret(), found.groups, found.see_all) == (SECRET, {"sales": ["read"]}, ("sales",))
    assert found.discovery == "https://id.example.com/.well-known/openid-configuration"


def age_session(client: TestClient, minutes: float) -> None:
    """As if the provider had confirmed every session so long ago."""
    with client.app.state.app_state.store.writing() as session:
        for row in session.query(WebSession):
            row.confirmed_at = wall_now() - timedelta(minutes=minutes)


def test_the_provider_confirms_a_session_again_and_ends_it_when_the_group_is_gone(
    client: TestClient, provider: LocalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, provider, "max")
    home = client.get("/", headers=PAGE)
    token = re.search(r'name="token" value="([^"]+)"', home.text)
    assert token is not None and client.get("/v1/worklist").status_code == 200

    age_session(client, 20)
    asked = client.get("/short?x=1", headers=PAGE, follow_redirects=False)
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in/oidc?next=%2Fshort%3Fx%3D1")
    assert client.get("/v1/worklist").status_code == 401
    sent = ("/v1/champion/rollback", {"x-form-token": token[1]})
    assert client.post(sent[0], headers=sent[1]).status_code == 403, "a form that was open may still be sent"
    age_session(client, 31)
    assert client.post(sent[0], headers=sent[1]).status_code == 401

    sign_in(client, provider, "max")
    refused(sign_in(TestClient(client.app, base_url="http://127.0.0.1:8000"), provider, "fay"), 403, "not verified")
    assert client.get("/v1/worklist").status_code == 200, "somebody else's unverified address ended the session"
    age_session(client, 20)
    monkeypatch.setitem(PEOPLE, "max", person("max@sales.example", "football"))
    refused(sign_in(client, provider, "max"), 403, "None of your groups")
    with client.app.state.app_state.store.reading() as session:
        assert session.query(WebSession).count() == 0
    assert client.get("/", headers=PAGE).url.path == "/sign-in"


def test_a_group_that_is_no_longer_mapped_ends_its_sessions(
    tiny_demo: Any, tmp_path: Path, provider: LocalProvider
) -> None:
    def status_under(**changes: Any) -> int:
        with client_for(tiny_demo, tmp_path, oidc=settings(provider, **changes)) as later:
            later.cookies.set(SESSION, cookie)
            return int(later.get("/v1/worklist").status_code)

    with client_for(tiny_demo, tmp_path, oidc=settings(provider)) as client:
        sign_in(client, provider, "max")
        cookie = client.cookies[SESSION]
        assert client.get("/v1/worklist").status_code == 200
    assert status_under() == 200
    for changes in (
        {"groups": {"sales": ["read"]}},
        {"groups": {"managers": ["admin"]}},
        {"see_all": ()},
    ):
        with client_for(tiny_demo, tmp_path, oidc=settings(provider)) as client:
            sign_in(client, provider, "max")
            cookie = client.cookies[SESSION]
        assert status_under(**changes) == 401, changes
        assert status_under() == 401, "it has ended"


def test_a_session_ends_with_its_key_however_that_goes(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        store = client.app.state.app_state.store
        for end in (
            lambda token: revoke_key(store, token[:10]),
            lambda _: change(store, update(ApiKey).values(revoked_at=wall_now())),
            lambda _: change(store, delete(ApiKey).where(ApiKey.name == "rep")),
        ):
            token = create_key(store, "rep", ["read"])
            client.app.state.callers.forget()
            cookie = start_session(store, token, 1.0)
            assert cookie is not None
            client.cookies.set(SESSION, cookie)
            assert client.get("/v1/worklist").status_code == 200
            end(token)
            assert client.get("/v1/worklist").status_code == 401
            create_key(store, "other", ["read"])


def change(store: Any, statement: Any) -> None:
    with store.writing() as session:
        session.execute(statement)
