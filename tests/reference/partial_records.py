"""Artifacts of which a test needs only some keys: unchecked, with the defaults of the others where they have one."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pipelines.artifacts.artifact import Record

R = TypeVar("R", bound=Record)


def partial_record(kind: type[R], values: Mapping[str, Any]) -> R:
    """A record of some of its keys; mappings that belong into a nested record become one."""
    held = {name: _nested(kind.model_fields[name].annotation, value) for name, value in values.items()}
    return kind.model_construct(**held)


def _nested(annotation: Any, value: Any) -> Any:
    kinds = [found for found in (annotation, *_parts(annotation)) if isinstance(found, type)]
    record = next((found for found in kinds if issubclass(found, Record)), None)
    if record is None:
        return value
    if isinstance(value, list | tuple):
        return tuple(partial_record(record, one) for one in value)
    return partial_record(record, value) if isinstance(value, Mapping) else value


def _parts(annotation: Any) -> list[Any]:
    return [part for one in get_args(annotation) for part in (one, *_parts(one))]
