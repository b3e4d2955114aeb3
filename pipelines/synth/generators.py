"""Files of synthetic sources: written by their generator when they are missing or were made otherwise."""

import hashlib
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path
from typing import Any

from features.errors import SourceError
from features.schema.source import Source
from pipelines.workspace.atomic_files import read_json, stage_dir, write_json
from pipelines.workspace.paths import Paths

GENERATORS = {
    "demo": ("pipelines.synth", "write_demo"),
    "leadforge": ("pipelines.synth.third_party", "write_leadforge"),
    "cdnow": ("pipelines.synth.third_party", "write_cdnow"),
}
MADE_WITH = "generator.json"


def make_generated(source: Source, paths: Paths) -> None:
    """Write a synthetic source's files into ``paths.raw``, unless they are there, made by the same generator alike.

    Raises
    ------
    SourceError
        if the generator is unknown or does not take a declared parameter.
    """
    generator = source.generator
    if generator is None:
        return
    if generator.name not in GENERATORS:
        raise SourceError(
            f"{source.where('generator', 'name')}: there is no generator '{generator.name}'; "
            f"known: {', '.join(GENERATORS)}."
        )
    module, function = GENERATORS[generator.name]
    made_with = {"name": generator.name, "parameters": generator.parameters, "code": _code_hash(module)}
    marker = paths.raw / MADE_WITH
    files = [t.location.file for t in source.tables.values() if t.location is not None]
    if marker.is_file() and read_json(marker) == made_with and all((paths.raw / f).is_file() for f in files):
        return
    write: Callable[..., Any] = getattr(import_module(module), function)
    with stage_dir(paths.raw) as folder:
        try:
            write(folder, **generator.parameters)
        except TypeError as problem:
            raise SourceError(f"{source.where('generator', 'parameters')}: {problem}.") from problem
        write_json(folder / MADE_WITH, made_with)


def _code_hash(module: str) -> str:
    """Hash of the generator's code (a module or a package): other code makes other data."""
    spec = util.find_spec(module)
    if spec is None or spec.origin is None:
        return ""
    origin = Path(spec.origin)
    files = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
