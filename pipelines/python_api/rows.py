"""Rows to learn from or to score: features at a moment, labels, splits, and audits of columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Ints, Tables
from features.assembly.build_matrix import features_at as matrix_of_leads
from features.assembly.build_matrix import matrix_of
from features.assembly.flat_matrix import flat_at, flat_matrix
from features.catalog.build_catalog import build_catalog
from features.catalog.feature import Catalog
from features.cohort.cohort import cutoff_of
from features.cohort.splits import Chop, chop
from features.errors import ContractError
from features.matrix import KEY_COLUMNS, Matrix
from features.schema.source import Source
from models.bundle import Bundle
from models.estimators.seeds import moments_of, refuse_now, refuse_numbers
from models.judging.leakage.audit import audit_columns
from pipelines.own_code.own_functions import check_functions
from pipelines.python_api.source_data import SourceData

_LABELLED = ("label", "matured", "label_known_at", "weight", "amount")


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
        A flat source has no clocks and takes none, or the missing ones of its :func:`labels`
    bundle : whose features are wanted (what it found out of the training data, such as half-lives, is in them);
        default: those the declaration alone makes

    Raises
    ------
    ContractError : a source with clocks without a moment, one without clocks with one, a number as a moment, or an
        unknown lead
    """
    catalog = build_catalog(source) if bundle is None else bundle.catalog
    index = pd.Index([str(name) for name in lead_ids], name="lead_id")
    if source.kind == "flat":
        if not _says_nothing(as_of):
            raise ContractError(f"source '{source.name}' is flat: its rows have no clock, so leave as_of out.")
        return _flat_rows(tables, source, catalog, index).set_axis(index)
    if as_of is None:
        raise ContractError(f"source '{source.name}' has clocks: say as_of, one moment or one per lead.")
    unknown = index.difference(pd.Index(tables["leads"]["lead_id"].astype("str")))
    _refuse_unknown(unknown, source)
    return matrix_of_leads(tables, source, catalog, list(index), to_moments(as_of)).values.set_axis(index)


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
    horizon = source.label.longest_horizon_days
    return chop(_without_features(labelled, source), source.split, seed=seed, horizon_days=horizon)


def audit(frame: pd.DataFrame, label: Any, *, order: Any = None, source: Source | None = None) -> pd.DataFrame:
    """Columns that carry the outcome, most severe first: column, code, severity (leak, suspect, note) and message.

    Parameters
    ----------
    label : shape (n,), 1 won, 0 lost
    order : moments or numbers that order the rows in time, where they have an order; none if all are missing

    Raises
    ------
    ContractError : some rows have a place in the order, and others none

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> won = draw.integers(0, 2, 400)
    >>> leads = pd.DataFrame({"employees": draw.integers(1, 500, 400), "contract_value": won * 100.0})
    >>> audit(leads, won).loc[0, ["column", "severity"]].tolist()
    ['contract_value', 'leak']
    """
    ranks = None if _says_nothing(order) else _ranks(pd.Series(np.asarray(order)))
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


def to_moments(as_of: Any) -> "pd.Timestamp | pd.Series":
    """One moment, or one per lead, without a zone: as UTC counts it.

    Raises
    ------
    ContractError : numbers (20240601), which pandas would read as nanoseconds since 1970, and 'now', 'today' or '09:00'
    """
    one = isinstance(as_of, str) or np.ndim(as_of) == 0
    try:
        refuse_numbers([as_of] if one else as_of, "as_of")
        refuse_now([as_of] if one else as_of, "as_of")
    except ValueError as problem:
        raise ContractError(str(problem)) from None
    if one:
        moment = pd.Timestamp(as_of)
        return moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)
    return moments_of(as_of)


def _says_nothing(moments: Any) -> bool:
    """Whether moments or places are left out, or every one of them is missing."""
    return moments is None or (np.ndim(moments) > 0 and len(moments) > 0 and bool(pd.isna(np.asarray(moments)).all()))


def _ranks(order: pd.Series) -> Ints:
    if order.isna().any():
        raise ContractError(f"order is missing in {int(order.isna().sum()):,} of {len(order):,} rows; leave these out.")
    return np.asarray(order.rank(method="dense"), dtype=np.int64)


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
