"""By what a retrain tells that something changed: the tables, what is declared, the features and their code."""

import hashlib

from pipelines.artifacts.train_record import TrainRecord
from pipelines.own_code.own_candidates import code_of_candidates
from pipelines.own_code.own_functions import OWN_CODE
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_catalog, mark_of_split
from pipelines.workspace.paths import Paths


def fingerprint_of(context: Context) -> str:
    """Of the tables of the last ingest, all that is declared and :func:`features_fingerprint`: equal where nothing
    changed.
    """
    found = hashlib.sha256(context.declaration_hash.encode())
    for file in sorted(context.paths.ingest.glob("*.parquet")):
        found.update(file.name.encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    found.update(features_fingerprint(context).encode())
    return found.hexdigest()


def features_fingerprint(context: Context) -> str:
    """Of the features of the last matrix, and of a user's own code behind them and behind candidates.

    They may change while the declaration stays: somebody edits a function it names, or leadscore is updated. What was
    trained before then scores nobody.
    """
    matrix, parts = context.paths.matrix, []
    if (matrix / "matrix.json").exists():
        parts.append(load_catalog(matrix).hash)
    if (matrix / f"{OWN_CODE}.json").exists() and context.source.features:
        parts += [f"{name}:{digest}" for name, digest in sorted(read_json(matrix / f"{OWN_CODE}.json").items())]
    if context.own_code:
        parts += code_of_candidates(context.source, context.source_path.parent)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def is_trained_on_other_rows(paths: Paths) -> bool:
    """Whether the last training was on other rows than the matrix has: of a rehearsal, or of what a rehearsal replaced.

    Of a training that made no model, and of one by an earlier leadscore, nothing is known.
    """
    split = TrainRecord.read(paths).split if TrainRecord.exists(paths) else None
    if split is None:
        return False
    return not (paths.matrix / "chop.json").exists() or split != mark_of_split(paths.matrix)
