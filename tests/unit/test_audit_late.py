"""AUD06 fires on what is written at or after the close, and stays silent on what comes before."""

import numpy as np
import pandas as pd

from models.judging.leakage.aud06_written_at_close import check_written_at_close

IDS = [f"L{i}" for i in range(100)]
CAME = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(100), unit="D")
CLOSED = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.arange(100), unit="D")


def tables(days_from_close: float) -> dict[str, pd.DataFrame]:
    moment = CLOSED + pd.Timedelta(days=days_from_close)
    return {
        "leads": pd.DataFrame({"lead_id": IDS, "created_at": CAME}),
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


def test_dates_of_when_the_lead_came_are_not_written_at_the_close_of_a_quick_sale() -> None:
    """Sixty leads of a hundred close within the day they come."""
    quick = np.arange(100) % 5 < 3
    closed = pd.Series(CLOSED).where(~quick, CAME + pd.Timedelta(hours=6)).to_numpy()
    quickly = {**tables(-10), "outcomes": pd.DataFrame({"lead_id": IDS, "closed_at": closed})}
    columns = pd.DataFrame({"form_sent": CAME, "signed": closed}, index=IDS)
    (found,) = check_written_at_close(columns, {**quickly, "answers": tables(-10)["answers"][:0]})
    assert (found.column, found.severity) == ("signed", "leak")
    assert "for 100% of 40 closed leads" in found.message


def test_dates_far_from_the_close_are_to_be_looked_at_and_stop_nothing() -> None:
    ends = CAME + pd.to_timedelta(np.arange(100) * 37 % 300 + 30, unit="D")
    (found,) = check_written_at_close(pd.DataFrame({"contract_ends": ends}, index=IDS), tables(-10))
    assert (found.column, found.severity, found.blocking) == ("contract_ends", "suspect", False)
    share = np.mean(ends >= CLOSED - pd.Timedelta(days=1))
    assert f"at or after the close for {share:.0%} of 100 closed leads, but seldom near it" in found.message


def test_what_came_with_the_lead_is_not_written_at_the_close_of_a_quick_sale() -> None:
    """Ninety leads of a hundred close within the day they come; all fill the form as they come, and sign at the end."""
    closed = pd.Series(CLOSED).where(np.arange(100) % 10 == 0, CAME + pd.Timedelta(hours=6))
    asked = pd.DataFrame({"lead_id": IDS * 3, "question": "budget", "known_at": [*CAME, *CAME, *CAME]})
    kinds = {"form": CAME, "signature": closed + pd.Timedelta(days=2)}
    acts = [pd.DataFrame({"lead_id": IDS, "kind": kind, "happened_at": list(at)}) for kind, at in kinds.items()]
    quickly = {
        **tables(-10),
        "outcomes": pd.DataFrame({"lead_id": IDS, "closed_at": closed}),
        "answers": asked,
        "activities": pd.concat(acts, ignore_index=True),
    }
    found = check_written_at_close(pd.DataFrame(index=IDS), quickly)
    assert [(one.column, one.severity) for one in found] == [("signature", "suspect")]
