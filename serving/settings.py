"""Settings of the server, read from the environment (``LEADSCORE_SERVE_*``) when it starts, never at import."""

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.outbound.networks import IPNetwork
from serving.oidc_settings import OidcSettings
from serving.store.trail_links import AUDIT_DAYS


class ServeSettings(BaseSettings):
    """Everything an operator may set; the defaults are safe on one machine.

    ``clock``: ``wall`` dates new rows as of now, ``data`` right after the data's cut-off;
    ``auto`` is ``wall`` while the cut-off is at most ``fresh_days`` old, else ``data``.
    """

    model_config = SettingsConfigDict(env_prefix="LEADSCORE_SERVE_", frozen=True, extra="ignore")

    source: str = "demo"
    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    bundle: str = Field(
        default="champion",
        description="'champion' (the pointer file), 'registry' (MLflow's alias), or a bundle directory",
    )
    registry_seconds: float = Field(default=15.0, gt=0, description="seconds between looks at the registry's alias")
    store_url: str | None = Field(default=None, description="SQLAlchemy URL; default: SQLite below the data directory")
    state_dir: Path | None = Field(
        default=None, description="the server's own files; default: 'serving' beside the source's other data"
    )
    framework: str | None = Field(default=None, description="framework of the pages; default: the source's")
    language: Literal["en", "ko", "pl"] = Field(
        default="en", description="language of the pages, until a reader chooses another"
    )
    clock: Literal["auto", "wall", "data"] = "auto"
    fresh_days: float = Field(default=7.0, gt=0)
    watch_seconds: float = Field(default=2.0, gt=0, description="seconds between looks at the champion pointer")
    body_limit_bytes: int = Field(default=4_000_000, gt=0)
    upload_limit_bytes: int = Field(default=50_000_000, gt=0)
    upload_unpacked_mib: int = Field(default=1024, gt=0, description="MiB that an uploaded file may unpack to")
    upload_rows: int = Field(default=1_000_000, gt=0, description="rows of an uploaded file")
    upload_columns: int = Field(default=2_048, gt=0, description="columns of an uploaded file")
    upload_memory_mib: int = Field(default=2048, gt=0, description="MiB of memory to read an uploaded file in")
    upload_seconds: float = Field(default=120.0, gt=0, description="seconds to read an uploaded file in")
    first_run: Literal["unserved", "always", "never"] = Field(
        default="unserved",
        description="whether administrators may load files and run in the browser: while no model is served, always, "
        "or never",
    )
    upload_rows_here: int = Field(
        default=2_000,
        ge=0,
        description="rows of an upload that are scored by the server; more by a process of their own",
    )
    upload_score_seconds: float = Field(default=3_600.0, gt=0, description="seconds for that process")
    own_code: bool = Field(
        default=False,
        description="whether the server may import the functions that 'features:' of the declaration names",
    )
    upload_readers: int = Field(default=3, gt=0, description="uploaded files read and scored at a time")
    request_seconds: float = Field(default=30.0, gt=0)
    rate_per_second: float = Field(default=300.0, gt=0, description="per key, or per address without one")
    rate_burst: int = Field(default=600, gt=0)
    session_hours: float = Field(default=10.0, gt=0)
    secure_cookies: bool = Field(default=False, description="set behind TLS: cookies are sent over https only")
    allowed_hosts: tuple[str, ...] = Field(default=(), description="further host names the server answers to")
    record_link: str | None = Field(
        default=None, description="display column that holds the link to the CRM record; default: the first *_url"
    )
    webhook_networks: tuple[str, ...] = Field(
        default=(),
        description="networks inside which webhooks may go, e.g. 10.1.0.0/16; all other private ones are refused",
    )
    background: bool = Field(default=True, description="watch the champion, deliver webhooks and score uploads")
    oidc: OidcSettings = Field(default_factory=OidcSettings, description="sign-in through an OpenID Connect provider")

    posted_days: float = Field(
        default=0.0,
        ge=0,
        description="days that posted answers, activities, notes stay; 0: for good, as ingest reads them",
    )
    score_days: float = Field(default=400.0, ge=0, description="days that served scores stay")
    idempotency_days: float = Field(default=7.0, ge=0, description="days that answers to idempotency keys stay")
    upload_days: float = Field(default=30.0, ge=0, description="days that uploads and their results stay")
    message_days: float = Field(default=30.0, ge=0, description="days that delivered messages and dead letters stay")
    audit_days: float = Field(default=AUDIT_DAYS, ge=0, description="days that the audit trail goes back")
    audit_views: bool = Field(default=True, description="the audit trail tells who saw what, not only who changed what")
    data_days: float = Field(default=0.0, ge=0, description="age of the data from which health is degraded; 0: never")
    lock_minutes: float = Field(default=60.0, gt=0, description="minutes a run may hold the lock before health tells")
    upkeep_seconds: float = Field(default=3_600.0, gt=0, description="seconds between looks at what is too old to keep")

    proxies: tuple[str, ...] = Field(
        default=(), description="networks of reverse proxies whose X-Forwarded-For is believed, e.g. 10.0.0.5/32"
    )

    @field_validator("webhook_networks", "proxies")
    @classmethod
    def _are_networks(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            ipaddress.ip_network(text)
        return texts

    @property
    def networks(self) -> tuple[IPNetwork, ...]:
        """The networks inside which webhooks may go."""
        return tuple(ipaddress.ip_network(text) for text in self.webhook_networks)

    @property
    def proxy_networks(self) -> tuple[IPNetwork, ...]:
        """The networks whose forwarded addresses are believed."""
        return tuple(ipaddress.ip_network(text) for text in self.proxies)

    @property
    def follows_pointer(self) -> bool:
        """Whether the champion pointer says which bundle scores; a followed registry moves the pointer."""
        return self.bundle in ("champion", "registry")

    @property
    def public(self) -> bool:
        """Whether the address can be reached from other machines."""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"

    @property
    def only_https(self) -> bool:
        """Whether cookies are kept off plain http."""
        return self.secure_cookies or (self.oidc.public_url or "").startswith("https://")

    @property
    def hosts(self) -> frozenset[str]:
        """Host names the server answers to; ``*`` answers to all (public addresses behind a proxy)."""
        wildcard = {"*"} if self.public and not self.allowed_hosts else set()
        return frozenset({"127.0.0.1", "localhost", "::1", self.host, *self.allowed_hosts, *wildcard})
