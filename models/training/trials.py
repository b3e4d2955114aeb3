"""Trials of a booster's parameters, one after the other: each is proposed by what those before it showed."""

from collections.abc import Callable, Mapping, Sequence
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
    import optuna  # slow to load, and only training needs it

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(4, trials // 2))
    study = optuna.create_study(sampler=sampler)
    for start in starts:
        study.enqueue_trial(dict(start))
    found: list[Curve] = []

    def objective(trial: Any) -> float:
        found.append(judge(trial))
        return found[-1].loss

    study.optimize(objective, n_trials=trials)
    return found
