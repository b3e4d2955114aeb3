"""What killed commands left below a source: files that nothing names and nobody reads, whoever they may be about."""

from pathlib import Path

from pipelines.privacy.elsewhere import Place
from pipelines.snapshots.snapshot_store import find_unnamed_parts, read_snapshots
from pipelines.workspace.left_overs import find_left_overs, remove_left_over
from pipelines.workspace.paths import Paths


def remove_half_written(paths: Paths, *, dry_run: bool) -> list[Place]:
    """Remove what ended processes left half written, and changes of snapshots that no record names.

    They are not looked into: a table may be cut off in its middle, and none of them is ever read. The caller holds the
    source's lock, so that nobody is about to name one; a rehearsal counts only.
    """
    found = dict.fromkeys(_left_overs(paths), "half written: removed")
    found |= dict.fromkeys(find_unnamed_parts(paths, read_snapshots(paths)), "named by no snapshot: removed")
    for path in found if not dry_run else ():
        remove_left_over(path)
    return [Place(str(path.relative_to(paths.data_dir)), 1, how) for path, how in found.items()]


def _left_overs(paths: Paths) -> list[Path]:
    tracked = paths.data_dir / "mlartifacts" / paths.source
    return [path for folder in (paths.root, tracked) for path in find_left_overs(folder)]
