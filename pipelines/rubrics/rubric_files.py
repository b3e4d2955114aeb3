"""Rubrics as files people bring."""

from pathlib import Path

from features.errors import PolicyError
from features.regular_files import read_regular_text
from features.rubric.csv_format import from_csv, to_csv
from features.rubric.load import load_rubric
from features.rubric.schema import Rubric
from features.rubric.yaml_format import rubric_yaml
from features.schema.source import Source
from pipelines.workspace.atomic_files import write_text
from pipelines.workspace.csv_files import mark_text


def read_rubric(path: Path, source: Source | None = None) -> Rubric:
    """Rubric of a YAML or CSV file, checked against the source if one is given.

    Raises
    ------
    PolicyError
        naming file and line.
    """
    if path.suffix.lower() != ".csv":
        return load_rubric(path, source)
    try:
        return from_csv(read_regular_text(path, "utf-8-sig"), where=path.name, source=source)
    except (OSError, UnicodeDecodeError) as problem:
        raise PolicyError(f"rubric {path} cannot be read: {problem}; save it as CSV in UTF-8.") from problem


def write_rubric(rubric: Rubric, path: Path) -> None:
    """The rubric as YAML or CSV, by the file's ending."""
    write_text(path, mark_text(to_csv(rubric)) if path.suffix.lower() == ".csv" else rubric_yaml(rubric))
