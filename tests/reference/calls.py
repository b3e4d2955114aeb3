"""A flat file of calls with a known signal, a leak where asked for, or nothing to find; and its declaration."""

from pathlib import Path

import numpy as np
import pandas as pd

DECLARATION = """\
name: calls
kind: flat
title: Calls made for the tests
synthetic: true
flat:
  target: {column: y, won: ["yes"], lost: ["no"]}
  order: row
tables:
  leads:
    location: {file: calls.csv}
    columns:
      job: {type: category, topic: authority, label: job}
      age: {type: number, topic: need, label: age, minimum: 0}
      visits: {type: number, topic: interest, dimension: interest, label: visits, direction: 1}
      seconds: {type: number, label: seconds of the call}
      phone: {type: text, role: display}
      y: {role: display}
"""


def calls(rows: int = 1200, *, signal: float = 1.0, leak: bool = False, seed: int = 3) -> pd.DataFrame:
    """``signal`` scales the true log-odds; ``leak`` makes the call's length follow the outcome."""
    rng = np.random.default_rng(seed)
    job = rng.choice(["boss", "clerk", "student"], rows)
    age, visits = rng.integers(20, 70, rows), rng.poisson(2.0, rows)
    z = -1.2 + signal * (1.2 * (job == "boss") + 0.03 * (age - 45) + 0.5 * (visits - 2))
    won = rng.random(rows) < 1 / (1 + np.exp(-z))
    seconds = (
        np.where(won, rng.integers(300, 900, rows), rng.integers(5, 120, rows)) if leak else rng.integers(5, 900, rows)
    )
    phone = [f"+00 555 {k:06d}" for k in range(rows)]
    answer = np.where(won, "yes", "no")
    return pd.DataFrame({"job": job, "age": age, "visits": visits, "seconds": seconds, "phone": phone, "y": answer})


def write_calls(folder: Path, frame: pd.DataFrame, declaration: str = DECLARATION) -> Path:
    """The file and its declaration in a folder; path of the declaration."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "calls.csv", index=False)
    path = folder / "calls.yaml"
    path.write_text(declaration, encoding="utf-8")
    return path
