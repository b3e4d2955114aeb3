"""What code a function of a user's own is: the text of its modules, and of those they import from beside them."""

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

_folders: set[Path] = set()  # of declarations whose code was loaded
_texts: dict[str, "_Text"] = {}


@dataclass(frozen=True)
class _Text:
    """A module's text as it stood when it was first asked for; an edit later changes nothing that runs.

    Parameters
    ----------
    module : what Python held under the name then; None of one that a function is to import when it is called
    imported : names that its import statements may load, those within functions too
    """

    module: ModuleType | None
    digest: str
    imported: tuple[str, ...] = ()


def remember_folder(beside: Path) -> None:
    """Count modules of a declaration's folder as its code, where code of that folder imports them."""
    _folders.add(beside.resolve())


def digest_modules(modules: Iterable[ModuleType]) -> str:
    """SHA-256 of the whole files of modules, and of every file beside a declaration that they import, in any depth.

    Installed libraries that they import do not count. What is imported by a name that only runs tell
    (``importlib.import_module(name)``) is not seen.
    """
    given = list(modules)
    parts = [_text_of(one.__name__, _file_of(one), one).digest for one in given]
    helpers: dict[str, str] = {}
    for module in given:
        root = _root_of(module)
        if root in _folders:
            helpers |= _beside(module.__name__, root)
    named = {one.__name__ for one in given}
    parts += [f"{name}:{helpers[name]}" for name in sorted(helpers.keys() - named)]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _beside(first: str, root: Path) -> dict[str, str]:
    """Digest of every module under a folder that one of them leads to, by name."""
    found: dict[str, str] = {}
    left = list(_with_parents(first))
    while left:
        name = left.pop()
        file = None if name in found else _find(name, root)
        if file is not None:
            text = _text_of(name, file, sys.modules.get(name))
            found[name] = text.digest
            left += text.imported
    return found


def _find(name: str, root: Path) -> Path | None:
    """The file of a module that Python takes from the folder; None for one of a library, and for no module."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or not _is_of(top, root):
        return None
    path = root.joinpath(*name.split("."))
    candidates = (path / "__init__.py", path.parent / f"{path.name}.py")
    return next((file for file in candidates if file.is_file()), None)


def _is_of(top: str, root: Path) -> bool:
    """Whether Python holds, or would find, a module or package in the folder: what is installed comes first."""
    loaded = sys.modules.get(top)
    if loaded is not None:
        return _root_of(loaded) == root
    spec = PathFinder.find_spec(top, [*sys.path, str(root)])
    if spec is None:
        return False
    places = spec.submodule_search_locations
    found = next(iter(places), None) if places is not None else spec.origin
    return found is not None and Path(found).resolve().parent == root


def _root_of(module: ModuleType) -> Path | None:
    """The folder from which a module is imported by its name."""
    file, depth = _file_of(module), module.__name__.count(".")
    if file is not None:
        return file.resolve().parents[depth + (file.name == "__init__.py")]
    folder = next(iter(getattr(module, "__path__", ())), None)  # a package without a file of its own
    return None if folder is None else Path(folder).resolve().parents[depth]


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return None if file is None else Path(file)


def _text_of(name: str, file: Path | None, module: ModuleType | None) -> _Text:
    known = _texts.get(name)
    if known is None or module is None or known.module is not module:
        content = name.encode() if file is None else file.read_bytes()
        imported = () if file is None else tuple(sorted(set(_imports(content, name, file.name == "__init__.py"))))
        known = _texts[name] = _Text(module, hashlib.sha256(content).hexdigest(), imported)
    return known


def _imports(content: bytes, name: str, is_package: bool) -> Iterator[str]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # compiled, or a file that is imported by nobody yet
        return
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield from _with_parents(one.name)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            of = ".".join([*base, *([node.module] if node.module else [])])
            yield from _with_parents(of)
            yield from (f"{of}.{one.name}" for one in node.names)


def _with_parents(name: str) -> Iterator[str]:
    """``a``, ``a.b`` and ``a.b.c`` of the last: Python runs them all."""
    parts = name.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1) if name)
