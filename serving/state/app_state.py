"""What all requests share: the store, the clock, and the model with its data, swapped as one object."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from features.cohort.cohort import open_cohort
from features.errors import LeadScoreError
from models.explaining.framework import Framework, framework_names, load_framework
from models.explaining.language import ENGLISH, Language
from models.scoring import Scored
from pipelines.registry.champion import read_champion
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.paths import Paths
from serving.json_values import plain
from serving.logs import logger
from serving.problems import InvalidError, NotReadyError, UnknownLeadError
from serving.settings import ServeSettings
from serving.state.clock import ServingClock, wall_now
from serving.state.lead_data import LeadData, Records, append_posted, latest_known_at, load_data, rows_of, to_records
from serving.state.loaded_model import LoadedModel, load_model
from serving.state.ranked_worklist import Worklist
from serving.state.server_secret import read_or_create_secret
from serving.store.engine import Store, open_store
from serving.store.tables import ActivityRow, AnswerRow, ScoreRow

_POSTED: dict[str, type[AnswerRow | ActivityRow]] = {"answers": AnswerRow, "activities": ActivityRow}
_WEEK = pd.Timedelta(days=7)
_COMPARE_LIMIT = 20_000  # leads whose score of a week ago is worked out after a start


@dataclass(frozen=True)
class LoadedState:
    """A model with the data and the worklist it scored; a request keeps the one it began with."""

    model: LoadedModel
    data: LeadData
    worklist: Worklist
    number: int


@dataclass(frozen=True)
class FailedVersion:
    """A version of the registry's that could not be taken up: why, how often so far, and when it is tried again."""

    name: str
    told: str
    times: int
    until: float


class AppState:
    """One per application."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.context: Context = open_context(settings.source, settings.data_dir)
        self.store: Store = open_store(settings.store_url, self.folder)
        self.secret = read_or_create_secret(self.folder)
        self.problem = ""
        self.registry_problem = ""
        self.failed_version: FailedVersion | None = None
        self._state: LoadedState | None = None
        self._number = 0
        self._opened = True  # the declaration was read a moment ago
        self._seen_score = 0
        self._lock = threading.Lock()
        self.clock = ServingClock(None, settings.clock, settings.fresh_days)

    @property
    def folder(self) -> Path:
        """Where the server keeps its own files."""
        return self.settings.state_dir or self.paths.root / "serving"

    @property
    def paths(self) -> Paths:
        return self.context.paths

    @property
    def ready(self) -> bool:
        """Whether a model is loaded."""
        return self._state is not None

    @property
    def loaded(self) -> LoadedState:
        """The state in use; NotReadyError before the first model."""
        if self._state is None:
            raise NotReadyError(f"no model is loaded: {self.problem or 'the server is starting'}")
        return self._state

    def framework(self, name: str | None) -> Framework:
        """A shipped framework by name; the source's own without one."""
        if name is None:
            chosen = self.settings.framework
            return self.context.framework if chosen is None else load_framework(chosen)
        if name == self.context.framework.name:
            return self.context.framework
        if name not in framework_names():
            raise InvalidError(f"there is no such framework; known: {', '.join(framework_names())}.")
        return load_framework(name)

    def open_declaration(self) -> Context:
        """The declaration as it stands now."""
        return self.context if self._opened else open_context(self.settings.source, self.settings.data_dir)

    def load(self) -> bool:
        """Load champion, data and worklist, and swap them in; on a failure the old ones stay and ``problem`` says why.

        Returns whether a new state is in use.
        """
        with self._lock:
            try:
                context = self.open_declaration()
                self._opened = False
                model = load_model(context, None if self.settings.follows_pointer else Path(self.settings.bundle))
                same = self._state is not None and self._state.data.stamp == _stamp(context.paths)
                data = self._state.data if same and self._state is not None else load_data(context)
                data.stamp = _stamp(context.paths)
                clock = ServingClock(data.cutoff, self.settings.clock, self.settings.fresh_days)
                with self.store.reading() as session:
                    for table in _POSTED.values():
                        clock.observe(session.scalar(select(func.max(table.known_at))))
                    self._seen_score = session.scalar(select(func.max(ScoreRow.id))) or 0
                worklist = self._worklist(model, data, clock)
                model.warm(self.framework(None))
            except LeadScoreError as problem:
                self.problem = problem.message
                logger().warning("state not loaded", code=problem.code)
                return False
            self._number += 1
            self.context, self.clock = context, clock
            self._state = LoadedState(model, data, worklist, self._number)
            self.problem = ""
        return True

    def refresh(self) -> bool:
        """Load again if the champion or the data changed; called by the watcher."""
        state = self._state
        if state is None:
            return self.load()
        try:
            champion = read_champion(self.paths) if self.settings.follows_pointer else None
            gone = self.settings.follows_pointer and champion is None
            changed = champion is not None and champion.hash != state.model.bundle.hash
            newer = _stamp(self.paths) != state.data.stamp
        except LeadScoreError as problem:
            self.problem = problem.message
            return False
        if gone:
            self.problem = "the champion's pointer is away; the last champion serves on"
            return False
        if not changed and not newer:
            self.problem = ""
            return False
        return self.load()

    def compare_with_last_week(self) -> None:
        """Work out the worklist's scores and states of a week ago, for the trend; runs behind the first requests."""
        state = self.loaded
        count = len(state.worklist)
        if state.data.cutoff is None or not 0 < count <= _COMPARE_LIMIT:
            return
        ids = state.worklist.position.tolist()
        when = state.data.cutoff - _WEEK
        created = state.worklist.created
        known = ~np.isnat(created) & (created < np.datetime64(when.to_datetime64()))
        before, states = np.full(count, np.nan), np.full(count, "", dtype=object)
        for block in np.array_split(np.flatnonzero(known), max(1, count // 2000)):
            if len(block):
                names = [ids[int(k)] for k in block]
                scored = state.model.score_tables(state.data.tables, names, when, self.framework(None))
                before[block] = scored.frame["score"].to_numpy(dtype=np.float64)
                states[block] = scored.frame["state"].to_numpy(dtype=object)
        state.worklist.set_last_week(before, states)

    def catch_up(self) -> None:
        """Take over leads rescored by other workers on the same store."""
        state = self.loaded
        with self.store.reading() as session:
            found = select(ScoreRow).where(ScoreRow.id > self._seen_score, ScoreRow.origin != "card")
            for row in session.scalars(found.order_by(ScoreRow.id).limit(1000)):
                if row.bundle_hash == state.model.bundle.hash and row.framework == self.framework(None).name:
                    state.worklist.update_row(row.line)
                self._seen_score = max(self._seen_score, row.id)

    def find_lead(self, state: LoadedState, lead_id: str, owner: str | None) -> int:
        """Row of a lead the caller may see; UnknownLeadError otherwise, which does not say which of the two it was."""
        code = state.data.code(lead_id)
        if code < 0 or (owner is not None and state.data.owner(code) != owner):
            raise UnknownLeadError("this lead is not in the data (or not yours); check the id on the worklist.")
        return code

    def score_leads(
        self,
        session: Session,
        state: LoadedState,
        codes: Sequence[int],
        framework: Framework,
        as_of: datetime | None = None,
        language: Language = ENGLISH,
    ) -> Scored:
        """Score known leads, with what was posted of them, at ``as_of`` or as the clock says."""
        ids = [str(state.data.lead_ids[c]) for c in codes]
        tables, posted = self._gather_rows(session, state, codes)
        if state.data.flat:
            return state.model.score_tables(tables, ids, None, framework, language)
        when = as_of or self.clock.as_of(latest_known_at(posted))
        if len(codes) == 1:
            return state.model.score_one(to_records(tables), ids[0], when, framework, language)
        return state.model.score_tables(tables, ids, when, framework, language)

    def records(self, session: Session, state: LoadedState, codes: Sequence[int]) -> Records:
        """All rows of leads and of their account, as records."""
        return to_records(self._gather_rows(session, state, codes)[0])

    def gather_rows_now(
        self, session: Session, state: LoadedState, codes: Sequence[int]
    ) -> tuple[dict[str, pd.DataFrame], pd.Timestamp]:
        """All rows of leads and of their account as tables, and the moment they would be scored at now."""
        tables, posted = self._gather_rows(session, state, codes)
        return tables, pd.Timestamp(self.clock.as_of(latest_known_at(posted)) or wall_now())

    def _gather_rows(self, session: Session, state: LoadedState, codes: Sequence[int]) -> tuple[Any, Any]:
        tables = state.data.tables_for(codes)
        if state.data.flat:
            return tables, {}
        ids = tables["leads"]["lead_id"].astype("str").tolist()
        posted = read_posted_rows(session, ids)
        return append_posted(tables, posted), posted

    def _worklist(self, model: LoadedModel, data: LeadData, clock: ServingClock) -> Worklist:
        frame = self._batch_lines(model)
        if frame is None:
            if data.cutoff is None:
                frame = pd.DataFrame(columns=["lead_id", "probability", "score", "state", "grade"])
            else:
                ids = open_cohort(data.tables, data.source, data.cutoff)["lead_id"].tolist()
                frame = model.score_tables(data.tables, ids, data.cutoff, self.framework(None)).frame
        worklist = Worklist(frame, data)
        with self.store.reading() as session:
            touched = set(session.scalars(select(AnswerRow.lead_id))) | set(
                session.scalars(select(ActivityRow.lead_id))
            )
            state = LoadedState(model, data, worklist, 0)
            for lead_id in sorted(touched & set(worklist.position)):
                code = data.code(lead_id)
                _, posted = self._gather_rows(session, state, [code])
                tables = to_records(append_posted(data.tables_for([code]), posted))
                when = clock.as_of(latest_known_at(posted))
                worklist.update_row(line_of(model.score_one(tables, lead_id, when, self.framework(None))))
        return worklist

    def _batch_lines(self, model: LoadedModel) -> pd.DataFrame | None:
        """The batch's worklist, if it was scored by this very bundle under the pages' framework."""
        folder = self.paths.score
        if not (folder / "worklist.parquet").exists():
            return None
        frame = read_parquet(folder / "worklist.parquet")
        fits = len(frame) and str(frame["bundle_hash"].iloc[0]) == model.bundle.hash
        named = all(f"points_{name}" in frame for name in self.framework(None).ids)
        twin = read_json(folder / "score.json").get("kind") == "test rows"
        return frame if named and (fits or twin) else None


def read_posted_rows(session: Session, lead_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Answers and activities posted of some leads, in the order they were."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, table in _POSTED.items():
        rows = session.scalars(select(table).where(table.lead_id.in_(list(lead_ids))).order_by(table.id))
        found[name] = [{c.name: getattr(row, c.name) for c in table.__table__.columns} for row in rows]
    return found


def line_of(scored: Scored, row: int = 0) -> dict[str, Any]:
    """A row of the scored file, JSON-ready."""
    return plain(rows_of(scored.frame.iloc[[row]])[0])


def _stamp(paths: Paths) -> tuple[int, ...]:
    """Changes when the ingested tables or the scored worklist do."""
    files = (paths.ingest / "counts.json", paths.score / "score.json")
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
