"""A user's own candidates, as the declaration names them, and what is told of each."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from features.cohort.splits import Chop
from features.matrix import Matrix
from features.schema.source import Source
from models.candidates.own import OwnCandidate
from pipelines.own_code.load_code import load_code
from pipelines.own_code.module_texts import digest_modules, remember_folder
from pipelines.own_code.own_functions import modules_of

GROUP = "leadscore.candidates"  # of entry points
_EXPLAINED = 40  # test rows: a share of contributions is then within a few points, and a forest takes seconds
_SHOWN = 10


def own_candidates(source: Source, beside: Path) -> tuple[OwnCandidate, ...]:
    """The declared candidates, not fitted; their code is imported here, and nowhere else.

    Parameters
    ----------
    beside : folder of the declaration

    Raises
    ------
    SourceError : naming the line of what cannot be imported
    """
    return tuple(
        OwnCandidate(
            one.name,
            partial(
                load_code(one.estimator, group=GROUP, where=source.where("candidates", place), beside=beside),
                **one.parameters,
            ),
            one.reads,
        )
        for place, one in enumerate(source.candidates)
    )


def code_of_candidates(source: Source, beside: Path) -> list[str]:
    """SHA-256 of the files behind each declared candidate, as of features of one's own."""
    remember_folder(beside)
    found = []
    for place, one in enumerate(source.candidates):
        made = load_code(one.estimator, group=GROUP, where=source.where("candidates", place), beside=beside)
        found.append(f"{one.name}:{digest_modules(modules_of(one.estimator, made))}")
    return found


def own_candidate_record(candidate: OwnCandidate, source: Source, matrix: Matrix, split: Chop) -> dict[str, Any]:
    """Where a fitted candidate's code is, whether a bundle can hold it, and the features it leans on."""
    declared = next(one for one in source.candidates if one.name == candidate.name)
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
