"""Settings of sign-in through an OpenID Connect provider (``LEADSCORE_SERVE_OIDC_*``); without an issuer it is off."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.regular_files import read_regular_text
from serving.problems import InvalidError, OidcSettingsError
from serving.scopes import scopes_of

CALLBACK = "/sign-in/oidc/callback"
SIGN_IN_SECONDS = 600  # a person has to come back from the provider, second factor included


class OidcSettings(BaseSettings):
    """Who the provider is, and what its claims mean here.

    ``groups`` maps a value of the groups claim to scopes; a person in none of them is refused. People see the leads of
    the owner that ``owner_claim`` names, unless one of their groups is listed in ``see_all`` or gives ``admin``.
    """

    model_config = SettingsConfigDict(env_prefix="LEADSCORE_SERVE_OIDC_", frozen=True, extra="ignore")

    issuer: str | None = Field(default=None, description="the provider's address, exactly as in its tokens")
    client_id: str = ""
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = Field(default=None, description="file that holds the secret")
    name: str = Field(default="your company account", description="what the button on the sign-in page says")
    scope: str = Field(default="openid email profile", description="what the provider is asked for")
    groups_claim: str = Field(default="groups", description="a dotted path is looked up: realm_access.roles")
    groups: dict[str, list[str]] = Field(default={}, description='scopes by group: {"sales": ["read", "feedback"]}')
    owner_claim: str = "email"
    owners: dict[str, str] = Field(default={}, description="owner in the data by value of the claim, if they differ")
    see_all: tuple[str, ...] = Field(default=(), description="groups that see the leads of all owners")
    domains: tuple[str, ...] = Field(default=(), description="mail domains that may sign in; none: all")
    verified_only: bool = Field(default=True, description="refuse addresses the provider does not call verified")
    confirm_minutes: float = Field(
        default=15.0, gt=0, description="minutes after which the provider is asked again whether a person may be here"
    )
    public_url: str | None = Field(default=None, description="this server's address as browsers see it")
    seconds: float = Field(default=5.0, gt=0, description="how long the provider may take to answer")

    @property
    def on(self) -> bool:
        """Whether people can sign in through a provider."""
        return self.issuer is not None

    @property
    def discovery(self) -> str:
        """Address of the provider's own description."""
        return f"{(self.issuer or '').rstrip('/')}/.well-known/openid-configuration"

    def secret(self) -> str | None:
        """The client's secret, from the settings or its file; None for a public client."""
        if self.client_secret_file is not None:
            try:
                return read_regular_text(self.client_secret_file).strip()
            except (OSError, UnicodeDecodeError) as problem:
                raise OidcSettingsError(
                    f"LEADSCORE_SERVE_OIDC_CLIENT_SECRET_FILE cannot be read: {type(problem).__name__}."
                ) from problem
        return None if self.client_secret is None else self.client_secret.get_secret_value()

    def check(self, *, public: bool) -> None:
        """Refuse settings that would let no one in or send secrets in the clear; the OidcSettingsError says which.

        Parameters
        ----------
        public : whether the server's address can be reached from other machines
        """
        if not self.on:
            return

        if not self.client_id:
            raise OidcSettingsError("LEADSCORE_SERVE_OIDC_ISSUER is set but LEADSCORE_SERVE_OIDC_CLIENT_ID is not.")
        if not self.groups:
            raise OidcSettingsError(
                "LEADSCORE_SERVE_OIDC_GROUPS is empty, so no one could sign in; "
                'give scopes by group: {"sales": ["read", "feedback"]}.'
            )

        for group, names in self.groups.items():
            try:
                scopes_of(names)
            except InvalidError as problem:
                raise OidcSettingsError(f"LEADSCORE_SERVE_OIDC_GROUPS, group '{group}': {problem.message}") from problem

        for name, url in (("ISSUER", self.issuer), ("PUBLIC_URL", self.public_url)):
            if url is not None and not safe_address(url):
                raise OidcSettingsError(
                    f"LEADSCORE_SERVE_OIDC_{name} must be an https address (http on loopback only)."
                )

        if public and self.public_url is None:
            raise OidcSettingsError(
                "The server can be reached from other machines: set LEADSCORE_SERVE_OIDC_PUBLIC_URL to the address "
                f"that browsers use; the provider sends them back to <that address>{CALLBACK}."
            )


def safe_address(url: str) -> bool:
    """Whether an address is https, or http on this machine.

    >>> safe_address("https://id.example.com"), safe_address("http://127.0.0.1:9"), safe_address("http://id.example.com")
    (True, True, False)
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return parts.scheme == "http" and local
