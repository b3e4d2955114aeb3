"""Our recipe and its peers on the same rows, judged together with paired intervals."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.cohort.splits import Chop
from features.matrix import Matrix
from features.schema.vocabulary import Verdict
from models.benchmarking.peer_models import Peer, PeerData
from models.candidates.linear import learned_catalog
from models.candidates.rubric import RubricCandidate
from models.judging.cluster_bootstrap import Resampling, cluster_sums, interval, resample_totals
from models.judging.evaluation.backtest import group_codes, subsample
from models.judging.evaluation.metrics import auc
from models.logistic import log_loss
from models.settings import TrainSettings
from models.training.fit import backtest_candidates, calibrated_log_odds, fit_twin
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
    own = calibrated_log_odds(twin, test.values, decision, found.weights)
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
        group=group_codes(matrix)[chop.final.test],
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
        group=group_codes(part),
        test=matrix.values.iloc[chop.final.test].loc[:, columns],
        catalog=catalog,
        seed=settings.seed,
        threads=settings.threads,
    )


def summarise_comparisons(matches: Sequence[PeerComparison], resampling: Resampling) -> list[dict[str, Any]]:
    """One row per model over all matches: AUC, log loss, and its log loss above ours with a paired 90 % interval.

    Rows of all matches count alike; whole groups are resampled, each with all its rows in all matches.
    """
    names = list(matches[0].log_odds)
    group = np.unique(np.concatenate([match.group for match in matches]), return_inverse=True)[1]
    losses = {name: np.concatenate([log_loss(m.won, m.log_odds[name]) for m in matches]) for name in names}
    groups, rows = int(group.max()) + 1, len(group)
    sums = {name: cluster_sums(group, losses[name] - losses[OURS], groups) for name in names}
    drawn = resample_totals({**sums, "rows": cluster_sums(group, np.ones(rows), groups)}, resampling)
    return [
        {
            "name": name,
            "ours": name == OURS or name.startswith("our "),
            "auc": float(np.mean([auc(m.won, m.log_odds[name], np.ones(len(m.won))) for m in matches])),
            "log_loss": float(losses[name].mean()),
            "above_ours": float(sums[name].sum() / rows),
            "above_ours_ci": interval(drawn[name] / drawn["rows"]).record(),
            "seconds": float(np.sum([m.seconds[name] for m in matches])) if name in matches[0].seconds else None,
        }
        for name in names
    ]
