"""A user's own estimator in the contest: judged and explained as ours; what no bundle can hold is not chosen."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from features.errors import ContractError, SourceError
from features.schema.load_source import parse_source
from models.bundle import load_bundle, save_bundle
from models.candidates.linear import LinearCandidate
from models.candidates.own import OwnCandidate
from models.judging.evaluation.backtest import Backtest
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle
from models.training.recipe import Recipe, backtest_candidates, find_unstorable
from models.training.verdict import Decision, decide
from pipelines.own_code.load_code import load_code
from tests.reference.toy import CATALOG, toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()
FLAT = """
name: mine
kind: flat
flat: {target: {column: won, won: ["1"], lost: ["0"]}}
tables: {leads: {location: {file: a.csv}, columns: {size: {type: number}, won: {type: category}}}}
"""


def forest() -> Any:
    return RandomForestClassifier(n_estimators=8, min_samples_leaf=10)


def ridge() -> Any:
    return LogisticRegression(C=0.05)


def on_frames() -> Any:
    texts = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["title", "plan"]))
    return make_pipeline(texts, LogisticRegression())


def fitted(candidate: OwnCandidate) -> OwnCandidate:
    matrix = toy_matrix(400)
    return candidate.fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=1)


@pytest.mark.parametrize(("make", "reads"), [(forest, "numbers"), (on_frames, "frame")])
def test_shap_parts_add_up_to_what_it_predicts(make: Any, reads: str) -> None:
    candidate = fitted(OwnCandidate("mine", make, reads))
    rows = toy_matrix(6, seed=3).values
    log_odds, parts = candidate.explain(rows)
    np.testing.assert_allclose(parts.log_odds, log_odds, rtol=0, atol=1e-9)
    assert np.abs(parts.values).sum() > 0.1 and candidate.linear_form() is None


def test_equal_seeds_give_equal_models() -> None:
    rows = toy_matrix(20, seed=3).values
    first, second = (fitted(OwnCandidate("mine", forest)).log_odds(rows) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_linear_classifier_is_our_linear_model_with_other_coefficients() -> None:
    candidate = fitted(OwnCandidate("mine", ridge))
    form, rows = candidate.linear_form(), toy_matrix(50, seed=3).values
    assert form is not None
    restored = LinearCandidate.restore(form.state(), {})
    np.testing.assert_allclose(restored.log_odds(rows), candidate.log_odds(rows), rtol=0, atol=1e-6)


def test_a_linear_classifier_that_is_sure_is_one_all_the_same() -> None:
    candidate = fitted(OwnCandidate("mine", lambda: SGDClassifier(loss="log_loss", alpha=1e-9, random_state=0)))
    form, rows = candidate.linear_form(), toy_matrix(50, seed=3).values
    most = np.abs(candidate.log_odds(rows)).max()
    assert form is not None and np.abs(form.log_odds(rows)).max() > 2 * most
    np.testing.assert_allclose(form.log_odds(rows).clip(-most, most), candidate.log_odds(rows), rtol=0, atol=1e-6)


def test_coefficients_that_are_not_its_log_odds_are_not_believed() -> None:
    class Halved(LogisticRegression):  # type: ignore[misc]
        def predict_proba(self, X: Any) -> Any:
            return 0.25 + super().predict_proba(X) / 2

    assert fitted(OwnCandidate("mine", Halved)).linear_form() is None


@pytest.fixture(scope="module")
def contest() -> tuple[Backtest, Decision, tuple[OwnCandidate, ...]]:
    matrix, own = toy_matrix(500), (OwnCandidate("wood", forest), OwnCandidate("ridge", ridge))
    found = backtest_candidates(matrix, toy_chop(500), SETTINGS, own=own)
    return found, decide(matrix, found, SETTINGS), own


def test_it_is_judged_on_the_same_folds_and_changes_nothing_of_ours(contest: Any) -> None:
    found, _, _ = contest
    alone = backtest_candidates(toy_matrix(500), toy_chop(500), SETTINGS)
    assert {"wood", "ridge"} <= {row["name"] for row in found.table}
    for name, ours in alone.rolling.log_odds.items():
        np.testing.assert_array_equal(found.rolling.log_odds[name], ours)
    assert len(found.rolling.log_odds["wood"]) == len(found.rolling.rows)
    assert found.weights == alone.weights


def test_what_no_bundle_holds_is_neither_chosen_nor_a_signal(contest: Any) -> None:
    found, decision, _ = contest
    assert found.beside == ("wood",)
    assert "wood" not in decision.choice.above_best and "wood" not in decision.signal.gain
    assert "ridge" in decision.choice.above_best and "ridge" in decision.signal.gain
    assert any("wood, your own candidate" in note and "docs/own_code.md" in note for note in decision.notes)


def test_a_chosen_linear_one_is_stored_without_code(contest: Any, tmp_path: Path) -> None:
    found, decision, own = contest
    matrix = toy_matrix(500)
    chosen = replace(decision, winner="ridge", weights={"ridge": 1.0})
    recipe = Recipe(backtest=found, decision=chosen, settings=SETTINGS, own=own)
    meta = {"source": "toy", "source_kind": "flat", "horizon_days": 90}
    bundle = fit_bundle(matrix, np.arange(500), recipe, meta=meta, facts={})
    save_bundle(bundle, tmp_path)
    again = load_bundle(tmp_path)
    assert again.meta["winner"] == "ridge" and list(again.components) == ["linear"]
    mine = own[1].fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=SETTINGS.seed)
    np.testing.assert_allclose(again.raw_log_odds(matrix.values), mine.log_odds(matrix.values), atol=0.2)
    with pytest.raises(ContractError, match="'wood' cannot be stored in a bundle"):
        fit_bundle(
            matrix,
            np.arange(500),
            Recipe(
                backtest=found,
                decision=replace(decision, winner="wood", weights={"wood": 1.0}),
                settings=SETTINGS,
                own=own,
            ),
            meta=meta,
            facts={},
        )


def gives_one_column() -> Any:
    class Wrong(LogisticRegression):  # type: ignore[misc]
        def predict_proba(self, X: Any) -> Any:
            return super().predict_proba(X)[:, 1]

    return Wrong()


@pytest.mark.parametrize(
    ("make", "reads", "said"),
    [
        (lambda: 1 / 0, "numbers", "could not be made: ZeroDivisionError"),
        (LinearSVC, "numbers", "has no fit or no predict_proba"),
        (LogisticRegression, "frame", "could not be fitted: ValueError"),
        (gives_one_column, "numbers", r"it gave shape \(\d+,\)"),
    ],
)
def test_mistakes_are_told_before_anything_is_tuned(make: Any, reads: str, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        backtest_candidates(toy_matrix(300), toy_chop(300), SETTINGS, own=[OwnCandidate("mine", make, reads)])


def test_a_first_try_sees_both_outcomes_however_rare_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.training.recipe._TRIED_ROWS", 20)
    matrix, chop = toy_matrix(500), toy_chop(500)
    rare = np.zeros(len(matrix.label))
    rare[chop.final.train[:1]] = 1.0
    own = (OwnCandidate("wood", forest), OwnCandidate("ridge", ridge))
    assert find_unstorable(own, replace(matrix, label=rare), chop, SETTINGS) == ("wood",)


def test_code_is_found_beside_the_declaration(tmp_path: Path) -> None:
    (tmp_path / "beside_one.py").write_text("def make():\n    return 5\n\nnumber = 3\n")
    found = load_code("beside_one:make", group="leadscore.candidates", where="my.yaml line 3", beside=tmp_path)
    assert found() == 5


def test_a_module_of_the_same_name_beside_another_declaration_is_not_taken_for_it(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        (folder / "beside_both.py").write_text(f"def make():\n    return {number}\n")
    load = partial(load_code, "beside_both:make", group="leadscore.candidates", where="my.yaml line 3")
    assert load(beside=folders[0])() == 0
    with pytest.raises(SourceError, match=r"my.yaml line 3: a module 'beside_both' is loaded already, from .*/a, "):
        load(beside=folders[1])
    assert load(beside=folders[0])() == 0


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("no_such_module_of_mine:make", r"my.yaml line 3: 'no_such_module_of_mine:make' cannot be imported"),
        ("beside_two:absent", "AttributeError"),
        ("beside_two:number", "is a int, no function"),
        ("models:make_forest", "name of a package of leadscore itself"),
        ("never_installed", "no entry point of 'leadscore.candidates' is called so"),
    ],
)
def test_code_that_is_not_there_is_told_with_its_line(named: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "beside_two.py").write_text("number = 3\n")
    with pytest.raises(SourceError, match=said):
        load_code(named, group="leadscore.candidates", where="my.yaml line 3", beside=tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("candidates: [{name: booster, estimator: 'a:b'}]", "'booster' is a candidate of the product"),
        ("candidates: [{name: a, estimator: 'a:b'}, {name: a, estimator: 'a:c'}]", "two candidates are named 'a'"),
        ("candidates: [{name: a, estimator: 'a.py'}, {name: b, estimator: 'os; rm'}]", "estimator"),
        ("candidates: [{name: a, estimater: 'a:b'}]", "did you mean 'estimator'"),
    ],
)
def test_a_wrong_declaration_is_told(line: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        parse_source(FLAT + line + "\n")


def test_a_declaration_without_candidates_keeps_its_hash() -> None:
    assert "candidates" not in parse_source(FLAT).model_dump_json(exclude_defaults=True)
    assert "candidates" in parse_source(FLAT + "candidates: [{name: a, estimator: 'a:b'}]").model_dump_json()
