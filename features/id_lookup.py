"""Values by id for a long column of ids, without a Python object per row."""

import pandas as pd


def look_up(ids: pd.Series, by_id: pd.Series) -> pd.Series:
    """What stands under each id (missing: nothing does), as ``ids.map(by_id)`` gives it.

    Only distinct ids become Python objects: ``map`` makes one of every row, 60 bytes each, 3 GB for 50 million events.

    Parameters
    ----------
    ids : texts, with the index of the result
    by_id : values by unique id
    """
    codes, distinct = pd.factorize(ids)
    values = by_id.reindex(pd.Index(distinct)).array
    return pd.Series(values.take(codes, allow_fill=True), index=ids.index)
