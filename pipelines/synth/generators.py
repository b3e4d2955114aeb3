"""Files of synthetic sources: written by their generator when they are missing or were made otherwise."""

import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from features.errors import SourceError
from features.schema.source import Source
from pipelines.workspace.atomic_files import read_json, stage_dir, write_json
from pipelines.workspace.paths import Paths

Writer = Callable[..., Any]


def _demo() -> Writer:
    from pipelines.synth.write import write_demo

    return write_demo


def _leadforge() -> Writer:
    from pipelines.synth.third_party import write_leadforge

    return write_leadforge


def _cdnow() -> Writer:
    from pipelines.synth.third_party import write_cdnow

    return write_cdnow


def _scale() -> Writer:
    from pipelines.synth.scale import write_scale

    return write_scale


GENERATORS: dict[str, Callable[[], Writer]] = {"demo": _demo, "leadforge": _leadforge, "cdnow": _cdnow, "scale": _scale}
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

    write = GENERATORS[generator.name]()
    made_with = {"name": generator.name, "parameters": generator.parameters, "code": hash_code(write)}
    marker = paths.raw / MADE_WITH
    files = [t.location.file for t in source.tables.values() if t.location is not None]
    if marker.is_file() and read_json(marker) == made_with and all((paths.raw / f).exists() for f in files):
        return

    with stage_dir(paths.raw) as folder:
        try:
            write(folder, **generator.parameters)
        except TypeError as problem:
            raise SourceError(f"{source.where('generator', 'parameters')}: {problem}.") from problem
        write_json(folder / MADE_WITH, made_with)


def hash_code(write: Writer) -> str:
    """Hash of the folder of code a generator lies in: other code makes other data."""
    digest = hashlib.sha256()
    for file in sorted(Path(inspect.getfile(write)).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
