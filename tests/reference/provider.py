"""A small OpenID Connect provider on a loopback port: discovery, keys, authorisation code with PKCE, tokens, user info.

It keeps to the specification (codes count once, the verifier must fit the challenge, clients show their secret) until a
test tells it otherwise through ``claims``, ``header``, ``description``, ``signer`` or ``lenient``.
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "leadscore-test", "a secret of the test"


class LocalProvider:
    """The provider; ``people`` are claims by user name."""

    def __init__(self, people: dict[str, dict[str, Any]], host: str = "127.0.0.1") -> None:
        self.people = people
        self.signer = self.key = RSAKey.generate_key(2048, parameters={"kid": "one"})
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.description: dict[str, Any] = {}
        self.thin: set[str] = set()  # claims that only the user info address hands out
        self.lenient = False
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, str] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://{host}:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Be gone."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def behave(self) -> None:
        """Forget all mischief."""
        self.signer, self.claims, self.description, self.thin, self.lenient = self.key, {}, {}, set(), False
        self.header = {"alg": "RS256", "kid": "one"}

    def describe(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            **self.description,
        }

    def grant(self, query: str, user: str) -> str:
        """Where the browser goes after ``user`` agreed: back, with a code."""
        asked = dict(parse_qsl(query))
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "user": user}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def exchange(self, form: dict[str, str], basic: str) -> tuple[int, dict[str, Any]]:
        """A code for tokens."""
        asked = self.codes.get(form.get("code", "")) if self.lenient else self.codes.pop(form.get("code", ""), None)
        mac = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(mac).decode().rstrip("=")
        if basic != f"{CLIENT}:{SECRET}":
            return 401, {"error": "invalid_client"}
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        self.tokens[access] = asked["user"]
        token = self.token(asked["user"], asked["nonce"])
        return 200, {"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": token}

    def token(self, user: str, nonce: str) -> str:
        """A signed identity token; claims of None are left out."""
        now = int(time.time())
        person = {name: value for name, value in self.people[user].items() if name not in self.thin}
        base = {"iss": self.issuer, "aud": CLIENT, "sub": user, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {name: value for name, value in {**base, **person, **self.claims}.items() if value is not None}
        return str(jwt.encode(self.header, claims, self.signer, algorithms=["RS256", "HS256"]))


def _handler(provider: LocalProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            asked = dict(parse_qsl(parts.query))
            if parts.path == "/.well-known/openid-configuration":
                self.answer(200, provider.describe())
            elif parts.path == "/keys":
                self.answer(200, {"keys": [provider.key.as_dict(private=False)]})
            elif parts.path == "/favicon.ico":  # browsers ask by themselves, sooner or later
                self.send(204, b"", "image/x-icon")
            elif parts.path == "/userinfo":
                user = provider.tokens.get(self.headers.get("authorization", "").removeprefix("Bearer "))
                self.answer(200, {"sub": user, **provider.people[user]}) if user else self.answer(401, {})
            elif parts.path == "/authorize" and "user" in asked:
                self.send_response(302)
                self.send_header("location", provider.grant(parts.query, asked["user"]))
                self.end_headers()
            elif parts.path == "/authorize":
                hidden = "".join(
                    f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in asked.items()
                )
                buttons = "".join(f'<button name="user" value="{name}">{name}</button>' for name in provider.people)
                page = f'<!doctype html><html lang="en"><title>Provider</title><form>{hidden}{buttons}</form></html>'
                self.send(200, page.encode(), "text/html; charset=utf-8")
            else:
                self.send(404, b"", "text/plain")

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            basic = base64.b64decode(self.headers.get("authorization", "Basic ").partition(" ")[2]).decode()
            self.answer(*provider.exchange(form, unquote(basic)))

        def answer(self, status: int, body: dict[str, Any]) -> None:
            self.send(status, json.dumps(body).encode(), "application/json")

        def send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    return Handler
