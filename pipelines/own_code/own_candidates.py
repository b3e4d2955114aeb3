"""A user's own candidates, as the declaration names them, and what is told of each."""

from functools import partial
from typing import Any

import numpy as np

from features.cohort.splits import Chop
from features.matrix import Matrix
from models.candidates.own import OwnCandidate
from pipelines.own_code.load_code import load_code
from pipelines.workspace.context import Context

GROUP = "leadscore.candidates"  # of entry points
_EXPLAINED = 40  # test rows: a share of contributions is then within a few points, and a forest takes seconds
_SHOWN = 10


def own_candidates(context: Context) -> tuple[OwnCandidate, ...]:
    """The declared candidates, not fitted; their code is imported here, and nowhere else.

    Raises
    ------
    SourceError : naming the line of what cannot be imported
    """
    folder = context.source_path.parent
    return tuple(
        OwnCandidate(
            one.name,
            partial(
                load_code(
                    one.estimator, group=GROUP, where=context.source.where("candidates", str(place)), beside=folder
                ),
                **one.parameters,
            ),
            one.reads,
        )
        for place, one in enumerate(context.source.candidates)
    )


def own_candidate_record(candidate: OwnCandidate, context: Context, matrix: Matrix, split: Chop) -> dict[str, Any]:
    """Where a fitted candidate's code is, whether a bundle can hold it, and the features it leans on."""
    declared = next(one for one in context.source.candidates if one.name == candidate.name)
    test = np.asarray(split.final.test)
    values = matrix.values.iloc[test[:: max(1, len(test) // _EXPLAINED)][:_EXPLAINED]]
    form = candidate.linear_form()
    log_odds, parts = (candidate if form is None else form).explain(values)
    weight = np.abs(parts.values).mean(axis=0)
    whole = float(weight.sum())
    labels = {feature.name: feature.label or feature.name.replace("_", " ") for feature in matrix.catalog}
    order = np.argsort(-weight, kind="stable")[:_SHOWN]
    return {
        "name": candidate.name,
        "estimator": declared.estimator,
        "kind": candidate.kind,
        "reads": declared.reads,
        "storable": form is not None,
        "rows": len(values),
        "leans_on": [
            {"feature": parts.names[k], "label": labels[parts.names[k]], "share": float(weight[k] / whole)}
            for k in order
            if weight[k] > 0
        ],
        "largest_gap": float(np.abs(parts.log_odds - log_odds).max(initial=0.0)),
    }
