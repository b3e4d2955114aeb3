"""AUD06 fires on what is written at or after the close, and stays silent on what comes before."""

import numpy as np
import pandas as pd

from models.judging.leakage.aud06_written_at_close import check_written_at_close

IDS = [f"L{i}" for i in range(100)]
CLOSED = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.arange(100), unit="D")


def tables(days_from_close: float) -> dict[str, pd.DataFrame]:
    moment = CLOSED + pd.Timedelta(days=days_from_close)
    return {
        "outcomes": pd.DataFrame({"lead_id": IDS, "closed_at": CLOSED}),
        "answers": pd.DataFrame({"lead_id": IDS, "question": "budget", "known_at": moment}),
        "activities": pd.DataFrame({"lead_id": IDS, "kind": "signature", "happened_at": moment}),
    }


def test_fires_after_the_close() -> None:
    columns = pd.DataFrame({"modified": CLOSED}, index=IDS)
    found = {f.column: f.severity for f in check_written_at_close(columns, tables(0.5))}
    assert found == {"modified": "leak", "budget": "suspect", "signature": "suspect"}


def test_silent_before_the_close() -> None:
    columns = pd.DataFrame({"born": CLOSED - pd.Timedelta(days=40), "size": 1.0}, index=IDS)
    assert check_written_at_close(columns, tables(-10)) == []
