"""A rehearsal of scale names every stage, extrapolates what grows and leaves what does not; its market is as asked."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from features.errors import DataError, SourceError
from features.schema.load_source import load_source
from pipelines.diagnostics.scale_rehearsal import (
    FOOT,
    GENERATE,
    PLACES,
    Rehearsal,
    ScaleSize,
    StageCost,
    rehearse,
    write_declaration,
)
from pipelines.run import RUN
from pipelines.synth.scale import write_scale


def cost(stage: str, seconds: float, mib: float, status: int = 0) -> StageCost:
    return StageCost(
        stage=stage, status=status, seconds=seconds, processor_seconds=seconds, peak_mib=mib, disk_mib=0, where=""
    )


def test_every_stage_of_a_run_is_rehearsed_in_order() -> None:
    assert tuple(PLACES) == (GENERATE, *RUN)


def test_what_exceeds_the_small_market_grows_and_thinned_rows_do_not() -> None:
    found = Rehearsal(
        size=ScaleSize(20_000 + FOOT.leads),
        engine="memory",
        costs=(cost("matrix", 3600 + 36, 1024 + 512), cost("train", 7200, 2048)),
        processors=2,
        foot=(cost("matrix", 36, 512), cost("train", 10, 512)),
    )
    matrix, train = found.extrapolate(FOOT.events + 10 * 20_000 * 50)
    assert matrix == ("matrix", pytest.approx(10 + 0.01), pytest.approx(10.5))
    assert train == ("train", pytest.approx(2.0), pytest.approx(0.5 + 10 * 1.5)), "it reads the whole matrix"
    assert not found.finished, "other stages were not run"
    assert replace(found, size=FOOT).extrapolate(10**9) == [], "what was no larger tells nothing of growth"


def test_the_market_is_as_large_as_asked_and_the_same_again(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_scale(tmp_path / name, leads=1_200, events_per_lead=7)
    one, two = (pd.read_parquet(tmp_path / name / "activities") for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two)
    leads, deals = (pd.read_parquet(tmp_path / "one" / f"{name}.parquet") for name in ("leads", "outcomes"))
    assert (len(leads), len(one), leads["lead_id"].is_unique) == (1_200, 8_400, True)
    assert set(one["lead_id"]) <= set(leads["lead_id"]) and 0.05 < (deals["won"] == "yes").mean() < 0.3
    ended = one.merge(deals, on="lead_id")
    assert (ended["happened_at"] <= ended["closed_at"]).all() and (one["happened_at"] <= one["known_at"]).all()
    with pytest.raises(SourceError, match="1,000 leads"):
        write_scale(tmp_path / "none", leads=10)


def test_its_declaration_is_sound_and_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    source = load_source(write_declaration(tmp_path, ScaleSize(5_000)))
    assert source.synthetic and source.generator is not None and source.generator.parameters["leads"] == 5_000
    (tmp_path / "foot").mkdir()
    (tmp_path / "foot" / "mine.txt").touch()
    with pytest.raises(DataError, match="--folder"):
        rehearse(tmp_path, FOOT, engine="memory", tiny=True)
