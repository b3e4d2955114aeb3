"""Import of what a declaration names, by module and function or by entry point."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from features.errors import SourceError

_OURS = ("features", "models", "pipelines", "serving")
_homes: dict[str, Path] = {}  # of modules that were found beside a declaration


def load_code(named: str, *, group: str, where: str, beside: Path) -> Any:
    """What a path names: installed modules first, then those beside the declaration.

    Parameters
    ----------
    named : ``module:function``, or an entry point's name
    group : of entry points
    where : place in the declaration, for messages
    beside : folder of the declaration

    Raises
    ------
    SourceError : there is no such module, function or entry point, or its import fails; or this process holds a module
        of that name from beside another declaration
    """
    if named.split(":")[0].split(".")[0] in _OURS:
        raise SourceError(
            f"{where}: '{named}' begins with the name of a package of leadscore itself ({', '.join(_OURS)}); give your "
            "module another name."
        )
    with _importable(beside):
        try:
            found = resolve_name(named) if ":" in named else _entry_point(named, group)
        except Exception as problem:
            raise SourceError(
                f"{where}: '{named}' cannot be imported ({type(problem).__name__}: {problem!s:.300}). Write "
                "module:function; the module is looked for among what is installed with this Python "
                f"({sys.executable}), then in {beside}. See docs/own_code.md."
            ) from problem
    if ":" in named:
        _refuse_another_home(named.split(":")[0].split(".")[0], where, beside.resolve())
    if not callable(found):
        raise SourceError(
            f"{where}: '{named}' is a {type(found).__name__}, no function. Name a function or class. See "
            "docs/own_code.md."
        )
    return found


def _refuse_another_home(name: str, where: str, beside: Path) -> None:
    """SourceError for a module from beside another declaration: Python keeps one of a name, whatever folder asks."""
    module = sys.modules[name]
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
    if beside in Path(file).resolve().parents:
        _homes.setdefault(name, beside)
    elif name in _homes:
        raise SourceError(
            f"{where}: a module '{name}' is loaded already, from {_homes[name]}, beside another declaration; a process "
            f"holds one module of a name. Rename the one in {beside}, or work on each source in a process of its own."
        )


def _entry_point(name: str, group: str) -> Any:
    known = entry_points(group=group)
    if name not in known.names:
        listed = ", ".join(sorted(known.names)) or "none"
        raise LookupError(f"no entry point of '{group}' is called so; installed: {listed}")
    return known[name].load()


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """The folder at the end of the path, so that no file beside a declaration takes the place of a library."""
    text = str(folder.resolve())
    added = text not in sys.path
    if added:
        sys.path.append(text)
    try:
        yield
    finally:
        if added:
            sys.path.remove(text)
