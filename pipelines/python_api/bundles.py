"""What bundles and rubrics say of leads: scores, contributions, explanations."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.errors import ContractError
from features.rubric.load import load_rubric
from features.rubric.schema import Rubric
from features.schema.source import Source
from models.bundle import Bundle
from models.bundle import load_bundle as load_folder
from models.explaining.framework import load_framework
from models.explaining.qualification_policy import QualificationPolicy
from models.explaining.shap_explanation import shap_explanation
from models.scoring import Rows, score_rows
from pipelines.python_api.rows import features_at, to_moments
from pipelines.scoring.find_lead import find_bundle
from pipelines.workspace.context import load_policies, open_context, policy_in_force
from pipelines.workspace.find_declarations import find_rubric

if TYPE_CHECKING:
    import shap


def load_bundle(bundle: str | Path = "champion", source: str | Path = "demo", data_dir: str | Path = "data") -> Bundle:
    """A bundle by its folder, or of a source by ``champion`` or its hash.

    Raises
    ------
    BundleError : missing, damaged, changed after it was written, or made of numbers that no training writes
    """
    if (Path(bundle) / "bundle.json").exists():
        return load_folder(Path(bundle))
    return find_bundle(open_context(str(source), Path(data_dir)), str(bundle))


def score(
    bundle: Bundle,
    tables: Tables,
    source: Source,
    lead_ids: Sequence[str],
    as_of: Any = None,
    *,
    framework: str | None = None,
    policy: QualificationPolicy | None = None,
) -> pd.DataFrame:
    """Scored leads: score, probability with its interval, grade, points and status per criterion, reasons, state.

    50 and all ``points_*`` columns add up to the score.

    Parameters
    ----------
    policy : that states follow; default: the one the source declares. ``data.policy`` has the handoff score in use

    Raises
    ------
    BundleError : the declaration changed since the bundle was trained
    """
    values = features_at(tables, source, lead_ids, as_of, bundle=bundle)
    unknown = as_of is None or source.kind == "flat"
    when = np.full(len(values), np.datetime64("NaT", "us")) if unknown else np.asarray(to_moments(as_of))
    rows = Rows(bundle.catalog, values.reset_index(drop=True), values.index.to_numpy(dtype=object), _each(when, values))
    if policy is None and source.path is not None:
        policy = policy_in_force(source, load_policies(source, source.path))
    beside = None if framework is not None or source.path is None else source.path.parent
    chosen = load_framework(framework or source.framework, beside)
    return score_rows(bundle, rows, chosen, source=source, policy=policy).frame


def contributions(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    """Additive parts of the calibrated log-odds, a column per feature and ``base``; each row sums to its log-odds.

    Parameters
    ----------
    features : of :func:`features_at`; must have the bundle's columns
    """
    parts = bundle.contributions(_features_of(bundle, features))
    return pd.DataFrame(parts.values, columns=list(parts.names), index=features.index).assign(base=parts.base)


def explain(bundle: Bundle, features: pd.DataFrame) -> "shap.Explanation":
    """:func:`contributions` as a ``shap.Explanation``, for every ``shap.plots``; features are named in plain words."""
    values = _features_of(bundle, features)
    names = {feature.name: feature.label or feature.name for feature in bundle.catalog}
    return shap_explanation(bundle.contributions(values), values, names)


def rubric(name_or_path: str | Path, source: Source | None = None) -> Rubric:
    """A rubric by name or path, checked in itself and against a source.

    Raises
    ------
    PolicyError : one line per problem, each with its line in the file

    Examples
    --------
    >>> rubric("generic_b2b").name
    'generic_b2b'
    """
    return load_rubric(find_rubric(str(name_or_path)), source)


def _each(when: Any, values: pd.DataFrame) -> Any:
    return np.broadcast_to(np.asarray(when, dtype="datetime64[us]"), (len(values),)).copy()


def _features_of(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in bundle.catalog.names if name not in features]
    if missing:
        raise ContractError(
            f"{len(missing)} features of the bundle are not in the frame, e.g. {missing[0]}; make it with "
            "features_at(..., bundle=bundle)."
        )
    return features.loc[:, list(bundle.catalog.names)].reset_index(drop=True)
