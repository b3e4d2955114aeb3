"""A context on its way to another process is the context that was loaded, whatever its files say meanwhile."""

from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from features.errors import ContractError, DataError, SourceError
from features.rubric.versions import RubricHistory, RubricVersion
from models.explaining.handoff_score import handoff_score
from pipelines.retraining.retrain_run import RetrainOptions
from pipelines.workspace.adopted_thresholds import adopt_threshold, load_thresholds, thresholds_file
from pipelines.workspace.context import Context, at_moment, open_context, policy_in_force, with_adopted
from pipelines.workspace.paths import Paths
from serving.children.context_record import ContextRecord

SHIPPED = ("demo", "bank_sample", "shoppers")


def sent(context: Context) -> Context:
    return ContextRecord.model_validate_json(ContextRecord.of(context).model_dump_json(by_alias=True)).open()


@pytest.mark.parametrize("name", SHIPPED)
def test_what_arrives_is_what_was_sent(tmp_path: Path, name: str) -> None:
    context = open_context(name, tmp_path)
    if context.rubric is not None:
        since = pd.Timestamp("2026-03-01T09:00:00.000001")
        later = RubricVersion(rubric=context.rubric, since=since, adopted_at="2026-03-02", author="Ann", reason="why")
        object.__setattr__(context, "rubrics", RubricHistory((*context.rubrics.versions, later)))
    adopt_threshold(context.paths, load_thresholds(context.paths, context.policy), 37, author="Ann", reason="why")
    history = load_thresholds(context.paths, context.policy)
    object.__setattr__(context, "thresholds", history)
    object.__setattr__(context, "policy", history.policy)
    got = sent(context)
    for field in (one.name for one in fields(Context) if one.name not in ("source", "paths")):
        assert getattr(got, field) == getattr(context, field), field
    assert got.declaration_hash == context.declaration_hash
    assert got.paths.root == context.paths.root
    assert got.accounts_policy == context.accounts_policy


def test_as_of_an_earlier_moment_the_score_and_policy_of_then_hold(tmp_path: Path) -> None:
    context = open_context("demo", tmp_path)
    adopt_threshold(context.paths, load_thresholds(context.paths, context.policy), 37, author="Ann", reason="why")
    now = with_adopted(context)
    assert now.policy is not None and handoff_score(now.policy) == 37
    yesterday = pd.Timestamp.now("UTC").tz_localize(None) - pd.Timedelta(days=1)
    before, then = at_moment(now, yesterday), at_moment(now, pd.Timestamp("2025-03-01"))
    assert before.policy == policy_in_force(before.source, context.policies) != now.policy
    assert then.source.data_cutoff == "2025-03-01T00:00:00"
    assert then.policy == policy_in_force(then.source, context.policies) != context.policy
    assert at_moment(now, pd.Timestamp("2100-01-01")).policy == now.policy


@pytest.mark.parametrize(("as_of", "problem"), [("", "this is none"), ("2100-01-01", "still to come")])
def test_a_retrain_is_as_of_a_moment_that_was(as_of: str, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        RetrainOptions(as_of=pd.Timestamp(as_of))


def test_a_file_that_is_edited_meanwhile_changes_nothing(tmp_path: Path) -> None:
    shipped = open_context("bank_sample", tmp_path).source_path
    place = tmp_path / "bank_sample.yaml"
    place.write_bytes(shipped.read_bytes())
    context = open_context(str(place), tmp_path / "data")
    place.write_text("half a sentence", encoding="utf-8")
    with pytest.raises(SourceError):
        open_context(str(place), tmp_path / "data")
    assert sent(context).declaration_hash == context.declaration_hash


def test_damaged_thresholds_name_what_to_do(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "s")
    paths.root.mkdir()
    for text in ('{"x":', "[]", '{"adopted": [{"score": 1e400}]}'):
        thresholds_file(paths).write_text(text)
        with pytest.raises(DataError, match=r"damaged.*: restore it from a backup, or remove it to begin") as told:
            load_thresholds(paths, None)
        assert "run stage" not in str(told.value)
