"""Our recipe and its peers on the same rows, judged together with paired intervals."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.array_types import Floats, Ints
from features.cohort.splits import Chop
from features.matrix import Matrix
from features.schema.vocabulary import Verdict
from models.benchmarking.peer_models import Peer, PeerData
from models.candidates.linear import learned_catalog
from models.candidates.rubric import RubricCandidate
from models.judging.cluster_bootstrap import Resampling, cluster_sums, interval, resample_totals
from models.judging.evaluation.backtest import subsample
from models.judging.evaluation.metrics import auc
from models.logistic import log_loss
from models.settings import TrainSettings
from models.training.recipe import Recipe, backtest_candidates
from models.training.twin import calibrated_log_odds, fit_twin, settle_calibrations
from models.training.verdict import decide

OURS = "leadscore"
Notify = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class PeerComparison:
    """All models on one split.

    Parameters
    ----------
    won, group : outcomes and account codes of the judged rows, shape (n,)
    log_odds : per model, shape (n,)
    seconds : per model, to fit and predict
    winner : the candidate of ours that was picked
    verdict : on the rows before the judged ones
    """

    won: Floats
    group: Ints
    log_odds: Mapping[str, Floats]
    seconds: Mapping[str, float]
    winner: str
    verdict: Verdict = Verdict.OK


@dataclass(frozen=True, kw_only=True)
class PeerResult:
    """One model over all splits.

    Parameters
    ----------
    ours : whether it is our model or one of our candidates
    log_loss : nats per row
    above_ours, above_ours_ci : its log loss less that of our model, with the paired 90% interval
    seconds : to fit and predict on all splits; None for our candidates, which are fitted together
    """

    name: str
    ours: bool
    auc: float
    log_loss: float
    above_ours: float
    above_ours_ci: tuple[float | None, float | None]
    seconds: float | None

    @property
    def is_better(self) -> bool:
        """Whether its log loss lies below ours beyond the interval."""
        high = self.above_ours_ci[1]
        return self.name != OURS and high is not None and high < 0


def compare_with_peers(
    matrix: Matrix,
    chop: Chop,
    peers: Mapping[str, Peer],
    settings: TrainSettings,
    rubric: RubricCandidate | None = None,
    notify: Notify | None = None,
    *,
    newest_level: bool = False,
) -> PeerComparison:
    """Fit everything on the rows before the chop's final block and judge it there.

    ``leadscore`` is the candidate our rule picks, calibrated, all choices made before the final block; our
    candidates are listed beside it one by one.
    """
    test = matrix.take(chop.final.test)
    say = notify or (lambda _: None)

    say(OURS)
    started = time.perf_counter()
    found = backtest_candidates(matrix, chop, settings, rubric)
    decision = decide(matrix, found, settings, newest_level=newest_level)
    twin = fit_twin(matrix, chop, found, settings, rubric)
    recipe = Recipe(backtest=found, decision=decision, settings=settings, rubric=rubric)
    calibrations = settle_calibrations(twin, matrix, chop.final.train, recipe)
    own = calibrated_log_odds(twin, test.values, calibrations, recipe)
    seconds = {OURS: time.perf_counter() - started}
    log_odds = {OURS: own[decision.winner], **{f"our {name}": z for name, z in own.items()}}

    data = prepare_peer_data(matrix, chop, settings)
    for name, peer in peers.items():
        say(name)
        started = time.perf_counter()
        log_odds[name] = peer(data)
        seconds[name] = time.perf_counter() - started

    return PeerComparison(
        won=test.label,
        group=matrix.group_codes[chop.final.test],
        log_odds=log_odds,
        seconds=seconds,
        winner=decision.winner,
        verdict=decision.verdict,
    )


def prepare_peer_data(matrix: Matrix, chop: Chop, settings: TrainSettings) -> PeerData:
    """What a peer is given: the rows and weights our candidates learn from, and the columns they may see."""
    part = subsample(matrix, chop.final.train, settings)
    catalog = learned_catalog(matrix.catalog)
    columns = list(catalog.names)
    return PeerData(
        train=part.values.loc[:, columns],
        won=part.label,
        weight=part.weight,
        group=part.group_codes,
        test=matrix.values.iloc[chop.final.test].loc[:, columns],
        catalog=catalog,
        seed=settings.seed,
        threads=settings.threads,
    )


def summarise_comparisons(splits: Sequence[PeerComparison], resampling: Resampling) -> list[PeerResult]:
    """One result per model over all splits.

    Rows of all splits count alike; whole groups are resampled, each with all its rows in all splits.
    """
    names = list(splits[0].log_odds)
    group = np.unique(np.concatenate([split.group for split in splits]), return_inverse=True)[1]
    losses = {name: np.concatenate([log_loss(split.won, split.log_odds[name]) for split in splits]) for name in names}

    groups, rows = int(group.max()) + 1, len(group)
    sums = {name: cluster_sums(group, losses[name] - losses[OURS], groups) for name in names}
    drawn = resample_totals({**sums, "rows": cluster_sums(group, np.ones(rows), groups)}, resampling)

    intervals = {name: interval(drawn[name] / drawn["rows"]).record() for name in names}
    return [
        PeerResult(
            name=name,
            ours=name == OURS or name.startswith("our "),
            auc=float(np.mean([auc(split.won, split.log_odds[name], np.ones(len(split.won))) for split in splits])),
            log_loss=float(losses[name].mean()),
            above_ours=float(sums[name].sum() / rows),
            above_ours_ci=(intervals[name][0], intervals[name][1]),
            seconds=float(np.sum([split.seconds[name] for split in splits])) if name in splits[0].seconds else None,
        )
        for name in names
    ]
