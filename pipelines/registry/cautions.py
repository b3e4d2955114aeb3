"""What the test block said against a bundle, kept by hash: it holds for as long as the bundle scores."""

from features.errors import DataError
from pipelines.artifacts.champion_record import CautionsRecord
from pipelines.workspace.paths import Paths

UNREADABLE = (
    "The last report's warning about this model cannot be read: cautions.json is damaged; run the source again."
)


def keep_caution(paths: Paths, bundle_hash: str, text: str) -> None:
    """Keep the caution of a bundle beside those of the other bundles that are kept; an empty one is kept too."""
    try:
        known = CautionsRecord.read(paths).texts
    except DataError:
        known = {}  # damaged: what is known now replaces it
    kept = {folder.name for folder in paths.bundles.iterdir()} if paths.bundles.exists() else set()
    others = {name: said for name, said in known.items() if name in kept}
    CautionsRecord(texts=others | {bundle_hash: text}).write(paths)


def caution_of(paths: Paths, bundle_hash: str) -> str:
    """The caution of a bundle; empty if none was kept."""
    try:
        return CautionsRecord.read(paths).texts.get(bundle_hash, "")
    except DataError:
        return UNREADABLE
