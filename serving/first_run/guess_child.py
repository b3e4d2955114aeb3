"""Files of a first run looked at in a process of its own, as uploads are: what they are made to do, they do there.

Run as ``python -m serving.first_run.guess_child``, with what to read as JSON on standard input.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from features.errors import LeadScoreError
from pipelines.declaring.confirming.guessed_files import GuessedFiles, guess_files
from pipelines.declaring.corrections.file_corrections import FileCorrections
from pipelines.workspace.storage_errors import storage_error_of
from serving.leads.bounded_child import NO_DISK, ReaderBounds, answer_of, end_with, limit_process, run_bounded

_KEY = "guesses"


def guess_in_child(
    files: Sequence[Path], out: Path, data_dir: Path, said: FileCorrections, bounds: ReaderBounds
) -> GuessedFiles:
    """As :func:`guess_files`, in a process with bounds on memory and time.

    Raises
    ------
    UnusableFileError : a file cannot be read, or not within the bounds, or what was said does not fit it
    """
    asked = {
        "files": [str(file) for file in files],
        "out": str(out),
        "data_dir": str(data_dir),
        "said": said.model_dump(mode="json"),
        "memory_mib": bounds.memory_mib,
        "seconds": bounds.seconds,
    }
    status, answer = run_bounded("serving.first_run.guess_child", asked, bounds)
    return GuessedFiles.model_validate(answer_of(status, answer, bounds, _KEY)[_KEY])


def main() -> None:
    """Look at the files that standard input names; the answer is a line of JSON."""
    asked = json.loads(sys.stdin.buffer.read())
    end_with(asked["server"])
    limit_process(asked["memory_mib"] << 20, asked["seconds"])
    answer: dict[str, Any]
    try:
        found = guess_files(
            [Path(file) for file in asked["files"]],
            Path(asked["out"]),
            Path(asked["data_dir"]),
            FileCorrections.model_validate(asked["said"]),
        )
        answer = {_KEY: found.model_dump(mode="json")}
    except LeadScoreError as problem:
        answer = {"problem": problem.message, "reason": problem.code}
    except OSError as problem:
        if storage_error_of(problem) is None:
            raise
        answer = {"problem": NO_DISK, "reason": "disk"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # what libraries do as a process ends, they do not do well under such bounds


if __name__ == "__main__":
    main()
