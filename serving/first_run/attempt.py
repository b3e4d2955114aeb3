"""One way from a file to a model, as it is kept on the disk: a server that starts again goes on where it stood."""

import contextlib
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import DataError
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.declaring.confirming.guess_record import GuessedFiles
from pipelines.declaring.corrections.file_corrections import NOTHING_SAID, FileCorrections
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths
from serving.privacy.first_run_names import ATTEMPT, FOLDER

_SERVED = "served.json"


class Step(StrEnum):
    """How far it is."""

    READING = "reading"
    CONFIRMING = "confirming"
    RUNNING = "running"
    DONE = "done"


class GivenFile(BaseModel):
    """A file as it was sent: its name, made safe, and its bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int


class Attempt(BaseModel):
    """What was sent and what became of it.

    ``number`` names its folder; "" where the source that the server was started with is run. ``reason`` is the code of
    a problem, ``message`` its own words in English; both are empty where there is none. ``seconds`` are of the stages
    that are done, ``verdict`` is of a run that ended without a model, whether or not one of before goes on scoring.
    """

    model_config = ConfigDict(frozen=True)

    number: str
    step: Step
    files: tuple[GivenFile, ...] = ()
    guesses: GuessedFiles | None = None
    said: FileCorrections = NOTHING_SAID
    declaration: str = ""
    source: str = ""
    stage: str = ""
    seconds: dict[str, float] = {}
    began: float = 0.0
    reason: str = ""
    message: str = ""
    verdict: str = ""

    @property
    def busy(self) -> bool:
        """Whether something is at work, unless the server has stopped since."""
        return self.step in (Step.READING, Step.RUNNING) and not self.reason


class AttemptFolder:
    """Where attempts lie below a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir, self.root = data_dir, data_dir / FOLDER

    def files(self, number: str) -> Path:
        """The folder of one attempt's files, with the declaration beside them."""
        return self.root / number

    def read(self) -> Attempt | None:
        """The last attempt; None where there is none, or what is written is damaged."""
        try:
            return Attempt.model_validate(read_json(self.root / ATTEMPT))
        except (DataError, ValidationError):
            return None

    def write(self, attempt: Attempt | None) -> None:
        """Write how far it is; None forgets it."""
        if attempt is None:
            (self.root / ATTEMPT).unlink(missing_ok=True)
        else:
            write_json(self.root / ATTEMPT, attempt.model_dump(mode="json"))

    def remember_served(self, instead_of: str, declaration: Path) -> None:
        """From the next start on, the declaration is served instead of a source that has no model."""
        content = {"instead_of": instead_of, "declaration": str(declaration.relative_to(self.data_dir))}
        write_json(self.root / _SERVED, content)

    def is_served(self, number: str) -> bool:
        """Whether the declaration of an attempt is the one that was left to be served."""
        with contextlib.suppress(DataError, TypeError, KeyError):
            return Path(str(read_json(self.root / _SERVED)["declaration"])).parent.name == number
        return False

    def served_instead(self, source: str) -> Path | None:
        """The declaration that a first run left to be served instead of a source; None where there is none."""
        with contextlib.suppress(DataError, TypeError, KeyError, ValueError):
            content = read_json(self.root / _SERVED)
            path = (self.data_dir / str(content["declaration"])).resolve()
            if content["instead_of"] == source and path.is_relative_to(self.root.resolve()) and path.is_file():
                return path
        return None


def verdict_of(paths: Paths) -> SummaryRecord | None:
    """The summary of the source's last run; None before one ended."""
    with contextlib.suppress(DataError, ValidationError):
        return SummaryRecord.read(paths) if SummaryRecord.exists(paths) else None
    return None
