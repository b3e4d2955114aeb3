"""Values of frames as JSON values."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd


def to_json_values(record: dict[str, Any]) -> dict[str, Any]:
    """A record with values that JSON can hold: NaN and missing ones as null, timestamps as text."""
    return {str(name): _plain(value) for name, value in record.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return to_json_values(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, pd.Timestamp | datetime):
        return value.isoformat()
    return value
