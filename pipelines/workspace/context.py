"""A source with all that is declared about it, ready for the stages."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

from features.errors import SourceError
from features.rubric.load import load_rubric
from features.rubric.schema import Rubric
from features.rubric.versions import RubricHistory, same_rubric
from features.schema.load_source import load_source
from features.schema.source import Source
from models.accounts.accounts_policy import AccountsPolicy, load_accounts
from models.bundle import Bundle
from models.explaining.framework import Framework, load_framework
from models.explaining.qualification_policy import QualificationPolicy, load_qualification, policy_at
from models.settings import TrainSettings
from pipelines.own_code.own_functions import offer_functions
from pipelines.workspace.adopted_thresholds import ThresholdHistory, load_thresholds
from pipelines.workspace.find_declarations import find_policy, find_rubric, find_source
from pipelines.workspace.folder_owner import check_folder
from pipelines.workspace.paths import Paths
from pipelines.workspace.rubric_versions import load_rubric_history

_ACCOUNTS = "accounts"  # the accounts policy that ships


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every stage is given."""

    source: Source
    source_path: Path
    rubric: Rubric | None  # the version in force
    framework: Framework
    paths: Paths
    settings: TrainSettings
    engine: str = "memory"
    policy: QualificationPolicy | None = None  # in force at the data cut-off; None: the one that ships
    policies: tuple[QualificationPolicy, ...] = ()  # every version
    thresholds: ThresholdHistory | None = None  # handoff scores adopted on the policy at the data cut-off
    rubrics: RubricHistory = field(default_factory=RubricHistory)  # every version, the declared one first
    declared_rubric: Rubric | None = None
    own_code: bool = True  # whether functions that the declaration names may be imported

    def newer_rubric(self, bundle: Bundle) -> Rubric | None:
        """The rubric in force, where it is another than the one a bundle was trained beside; else None."""
        beside = None if bundle.rubric is None else bundle.rubric.rubric
        same = self.rubric is not None and beside is not None and same_rubric(self.rubric, beside)
        return None if self.rubric is None or same else self.rubric

    @cached_property
    def accounts_policy(self) -> AccountsPolicy:
        """The accounts policy the source names, or the one that ships; read when first asked for."""
        path = find_policy(self.source.accounts or _ACCOUNTS, beside=self.source_path.parent)
        return load_accounts(path, self.source)

    @property
    def declaration_hash(self) -> str:
        """SHA-256 over the source, its rubric and policy, and the settings: what the run was asked to do.

        Of what people declare only what they wrote counts: a key that a later version knows more changes nothing, nor
        does a persona that asks for more than a title: personas bear on no score and no state. A handoff score that was
        adopted is left out: it moves states, nothing is learned from it, and who scores is the same bundle.
        """
        parts = [self.source.model_dump_json(exclude_defaults=True), self.settings.model_dump_json()]
        declared = (self.rubric, *(map(_titled_personas_only, self.policies) if self.policies else (None,)))
        parts += ["" if part is None else part.model_dump_json(exclude_defaults=True) for part in declared]
        parts += [version.rubric.model_dump_json(exclude_defaults=True) for version in self.rubrics.versions[:-1]]
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _titled_personas_only(policy: QualificationPolicy) -> QualificationPolicy:
    kept = tuple(persona for persona in policy.profile.personas if not persona.asks_features)
    if len(kept) == len(policy.profile.personas):
        return policy
    return policy.model_copy(update={"profile": policy.profile.model_copy(update={"personas": kept})})


def open_context(
    source: str, data_dir: Path, settings: TrainSettings | None = None, *, engine: str = "memory", own_code: bool = True
) -> Context:
    """Load a source by name or path, its rubric, framework and qualification policy.

    ``own_code``: whether functions that the declaration names may be imported, once a value of theirs is asked for.

    Raises
    ------
    SourceError, PolicyError : naming file and line; also a declaration found by a name that it does not carry
    TakenFolderError : the data folder belongs to another declaration of the same name
    """
    path = find_source(source)
    declared = load_source(path)
    if own_code:
        offer_functions(declared, path.parent)
    if path != Path(source) and declared.name != source:  # its results would lie under another name than was asked for
        raise SourceError(f"{path}: 'name' is '{declared.name}', but the file is {path.name}; write name: {source}.")

    paths = Paths(data_dir, declared.name)
    check_folder(paths, path)

    rubric = None
    if declared.rubric is not None:
        rubric = load_rubric(find_rubric(declared.rubric, beside=path.parent), declared)

    declared_alone = Context(
        source=declared,
        source_path=path,
        rubric=rubric,
        declared_rubric=rubric,
        framework=load_framework(declared.framework, path.parent),
        paths=paths,
        settings=_with_declared(settings or TrainSettings(), declared),
        engine=engine,
        policies=load_policies(declared, path),
        own_code=own_code,
    )
    return with_adopted(declared_alone)


def with_adopted(context: Context) -> Context:
    """The same with what people have adopted by now: the rubric's version and the handoff score in force."""
    rubrics = load_rubric_history(context.paths, context.source, context.declared_rubric)
    declared = policy_in_force(context.source, context.policies)
    thresholds = load_thresholds(context.paths, declared)
    policy = declared if thresholds.in_force is None else thresholds.policy
    return replace(context, rubric=rubrics.active, rubrics=rubrics, policy=policy, thresholds=thresholds)


def at_moment(context: Context, moment: datetime) -> Context:
    """The same as of an earlier moment [naive UTC]: nothing known later counts, and states follow the policy and the
    handoff score that were in force then.
    """
    source = context.source.model_copy(update={"data_cutoff": moment.isoformat()})
    declared = policy_in_force(source, context.policies)
    ever = load_thresholds(context.paths, declared)
    thresholds = ever.as_of(moment.replace(tzinfo=UTC), ever.declared)
    policy = declared if thresholds.in_force is None else thresholds.policy
    return replace(context, source=source, policy=policy, thresholds=thresholds)


def load_policies(declared: Source, path: Path) -> tuple[QualificationPolicy, ...]:
    """Every version of the qualification policy that a source in a file names; none where it names none."""
    named = declared.qualification or ()
    names = (named,) if isinstance(named, str) else named
    return tuple(load_qualification(find_policy(name, beside=path.parent)) for name in names)


def policy_in_force(declared: Source, policies: tuple[QualificationPolicy, ...]) -> QualificationPolicy | None:
    """The version at the data cut-off, or the newest; None where there is none."""
    until = date.max if declared.data_cutoff is None else datetime.fromisoformat(declared.data_cutoff).date()
    return policy_at(policies, until) if policies else None


def _with_declared(settings: TrainSettings, declared: Source) -> TrainSettings:
    """The settings with what the source declares of its own."""
    if declared.recency_half_life is None:
        return settings
    return settings.model_copy(update={"recency_half_life": declared.recency_half_life})
