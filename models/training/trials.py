"""Trials of a booster's parameters: each is proposed by what those before it showed."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from models.training.tuning_folds import Curve


def run_trials(
    judge: Callable[[Any], Curve], *, trials: int, seed: int, starts: Sequence[Mapping[str, Any]]
) -> list[Curve]:
    """The curves of so many trials, in their order; the same seed proposes the same.

    Parameters
    ----------
    judge : asks a trial for its parameters (``trial.suggest_int`` and the like) and judges them
    starts : parameters that are tried first
    """
    study = _study(trials, seed, starts)
    found: list[Curve] = []

    def objective(trial: Any) -> float:
        found.append(judge(trial))
        return found[-1].loss

    study.optimize(objective, n_trials=trials)
    return found


def run_side_by_side(
    suggest: Callable[[Any], Mapping[str, Any]],
    judges: Sequence[Callable[[Mapping[str, Any]], Curve]],
    *,
    trials: int,
    seed: int,
    starts: Sequence[Mapping[str, Any]],
) -> list[Curve]:
    """As :func:`run_trials`, as many at a time as there are judges; those of one time do not know of each other.

    Parameters
    ----------
    suggest : parameters of a trial; asked in order, as the proposals depend on it
    judges : each in a thread of its own
    """
    study = _study(trials, seed, starts)
    found: list[Curve] = []
    with ThreadPoolExecutor(max_workers=len(judges)) as pool:
        while len(found) < trials:
            asked = [study.ask() for _ in judges[: trials - len(found)]]
            several = [suggest(trial) for trial in asked]
            curves = list(pool.map(lambda judge, one: judge(one), judges, several))
            for trial, curve in zip(asked, curves, strict=True):
                study.tell(trial, curve.loss)
            found += curves
    return found


def _study(trials: int, seed: int, starts: Sequence[Mapping[str, Any]]) -> Any:
    """A study whose first trials are the starts; half of all are drawn at random."""
    import optuna  # slow to load, and only training needs it

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(4, trials // 2))
    study = optuna.create_study(sampler=sampler)
    for start in starts:
        study.enqueue_trial(dict(start))
    return study
