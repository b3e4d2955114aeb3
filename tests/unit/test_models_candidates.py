"""Every candidate: contributions add up, state restores bit by bit, the unseen is scored, directions hold."""

import json
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from features.catalog.feature import Catalog
from features.matrix import Matrix
from features.schema.vocabulary import Dimension, Topic
from models.candidates.boosting import DEFAULTS, BoosterCandidate
from models.candidates.linear import LinearCandidate
from models.candidates.rate import RateCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.encoding.linear_encoder import NumberCode
from models.encoding.target_encoding import TargetCode
from models.interfaces import Candidate
from models.logistic import fit_logistic, fit_penalties, log_loss, sigmoid
from tests.reference.toy import CATALOG, feature, toy_matrix

MAKERS = {
    "rate": RateCandidate,
    "linear": LinearCandidate,
    "scorecard": ScorecardCandidate,
    "booster": lambda: BoosterCandidate(boosters=2),
}


def entropy_of(won: np.ndarray) -> float:
    """Log loss of the base rate itself."""
    rate = float(won.mean())
    return -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))


def fitted(name: str) -> Candidate:
    matrix = toy_matrix()
    return MAKERS[name]().fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=1)


def strange_rows() -> pd.DataFrame:
    """Everything missing; categories never seen; values far outside."""
    frame = toy_matrix(4, seed=9).values
    frame.loc[0, ["visits", "budget", "pain", "noise"]] = np.nan
    frame.loc[0, ["title", "plan"]] = None
    frame.loc[1, "title"] = "astronaut"
    frame.loc[2, "visits"] = 1e9
    frame.loc[3, "pain"] = -1e9
    return frame


@pytest.mark.parametrize("name", MAKERS)
def test_contributions_add_up_to_the_log_odds(name: str) -> None:
    candidate = fitted(name)
    rows = pd.concat([toy_matrix(300, seed=5).values, strange_rows()], ignore_index=True)
    found = candidate.contributions(rows)
    np.testing.assert_allclose(found.log_odds, candidate.log_odds(rows), rtol=0, atol=1e-9)
    assert np.isfinite(found.log_odds).all()


@pytest.mark.parametrize("name", MAKERS)
def test_restored_candidate_scores_bit_by_bit_alike(name: str) -> None:
    candidate = fitted(name)
    state = json.loads(json.dumps(candidate.state(), sort_keys=True))  # a re-sorted file must not change a score
    again = type(candidate).restore(state, candidate.files())
    rows = pd.concat([toy_matrix(300, seed=5).values, strange_rows()], ignore_index=True)
    assert (again.log_odds(rows) == candidate.log_odds(rows)).all()


@pytest.mark.parametrize("against", [False, True])
@pytest.mark.parametrize("name", ["linear", "scorecard", "booster"])
def test_declared_direction_holds(name: str, against: bool) -> None:
    """Also where the data say the opposite: more visits then count for nothing rather than against a lead."""
    matrix = toy_matrix()
    won = 1 - matrix.label if against else matrix.label
    candidate = MAKERS[name]().fit(matrix.values, won, matrix.weight, catalog=CATALOG, seed=1)
    row = toy_matrix(1, seed=3).values
    ladder = pd.concat([row] * 12, ignore_index=True).assign(visits=np.arange(12.0))
    rises = np.diff(candidate.log_odds(ladder))
    assert (rises >= -1e-12).all()
    assert against or (rises > 0).any()


@pytest.mark.parametrize("name", ["linear", "scorecard", "booster"])
def test_learned_candidates_order_leads_and_find_the_features_that_matter(name: str) -> None:
    candidate, fresh = fitted(name), toy_matrix(2000, seed=77)
    z = candidate.log_odds(fresh.values)
    won, lost = z[fresh.label == 1], z[fresh.label == 0]
    assert (won[:, None] > lost[None, :]).mean() > 0.75
    found = candidate.contributions(fresh.values)
    size = dict(zip(found.names, np.abs(found.values).mean(axis=0), strict=True))
    assert size.get("pain", 0) > 3 * size.get("noise", 0)


def test_rules_and_evidence_are_never_learned_from() -> None:
    matrix = toy_matrix()
    marked = Catalog(tuple(replace(f, family="rules") if f.name == "pain" else f for f in CATALOG))
    for name in ("linear", "scorecard", "booster"):
        candidate = MAKERS[name]().fit(matrix.values, matrix.label, matrix.weight, catalog=marked, seed=1)
        assert "pain" not in candidate.contributions(matrix.values).names


def test_scorecard_points_are_integers_and_rounding_costs_little() -> None:
    card = fitted("scorecard")
    assert isinstance(card, ScorecardCandidate)
    points = card.points(toy_matrix(200, seed=4).values)
    assert (points == np.rint(points)).all()
    assert abs(card.rounding_cost) < 0.005
    assert {row.feature for row in card.rows()} == set(card.bins)


@pytest.mark.parametrize("seed", [10, 22])
def test_a_card_has_no_feature_that_gives_nothing(seed: int) -> None:
    """In these rows a feature weighs so little that all its points round to 0."""
    matrix = toy_matrix(600, seed=seed, strength=0.1)
    card = ScorecardCandidate().fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=1)
    assert all(given.any() for given in card.points_by_bin.values())
    assert set(card.bins) == set(card.points_by_bin)
    found = card.contributions(matrix.values)
    np.testing.assert_allclose(found.log_odds, card.log_odds(matrix.values), rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_card_of_few_rows_and_many_columns_that_tell_nothing_promises_little(seed: int) -> None:
    """Told by its own rows, the card was half a nat worse than the base rate here."""
    names = [f"noise_{k}" for k in range(40)]
    catalog = Catalog((*CATALOG, *(feature(name, Topic.CONTEXT, Dimension.FIT) for name in names)))

    def rows(count: int, seed: int) -> Matrix:
        drawn = np.random.default_rng(seed).normal(size=(count, len(names)))
        matrix = toy_matrix(count, seed=seed, strength=0.0)
        values = pd.concat([matrix.values, pd.DataFrame(drawn, columns=names)], axis=1)
        return replace(matrix, catalog=catalog, values=values)

    learned, judged = rows(200, seed), rows(4000, seed + 50)
    card = ScorecardCandidate().fit(learned.values, learned.label, learned.weight, catalog=catalog, seed=1)
    above = log_loss(judged.label, card.log_odds(judged.values)).mean() - entropy_of(judged.label)
    assert above < 0.2
    assert card.rounding_cost > -0.005


def test_rows_are_told_by_others_of_other_accounts() -> None:
    """Rows of one account hold one outcome: told by each other, a name would seem to know everything."""
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(60), 25)
    won = (rng.random(60) < 0.4).astype(np.float64)[group]
    values = pd.DataFrame({"level": pd.Series([f"l{g}" for g in group], dtype="str"), "size": rng.normal(size=1500)})
    catalog = Catalog(
        (
            feature("level", Topic.CONTEXT, Dimension.FIT, category=True),
            feature("size", Topic.CONTEXT, Dimension.FIT),
        )
    )
    kept = [
        ScorecardCandidate().fit(values, won, np.ones(1500), catalog=catalog, seed=1, group=codes).contributions(values)
        for codes in (group, None)
    ]
    apart, together = (float(np.ptp(found.values.sum(axis=1))) if found.names else 0.0 for found in kept)
    assert apart < together / 3


def test_same_seed_same_trees_other_seed_other_trees() -> None:
    matrix = toy_matrix()
    texts = [
        BoosterCandidate(boosters=1).fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=s).files()
        for s in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_booster_with_few_rows_per_leaf_keeps_its_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer rows per leaf than LightGBM's default once freed the data set while the other thread trained on it."""
    freed: list[bool] = []
    free = lgb.Dataset._free_handle
    monkeypatch.setattr(lgb.Dataset, "_free_handle", lambda self: freed.append(self._handle is not None) or free(self))
    matrix = toy_matrix(300)
    few = {**DEFAULTS, "min_child_samples": 5, "rounds": 5}
    booster = BoosterCandidate(few, boosters=2)
    monkeypatch.setattr(lgb.Dataset, "__del__", lambda self: None)
    booster.fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=1)
    assert not freed


def test_bounded_coefficients_are_where_a_general_solver_finds_them() -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(4)
    design = np.column_stack([np.ones(400), rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6))])
    truth = np.array([-0.5, 1.0, -1.0, 0.4, 0.0, -0.3, 0.2])
    won = (rng.random(400) < sigmoid(design @ truth)).astype(np.float64)
    weight, penalty = rng.uniform(0.5, 1.5, 400), np.r_[0.0, np.full(6, 2.0)]
    for sign in ([0, 1, 1, 1, 0, 1, -1], [0, -1, -1, -1, -1, -1, -1], [0, 0, 1, 0, -1, 0, 1]):
        found = fit_logistic(design, won, weight, penalty, sign=np.array(sign))
        bounds = [{0: (None, None), 1: (0, None), -1: (None, 0)}[one] for one in sign]

        def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
            z = design @ theta
            value = (weight * log_loss(won, z)).sum() + (penalty * theta**2).sum() / 2
            return float(value), design.T @ (weight * (sigmoid(z) - won)) + penalty * theta

        wanted = minimize(loss, np.zeros(7), jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-14})
        np.testing.assert_allclose(found, wanted.x, atol=2e-4)


def test_a_search_that_begins_elsewhere_ends_at_the_same_coefficients() -> None:
    rng = np.random.default_rng(5)
    design = np.column_stack([np.ones(500), rng.normal(size=(500, 5)) @ rng.normal(size=(5, 5))])
    won = (rng.random(500) < sigmoid(design @ rng.normal(size=6))).astype(np.float64)
    weight, penalties = rng.uniform(0.5, 1.5, 500), [np.r_[0.0, np.full(5, size)] for size in (200.0, 1.0, 30.0)]
    for sign in (None, np.array([0, 1, 1, -1, -1, 0])):
        found = list(fit_penalties(design, won, weight, penalties, sign))
        for theta, penalty in zip(found, penalties, strict=True):
            np.testing.assert_allclose(theta, fit_logistic(design, won, weight, penalty, sign=sign), atol=1e-10)
        assert np.abs(found[0] - found[1]).max() > 0.05


OLDER = NumberCode(low=0.0, high=10.0, centre=5.0, spread=2.0, fill=5.0, has_missing=False, log=False)  # no reach yet


def test_far_outside_the_line_still_rises_but_ever_less() -> None:
    code = NumberCode.fit(np.linspace(0.0, 10.0, 500), np.ones(500))
    assert code is not None
    at = code.columns(np.array([5.0, 9.0, 20.0, 200.0, 2000.0]))[:, 0]
    assert (np.diff(at) > 0).all()  # order is kept however far
    assert at[4] < 3 * at[2]  # a value a hundred times as odd does not decide the score
    assert OLDER.columns(np.array([99.0]))[0, 0] == 2.5


def many_levels(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A matrix whose title has 300 levels that move the odds, most of them rare."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, 301)
    level = rng.choice(300, rows, p=share / share.sum())
    moved = np.random.default_rng(1).normal(0, 1.2, 300)
    won = (rng.random(rows) < sigmoid(-1.0 + moved[level])).astype(np.float64)
    return toy_matrix(rows, seed=seed).values.assign(title=pd.Series([f"level {k}" for k in level], dtype="str")), won


def test_many_levels_are_told_by_one_number_and_never_by_a_rows_own_outcome() -> None:
    values, won = many_levels(2500, 3)
    fresh, truth = many_levels(2500, 4)
    ones = np.ones(2500)
    told = LinearCandidate().fit(values, won, ones, catalog=CATALOG, seed=1)
    state = json.loads(json.dumps(told.state()))
    again = LinearCandidate.restore(state, {})
    assert (again.log_odds(fresh) == told.log_odds(fresh)).all()
    np.testing.assert_allclose(told.contributions(fresh).log_odds, told.log_odds(fresh), atol=1e-9)
    slope = fit_logistic(np.column_stack([ones, told.log_odds(fresh)]), truth, ones, np.array([0.0, 1e-6]))[1]
    assert 0.8 < slope < 1.3  # told its own outcome, a row would trust rare levels far too much
    unseen = fresh.assign(title=pd.Series(["nobody knows"] * 2500, dtype="str"))
    assert np.isfinite(told.log_odds(unseen)).all()


def test_levels_that_tell_nothing_are_shrunken_to_nothing() -> None:
    values, _ = many_levels(2000, 5)
    won = (np.random.default_rng(9).random(2000) < 0.3).astype(np.float64)
    code = TargetCode.fit(values["title"], won, np.ones(2000))
    assert np.abs(code.column(values["title"])).mean() < 0.15
