"""A rubric read from YAML text or a file, checked in itself and against its source."""

from pathlib import Path

from features.errors import PolicyError
from features.rubric.checks import check_against_source, find_contradictions
from features.rubric.schema import Rubric
from features.schema.policy_yaml import list_problems, read_policy_file, validate_policy
from features.schema.source import Source
from features.schema.yaml_lines import LinedYaml


def parse_rubric(text: str, *, where: str = "rubric", source: Source | None = None) -> Rubric:
    """Rubric of a YAML text, checked in itself and, if given, against the source it speaks of.

    Raises
    ------
    PolicyError : one line per problem, each with its line in the text
    """
    rubric, document = validate_policy(text, Rubric, where)
    found = find_contradictions(rubric) + (check_against_source(rubric, source) if source is not None else [])
    if found:
        raise PolicyError(list_problems(where, _with_lines(found, document)))
    return rubric


def load_rubric(path: Path, source: Source | None = None) -> Rubric:
    """Rubric of a YAML file; see :func:`parse_rubric`."""
    text = read_policy_file(path, "rubric", " Check the name under 'rubric:'.")
    return parse_rubric(text, where=path.name, source=source)


def _with_lines(found: list[tuple[tuple[str | int, ...], str]], document: LinedYaml) -> list[str]:
    return [text for _, text in sorted((document.line(p), f"line {document.line(p)}: {m}") for p, m in found)]
