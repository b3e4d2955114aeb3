"""A bundle stays a challenger until a retrain had outcomes enough to judge it, however many were kept since."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.bundle import load_bundle, save_bundle
from models.judging.promotion.gate import Answer, GateVerdict
from models.settings import GateSettings
from pipelines.registry.champion import keep_bundle, point_to, roll_back
from pipelines.retraining.decide_champion import WAITING, decide, judge_challengers, left_out
from pipelines.retraining.judged_bundles import done_with, keep_judged
from pipelines.retraining.replay_bundles import spread_in_time
from tests.reference.challengers import TEST, early_champion, keep, shifted
from tests.reference.tiny_run import TinyRun

LAST, NOW = "the data of last month", "the data of now"


def answer_with(verdicts: Mapping[str, GateVerdict], monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that says of every bundle, by hash, what it is told; of all others that it cannot tell."""

    def answer(_: object, bundle: str, __: object) -> Answer:
        verdict = verdicts.get(bundle, GateVerdict.INCONCLUSIVE)
        return Answer(verdict=verdict, challenger=bundle, champion=None, sentence="")

    monkeypatch.setattr("pipelines.retraining.decide_champion.ask_gate", answer)


def test_who_waits_is_judged_at_each_retrain_and_who_was_judged_no_more(
    tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, paths = tiny_copy.context, tiny_copy.context.paths
    twin = load_bundle(paths.train / "twin")
    months = [keep(tiny_copy, shifted(twin, 0.1 * k), tmp_path / str(k)) for k in range(1, 6)]
    points = tmp_path / "points"
    save_bundle(twin_by_points(tiny_copy), points)
    keep_bundle(paths, points)
    verdicts: dict[str, GateVerdict] = {}
    answer_with(verdicts, monkeypatch)

    def waiting(data: str) -> list[str]:
        judged = judge_challengers(context, GateSettings(), done_with(paths, data))
        keep_judged(paths, [one.record() for one in judged], data)
        return sorted(one.hash for one in judged if one.what == WAITING)

    assert waiting(LAST) == sorted(months), "but for the points"
    verdicts |= {months[1]: GateVerdict.WORSE, months[2]: GateVerdict.PASSED}
    assert waiting(LAST) == sorted(months), "run again on the same data it says the same"
    assert waiting(NOW) == sorted({*months} - {*months[1:3]}), "the oldest still waits, beside all that came since"
    paths.judged.write_text("[]")
    assert waiting(NOW) == sorted(months), "where that is lost, all are judged again"


def test_a_nightly_run_takes_no_place_from_the_bundle_that_can_be_judged_first(
    tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, twin = tiny_copy.context, load_bundle(tiny_copy.context.paths.train / "twin")
    answer_with({}, monkeypatch)
    first = pd.Timestamp("2024-01-05")
    nightly = []
    for night in range(30):
        through = (first + pd.Timedelta(days=night)).isoformat()
        bundle = dataclasses.replace(shifted(twin, 0.01 * night), meta={**twin.meta, "trained_through": through})
        nightly.append(keep(tiny_copy, bundle, tmp_path / str(night)))
        written = 2e9 - night if night else 1e9  # the first is the oldest, the others as a restore may leave them
        os.utime(context.paths.bundles / nightly[-1], (written, written))
    waiting = [one.hash for one in judge_challengers(context, GateSettings()) if one.what == WAITING]
    assert nightly[0] in waiting and len(waiting) <= 24
    places = [nightly.index(name) for name in waiting]
    assert places == sorted(places, reverse=True), "the newest first"


@pytest.mark.parametrize("nights", [10, 24, 25, 100, 300])
def test_places_are_apart_in_time_and_the_oldest_keeps_its_own(nights: int) -> None:
    start = pd.Timestamp("2024-01-05 09:00")
    found = [(str(night), start + pd.Timedelta(days=night)) for night in range(nights)]
    for end in range(1, nights + 1):
        kept = spread_in_time(found[:end], 24)
        assert kept[0] == "0" and (len(kept) == end if end <= 24 else 11 <= len(kept) <= 24)
    gaps = np.diff([int(name) for name in spread_in_time(found, 24)])
    assert len(gaps[1:-1]) == 0 or len(set(gaps[1:-1].tolist())) == 1, "alike in their distance"
    no_clocks = [(str(k), None) for k in range(30)]
    assert spread_in_time(no_clocks, 24) == [str(k) for k in range(6, 30)]


def test_what_was_rolled_back_from_is_no_challenger_until_somebody_promotes_it(
    tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, paths = tiny_copy.context, tiny_copy.context.paths
    answer_with({}, monkeypatch)
    early_champion(tiny_copy, tmp_path)
    roll_back(paths)
    twin = load_bundle(paths.train / "twin").hash
    assert [one for one in judge_challengers(context, GateSettings()) if one.hash == twin] == []
    assert left_out(context).startswith(f"{twin[:12]} (trained now, without the last block) is no challenger")
    nothing = decide([], left_out(context))
    assert nothing.decision == "champion kept" and f"'leadscore promote --bundle {twin[:12]}'" in nothing.next

    point_to(paths, twin, TEST)
    point_to(paths, tiny_copy.summary["bundle"]["hash"], TEST)
    assert twin in {one.hash for one in judge_challengers(context, GateSettings())}, "promoted since, and left"
    assert left_out(context) == ""


def twin_by_points(run: TinyRun) -> Any:
    """The rubric as a bundle of its own."""
    from models.training.points_bundle import fit_points_bundle
    from pipelines.workspace.matrix_files import load_matrix

    context = run.context
    assert context.rubric is not None
    meta = load_bundle(context.paths.train / "twin").meta
    return fit_points_bundle(load_matrix(context.paths.matrix), context.rubric, context.settings, meta)
