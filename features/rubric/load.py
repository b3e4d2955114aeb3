"""A rubric read from YAML text or a file, checked in itself and against its source."""

from pathlib import Path

from pydantic import ValidationError

from features.errors import PolicyError
from features.rubric.checks import check_against_source, find_contradictions
from features.rubric.schema import Rubric
from features.schema.source import Source
from features.schema.yaml_lines import LinedYaml, YamlTextError, problems_of, read_yaml


def parse_rubric(text: str, *, where: str = "rubric", source: Source | None = None) -> Rubric:
    """Rubric of a YAML text, checked in itself and, if given, against the source it speaks of.

    Raises
    ------
    PolicyError : one line per problem, each with its line in the text
    """
    try:
        document = read_yaml(text)
        rubric = Rubric.model_validate(document.data)
    except YamlTextError as problem:
        raise PolicyError(f"{where}: {problem}") from problem
    except ValidationError as error:
        raise PolicyError(_list_problems(where, problems_of(error, document))) from error
    found = find_contradictions(rubric) + (check_against_source(rubric, source) if source is not None else [])
    if found:
        raise PolicyError(_list_problems(where, _with_lines(found, document)))
    return rubric


def load_rubric(path: Path, source: Source | None = None) -> Rubric:
    """Rubric of a YAML file; see :func:`parse_rubric`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise PolicyError(
            f"rubric {path} cannot be read: {problem.strerror}. Check the name under 'rubric:'."
        ) from problem
    except UnicodeDecodeError as problem:
        raise PolicyError(f"rubric {path} is not UTF-8 text; save it as UTF-8.") from problem
    return parse_rubric(text, where=path.name, source=source)


def _with_lines(found: list[tuple[tuple[str | int, ...], str]], document: LinedYaml) -> list[str]:
    return [text for _, text in sorted((document.line(p), f"line {document.line(p)}: {m}") for p, m in found)]


def _list_problems(where: str, problems: list[str]) -> str:
    return f"{where} cannot be used:\n" + "\n".join(f"  {problem}" for problem in problems)
