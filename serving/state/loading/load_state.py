"""One load: the champion, the data and the list it makes of them."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from models.explaining.framework import Framework, load_framework
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.score_record import ScoreRecord
from pipelines.workspace.adopted_thresholds import thresholds_file
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths
from pipelines.workspace.rubric_versions import versions_file
from serving.settings import ServeSettings
from serving.state.clock import ServingClock
from serving.state.lead_data import load_data
from serving.state.loaded_state import LoadedState
from serving.state.loading.build_worklist import build_worklist
from serving.state.loading.last_good import load_chosen
from serving.state.posted_frames import POSTED_TABLES
from serving.state.result_cache import file_stamp
from serving.state.worklist.kept_lines import LinesToKeep
from serving.state.worklist.shown_scores import ShownScores
from serving.store.engine import Store
from serving.store.tables import AuditRow, FieldRow, ScoreRow, WithdrawnActivity


@dataclass(frozen=True)
class ReadStamps:
    """Of the data and of the register of people, taken before anything is read: what is written meanwhile is loaded by
    the next look.
    """

    data: tuple[int, ...]
    register: tuple[int, int]


@dataclass(frozen=True)
class Load:
    """A new state with its clock, and the lines that were scored for it."""

    state: LoadedState
    clock: ServingClock
    to_keep: LinesToKeep


@dataclass(frozen=True)
class StateLoader:
    """Loads states for one application; ``folder`` holds the server's own files."""

    settings: ServeSettings
    store: Store
    folder: Path

    def load(self, context: Context, stamps: ReadStamps, before: LoadedState | None, number: int) -> Load:
        """A state of the declaration ``context``; what is in use as ``before`` lends its data where they are unchanged.

        Raises
        ------
        RegistryError, BundleError, DataError : as :func:`load_chosen`
        """
        settings = self.settings
        chosen = None if settings.follows_pointer else Path(settings.bundle)
        model, instead_of = load_chosen(context, chosen, self.folder, fall_back=before is None)

        unchanged = before is not None and before.data.stamp == stamps.data
        data = before.data if unchanged and before is not None else load_data(context)
        data.stamp = stamps.data

        clock = ServingClock(data.cutoff, settings.clock, settings.fresh_days)
        with self.store.reading() as session:
            # a moment taken back is not given out again
            for table in (*POSTED_TABLES.values(), FieldRow, WithdrawnActivity):
                clock.observe(session.scalar(select(func.max(table.known_at))))
            last_score = session.scalar(select(func.max(ScoreRow.id))) or 0
            last_entry = session.scalar(select(func.max(AuditRow.id))) or 0

        own = read_own_framework(settings)
        worklist, to_keep = build_worklist(self.store, model, data, clock, own or context.framework, stamps.register)
        state = LoadedState(
            model=model,
            data=data,
            worklist=worklist,
            scores=ShownScores(worklist, last_score, last_entry),
            number=number,
            framework=own,
            instead_of=instead_of,
        )
        return Load(state, clock, to_keep)


def read_own_framework(settings: ServeSettings) -> Framework | None:
    """The framework of the settings as its file is now; None where the source's serves."""
    return None if settings.framework is None else load_framework(settings.framework)


def data_stamp(paths: Paths) -> tuple[int, ...]:
    """Changes when the ingested tables, the scored worklist, the rubric or the handoff score in force do."""
    return file_stamp(CountsRecord.path(paths), ScoreRecord.path(paths), versions_file(paths), thresholds_file(paths))
