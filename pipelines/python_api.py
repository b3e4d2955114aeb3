"""What the command line does, as functions: read, features at a moment, labels, audit, train, score, explain, judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import features_at as matrix_of_leads
from features.assembly.build_matrix import matrix_of
from features.assembly.flat_matrix import flat_at, flat_matrix
from features.catalog.build_catalog import build_catalog
from features.catalog.feature import Catalog
from features.cohort.cohort import cutoff_of
from features.cohort.splits import Chop, chop
from features.errors import ContractError, SourceError
from features.matrix import KEY_COLUMNS, Matrix
from features.rubric.load import load_rubric
from features.rubric.schema import Rubric
from features.schema.source import Source
from features.schema.vocabulary import Verdict
from models.bundle import Bundle
from models.bundle import load_bundle as load_folder
from models.estimators.seeds import moments_of
from models.explaining.framework import load_framework
from models.explaining.shap_explanation import shap_explanation
from models.judging.leakage.audit import audit_columns
from models.scoring import Rows, score_rows
from models.settings import MonitorSettings, TrainSettings
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.own_code.own_functions import check_functions
from pipelines.promotion import Promotion, promote_bundle
from pipelines.registry.champion import read_champion
from pipelines.run import run_all, run_stage
from pipelines.scoring.find_lead import find_bundle
from pipelines.workspace.atomic_files import read_parquet, write_text
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.find_declarations import find_rubric
from pipelines.workspace.lock import only_writer
from pipelines.workspace.table_files import load_tables

if TYPE_CHECKING:
    import shap

TRAINING = ("validate", "matrix", "audit", "backtest", "train", "register")
_LABELLED = ("label", "matured", "label_known_at", "weight", "amount")


@dataclass(frozen=True)
class SourceData:
    """A source as read: its declaration, its canonical tables, and where its results are kept."""

    context: Context
    tables: Tables

    @property
    def source(self) -> Source:
        """The declaration."""
        return self.context.source

    @property
    def rubric(self) -> Rubric | None:
        """The source's rubric, where it declares one."""
        return self.context.rubric

    @property
    def champion(self) -> Bundle | None:
        """The bundle that scores; None before the first training."""
        return None if read_champion(self.context.paths) is None else find_bundle(self.context)


@dataclass(frozen=True)
class Training:
    """What a training came to: the verdict, and the bundle where the verdict allows one."""

    verdict: Verdict
    text: str
    bundle: Bundle | None
    record: dict[str, Any]


def read_source(
    source: str | Path = "demo",
    data_dir: str | Path = "data",
    *,
    settings: TrainSettings | None = None,
    refresh: bool = False,
) -> SourceData:
    """Read a source's files into the canonical tables; what was read before is taken as it is unless ``refresh``.

    Parameters
    ----------
    source : name of a declaration that ships or lies in the data directory, or the path of one
    data_dir : where results are kept, as ``--data-dir``

    Raises
    ------
    SourceError, DataError : naming file, line and remedy
    BusyError : there is something to read, and another process writes to the source
    """
    context = open_context(str(source), Path(data_dir), settings)
    if refresh or not (context.paths.ingest / "leads.parquet").exists():
        _run_stages(context, "ingest")
    return SourceData(context, load_tables(context.paths))


def features_at(
    tables: Tables,
    source: Source,
    lead_ids: Sequence[str],
    as_of: Any = None,
    *,
    bundle: Bundle | None = None,
) -> pd.DataFrame:
    """Features of leads as they could be known at a moment, one row a lead, indexed by ``lead_id``.

    Parameters
    ----------
    as_of : one moment for all or one per lead (naive times are UTC); what became known at it or later is not seen.
        A flat source has no clocks and takes none
    bundle : whose features are wanted (what it found out of the training data, such as half-lives, is in them);
        default: those the declaration alone makes

    Raises
    ------
    ContractError : a source with clocks without a moment, one without clocks with one, or an unknown lead
    """
    catalog = build_catalog(source) if bundle is None else bundle.catalog
    index = pd.Index([str(name) for name in lead_ids], name="lead_id")
    if source.kind == "flat":
        if as_of is not None:
            raise ContractError(f"source '{source.name}' is flat: its rows have no clock, so leave as_of out.")
        return _flat_rows(tables, source, catalog, index).set_axis(index)
    if as_of is None:
        raise ContractError(f"source '{source.name}' has clocks: say as_of, one moment or one per lead.")
    unknown = index.difference(pd.Index(tables["leads"]["lead_id"].astype("str")))
    _refuse_unknown(unknown, source)
    return matrix_of_leads(tables, source, catalog, list(index), _moments(as_of)).values.set_axis(index)


def labels(tables: Tables, source: Source) -> pd.DataFrame:
    """The training cohort: one row per lead and moment with its label, as the declaration defines both.

    Returns
    -------
    columns lead_id, as_of (NaT in flat sources), account_id, group (the unit of resampling), label (1 won within the
    horizon, 0 not, NaN where not matured), matured, label_known_at, weight, amount and more
    """
    matrix = _cohort(tables, source)
    keys = matrix.keys.loc[:, list(KEY_COLUMNS)]
    return keys.assign(**{name: np.asarray(getattr(matrix, name)) for name in _LABELLED})


def split(labelled: pd.DataFrame, source: Source, *, seed: int = 7) -> Chop:
    """Development blocks and the final block over the rows of :func:`labels`, as the declaration says.

    ``blocks`` and ``final`` hold positions ``train`` and ``test``; the label of every row learned from was known when
    the judged rows begin.

    Raises
    ------
    TooLittleDataError : naming the block, the wins it has and the wins it needs
    """
    horizon = source.label.horizon_days
    return chop(_without_features(labelled, source), source.split, seed=seed, horizon_days=horizon)


def audit(frame: pd.DataFrame, label: Any, *, order: Any = None, source: Source | None = None) -> pd.DataFrame:
    """Columns that carry the outcome, most severe first: column, code, severity (leak, suspect, note) and message.

    Parameters
    ----------
    label : shape (n,), 1 won, 0 lost
    order : moments or numbers that order the rows in time, where they have an order

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> won = draw.integers(0, 2, 400)
    >>> leads = pd.DataFrame({"employees": draw.integers(1, 500, 400), "contract_value": won * 100.0})
    >>> audit(leads, won).loc[0, ["column", "severity"]].tolist()
    ['contract_value', 'leak']
    """
    ranks = None if order is None else np.asarray(pd.Series(np.asarray(order)).rank(method="dense"), dtype=np.int64)
    won = np.asarray(label, dtype=np.float64)
    known = ~np.isnan(won)
    rows = frame.loc[known].reset_index(drop=True)
    found = audit_columns(rows, won[known], order=None if ranks is None else ranks[known], source=source)
    columns = ("column", "code", "severity", "message")
    return pd.DataFrame([[getattr(one, name) for name in columns] for one in found], columns=list(columns))


def check_features(data: SourceData) -> pd.DataFrame:
    """Hold the features of one's own (``features:`` of the declaration) against their promise, before any training.

    Values of 40 leads' moments of the training cohort are computed with others, alone, without the rows known later,
    and by the oracle; ``leadscore matrix`` does the same.

    Returns
    -------
    columns feature, moments (checked) and with_value (how many of these had one)

    Raises
    ------
    ContractError : two of them differ; names feature, lead, moment and both values
    SourceError : a function cannot be imported
    """
    source, cohort = data.source, labels(data.tables, data.source)
    return check_functions(data.tables, source, build_catalog(source), cohort)


def train(data: SourceData) -> Training:
    """Validate, build the matrix, audit, backtest, train and register; the stages of ``leadscore run`` up to there.

    Raises
    ------
    BusyError : another process writes to the source
    """
    _run_stages(data.context, *TRAINING)
    left, folder = TrainRecord.read(data.context.paths), data.context.paths.train / "bundle"
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


def load_bundle(bundle: str | Path = "champion", source: str | Path = "demo", data_dir: str | Path = "data") -> Bundle:
    """A bundle by its folder, or of a source by ``champion`` or its hash.

    Raises
    ------
    BundleError : missing, damaged, changed after it was written, or made of numbers that no training writes
    """
    if (Path(bundle) / "bundle.json").exists():
        return load_folder(Path(bundle))
    return find_bundle(open_context(str(source), Path(data_dir)), str(bundle))


def score(
    bundle: Bundle,
    tables: Tables,
    source: Source,
    lead_ids: Sequence[str],
    as_of: Any = None,
    *,
    framework: str | None = None,
) -> pd.DataFrame:
    """Scored leads: score, probability with its interval, grade, points and status per criterion, reasons, state.

    50 and all ``points_*`` columns add up to the score.

    Raises
    ------
    BundleError : the declaration changed since the bundle was trained
    """
    values = features_at(tables, source, lead_ids, as_of, bundle=bundle)
    when = np.full(len(values), np.datetime64("NaT", "us")) if as_of is None else np.asarray(_moments(as_of))
    rows = Rows(bundle.catalog, values.reset_index(drop=True), values.index.to_numpy(dtype=object), _each(when, values))
    return score_rows(bundle, rows, load_framework(framework or source.framework), source=source).frame


def contributions(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    """Additive parts of the calibrated log-odds, a column per feature and ``base``; each row sums to its log-odds.

    Parameters
    ----------
    features : of :func:`features_at`; must have the bundle's columns
    """
    parts = bundle.contributions(_features_of(bundle, features))
    return pd.DataFrame(parts.values, columns=list(parts.names), index=features.index).assign(base=parts.base)


def explain(bundle: Bundle, features: pd.DataFrame) -> "shap.Explanation":
    """:func:`contributions` as a ``shap.Explanation``, for every ``shap.plots``; features are named in plain words."""
    values = _features_of(bundle, features)
    names = {feature.name: feature.label or feature.name for feature in bundle.catalog}
    return shap_explanation(bundle.contributions(values), values, names)


def compare(data: SourceData) -> dict[str, Any]:
    """Rubric and model on the same past leads at equal workload, a promised threshold, the swap set: the record of
    ``leadscore thresholds``. Needs a training.
    """
    return _run_stages(data.context, "evaluate", "thresholds")


def replay(data: SourceData, rubric: Rubric) -> dict[str, Any]:
    """A draft rubric on the past leads the model was judged on, beside rubric and model in force."""
    from pipelines.rubrics.rubric_backtest import try_rubric

    return try_rubric(data.context, rubric)


def rubric(name_or_path: str | Path, source: Source | None = None) -> Rubric:
    """A rubric by name or path, checked in itself and against a source.

    Raises
    ------
    PolicyError : one line per problem, each with its line in the file

    Examples
    --------
    >>> rubric("generic_b2b").name
    'generic_b2b'
    """
    return load_rubric(find_rubric(str(name_or_path)), source)


def worklist(data: SourceData) -> pd.DataFrame:
    """Open leads as the champion scores them now, best first: the columns of :func:`score` and more.

    What it stands on, the comparison with its promised threshold, is worked out first if it never was.

    Raises
    ------
    RegistryError : the source has no champion yet
    """
    if not ComparisonRecord.path(data.context.paths).exists():
        compare(data)
    _run_stages(data.context, "score")
    return read_parquet(data.context.paths.score / "worklist.parquet")


def monitor(data: SourceData, settings: MonitorSettings | None = None) -> dict[str, Any]:
    """Whether what is scored now still looks like what the champion learned from: verdict, findings, what to do."""
    from pipelines.diagnostics.monitor import monitor as watch

    return watch(data.context, settings or MonitorSettings()).record()


def promote(data: SourceData, bundle: str | None = None, *, check: bool = False, reason: str = "") -> Promotion:
    """Make a bundle the champion if it passes the gate, as ``leadscore promote``; who moves is told either way.

    Parameters
    ----------
    bundle : hash of a kept bundle, or its beginning; default: the last one trained
    check : ask only
    reason : promotes despite the gate, and is recorded

    Raises
    ------
    PromotionError : the gate keeps the bundle back
    """
    return promote_bundle(data.context, bundle, check=check, reason=reason)


def retrain(data: SourceData, *, as_of: Any = None, promote: bool = False, track: bool = False) -> dict[str, Any]:
    """From newly closed deals to a decision about the champion: the record of ``leadscore retrain``.

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
    ContractError : as_of is more than one moment
    """
    from pipelines.retraining.retrain_run import RetrainOptions
    from pipelines.retraining.retrain_run import retrain as run_retrain

    moment = None if as_of is None else _moments(as_of)
    if isinstance(moment, pd.Series):
        raise ContractError(f"a retrain is as of one moment; found {len(moment)}.")
    with only_writer(data.context.paths):
        return run_retrain(data.context, RetrainOptions(as_of=moment, promote=promote, track=track)).record()


def init(
    *inputs: str | Path, out: str | Path | None = None, data_dir: str | Path = "data", template: str | None = None
) -> str:
    """A commented starter declaration for an export, as ``leadscore init``: what to edit stands at its top.

    Parameters
    ----------
    inputs : paths of files, folders, archives and workbooks, or database URLs
    out : file to write it to; one that is there already is left alone
    template : vendor whose headings and words these are, e.g. ``hubspot``

    Raises
    ------
    SourceError : ``out`` exists already
    DataError : naming the input that cannot be read or told
    """
    from pipelines.declaring.exports.open_export import init_export

    target = None if out is None else Path(out)
    if target is not None and target.exists():
        raise SourceError(f"{target} already exists and is not overwritten. Choose another name.")
    text = init_export([str(one) for one in inputs], target, Path(data_dir), template)
    if target is not None:
        write_text(target, text)
    return text


def _run_stages(context: Context, *names: str) -> dict[str, Any]:
    """Stages in their order, under the lock of the command line; the record of the last."""
    with only_writer(context.paths):
        *_, last = [run_stage(context, name) for name in names]
    return last.record()


def _moments(as_of: Any) -> "pd.Timestamp | pd.Series":
    if isinstance(as_of, str) or np.ndim(as_of) == 0:
        moment = pd.Timestamp(as_of)
        return moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)
    return moments_of(as_of)


def _each(when: Any, values: pd.DataFrame) -> Any:
    return np.broadcast_to(np.asarray(when, dtype="datetime64[us]"), (len(values),)).copy()


def _flat_rows(tables: Tables, source: Source, catalog: Catalog, index: pd.Index) -> pd.DataFrame:
    every = flat_at(tables["leads"], catalog, source)
    place = pd.Index(every.keys["lead_id"]).get_indexer(index)
    _refuse_unknown(index[place < 0], source)
    return every.values.iloc[place]


def _refuse_unknown(unknown: pd.Index, source: Source) -> None:
    if len(unknown):
        raise ContractError(f"{len(unknown)} leads are not in source '{source.name}', e.g. {unknown[0]}.")


def _cohort(tables: Tables, source: Source) -> Matrix:
    if source.kind == "flat":
        return flat_matrix(tables["leads"], source)
    return matrix_of(tables, source, Catalog(()), cutoff_of(tables, source))


def _without_features(labelled: pd.DataFrame, source: Source) -> Matrix:
    """The rows of :func:`labels` as a matrix without columns: splits read nothing but clocks, groups and outcomes."""
    rows = labelled.reset_index(drop=True)
    return Matrix(
        catalog=Catalog(()),
        values=pd.DataFrame(index=pd.RangeIndex(len(rows))),
        keys=rows.loc[:, list(KEY_COLUMNS)],
        label=rows["label"].to_numpy(dtype=np.float64),
        matured=rows["matured"].to_numpy(dtype=np.bool_),
        label_known_at=rows["label_known_at"],
        weight=rows["weight"].to_numpy(dtype=np.float64),
        ordered=source.flat is None or source.flat.order is not None,
        amount=rows["amount"].to_numpy(dtype=np.float64),
    )


def _features_of(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in bundle.catalog.names if name not in features]
    if missing:
        raise ContractError(
            f"{len(missing)} features of the bundle are not in the frame, e.g. {missing[0]}; make it with "
            "features_at(..., bundle=bundle)."
        )
    return features.loc[:, list(bundle.catalog.names)].reset_index(drop=True)
