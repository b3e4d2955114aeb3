"""AUD08 fires on attributes that show today's state, and stays silent on those fixed at creation."""

import numpy as np
import pandas as pd

from models.judging.leakage.aud08_overwritten_columns import check_overwritten_columns


def world(seed: int = 0, n: int = 400) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    ids = [f"L{i}" for i in range(n)]
    created = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 200, n), unit="D")
    calls, mails = rng.poisson(4, n), rng.poisson(2, n)
    activities = pd.DataFrame(
        [
            (lead, kind, start + pd.Timedelta(days=2 + k))
            for lead, start, c, m in zip(ids, created, calls, mails, strict=True)
            for kind, count in (("call", c), ("mail", m))
            for k in range(count)
        ],
        columns=["lead_id", "kind", "happened_at"],
    )
    reached = rng.random(n) < 0.4
    stages = pd.DataFrame(
        [(lead, "lead", start) for lead, start in zip(ids, created, strict=True)]
        + [(ids[i], "sql", created[i] + pd.Timedelta(days=20)) for i in np.flatnonzero(reached)],
        columns=["lead_id", "stage", "entered_at"],
    )
    answers = pd.DataFrame(
        [
            (lead, "employees", value, start + pd.Timedelta(days=d))
            for lead, start in zip(ids, created, strict=True)
            for value, d in (("10", 0), (("50" if rng.random() < 0.5 else "10"), 30))
        ],
        columns=["lead_id", "question", "value", "known_at"],
    )
    answers["happened_at"] = answers["known_at"]
    return {
        "leads": pd.DataFrame({"lead_id": ids, "created_at": created}),
        "activities": activities,
        "stages": stages,
        "answers": answers,
        "outcomes": pd.DataFrame({"lead_id": pd.Series([], dtype="str"), "closed_at": pd.to_datetime([])}),
    }


def test_fires_on_todays_totals_states_and_overwritten_fields() -> None:
    tables = world()
    ids = tables["leads"]["lead_id"]
    count = tables["activities"].groupby(["lead_id", "kind"]).size().unstack(fill_value=0).reindex(ids).fillna(0)
    sql = set(tables["stages"].loc[tables["stages"]["stage"] == "sql", "lead_id"])
    last = tables["answers"].drop_duplicates("lead_id", keep="last").set_index("lead_id")["value"]
    columns = pd.DataFrame(
        {
            "v1": count["call"].to_numpy(dtype=float),
            "v2": 3.0 * count["call"].to_numpy() + count["mail"].to_numpy(),
            "v3": ["yes" if lead in sql else "no" for lead in ids],
            "employees": last.reindex(ids).to_numpy(),
        },
        index=pd.Index(ids, dtype="str"),
    )
    found = check_overwritten_columns(columns, tables)
    assert {f.column for f in found} == {"v1", "v2", "v3", "employees"}
    assert {f.severity for f in found} == {"leak"}


def test_silent_on_what_was_fixed_at_creation() -> None:
    tables = world()
    rng = np.random.default_rng(5)
    ids = tables["leads"]["lead_id"]
    count = tables["activities"].groupby("lead_id").size().reindex(ids).fillna(0).to_numpy()
    first = tables["answers"].drop_duplicates("lead_id").set_index("lead_id")["value"]
    columns = pd.DataFrame(
        {
            "engaged_type": np.where(count + rng.normal(0, 4, len(ids)) > 6, "keen", "cool"),
            "visits_before": rng.poisson(3, len(ids)).astype(float),
            "industry": rng.choice(["a", "b", "c"], len(ids)),
            "employees": first.reindex(ids).to_numpy(),
        },
        index=pd.Index(ids, dtype="str"),
    )
    assert check_overwritten_columns(columns, tables) == []
