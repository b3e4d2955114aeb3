"""Tables, training and list of now, set aside while a retrain takes in an earlier day, put back where it is refused."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.workspace.atomic_files import stage_dir
from pipelines.workspace.left_overs import process_mark, remove_left_overs
from pipelines.workspace.paths import Paths

# What taking in and training write, and the list, which a retrain that fails may have made; ingest last.
_OF_NOW = ("score", "thresholds", "evaluate", "train", "backtest", "audit", "matrix", "validate", "ingest")
_BEGINNING = ".tables.new."  # a name by which what a killed retrain left is known to be nobody's


@contextmanager
def set_tables_aside(paths: Paths) -> Iterator[Path]:
    """A folder with tables, matrix, training, judgements and list as they stand, which is gone when the block ends."""
    remove_left_overs(paths.root, _BEGINNING)
    paths.root.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=paths.root, prefix=f"{_BEGINNING}{process_mark()}."))
    try:
        for name in _OF_NOW:
            if (paths.root / name).exists():
                shutil.copytree(paths.root / name, aside / name, copy_function=_link)
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def put_back(aside: Path, paths: Paths) -> None:
    """What was set aside in its place again; what was not there is removed."""
    for name in _OF_NOW:
        if (aside / name).exists():
            with stage_dir(paths.root / name) as folder:
                shutil.copytree(aside / name, folder, copy_function=_link, dirs_exist_ok=True)
        else:
            shutil.rmtree(paths.root / name, ignore_errors=True)


def _link(file: str, to: str) -> str:
    """The same file under another name: stages replace their folder as a whole and change no file in it."""
    try:
        os.link(file, to)
    except OSError:  # a file system without links
        shutil.copy2(file, to)
    return to
