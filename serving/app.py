"""The application's factory, kept small: what it is made of is imported within, while nothing searches for garbage."""

from typing import TYPE_CHECKING

from serving.garbage import collection_off, leave_out

if TYPE_CHECKING:
    from fastapi import FastAPI

    from serving.settings import ServeSettings


def create_app(settings: "ServeSettings | None" = None) -> "FastAPI":
    """The application, ready to be served; settings come from the environment unless given.

    Raises
    ------
    UnprotectedServerError : a public address without an API key
    OidcSettingsError : sign-in through a provider that cannot work as configured
    """
    with collection_off():
        from serving.build_app import build_app

        app = build_app(settings)
        if app.state.app_state.settings.background:  # without, nothing would look at it again
            leave_out()
    return app
