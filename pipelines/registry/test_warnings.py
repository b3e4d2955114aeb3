"""What the test block said against a bundle, kept by hash: it holds for as long as the bundle scores."""

from features.errors import DataError
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

UNREADABLE = (
    "The last report's warning about this model cannot be read: cautions.json is damaged; run the source again."
)


def keep_caution(paths: Paths, bundle_hash: str, text: str) -> None:
    """Keep the caution of a bundle beside those of the other bundles that are kept; an empty one is kept too."""
    try:
        known = read_json(paths.cautions) if paths.cautions.exists() else {}
    except DataError:
        known = {}  # damaged: what is known now replaces it
    kept = {folder.name for folder in paths.bundles.iterdir()} if paths.bundles.exists() else set()
    others = {name: said for name, said in known.items() if name in kept}
    write_json(paths.cautions, others | {bundle_hash: text})


def caution_of(paths: Paths, bundle_hash: str) -> str:
    """The caution of a bundle; empty if none was kept."""
    if not paths.cautions.exists():
        return ""
    try:
        return str(read_json(paths.cautions).get(bundle_hash, ""))
    except DataError:
        return UNREADABLE
