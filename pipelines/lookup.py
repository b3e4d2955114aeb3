"""One lead, by id, from the source's tables: the same scoring path as the batch."""

from typing import Any

import numpy as np
import pandas as pd

from features.assemble import features_at
from features.cohort import cutoff_of
from features.errors import DataError
from features.flat import flat_at
from features.matrix import Matrix
from models.bundle import Bundle, load_bundle
from models.explaining.framework import load_framework
from models.scoring import score
from pipelines.champion import require_champion
from pipelines.context import Context
from pipelines.matrices import load_matrix
from pipelines.tables import Tables, load_tables


def champion_bundle(context: Context) -> Bundle:
    """The champion's bundle, hash checked."""
    champion = require_champion(context.paths)
    return load_bundle(champion.folder, champion.hash)


def card_of(
    context: Context, lead_id: str, *, framework: str | None = None, as_of: str | None = None
) -> dict[str, Any]:
    """The card of one lead at a moment (default: the data cut-off), by the champion.

    Raises
    ------
    DataError : the lead is unknown, or ``as_of`` is no time
    """
    bundle = champion_bundle(context)
    chosen = context.framework if framework is None else load_framework(framework)
    tables = load_tables(context.paths)
    matrix = lead_matrix(context, tables, bundle, lead_id, as_of)
    return score(bundle, matrix, chosen, source=context.source).card(0)


def lead_matrix(context: Context, tables: Tables, bundle: Bundle, lead_id: str, as_of: str | None) -> Matrix:
    """The matrix of one known lead."""
    if context.source.kind == "flat":
        matrix = load_matrix(context.paths.matrix)
        rows = np.flatnonzero((matrix.keys["lead_id"] == lead_id).to_numpy())
        if not len(rows):
            raise _unknown(context, lead_id)
        return flat_at(tables["leads"].iloc[rows[:1]].reset_index(drop=True), bundle.catalog, context.source)
    leads = tables["leads"]
    found = leads.loc[leads["lead_id"] == lead_id]
    if not len(found):
        raise _unknown(context, lead_id)
    moment = moment_of(as_of, cutoff_of(tables, context.source))
    if moment < pd.Timestamp(found["created_at"].iloc[0]):
        raise DataError(
            f"lead '{lead_id}' was created {found['created_at'].iloc[0]}, after {moment}; choose a later --as-of."
        )
    return features_at(related(tables, lead_id), context.source, bundle.catalog, [lead_id], moment)


def moment_of(text: str | None, default: pd.Timestamp) -> pd.Timestamp:
    """An ISO time as naive UTC; the default if none is given."""
    if text is None:
        return default
    try:
        moment = pd.Timestamp(text)
    except ValueError as problem:
        raise DataError(f"'{text}' is no time; write it like 2026-06-29T08:00:00Z.") from problem
    return moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment


def related(tables: Tables, lead_id: str) -> Tables:
    """The rows a lead's features can depend on: its own and those of its account's leads."""
    leads = tables["leads"]
    accounts = leads.loc[leads["lead_id"] == lead_id, "account_id"].dropna() if "account_id" in leads else []
    kin = (
        leads[(leads["lead_id"] == lead_id) | (leads["account_id"].isin(accounts))]
        if len(accounts)
        else (leads[leads["lead_id"] == lead_id])
    )
    ids = set(kin["lead_id"])
    found = {}
    for name, frame in tables.items():
        keep = frame["lead_id"].isin(ids) if "lead_id" in frame else pd.Series(False, index=frame.index)
        if "account_id" in frame:
            keep |= frame["account_id"].isin(accounts)
        found[name] = frame[keep].reset_index(drop=True)
    return found


def _unknown(context: Context, lead_id: str) -> DataError:
    return DataError(
        f"lead '{lead_id}' is not among the leads of source '{context.source.name}'. Check the id, or run ingest on newer "
        "data."
    )
