"""YAML of policies people write (rubrics, frameworks, qualification, lifecycle), every problem with its line."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from features.errors import PolicyError
from features.regular_files import read_regular_text
from features.schema.yaml_lines import LinedYaml, YamlTextError, problems_of, read_yaml

Model = TypeVar("Model", bound=BaseModel)


def validate_policy(text: str, model: type[Model], where: str) -> tuple[Model, LinedYaml]:
    """The policy of a YAML text, and the text with its lines for checks that types alone do not make.

    Raises
    ------
    PolicyError : one line per problem, each with its line in the text
    """
    try:
        document = read_yaml(text)
        return model.model_validate(document.data), document
    except YamlTextError as problem:
        raise PolicyError(f"{where}: {problem}") from problem
    except ValidationError as error:
        raise PolicyError(list_problems(where, problems_of(error, document))) from error


def list_problems(where: str, problems: Sequence[str]) -> str:
    """The message of a policy that cannot be used."""
    return f"{where} cannot be used:\n" + "\n".join(f"  {problem}" for problem in problems)


def read_policy_file(path: Path, what: str, advice: str = "") -> str:
    """Text of a policy file.

    Raises
    ------
    PolicyError : it cannot be read, or is not UTF-8
    """
    try:
        return read_regular_text(path)
    except OSError as problem:
        raise PolicyError(f"{what} {path} cannot be read: {problem.strerror}.{advice}") from problem
    except UnicodeDecodeError as problem:
        raise PolicyError(f"{what} {path} is not UTF-8 text; save it as UTF-8.") from problem
