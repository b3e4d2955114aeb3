"""Sign-in through an OpenID Connect provider: authorization code with PKCE, state and nonce, by authlib.

What authlib leaves to its caller is checked here: the issuer of the provider's own description, addresses that are
not https, algorithms without a key of the provider's, and the audience of a token.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from authlib.integrations.starlette_client import OAuth, OAuthError
from httpx2 import HTTPError, InvalidURL
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc.errors import JoseError
from starlette.requests import Request

from serving.logs import logger
from serving.oidc_settings import SIGN_IN_SECONDS, OidcSettings, safe_address
from serving.problems import ProviderError, SignInRefusedError

_NAME = "oidc"
_KEYS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "_loaded_at")
_AUTH = ("token_endpoint_auth_methods_supported",)
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_AGAIN = "Start again at /sign-in."
_LEEWAY_SECONDS = 60  # between the provider's clock and ours


class OidcProvider:
    """The identity provider; it is contacted when the first person signs in."""

    def __init__(self, settings: OidcSettings, secret: bytes) -> None:
        self.settings = settings
        self.seal = URLSafeTimedSerializer(
            secret, salt="leadscore.sign-in", signer_kwargs={"digest_method": hashlib.sha256}
        )

        self.client = OAuth().register(
            _NAME,
            client_id=settings.client_id,
            client_secret=settings.secret(),
            server_metadata_url=settings.discovery,
            client_kwargs={
                "scope": settings.scope,
                "code_challenge_method": "S256",
                "timeout": settings.seconds,
                "leeway": 0,
                "token_endpoint_auth_method": "none" if settings.secret() is None else "client_secret_basic",
            },
        )

    async def begin(self, request: Request, back: str, path: str) -> tuple[str, str]:
        """Address to send the browser to, and the sealed note its cookie carries until it comes ``back``."""
        await self._load_description()
        made = await self.client.create_authorization_url(back)
        note = {name: made[name] for name in ("state", "nonce", "code_verifier")} | {"redirect_uri": back, "path": path}
        return str(made["url"]), str(self.seal.dumps(note))

    def note(self, request: Request, sealed: str) -> dict[str, str]:
        """What was noted when this browser began to sign in; SignInRefusedError without it, or for another sign-in."""
        try:
            note: dict[str, str] = self.seal.loads(sealed, max_age=SIGN_IN_SECONDS)
        except BadSignature as problem:
            _log_refusal(request, "no sign-in under way")
            raise SignInRefusedError(
                f"No sign-in is under way in this browser, or it took too long. {_AGAIN}"
            ) from problem
        given = request.query_params.get("state", "")
        if not hmac.compare_digest(note["state"].encode(), given.encode()):
            _log_refusal(request, "state")
            raise SignInRefusedError(f"This answer belongs to another sign-in. {_AGAIN}")
        return note

    async def finish(self, request: Request, note: Mapping[str, str]) -> dict[str, Any]:
        """Exchange the code, check the token and return the claims.

        Raises
        ------
        SignInRefusedError : the provider said no, or its token is not for this server and this sign-in
        ProviderError : it cannot be reached, or its answer cannot be trusted
        """
        await self._load_description()

        state = note["state"]
        kept = {name: note[name] for name in ("nonce", "code_verifier", "redirect_uri")}
        request.scope["session"] = {}
        await self.client.framework.set_state_data(request.session, state, kept)

        options = {
            "iss": {"essential": True, "values": [self.client.server_metadata["issuer"]]},
            "aud": {"essential": True, "values": [self.settings.client_id]},
        }

        try:
            token = await self.client.authorize_access_token(request, claims_options=options, leeway=_LEEWAY_SECONDS)
            claims = dict(token.get("userinfo") or {})
            if not claims:
                raise SignInRefusedError(f"The provider sent no identity token. {_AGAIN}")
            return claims | await self._read_userinfo(token, claims)
        except OAuthError as problem:
            _log_refusal(request, "refused by the provider")
            raise SignInRefusedError(f"The provider did not sign you in. {_AGAIN}") from problem
        except JoseError as problem:
            claim = getattr(problem, "claim", "")
            _log_refusal(request, f"{type(problem).__name__} {claim}".strip())
            raise SignInRefusedError(
                f"The provider's token is not accepted: {_token_problem(problem)}. {_AGAIN}"
            ) from problem
        except (HTTPError, InvalidURL, ValueError, TypeError, KeyError, RuntimeError) as problem:
            raise _provider_failure(problem) from problem

    async def _read_userinfo(self, token: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """Claims the token leaves out, where the provider has an address for them."""
        wanted = {"email", self.settings.groups_claim.partition(".")[0], self.settings.owner_claim}
        if not wanted - set(claims) or "userinfo_endpoint" not in self.client.server_metadata:
            return {}
        found = dict(await self.client.userinfo(token=token))
        if found.get("sub") != claims["sub"]:
            raise SignInRefusedError(f"The provider's answers describe two different people. {_AGAIN}")
        return {name: value for name, value in found.items() if name not in claims}

    async def _load_description(self) -> None:
        """Read the provider's description once, and keep only the parts that are needed and allowed."""
        if "_loaded_at" in self.client.server_metadata:
            return
        try:
            found = dict(await self.client.load_server_metadata())
            self.client.server_metadata = _check_description(found, str(self.settings.issuer))
            methods = found.get(_AUTH[0]) or ["client_secret_basic"]
            if self.settings.secret() is not None and "client_secret_basic" not in methods:
                self.client.client_kwargs["token_endpoint_auth_method"] = "client_secret_post"  # noqa: S105  a name
        except (HTTPError, InvalidURL, ValueError, TypeError) as problem:
            self.client.server_metadata = {}
            raise _provider_failure(problem) from problem
        except ProviderError:
            self.client.server_metadata = {}
            raise


def _check_description(found: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """Addresses and algorithms of a description; ProviderError if they cannot be trusted."""
    if str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        raise ProviderError("The provider's issuer is not the one in LEADSCORE_SERVE_OIDC_ISSUER.")
    kept = {name: found[name] for name in _KEYS if found.get(name)}
    lost = [name for name in _KEYS[1:4] if name not in kept]
    unsafe = [name for name in _KEYS[1:5] if name in kept and not safe_address(str(kept[name]))]
    if lost or unsafe:
        raise ProviderError(f"The provider's description is not usable: {', '.join(lost or unsafe)}.")
    offered = found.get("id_token_signing_alg_values_supported") or ["RS256"]
    kept["id_token_signing_alg_values_supported"] = [name for name in _ALGORITHMS if name in offered] or ["RS256"]
    return kept


def _token_problem(problem: Exception) -> str:
    """What is wrong with a token, without its contents."""
    claim = getattr(problem, "claim", "")
    kind = type(problem).__name__
    if kind == "ExpiredTokenError":
        return "it has expired"
    if kind in ("InvalidClaimError", "MissingClaimError") and claim:
        return f"its '{claim}' is not the one expected"
    return "its signature or form does not fit"


def _provider_failure(problem: Exception) -> ProviderError:
    logger().warning("identity provider failed", kind=type(problem).__name__)
    return ProviderError("The identity provider does not answer as it should; try again, or sign in with an API key.")


def _log_refusal(request: Request, reason: str) -> None:
    request_id = str(getattr(request.state, "request_id", ""))
    logger().warning("sign-in refused", request_id=request_id, reason=reason)
