"""Budgets from ``params.yaml``, the file DVC watches: one place for ``leadscore run`` and ``dvc repro`` alike."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from features.errors import SourceError
from models.settings import TrainSettings

DEFAULT = Path("params.yaml")
KEY = "leadscore"


def load_settings(path: Path | None = None) -> TrainSettings:
    """Settings under the key ``leadscore`` of a params file.

    Without a path: of ``params.yaml`` in the working directory if it has that key, else the defaults.

    Raises
    ------
    SourceError
        naming file, key and what is allowed.
    """
    if path is None:
        if not DEFAULT.is_file() or KEY not in _read(DEFAULT):
            return TrainSettings()
        path = DEFAULT
    document = _read(path)
    if not isinstance(document.get(KEY), dict):
        raise SourceError(
            f"{path}: no mapping under '{KEY}'; expected such keys as {', '.join(TrainSettings.model_fields)}."
        )
    try:
        return TrainSettings.model_validate(document[KEY])
    except ValidationError as problem:
        raise SourceError(
            "\n".join([f"{path} cannot be used:", *(f"  {_line(p)}" for p in problem.errors())])
        ) from problem


def _line(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{KEY}.{name}: unknown key; allowed: {', '.join(TrainSettings.model_fields)}"
    return f"{KEY}.{name}: {problem['msg']}; found {problem['input']!r}"


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise SourceError(f"{path} cannot be read: {problem.strerror}. Check the path.") from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise SourceError(f"{path} is no YAML: {problem}.") from problem
    return document if isinstance(document, dict) else {}
