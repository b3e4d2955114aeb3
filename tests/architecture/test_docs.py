"""The docs speak of what is there: links, paths, modules, pictures, decisions, and the map of the code."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from pipelines.workspace.paths import Paths
from tests.reference.architecture_picture import PAGE, PICTURE, Folders, svg, with_table
from tests.reference.import_graph import House

ROOT = Path(__file__).parents[2]
ADR = ROOT / "docs/adr"
ROOMS = "features|models|pipelines|serving|tests"
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
PATH = re.compile(rf"(?<![\w/<>.{{}}-])((?:{ROOMS}|docs|notebooks|\.ci)/[\w./-]*\w\.\w+)(?:::(\w+))?")
FOLDER = re.compile(rf"`((?:{ROOMS}|docs|notebooks)/[\w/]*)`")
FILE = re.compile(r"`([a-z0-9_]+\.py)`")
MODULE = re.compile(rf"(?<![\w/.-])((?:{ROOMS})(?:\.[A-Za-z_]\w*)+)(?!\w*\.\w)(?![\w(/])")


@cache
def tracked() -> tuple[str, ...]:
    run = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    return tuple(name for name in run.stdout.decode().splitlines() if (ROOT / name).exists())


PAGES = [name for name in tracked() if name.endswith(".md")]
LIVING = [name for name in PAGES if name != "CHANGELOG.md" and not re.match(r"docs/adr/0\d", name)]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as they are made on the web."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {"#" + re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def defined(path: Path) -> set[str]:
    """Names a module defines at its top."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        for target in [*getattr(node, "targets", ()), getattr(node, "target", None)]:
            found |= {target.id} if isinstance(target, ast.Name) else set()
    return found


def missing_module(dotted: str) -> bool:
    """Whether a dotted name is neither a module or package of ours nor defined in one."""
    parts = dotted.split(".")
    for k in range(len(parts), 0, -1):
        folder = ROOT.joinpath(*parts[:k])
        if folder.with_suffix(".py").exists():
            return k < len(parts) and parts[k] not in defined(folder.with_suffix(".py"))
        if folder.is_dir():
            return k < len(parts)
    return True


def gone(text: str) -> list[str]:
    """Paths, files, folders, modules and functions a text names that are not there."""
    found = []
    for path, name in PATH.findall(text):
        if re.search(r"NAME|NNNN|CODE|NN_", path):
            continue  # a place for the reader's own name
        if not (ROOT / path).exists():
            found.append(path)
        elif name and name not in defined(ROOT / path):
            found.append(f"{path}::{name}")
    found += [
        folder for folder in FOLDER.findall(text) if not (ROOT / folder).is_dir() and not (ROOT / folder).exists()
    ]
    names = {Path(name).name for name in tracked()}
    found += [file for file in FILE.findall(text) if file not in names]
    return found + [name for name in MODULE.findall(text) if not name.endswith(".md") and missing_module(name)]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target, anchor in LINK.findall(text_of(name)):
        there = page.parent / target if target else page
        assert there.exists(), f"{name} links to {target}, which does not exist"
        assert not anchor or there.suffix != ".md" or anchor in anchors(there), f"{name}: no {anchor} in {there.name}"


@pytest.mark.parametrize("name", LIVING)
def test_code_that_is_named_exists(name: str) -> None:
    assert gone(text_of(name)) == []


@pytest.mark.parametrize(
    "text",
    [
        "in `models/judging/sla.py`",
        "(`pictures.py`)",
        "`models/scoring.py::nothing`",
        "python -m tests.benchmarks.bench_nothing",
        "`features.assembly.request_rows.Nobody`",
        "all of `pipelines/heap/`",
    ],
)
def test_code_that_is_gone_would_be_seen(text: str) -> None:
    assert len(gone(text)) == 1


def test_pictures_are_all_used() -> None:
    pages = [ROOT / name for name in PAGES]
    shown = re.compile(r"(?:\]\(|src=\")([^)#\"\s]+)")
    used = {(page.parent / target).resolve() for page in pages for target in shown.findall(page.read_text("utf-8"))}
    pictures = {file.resolve() for kind in ("png", "svg") for file in (ROOT / "docs").rglob(f"*.{kind}")}
    assert pictures <= used, pictures - used


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs/README.md"
    listed = {(index.parent / target).resolve() for target, _ in LINK.findall(index.read_text(encoding="utf-8"))}
    pages = {(ROOT / name).resolve() for name in LIVING if name.startswith("docs/")} - {index}
    assert pages <= listed, pages - listed


@pytest.mark.parametrize("path", sorted(ADR.glob("0*.md")), ids=lambda path: path.name[:4])
def test_a_decision_has_its_number_and_a_status(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {path.name[:4]}: \w", text), f"{path.name} begins with '# {path.name[:4]}: title'"
    assert re.search(r"^Status: (accepted|superseded by \d{4}|proposed)$", text, re.M)


def test_the_index_of_decisions_is_the_decisions() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", (ADR / "README.md").read_text(encoding="utf-8"), re.M)
    listed = {number.strip("[]").split("]")[0]: (number, title, status) for number, title, status in rows[1:]}
    for path in sorted(ADR.glob("0*.md")):
        text = path.read_text(encoding="utf-8")
        title, status = re.match(r"# \d{4}: (.+)", text), re.search(r"^Status: (.+)$", text, re.M)
        assert title and status
        assert listed[path.name[:4]] == (f"[{path.name[:4]}]({path.name})", title[1], status[1])
    assert list(listed) == [f"{k + 1:04}" for k in range(len(listed))]  # none is left out
    assert [number for number, row in listed.items() if row[0] == number] == ["0019"]


@pytest.fixture(scope="module")
def folders() -> Folders:
    return Folders(House(ROOT))


def test_what_no_run_makes_again_is_listed_as_to_be_kept() -> None:
    """Whatever lies below a source's folder is in the table, or is one of those that a run makes anew."""
    anew = {"raw", "kept", "ingest", "refused", "validate", "matrix", "audit", "backtest", "train", "evaluate"}
    anew |= {"thresholds", "score", "reports", "track", "monitor", "seconds.json", "ran.json", "probed.json"}
    anew |= {"moving.json"}  # while the pointer moves
    paths = Paths(Path("data"), "one")
    places = [getattr(paths, name) for name, found in vars(Paths).items() if isinstance(found, property)]
    below = {place.relative_to(paths.root).parts[0] for place in places if place != paths.root}
    table = text_of("docs/operations.md").split("## What to keep")[1].split("\n## ")[0]
    rows = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `<data-dir>"))
    named = {name.removeprefix("<data-dir>/<source>/") for name in re.findall(r"`([^`]+)`", rows)}
    assert below - anew <= named, "back it up, or a restore loses it"
    assert not anew & named


def test_the_picture_is_what_the_code_says(folders: Folders) -> None:
    assert svg(folders) == text_of(PICTURE), "run: make picture"


def test_the_table_of_folders_is_what_the_code_says(folders: Folders) -> None:
    assert with_table(text_of(PAGE), folders) == text_of(PAGE), "run: make picture"


def test_another_import_is_another_picture(tmp_path: Path) -> None:
    def drawn(text: str) -> str:
        files = {"features/kernel/sweep.py": text, "features/schema/source.py": "", "features/rubric/rule.py": ""}
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return svg(Folders(House(tmp_path)))

    alone = drawn("")
    assert drawn("def late():\n    import features.schema.source\n") != alone == drawn("import features\n")


def test_the_newest_release_of_the_changelog_is_the_version() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text_of("CHANGELOG.md"), re.M)
    assert releases[0] == project["version"]


def test_whatever_was_attacked_names_the_tests_that_try_it_again() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = text.partition("tried again by `pytest ...` |\n|---|---|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [row.strip("| ").rpartition("|")[2].strip(" `") for row in table.splitlines()]
    assert len(rows) >= 18
    for row in rows:
        names, _, wanted = row.partition(" -k ")
        files = [ROOT / name for name in names.split()]
        tests = [
            f"{file.stem}::{name}" for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)
        ]
        assert files and all(file.name.startswith("test_") for file in files), row
        words = wanted.strip('"').split(" or ") if wanted else []
        assert all(any(word in test for test in tests) for word in words), row
