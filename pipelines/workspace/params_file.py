"""``params.yaml``: budgets for ``leadscore run`` and ``dvc repro`` alike (DVC watches them), margins of the gate."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from features.errors import SourceError
from features.regular_files import read_regular_text
from models.settings import GateSettings, MonitorSettings, TrainSettings

DEFAULT = Path("params.yaml")
KEY, GATE, MONITOR, SOURCES = "leadscore", "gate", "monitor", "sources"

Model = TypeVar("Model", bound=BaseModel)


def load_settings(path: Path | None = None) -> TrainSettings:
    """Settings under the key ``leadscore`` of a params file.

    Without a path: of ``params.yaml`` in the working directory if it has that key, else the defaults.

    Raises
    ------
    SourceError
        naming file, key and what is allowed.
    """
    return _load(TrainSettings, KEY, path)


def load_gate(path: Path | None = None) -> GateSettings:
    """Margins of the promotion gate under the key ``gate``; the defaults where the file has none.

    They are not part of a training run: changing one trains nothing anew and changes no bundle.
    """
    return _load(GateSettings, GATE, path, optional=True)


def load_monitor(path: Path | None = None) -> MonitorSettings:
    """Thresholds of the monitor, under the key ``monitor``; the defaults where the file has none."""
    return _load(MonitorSettings, MONITOR, path, optional=True)


def watched_data(source: str) -> Path | None:
    """What DVC watches of a source's data, by ``params.yaml`` in the working directory; None where it lists none."""
    listed = _read(DEFAULT).get(SOURCES) if DEFAULT.is_file() else None
    return Path(listed[source]) if isinstance(listed, dict) and isinstance(listed.get(source), str) else None


def _load(kind: type[Model], key: str, path: Path | None, *, optional: bool = False) -> Model:
    if path is None:
        if not DEFAULT.is_file():
            return kind()
        path, optional = DEFAULT, True

    document = _read(path)
    if optional and key not in document:
        return kind()
    if not isinstance(document.get(key), dict):
        raise SourceError(f"{path}: no mapping under '{key}'; expected keys such as {', '.join(kind.model_fields)}.")

    try:
        return kind.model_validate(document[key])
    except ValidationError as problem:
        lines = (f"  {_line(kind, key, p)}" for p in problem.errors())
        raise SourceError("\n".join([f"{path} cannot be used:", *lines])) from problem


def _line(kind: type[BaseModel], key: str, problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key}.{name}: unknown key; allowed: {', '.join(kind.model_fields)}"
    return f"{key}.{name}: {problem['msg']}; found {problem['input']!r}"


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(read_regular_text(path))
    except OSError as problem:
        raise SourceError(f"{path} cannot be read: {problem.strerror}. Check the path.") from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise SourceError(f"{path} is not valid YAML: {problem}.") from problem
    return document if isinstance(document, dict) else {}
