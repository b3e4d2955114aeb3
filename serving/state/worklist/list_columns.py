"""Columns of the worklist in memory: compact, as texts without gaps, and as codes."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Ints
from pipelines.scoring.shown_columns import shown_columns
from serving.state.lead_data import LeadData


def compact_text_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Text columns as one block each: picking a page of rows out of many small blocks is slow."""
    whole = np.arange(len(frame))
    return frame.assign(**{str(n): frame[n].array.take(whole) for n in frame if frame[n].dtype == "str"})


def factorize(texts: npt.NDArray[np.object_]) -> tuple[dict[str, int], Ints]:
    """Names with their codes, and the code of every row: comparing a million whole numbers takes a millisecond."""
    codes, names = pd.factorize(texts)
    return {str(name): code for code, name in enumerate(names)}, codes.astype(np.int64)


def count_codes(names: Mapping[str, int], codes: Ints, mask: Bools | None) -> dict[str, int]:
    """How many rows have each name, most first, among those of the mask; the empty name and absent ones are left out.

    >>> count_codes({"a": 0, "b": 1, "": 2}, np.array([0, 1, 1, 2]), np.array([False, True, True, True]))
    {'b': 2}
    """
    counts = np.bincount(codes if mask is None else codes[mask], minlength=len(names))
    found = {name: int(counts[code]) for name, code in names.items() if name and counts[code]}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def texts_of(series: pd.Series) -> npt.NDArray[np.object_]:
    """A column as texts, empty where a value is missing."""
    return series.astype("object").where(series.notna(), "").to_numpy(dtype=object)


def display_values(leads: pd.DataFrame, data: LeadData) -> dict[str, npt.NDArray[np.object_]]:
    """Declared display columns of the leads and of their accounts, by name, a text per lead."""
    own = (name for name in shown_columns(data.source, "leads") if name in leads and name != "owner")
    found = {name: texts_of(leads[name]) for name in own}
    accounts = data.tables.get("accounts")
    names = [n for n in shown_columns(data.source, "accounts") if accounts is not None and n in accounts]
    if accounts is not None and names and "account_id" in leads:
        last = accounts.drop_duplicates("account_id", keep="last").set_index("account_id")
        for name in names:
            found[name] = texts_of(leads["account_id"].map(last[name]).reset_index(drop=True))
    return found
