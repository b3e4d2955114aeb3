"""Stages and decisions: train, run, compare, the list, the monitor, promotions and retrains."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from features.errors import ContractError
from features.rubric.schema import Rubric
from features.schema.vocabulary import Verdict
from models.bundle import Bundle
from models.bundle import load_bundle as load_folder
from models.settings import MonitorSettings
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.promotion import Promotion, promote_bundle
from pipelines.python_api.rows import to_moments
from pipelines.python_api.source_data import SourceData
from pipelines.run import run_all, run_stage
from pipelines.stages.matrix import is_outdated
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.lock import only_writer
from pipelines.workspace.params_file import load_gate, load_monitor

TRAINING = ("validate", "matrix", "audit", "backtest", "train", "register")


@dataclass(frozen=True)
class Training:
    """What a training came to: the verdict, and the bundle where the verdict allows one.

    ``record`` is what ``leadscore train --json`` prints.
    """

    verdict: Verdict
    text: str
    bundle: Bundle | None
    record: dict[str, Any] = field(repr=False)


def train(data: SourceData) -> Training:
    """Validate, build the matrix, audit, backtest, train and register; the stages of ``leadscore run`` up to there.

    It learns from what was read into the data directory; changes made to ``data.tables`` since do not count.

    Raises
    ------
    BusyError : another process writes to the source
    """
    context = data.context
    with only_writer(context.paths):
        for name in TRAINING:
            run_stage(context, name)
        left, folder = TrainRecord.read(context.paths), context.paths.train / "bundle"
        bundle = load_folder(folder) if (folder / "bundle.json").exists() else None
    return Training(Verdict(left.verdict), left.verdict_text, bundle, left.record())


def run(data: SourceData, *, track: bool = False) -> dict[str, Any]:
    """Every stage, report and summary included, as ``leadscore run``; returns the summary.

    Raises
    ------
    BusyError : another process writes to the source
    """
    with only_writer(data.context.paths):
        return run_all(data.context, track=track).record()


def compare(data: SourceData) -> dict[str, Any]:
    """Rubric and model on the same past leads at equal workload, a promised threshold, the swap set: the record of
    ``leadscore thresholds``. Needs a training; stands on the tables as they were read last, as all that follow.
    """
    context = data.context
    with only_writer(context.paths):
        _build_outdated(context)
        run_stage(context, "evaluate")
        return run_stage(context, "thresholds").record()


def replay(data: SourceData, rubric: Rubric) -> dict[str, Any]:
    """A draft rubric on the past leads the model was judged on, beside rubric and model in force."""
    from pipelines.rubrics.rubric_backtest import try_rubric

    return try_rubric(data.context, rubric)


def worklist(data: SourceData) -> pd.DataFrame:
    """Open leads as the champion scores them now, best first: the columns of :func:`score` and more.

    Where a source without clocks has no open row, they are the rows of its test block, with ``won``. What the list
    stands on, the comparison with its promised threshold, is worked out first if it never was.

    Raises
    ------
    RegistryError : the source has no champion yet
    DataError : the rows would be those of a test block, and the tables were read again since the training
    """
    if not ComparisonRecord.path(data.context.paths).exists():
        compare(data)
    context = data.context
    with only_writer(context.paths):
        _build_outdated(context)
        run_stage(context, "score")
        return read_parquet(context.paths.score / "worklist.parquet")


def monitor(data: SourceData, settings: MonitorSettings | None = None) -> dict[str, Any]:
    """Whether what is scored now still looks like what the champion learned from: verdict, findings, what to do.

    ``settings`` are by default those of ``params.yaml`` in the working directory, if it is there.
    """
    from pipelines.diagnostics.monitor import monitor as watch

    return watch(_up_to_date(data), settings or load_monitor(), gate=load_gate()).record()


def promote(data: SourceData, bundle: str | None = None, *, check: bool = False, reason: str = "") -> Promotion:
    """Make a bundle the champion if it passes the gate, as ``leadscore promote``; who moves is told either way.

    The gate's margins are those of ``params.yaml`` in the working directory, if it is there.

    Parameters
    ----------
    bundle : hash of a kept bundle, or its beginning; default: the last one trained
    check : ask only
    reason : promotes despite the gate, and is recorded

    Raises
    ------
    PromotionError : the gate keeps the bundle back
    """
    return promote_bundle(_up_to_date(data), bundle, check=check, reason=reason, gate=load_gate())


def retrain(data: SourceData, *, as_of: Any = None, promote: bool = False, track: bool = False) -> dict[str, Any]:
    """From newly closed deals to a decision about the champion: the record of ``leadscore retrain``.

    Gate and monitor are set by ``params.yaml`` in the working directory, if it is there.

    Parameters
    ----------
    as_of : as if it were that moment: rows known from then on are left out
    promote : make a challenger that is better beyond noise the champion
    track : record run and decision in MLflow

    Returns
    -------
    ``decision``, ``sentence`` and ``next`` say what was decided, why, and what to do; ``new`` counts what came in,
    ``challengers`` holds every judgement. Tables read before are those of before: :func:`read_source` reads them anew

    Raises
    ------
    BusyError : another process writes to the source
    ContractError : as_of is more than one moment, or none, or still to come
    """
    from pipelines.retraining.retrain_run import RetrainOptions
    from pipelines.retraining.retrain_run import retrain as run_retrain

    moment = None if as_of is None else to_moments(as_of)
    if isinstance(moment, pd.Series):
        raise ContractError(f"a retrain is as of one moment; found {len(moment)}.")
    options = RetrainOptions(as_of=moment, promote=promote, track=track, gate=load_gate(), monitor=load_monitor())
    with only_writer(data.context.paths):
        return run_retrain(data.context, options).record()


def _build_outdated(context: Context) -> None:
    """The matrix anew where the tables were read again since it was built: two states of the data are never mixed."""
    if is_outdated(context.paths):
        run_stage(context, "matrix")


def _up_to_date(data: SourceData) -> Context:
    """What reads the matrix and writes nothing waits for nobody, unless the matrix has to be built."""
    context = data.context
    if is_outdated(context.paths):
        with only_writer(context.paths):
            _build_outdated(context)
    return context
