"""What a prior bundle saves with few wins, beside the base rate, points, and models of so few leads.

``python -m tests.benchmarks.bench_prior worlds [SEEDS]``: simulated sources (synthetic) whose truth agrees more or less
with that of the other source; expected log loss, by how sure one must be that it helps (level).
``... source SOURCE FOLDER COLUMN VALUE [DRAWS]``: development rows of a source whose matrix stage was run into FOLDER;
rows of one value as a new source of 20, 40 and 80 wins, a bundle of the others as its prior.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.catalog.feature import Catalog
from features.cohort.splits import chop
from features.errors import TooLittleDataError
from features.matrix import Matrix
from features.schema.source import Split
from features.schema.vocabulary import Dimension, Topic
from models.bundle import Bundle
from models.candidates.boosting import DEFAULTS
from models.candidates.linear import LinearCandidate
from models.candidates.prior import PriorCandidate, PriorModel
from models.candidates.rubric import RubricCandidate
from models.interfaces import Calibration
from models.logistic import log_loss, logit, sigmoid
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle
from models.training.prior_bundle import split_few, try_prior
from models.training.prior_mapping import map_features, prior_candidate_of
from models.training.recipe import Recipe, backtest_candidates, factory_of
from models.training.verdict import decide
from pipelines.rubrics.rubric_candidate import rubric_candidate
from pipelines.workspace.context import Context
from tests.benchmarks.bench_segments import development_of, print_figures
from tests.reference.toy import feature, toy_matrix

SETTINGS = TrainSettings(trials=3, max_rounds=150, boosters=2, draws=400)
LEVELS = (0.05, 0.1, 0.2)
AGREEMENT = (1.0, 0.8, 0.5, 0.0, -1.0)  # correlation of the two sources' true log-odds
FACTS = 12
WINS = (20, 40, 80)


def simulate(seeds: int) -> None:
    """A line per agreement, base rate and wins: mean log loss above the base rate's, and by level of the rule."""
    for agreement in AGREEMENT:
        for base in (0.25, 0.08):
            for wins in WINS:
                rows = [_world(agreement, base, wins, seed) for seed in range(seeds)]
                table = np.array([row for row in rows if row is not None])
                rate, prior, few, p_value = table.T
                ruled = {
                    str(level): [
                        round(float(np.where(p_value < level, prior - rate, 0.0).mean()), 4),
                        round(float((p_value < level).mean()), 2),
                    ]
                    for level in LEVELS
                }
                print_figures(
                    agreement=agreement,
                    base=base,
                    wins=wins,
                    seeds=len(table),
                    rate=float(rate.mean()),
                    prior=float((prior - rate).mean()),
                    linear_of_these_few=float((few - rate).mean()),
                    by_level=ruled,
                )


def _world(agreement: float, base: float, wins: int, seed: int) -> tuple[float, float, float, float] | None:
    """Expected log loss on later leads of base rate, prior and a linear model of these few; p that the prior helps."""
    rng = np.random.default_rng(seed)
    theirs = rng.normal(size=FACTS)
    theirs /= np.linalg.norm(theirs)
    other = rng.normal(size=FACTS)
    other -= other @ theirs * theirs
    ours = agreement * theirs + np.sqrt(max(0.0, 1 - agreement**2)) * other / np.linalg.norm(other)

    _, far = _rows(4000, theirs, -1.5, seed + 1_000)
    linear = LinearCandidate().fit(far.values, far.label, far.weight, catalog=far.catalog, seed=seed)
    model = PriorModel(
        catalog=far.catalog,
        components={"linear": linear},
        weights={"linear": 1.0},
        calibration=Calibration(),
        mapping={name: name for name in far.catalog.names},
        origin={"source": "elsewhere"},
    )
    _, here = _rows(int(wins / base), ours, logit(base), seed + 2_000)
    truth, later = _rows(10_000, ours, logit(base), seed + 3_000)
    settings = SETTINGS.model_copy(update={"seed": seed})
    try:
        trial = try_prior(here, split_few(here, Split(), settings, ""), PriorCandidate(model), settings, scarce="few.")
    except TooLittleDataError:
        return None

    def loss(log_odds: Floats) -> float:
        return float((np.logaddexp(0.0, log_odds) - truth * log_odds).mean())

    rest = {"catalog": here.catalog, "seed": seed}
    prior = PriorCandidate(model).fit(here.values, here.label, here.weight, **rest)
    few = LinearCandidate().fit(here.values, here.label, here.weight, **rest)
    rate = np.full(len(later), logit(float(here.label.mean())))
    p_value = trial.decision.signal.p_value["prior"]
    return loss(rate), loss(prior.log_odds(later.values)), loss(few.log_odds(later.values)), p_value


def _rows(rows: int, effect: Floats, level: float, seed: int) -> tuple[Floats, Matrix]:
    """True probabilities, and the rows with their outcomes."""
    rng = np.random.default_rng(seed)
    catalog = Catalog(tuple(feature(f"fact_{k}", Topic.NEED, Dimension.FIT) for k in range(FACTS)))
    facts = rng.normal(size=(rows, FACTS))
    truth = sigmoid(facts @ effect + level)
    values = pd.DataFrame(facts, columns=list(catalog.names))
    label = (rng.random(rows) < truth).astype(np.float64)
    return truth, replace(toy_matrix(rows), catalog=catalog, values=values, label=label, ordered=False)


def judge_source(source: str, folder: Path, column: str, value: str, draws: int) -> None:
    """Few rows of one value: the other rows' bundle shrunk, as the rule decides, beside models of these few."""
    context, matrix = development_of(source, folder)
    mine = (matrix.values[column] == value).to_numpy()
    theirs = np.flatnonzero(~mine & ~matrix.keys["group"].isin(set(matrix.keys["group"][mine])).to_numpy())
    bundle = _bundle_of(context, replace(matrix.take(theirs), ordered=False))
    here = replace(matrix.take(np.flatnonzero(mine)), ordered=False)
    prior = prior_candidate_of(bundle, map_features(bundle.catalog, here.catalog))
    rubric = rubric_candidate(context)
    won = int(here.label.sum())
    print_figures(source=source, new=f"{column} {value}", rows=len(here), won=won, prior_rows=len(theirs))
    for wins in WINS:
        drawn = [_draw(here, wins, seed) for seed in range(draws)]
        if not len(drawn[0][0]):
            continue
        losses = [
            _losses(here.take(few), here.take(later), prior, rubric, seed) for seed, (few, later) in enumerate(drawn)
        ]
        names = list(losses[0])
        table = np.array([[row[name] for name in names] for row in losses])
        beside = table - table[:, [names.index("rate")]]
        print_figures(
            wins=wins,
            draws=draws,
            rate=float(table[:, names.index("rate")].mean()),
            beside_rate={
                name: [round(float(beside[:, k].mean()), 4), round(float(beside[:, k].std(ddof=1) / draws**0.5), 4)]
                for k, name in enumerate(names)
                if name not in ("rate", "taken")
            },
            taken=float(table[:, names.index("taken")].mean()),
        )


def _losses(
    part: Matrix, test: Matrix, prior: PriorCandidate, rubric: RubricCandidate | None, seed: int
) -> dict[str, float]:
    settings = SETTINGS.model_copy(update={"seed": seed})
    found = {"rate": np.full(len(test), logit(float(part.label.mean())))}
    shallow = {**DEFAULTS, "rounds": 60, "min_child_samples": 10, "num_leaves": 4}
    for name, model in {**factory_of(settings, shallow, rubric)(), "prior": prior}.items():
        fitted = model.fit(part.values, part.label, part.weight, catalog=part.catalog, seed=seed)
        found[name] = fitted.log_odds(test.values)
    found["blend of these few"] = np.mean([found[name] for name in ("linear", "scorecard", "booster")], axis=0)
    try:
        trial = try_prior(part, split_few(part, Split(), settings, "few."), prior, settings, rubric, scarce="few.")
        taken = str(trial.decision.verdict) == "weak_signal"
    except TooLittleDataError:
        taken = False
    found["as decided, else points or rate"] = found["prior"] if taken else found.get("rubric", found["rate"])
    return {name: float(log_loss(test.label, z).mean()) for name, z in found.items()} | {"taken": float(taken)}


def _draw(here: Matrix, wins: int, seed: int) -> tuple[Ints, Ints]:
    """Whole groups in a seeded order until there are so many wins, and the others to judge on, if enough are left."""
    rng = np.random.default_rng(seed)
    group = np.unique(here.keys["group"].to_numpy(dtype="str"), return_inverse=True)[1]
    place = rng.permutation(group.max() + 1)[group]
    order = np.argsort(place, kind="stable")
    reached = np.cumsum(here.label[order])
    if reached[-1] < 1.4 * wins:
        return np.empty(0, dtype=np.int64), order
    cut = place[order[int(np.searchsorted(reached, wins))]]
    return np.flatnonzero(place <= cut), np.flatnonzero(place > cut)


def _bundle_of(context: Context, matrix: Matrix) -> Bundle:
    split = chop(matrix, Split(by="accounts"), seed=7)
    rubric = rubric_candidate(context)
    found = backtest_candidates(matrix, split, SETTINGS, rubric)
    recipe = Recipe(backtest=found, decision=decide(matrix, found, SETTINGS), settings=SETTINGS, rubric=rubric)
    return fit_bundle(matrix, np.arange(len(matrix)), recipe, meta={"source": "others"}, facts={})


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "worlds":
        simulate(int(rest[0]) if rest else 40)
    else:
        judge_source(rest[0], Path(rest[1]), rest[2], rest[3], int(rest[4]) if len(rest) > 4 else 10)
