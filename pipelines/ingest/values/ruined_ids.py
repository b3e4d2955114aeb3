"""Ids that a spreadsheet rounded to scientific notation: what several of them were cannot be told any more."""

import pandas as pd

from pipelines.ingest.errors import RuinedIdsError

RUINED_ID = r"[1-9](?:[.,]\d{1,5})?[eE]\+\d{2,3}"  # as spreadsheets write a number of over eleven digits
# Below it some ids may look so by chance, or were typed in by hand; they are told. Above, the column is lost.
LOST = 0.05


def check_ids(texts: pd.Series, where: str) -> str:
    """A sentence about the few ids that look ruined, empty if none does.

    Raises
    ------
    RuinedIdsError
        if so many are that rows cannot be told apart.
    """
    present = texts.dropna()
    hit = present[present.str.fullmatch(RUINED_ID).fillna(False).astype(bool)]
    if not len(hit):
        return ""
    if len(hit) >= LOST * len(present):
        raise RuinedIdsError(where, len(hit), int(hit.nunique()), str(hit.iloc[0]))
    return f"{len(hit)} ids look as if a spreadsheet had rounded them (e.g. '{hit.iloc[0]}')."
