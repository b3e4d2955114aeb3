"""A source's project of Great Expectations: the library's own folder ``gx``, which its users open as any other.

It is worked on in a copy and moved into place file by file, what others refer to first, so that a process killed at any
moment leaves a project that opens. What stands in it beside ours (suites and checkpoints of its users) stays.
"""

import json
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pandas as pd
import yaml

from pipelines.validation.library import great_expectations
from pipelines.workspace.left_overs import process_mark, remove_left_overs
from pipelines.workspace.private_files import file_mode, make_folder, private_umask

DATA_SOURCE = "leadscore"
RUNS_KEPT = 20  # results per suite: weeks of daily runs, and Data Docs of at most 240 pages for the six tables
RESULTS = Path("uncommitted") / "validations"
_DEFINITIONS = ("great_expectations.yml", "expectations", "validation_definitions", "checkpoints")  # in this order
_SETTINGS = "uncommitted/config_variables.yml"  # of its users, who may keep addresses and passwords there
_BEGINNING = ".gx.new."


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Expectations to run on one frame, by the library's own objects.

    Parameters
    ----------
    name : of suite, validation definition and checkpoint
    asset : what the frame is, e.g. ``leads_kept``
    result_format : how much of the rows a result may hold
    """

    name: str
    asset: str
    frame: pd.DataFrame
    expectations: Sequence[Any]
    result_format: str | Mapping[str, Any]


class Project:
    """A project at work; see :func:`open_project`."""

    def __init__(self, folder: Path, run_name: str) -> None:
        gx = great_expectations()
        from great_expectations.core.run_identifier import RunIdentifier
        from great_expectations.data_context.types.base import ProgressBarsConfig

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of settings that are there already
            self.context = gx.get_context(mode="file", context_root_dir=str(folder))
        self.context.variables.progress_bars = ProgressBarsConfig(globally=False)
        self.context.variables.analytics_enabled = False
        self.context.variables.save()
        found = self.context.data_sources.all().get(DATA_SOURCE)
        self._source = found or self.context.data_sources.add_pandas(DATA_SOURCE)
        self._run = RunIdentifier(run_name=run_name, run_time=datetime.now(UTC))
        self._ran: list[str] = []

    def run(self, suite: Suite) -> list[dict[str, Any]]:
        """Store a suite with its checkpoint, run it, store the result; one record per expectation, in their order."""
        for place, expectation in enumerate(suite.expectations):
            expectation.meta = {**(expectation.meta or {}), "place": place}
        checkpoint = self._checkpoint(suite)
        done = checkpoint.run(batch_parameters={"dataframe": suite.frame}, run_id=self._run)
        self._ran.append(suite.name)
        results = next(iter(done.run_results.values())).to_json_dict()["results"]
        return sorted(results, key=lambda one: int(one["expectation_config"]["meta"]["place"]))

    def _checkpoint(self, suite: Suite) -> Any:
        """The checkpoint of a suite, stored as it is now; what is stored already keeps its id.

        The library's ``add_or_update`` of a checkpoint would store its suite three times over.
        """
        gx, context = great_expectations(), self.context
        stored = context.suites.add_or_update(
            gx.ExpectationSuite(name=suite.name, expectations=list(suite.expectations))
        )
        if suite.name in self._known(context.checkpoints):
            checkpoint = context.checkpoints.get(suite.name)
            if checkpoint.result_format == suite.result_format:
                return checkpoint
        definition = context.validation_definitions.add_or_update(
            gx.ValidationDefinition(name=suite.name, data=self._batch(suite.asset), suite=stored)
        )
        return context.checkpoints.add_or_update(
            gx.Checkpoint(name=suite.name, validation_definitions=[definition], result_format=suite.result_format)
        )

    def _batch(self, asset: str) -> Any:
        """The whole frame of an asset."""
        if asset in self._source.get_asset_names():
            return self._source.get_asset(asset).get_batch_definition("all")
        return self._source.add_dataframe_asset(asset).add_batch_definition_whole_dataframe("all")

    def _known(self, kind: Any) -> set[str]:
        return {one.name for one in kind.all()}

    def forget_suites(self, ours: Sequence[str]) -> None:
        """Drop what earlier runs stored under names of ours and this run did not use."""
        stale = set(ours) - set(self._ran)
        for kind in (self.context.checkpoints, self.context.validation_definitions, self.context.suites):
            for name in self._known(kind) & stale:
                kind.delete(name)


@contextmanager
def open_project(folder: Path, run_name: str) -> Iterator[Project]:
    """The project of a folder, to run suites in; its files take their places when the block ends without an error."""
    make_folder(folder.parent)
    remove_left_overs(folder.parent, _BEGINNING)
    new = Path(mkdtemp(dir=folder.parent, prefix=f"{_BEGINNING}{process_mark()}."))
    try:
        with private_umask():
            copied = _copy_definitions(folder, new)
            project = Project(new, run_name)
            if not (
                folder / _SETTINGS
            ).exists():  # the library's own beginning of it takes longer to read than the rest
                (new / _SETTINGS).write_text("{}\n", encoding="utf-8")
            yield project
            _without_tracebacks(new / RESULTS)
        _publish(new, folder, copied)
        _drop_old_results(folder / RESULTS)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _copy_definitions(folder: Path, new: Path) -> dict[Path, bytes]:
    """Suites, checkpoints and settings, but no results; what cannot be read any more is made anew. Returns what they
    held, by path within the project.
    """
    copied = {}
    for name in (*_DEFINITIONS, _SETTINGS):
        for file in _files(folder / name):
            if _can_be_read(file):
                there = new / file.relative_to(folder)
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, there)
                copied[file.relative_to(folder)] = there.read_bytes()
    return copied


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())


def _can_be_read(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            json.loads(text)
        if file.suffix == ".yml":
            return isinstance(yaml.safe_load(text), dict)
    except (ValueError, yaml.YAMLError):
        return False
    return True


def _without_tracebacks(results: Path) -> None:
    """What an expectation that could not be evaluated left in its result: values of rows and paths of this machine."""
    for file in _files(results):
        if file.suffix != ".json":
            continue
        stored = json.loads(file.read_text(encoding="utf-8"))
        raised = [one for one in stored["results"] if raised_exception(one)]
        for one in raised:
            told = {"raised_exception": True, "exception_message": problem_of(one), "exception_traceback": None}
            one["exception_info"] = told
        if raised:
            file.write_text(json.dumps(stored, indent=2, sort_keys=True), encoding="utf-8")


def raised_exception(result: Mapping[str, Any]) -> bool:
    """Whether an expectation could not be evaluated."""
    return any(one.get("raised_exception", False) for one in _exceptions(result))


def problem_of(result: Mapping[str, Any]) -> str:
    """Why an expectation could not be evaluated: the kind of error alone, as its text may hold values."""
    if not raised_exception(result):
        return ""
    traces = [str(one.get("exception_traceback") or "").strip() for one in _exceptions(result)]
    kinds = {trace.splitlines()[-1].split(":")[0].split(".")[-1] for trace in traces if trace}
    return f"it cannot be evaluated on these rows ({', '.join(sorted(kinds)) or 'error'})"


def _exceptions(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """One, or one per metric."""
    info = result.get("exception_info") or {}
    return [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, dict)]


def _publish(new: Path, folder: Path, copied: Mapping[Path, bytes]) -> None:
    """What this run changed, made or dropped takes its place; what users saved meanwhile stays."""
    make_folder(folder)
    for name in _DEFINITIONS:
        made = [file.relative_to(new) for file in _files(new / name)]
        for file in made:
            if copied.get(file) != (new / file).read_bytes():
                _move(new / file, folder / file)
        for file in _files(folder / name):
            own = file.relative_to(folder)
            if own not in made and (own in copied or not _can_be_read(file)):
                file.unlink()
    for file in _files(new):  # results, and what the library puts into a new project
        there = folder / file.relative_to(new)
        if RESULTS in file.relative_to(new).parents or not there.exists():
            _move(file, there)


def _move(file: Path, there: Path) -> None:
    make_folder(there.parent)
    file.chmod(file_mode())
    file.replace(there)


def _drop_old_results(results: Path) -> None:
    """Per suite the newest runs stay: ``<suite>/<run name>/<run time>/<batch>.json``."""
    for suite in results.glob("*/"):
        runs = sorted((run for run in suite.glob("*/*/") if run.is_dir()), key=lambda run: run.name, reverse=True)
        for run in runs[RUNS_KEPT:]:
            shutil.rmtree(run)
