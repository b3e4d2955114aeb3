"""Qualification frameworks as data: a partition of topics into criteria."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from features.catalog.feature import Catalog
from features.errors import PolicyError
from features.schema.policy_yaml import read_policy_file, validate_policy
from features.schema.vocabulary import Topic
from features.schema.yaml_lines import read_yaml
from models.explaining.model_bars import SEGMENT_LEVEL

CONTEXT = "context"
_NAME_LISTS = 32  # lists of features a framework remembers the criteria of: one a loaded bundle, so a few are in use
_FOLDER = files("models.explaining") / "frameworks"


class Criterion(BaseModel):
    """One criterion: its plain-words label and the topics it gathers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    label: str
    topics: tuple[Topic, ...] = Field(min_length=1)


class Framework(BaseModel):
    """A partition of all topics but context."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    tradeoff: str = ""
    criteria: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Criterion] = Field(min_length=1)

    @property
    def ids(self) -> tuple[str, ...]:
        """Criterion ids in order."""
        return tuple(self.criteria)

    def criterion_of(self, topic: Topic) -> str:
        """Criterion a topic belongs to; ``context`` for context."""
        if topic is Topic.CONTEXT:
            return CONTEXT
        return self._homes[topic]

    @cached_property
    def groups(self) -> Callable[[Catalog, tuple[str, ...]], tuple[str, ...]]:
        """The criterion of each named feature of a catalog, ``context`` for those the catalog does not know."""

        @lru_cache(maxsize=_NAME_LISTS)
        def criteria_of(catalog: Catalog, names: tuple[str, ...]) -> tuple[str, ...]:
            known = catalog.by_name
            return tuple(self.criterion_of(known[n].topic) if n in known else CONTEXT for n in names)

        return criteria_of

    @cached_property
    def _homes(self) -> dict[Topic, str]:
        return {topic: name for name, criterion in self.criteria.items() for topic in criterion.topics}

    def label(self, criterion: str) -> str:
        """Plain-words label of a criterion."""
        if criterion == SEGMENT_LEVEL:
            return "Level of the segment"
        return self.criteria[criterion].label if criterion in self.criteria else "Context"


@dataclass(frozen=True)
class BankQuestion:
    """A question of the bank: language-neutral id, topic and English text."""

    id: str
    topic: Topic
    text: str


def parse_framework(text: str, *, where: str = "framework") -> Framework:
    """Framework of a YAML text; PolicyError if a topic is unmapped or mapped twice."""
    framework, _ = validate_policy(text, Framework, where)

    if {"base", "clip", CONTEXT, SEGMENT_LEVEL} & set(framework.ids):
        raise PolicyError(
            f"{where}: a criterion may not be named base, clip, context or segment_level; these bars are the "
            "product's own. Rename it."
        )

    mapped = [topic for criterion in framework.criteria.values() for topic in criterion.topics]
    twice = sorted({str(t) for t in mapped if mapped.count(t) > 1} | ({"context"} & {str(t) for t in mapped}))
    if twice:
        raise PolicyError(
            f"{where}: {', '.join(twice)} appears twice or cannot be mapped. Name each topic once, without context."
        )
    missing = [str(t) for t in Topic if t is not Topic.CONTEXT and t not in mapped]
    if missing:
        raise PolicyError(f"{where}: no criterion has {', '.join(missing)}. Add each topic to a criterion.")
    return framework


@cache
def framework_names() -> tuple[str, ...]:
    """Names of the frameworks that ship."""
    names = (Path(entry.name).stem for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))
    return tuple(sorted(name for name in names if name != "questions"))


def load_framework(name_or_path: str, beside: Path | None = None) -> Framework:
    """A framework by name, or from a YAML file of your own (relative to ``beside``, the source's folder, where it lies
    there), as it is now; PolicyError names the known ones.
    """
    if name_or_path in framework_names():
        return _load_shipped(name_or_path)
    path = Path(name_or_path)
    if beside is not None and (beside / path).is_file():
        path = beside / path
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return _parse_own(read_policy_file(path, "framework"), path.name)
    raise PolicyError(
        f"framework '{name_or_path}' was not found. Known: {', '.join(framework_names())}; or give the path of a "
        "YAML file."
    )


@cache
def _load_shipped(name: str) -> Framework:
    return parse_framework((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), where=name)


@lru_cache(maxsize=8)
def _parse_own(text: str, where: str) -> Framework:
    """By text and not by path: a server must read an edited file."""
    return parse_framework(text, where=where)


@cache
def question_bank() -> Mapping[Topic, tuple[BankQuestion, ...]]:
    """Questions by topic."""
    data = read_yaml((_FOLDER / "questions.yaml").read_text(encoding="utf-8")).data
    return {
        Topic(topic): tuple(BankQuestion(row["id"], Topic(topic), row["text"]) for row in rows)
        for topic, rows in data.items()
    }
