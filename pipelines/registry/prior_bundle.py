"""The prior bundle that a source names: read, and its features mapped to the source's."""

from dataclasses import dataclass
from pathlib import Path

from features.errors import BundleError
from features.matrix import Matrix
from models.bundle import Bundle, load_bundle
from models.candidates.prior import PriorCandidate
from models.training.prior_mapping import describe_unseen, map_features, prior_candidate_of
from models.training.verdict import Decision
from pipelines.registry.soundness import require_sound
from pipelines.workspace.context import Context


@dataclass(frozen=True)
class NamedPrior:
    """The other bundle's model as an unfitted candidate, and what was mapped, in sentences."""

    candidate: PriorCandidate
    notes: tuple[str, ...]


def names_prior(context: Context) -> bool:
    """Whether the source names a prior bundle."""
    return context.source.model is not None and context.source.model.prior_bundle is not None


def load_prior(context: Context, matrix: Matrix) -> NamedPrior | None:
    """The prior bundle that the source names; None where it names none.

    Raises
    ------
    BundleError : it is not there, damaged, does not score as a bundle must, or knows nothing that is here, with the
        declaration's line
    """
    model = context.source.model
    if model is None or model.prior_bundle is None:
        return None
    folder = _folder_of(context, model.prior_bundle)
    try:
        bundle = load_bundle(folder)
        require_sound(context.paths, folder, bundle.hash)
        mapping = map_features(bundle.catalog, matrix.catalog)
        candidate = prior_candidate_of(bundle, mapping)
    except BundleError as problem:
        raise BundleError(f"{context.source.where('model', 'prior_bundle')}: {problem.message}") from problem
    named = f"Prior bundle of '{bundle.meta.get('source', '?')}': {mapping.sentence}."
    return NamedPrior(candidate, (named, *_other_label(context, bundle), *describe_unseen(bundle, mapping, matrix)))


def _other_label(context: Context, bundle: Bundle) -> list[str]:
    """A sentence where the other bundle speaks of another outcome or time."""
    label, meta = context.source.label, bundle.meta
    theirs = meta.get("outcome", label.outcome), int(meta.get("horizon_days", label.horizon_days))
    if context.source.kind == "flat" or theirs == (label.outcome, label.horizon_days):
        return []
    return [
        f"The prior bundle speaks of '{theirs[0]}' within {theirs[1]} days, this source of '{label.outcome}' within "
        f"{label.horizon_days}: its order of leads is taken, its level is learned here."
    ]


def prior_in_use(context: Context, matrix: Matrix, decision: Decision) -> PriorCandidate | None:
    """The prior bundle's candidate where the decision leans on it."""
    if PriorCandidate.name not in decision.weights:
        return None
    found = load_prior(context, matrix)
    return None if found is None else found.candidate


def _folder_of(context: Context, named: str) -> Path:
    """The folder, beside the declaration or as it is written; one that holds ``bundle/`` may be named, too."""
    places = [context.source_path.parent / named, Path(named)]
    found = next((place for place in places if place.is_dir()), places[0])
    return found / "bundle" if (found / "bundle" / "bundle.json").is_file() else found
