"""Draws docs/architecture.svg and the table of folders in docs/architecture.md from the code (`make picture`)."""

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from tests.reference.import_graph import ROOMS, House, circles, levels

ROOT = Path(__file__).parents[2]
PICTURE = "docs/architecture.svg"
PAGE = "docs/architecture.md"
BEGIN, END = "<!-- folders: written by make picture -->", "<!-- end of folders -->"

WIDTH, BOX, ROW, HEAD, GAP = 1120, 32, 62, 40, 18  # pixels
COLOURS = {"serving": "#e8eefc", "pipelines": "#e6f4ea", "models": "#fdf1dd", "features": "#fbe7ee"}

Edges = dict[str, set[str]]


@dataclass(frozen=True)
class Folders:
    """The folders of the rooms and which of them import which, files that stand directly in a room passed through."""

    house: House

    @cached_property
    def names(self) -> set[str]:
        """Folders with files of their own; a parent's own files count as one folder where that makes no circle."""
        folders = {name.rpartition(".")[0] for name in self.house.files if not name.endswith("__init__")}
        folders -= {*ROOMS, *(name for name in folders if ".migrations" in name)}
        parents = {name for name in folders if any(other.startswith(f"{name}.") for other in folders)}
        for parent in sorted(parents):
            if circles(self._joined(folders - parents | {parent})):
                folders.discard(parent)
        return folders

    @cached_property
    def imports(self) -> Edges:
        """Folder to the folders it imports, directly or through files that stand beside folders."""
        return self._joined(self.names)

    @cached_property
    def reduced(self) -> Edges:
        """The same without imports that follow from others: what is imported by way of another folder is left out."""
        below = {name: self._reach(name) for name in self.names}
        return {
            name: {one for one in ends if not any(one in below[other] for other in ends - {one})}
            for name, ends in self.imports.items()
        }

    def files_of(self, folder: str) -> int:
        """How many files a folder holds, ``__init__`` left out."""
        return sum(name.rpartition(".")[0] == folder for name in self.house.files if not name.endswith("__init__"))

    def sentence(self, folder: str) -> str:
        """What a folder's ``__init__`` says it is."""
        text = self.house.files[f"{folder}.__init__"].read_text(encoding="utf-8")
        return " ".join((ast.get_docstring(ast.parse(text)) or "").split())

    def rooms_below(self, room: str) -> list[str]:
        """The rooms a room imports."""
        found = {
            other.split(".")[0]
            for name, others in self.house.edges.items()
            for other in others
            if name.split(".")[0] == room
        }
        return [one for one in ROOMS if one in found - {room}]

    def _joined(self, folders: set[str]) -> Edges:
        joined: Edges = {name: set() for name in folders}
        for name in self.house.files:
            start = _place(name, folders)
            if start in folders and not name.endswith("__init__"):
                joined[start] |= self._ends(name, folders) - {start}
        return joined

    def _ends(self, name: str, folders: set[str]) -> set[str]:
        seen, waiting, ends = {name}, [name], set()
        while waiting:
            for other in self.house.edges[waiting.pop()] - seen:
                seen.add(other)
                if (place := _place(other, folders)) in folders:
                    ends.add(place)
                else:
                    waiting.append(other)
        return ends

    def _reach(self, name: str) -> set[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            fresh = self.imports[waiting.pop()] - seen
            seen |= fresh
            waiting += fresh
        return seen


def _place(module: str, folders: set[str]) -> str:
    return module.rpartition(".")[0]


def svg(folders: Folders) -> str:
    """The picture: a band per room, a row per level, arrows from a folder to those it imports within its room."""
    top, parts = GAP, []
    for room in reversed(ROOMS):
        rows, links = _rows(folders, room)
        parts += _band(f"{room}/", folders.rooms_below(room), rows, links, top)
        top += HEAD + ROW * len(rows) + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" font-family="sans-serif" font-size="14">'
    )
    arrow = (
        '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>'
    )
    return "\n".join([head, arrow, f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>', *parts, "</svg>", ""])


def _rows(folders: Folders, room: str) -> tuple[list[list[str]], Edges]:
    """A room's folders from the highest level to the lowest, and the links from row to row.

    A link over several rows is given a place in each of them, so that it runs past the folders there. Every row is
    ordered by what links to it (barycentres: Sugiyama, IEEE Trans. SMC 1981).
    """
    inside = {name for name in folders.names if name.split(".")[0] == room}
    level = levels({name: folders.imports[name] & inside for name in inside}, inside)
    links: Edges = {}
    for name in inside:
        for other in folders.reduced[name] & inside:
            chain = [name, *(f"{name}>{other}@{k}" for k in range(level[name] - 1, level[other], -1)), other]
            level |= {node: level[name] - k for k, node in enumerate(chain)}
            for start, end in pairwise(chain):
                links.setdefault(start, set()).add(end)

    rows: list[list[str]] = []
    place: dict[str, float] = {}
    for height in range(max(level.values(), default=0), 0, -1):
        row = [node for node in level if level[node] == height]
        above = {node: [place[other] for other in place if node in links.get(other, ())] for node in row}
        row.sort(key=lambda node: (sum(above[node]) / len(above[node]) if above[node] else 0.5, node))
        place |= {node: (k + 0.5) / len(row) for k, node in enumerate(row)}
        rows.append(row)
    return rows, links


def _band(title: str, below: list[str], rows: list[list[str]], links: Edges, top: int) -> list[str]:
    spot = {
        node: (round(20 + (WIDTH - 40) * (k + 0.5) / len(row)), top + HEAD + ROW * number + BOX // 2)
        for number, row in enumerate(rows)
        for k, node in enumerate(row)
    }
    parts = [
        f'<rect x="8" y="{top}" width="{WIDTH - 16}" height="{HEAD + ROW * len(rows)}" rx="8" '
        f'fill="{COLOURS[title.rstrip("/")]}"/>',
        f'<text x="24" y="{top + 26}"><tspan font-weight="bold">{title}</tspan> '
        f"imports {', '.join(below) or 'no other room'}</text>",
    ]
    parts += [_link(start, end, spot) for start in sorted(links) for end in sorted(links[start])]
    for node, (x, y) in spot.items():
        if ">" not in node:
            label = node.partition(".")[2].replace(".", "/")
            wide = 9 * len(label) + 28
            parts.append(
                f'<rect x="{x - wide // 2}" y="{y - BOX // 2}" width="{wide}" height="{BOX}" rx="6" fill="#fff" '
                f'stroke="#555"/><text x="{x}" y="{y + 5}" text-anchor="middle">{label}</text>'
            )
    return parts


def _link(start: str, end: str, spot: dict[str, tuple[int, int]]) -> str:
    (x, y), (to_x, to_y) = spot[start], spot[end]
    y, to_y = y + (0 if ">" in start else BOX // 2), to_y - (0 if ">" in end else BOX // 2 + 2)
    bend = (to_y - y) // 2
    tip = "" if ">" in end else ' marker-end="url(#to)"'
    return f'<path d="M{x} {y}C{x} {y + bend} {to_x} {to_y - bend} {to_x} {to_y}" fill="none" stroke="#555"{tip}/>'


def table(folders: Folders) -> str:
    """The folders with what their ``__init__`` says, as Markdown."""
    lines = ["| folder | files | answers |", "|---|---|---|"]
    for room in ROOMS:
        below = sorted(name for name in folders.house.files if re.fullmatch(rf"{room}(\.\w+)*\.__init__", name))
        for name in (one.removesuffix(".__init__") for one in below):
            path = f"{name.replace('.', '/')}/"
            lines.append(f"| [`{path}`](../{path}) | {folders.files_of(name) or ''} | {folders.sentence(name)} |")
    return "\n".join(lines)


def with_table(page: str, folders: Folders) -> str:
    """The page with its table of folders as the code has it."""
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    return f"{before}{BEGIN}\n{table(folders)}\n{END}{after}"


def main() -> None:
    folders = Folders(House(ROOT))
    (ROOT / PICTURE).write_text(svg(folders), encoding="utf-8")
    page = ROOT / PAGE
    page.write_text(with_table(page.read_text(encoding="utf-8"), folders), encoding="utf-8")


if __name__ == "__main__":
    main()
