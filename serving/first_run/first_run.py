"""The way from a file to the first scores, one at a time: read, confirm, run, serve."""

import contextlib
import re
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from features.errors import LeadScoreError
from features.schema.vocabulary import TRAINED
from models.bundle import load_bundle
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.declaring.confirming.guess_record import GuessedFiles
from pipelines.declaring.corrections.file_corrections import FileCorrections
from pipelines.registry.champion import Champion, read_champion
from pipelines.workspace.atomic_files import copy_stream, write_text
from pipelines.workspace.context import open_context
from pipelines.workspace.private_files import create_private, make_folder
from serving.auth.api_keys import Caller
from serving.children.bounded_child import ReaderBounds, UnusableFileError
from serving.first_run.attempt import Attempt, AttemptFolder, GivenFile, Step, verdict_of
from serving.first_run.guess_child import guess_in_child
from serving.first_run.run_child import STAGES, run_in_child
from serving.logs import logger, traceback_places
from serving.problems import ConflictError, InvalidError, ScopeError
from serving.scopes import Scope
from serving.state.app_state import AppState
from serving.store.audit_trail import record_action

_TEXTS = (".csv", ".tsv", ".txt", ".gz", ".bz2", ".zip", ".json", ".jsonl", ".ndjson")
_BOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".parquet", ".db", ".sqlite", ".sqlite3", ".duckdb")
SUFFIXES: tuple[str, ...] = (*_TEXTS, *_BOOKS)
MOST_FILES = 20
_PATIENCE = 2.0  # seconds a request waits for a small file, so that its answer is the next page already
_MOMENT = 1.0  # seconds: another process that looks whether somebody is at work holds the lock that long at most
_UNSAFE = re.compile(r"[^\w .()+-]|^[. ]+")
_LONGEST_NAME = 80
Adopt = Callable[[Path], None]


class FirstRun:
    """One per application; ``adopt`` makes the server serve a declaration that has a model now, from the next start
    on instead of the source that it is ``started_with``.
    """

    def __init__(self, app_state: AppState, started_with: str, adopt: Adopt) -> None:
        self.app_state, self.started_with, self.adopt = app_state, started_with, adopt
        self.folder = AttemptFolder(app_state.settings.data_dir)
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._child: subprocess.Popen[str] | None = None
        self._beginning = self._over = False

    @property
    def is_open(self) -> bool:
        """Whether files are taken: where no model is served, or the operator allows it beside one."""
        chosen = self.app_state.settings.first_run
        return chosen == "always" or (chosen == "unserved" and not self.app_state.ready)

    def attempt(self) -> Attempt | None:
        """How far it is; one that a stopped server left at work says so."""
        found = self.folder.read()
        if found is not None and found.busy and not self._is_working() and self._is_free():
            return found.model_copy(update={"reason": "stopped"})
        return found

    def begin(self, files: Sequence[tuple[str, BinaryIO]], caller: Caller) -> None:
        """Store files and look at them; a small one is looked at when this returns.

        Raises
        ------
        InvalidError : no file, too many, or of a kind that is not read
        ConflictError : another attempt is at work
        """
        self.check(caller)
        names = _safe_names([name for name, _ in files])
        with self._claimed():
            self._discard()
            number = secrets.token_hex(8)
            given = self._store(self.folder.files(number), names, files)
            attempt = Attempt(number=number, step=Step.READING, files=given, began=time.time())
            self._note(caller, "first_run.files", number)
            self._start(attempt, self._read)

    def _store(
        self, folder: Path, names: Sequence[str], files: Sequence[tuple[str, BinaryIO]]
    ) -> tuple[GivenFile, ...]:
        """Store files in a folder of their own; all or none."""
        given = []
        try:
            for name, (_, content) in zip(names, files, strict=True):
                copy_stream(folder / name, content)
                given.append(GivenFile(name=name, size=(folder / name).stat().st_size))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return tuple(given)

    def correct(self, said: FileCorrections, caller: Caller) -> None:
        """Look again, with what was said.

        Raises
        ------
        ConflictError : there is nothing to correct, or another attempt is at work
        """
        self.check(caller)
        with self._claimed():
            attempt = self._confirming()
            changed = attempt.model_copy(update={"step": Step.READING, "said": said, "began": time.time()})
            self._start(changed.model_copy(update={"reason": "", "message": ""}), self._read)

    def run(self, said: FileCorrections | None, caller: Caller) -> None:
        """Declare the files as said and run; None runs the source that the server was started with.

        Raises
        ------
        ConflictError : another attempt is at work
        """
        self.check(caller)
        with self._claimed():
            if said is None:
                self._discard()
                attempt = Attempt(number="", step=Step.RUNNING, source=self.app_state.context.source.name)
                attempt = attempt.model_copy(update={"declaration": self.app_state.settings.source})
            else:
                found = self._confirming()
                attempt = found.model_copy(update={"step": Step.RUNNING, "said": said, "reason": "", "message": ""})
            started = attempt.model_copy(
                update={"began": time.time(), "stage": STAGES[0], "seconds": {}, "verdict": ""}
            )
            self._note(caller, "first_run.run", attempt.source or attempt.number)
            self._start(started, self._run)

    def reopen(self, caller: Caller) -> None:
        """Back to the columns, after a run that ended without a model.

        Raises
        ------
        ConflictError : there are no files, or an attempt is at work
        """
        self.check(caller)
        with self._claimed():
            again = {"step": Step.CONFIRMING, "verdict": "", "reason": "", "message": ""}
            self.folder.write(self._confirming().model_copy(update=again))

    def start_over(self, caller: Caller) -> None:
        """Forget the last attempt and remove its files, unless they are served.

        Raises
        ------
        ConflictError : it is at work
        """
        self.check(caller)
        with self._claimed():
            self._discard()

    def check(self, caller: Caller) -> None:
        """Refuse whoever may not, and where it is not allowed.

        Raises
        ------
        ScopeError, ConflictError : with the reason
        """
        if not caller.may(Scope.ADMIN) or caller.owner is not None:
            raise ScopeError("only an administrator may load data into this server.")
        if not self.is_open:
            raise ConflictError("a model is served here; LEADSCORE_SERVE_FIRST_RUN=always lets files be loaded anyway.")

    def close(self) -> None:
        """End the run; the next start of the server says that it was stopped."""
        self._over = True
        child = self._child
        if child is not None:
            child.terminate()

    def _start(self, attempt: Attempt, work: Callable[[Attempt], None]) -> None:
        thread = threading.Thread(target=self._work, args=(attempt, work), name="leadscore-first-run", daemon=True)
        self._beginning = True  # before anybody reads of an attempt at which no thread works yet
        try:
            self.folder.write(attempt)
            self._worker = thread
            thread.start()
        finally:
            self._beginning = False
        thread.join(timeout=_PATIENCE)

    def _work(self, attempt: Attempt, work: Callable[[Attempt], None]) -> None:
        try:
            with self._held(_MOMENT):
                work(attempt)
        except UnusableFileError as problem:
            self._end(attempt, problem.reason, problem.message)
        except LeadScoreError as problem:
            self._end(attempt, problem.code, problem.message)
        except Exception as problem:  # nothing in a file, and no lock, may leave the page waiting for good
            kind = type(problem).__name__
            logger().error("first run failed", attempt=attempt.number, kind=kind, places=traceback_places(problem))
            self._end(attempt, "failed", "the log has the cause.")

    def _end(self, attempt: Attempt, reason: str, message: str) -> None:
        """Back to where a person can mend it: to the columns if there are any, else to the files."""
        if self._over:
            return
        step = Step.CONFIRMING if attempt.number and attempt.guesses is not None else attempt.step
        self.folder.write(attempt.model_copy(update={"step": step, "reason": reason, "message": message}))

    def _read(self, attempt: Attempt) -> None:
        guesses = self._guess(attempt)
        update = {"step": Step.CONFIRMING, "guesses": guesses, "source": guesses.name}
        self.folder.write(attempt.model_copy(update=update))

    def _guess(self, attempt: Attempt) -> GuessedFiles:
        folder = self.folder.files(attempt.number)
        files = [folder / file.name for file in attempt.files]
        settings = self.app_state.settings
        about = {"attempt": attempt.number}
        return guess_in_child(
            files, folder / "declaration.yaml", settings.data_dir, attempt.said, ReaderBounds.of(settings), about
        )

    def _run(self, attempt: Attempt) -> None:
        declaration = attempt.declaration
        if attempt.number:
            guesses = self._guess(attempt)
            place = self.folder.files(attempt.number) / "declaration.yaml"
            write_text(place, guesses.declaration)
            declaration = str(place)
            update = {"guesses": guesses, "source": guesses.name, "declaration": declaration}
            attempt = attempt.model_copy(update=update)
            self.folder.write(attempt)
            if guesses.kind != "several" and not (guesses.won and guesses.lost):
                self._end(attempt, "sides", "")
                return
        settings = self.app_state.settings
        context = open_context(declaration, settings.data_dir)

        def tell(stage: str, seconds: float) -> None:
            nonlocal attempt
            done = {**attempt.seconds, stage: seconds}
            left = [name for name in STAGES if name not in done]
            attempt = attempt.model_copy(update={"seconds": done, "stage": left[0] if left else ""})
            self.folder.write(attempt)

        end = run_in_child(declaration, settings.data_dir, tell, self._keep_child)
        self._child = None
        if end.reason:
            self._end(attempt, end.reason, end.message)
            return
        champion = read_champion(context.paths)
        verdict = _verdict_against(verdict_of(context.paths), champion)
        if champion is not None:
            self._serve(attempt, Path(declaration))
        self.folder.write(attempt.model_copy(update={"step": Step.DONE, "stage": "", "verdict": verdict}))

    def _serve(self, attempt: Attempt, declaration: Path) -> None:
        if not attempt.number:
            self.app_state.load()
            return
        self.folder.remember_served(self.started_with, declaration)
        self.adopt(declaration)

    def _keep_child(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def _confirming(self) -> Attempt:
        attempt = self.attempt()
        if attempt is None or not attempt.number or attempt.guesses is None:
            raise ConflictError("there are no files to confirm; send them again.")
        return attempt

    def _discard(self) -> None:
        """Remove what the last attempt left, unless a source's data were made from it or it is served."""
        attempt = self.folder.read()
        self.folder.write(None)
        if attempt is None or not attempt.number or self.folder.is_served(attempt.number):
            return
        # imported once there is something to discard: what knows people in files is felt in the server's start
        from serving.privacy.first_run_files import find_made_source

        files = self.folder.files(attempt.number)
        if not find_made_source(files, self.folder.data_dir):
            shutil.rmtree(files, ignore_errors=True)

    def _is_working(self) -> bool:
        return self._beginning or (self._worker is not None and self._worker.is_alive())

    @contextmanager
    def _claimed(self) -> Iterator[None]:
        """While an attempt is begun: refused where one is at work, here or in another process."""
        with self._lock:
            if self._is_working() or not self._is_free(_MOMENT):
                raise ConflictError("files are being loaded already; wait until that is done.")
            yield

    def _is_free(self, seconds: float = 0.0) -> bool:
        with contextlib.suppress(Timeout), self._held(seconds):
            return True
        return False

    @contextmanager
    def _held(self, seconds: float) -> Iterator[None]:
        """The lock among processes, waited for so long; the system lets go of it when the process ends."""
        make_folder(self.folder.root)
        file = self.folder.root / ".lock"
        create_private(file)
        with FileLock(file, timeout=seconds, fallback_to_soft=False):
            yield

    def _note(self, caller: Caller, action: str, what: str) -> None:
        with self.app_state.store.writing() as session:
            record_action(session, caller.name, action, what, {})


def _verdict_against(summary: SummaryRecord | None, champion: Champion | None) -> str:
    """The verdict of a run that allowed no model, though one of before may go on scoring; empty where points score."""
    if summary is None or summary.verdict in TRAINED:
        return ""
    by_points = champion is not None and load_bundle(champion.folder, champion.hash).by_points
    return "" if by_points else str(summary.verdict)


def _safe_names(names: Sequence[str]) -> list[str]:
    """Names under which files are stored: no folders, no signs of any meaning, none twice.

    >>> _safe_names(["../../etc/Dea;ls.csv", "x/.deals.CSV", "Dea;ls.csv"])
    ['Dea_ls.csv', '_deals.CSV', '2_Dea_ls.csv']
    """
    if not names or not any(names):
        raise InvalidError("choose a file first.")
    if len(names) > MOST_FILES:
        raise InvalidError(f"these are {len(names)} files; send at most {MOST_FILES}, or one zip of them.")
    found: list[str] = []
    for name in names:
        last = Path(name.replace("\\", "/")).name
        suffix = Path(last).suffix
        if suffix.lower() not in SUFFIXES:
            raise InvalidError(
                "a file of this kind is not read; send CSV, Excel, Parquet, JSON lines or a zip of them."
            )
        stem = _UNSAFE.sub("_", last.removesuffix(suffix))[:_LONGEST_NAME] or "file"
        safe, count = f"{stem}{suffix}", 2
        while safe in found:
            safe, count = f"{count}_{stem}{suffix}", count + 1
        found.append(safe)
    return found


def load_served(folder: AttemptFolder, source: str) -> Path | None:
    """The declaration to serve instead of a source without a model; None where the source has one, or nothing was
    loaded here.
    """
    instead = folder.served_instead(source)
    if instead is None:
        return None
    try:
        paths = open_context(source, folder.data_dir).paths
        return None if read_champion(paths) is not None else instead
    except LeadScoreError:
        return instead
