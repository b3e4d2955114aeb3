"""A large synthetic market for rehearsals of scale: written in parts, so that memory does not grow with its size."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.array_types import Floats, Ints
from features.errors import SourceError

SCALE = "scale"
START, WEEKS = pd.Timestamp("2024-07-01"), 104
KINDS = ("email_open", "email_click", "page_view", "pricing_view", "download", "webinar", "chat", "product_event")
_SHARES = np.array([0.3, 0.08, 0.3, 0.06, 0.08, 0.04, 0.04, 0.1])
_WARM = np.array([0.0, 0.3, 0.1, 0.9, 0.3, 0.5, 0.7, 0.8])  # how much likelier by a unit of interest [log]
INDUSTRIES = ("software", "finance", "health", "industry", "retail", "logistics", "energy", "public")
SOURCES = ("search", "event", "partner", "referral", "outbound", "advert")
_PART = 50_000  # leads whose events are drawn and written at a time
_DAY_US = 86_400_000_000


def write_scale(folder: Path, seed: int = 7, leads: int = 1_000_000, events_per_lead: int = 50) -> None:
    """Leads and outcomes as one Parquet file each, activities as a folder of them; every row synthetic, none bad.

    Raises
    ------
    SourceError : fewer than 1,000 leads, or no events
    """
    if leads < 1_000 or events_per_lead < 1:
        raise SourceError(f"a rehearsal needs 1,000 leads and an event each; found {leads} and {events_per_lead}.")
    rng = np.random.default_rng(seed)
    interest, size = rng.normal(0, 1, leads), rng.normal(0, 1, leads)
    industry, source = rng.integers(0, len(INDUSTRIES), leads), rng.integers(0, len(SOURCES), leads)
    created = np.sort(rng.random(leads) * WEEKS * 7 * _DAY_US).astype(np.int64)
    score = -2.6 + 0.9 * interest + 0.4 * size + 0.25 * (industry - 3.5) / 2.3
    won = rng.random(leads) < 1 / (1 + np.exp(-score))
    closed = created + ((5 + rng.exponential(45, leads)) * _DAY_US).astype(np.int64)
    over = closed < WEEKS * 7 * _DAY_US

    folder.mkdir(parents=True, exist_ok=True)
    names = pa.array([f"L{k:08d}" for k in range(leads)])
    accounts = rng.integers(0, max(leads // 3, 1), leads)
    people = {
        "lead_id": names,
        "created_at": _moments(created),
        "account_id": pa.array([f"A{k:08d}" for k in accounts]),
        "industry": _levels(industry, INDUSTRIES),
        "lead_source": _levels(source, SOURCES),
        "employees": pa.array(np.exp(4 + 1.3 * size).round()),
    }
    pq.write_table(pa.table(people), folder / "leads.parquet")
    deals = {
        "opportunity_id": pa.array([f"D{k:08d}" for k in np.flatnonzero(over)]),
        "lead_id": names.filter(pa.array(over)),
        "closed_at": _moments(closed[over]),
        "won": pa.array(np.where(won[over], "yes", "no")),
    }
    pq.write_table(pa.table(deals), folder / "outcomes.parquet")

    (folder / "activities").mkdir()
    ends = np.minimum(closed, WEEKS * 7 * _DAY_US - 1)
    for part, first in enumerate(range(0, leads, _PART)):
        own = slice(first, min(first + _PART, leads))
        table = _events(rng, names[own], created[own], ends[own], interest[own], events_per_lead)
        pq.write_table(table, folder / "activities" / f"part-{part:05d}.parquet")


def _events(
    rng: np.random.Generator, names: Any, created: Ints, ends: Ints, interest: Floats, per_lead: int
) -> pa.Table:
    """Events of some leads in order of time: warm leads have more, and other ones."""
    weight = np.exp(0.5 * interest)
    lead = np.sort(rng.choice(len(created), len(created) * per_lead, p=weight / weight.sum()))
    chances = _SHARES * np.exp(np.outer(interest, _WARM))
    steps = np.cumsum(chances / chances.sum(axis=1, keepdims=True), axis=1)
    kind = (rng.random((len(lead), 1)) > steps[lead]).sum(axis=1).clip(max=len(KINDS) - 1)
    happened = created[lead] + ((ends - created)[lead] * rng.random(len(lead)) ** 1.5).astype(np.int64)
    known = np.minimum(happened + (rng.exponential(600, len(lead)) * 1e6).astype(np.int64), WEEKS * 7 * _DAY_US - 1)
    order = np.argsort(known, kind="stable")
    return pa.table(
        {
            "lead_id": pa.DictionaryArray.from_arrays(pa.array(lead[order].astype(np.int32)), names),
            "kind": _levels(kind[order], KINDS),
            "happened_at": _moments(happened[order]),
            "known_at": _moments(known[order]),
        }
    )


def _levels(codes: Ints, names: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(names)))


def _moments(since_start: Ints) -> pa.Array:
    start = START.value // 1000
    return pa.array(since_start + start, pa.timestamp("us"))
