"""Files of a first run looked at in a process of its own, as uploads are: what they are made to do, they do there.

Run as ``python -m serving.first_run.guess_child``, with what to read as JSON on standard input.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.declaring.confirming.guess_record import GuessedFiles
from pipelines.declaring.corrections.file_corrections import FileCorrections
from serving.children.bounded_child import ReaderBounds, answer_of, run_bounded
from serving.children.child_work import answer_question

_KEY = "guesses"


def guess_in_child(
    files: Sequence[Path],
    out: Path,
    data_dir: Path,
    said: FileCorrections,
    bounds: ReaderBounds,
    about: Mapping[str, str],
) -> GuessedFiles:
    """As ``guess_files``, in a process with bounds on memory and time; ``about`` is for the log.

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
    end = run_bounded("serving.first_run.guess_child", asked, bounds)
    return GuessedFiles.model_validate(answer_of(end, bounds, _KEY, about)[_KEY])


def guess_asked(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Look at the files that are asked for."""
    # imported in the child: reading exports is a twentieth of the server's start
    from pipelines.declaring.confirming.guessed_files import guess_files

    found = guess_files(
        [Path(file) for file in asked["files"]],
        Path(asked["out"]),
        Path(asked["data_dir"]),
        FileCorrections.model_validate(asked["said"]),
    )
    return {_KEY: found.model_dump(mode="json")}


if __name__ == "__main__":
    answer_question(guess_asked)
