"""Versions of a rubric over time: which one is in force, and which one was at a moment."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Ints
from features.rubric.rule import Rule
from features.rubric.schema import Rubric
from features.rubric.yaml_format import rubric_yaml
from features.schema.vocabulary import Topic

_SILENT = {"label": "", "topic": Topic.CONTEXT}  # keys of a rule that give no points


def rubric_hash(rubric: Rubric) -> str:
    """SHA-256 of a rubric as it is written in YAML."""
    return hashlib.sha256(rubric_yaml(rubric).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class RubricVersion:
    """A rubric and when it came into force.

    Parameters
    ----------
    since : naive UTC, included; None: from the beginning (what the source declares)
    adopted_at, author, reason : when it was adopted on the wall clock (ISO), by whom and why; empty for a declared one
    """

    rubric: Rubric
    since: pd.Timestamp | None = None
    adopted_at: str = ""
    author: str = ""
    reason: str = ""


@dataclass(frozen=True)
class RubricHistory:
    """Every version of a source's rubric, the oldest first; the last one is in force."""

    versions: tuple[RubricVersion, ...] = ()

    @property
    def active(self) -> Rubric | None:
        """The rubric in force, None where there never was one."""
        return self.versions[-1].rubric if self.versions else None

    def place_at(self, moment: pd.Timestamp | None) -> int:
        """Which version was in force at a moment; the last one where there are no clocks, -1 without any version.

        Before the first version came into force the first one counts: there was none to judge by.
        """
        if moment is None or pd.isna(moment):
            return len(self.versions) - 1
        begun = [k for k, version in enumerate(self.versions) if version.since is None or version.since <= moment]
        return begun[-1] if begun else min(0, len(self.versions) - 1)

    def at(self, moment: pd.Timestamp | None) -> Rubric | None:
        """The rubric in force at a moment; see :meth:`place_at`."""
        place = self.place_at(moment)
        return None if place < 0 else self.versions[place].rubric

    def places(self, as_of: pd.Series) -> Ints:
        """:meth:`place_at` of many moments, shape (n,)."""
        places = {moment: self.place_at(moment) for moment in as_of.unique()}
        return np.array([places[moment] for moment in as_of], dtype=np.int64)


def same_rubric(first: Rubric, second: Rubric) -> bool:
    """Whether two rubrics say the same; the order of a rule's patterns counts, since the first that matches does."""
    return first == second and [tuple(r.patterns) for r in first.rules] == [tuple(r.patterns) for r in second.rules]


def changed_rules(before: Rubric, after: Rubric) -> Sequence[str]:
    """Ids of rules that one of two rubrics does not have, or has otherwise; in the order of the older, then the newer.

    A changed label or topic changes no points and does not count.
    """
    old, new = ({rule.id: rule.model_copy(update=_SILENT) for rule in rubric.rules} for rubric in (before, after))
    ids = [*old, *(name for name in new if name not in old)]
    return [name for name in ids if not _same_rule(old.get(name), new.get(name))]


def _same_rule(first: Rule | None, second: Rule | None) -> bool:
    if first is None or second is None:
        return False
    return first == second and tuple(first.patterns) == tuple(second.patterns)
