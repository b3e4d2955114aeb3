"""A threshold with a promise: precision on past months at or above a floor, with stated confidence."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from features.array_types import Floats, Ints
from features.errors import ContractError
from models.judging.clustered_share import effective_size
from models.judging.handoff.replay import Replay, arrange_replay, first_crossings, threshold_for

MINIMUM_HANDOFFS = 50  # docs/adr/0009: if all are won, the 90% bound is 95% for 50 leads but only 79% for 10
MAXIMUM_WORKLOADS = 20  # set before any outcome is seen, so that testing in order keeps the confidence (docs/adr/0009)
DRIFT = "The promise assumes that the coming months resemble the months it was tested on."


@dataclass(frozen=True, kw_only=True)
class TestedWorkload:
    """One workload of the fixed sequence: what its list held, and the lower bound of its precision."""

    workload: int
    share: float
    threshold: float
    wins: int
    precision: float
    lower_bound: float
    passed: bool

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Promise:
    """The lowest score that keeps a promised precision, or none.

    ``kept`` is the last workload of the sequence that passed; ``share`` of the leads it hands off is what carries
    over to a refitted model, whose log-odds may stand elsewhere.
    """

    promised: float
    confidence: float
    kept: TestedWorkload | None
    tested: tuple[TestedWorkload, ...]
    sentence: str

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "promised": self.promised,
            "confidence": self.confidence,
            "kept": None if self.kept is None else self.kept.record(),
            "tested": [step.record() for step in self.tested],
            "sentence": self.sentence,
        }


def find_promised_threshold(
    log_odds: Floats, keys: pd.DataFrame, label: Floats, *, promised: float = 0.3, confidence: float = 0.9
) -> Promise:
    """Test a fixed sequence of workloads, from a list of at least 50 upwards; stop at the first that fails.

    The workloads depend on the number of leads alone, so testing them in order keeps the stated confidence for
    whichever is kept last (fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995). ``keys`` and ``label`` are
    of matured rows; leads are handed off at their first crossing.
    """
    if not 0 < promised < 1 or not 0.5 <= confidence < 1:
        raise ContractError(
            f"a promise needs a precision between 0 and 1 and a confidence of at least 0.5 and below 1; "
            f"found {promised:g} and {confidence:g}."
        )
    replay = arrange_replay(keys, label)
    tested: list[TestedWorkload] = []
    kept = None
    for workload in workloads(replay.leads):
        step = _test(replay, log_odds, workload, promised, confidence)
        tested.append(step)
        if not step.passed:
            break
        kept = step
    return Promise(promised, confidence, kept, tuple(tested), _sentence(replay, promised, confidence, kept, tested))


@dataclass(frozen=True)
class TransferredThreshold:
    """The threshold at which a refitted model hands off the share of leads for which the promise was tested."""

    log_odds: float
    share: float
    leads: int

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def transfer_threshold(kept: TestedWorkload, log_odds: Floats, keys: pd.DataFrame) -> TransferredThreshold:
    """Carry a kept promise over to another model of the same leads by workload.

    ``log_odds`` are the other model's on the rows ``keys`` of the tested ones. Outcomes play no part, so it does no
    harm that a refitted model has seen them.
    """
    replay = arrange_replay(keys, np.zeros(len(keys)))
    threshold = threshold_for(replay, log_odds, round(kept.share * replay.leads))
    handed = len(first_crossings(replay, log_odds >= threshold))
    return TransferredThreshold(threshold, handed / replay.leads, handed)


def workloads(leads: int) -> list[int]:
    """At most 20 list lengths from 50 to all leads, set before any outcome is seen.

    >>> workloads(40), workloads(60)[:3], len(workloads(5000))
    ([], [50, 51, 52], 20)
    """
    if leads < MINIMUM_HANDOFFS:
        return []
    grid = np.geomspace(MINIMUM_HANDOFFS, leads, min(MAXIMUM_WORKLOADS, leads - MINIMUM_HANDOFFS + 1))
    return sorted({round(float(size)) for size in grid})


def _test(replay: Replay, log_odds: Floats, workload: int, promised: float, confidence: float) -> TestedWorkload:
    threshold = threshold_for(replay, log_odds, workload)
    rows = first_crossings(replay, log_odds >= threshold)
    won = replay.label[rows]
    bound = lower_bound(won, replay.cluster[replay.lead[rows]], confidence)
    return TestedWorkload(
        workload=len(rows),
        share=len(rows) / replay.leads,
        threshold=threshold,
        wins=int(won.sum()),
        precision=float(won.mean()),
        lower_bound=bound,
        passed=bound >= promised,
    )


def lower_bound(won: Floats, cluster: Ints, confidence: float) -> float:
    """One-sided lower bound of a share whose units come in clusters.

    Clopper and Pearson's bound at the effective sample size (Korn and Graubard 1998): see :func:`effective_size`.

    >>> round(lower_bound(np.array([1.0] * 30 + [0.0] * 70), np.arange(100), 0.9), 3)
    0.239
    """
    level = 1 - confidence
    effective = effective_size(won, cluster, level)
    wins = float(won.mean()) * effective
    if wins <= 0:
        return 0.0
    return float(stats.beta.ppf(level, wins, effective - wins + 1))


def write_promise(share: float) -> str:
    """A share that is promised, in per cent: whole or with one digit, never more than it is.

    >>> write_promise(0.3), write_promise(0.296), write_promise(0.2999), write_promise(0.29)
    ('30%', '29.6%', '29.9%', '29%')
    """
    tenths = math.floor(1000 * share + 1e-6)
    return f"{tenths / 10:.{0 if tenths % 10 == 0 else 1}f}%"


def _sentence(
    replay: Replay, promised: float, confidence: float, kept: TestedWorkload | None, tested: list[TestedWorkload]
) -> str:
    aim, sure = write_promise(promised), write_promise(confidence)
    if kept is not None:
        return (
            f"In past months at least {aim} of the leads handed off converted, with {sure} "
            f"confidence: hand off the best {kept.share:.1%} of leads ({kept.workload:,} of {replay.leads:,}; "
            f"{kept.precision:.1%} converted, lower bound {kept.lower_bound:.1%}). {DRIFT}"
        )
    if not tested:
        return (
            f"{aim} cannot be promised with these data: {replay.leads:,} leads were judged, "
            f"and a promise needs a list of at least {MINIMUM_HANDOFFS} leads."
        )

    first = tested[0]
    bound = write_promise(first.lower_bound)
    return (
        f"{aim} cannot be promised with these data: of the best {first.workload:,} leads "
        f"{first.precision:.1%} converted, and {sure} confidence supports no more than {bound}."
    )
