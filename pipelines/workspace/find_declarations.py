"""Where declarations (sources, rubrics, policies, templates) are found: the working tree, then what is installed."""

import sysconfig
from pathlib import Path

from features.errors import LeadScoreError, PolicyError, SourceError

_ONE = {"sources": "source", "rubrics": "rubric", "policies": "policy", "templates": "template"}
TREE = Path(__file__).resolve().parents[2] / "data"


def declaration_folders(kind: str) -> list[Path]:
    """Folders that may hold declarations of a kind (``sources``, ``rubrics``), first found wins."""
    installed = Path(sysconfig.get_path("data")) / "share" / "leadscore"
    return [folder / kind for folder in (TREE, installed) if (folder / kind).is_dir()]


def declaration_names(kind: str) -> list[str]:
    """Names of all declarations of a kind."""
    return sorted({path.stem for folder in declaration_folders(kind) for path in folder.glob("*.yaml")})


def find_source(name_or_path: str) -> Path:
    """Path of a source by name or path; SourceError names the known ones."""
    return _find("sources", name_or_path, SourceError)


def find_rubric(name_or_path: str, beside: Path | None = None) -> Path:
    """Path of a rubric by name, or by path (relative to ``beside``, the source's folder)."""
    if beside is not None and (beside / name_or_path).is_file():
        return beside / name_or_path
    return _find("rubrics", name_or_path, PolicyError)


def find_policy(name_or_path: str, beside: Path | None = None) -> Path:
    """Path of a lifecycle or qualification policy by name, or by path (relative to ``beside``)."""
    if beside is not None and (beside / name_or_path).is_file():
        return beside / name_or_path
    return _find("policies", name_or_path, PolicyError)


def find_template(name: str) -> Path:
    """Path of a vendor's template by name (or path); SourceError names the known ones."""
    return _find("templates", name, SourceError)


def _find(kind: str, name_or_path: str, error: type[LeadScoreError]) -> Path:
    if name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path:
        path = Path(name_or_path)
        if path.is_file():
            return path
        raise error(f"{_ONE[kind]} file {name_or_path} does not exist. Check the path, or use a name: {_names(kind)}.")
    for folder in declaration_folders(kind):
        path = folder / f"{name_or_path}.yaml"
        if path.is_file():
            return path
    raise error(f"there is no {_ONE[kind]} '{name_or_path}'. Known: {_names(kind)}; or give the path of a YAML file.")


def _names(kind: str) -> str:
    return ", ".join(declaration_names(kind)) or "none"
