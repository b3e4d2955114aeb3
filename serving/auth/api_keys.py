"""API keys and browser sessions: only hashes are stored."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from serving.problems import InvalidError, NotFoundError
from serving.scopes import Scope, scopes_of
from serving.store.audit_trail import record_action
from serving.store.engine import Store
from serving.store.tables import ApiKey, WebSession
from serving.store.wall_clock import wall_now

PREFIX = "lsk_"
PROVIDER = "provider"  # by which somebody signs in, in place of a key


_PERSON = "person:"  # identities that a provider vouches for
_OWNERS = frozenset(Scope) - {Scope.ADMIN}  # what a key of one owner may at most: an admin's work is about everybody


@dataclass(frozen=True)
class Caller:
    """Who sent a request; ``owner`` limits what they see to the leads of one owner.

    ``identity`` says whose uploads and idempotency keys these are: several keys may have one name.
    """

    name: str
    scopes: frozenset[str]
    owner: str | None = None
    via: str = "key"  # key, session or local
    identity: str = "local"

    @property
    def log_name(self) -> str:
        """The name as logs show it: of people, by address or from the identity provider, a short hash."""
        if "@" not in self.name and not self.identity.startswith(_PERSON):
            return self.name
        return f"user-{digest(self.name)[:10]}"

    def sign(self, author: str | None) -> str:
        """Who is noted as the author of what the caller sends: a program may send what others said, people and keys of
        one owner sign with their own name.

        Raises
        ------
        InvalidError : it is somebody else's
        """
        speaks_for_others = self.owner is None and self.via != "session"
        if author is None or author in (self.name, self.owner) or speaks_for_others:
            return author or self.name
        raise InvalidError(f"author: you are {self.name}, and sign as nobody else; leave it out.")

    def may(self, scope: Scope) -> bool:
        """Whether the caller has a scope; admin has all."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


LOCAL = Caller("local", frozenset(Scope), via="local")


def digest(token: str) -> str:
    """SHA-256 of a token; tokens are 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_key(store: Store, name: str, scopes: list[str], owner: str | None = None, by: str = "cli") -> str:
    """Create a key and return it; it cannot be shown again.

    Raises
    ------
    InvalidError : an unknown scope, or admin for the leads of one owner
    """
    token = PREFIX + secrets.token_urlsafe(32)
    chosen = scopes_of(scopes)
    if owner is not None and Scope.ADMIN in chosen:
        raise InvalidError(
            "a key with the scope admin decides for all owners and sees the leads of all; leave out the owner, or give "
            f"it {', '.join(scope for scope in Scope if scope in _OWNERS)}."
        )
    with store.writing() as session:
        key = ApiKey(prefix=token[:10], hash=digest(token), name=name, scopes=chosen, owner=owner)
        key.created_at = wall_now()
        session.add(key)
        record_action(session, by, "key.created", name, {"scopes": chosen})
    return token


def list_keys(store: Store) -> list[ApiKey]:
    """All keys, including revoked ones."""
    with store.reading() as session:
        return list(session.scalars(select(ApiKey).order_by(ApiKey.id)))


def revoke_key(store: Store, prefix: str, by: str = "cli") -> str:
    """Revoke a key by its prefix, and end its sessions; returns its name."""
    with store.writing() as session:
        keys = list(session.scalars(select(ApiKey).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))))
        if len(keys) != 1:
            raise NotFoundError(f"{len(keys)} keys in use begin with '{prefix}'; 'leadscore keys list' shows them.")
        keys[0].revoked_at = wall_now()
        mine = delete(WebSession).where(WebSession.key_id == keys[0].id)
        ended = len(session.scalars(mine.returning(WebSession.hash)).all())
        record_action(session, by, "key.revoked", keys[0].name, {"sessions": ended} if ended else {})
        return keys[0].name


def has_keys(store: Store) -> bool:
    """Whether any key was ever created: from then on the server asks for one."""
    with store.reading() as session:
        return bool(session.scalar(select(func.count()).select_from(ApiKey)))


def find_caller_by_key(store: Store, token: str) -> Caller | None:
    """The caller of a key, None if it is not valid."""
    with store.reading() as session:
        key = session.scalar(select(ApiKey).where(ApiKey.hash == digest(token), ApiKey.revoked_at.is_(None)))
    return (
        None if key is None else Caller(key.name, granted_scopes(key), key.owner, identity=_identity(key.id, key.name))
    )


def start_session(store: Store, token: str, hours: float) -> str | None:
    """Sign a browser in with a key; returns the cookie, or None if the key is not valid."""
    with store.writing() as session:
        key = session.scalar(select(ApiKey).where(ApiKey.hash == digest(token), ApiKey.revoked_at.is_(None)))
        if key is None:
            return None
        row = WebSession(key_id=key.id, name=key.name, scopes=key.scopes, owner=key.owner)
        return store_session(session, row, hours, key.prefix)


def store_session(session: Session, row: WebSession, hours: float, by: str) -> str:
    """Store a session under a new cookie and delete the expired ones."""
    cookie = secrets.token_urlsafe(32)
    now = wall_now()
    session.execute(delete(WebSession).where(WebSession.expires_at < now))
    row.hash, row.created_at, row.expires_at = digest(cookie), now, now + timedelta(hours=hours)
    session.add(row)
    record_action(session, row.name, "signed.in", by)
    return cookie


def find_session(store: Store, cookie: str) -> WebSession | None:
    """The session of a cookie, None if there is none, it has expired, or its key was revoked or removed."""
    with store.reading() as session:
        row = session.get(WebSession, digest(cookie))
        if row is None or row.expires_at < wall_now():
            return None
        if row.key_id is not None:
            key = session.get(ApiKey, row.key_id)
            if key is None or key.revoked_at is not None:
                return None
    return row


def session_caller(row: WebSession) -> Caller:
    """The caller of a session."""
    identity = _identity(row.key_id, row.name)
    return Caller(row.name, granted_scopes(row), row.owner, via="session", identity=identity)


def granted_scopes(row: ApiKey | WebSession) -> frozenset[str]:
    """What a key or session may: of one owner's that was once created with admin, the rest of what that covers."""
    if row.owner is not None and Scope.ADMIN in row.scopes:
        return frozenset(_OWNERS)
    return frozenset(row.scopes)


def _identity(key_id: int | None, name: str) -> str:
    """A key by its number; a person by the name the identity provider vouches for."""
    return f"{_PERSON}{digest(name)}" if key_id is None else f"key:{key_id}"


def end_session(store: Store, cookie: str) -> None:
    """Sign out."""
    with store.writing() as session:
        row, now = session.get(WebSession, digest(cookie)), wall_now()
        if row is None or row.expires_at < now:
            return
        row.expires_at = now
        key = None if row.key_id is None else session.get(ApiKey, row.key_id)
        record_action(session, row.name, "signed.out", PROVIDER if key is None else key.prefix)


def form_token(cookie: str, secret: bytes) -> str:
    """The token that forms of a browser's session carry: other sites cannot know it."""
    return hmac.new(secret, cookie.encode(), hashlib.sha256).hexdigest()


def is_form_token_valid(cookie: str, secret: bytes, token: str) -> bool:
    """Whether a form's token belongs to the session."""
    return hmac.compare_digest(form_token(cookie, secret).encode(), token.encode("utf-8", "surrogatepass"))


def sign_note(text: str, secret: bytes) -> str:
    """A text for a cookie that only the server can have written; no form's token is its signature.

    >>> read_note(sign_note("why", b"secret"), b"secret"), read_note("00.d2h5", b"secret")
    ('why', '')
    """
    note = base64.urlsafe_b64encode(text.encode()).decode()
    return f"{_note_mark(note, secret)}.{note}"


def read_note(cookie: str, secret: bytes) -> str:
    """The text of a signed cookie; empty where somebody else wrote it."""
    mark, _, note = cookie.partition(".")
    if not hmac.compare_digest(_note_mark(note, secret).encode(), mark.encode("utf-8", "surrogatepass")):
        return ""
    return base64.urlsafe_b64decode(note).decode()


def _note_mark(note: str, secret: bytes) -> str:
    key = hmac.new(secret, b"note", hashlib.sha256).digest()
    return hmac.new(key, note.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
