"""AUD11 names a raw date held as a category, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from models.judging.leakage.aud11_date_as_category import check_date_as_category
from tests.reference.audit_rows import honest, rows


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M"])
def test_fires_on_dates_however_they_are_written(form: str) -> None:
    frame, won = honest()
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(won)) % 200, unit="D")
    frame["asked_on"] = pd.Series(days.strftime(form), dtype="str")
    frame.loc[3, "asked_on"] = None
    (finding,) = check_date_as_category(rows(frame, won))
    assert (finding.column, finding.code, finding.severity) == ("asked_on", "AUD11", "suspect")
    assert "role: ignore" in finding.message


def test_silent_on_categories_numbers_and_columns_with_a_clock() -> None:
    frame, won = honest()
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(won)) % 200, unit="D")
    frame["with_clock"] = pd.Series(days.strftime("%Y-%m-%d"), dtype="str")
    frame["version"] = pd.Series([f"{k % 30}.{k % 7}" for k in range(len(won))], dtype="str")
    frame["few_days"] = pd.Series(["2024-01-01", "2024-02-01"] * len(won), dtype="str")[: len(won)]
    assert check_date_as_category(rows(frame, won, verified=("with_clock",))) == []
