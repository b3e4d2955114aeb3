"""The house rules hold: import directions, top level, no pickle, no machine paths, documented decisions."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reference.import_graph import MOST_FILES, House, private_names_used

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "models", "pipelines", "serving")
TOP_LEVEL = {*PACKAGES, "notebooks", "data", "tests", "docs", ".ci", ".dvc"}


def tracked() -> list[str]:
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_imports_run_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_top_level_holds_only_the_declared_rooms() -> None:
    folders = {Path(name).parts[0] for name in tracked() if "/" in name}
    assert folders <= TOP_LEVEL, folders - TOP_LEVEL


@pytest.mark.parametrize("package", PACKAGES)
def test_product_never_unpickles(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        found = re.search(r"\b(pickle|joblib|cloudpickle|dill)\b", re.sub(r'"""[\s\S]*?"""', "", path.read_text()))
        assert found is None, f"{path}: {found}"


def test_generated_data_are_not_tracked() -> None:
    kept = {"sources", "rubrics", "policies", "templates", "README.md"}
    assert all(Path(name).parts[1] in kept for name in tracked() if name.startswith("data/"))


SAME_NAME = {  # each is what its folder makes of it
    ("pipelines", "champion.py"),  # the command, the pointer
    ("pipelines", "monitor.py"),  # the command, the figures
    ("pipelines", "run.py"),  # the commands, the stages in order
    ("serving", "tables.py"),  # of the pages, of the store
    ("serving", "uploads.py"),  # the route, the work
    ("serving", "writes.py"),  # the route, the work
}


@pytest.fixture(scope="module")
def house() -> House:
    return House(ROOT)


def test_no_import_climbs_to_a_higher_room(house: House) -> None:
    assert house.climbing() == []


def test_no_module_of_ours_is_imported_by_string(house: House) -> None:
    # what a declaration names, which may be no module of ours, and where that finds its helpers, which are not imported
    users = ("pipelines.own_code.load_code", "pipelines.own_code.module_texts")
    assert [one for one in house.by_string() if not one.startswith(users)] == []


def test_no_files_import_each_other(house: House) -> None:
    assert house.file_circles() == []


def test_no_folders_import_each_other(house: House) -> None:
    assert house.folder_circles() == []


def test_no_folder_is_a_heap(house: House) -> None:
    assert house.crowded() == {}


def test_long_records_are_filled_by_keyword(house: House) -> None:
    assert house.long_positional_records() == []


def test_tests_use_public_names_of_the_product() -> None:
    for name in tracked():
        if name.startswith("tests/") and name.endswith(".py"):
            assert private_names_used(ROOT / name) == [], name


def test_a_file_name_says_what_it_is_within_its_room(house: House) -> None:
    assert house.namesakes() == SAME_NAME


def _tree(root: Path, files: dict[str, str]) -> House:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return House(root)


@pytest.mark.parametrize(
    "text",
    [
        "from serving.app import create_app\n",
        "def late():\n    import serving.app\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from serving.app import App\n",
    ],
)
def test_a_climbing_import_would_be_seen(tmp_path: Path, text: str) -> None:
    house = _tree(tmp_path, {"pipelines/cli/main.py": text, "serving/app.py": ""})
    assert house.climbing() == ["pipelines.cli.main imports serving.app"]


@pytest.mark.parametrize(
    "call",
    ["import_module('serving.cli')", "importlib.import_module(name)", "__import__('models')", "import_module(f'{x}')"],
)
def test_an_import_by_string_would_be_seen(tmp_path: Path, call: str) -> None:
    assert len(_tree(tmp_path, {"pipelines/cli/main.py": f"app = {call}\n"}).by_string()) == 1


def test_another_package_may_be_imported_by_its_name(tmp_path: Path) -> None:
    assert _tree(tmp_path, {"models/peers.py": "found = import_module('catboost')\n"}).by_string() == []


@pytest.mark.parametrize(
    "second",
    [
        "import features.one\n",
        "from features import one\n",
        "from . import one\n",
        "def late():\n    from features.one import first\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from features.one import First\n",
    ],
)
def test_a_circle_of_files_would_be_seen(tmp_path: Path, second: str) -> None:
    files = {"features/__init__.py": "", "features/one.py": "from features.two import b\n", "features/two.py": second}
    assert _tree(tmp_path, files).file_circles() == [["features.one", "features.two"]]


def test_a_circle_of_folders_would_be_seen(tmp_path: Path) -> None:
    files = {
        "features/rubric/rule.py": "from features.schema.source import Source\n",
        "features/rubric/load.py": "",
        "features/schema/source.py": "",
        "features/schema/loader.py": "from features.rubric.load import load\n",
    }
    house = _tree(tmp_path, files)
    assert house.file_circles() == [] and house.folder_circles() == [["features.rubric", "features.schema"]]


def test_a_heap_and_a_second_file_of_a_name_would_be_seen(tmp_path: Path) -> None:
    house = _tree(tmp_path, {f"serving/file_{k}.py": "" for k in range(MOST_FILES + 1)} | {"serving/api/file_1.py": ""})
    assert house.crowded() == {"serving": MOST_FILES + 1} and house.namesakes() == {("serving", "file_1.py")}


def test_a_long_record_by_position_and_a_private_name_would_be_seen(tmp_path: Path) -> None:
    fields = "".join(f"    f{k}: int\n" for k in range(6))
    text = f"@dataclass(frozen=True)\nclass Long:\n{fields}\n@dataclass(kw_only=True)\nclass Fine:\n{fields}"
    assert _tree(tmp_path, {"models/long.py": text}).long_positional_records() == ["models.long.Long"]
    test = tmp_path / "test_it.py"
    test.write_text("from models.long import _hidden, shown\nfrom models import long\nlong._other()\nlong.__name__\n")
    assert private_names_used(test) == ["_hidden", "long._other"]
