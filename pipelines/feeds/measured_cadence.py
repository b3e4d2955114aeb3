"""``cadence.json``: after how many days past models of a source had aged, as the last retrain measured it."""

from features.errors import DataError
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths


def read_cadence(paths: Paths) -> int | None:
    """Days after which past models had aged; None where nothing was measured, or none aged."""
    file = paths.cadence
    if not file.exists():
        return None
    try:
        days = read_json(file).get("days")
    except (DataError, AttributeError):
        return None
    return days if isinstance(days, int) else None


def write_cadence(paths: Paths, days: int | None) -> None:
    """Remember it for the monitor."""
    write_json(paths.cadence, {"days": days})
