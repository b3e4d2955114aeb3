"""What changed about a lead: the parts sum to the movement, and each part is what it says."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from features.errors import BundleError, ContractError
from features.point_in_time.history import known_at_moment, learned_between
from models.bundle import Bundle, load_bundle
from models.score_change import PARTS, split_change
from models.scoring import score
from pipelines.scoring.find_lead import find_bundle, lead_matrix
from pipelines.scoring.score_change import explain_score_change, steps_of
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.table_files import load_tables
from tests.reference.tiny_run import TinyRun
from tests.reference.worlds import DAY, T0, did, empty_world, frames, lead, moment

Cli = Callable[..., tuple[int, str, str]]
SINCE = "2026-06-08T00:00:00"


def some_leads(run: TinyRun, count: int = 6) -> list[str]:
    """Open leads that had been created by then."""
    paths = run.context.paths
    created = load_tables(paths)["leads"].set_index("lead_id")["created_at"]
    ranked = read_parquet(paths.score / "worklist.parquet")["lead_id"]
    return [name for name in ranked if created[name] < pd.Timestamp(SINCE)][:count]


def twin_of(run: TinyRun) -> Bundle:
    return load_bundle(run.context.paths.train / "twin")


def test_parts_sum_to_the_movement_and_ends_are_the_scores_of_the_batch(tiny_demo: TinyRun) -> None:
    context, champion = tiny_demo.context, find_bundle(tiny_demo.context)
    for name in some_leads(tiny_demo):
        found = explain_score_change(context, name, SINCE).record()
        assert sum(found["points"].values()) == found["score_after"] - found["score_before"]
        assert set(found["points"]) == set(PARTS) and found["points"]["model"] == 0
        moved = found["log_odds_after"] - found["log_odds_before"]
        assert sum(found["log_odds"].values()) == pytest.approx(moved, abs=1e-9)
        for when, key in ((SINCE, "score_before"), (None, "score_after")):
            matrix = lead_matrix(context, champion.catalog, name, when)
            assert score(champion, matrix, context.framework).frame["score"].iloc[0] == found[key]


def test_another_model_is_told_apart_from_data_and_time(tiny_demo: TinyRun) -> None:
    context, name = tiny_demo.context, some_leads(tiny_demo)[0]
    champion, twin = find_bundle(context), twin_of(tiny_demo)
    start, end = pd.Timestamp(SINCE), pd.Timestamp("2026-06-29")
    steps = steps_of(context.source, champion, load_tables(context.paths), name, start, end)
    both, alone = (split_change(old, champion, steps, context.framework) for old in (twin, champion))
    assert both.exact["model"] == pytest.approx(
        champion.log_odds(steps.iloc[[2]])[0] - twin.log_odds(steps.iloc[[2]])[0], abs=1e-9
    )
    assert alone.exact["model"] == 0.0 and both.exact["model"] != 0.0
    assert sum(both.points.values()) == both.score[1] - both.score[0]
    still = split_change(champion, champion, steps.iloc[[0, 0, 0]].reset_index(drop=True), context.framework)
    assert set(still.points.values()) == {0}


def test_where_nothing_was_learned_time_alone_moves(tiny_demo: TinyRun) -> None:
    context = tiny_demo.context
    tables = load_tables(context.paths)
    start, end = pd.Timestamp(SINCE), pd.Timestamp("2026-06-29")
    quiet = known_at_moment(tables, start)
    name = some_leads(tiny_demo)[0]
    assert learned_between(quiet, name, start, end).empty
    steps = steps_of(context.source, find_bundle(context), quiet, name, start, end)
    found = split_change(find_bundle(context), find_bundle(context), steps, context.framework)
    assert found.exact["new_data"] == 0.0
    assert np.isfinite(found.exact["decay"])


def test_rows_learned_of_between_two_moments_are_the_lead_s_and_its_account_s() -> None:
    world = empty_world()
    for name, account in (("a", "A"), ("b", "A"), ("c", None)):
        lead(world, name, T0 - 90 * DAY, account_id=account)
    did(world, "a", "demo", T0 - 9 * DAY, T0 - 5 * DAY, asset="x")  # late: learned of in between
    did(world, "a", "demo", T0 - 9 * DAY)
    did(world, "b", "page_view", T0 - 4 * DAY)
    did(world, "c", "page_view", T0 - 4 * DAY)
    did(world, "a", "demo", T0 - 2 * DAY)  # at the later moment itself: not known yet
    tables = frames(world)
    found = learned_between(tables, "a", moment(T0 - 6 * DAY), moment(T0 - 2 * DAY))
    assert found[["lead_id", "what"]].to_numpy().tolist() == [["a", "demo x"], ["b", "page_view"]]
    assert len(known_at_moment(tables, moment(T0 - 4 * DAY))["activities"]) == 2


def test_moments_out_of_order_are_refused(tiny_demo: TinyRun) -> None:
    for since in ("2026-07-30", "2020-01-01"):
        with pytest.raises(ContractError, match="must be before"):
            explain_score_change(tiny_demo.context, some_leads(tiny_demo)[0], since)


def test_the_bundle_of_then_is_found_by_its_hash(tiny_demo: TinyRun) -> None:
    context, name = tiny_demo.context, some_leads(tiny_demo)[0]
    champion = find_bundle(context)
    assert find_bundle(context, champion.hash[:8]).hash == champion.hash
    found = explain_score_change(context, name, SINCE, bundle_before=champion.hash)
    assert found.bundle_before == found.bundle_after == champion.hash
    for unknown in ("abcdef0123", champion.hash[:3]):
        with pytest.raises(BundleError):
            find_bundle(context, unknown)


def test_the_command_reads_well(cli: Cli, tiny_demo: TinyRun) -> None:
    name = some_leads(tiny_demo)[0]
    status, out, err = cli("change", name, "--since", SINCE, *tiny_demo.args)
    assert (status, err) == (0, "")
    assert "time alone" in out and "new data" in out and "in all" in out
