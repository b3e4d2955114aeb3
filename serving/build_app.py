"""The application: API and pages around one shared state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import FastAPI

from pipelines.workspace.context import open_context
from serving.api.openapi import RESPONSES, extend_openapi
from serving.api.routes import (
    accounts,
    admin,
    exports,
    fields,
    health,
    leads,
    results,
    rubrics,
    scores,
    uploads,
    worklist,
    writes,
)
from serving.auth.api_keys import has_keys
from serving.auth.dependencies import CallerLookup, identify_caller
from serving.background import BackgroundThreads
from serving.first_run.attempt import AttemptFolder
from serving.first_run.carried_state import carry_state
from serving.first_run.first_run import FirstRun, load_served
from serving.health.watch import HealthWatch
from serving.metrics import Metrics
from serving.middleware import LimitsMiddleware
from serving.pages.late_pages import LatePages
from serving.pages.problem_pages import answer_with_pages
from serving.problems import OidcSettingsError, UnprotectedServerError
from serving.settings import ServeSettings
from serving.state.app_state import AppState
from serving.store.view_log import ViewLog

_THREADS = 8  # scoring holds the interpreter lock most of the time: more threads would only queue for it


def build_app(settings: ServeSettings | None) -> FastAPI:
    """The application of :func:`serving.app.create_app`, which raises the same."""
    settings = settings or ServeSettings()
    instead = load_served(AttemptFolder(settings.data_dir), settings.source)
    started_with = settings.source
    if instead is not None:
        settings = settings.model_copy(update={"source": str(instead)})
    app_state = AppState(settings)
    settings.oidc.check(public=settings.public)
    if settings.public and not settings.oidc.on and not has_keys(app_state.store):
        raise UnprotectedServerError(
            f"{settings.host} can be reached from other machines and no API key exists. Create one with "
            f"'leadscore keys create --source {settings.source} --scope read --scope score', or serve on 127.0.0.1."
        )

    if settings.bundle == "registry":
        from serving.state.registry_follower import follow

        follow(app_state)
    app_state.load()

    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        app.state.background.start()
        yield
        app.state.first_run.close()
        app.state.background.stop()
        app.state.app_state.store.close()

    app = FastAPI(
        title="leadscore",
        version=version("leadscore"),
        description="Scores that say why: points add up to the score, each with the facts behind it.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses=RESPONSES,
        lifespan=lifespan,
    )

    app.state.metrics, app.state.identify = metrics, identify_caller
    app.state.first_run = FirstRun(app_state, started_with, lambda declaration: _serve_instead(app, declaration))
    app.state.late_pages = LatePages(app)
    _attach(app, app_state)

    modules = (health, scores, leads, accounts, writes, fields, worklist, exports, results, rubrics, uploads, admin)
    for module in modules:
        app.include_router(module.router)
    answer_with_pages(app, app.state.late_pages)
    if not settings.background:
        app.state.late_pages.put_together()
    extend_openapi(app)
    app.add_middleware(LimitsMiddleware, settings=settings, metrics=metrics)
    return app


def _attach(app: FastAPI, app_state: AppState) -> None:
    """Make a state the one that requests and background work from here on."""
    view_log = ViewLog(app_state.store)
    health_watch = HealthWatch(app_state)
    app.state.views, app.state.health = view_log, health_watch
    app.state.background = BackgroundThreads(
        app_state, app.state.metrics, view_log, health_watch, put_pages_together=app.state.late_pages.put_together
    )
    app.state.provider = _create_provider(app_state) if app_state.settings.oidc.on else None
    app.state.callers = CallerLookup(app_state)
    app.state.app_state = app.state.first_run.app_state = app_state


def _serve_instead(app: FastAPI, declaration: Path) -> None:
    """Serve another source, with the keys and sessions there are; who is being answered is answered to the end."""
    before: AppState = app.state.app_state
    settings = before.settings.model_copy(update={"source": str(declaration)})
    if settings.store_url is None and settings.state_dir is None:
        root = open_context(settings.source, settings.data_dir).paths.root
        carry_state(before.store, before.folder, root / "serving")
    app_state = AppState(settings)
    app_state.load()
    background = app.state.background
    _attach(app, app_state)
    app.state.background.start()
    background.stop()
    before.store.close()


def _create_provider(app_state: AppState) -> Any:
    """The identity provider's client; its packages are needed only where one is configured."""
    try:
        from serving.auth.oidc_provider import OidcProvider
    except ImportError as problem:
        raise OidcSettingsError(
            "LEADSCORE_SERVE_OIDC_ISSUER is set, but the packages for it are not installed: "
            "pip install 'leadscore[oidc]'."
        ) from problem
    return OidcProvider(app_state.settings.oidc, app_state.secret)
