"""``judged.json``: the bundles that retrains are done with, so that those that wait are not crowded out by them."""

from collections.abc import Sequence

from features.errors import DataError
from models.judging.promotion.gate import GateVerdict
from pipelines.retraining.retrain_record import JudgedChallenger
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

_DECIDED = (GateVerdict.PASSED, GateVerdict.WORSE)


def done_with(paths: Paths, fingerprint: str) -> set[str]:
    """Bundles that were found no better, or worse, on other data: what these say of one stays the same if run again."""
    return {bundle for bundle, judged_on in _read(paths).items() if judged_on != fingerprint}


def keep_judged(paths: Paths, challengers: Sequence[JudgedChallenger], fingerprint: str) -> None:
    """Remember which of the challengers were decided: one that was better waits for whoever promotes it."""
    decided = {one.hash for one in challengers if one.gate["verdict"] in _DECIDED and not one.gate["better"]}
    found = _read(paths) | dict.fromkeys(decided, fingerprint)
    write_json(paths.judged, {name: of for name, of in sorted(found.items()) if (paths.bundles / name).exists()})


def _read(paths: Paths) -> dict[str, str]:
    """By hash, the data (fingerprint); nothing where the file is missing or damaged: all are judged again then."""
    try:
        found = read_json(paths.judged) if paths.judged.exists() else {}
        return {str(name): str(of) for name, of in found.items()}
    except (DataError, AttributeError):
        return {}
