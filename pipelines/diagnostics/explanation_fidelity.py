"""Fidelity of a run's explanations: on synthetic data against the truth, everywhere against another seed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.catalog.feature import Catalog
from features.cohort.splits import Chop
from features.matrix import Matrix
from features.schema.vocabulary import Topic
from models.candidates.blend import blend_contributions
from models.candidates.boosting import BoosterCandidate
from models.explaining.fidelity import measure_agreement, measure_stability
from models.explaining.framework import Framework
from models.explaining.points import sum_by_criterion
from models.interfaces import Candidate, Contributions
from models.judging.evaluation.backtest import MANY_ROWS, Backtest, fit_all
from models.training.recipe import factory_of
from models.training.verdict import Decision
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context

PART = "part_"
ROWS = 500  # test rows on which two seeds are compared


def truth_of(context: Context) -> pd.DataFrame | None:
    """The generator's truth, where a source has one; only tests and this comparison read it."""
    file = context.paths.raw / "truth" / "truth.parquet"
    return read_parquet(file) if context.source.synthetic and file.exists() else None


def against_truth(
    context: Context, matrix: Matrix, explained: Mapping[str, Contributions]
) -> dict[str, list[dict[str, Any]]]:
    """Per explainer (model, scorecard) the agreement of every criterion with its true effect, last row of each lead.

    Parameters
    ----------
    matrix : rows that no model was fitted on
    explained : contributions of those rows, calibrated or not: ranks and signs are compared
    """
    truth = truth_of(context)
    if truth is None or not len(matrix):
        return {}

    keys = matrix.keys[["lead_id", "as_of"]].assign(row=np.arange(len(matrix)))
    both = keys.merge(truth, on=["lead_id", "as_of"]).sort_values(["lead_id", "as_of"])
    both = both.drop_duplicates("lead_id", keep="last")

    true = _true_effects(both, context.framework)
    rows = both["row"].to_numpy(dtype=np.int64)
    effects = {name: _effects_of(parts, matrix.catalog, context.framework, rows) for name, parts in explained.items()}
    return {
        name: [row.record() for row in measure_agreement(shown, true, seed=context.settings.seed)]
        for name, shown in effects.items()
    }


def _true_effects(truth: pd.DataFrame, framework: Framework) -> dict[str, Floats]:
    """True effect per criterion, and of all together."""
    found: dict[str, Floats] = {}
    for column in (name for name in truth.columns if name.startswith(PART)):
        topic = column.removeprefix(PART)
        if topic in set(Topic) and topic != Topic.CONTEXT:
            criterion = framework.criterion_of(Topic(topic))
            found[criterion] = found.get(criterion, np.zeros(len(truth))) + truth[column].to_numpy(dtype=np.float64)
    return {**found, "all": truth["log_odds"].to_numpy(dtype=np.float64)}


def _effects_of(parts: Contributions, catalog: Catalog, framework: Framework, rows: Any) -> dict[str, Floats]:
    values = sum_by_criterion(parts, catalog, framework)[rows]
    return dict(zip(framework.ids, values.T, strict=False)) | {"all": parts.values[rows].sum(axis=1)}


def explain_rows(twin: Mapping[str, Candidate], decision: Decision, values: pd.DataFrame) -> dict[str, Contributions]:
    """Contributions of the chosen model, calibrated, and of the scorecard alone."""
    parts = [(decision.weights[name], twin[name].contributions(values)) for name in sorted(decision.weights)]
    calibration = decision.calibration
    found = {"model": blend_contributions(parts).rescale(calibration.slope, calibration.intercept)}
    return found | ({"scorecard": twin["scorecard"].contributions(values)} if "scorecard" in twin else {})


def fidelity_of(
    context: Context, matrix: Matrix, split: Chop, backtest: Backtest, decision: Decision, twin: Mapping[str, Candidate]
) -> dict[str, Any]:
    """What the report says of the explanations' truth and steadiness, on test rows."""
    test, known = matrix.take(split.final.test), truth_of(context) is not None
    return {
        "truth": against_truth(context, test, explain_rows(twin, decision, test.values)) if known else {},
        "labels": {name: context.framework.label(name) for name in context.framework.ids} | {"all": "The whole score"},
        "seeds": _other_seed(context, matrix, split, backtest, decision, twin),
    }


def _other_seed(
    context: Context, matrix: Matrix, split: Chop, backtest: Backtest, decision: Decision, twin: Mapping[str, Candidate]
) -> dict[str, float] | None:
    """Agreement with the same model fitted with another seed; None where nothing in it is drawn."""
    if "booster" not in decision.weights:
        return None
    one, other = _two_seeds(context, matrix, split, backtest, twin["booster"])

    rows = matrix.take(np.asarray(split.final.test)[:: max(1, len(split.final.test) // ROWS)]).values
    pair = [explain_rows(dict(twin) | {"booster": model}, decision, rows)["model"] for model in (one, other)]
    return measure_stability(*pair).record()


def _two_seeds(
    context: Context, matrix: Matrix, split: Chop, backtest: Backtest, booster: Candidate
) -> tuple[Candidate, Candidate]:
    """The booster and one of another seed; of very many rows, two of the boosters it is the mean of."""
    rows = split.final.train
    if len(rows) >= MANY_ROWS and isinstance(booster, BoosterCandidate) and len(booster.texts) > 1:
        # nothing is fitted again; two single boosters agree less than two means do, so the figure errs on the safe side
        first, second = (
            BoosterCandidate(booster.parameters, booster.columns, (text,), base=booster.base)
            for text in booster.texts[:2]
        )
        return first, second
    settings = context.settings.model_copy(update={"seed": context.settings.seed + 1})
    factory = factory_of(settings, backtest.parameters)
    return booster, fit_all(matrix, rows, factory, settings, names=("booster",))["booster"]
