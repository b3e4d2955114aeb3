"""What a context holds, on its way to another process: that works with what was loaded, not with files read anew."""

from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.rubric.schema import Rubric
from features.rubric.versions import RubricHistory, RubricVersion
from features.schema.source import Source
from models.accounts.accounts_policy import AccountsPolicy
from models.explaining.framework import Framework
from models.explaining.qualification_policy import QualificationPolicy
from models.settings import TrainSettings
from pipelines.own_code.own_functions import offer_functions
from pipelines.workspace.adopted_thresholds import AdoptedThreshold, ThresholdHistory
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths


class VersionRecord(BaseModel):
    """A version of a rubric; ``since`` is an ISO time."""

    model_config = ConfigDict(frozen=True)

    rubric: Rubric
    since: str | None
    adopted_at: str
    author: str
    reason: str


class ThresholdsRecord(BaseModel):
    """Handoff scores adopted on a policy."""

    model_config = ConfigDict(frozen=True)

    declared: QualificationPolicy
    adopted: tuple[AdoptedThreshold, ...]


class ContextRecord(BaseModel):
    """A context, JSON-ready."""

    model_config = ConfigDict(frozen=True)

    source: Source
    source_path: Path
    framework: Framework
    data_dir: Path
    settings: TrainSettings
    engine: str
    policy: QualificationPolicy | None
    policies: tuple[QualificationPolicy, ...]
    thresholds: ThresholdsRecord | None
    rubrics: tuple[VersionRecord, ...]
    declared_rubric: Rubric | None
    accounts: AccountsPolicy | None  # None for a flat source, which has none
    own_code: bool

    @classmethod
    def of(cls, context: Context) -> "ContextRecord":
        """The record of a context."""
        return cls(
            source=context.source,
            source_path=context.source_path,
            framework=context.framework,
            data_dir=context.paths.data_dir,
            settings=context.settings,
            engine=context.engine,
            policy=context.policy,
            policies=context.policies,
            thresholds=None
            if context.thresholds is None
            else ThresholdsRecord(declared=context.thresholds.declared, adopted=tuple(context.thresholds.adopted)),
            rubrics=tuple(
                VersionRecord(
                    rubric=version.rubric,
                    since=None if version.since is None else version.since.isoformat(),
                    adopted_at=version.adopted_at,
                    author=version.author,
                    reason=version.reason,
                )
                for version in context.rubrics.versions
            ),
            declared_rubric=context.declared_rubric,
            accounts=None if context.source.kind == "flat" else context.accounts_policy,
            own_code=context.own_code,
        )

    def open(self) -> Context:
        """The context; functions of one's own that it names are imported once a value of theirs is asked for."""
        source = self.source.with_place(self.source_path, {})
        if self.own_code:
            offer_functions(source, self.source_path.parent)
        rubrics = RubricHistory(
            tuple(
                RubricVersion(
                    rubric=version.rubric,
                    since=None if version.since is None else pd.Timestamp(version.since),
                    adopted_at=version.adopted_at,
                    author=version.author,
                    reason=version.reason,
                )
                for version in self.rubrics
            )
        )
        context = Context(
            source=source,
            source_path=self.source_path,
            rubric=rubrics.active,
            framework=self.framework,
            paths=Paths(self.data_dir, source.name),
            settings=self.settings,
            engine=self.engine,
            policy=self.policy,
            policies=self.policies,
            thresholds=None
            if self.thresholds is None
            else ThresholdHistory(self.thresholds.declared, self.thresholds.adopted),
            rubrics=rubrics,
            declared_rubric=self.declared_rubric,
            own_code=self.own_code,
        )
        if self.accounts is not None:
            vars(context)["accounts_policy"] = self.accounts  # where the property keeps what it read
        return context
