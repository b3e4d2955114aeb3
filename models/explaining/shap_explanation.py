"""Our exact contributions as the object that the shap package plots."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.interfaces import Contributions

if TYPE_CHECKING:
    import shap


def shap_explanation(
    parts: Contributions, values: pd.DataFrame, labels: Mapping[str, str] | None = None
) -> "shap.Explanation":
    """Contributions and the values behind them, for ``shap.plots``; base and parts sum to the log-odds.

    The values are floats where all are numbers, else objects with texts as they are, which ``shap.plots.violin`` alone
    cannot draw.

    Parameters
    ----------
    values : the catalog's columns of the same rows; parts of no column (what a cap takes, a segment's level) have
        no value
    labels : what a feature is called in the plots; default: its name
    """
    import shap

    shown = [values[name] if name in values else pd.Series(np.nan, index=values.index) for name in parts.names]
    texts = any(not pd.api.types.is_numeric_dtype(column.dtype) for column in shown)
    columns = [column.astype(object if texts else np.float64).to_numpy() for column in shown]
    return shap.Explanation(
        values=np.array(parts.values),
        base_values=np.full(len(values), parts.base),
        data=np.column_stack(columns) if columns else np.empty((len(values), 0)),
        feature_names=[(labels or {}).get(name, name) for name in parts.names],
        output_names="log-odds of a win",
    )
