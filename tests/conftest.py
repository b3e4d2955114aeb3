"""Fixtures of all tests; tests on real data run if and only if LEADSCORE_DATA names the folder that holds them."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".cache" / "numba"))
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("LEADSCORE_TRACK_SECONDS", "300")  # real servers of tests share a busy machine
settings.register_profile("leadscore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("leadscore")  # a busy machine is no fault of what is tried
MANY_MODULES = 200
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# pyspark.sql.connect ends the process of whoever imports it from a main module without a file, as a test worker's is
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__


@pytest.hookimpl(trylast=True)  # halves are of the tests that run, without those that a mark leaves out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not os.environ.get("LEADSCORE_DATA"):
        left_out = [item for item in items if item.get_closest_marker("real_data")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]
    if "PYTEST_XDIST_WORKER" in os.environ:
        _put_off(items)


def _put_off(items: list[pytest.Item]) -> None:
    """Files that need the tiny run come last in the half of each of two workers: by then it is made, and none waits."""
    late = {item.path for item in items if _needs_tiny_run(item)}
    half = len(items) // 2
    for part in (slice(0, half), slice(half, None)):
        items[part] = sorted(items[part], key=lambda item: item.path in late)


def _needs_tiny_run(item: pytest.Item) -> bool:
    return "tiny_demo" in getattr(item, "fixturenames", ())


class _Kept:
    """What was imported and collected lives to the end, so that the search for garbage after every stage skips it.

    A worker holds a million such objects: to look at them all takes half a second, ten times in a run of the pipeline.
    """

    def __init__(self) -> None:
        self.modules = 0
        self.undone = False
        # noted, for counting what is frozen after each test would take as long as many a test
        self._unfreeze, gc.unfreeze = gc.unfreeze, self._note_unfreeze

    def _note_unfreeze(self) -> None:
        self.undone = True
        self._unfreeze()

    def pytest_collection_finish(self) -> None:
        self._keep()

    def pytest_runtest_teardown(self) -> None:
        """A test may have imported a large library, or ended a server that searches everything again."""
        if len(sys.modules) > self.modules + MANY_MODULES or self.undone:
            self._keep()

    def _keep(self) -> None:
        gc.collect()
        gc.freeze()
        self.modules, self.undone = len(sys.modules), False


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Kept())


@pytest.fixture(scope="session")
def leadscore_data() -> Path:
    """The folder of real data; tests that use it are marked ``real_data``."""
    return Path(os.environ["LEADSCORE_DATA"])


@pytest.fixture(scope="session")
def tiny_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny run lies that all workers share."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tiny_demo"


@pytest.fixture(scope="session", autouse=True)
def tiny_run_ahead(request: pytest.FixtureRequest, tiny_place: Path) -> Iterator[None]:
    """The first of several workers has the tiny run made beside the tests that do without it."""
    if os.environ.get("PYTEST_XDIST_WORKER") != "gw0" or not any(map(_needs_tiny_run, request.session.items)):
        yield
        return
    making = subprocess.Popen(
        [sys.executable, "-m", "tests.reference.tiny_run", str(tiny_place)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    yield
    making.kill()  # long done, or not waited for by a run that was broken off
    making.wait()


@pytest.fixture(scope="session")
def probed_once() -> Iterator[None]:
    """A bundle of the same bytes is probed once: each probe is a process of its own, which takes seconds to begin."""
    from models.bundle_probe import probe_bundle

    passed = set()

    def probe(folder: Path, bundle_hash: str) -> None:
        files = tuple((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))
        if (asked := (bundle_hash, hash(files))) not in passed:
            probe_bundle(folder, bundle_hash)
            passed.add(asked)

    with patch("pipelines.registry.soundness.probe_bundle", probe):
        yield


@pytest.fixture(scope="session")
def counted_once() -> Iterator[None]:
    """Servers on the same rows count what their pages show once: it took a quarter of the time of tests of pages."""
    from tests.reference import counted_once as of_same_rows

    with of_same_rows.counted_once():
        yield


@pytest.fixture(scope="session")
def tiny_demo(tiny_place: Path, probed_once: None, counted_once: None) -> Any:
    """One whole run on a tiny demo, made once and shared by all workers: read it, never write to it."""
    from tests.reference.tiny_run import make_once, open_run

    make_once(tiny_place)
    return open_run(tiny_place)


@pytest.fixture(autouse=True)
def tiny_run_is_only_read(request: pytest.FixtureRequest, tiny_place: Path) -> Iterator[None]:
    """Fails the test that writes to the shared run, and not another one an hour later."""
    if not _needs_tiny_run(request.node):
        yield
        return
    from tests.reference.tiny_run import stamps

    request.getfixturevalue("tiny_demo")
    before = stamps(tiny_place)
    yield
    changed = sorted(str(path) for path, _ in before ^ stamps(tiny_place))
    assert not changed, f"the run that all tests share was written to (use tiny_copy): {', '.join(changed)}"


@pytest.fixture
def tiny_copy(tiny_demo: Any, tmp_path: Path) -> Any:
    """A copy of the tiny run that a test may change."""
    from tests.reference.tiny_run import copy_run

    return copy_run(tiny_demo, tmp_path / "tiny_demo")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Calls the command line in this process; returns exit status, standard output and standard error."""
    from pipelines.cli.main import main

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["leadscore", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server of our own; tests that use it are marked ``postgres``."""
    from tests.reference.postgres import run_postgres

    with run_postgres() as url:
        yield url
