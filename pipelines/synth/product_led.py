"""Product-qualified leads of a synthetic market: leads long left lying that turn up in the product after all.

The demo's team began to send them to sales development four weeks before the data end, with the second version of its
qualification. They are older than leads are learned from, so no model notices.
"""

import numpy as np
import pandas as pd

from features.array_types import Floats
from pipelines.synth.events import DAY, HOUR, in_office
from pipelines.synth.market import Market

WEEKS, OLD_WEEKS = 4, 26  # since when, and how long the lead has been known
_ACTS, _WITHIN = 3, 30 * DAY  # acts in the product, within so long
_NOT_YET_WITH_SALES = ("lead", "mql")


def draw_product_led(
    rng: np.random.Generator, market: Market, acts: pd.DataFrame, steps: pd.DataFrame, weeks: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Entries into the stage PQL, and the first call a rep makes after most of them, until the week ``weeks``.

    ``acts`` and ``steps`` as drawn by :mod:`pipelines.synth.events`; both answers have their columns.
    """
    entered = _entries(market, acts, steps, weeks)
    owner = market.leads["owner"].to_numpy()
    found = pd.DataFrame(
        [(lead, "pql", at, str(owner[lead]), "") for lead, at in entered],
        columns=["lead", "stage", "at", "owner", "reason"],
    )
    called = found[rng.random(len(found)) < 0.7]
    at: Floats = np.array([in_office(start) for start in called["at"]], dtype=np.float64)
    at = at + rng.exponential(3.2 * HOUR, len(called))
    calls = pd.DataFrame({"lead": called["lead"].to_numpy(), "kind": "rep_call", "at": at, "known": at, "actor": "rep"})
    calls = calls.assign(asset="", channel="crm", value=np.nan).astype({"lead": "int64"})
    kept = (calls["known"] < weeks).to_numpy(dtype=bool)
    return found.astype({"lead": "int64", "at": "float64"}), calls[kept].reset_index(drop=True)


def _entries(market: Market, acts: pd.DataFrame, steps: pd.DataFrame, weeks: int) -> list[tuple[int, float]]:
    """Old leads, never recycled nor with sales when their third act within a month becomes known, and when that was."""
    known = acts[(acts["kind"] == "product_event").to_numpy() & (acts["known"] < weeks).to_numpy()]
    ordered = steps[(steps["at"] < weeks).to_numpy()].sort_values(["at", "lead"], kind="stable")
    history = dict(iter(ordered.groupby("lead")))
    found = []
    for lead, own in known.sort_values("known", kind="stable").groupby("lead"):
        at = own["known"].to_numpy(dtype=np.float64)
        full = np.flatnonzero(at[_ACTS - 1 :] - at[: len(at) - _ACTS + 1] <= _WITHIN) + _ACTS - 1
        late = at[full[at[full] >= weeks - WEEKS]]
        if not len(late) or late[0] - market.created[own["lead"].iloc[0]] < OLD_WEEKS:
            continue
        past = history[lead]
        before = past.loc[(past["at"] <= late[0]).to_numpy(), "stage"]
        if len(before) and before.iloc[-1] in _NOT_YET_WITH_SALES and not (before == "recycled").any():
            found.append((int(own["lead"].iloc[0]), float(late[0])))
    return found
