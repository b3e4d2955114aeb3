"""A prior bundle: mapped with checks, shrunk, taken only where few rows can tell that it helps, exact and whole."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.assembly.frameless_rows import PlainRows
from features.catalog.feature import Catalog
from features.cohort.splits import Chop
from features.errors import BundleError, TooLittleDataError
from features.matrix import Matrix
from features.schema.source import Capacity, Split
from features.schema.vocabulary import Dimension, Topic, Verdict
from models.bundle import Bundle, load_bundle, save_bundle
from models.calibration.level import LevelHistory
from models.candidates.prior import PriorCandidate
from models.explaining.framework import load_framework
from models.explaining.model_bars import UNMAPPED
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import log_loss
from models.scoring import score
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle
from models.training.prior_bundle import FEWEST, is_scarce, split_few, try_prior
from models.training.prior_mapping import describe_unseen, map_features, prior_candidate_of
from models.training.recipe import Recipe, backtest_candidates
from models.training.twin import evaluate_twin, fit_twin
from models.training.verdict import decide
from tests.reference.toy import CATALOG, feature, toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()
META = {"source": "elsewhere", "horizon_days": 90}

# a catalog of the new source: pain has another name but the same label, plan is not there, motto is new
OWN = Catalog(
    (
        feature("visits", Topic.INTEREST, Dimension.INTEREST, direction=1),
        feature("budget", Topic.BUDGET, Dimension.FIT),
        feature("need_score", Topic.NEED, Dimension.FIT, label="Pain"),
        feature("motto", Topic.CONTEXT, Dimension.FIT, category=True),
        feature("title", Topic.AUTHORITY, Dimension.FIT, category=True),
    )
)


@cache
def other_bundle() -> Bundle:
    """A bundle learned from 1,200 rows of another source, a blend with a booster in it."""
    matrix = toy_matrix(1200, seed=1)
    found = backtest_candidates(matrix, toy_chop(1200), SETTINGS)
    decision = decide(matrix, found, SETTINGS)
    decision = replace(decision, winner="blend", weights=dict(found.weights))
    return fit_bundle(
        matrix, np.arange(1200), Recipe(backtest=found, decision=decision, settings=SETTINGS), meta=META, facts={}
    )


def new_source(rows: int = 120, *, seed: int = 5, strength: float = 1.0) -> Matrix:
    """Few rows of the same world in another catalog, in no order; ``strength`` 0: nothing is known of them."""
    matrix = toy_matrix(rows, seed=seed, strength=strength)
    values = matrix.values.rename(columns={"pain": "need_score"})
    values["motto"] = pd.Series(["onwards"] * rows, dtype="str")
    return replace(matrix, catalog=OWN, values=values.loc[:, list(OWN.names)], ordered=False)


@cache
def tried(strength: float = 1.0) -> tuple[Matrix, Chop, PriorCandidate, Recipe]:
    matrix = new_source(strength=strength)
    chop = split_few(matrix, Split(), SETTINGS, "too few.")
    prior = prior_candidate_of(other_bundle(), map_features(other_bundle().catalog, OWN))
    scarce = is_scarce(matrix, chop, SETTINGS.model_copy(update={"minimum_won": 80}))
    trial = try_prior(matrix, chop, prior, SETTINGS, scarce=scarce)
    return matrix, chop, prior, Recipe(backtest=trial.backtest, decision=trial.decision, settings=SETTINGS, prior=prior)


@cache
def bundled() -> tuple[Matrix, Bundle]:
    matrix, _, _, recipe = tried()
    return matrix, fit_bundle(matrix, np.arange(len(matrix)), recipe, meta={**META, "source": "here"}, facts={})


def test_a_trial_keeps_the_level_its_folds_showed_and_no_step() -> None:
    decision = tried()[3].decision
    assert set(decision.levels) == {"rate", "prior"} and decision.calibrations["prior"].intercept != 0.0
    for name, line in decision.calibrations.items():
        assert decision.levels[name] == LevelHistory(level=line.intercept)


def test_features_are_mapped_by_name_then_label_and_what_is_not_is_told() -> None:
    found = map_features(CATALOG, OWN)
    assert found.taken == {"visits": "visits", "budget": "budget", "pain": "need_score", "title": "title"}
    assert found.missing == ("noise", "plan") and not found.refused
    assert "4 of its 6 features are here too; it is not told noise, plan" in found.sentence


def test_another_type_or_unit_is_refused_with_the_reason() -> None:
    others = {
        "budget": feature("budget", Topic.BUDGET, Dimension.FIT, unit="EUR"),
        "visits": feature("visits", Topic.INTEREST, Dimension.INTEREST, category=True),
    }
    theirs = Catalog(tuple(replace(f, unit="USD") if f.name == "budget" else f for f in CATALOG))
    found = map_features(theirs, Catalog(tuple(others.get(f.name, f) for f in OWN)))
    assert found.refused == {
        "budget": "in USD there, in EUR here",
        "visits": "a number there, a category here",
    }
    assert "budget: in USD there, in EUR here" in found.sentence


def test_a_label_that_two_features_share_maps_nothing() -> None:
    twice = Catalog((*OWN.features, feature("pain_again", Topic.NEED, Dimension.FIT, label="Pain")))
    assert "pain" in map_features(CATALOG, twice).missing


def test_a_feature_is_told_to_one_of_the_other_model_only_to_that_of_its_name() -> None:
    """`title` here is called Plan, as another feature there is: told to both, one of its two parts would be lost."""
    own = Catalog(tuple(replace(f, label="Plan") if f.name == "title" else f for f in OWN))
    found = map_features(CATALOG, own)
    assert found.taken["title"] == "title" and "plan" in found.missing
    parts = prior_candidate_of(other_bundle(), found).contributions(new_source().values)
    assert len(set(parts.names)) == len(parts.names)


def test_values_the_other_bundle_never_saw_are_told() -> None:
    matrix = new_source()
    strange = replace(matrix, values=matrix.values.assign(title=pd.Series(["chief"] * 120, dtype="str")))
    mapping = map_features(CATALOG, OWN)
    assert describe_unseen(other_bundle(), mapping, matrix) == []
    (told,) = describe_unseen(other_bundle(), mapping, strange)
    assert told.startswith("title: 120 of 120 rows") and "'chief'" in told


def test_a_prior_that_knows_nothing_here_is_refused() -> None:
    nothing = map_features(CATALOG, Catalog((feature("motto", Topic.CONTEXT, Dimension.FIT, category=True),)))
    with pytest.raises(BundleError, match="none of the features of the prior bundle, of source 'elsewhere', is here"):
        prior_candidate_of(other_bundle(), nothing)
    _, leaning = bundled()
    with pytest.raises(BundleError, match="scores by prior alone, which learned nothing"):
        prior_candidate_of(leaning, map_features(leaning.catalog, OWN))


def test_it_helps_where_it_knows_the_leads_and_says_how_much_it_leans() -> None:
    matrix, chop, _, recipe = tried()
    decision = recipe.decision
    assert decision.verdict is Verdict.WEAK_SIGNAL and decision.winner == "prior"
    won = int(matrix.label.sum())
    assert f"Borrowed: {won} won and {120 - won} lost leads are too few" in decision.verdict_text
    assert "that of 'elsewhere'" in decision.verdict_text and "log loss beside the base rate" in decision.verdict_text
    assert not set(recipe.backtest.rolling.rows) & set(chop.final.test)

    twin = fit_twin(matrix, chop, recipe.backtest, SETTINGS, None, recipe.prior)
    figures = evaluate_twin(twin, matrix, chop, recipe, SnapshotCapacity(Capacity(share=0.1))).figures
    assert set(figures) == {"rate", "prior"}


def test_it_is_left_where_it_does_not_help_and_the_message_of_too_few_stays() -> None:
    decision = tried(0.0)[3].decision
    assert decision.verdict is Verdict.TOO_LITTLE_DATA
    assert decision.verdict_text.startswith("Too little data") and "It is not used." in decision.verdict_text


def test_with_the_fewest_leads_nothing_is_tried() -> None:
    matrix = new_source(40)
    label = np.zeros(40)
    label[: FEWEST - 1] = 1.0
    with pytest.raises(TooLittleDataError, match="takes 10 won and 10 lost leads"):
        split_few(replace(matrix, label=label), Split(), SETTINGS, "too few.")


def test_weight_and_level_are_shrunk_to_the_other_bundle_and_follow_many_rows() -> None:
    _, _, prior, _ = tried()
    for rows, near in ((20, 0.25), (4000, 0.1)):
        matrix = new_source(rows, seed=9)
        z = prior.model.log_odds(matrix.values)
        rng = np.random.default_rng(3)
        won = (rng.random(rows) < 1 / (1 + np.exp(-(0.4 * z - 1.0)))).astype(np.float64)
        fitted = prior.fit(matrix.values, won, np.ones(rows), catalog=OWN, seed=0)
        target = 1.0 if rows == 20 else 0.4
        assert abs(fitted.slope - target) < near * 2
    turned = prior.fit(matrix.values, (z < np.median(z)).astype(np.float64), np.ones(rows), catalog=OWN, seed=0)
    assert turned.slope > 0


def test_bars_add_up_under_this_source_s_own_features() -> None:
    matrix, bundle = bundled()
    parts = bundle.contributions(matrix.values)
    assert np.abs(parts.log_odds - bundle.log_odds(matrix.values)).max() < 1e-9
    assert set(parts.names) == {"visits", "budget", "need_score", "title", UNMAPPED}
    scored = score(bundle, matrix, load_framework("bant"))
    points = [name for name in scored.frame.columns if name.startswith("points_")]
    assert (50 + scored.frame[points].sum(axis=1) == scored.frame["score"]).all()


def test_one_lead_alone_scores_bit_by_bit_as_among_others() -> None:
    matrix, bundle = bundled()
    raw, parts = bundle.explain(matrix.values)
    for row in (0, 5, 60, 119):
        alone, its = bundle.explain(PlainRows.of(matrix.values.iloc[[row]], OWN))
        assert alone[0] == raw[row] and (its.values[0] == parts.values[row]).all() and its.base == parts.base


def test_the_bundle_holds_the_other_model_itself(tmp_path: Path) -> None:
    matrix, bundle = bundled()
    save_bundle(bundle, tmp_path)
    again = load_bundle(tmp_path)
    assert again.hash == bundle.hash and (again.log_odds(matrix.values) == bundle.log_odds(matrix.values)).all()
    assert again.meta["prior"]["hash"] == other_bundle().hash and again.meta["prior"]["source"] == "elsewhere"
    assert any(name.startswith("prior_booster") for name in bundle.files())
    document = json.loads((tmp_path / "bundle.json").read_text())
    document["components"]["prior"]["slope"] = 3.0
    (tmp_path / "bundle.json").write_text(json.dumps(document))
    with pytest.raises(BundleError, match="changed after it was written"):
        load_bundle(tmp_path)


def test_on_later_leads_it_beats_the_rate_and_a_model_of_so_few() -> None:
    """Synthetic: 40 rows to learn from, 2,000 to judge on, over eight seeds."""
    later = new_source(2000, seed=77)
    _, _, prior, _ = tried()
    losses = []
    for seed in range(8):
        few = new_source(40, seed=100 + seed)
        fitted = prior.fit(few.values, few.label, few.weight, catalog=OWN, seed=0)
        rate = np.full(2000, np.log(few.label.mean() / (1 - few.label.mean())))
        losses.append([log_loss(later.label, z).mean() for z in (fitted.log_odds(later.values), rate)])
    found = np.mean(losses, axis=0)
    assert found[0] < found[1] - 0.05
