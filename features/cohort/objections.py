"""Who objects to being profiled: such leads are in no cohort and get no score."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools
from features.errors import ContractError
from features.schema.source import Source

OBJECTS = "objects_to_profiling"  # column of leads that ingest adds where somebody told leadscore, not the CRM
_WHY = "objects to being profiled and is not scored"
WHY_NO_SCORE = f"this person {_WHY}"  # of a row of a file
_TRUE = (True, "true", "True", "yes", "1")


class ObjectingLeadError(ContractError):
    """A lead that objects to profiling was to be scored."""

    code = "LS076"


def objection_columns(source: Source) -> tuple[str, ...]:
    """Columns of leads that say who objects: the declared one, and what leadscore was told."""
    declared = None if source.privacy is None else source.privacy.objection
    return (OBJECTS,) if declared is None else (declared, OBJECTS)


def objecting_leads(leads: pd.DataFrame, source: Source) -> Bools:
    """Per row of leads whether the person objects, by the declared column or by what leadscore was told."""
    found = np.zeros(len(leads), dtype=np.bool_)
    for name in objection_columns(source):
        if name in leads:
            found |= leads[name].astype("boolean").fillna(False).to_numpy(dtype=np.bool_)
    return found


def refuse_objecting(leads: pd.DataFrame, source: Source, lead_ids: Sequence[str]) -> None:
    """Refuse to score leads that object.

    Raises
    ------
    ObjectingLeadError : naming the first
    """
    hit = objecting_leads(leads, source)
    if hit.any():
        _refuse(leads["lead_id"].astype("str")[hit], lead_ids)


def refuse_objecting_records(leads: Sequence[Mapping[str, Any]], source: Source, lead_ids: Sequence[str]) -> None:
    """As :func:`refuse_objecting`, of rows as records."""
    hit = [row for row in leads if any(row.get(name) in _TRUE for name in objection_columns(source))]
    if hit:
        _refuse(pd.Series([str(row["lead_id"]) for row in hit]), lead_ids)


def _refuse(objecting: pd.Series, lead_ids: Sequence[str]) -> None:
    asked = objecting[objecting.isin([str(name) for name in lead_ids])]
    if len(asked):
        raise ObjectingLeadError(f"lead '{asked.iloc[0]}' {_WHY}. The lead stays listed, without a score.")
