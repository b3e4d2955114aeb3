"""Rows as if posted to a server over months, written into its store at once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import insert

from serving.store.engine import open_store
from serving.store.tables import ActivityRow, AnswerRow

BUDGETS = ("<10k", "10-50k", "")


def fill_store(run: Any, state_dir: Path, rows: int, leads: int | None = None, seed: int = 3) -> list[str]:
    """Post rows about the first leads of the worklist, nine activities to an answer; returns the leads' ids."""
    listed = pd.read_parquet(run.context.paths.score / "worklist.parquet")["lead_id"].astype("str").tolist()
    ids = listed if leads is None else listed[:leads]
    start = pd.Timestamp(pd.read_parquet(run.context.paths.ingest / "activities.parquet")["known_at"].max())
    draw = np.random.default_rng(seed)
    chosen, kinds = draw.integers(0, len(ids), rows), draw.integers(0, 3, rows)
    activities, answers = [], []
    for k in range(rows):
        lead, at = ids[int(chosen[k])], (start + timedelta(microseconds=k + 1)).to_pydatetime(warn=False)
        if k % 10:
            kind = ("page_view", "email_open", "email_click")[int(kinds[k])]
            activities.append(
                {"activity_id": f"a{k}", "lead_id": lead, "kind": kind, "actor": "lead", "asset": None}
                | {"channel": None, "value": None, "happened_at": at, "known_at": at}
            )
        else:
            answers.append(
                {"lead_id": lead, "question": "budget", "value": BUDGETS[int(kinds[k])], "channel": "call"}
                | {"author": "tester", "happened_at": at, "known_at": at}
            )
    store = open_store(None, state_dir)
    with store.writing() as session:
        session.execute(insert(ActivityRow), activities)
        session.execute(insert(AnswerRow), answers)
    store.close()
    return ids
