"""Who imports whom, read from the source text: at the top, inside functions, under TYPE_CHECKING, by string."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOMS = ("features", "models", "pipelines", "serving")  # lower rooms first
MOST_FILES = 17
MOST_FIELDS = 5  # of a dataclass that may be filled by position
BY_STRING = {"import_module", "__import__", "find_spec", "resolve_name"}

Edges = Mapping[str, set[str]]


@dataclass(frozen=True)
class House:
    """The Python files of the four rooms below ``root``, and what they import of each other."""

    root: Path

    @cached_property
    def files(self) -> dict[str, Path]:
        """Module to file, packages under their ``__init__``."""
        found = (path for room in ROOMS for path in sorted((self.root / room).rglob("*.py")))
        return {".".join(path.relative_to(self.root).with_suffix("").parts): path for path in found}

    @cached_property
    def edges(self) -> dict[str, set[str]]:
        """Module to the modules it imports."""
        return {name: self._imports(name, path) for name, path in self.files.items()}

    def _imports(self, name: str, path: Path) -> set[str]:
        asked: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                asked |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                origin = node.module or ""
                if node.level:
                    start = name.split(".")[: -node.level]
                    origin = ".".join([*start, *([origin] if origin else [])])
                asked |= {f"{origin}.{alias.name}" for alias in node.names}
        return {found for one in asked if (found := self._module(one)) is not None and found != name}

    def _module(self, dotted: str) -> str | None:
        """The module a dotted name lies in, if it is ours."""
        while dotted:
            for candidate in (dotted, f"{dotted}.__init__"):
                if candidate in self.files:
                    return candidate
            dotted = dotted.rpartition(".")[0]
        return None

    def climbing(self) -> list[str]:
        """Imports from a lower room to a higher one."""
        return [
            f"{name} imports {other}"
            for name, others in self.edges.items()
            for other in sorted(others)
            if ROOMS.index(other.split(".")[0]) > ROOMS.index(name.split(".")[0])
        ]

    def by_string(self) -> list[str]:
        """Imports of our own modules by name, which no tool that reads imports could see."""
        found = []
        for name, path in self.files.items():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _called(node) in BY_STRING and not _foreign(node):
                    found.append(f"{name}, line {node.lineno}: {ast.unparse(node)}")
        return found

    def file_circles(self) -> list[list[str]]:
        """Groups of files that import each other."""
        return circles(self.edges)

    def folder_circles(self) -> list[list[str]]:
        """Groups of folders that import each other; files beside folders count on their own."""
        folders = {name.rpartition(".")[0] for name in self.files}
        parents = {folder for folder in folders if any(one.startswith(f"{folder}.") for one in folders)}

        def place(name: str) -> str:
            folder = name.rpartition(".")[0]
            return name if folder in parents else folder

        edges: dict[str, set[str]] = {}
        for name, others in self.edges.items():
            if not name.endswith("__init__"):
                edges.setdefault(place(name), set()).update(place(other) for other in others)
        return circles({start: ends - {start} for start, ends in edges.items()})

    def crowded(self) -> dict[str, int]:
        """Folders with more than 17 Python files of their own, ``__init__`` left out."""
        count = Counter(name.rpartition(".")[0] for name in self.files if not name.endswith("__init__"))
        return {folder: files for folder, files in count.items() if files > MOST_FILES}

    def long_positional_records(self) -> list[str]:
        """Dataclasses of more than five fields that may be filled by position."""
        return [
            f"{name}.{node.name}"
            for name, path in self.files.items()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ClassDef) and _fields(node) > MOST_FIELDS and _positional(node)
        ]

    def namesakes(self) -> set[tuple[str, str]]:
        """(room, file name) of names that stand more than once in a room."""
        count = Counter((name.split(".")[0], path.name) for name, path in self.files.items())
        return {key for key, files in count.items() if files > 1 and not key[1].startswith("__")}


def circles(edges: Edges) -> list[list[str]]:
    """Strongly connected groups of more than one node (Tarjan, SIAM J. Comput. 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for start in sorted(edges):
        if start not in index:
            visit(start)
    return found


def levels(edges: Edges, nodes: Iterable[str]) -> dict[str, int]:
    """How far above the ground a node stands: one more than the highest it imports."""
    known: dict[str, int] = {}

    def level(node: str) -> int:
        if node not in known:
            known[node] = 1 + max((level(other) for other in edges.get(node, ())), default=0)
        return known[node]

    return {node: level(node) for node in nodes}


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _foreign(node: ast.Call) -> bool:
    """Whether the imported name is written out and not ours: other packages may be imported late by name."""
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return not re.match(rf"({'|'.join(ROOMS)})(\.|$)", first.value)
    return False


def _positional(node: ast.ClassDef) -> bool:
    """Whether it is a dataclass without ``kw_only=True``."""
    decorators = [ast.unparse(one) for one in node.decorator_list]
    return any("dataclass" in one and "kw_only=True" not in one for one in decorators)


def _fields(node: ast.ClassDef) -> int:
    """Fields of a dataclass that its constructor takes."""
    declared = [ast.unparse(one) for one in node.body if isinstance(one, ast.AnnAssign)]
    return sum("ClassVar" not in one and "init=False" not in one for one in declared)


def private_names_used(path: Path) -> list[str]:
    """Names with a leading underscore that a test imports from the product, or reads of its modules and classes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known: set[str] = set()
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ROOMS:
            known |= {alias.asname or alias.name for alias in node.names}
            found += [alias.name for alias in node.names if alias.name.startswith("_")]
    for node in ast.walk(tree):
        private = isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
        if private and ast.unparse(node).split(".")[0] in known:
            found.append(ast.unparse(node))
    return found
