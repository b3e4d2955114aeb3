"""A request's raw records become the batch's feature row, bit for bit."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.assembly.build_matrix import features_at
from features.assembly.request_rows import RowMaker
from features.catalog.build_catalog import build_catalog
from features.errors import ContractError
from tests.reference.worlds import DAY, SOURCE, T0, World, did, empty_world, frames, lead, moment

CATALOG = build_catalog(SOURCE)
TIMES = {"created_at", "known_at", "happened_at", "entered_at", "closed_at", "trial_from"}


def busy_world(seed: int = 3) -> World:
    rng = np.random.default_rng(seed)
    world = empty_world()
    for i in range(6):
        account = [None, "A", "B"][i % 3]
        title = ["CEO", "Leiter IT", "wizard"][i % 3]
        lead(world, f"L{i}", T0 - 100 * DAY + i, account_id=account, job_title=title, employees=10.5 * i)
    world["accounts"].append({"account_id": "A", "known_at": None, "revenue": 7.0})
    for k in range(200):
        kind = str(rng.choice(["page_view", "demo", "email_click", "email_send", "call"]))
        happened = T0 - int(rng.uniform(-2, 110) * DAY)
        late = int(rng.choice([0, 0, DAY]))
        asset = [None, "pricing/eu", "blog"][int(rng.integers(3))]
        name = f"L{rng.integers(6)}"
        did(world, name, kind, happened, happened + late, asset=asset, channel="web", activity_id=f"e{k}", value=k / 7)
    for k in range(12):
        at = T0 - int(rng.uniform(0, 60) * DAY)
        said = {"lead_id": f"L{k % 6}", "question": ["budget", "seats"][k % 2], "value": ["yes", "12"][k % 2]}
        world["answers"].append({**said, "happened_at": at, "known_at": at, "channel": "form"})
        world["stages"].append({"lead_id": f"L{k % 6}", "stage": "mql", "entered_at": at, "known_at": at})
    closed = {"opportunity_id": "o", "account_id": "A", "closed_at": T0 - DAY, "known_at": T0 - DAY}
    world["outcomes"].append({**closed, "lead_id": "L1", "won": True, "product": "core"})
    return world


def as_json(world: World) -> dict[str, list[dict[str, Any]]]:
    """The world as a client sends it: ISO times in some zone."""

    def text(name: str, value: Any) -> Any:
        if name not in TIMES or value is None:
            return value
        return moment(value).tz_localize("UTC").tz_convert("Europe/Warsaw").isoformat()

    rows = {table: [{k: text(k, v) for k, v in row.items()} for row in records] for table, records in world.items()}
    return dict(json.loads(json.dumps(rows)))


def test_a_request_gives_the_bits_of_the_batch() -> None:
    world = busy_world()
    names = [row["lead_id"] for row in world["leads"]]
    batch = features_at(frames(world), SOURCE, CATALOG, names, moment(T0)).values
    maker, records = RowMaker(CATALOG, SOURCE), as_json(world)
    for position, name in enumerate(names):
        one = maker.rows(records, [name], moment(T0).isoformat()).frame
        pd.testing.assert_frame_equal(one, batch.iloc[[position]].reset_index(drop=True), check_exact=True)
        values = maker.values(records, name, T0)
        assert [None if pd.isna(v) else v for v in batch.iloc[position]] == [None if pd.isna(v) else v for v in values]
    assert batch["page_view_90d"].sum() > 0
    some = [names[3], names[0]]
    several = maker.rows(records, some, moment(T0).isoformat()).frame
    pd.testing.assert_frame_equal(several, batch.iloc[[3, 0]].reset_index(drop=True), check_exact=True)


def test_requests_may_run_at_once() -> None:
    world = as_json(busy_world())
    maker = RowMaker(CATALOG, SOURCE)
    names = [f"L{i % 6}" for i in range(60)]
    alone = [repr(maker.values(world, name, T0)) for name in names]
    fresh = RowMaker(CATALOG, SOURCE)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: repr(fresh.values(world, name, T0)), names))
    assert together == alone


def test_a_lead_without_its_row_is_named() -> None:
    with pytest.raises(ContractError, match="lead 'zz' is not among the 6 records"):
        RowMaker(CATALOG, SOURCE).values(as_json(busy_world()), "zz", T0)


def test_kernels_are_compiled_once_for_batches_and_requests() -> None:
    from features.kernel import scanner_clicks, sorting, sweep
    from features.point_in_time import visibility

    test_a_request_gives_the_bits_of_the_batch()
    kernels = (
        sweep.sweep_kernel,
        sorting.bucket_kernel,
        sorting.sort_kernel,
        visibility.slice_kernel,
        scanner_clicks.flag_kernel,
    )
    assert [len(kernel.compiled.signatures) for kernel in kernels] == [1] * 5
