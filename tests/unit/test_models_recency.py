"""A declared recency half-life: who weighs newer rows more, by how much, and what stays."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from features.schema.source import Source
from models.judging.evaluation import backtest
from models.judging.evaluation.backtest import FORGETTING, fit_all, recent_weight, run_backtest
from models.settings import TrainSettings
from models.training.recipe import factory_of
from pipelines.workspace.context import open_context
from tests.reference.toy import toy_chop, toy_matrix


def flat(**changes: Any) -> dict[str, Any]:
    target = {"column": "y", "won": ["yes"], "lost": ["no"]}
    return {"name": "s", "kind": "flat", "tables": {"leads": {}}, "flat": {"target": target, "order": "row"}} | changes


def test_weights_halve_with_age_and_keep_their_mean() -> None:
    part = toy_matrix(101)
    weight = recent_weight(part, 0.25)
    when = part.keys["order"].to_numpy(dtype=np.float64)
    oldest, quarter, newest = (int(np.flatnonzero(when == when.max() * share)[0]) for share in (0.0, 0.75, 1.0))
    base = part.weight
    assert weight.sum() == pytest.approx(base.sum())
    assert weight[quarter] / base[quarter] == pytest.approx(0.5 * weight[newest] / base[newest])
    assert weight[oldest] / base[oldest] == pytest.approx(0.5**4 * weight[newest] / base[newest])
    assert recent_weight(part, None) is base
    assert recent_weight(replace(part, ordered=False), 0.25) is base
    assert recent_weight(replace(part, keys=part.keys.assign(order=7.0)), 0.25) is base


def test_time_goes_before_order_where_there_are_clocks() -> None:
    part = toy_matrix(50)
    when = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(50)[::-1], unit="D")
    weight = recent_weight(replace(part, keys=part.keys.assign(as_of=when)), 0.5)
    assert (np.diff(weight / part.weight) < 0).all()


class Watched:
    """A candidate that notes whether its rows weigh alike."""

    def __init__(self, name: str, candidate: Any, seen: list[tuple[str, bool]]) -> None:
        self.name, self.candidate, self.seen = name, candidate, seen

    def fit(self, values: Any, won: Any, weight: Any, **rest: Any) -> Any:
        self.seen.append((self.name, bool(np.ptp(weight) > 0)))
        return self.candidate.fit(values, won, weight, **rest)


def test_only_linear_and_booster_forget_and_only_by_time() -> None:
    matrix, chop = toy_matrix(900), toy_chop(900)
    settings = TrainSettings.tiny().model_copy(update={"minimum_won": 10, "minimum_lost": 10, "recency_half_life": 0.1})
    seen: list[tuple[str, bool]] = []
    make = factory_of(settings, {"num_leaves": 4, "rounds": 5})

    def watched() -> dict[str, Any]:
        return {name: Watched(name, candidate, seen) for name, candidate in make().items()}

    run_backtest(matrix, chop, watched, {}, settings)
    faded = {name: [moved for n, moved in seen if n == name] for name in make()}
    blocks, folds = len(chop.blocks), settings.tune_folds
    for name, moved in faded.items():
        assert moved == ([name in FORGETTING] * blocks + [False] * folds), name
    some = fit_all(matrix, chop.final.train, make, settings, names=("linear",))
    assert list(some) == ["linear"]
    assert backtest.FORGETTING == ("linear", "booster")


def test_a_source_declares_it_and_rows_without_order_cannot(tmp_path: Path) -> None:
    assert Source.model_validate(flat(recency_half_life=0.1)).recency_half_life == 0.1
    assert open_context("bank", tmp_path).settings.recency_half_life == 0.1
    assert open_context("demo", tmp_path).settings.recency_half_life is None
    everywhere = TrainSettings(recency_half_life=0.5)
    assert open_context("demo", tmp_path, everywhere).settings.recency_half_life == 0.5
    assert open_context("bank", tmp_path, everywhere).settings.recency_half_life == 0.1
    unordered = flat(recency_half_life=0.1)
    del unordered["flat"]["order"]
    with pytest.raises(ValidationError, match="no age"):
        Source.model_validate(unordered)
    for wrong in (0.0, 0.001, 11):
        with pytest.raises(ValidationError):
            Source.model_validate(flat(recency_half_life=wrong))
