"""``decisions/``: every decision that came of the promotion gate, a file each."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.judging.promotion.gate import Answer
from pipelines.workspace.atomic_files import to_json, write_json
from pipelines.workspace.left_overs import remove_parts
from pipelines.workspace.paths import Paths
from pipelines.workspace.private_files import make_folder

_KEPT = 500  # newest decisions that stay here


def promotion_decision(answer: Answer, reason: str) -> dict[str, Any]:
    """The gate's answer on a promotion as it is written down; a ``reason`` overruled it where it did not pass."""
    forced = bool(reason) and not answer.passes
    return {
        "kind": "promote",
        "decision": "forced" if forced else "promoted" if answer.passes else "kept back",
        "sentence": reason if forced else answer.sentence,
        "champion_before": answer.champion,
        "challenger": answer.challenger,
        "gate": answer.record(),
    }


def name_decision(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decision as it is to be kept, with the name of its file: written again, it is the same file."""
    now = datetime.now(UTC)
    record = dict(decision) | {"at": now.isoformat(timespec="seconds"), "run_id": None}
    mark = hashlib.sha256(to_json(record).encode()).hexdigest()[:8]
    return {"file": f"{now:%Y%m%dT%H%M%S%f}-{mark}.json", "record": record}


def write_decision(paths: Paths, named: Mapping[str, Any]) -> None:
    """Write a decision down, as one MLflow is still to be told of, unless it is on record."""
    make_folder(paths.decisions)
    remove_parts(paths.decisions)
    file = paths.decisions / Path(str(named["file"])).name
    if not file.exists():
        write_json(file, named["record"])
    for old in decision_files(paths)[:-_KEPT]:
        old.unlink(missing_ok=True)


def keep_decision(paths: Paths, decision: Mapping[str, Any]) -> None:
    """Write down a decision that moves nothing; one that moves the pointer is written with the move."""
    write_decision(paths, name_decision(decision))


def decision_files(paths: Paths) -> list[Path]:
    """The decisions on record, the oldest first."""
    return sorted(paths.decisions.glob("*.json")) if paths.decisions.exists() else []
