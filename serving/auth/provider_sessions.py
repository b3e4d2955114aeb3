"""Sessions of people who came through the identity provider: they end when the group that let them in does.

No token of the provider is kept, so nothing can be asked behind a person's back: instead the browser is sent to the
provider again after a while. Whoever still belongs to the group comes back without noticing; nobody else comes back.
"""

from datetime import timedelta

from sqlalchemy import delete

from serving.auth.api_keys import PROVIDER, store_session
from serving.auth.oidc_claims import Person, sees_all
from serving.oidc_settings import OidcSettings
from serving.scopes import scopes_of
from serving.store.audit_trail import record_action
from serving.store.engine import Store
from serving.store.tables import WebSession
from serving.store.wall_clock import wall_now


def open_session(store: Store, person: Person, hours: float) -> str:
    """Start a session for a person whom the identity provider vouches for; returns the cookie."""
    with store.writing() as session:
        row = WebSession(key_id=None, name=person.name, scopes=list(person.scopes), owner=person.owner)
        row.groups, row.confirmed_at = list(person.groups), wall_now()
        return store_session(session, row, hours, PROVIDER)


def end_sessions(store: Store, name: str) -> None:
    """End all sessions of a person whom the provider does not vouch for any more."""
    with store.writing() as session:
        theirs = delete(WebSession).where(WebSession.key_id.is_(None), WebSession.name == name)
        ended = len(session.scalars(theirs.returning(WebSession.hash)).all())
        if ended:
            record_action(session, name, "signed.out", PROVIDER, {"why": "not let in any more", "sessions": ended})


def is_granted(row: WebSession, settings: OidcSettings) -> bool:
    """Whether today's settings still give the session what it was given; False ends it."""
    groups = [group for group in row.groups or () if group in settings.groups]
    if not settings.on or not groups:
        return False
    scopes = scopes_of([name for group in groups for name in settings.groups[group]])
    return scopes == row.scopes and sees_all(groups, scopes, settings) == (row.owner is None)


def must_confirm(row: WebSession, settings: OidcSettings, *, reading: bool) -> bool:
    """Whether the provider must be asked again before this request; a form that was open has as long again."""
    if row.confirmed_at is None:
        return True
    minutes = settings.confirm_minutes * (1 if reading else 2)
    return wall_now() - row.confirmed_at > timedelta(minutes=minutes)
