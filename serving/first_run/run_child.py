"""The run itself, in a process of its own: the server answers meanwhile, and reads how far it is."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.errors import ExitStatus

# those of a run, tracking aside: a server knows their names and imports none
STAGES = (
    *("ingest", "validate", "matrix", "audit", "backtest", "train"),
    *("register", "evaluate", "thresholds", "score", "report"),
)
_DONE = re.compile(r"([a-z]+)\s+([0-9.]+) s")
_FINISHED = (ExitStatus.OK, ExitStatus.LEAK, ExitStatus.NO_SIGNAL, ExitStatus.TOO_LITTLE_DATA)


@dataclass(frozen=True)
class RunEnd:
    """How a run ended: ``reason`` and ``message`` of an error, empty where it got to its report."""

    reason: str = ""
    message: str = ""


def run_in_child(
    source: str,
    data_dir: Path,
    tell: Callable[[str, float], None],
    started: Callable[[subprocess.Popen[str]], None],
) -> RunEnd:
    """``leadscore run`` without tracking; ``tell`` gets each stage that is done with its seconds."""
    command = [sys.executable, "-m", "pipelines.cli", "run", "--no-track", "--json"]
    with subprocess.Popen(  # noqa: S603  our own interpreter and command line, no shell
        [*command, "--source", source, "--data-dir", str(data_dir)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as child:
        started(child)
        last = ""
        for line in child.stderr or ():
            done = _DONE.fullmatch(line.strip())
            if done is not None and done[1] in STAGES:
                tell(done[1], float(done[2]))
            elif line.strip():
                last = line.strip()
    if child.returncode in _FINISHED:
        return RunEnd()
    return _problem(last, child.returncode)


def _problem(line: str, status: int) -> RunEnd:
    try:
        error = json.loads(line)["error"]
        return RunEnd(str(error["code"]), str(error["message"]))
    except (ValueError, KeyError, TypeError):
        if status < 0:
            return RunEnd("ended", "the run was ended from outside, perhaps because memory ran out.")
        return RunEnd("failed", f"the run failed with status {status}; 'leadscore run' on this machine says why.")
