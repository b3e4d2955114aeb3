"""What all requests share: settings, store, clock, and the model with its data, swapped as one object."""

import contextlib
import threading
from collections import deque
from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from features.errors import LeadScoreError
from models.explaining.framework import Framework, framework_names, load_framework
from pipelines.registry.champion import read_champion
from pipelines.workspace.adopted_thresholds import thresholds_file
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.paths import Paths
from pipelines.workspace.rubric_versions import versions_file
from serving.http.request_view import kept_by_request
from serving.http.right_of_way import RightOfWay
from serving.logs import logger, traceback_places
from serving.problems import InvalidError, NotReadyError
from serving.settings import ServeSettings
from serving.state.clock import ServingClock
from serving.state.forgotten_people import ForgottenPeople
from serving.state.loaded_state import LoadedState, Replaced, UntoldStep
from serving.state.loading.failed_version import FailedVersion
from serving.state.loading.last_good import remember_served
from serving.state.loading.load_problems import describe_problem
from serving.state.loading.load_state import Load, ReadStamps, StateLoader, data_stamp, read_own_framework
from serving.state.loading.merged_leads import MergedLeads
from serving.state.loading.missed_scores import show_missed
from serving.state.result_cache import ResultCache, file_stamp
from serving.state.server_secret import read_or_create_secret
from serving.state.worklist.kept_lines import LinesToKeep, keep_lines
from serving.store.damaged_rows import MOST_AT_START
from serving.store.engine import Store, open_store
from serving.store.tables import ScoreRow


class AppState:
    """One per application."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self._loaded: LoadedState | None = None
        self._context = self._open()
        self.store: Store = open_store(settings.store_url, self.folder)
        self.store.damaged.look(MOST_AT_START)
        self._merged = MergedLeads(self.store)
        self._loader = StateLoader(settings, self.store, self.folder)
        self.secret = read_or_create_secret(self.folder)
        self.way = RightOfWay()
        self.results = ResultCache(self.way)
        self.people = ForgottenPeople(self.context.paths.root)
        self.problem = ""
        self.registry_problem = ""
        self.failed_version: FailedVersion | None = None
        self.clock = ServingClock(None, settings.clock, settings.fresh_days)
        self.untold: deque[UntoldStep] = deque()  # changes of state that no webhook was told of yet
        self.telling = threading.Lock()
        self.to_keep: LinesToKeep | None = None  # what the last load scored again
        self.move_untold = True  # the trail may hold a move of the champion without what came of it
        self._loads = 0
        self._settled = 0  # number of the last load whose changes of state are among ``untold``
        self._settling = threading.Lock()
        self._decided: tuple[object, Context] | None = None  # what was decided last where it is not loaded yet
        self._context_is_fresh = True  # the declaration was read a moment ago
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where the server keeps its own files."""
        return self.settings.state_dir or self.paths.root / "serving"

    @property
    def context(self) -> Context:
        """The source's declaration and rubric, as :attr:`loaded` has them."""
        return self._context if self._loaded is None else self.loaded.model.context

    @property
    def paths(self) -> Paths:
        """Where the source's runs leave their files."""
        return self.context.paths

    @property
    def ready(self) -> bool:
        """Whether a model is loaded."""
        return self._loaded is not None

    @property
    def loads(self) -> int:
        """How often this server has loaded."""
        return self._loads

    @property
    def newest(self) -> LoadedState:
        """The model in use with its data; NotReadyError before the first one."""
        if self._loaded is None:
            raise NotReadyError(f"no model is loaded: {self.problem or 'the server is starting'}")
        return self._loaded

    @property
    def loaded(self) -> LoadedState:
        """:attr:`newest`; a request keeps the one it saw first, whatever is loaded while it is answered."""
        newest, kept = self.newest, kept_by_request()
        found: LoadedState = newest if kept is None else kept.setdefault(self, newest)
        return found

    def see_newest(self) -> None:
        """Let the request that is answered here go on with what is in use by now: it has changed that itself."""
        kept = kept_by_request()
        if kept is not None and self._loaded is not None:
            kept[self] = self._loaded

    def framework(self, name: str | None) -> Framework:
        """A shipped framework by name; without a name, the one of the pages.

        Raises
        ------
        InvalidError : no framework has this name
        """
        if name is None:
            if self.ready:
                return self.loaded.pages_framework
            return read_own_framework(self.settings) or self.context.framework
        if name == self.context.framework.name:
            return self.context.framework
        if name not in framework_names():
            raise InvalidError(f"there is no such framework; known: {', '.join(framework_names())}.")
        return load_framework(name)

    def open_declaration(self) -> Context:
        """The source's declaration, read again unless this server has just started."""
        return self.context if self._context_is_fresh else self._open()

    def find_decided(self) -> Context:
        """As :attr:`context`, with the rubric and the handoff score that were decided last, loaded yet or not."""
        if not self.is_outdated():
            return self.context
        stamp = (self._loads, file_stamp(versions_file(self.paths), thresholds_file(self.paths)))
        if self._decided is None or self._decided[0] != stamp:
            try:
                self._decided = stamp, self._open()
            except (LeadScoreError, OSError):  # a load fails of it too, and says why
                return self.context
        return self._decided[1]

    def _open(self) -> Context:
        settings = self.settings
        return open_context(settings.source, settings.data_dir, own_code=settings.own_code)

    def load(self) -> LoadedState | None:
        """Load champion, data and worklist, and swap them in; on a failure the old ones stay and ``problem`` says why.

        Where there are no old ones, the bundle that served last here does, or the champion before.

        Returns the new state, None where none is in use.
        """
        with self.way.held(), self._lock:
            loaded = self._swap()
        self.see_newest()
        return loaded

    def _swap(self) -> LoadedState | None:
        try:
            (moved_at,) = file_stamp(self.paths.champion)  # before it is read: see Replaced
            load = self._load()
        except Exception as problem:  # whatever it is, what is in use goes on serving, and pages and /healthz say why
            self._note_problem(problem)
            return None

        loaded = load.state
        with self._settling:
            before = self._loaded
            if before is not None:
                with contextlib.suppress(Exception):  # whatever holds the old list back, the new one takes its place
                    self._settle(before)
            try:
                self.follow_merges(loaded)  # not before: a load that fails leaves the merged leads on the list
            except Exception as problem:  # who became whom cannot be read: nobody knows who must not be contacted
                self._note_problem(problem)
                return None
            if before is not None:
                loaded = replace(loaded, replaced=self._what_goes(before, moved_at))
                self.move_untold |= before.model.bundle.hash != loaded.model.bundle.hash
            self._context, self.clock = loaded.model.context, load.clock
            self._loads, self._loaded = loaded.number, loaded
        self.problem = loaded.instead_of
        if not loaded.instead_of:
            remember_served(self.folder, loaded.model.bundle.hash)
        with contextlib.suppress(SQLAlchemyError):  # the watcher tries again
            self.settle()
        return loaded

    def follow_merges(self, state: LoadedState | None = None) -> None:
        """Let what was said of merged leads be said of the leads they became, where it is not yet.

        Another server, or a request that began before a load, may still post about a merged lead.
        """
        self._merged.follow(state or self.newest)

    def _what_goes(self, before: LoadedState, moved_at: int) -> Replaced:
        """What the next state takes the place of; where the last could not be settled, what that one did: one step."""
        if before.number != self._settled and before.replaced is not None:
            return before.replaced
        return Replaced(before.model.bundle.hash, before.data.stamp, before.worklist.current_states(), moved_at)

    def settle(self) -> None:
        """Note what the last load changed, once its list shows all that was posted meanwhile: what was announced of
        that under the state before is then no change back.
        """
        with self._settling:
            state = self._loaded
            if state is not None and state.number != self._settled:
                self._settle(state)

    def _settle(self, state: LoadedState) -> None:
        """Let a list show all that is in the store: only then do its states tell what a load changed."""
        with self.store.reading() as session:
            newest = session.scalar(select(func.max(ScoreRow.id))) or 0
        while self.catch_up(state) and state.scores.last < newest:
            pass
        if state.number == self._settled:
            return
        step = state.find_step()
        if step is not None:
            self.untold.append(step)
        self._settled = state.number

    def _note_problem(self, problem: Exception) -> None:
        """Why nothing newer is loaded; logged once, as the watcher tries again every two seconds."""
        message = describe_problem(problem)
        if message != self.problem:
            code = problem.code if isinstance(problem, LeadScoreError) else type(problem).__name__
            logger().warning("state not loaded", code=code, places=traceback_places(problem))
        self.problem = message

    def _load(self) -> Load:
        stamps = ReadStamps(data_stamp(self.paths), self.people.stamp)
        context = self.open_declaration()
        self._context_is_fresh = False
        load = self._loader.load(context, stamps, self._loaded, self._loads + 1)
        self.to_keep = load.to_keep
        if self._loaded is not None or not self.settings.background:
            load.state.warm()
        return load

    def warm_up(self) -> None:
        """Score a made-up lead, so that the first real one finds everything loaded; a load after the first does so
        itself.
        """
        self.newest.warm()

    def keep_lines(self) -> None:
        """Keep what the last load scored again for the next start."""
        keep, self.to_keep = self.to_keep, None
        if keep is None:
            return
        try:
            keep_lines(self.store, keep, self.people)
        except SQLAlchemyError as problem:  # another server on this store keeps the same ones, or the store is away
            logger().warning("lines not kept", kind=type(problem).__name__)

    def refresh(self) -> LoadedState | None:
        """Load again if the champion or the data changed; returns the new state, None where there is none.

        The watcher and the requests that change something ask: of two at once the second finds it loaded.
        """
        with self._lock, self.way.held():
            loaded = self._swap() if self.is_outdated() else None
        self.see_newest()
        return loaded

    def is_outdated(self) -> bool:
        """Whether another champion or newer data wait to be loaded."""
        loaded = self._loaded
        if loaded is None:
            return True

        try:
            champion = read_champion(self.paths) if self.settings.follows_pointer else None
            newer_data = data_stamp(self.paths) != loaded.data.stamp
        except (LeadScoreError, OSError) as problem:
            self._note_problem(problem)
            return False

        if self.settings.follows_pointer and champion is None:
            self.problem = "the champion pointer is missing; the last champion still serves"
            return False
        if newer_data or (champion is not None and champion.hash != loaded.model.bundle.hash):
            return True
        is_champion = champion is not None and champion.hash == loaded.model.bundle.hash
        self.problem = "" if is_champion else loaded.instead_of
        return False

    def catch_up(self, state: LoadedState | None = None) -> bool:
        """Score anew leads of which something was posted while this state was loaded, or to another server, or to
        which rows of a merged lead went; returns whether the store held anything new.

        What those were scored under (a threshold, a rubric, a model) need not be what is in use here.
        """
        return show_missed(self.store, state or self.newest, self.clock)
